"""The explanation of local prototypes: every step by loops, ablations by brute force, guards on planted faults."""

import warnings

import numpy as np
import pytest
import torch
from captum.attr import Saliency

from audiolab.explain import prototypes as look
from audiolab.features import LogMel
from audiolab.models.attprotos import AttProtos
from audiolab.models.sbcnn import SBCNN


@pytest.fixture(scope="module")
def model():
    generator = torch.Generator().manual_seed(0)
    model = AttProtos(generator=generator)
    with torch.no_grad():
        for layer in (*model.encoder, *model.attention, *model.decoder):
            layer.bias.uniform_(-0.1, 0.1, generator=generator)
    return model


@pytest.fixture(scope="module")
def x():
    return 2 * torch.rand(4, 20, 128, generator=torch.Generator().manual_seed(1)) - 1


@pytest.fixture(scope="module")
def output(model, x):
    with torch.no_grad():
        return model(x)


# --- the six steps -----------------------------------------------------------------------------------------------


def test_six_steps_by_loops(model, output):
    steps = look.class_attention(output, model, 3, segment=1)
    probability = 1 / (1 + np.exp(-output.logits[1, 3].item()))
    np.testing.assert_allclose(steps.probability, [0, 0, 0, probability] + [0] * 6, rtol=1e-6)
    kernel = model.read_out_layer.weight.detach().T.numpy()  # (F' M, K)
    summed = output.attention[1].sum(dim=0).numpy()
    energy = np.zeros(15)
    for f in range(32):
        for m in range(15):
            gradient = probability * kernel[15 * f + m, 3]
            evidence = max(gradient, 0) * summed[f, m]
            assert steps.gradient[f, m] == pytest.approx(gradient, abs=1e-6)
            assert steps.evidence[f, m] == pytest.approx(evidence, abs=1e-6)
            energy[m] += evidence**2
    np.testing.assert_allclose(steps.energy, energy, rtol=1e-4)
    assert steps.prototype == energy.argmax()
    np.testing.assert_array_equal(steps.profile, steps.evidence[:, steps.prototype])
    np.testing.assert_array_equal(steps.mask, look.profile_to_input(steps.profile))


def test_mean_over_time_scales_the_evidence():
    models = [AttProtos(time_reduce=name, generator=torch.Generator().manual_seed(0)) for name in ("sum", "mean")]
    x = torch.rand(1, 20, 128, generator=torch.Generator().manual_seed(1))
    by_sum, by_mean = (look.class_attention(m(x), m, 0) for m in models)
    ratio = by_sum.probability[0] / by_mean.probability[0]
    np.testing.assert_allclose(by_sum.evidence, 5 * ratio * by_mean.evidence, rtol=1e-4, atol=1e-7)
    assert by_sum.prototype == by_mean.prototype


def test_profile_to_input_by_loops():
    profile = np.random.default_rng(0).random(32)
    stretched = []
    for band in range(128):
        left = band // 4
        right, share = min(left + 1, 31), band % 4 / 4
        stretched.append((1 - share) * profile[left] + share * profile[right])
    smooth = [sum(stretched[max(0, band - 16) : min(128, band + 16)]) / 32 for band in range(128)]
    np.testing.assert_allclose(look.profile_to_input(profile, smoothing_bands=1), stretched, atol=1e-12)
    np.testing.assert_allclose(look.profile_to_input(profile), smooth, atol=1e-12)
    with pytest.raises(ValueError, match="profile"):
        look.profile_to_input(profile, 64)
    with pytest.raises(ValueError, match="smoothing_bands"):
        look.profile_to_input(profile, smoothing_bands=0)


def test_masked_spectrogram_ends():
    x = np.linspace(-1, 1, 20 * 128).reshape(20, 128)
    np.testing.assert_allclose(look.masked_spectrogram(x, np.ones(128)), x)
    np.testing.assert_allclose(look.masked_spectrogram(torch.from_numpy(x), np.zeros(128)), -1)
    with pytest.raises(ValueError, match="mask"):
        look.masked_spectrogram(x, np.ones(32))


def test_local_evidence_adds_up_to_the_positive_part_of_the_logit(model, output):
    weight = model.read_out_weight.detach()
    for k in range(10):
        evidence = look.local_evidence(output, model, k)
        assert evidence.shape == (4, 5, 32)
        positive = torch.einsum("btfm,fm->b", output.attention, weight[..., k].clamp_min(0))
        np.testing.assert_allclose(evidence.sum(axis=(1, 2)), positive.numpy(), rtol=1e-4)


