"""The local-prototype network: counts, shapes and the identities its explanation rests on."""

import pytest
import torch
from torch.nn import functional

from audiolab.models.attprotos import AttProtos, place_prototypes, reduce_time, value_mask


def make_model(seed=0, **options):
    """A model with biases and prototypes large enough to matter."""
    generator = torch.Generator().manual_seed(seed)
    model = AttProtos(generator=generator, **options)
    with torch.no_grad():
        for layer in (*model.encoder, *model.attention, *model.decoder):
            layer.bias.uniform_(-0.1, 0.1, generator=generator)
    return model


def make_input(seed=0, n=3, n_frames=20, n_mels=128):
    return 2 * torch.rand(n, n_frames, n_mels, generator=torch.Generator().manual_seed(seed)) - 1


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_parameter_counts():
    model = AttProtos()
    assert count(model) == 147_920
    parts = {"encoder": 52_096, "attention": 38_479, "decoder": 52_065, "read_out_layer": 4_800}
    assert {name: count(getattr(model, name)) for name in parts} == parts
    assert model.prototypes.numel() == 480
    assert [count(layer) for layer in model.encoder] == [832, 25_632, 25_632]
    assert [count(layer) for layer in model.attention] == [832, 25_632, 12_015]
    assert [count(layer) for layer in model.decoder] == [25_632, 25_632, 801]


def test_shapes():
    output = make_model()(make_input())
    shapes = [tuple(t.shape) for t in output[:-1]]
    latent, maps, spectrogram = (3, 5, 32, 32), (3, 5, 32, 15), (3, 20, 128)
    assert shapes == [(3, 10), latent, maps, maps, latent, spectrogram, spectrogram]
    assert [tuple(mask.shape) for mask in output.masks] == [(3, 20, 128, 32), (3, 10, 64, 32)]
    assert float(output.attention.detach().min()) >= 0
    torch.testing.assert_close(output.attention, output.pre_attention.clamp_min(0))


def test_other_sizes():
    model = AttProtos(n_classes=3, n_mels=64, n_prototypes=4, n_channels=6, kernel_size=3)
    output = model(make_input(n=2, n_frames=8, n_mels=64))
    assert output.attention.shape == (2, 2, 16, 4)
    assert output.embedding.shape == (2, 2, 16, 6)
    assert output.logits.shape == (2, 3)
    assert model.read_out_weight.shape == (16, 4, 3)


@pytest.mark.parametrize(
    ("shape", "word"),
    [((2, 21, 128), "multiple of 4"), ((2, 20, 126), "F=128"), ((2, 1, 20, 128), "shape"), ((2, 0, 128), "T=0")],
)
def test_inputs_that_do_not_divide_are_refused(shape, word):
    model = AttProtos()
    for call in (model, model.detect, model.encode):
        with pytest.raises(ValueError, match=word):
            call(torch.zeros(shape))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"n_mels": 126}, "n_mels"),
        ({"time_reduce": "max"}, "time_reduce"),
        ({"kernel_size": 4}, "kernel_size"),
        ({"n_prototypes": 0}, "n_prototypes"),
    ],
)
def test_wrong_options_are_named(options, word):
    with pytest.raises(ValueError, match=word):
        AttProtos(**options)


def test_masks_of_another_segment_size_are_refused():
    model = AttProtos()
    z, masks = model.encode(make_input())
    with pytest.raises(ValueError, match="masks"):
        model.decode(z[:1], masks)


def test_start_values():
    """Glorot-uniform bounds, zero biases, prototypes within 0.05; the generator alone decides."""
    one, two = (AttProtos(generator=torch.Generator().manual_seed(3)) for _ in range(2))
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)
    bound = (6 / (25 * 32 + 25 * 32)) ** 0.5
    largest = float(one.encoder[1].weight.detach().abs().max())
    assert 0.99 * bound < largest <= bound
    assert float(one.prototypes.detach().abs().max()) <= 0.05
    assert float(one.prototypes.detach().abs().max()) > 0.045
    assert all(float(layer.bias.detach().abs().max()) == 0 for layer in one.decoder)


