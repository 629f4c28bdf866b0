"""A decoded patch is measured against what truly sounded, and the controls differ in what is decoded alone."""

import numpy as np
import pytest
import torch

from audiolab.features.melspec import LogMel, MinMaxScaler, to_segments
from audiolab.models.attprotos import AttProtos
from audiolab.studies import prototype_patches as study
from audiolab.worlds.small import make_small_scene


@pytest.fixture(scope="module")
def setting():
    front_end = LogMel()
    scenes = [make_small_scene(seed=seed, stems=True) for seed in (1, 2)]
    samples = torch.as_tensor(np.stack([scene.samples for scene in scenes]))
    scaler = MinMaxScaler().fit(to_segments(samples, front_end))
    model = AttProtos(n_classes=5, generator=torch.Generator().manual_seed(0))
    return model, scenes, scaler, front_end


def test_likeness_is_the_best_correlation():
    rng = np.random.default_rng(0)
    patch, others = rng.normal(size=(4, 6)), rng.normal(size=(7, 4, 6))
    slow = max(np.corrcoef(patch.ravel(), other.ravel())[0, 1] for other in others)
    assert study.likeness(patch, others) == pytest.approx(slow)
    assert study.likeness(3 * patch - 8, np.concatenate([others, patch[None]])) == pytest.approx(1)
    assert study.likeness(np.ones((4, 6)), others) == 0
    assert study.likeness(patch, np.zeros((1, 4, 6))) == 0


def test_true_patches_are_the_seconds_in_which_a_class_sounds(setting):
    _, scenes, scaler, front_end = setting
    patches = study.true_patches(scenes, scaler, front_end)
    assert patches.shape[1:] == (20, 128)
    seconds = {
        (number, event.label, second)
        for number, scene in enumerate(scenes) for event in scene.events for second in range(10)
        if event.onset_s < second + 1 and event.offset_s > second
    }
    assert len(patches) == len(seconds)
    quiet = scenes[0]._replace(events=())
    with pytest.raises(ValueError, match="at least one event"):
        study.true_patches([quiet], scaler, front_end)


def test_only_what_is_decoded_differs(setting):
    model, *rest = setting
    before = model.prototypes.detach().clone()
    found = {points: study.patch_likeness(model, *rest, points=points, seed=3) for points in study.POINTS}
    assert torch.equal(model.prototypes, before)
    assert all(-1 <= one["likeness"] <= 1 for one in found.values())
    assert len({one["likeness"] for one in found.values()}) == 3
    assert len({one["n_true_patches"] for one in found.values()}) == 1
    # The same places, and so the same seconds whose masks are used.
    assert len({round(one["likeness_masks"], 6) for one in found.values()}) == 1
    assert study.patch_likeness(model, *rest, points="random", seed=3) == found["random"]
    assert study.patch_likeness(model, *rest, points="random", seed=4) != found["random"]


def test_a_decoder_that_draws_the_truth_is_like_it(setting, monkeypatch):
    model, scenes, scaler, front_end = setting
    patches = study.true_patches(scenes, scaler, front_end)
    varied = [min(patch[:, band : band + 16].std() for band in range(0, 128, 16)) for patch in patches]
    truth = patches[int(np.argmax(varied))]  # silent bands have no pattern
    monkeypatch.setattr(study, "decode_prototype", lambda *arguments: truth)
    assert study.patch_likeness(model, scenes, scaler, front_end)["likeness"] > 0.999


def test_bad_input_is_named(setting):
    model, scenes, *rest = setting
    with pytest.raises(ValueError, match=r"points.*'half'"):
        study.patch_likeness(model, scenes, *rest, points="half")
    with pytest.raises(ValueError, match="stems"):
        study.patch_likeness(model, [scenes[0]._replace(stems=None)], *rest)
