"""The compared network: counts, shapes, order of flattening."""

import pytest
import torch

from audiolab.models.sbcnn import SBCNN


def test_parameter_counts():
    model = SBCNN()
    trained = sum(p.numel() for p in model.parameters())
    statistics = sum(b.numel() for b in model.buffers() if b.ndim)
    assert (trained, trained + statistics) == (514_890, 515_274)
    convolutions = [sum(p.numel() for p in block[0].parameters()) for block in model.blocks]
    assert convolutions == [1_664, 102_464, 102_464]
    assert sum(p.numel() for p in model.dense.parameters()) == 307_264
    assert sum(p.numel() for p in model.read_out_layer.parameters()) == 650


def test_shapes_through_the_layers():
    model = SBCNN().eval()
    x = torch.rand(2, 43, 128)
    h, shapes = x[:, None], []
    for block in model.blocks:
        h = block(h)
        shapes.append(tuple(h.shape[1:]))
    assert shapes == [(64, 19, 62), (64, 7, 29), (64, 3, 25)]
    output = model(x)
    assert output.logits.shape == (2, 10)
    assert output.embedding.shape == (2, 64)
    assert float(output.embedding.detach().min()) >= 0


def test_dense_layer_reads_time_then_frequency_then_channel():
    model = SBCNN(dropout=0.0).eval()
    x = torch.rand(1, 43, 128)
    h = model.blocks(x[:, None])[0].detach()  # (C, T, F)
    weight, bias = model.dense.weight.detach(), model.dense.bias.detach()
    rows = weight.reshape(64, 3, 25, 64)  # (D, T, F, C)
    slow = torch.relu(torch.einsum("ctf,dtfc->d", h, rows) + bias)
    torch.testing.assert_close(model(x).embedding[0], slow, atol=1e-4, rtol=1e-4)


def test_batch_normalisation_follows_keras():
    norms = [m for m in SBCNN().modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert [(n.eps, n.momentum) for n in norms] == [(1e-3, 0.01)] * 3


def test_generator_decides_the_start():
    one, two, other = (SBCNN(generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(one.dense.weight, two.dense.weight)
    assert not torch.equal(one.dense.weight, other.dense.weight)


def test_wrong_sizes_are_named():
    with pytest.raises(ValueError, match="n_frames"):
        SBCNN(n_frames=31)
    with pytest.raises(ValueError, match="n_mels"):
        SBCNN(n_mels=20)
    with pytest.raises(ValueError, match="x: expected"):
        SBCNN()(torch.zeros(2, 42, 128))
    assert SBCNN(n_frames=32, n_mels=32).eval()(torch.zeros(1, 32, 32)).logits.shape == (1, 10)