@pytest.mark.parametrize("time_reduce", ["sum", "mean"])
def test_read_out_is_a_plain_sum_of_products(time_reduce):
    """Logit k by loops over the flattened kernel, row f M + m, and by gradient times input at S."""
    model = make_model(time_reduce=time_reduce)
    output = model(make_input(n=2))
    summed = getattr(output.attention, time_reduce)(dim=1).detach()
    kernel = model.read_out_layer.weight.detach().T  # (480, K)
    for b in range(2):
        for k in range(10):
            logit = sum(float(summed[b, f, m] * kernel[15 * f + m, k]) for f in range(32) for m in range(15))
            assert logit == pytest.approx(output.logits[b, k].item(), abs=1e-5)
    attention = output.attention.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(model.read_out(attention)[:, 4].sum(), attention)
    torch.testing.assert_close((gradient * attention).sum(dim=(1, 2, 3)), output.logits[:, 4], atol=1e-5, rtol=1e-5)


def test_detect_equals_forward():
    model, x = make_model(), make_input()
    torch.testing.assert_close(model.detect(x), model(x).logits, atol=0, rtol=0)


def test_sum_is_frames_times_mean():
    attention = make_model()(make_input()).attention
    torch.testing.assert_close(reduce_time(attention, "sum"), 5 * reduce_time(attention, "mean"))


def test_latent_map_is_a_1x1_convolution():
    model = make_model()
    output = model(make_input())
    kernel = model.prototypes.T[:, :, None, None]  # (C, M, 1, 1)
    convolved = functional.conv2d(output.attention.permute(0, 3, 1, 2), kernel).permute(0, 2, 3, 1)
    torch.testing.assert_close(output.z_hat, convolved, atol=1e-5, rtol=1e-5)
    summed = torch.einsum("btfm,mc->btfc", output.attention, model.prototypes)
    torch.testing.assert_close(output.z_hat, summed, atol=1e-5, rtol=1e-5)
    doubled = place_prototypes(2 * output.attention, model.prototypes)
    torch.testing.assert_close(doubled, 2 * output.z_hat)


