"""The recipe's defaults are the published ones, whatever the profile does to sizes."""

import re
from pathlib import Path

import pytest

from audiolab.recipes import local_prototypes
from audiolab.recipes.base import PROFILES
from audiolab.recipes.local_prototypes import LocalPrototypes

PUBLISHED = {
    "sample_rate": 22050, "n_fft": 4096, "hop_length": 1070, "n_mels": 128, "top_db": 80.0, "n_prototypes": 15,
    "n_channels": 32, "time_reduce": "sum", "learning_rate": 1e-3, "betas": (0.9, 0.999), "adam_eps": 1e-7,
}


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_keep_the_published_network(profile):
    recipe = LocalPrototypes().at(profile)
    assert {name: getattr(recipe, name) for name in PUBLISHED} == PUBLISHED
    assert (recipe.n_frames, recipe.cnn_n_frames, recipe.n_segments) == (20, 43, 10)


def test_paper_sizes():
    paper = LocalPrototypes().at("paper")
    assert (paper.batch_size, paper.max_epochs, paper.n_train_clips * paper.n_segments) == (256, 50, 60000)
    assert paper.patience > paper.max_epochs


def test_small_world_sizes():
    small = LocalPrototypes().at("demo").for_small_world()
    assert (small.n_classes, small.batch_size, small.max_epochs, small.n_train_clips) == (5, 32, 5, 150)


def test_every_field_says_where_it_comes_from():
    source = Path(local_prototypes.__file__).read_text().split("sizes:")[0]
    fields = re.findall(r"^    (\w+): .+ = .+$", source, flags=re.M)
    commented = re.findall(r"^    (\w+): .+ = .+#.*\w", source, flags=re.M)
    assert len(fields) > 30
    assert [f for f in fields if f not in commented and not f.startswith("small_")] == []
