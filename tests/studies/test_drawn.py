"""Drawn batches: classes in balance, mixtures with one weight for sound and labels, epochs that repeat."""

import numpy as np
import pytest
import torch

from audiolab import training
from audiolab.studies.drawn import DrawnLoader

Y = np.zeros((12, 4), dtype="float32")
Y[:10, 0] = Y[10, 1] = Y[11, 2] = 1  # class 3 has no clip


@pytest.fixture
def plain():
    x = np.arange(12, dtype="float32")[:, None] * np.ones((1, 5), dtype="float32")
    return training.make_loader(x, Y, batch_size=4, shuffle=True)


def test_each_class_comes_equally_often(plain):
    loader = DrawnLoader(plain, balanced=True)
    batches = list(loader.epoch(3, 1))
    assert [len(b.x) for b in batches] == [4, 4, 4]
    assert len(loader) == len(plain) == 3
    assert torch.cat([b.y for b in batches]).sum(0).tolist() == [4, 4, 4, 0]
    assert all(torch.equal(torch.as_tensor(Y)[b.x[:, 0].long()], b.y) for b in batches)


def test_an_epoch_depends_on_seed_and_number_alone(plain):
    loader = DrawnLoader(plain, balanced=True, mixed=True)
    first, again = (torch.cat([b.x for b in loader.epoch(1, 2)]) for _ in range(2))
    assert torch.equal(first, again)
    for other in ((1, 3), (2, 2)):
        assert not torch.equal(first, torch.cat([b.x for b in loader.epoch(*other)]))


def test_mixtures_have_one_weight_for_sound_and_labels(plain):
    names = torch.eye(12)
    loader = DrawnLoader(training.make_loader(names, names, batch_size=5, shuffle=True), mixed=True)
    batches = list(loader.epoch(0, 1))
    assert [len(b.x) for b in batches] == [5, 5, 2]
    together = torch.cat([b.x for b in batches])
    assert torch.equal(together, torch.cat([b.y for b in batches]))
    torch.testing.assert_close(together.sum(1), torch.ones(12))
    assert ((together > 0).sum(1) <= 2).all()
    assert ((together > 0).sum(1) == 2).any()


def test_evaluation_sees_the_clips_as_they_are(plain):
    loader = DrawnLoader(plain, balanced=True, mixed=True)
    assert torch.equal(torch.cat([b.x for b in loader]), plain.x)


def test_no_class_with_a_clip_is_named(plain):
    empty = training.make_loader(plain.x, np.zeros((12, 4)), batch_size=4)
    with pytest.raises(ValueError, match="at least one class with a clip"):
        DrawnLoader(empty, balanced=True)
