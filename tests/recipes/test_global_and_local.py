"""The recipe's defaults are the published ones; the smaller profiles change sizes only, and each field has a source."""

import re
from pathlib import Path

import pytest

from audiolab.recipes import global_and_local
from audiolab.recipes.base import PROFILES
from audiolab.recipes.global_and_local import GlobalAndLocal

PUBLISHED = {
    "hop_length": 320, "f_min": 50.0, "window_s": 3.0, "share": "none", "freeze_global": False,
    "frame_classifier": "global", "suppress": True, "learning_rate": 1e-3, "betas": (0.9, 0.999), "adam_eps": 1e-8,
}  # fmt: skip


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_keep_the_published_method(profile):
    recipe = GlobalAndLocal().at(profile)
    assert {name: getattr(recipe, name) for name in PUBLISHED} == PUBLISHED
    assert recipe.clip_samples == 10 * recipe.sample_rate
    assert recipe.window_samples == 3 * recipe.sample_rate


def test_paper_sizes():
    paper = GlobalAndLocal().at("paper")
    assert (paper.sample_rate, paper.n_fft, paper.f_max) == (32000, 1024, 14000)
    assert (paper.n_windows, paper.batch_size, paper.n_mels) == (5, 32, 64)
    assert (paper.dropout, paper.augment) == (1.0, True)
    assert (paper.amsgrad, paper.balanced, paper.mixup) == (True, True, False)
    assert paper.max_epochs == -(-800_000 * 32 // paper.n_train_clips)


def test_every_field_says_where_it_comes_from():
    source = Path(global_and_local.__file__).read_text().split("sizes:")[0]
    fields = re.findall(r"^    (\w+): .+ = .+$", source, flags=re.M)
    commented = set(re.findall(r"^    (\w+): .+ = .+#.*\w", source, flags=re.M))
    adopted = source.split("adopted throughout")[1]
    assert len(fields) > 30
    assert [name for name in fields if name not in commented and name not in adopted] == []


def test_switches_that_came_later_leave_the_first_runs_alone():
    study = GlobalAndLocal().at("study")
    assert study.later == {name: getattr(study, name) for name in study.later}
    assert study.hash() == "d8b4ac4886f1"
    assert len({study.but(**{name: True}).hash() for name in study.later} | {study.hash()}) == 4