def test_permuted_prototypes_change_nothing():
    model, x = make_model(), make_input()
    before = model(x)
    order = torch.randperm(15, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        model.prototypes.copy_(model.prototypes[order].clone())
        model.attention[2].weight.copy_(model.attention[2].weight[order].clone())
        model.attention[2].bias.copy_(model.attention[2].bias[order].clone())
        weight = model.read_out_layer.weight.reshape(10, 32, 15)[:, :, order]
        model.read_out_layer.weight.copy_(weight.reshape(10, 480).clone())
    after = model(x)
    torch.testing.assert_close(after.attention, before.attention[..., order], atol=1e-5, rtol=1e-5)
    for name in ("logits", "z_hat", "reconstruction_hat"):
        torch.testing.assert_close(getattr(after, name), getattr(before, name), atol=1e-5, rtol=1e-5)


def test_scale_can_move_from_latent_map_to_decoder():
    """Z and P times a, the first decoder kernel divided by a: the same pictures, a^2 times the latent error."""
    model, x, a = make_model(), make_input(), 0.1
    before = model(x)
    with torch.no_grad():
        model.encoder[2].weight.mul_(a)
        model.encoder[2].bias.mul_(a)
        model.prototypes.mul_(a)
        model.decoder[0].weight.div_(a)
    after = model(x)
    for name in ("logits", "reconstruction", "reconstruction_hat"):
        torch.testing.assert_close(getattr(after, name), getattr(before, name), atol=1e-5, rtol=1e-5)
    error, smaller = (((o.embedding - o.z_hat) ** 2).mean().item() for o in (before, after))
    assert smaller == pytest.approx(a**2 * error, rel=1e-4)


def test_the_decision_depends_on_attention_and_read_out_only():
    model = make_model()
    model(make_input()).logits.square().sum().backward()
    for name, parameter in model.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        assert reached == name.startswith(("attention", "read_out_layer")), name


def test_every_parameter_learns_from_the_whole_output():
    model = make_model()
    output = model(make_input())
    total = output.logits.square().sum() + output.reconstruction.square().sum()
    (total + output.reconstruction_hat.square().sum()).backward()
    assert all(bool(p.grad.abs().sum() > 0) for p in model.parameters())


def test_order_of_latent_frames_does_not_matter():
    model = make_model()
    attention = model.attend(make_input())[0]
    shuffled = attention[:, [3, 0, 4, 1, 2]]
    torch.testing.assert_close(model.read_out(shuffled), model.read_out(attention), atol=1e-5, rtol=1e-5)


def test_no_evidence_is_exactly_one_half():
    probabilities = torch.sigmoid(make_model().read_out(torch.zeros(2, 5, 32, 15)))
    assert torch.equal(probabilities, torch.full((2, 10), 0.5))
    assert not bool((probabilities > 0.5).any())


def decode_by_indices(model, x):
    """The same encoder and decoder with torch's index unpooling."""
    h, indices = x[:, None], []
    for layer in model.encoder[:2]:
        h, index = functional.max_pool2d(functional.leaky_relu(layer(h), 0.3), 2, return_indices=True)
        indices.append(index)
    h = functional.leaky_relu(model.encoder[2](h), 0.3)
    for layer, index in zip(model.decoder[:2], reversed(indices), strict=True):
        h = functional.leaky_relu(functional.max_unpool2d(layer(h), index, 2), 0.3)
    return torch.tanh(model.decoder[2](h)).squeeze(1)


def test_without_ties_masks_are_index_unpooling():
    model, x = make_model().double(), make_input().double()
    output = model(x)
    assert [float(mask.mean()) for mask in output.masks] == [0.25, 0.25]
    torch.testing.assert_close(output.reconstruction, decode_by_indices(model, x), atol=1e-12, rtol=0)


def test_with_ties_every_maximum_passes():
    flat = torch.ones(1, 1, 4, 4)
    pooled, index = functional.max_pool2d(flat, 2, return_indices=True)
    assert value_mask(flat, pooled).sum() == 16
    assert (functional.max_unpool2d(pooled, index, 2) > 0).sum() == 4
    model = make_model()
    silent = -torch.ones(2, 20, 128)
    masks = model.encode(silent)[1]
    assert float(masks[0].mean()) > 0.5
    with torch.no_grad():
        assert float((model(silent).reconstruction - decode_by_indices(model, silent)).abs().max()) > 1e-3


def test_masks_carry_no_gradient():
    masks = make_model().encode(make_input().requires_grad_(True))[1]
    assert not any(mask.requires_grad for mask in masks)


@pytest.mark.parametrize(("frame", "band"), [(2, 16), (4, 20), (0, 0), (6, 31)])
def test_receptive_field_of_a_latent_cell(frame, band):
    """Average pooling in place of maximum pooling and positive kernels show every cell that can matter."""
    model = make_model()
    with torch.no_grad():
        for layer in model.encoder:
            layer.weight.fill_(1.0)
    x = torch.rand(1, 40, 128, generator=torch.Generator().manual_seed(0), requires_grad=True)
    h = x[:, None]
    for layer in model.encoder[:2]:
        h = functional.avg_pool2d(layer(h), 2)
    model.encoder[2](h)[0, 0, frame, band].backward()
    frames = torch.nonzero(x.grad[0].abs().sum(dim=1)).flatten()
    bands = torch.nonzero(x.grad[0].abs().sum(dim=0)).flatten()
    assert frames.tolist() == list(range(max(0, 4 * frame - 14), min(40, 4 * frame + 18)))
    assert bands.tolist() == list(range(max(0, 4 * band - 14), min(128, 4 * band + 18)))


def test_nothing_outside_the_receptive_field_moves_a_latent_cell():
    """The encoder as it is: a change outside frames 0 to 17, bands 50 to 81 leaves cell (0, 16) alone."""
    model, x = make_model(), make_input(n=1)
    outside = torch.ones(20, 128, dtype=torch.bool)
    outside[0:18, 50:82] = False
    changed = torch.where(outside, -x, x)
    before, after = (model.encode(v)[0][0, 0, 16] for v in (x, changed))
    torch.testing.assert_close(before, after, atol=0, rtol=0)
    inside = torch.where(outside, x, -x)
    assert not torch.allclose(before, model.encode(inside)[0][0, 0, 16])


def test_saved_weights_give_the_same_output():
    model, other, x = make_model(0), make_model(1), make_input()
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(other(x).reconstruction_hat, model(x).reconstruction_hat, atol=0, rtol=0)
