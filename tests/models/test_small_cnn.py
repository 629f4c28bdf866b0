"""The small clip classifier: shapes, counts, pooling and learning."""

import pytest
import torch
from torch.nn import functional

from audiolab.models.small_cnn import SmallCNN


def make(**options):
    return SmallCNN(generator=torch.Generator().manual_seed(0), **options)


def test_shapes_and_parameter_count():
    model = make(n_classes=10)
    output = model.eval()(torch.zeros(2, 216, 64))
    assert output.logits.shape == (2, 10)
    assert output.embedding.shape == (2, 64)
    convolutions = sum(9 * a * b + 2 * b for a, b in ((1, 8), (8, 16), (16, 32), (32, 64)))
    assert sum(p.numel() for p in model.parameters()) == convolutions + 64 * 10 + 10


def test_equal_generators_give_equal_weights():
    first, second = make(), make()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_a_shift_by_the_pooling_step_keeps_the_answer_of_a_lone_sound():
    model = make().eval()
    x = torch.full((1, 256, 64), -40.0)
    x[:, 112:128, 20:30] = 0.0
    torch.testing.assert_close(model(x).logits, model(x.roll(16, dims=1)).logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", [(64, 64), (1, 8, 64), (1, 1, 64, 64)])
def test_a_wrong_input_is_named(shape):
    with pytest.raises(ValueError, match="x: expected"):
        make()(torch.zeros(shape))


def test_every_parameter_learns_and_four_clips_are_learnt():
    model = make(n_classes=4, dropout=0.0)
    x = torch.full((4, 64, 64), -80.0)
    for k in range(4):
        x[k, :, 16 * k : 16 * k + 16] = 0.0
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for step in range(30):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x).logits, torch.arange(4))
        loss.backward()
        if step == 0:
            assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
        optimizer.step()
    assert loss < 0.1