@pytest.mark.parametrize("time_reduce", ["sum", "mean"])
def test_switching_a_prototype_off_is_exact(x, time_reduce):
    model = AttProtos(time_reduce=time_reduce, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        output = model(x)
        for m in range(15):
            attention = output.attention.clone()
            attention[..., m] = 0
            change = model.read_out(attention) - output.logits
            np.testing.assert_allclose(look.switch_off(output, model, m), change.numpy(), atol=1e-5)
    everything = sum(look.switch_off(output, model, m) for m in range(15))
    np.testing.assert_allclose(everything, -output.logits.numpy(), atol=1e-5)


def test_wrong_indices_are_named(model, output):
    with pytest.raises(ValueError, match="class_index: expected 0 to 9, got 10"):
        look.class_attention(output, model, 10)
    with pytest.raises(ValueError, match="segment"):
        look.class_attention(output, model, 0, segment=4)
    with pytest.raises(ValueError, match="prototype"):
        look.switch_off(output, model, -1)


# --- maps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["prototypes", "plain"])
def test_saliency_equals_captum(kind, model, x):
    if kind == "prototypes":
        network, data = model, x
    else:
        network = SBCNN(generator=torch.Generator().manual_seed(0))
        data = torch.rand(2, 43, 128, generator=torch.Generator().manual_seed(2))
    ours = look.gradient_saliency(network, data, 4)
    assert network.training, "the mode is put back"
    network.eval()
    oracle = Saliency(lambda v: network(v).logits).attribute(data.clone().requires_grad_(True), target=4)
    network.train()
    np.testing.assert_allclose(ours, oracle.detach().numpy(), atol=1e-6)
    assert ours.max() > 0


@pytest.mark.parametrize("method", ["profile", "masked", "local", "saliency"])
def test_explanations_come_with_axes(model, x, method):
    log_mel = LogMel()
    explanation = look.explain(model, x, 2, method=method, log_mel=log_mel)
    assert explanation.maps.shape == (4, 20, 128)
    assert explanation.maps.min() >= 0
    np.testing.assert_array_equal(explanation.frequencies_hz, log_mel.frequencies_hz())
    assert explanation.times_s[0] == pytest.approx(2048 / 22050)
    assert np.diff(explanation.times_s) == pytest.approx(1070 / 22050)


def test_each_map_is_what_it_says(model, x, output):
    profile = look.explain(model, x, 2, batch_size=3).maps
    mask = look.class_attention(output, model, 2, segment=3).mask
    np.testing.assert_allclose(profile[3], np.tile(mask, (20, 1)), rtol=1e-5)
    masked = look.explain(model, x, 2, method="masked").maps
    np.testing.assert_allclose(masked - 1, look.masked_spectrogram(x, profile), atol=1e-6)
    local = look.explain(model, x, 2, method="local").maps
    np.testing.assert_allclose(local[:, ::4, ::4], look.local_evidence(output, model, 2), rtol=1e-5)
    with pytest.raises(ValueError, match="method"):
        look.explain(model, x, 2, method="best")
    for method in ("profile", "local", "saliency"):
        with pytest.raises(ValueError, match="class_index"):
            look.explain(model, x, 10, method=method)


# --- prototypes --------------------------------------------------------------------------------------------------


def test_squared_distances_by_broadcasting(model, output):
    slow = (output.embedding[:, :, :, None] - model.prototypes.detach()).square().sum(dim=-1)
    ours = look.squared_distances(output.embedding, model.prototypes.detach())
    torch.testing.assert_close(ours, slow, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_local_search_finds_planted_prototypes(x, batch_size):
    model = AttProtos(n_prototypes=3, generator=torch.Generator().manual_seed(0))
    places = [(0, 1, 7), (3, 4, 31), (2, 0, 0)]
    with torch.no_grad():
        z = model.encode(x)[0]
        model.prototypes.copy_(torch.stack([z[place] for place in places]))
    patches = look.nearest_patches(model, x, batch_size=batch_size)
    assert list(zip(patches.segment, patches.frame, patches.band, strict=True)) == places
    np.testing.assert_allclose(patches.distance, 0, atol=1e-5)


def test_reference_search_by_loops(model, x, output):
    patches = look.nearest_patches(model, x, search="reference", batch_size=3)
    for m in range(15):
        square = (output.embedding - model.prototypes[m].detach()).square().sum(dim=-1)  # (B, T', F')
        whole = square.sum(dim=(1, 2))
        assert patches.segment[m] == whole.argmin()
        assert patches.distance[m] == pytest.approx(whole.min().item(), rel=1e-4)
        assert patches.band[m] == square[whole.argmin()].sum(dim=0).argmin()
        assert patches.frame[m] == 0


def test_search_refuses_nonsense(model, x):
    with pytest.raises(ValueError, match="search"):
        look.nearest_patches(model, x, search="global")
    with pytest.raises(ValueError, match="at least one"):
        look.nearest_patches(model, x[:0])


def test_receptive_field_is_cut_at_the_edges():
    assert look.receptive_field(2, 16) == (slice(0, 20), slice(50, 82))
    assert look.receptive_field(4, 31) == (slice(2, 20), slice(110, 128))
    assert look.receptive_field(4, 0, n_frames=40) == (slice(2, 34), slice(0, 18))
    with pytest.raises(ValueError, match="band"):
        look.receptive_field(0, 32)


def test_decoded_prototype_is_the_decoder_on_an_empty_map(model, x):
    with torch.no_grad():
        z, masks = model.encode(x[1:2])
        latent = torch.zeros_like(z)
        latent[0, 2, 11] = model.prototypes[6]
        slow = model.decode(latent, masks)[0].numpy()
    np.testing.assert_array_equal(look.decode_prototype(model, 6, x[1], 11, window_bands=None), slow)


@pytest.mark.parametrize(("band", "first", "half"), [(16, 48, 24), (1, 0, 0), (31, 96, 48)])
def test_mask_window(model, x, band, first, half):
    """Bands 4 f - 16 to 4 f + 15 of the larger mask and half of that of the smaller, moved inwards at the borders."""
    with torch.no_grad():
        z, masks = model.encode(x[:1])
        for mask, start, width in ((masks[0], first, 32), (masks[1], half, 16)):
            outside = torch.ones(mask.shape[2], dtype=torch.bool)
            outside[start : start + width] = False
            mask[:, :, outside] = 0
        latent = torch.zeros_like(z)
        latent[0, 0, band] = model.prototypes[4]
        slow = model.decode(latent, masks)[0].numpy()
    np.testing.assert_array_equal(look.decode_prototype(model, 4, x[0], band, frame=0), slow)


def test_decoding_refuses_wrong_places(model, x):
    for arguments, options, word in [
        ((15, x[0], 0), {}, "prototype"),
        ((0, x, 0), {}, "x: expected one segment"),
        ((0, x[0], 32), {}, "band"),
        ((0, x[0], 0), {"frame": 5}, "frame"),
    ]:
        with pytest.raises(ValueError, match=word):
            look.decode_prototype(model, *arguments, **options)


# --- guards ------------------------------------------------------------------------------------------------------


def test_dead_decoder_is_caught(model, x, output):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not look.dead_decoder(x)
    dead = AttProtos(generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        dead.decoder[2].bias.fill_(-30.0)  # tanh stuck at -1
        stuck = dead(x).reconstruction
    assert stuck.mean().item() == pytest.approx(-1)
    with pytest.warns(UserWarning, match="decoder is dead"):
        assert look.dead_decoder(stuck)
    with pytest.warns(UserWarning, match="dead"):
        assert look.dead_decoder(np.full((2, 20, 128), np.nan))


class OnlyMasks:
    """A decoder that ignores its latent map: the worst leak."""

    def encode(self, x):
        return torch.zeros(len(x), 5, 32, 32), (x, x)

    def decode(self, z, masks):
        return masks[0] + 0.1


class OnlyLatent:
    """A decoder that ignores its masks."""

    def encode(self, x):
        return x, (torch.zeros_like(x), torch.zeros_like(x))

    def decode(self, z, masks):
        return z + 0.1


def test_mask_leak_on_both_extremes(x):
    leaking = look.mask_leak(OnlyMasks(), x)
    assert leaking.leaks
    assert leaking.ratio == pytest.approx(1)
    assert leaking.mse == pytest.approx(0.01, rel=1e-4)
    assert leaking.mse_swapped > 10 * leaking.mse
    honest = look.mask_leak(OnlyLatent(), x)
    assert not honest.leaks
    assert honest.mse_empty == pytest.approx((x - 0.1).square().mean().item())
    assert honest.mse_swapped == honest.mse
    with pytest.raises(ValueError, match="two segments"):
        look.mask_leak(OnlyLatent(), x[:1])


def test_mask_leak_of_the_real_network(model, x, output):
    leak = look.mask_leak(model, x)
    assert leak.mse == pytest.approx((output.reconstruction - x).square().mean().item(), rel=1e-5)
    with torch.no_grad():
        empty = model.decode(torch.zeros_like(output.embedding), output.masks)
    assert leak.mse_empty == pytest.approx((empty - x).square().mean().item(), rel=1e-5)


def test_latent_error_sees_through_a_collapsed_scale(output):
    plain = look.relative_latent_error(output)
    shrunk = look.relative_latent_error(output._replace(embedding=0.01 * output.embedding, z_hat=0.01 * output.z_hat))
    difference = (output.embedding - output.z_hat).square().sum() / output.embedding.square().sum()
    assert plain.relative == pytest.approx(difference.item(), rel=1e-5)
    assert shrunk.relative == pytest.approx(plain.relative, rel=1e-4)
    assert shrunk.absolute == pytest.approx(1e-4 * plain.absolute, rel=1e-4)
    assert shrunk.mean_abs == pytest.approx(0.01 * plain.mean_abs, rel=1e-4)
    nothing = output._replace(embedding=torch.zeros_like(output.embedding))
    assert look.relative_latent_error(nothing).relative == float("inf")
