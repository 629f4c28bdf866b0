"""Glimpses against padded slicing, where locations fall, counts, and which gradient reaches what."""

import math

import numpy as np
import pytest
import torch

from audiolab.features.vggish import SILENCE
from audiolab.models.sightreader import (
    SHAPED,
    SQUARE,
    SQUARE_COVER,
    SQUARE_EQUAL,
    Sightreader,
    covered_cells,
    extract_glimpses,
    gaussian_log_prob,
    glimpse_offsets,
    location_to_index,
)

SMALL = {"n_classes": 3, "sizes": ((3, 5), (8, 1)), "n_glimpses": 4, "n_sensor": 6, "n_hidden": 8}


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_counts():
    assert count(Sightreader()) == 524_695
    assert count(Sightreader(sizes=SQUARE)) == 452_631
    assert count(Sightreader(sizes=SQUARE, core="rnn")) == 189_463
    assert (len(glimpse_offsets(SHAPED)), len(glimpse_offsets(SQUARE)), len(glimpse_offsets(SQUARE_EQUAL))) == (
        707, 144, 702)  # fmt: skip
    parts = {name: count(getattr(Sightreader(), name)) for name in ("sensor", "where", "fuse", "core", "locate")}
    assert parts == {"sensor": 90_624, "where": 384, "fuse": 33_024, "core": 394_752, "locate": 514}


def slow_glimpse(x, location, sizes, fill):
    """Pad once, slice a window for each recording and patch."""
    T, F = x.shape[1:]
    pad = 200
    rows = []
    for one, (lt, lf) in zip(np.asarray(x), np.asarray(location), strict=True):
        padded = np.full((T + 2 * pad, F + 2 * pad), fill, dtype=one.dtype)
        padded[pad : pad + T, pad : pad + F] = one
        ct, cf = round((lt + 1) / 2 * (T - 1)), round((lf + 1) / 2 * (F - 1))
        cells = []
        for st, sf in sizes:
            top, left = pad + ct - st // 2, pad + cf - sf // 2
            cells.append(padded[top : top + st, left : left + sf].ravel())
        rows.append(np.concatenate(cells))
    return np.stack(rows)


def test_gather_equals_padded_slicing():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(40, 150, 64, generator=generator)
    location = torch.rand(40, 2, generator=generator) * 2 - 1
    location[:4] = torch.tensor([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])  # patches hang over all corners
    found = extract_glimpses(x, location, glimpse_offsets(SHAPED), fill=-7.0)
    np.testing.assert_array_equal(found.numpy(), slow_glimpse(x, location.double(), SHAPED, -7.0))


def test_corners_axes_and_fill():
    corners = location_to_index(torch.tensor([[-1.0, -1.0], [1.0, 1.0], [0.0, 1.0]]), 998, 64)
    assert corners.tolist() == [[0, 0], [997, 63], [498, 63]]
    x = torch.zeros(1, 998, 64)
    x[0, 997, 0] = 1.0  # last frame, lowest band
    offsets = glimpse_offsets([(1, 1)])
    assert extract_glimpses(x, torch.tensor([[1.0, -1.0]]), offsets).item() == 1
    assert extract_glimpses(x, torch.tensor([[-1.0, 1.0]]), offsets).item() == 0
    outside = extract_glimpses(x, torch.tensor([[-1.0, -1.0]]), glimpse_offsets([(3, 3)]))[0]
    assert outside.tolist() == pytest.approx([SILENCE] * 4 + [0.0, 0.0, SILENCE, 0.0, 0.0])


def test_square_images_as_the_reference_cuts_them():
    """On square images, even size and interior centres the published glimpse sensor cuts the same window."""
    x = torch.randn(5, 60, 60)
    location = torch.rand(5, 2) * 0.6 - 0.3
    found = extract_glimpses(x, location, glimpse_offsets([(12, 12)])).reshape(5, 12, 12)
    for i, (lt, lf) in enumerate(location.tolist()):
        row, column = round((lt + 1) / 2 * 59), round((lf + 1) / 2 * 59)
        torch.testing.assert_close(found[i], x[i, row - 6 : row + 6, column - 6 : column + 6])


def test_covered_cells_are_the_glimpsed_ones():
    locations = torch.rand(2, 5, 2) * 2 - 1
    covered = covered_cells(locations, SHAPED, 150)
    x = torch.zeros(2, 150, 64)
    marks = torch.arange(150 * 64.0).reshape(1, 150, 64) + 1
    for b in range(2):
        seen = {
            int(v) for j in range(5) for v in extract_glimpses(marks, locations[b : b + 1, j], glimpse_offsets(SHAPED),
                                                               fill=0.0)[0]
        } - {0}  # fmt: skip
        assert seen == {int(v) for v in (marks[0] * covered[b]).flatten()} - {0}
    assert covered.shape == x.shape


def test_coverage_bounds():
    """The five shapes give 707 values but cover 429 cells: two lie inside the third timbral, two inside the longest.

    Sixteen glimpses can therefore see 10.7 % (shaped) and 3.6 % (square) of 998 x 64 at most.
    """
    middle, total = torch.zeros(1, 1, 2), 998 * 64
    covered = {sizes: int(covered_cells(middle, sizes, 998).sum()) for sizes in (SHAPED, SQUARE, SQUARE_COVER)}
    assert covered == {SHAPED: 7 * 44 + 128 - 7, SQUARE: 144, SQUARE_COVER: 441}
    assert 16 * covered[SHAPED] / total == pytest.approx(0.1075, abs=5e-5)
    assert 16 * covered[SQUARE] / total == pytest.approx(0.036, abs=5e-4)


def test_output_shapes_and_first_location():
    net = Sightreader(**SMALL)
    output = net(torch.randn(5, 90, 64))
    assert output.step_probs.shape == (5, 4, 3)
    assert output.locations.shape == output.means.shape == (5, 4, 2)
    assert output.log_probs.shape == output.baselines.shape == (5, 4)
    assert torch.equal(output.probs, output.step_probs[:, -1])
    assert (output.log_probs[:, 0] == 0).all()
    assert (output.locations.abs() <= 1).all()


def test_log_prob_equals_torch():
    mean, drawn = torch.randn(6, 2), torch.randn(6, 2)
    expected = torch.distributions.Normal(mean, 0.17).log_prob(drawn).sum(-1)
    torch.testing.assert_close(gaussian_log_prob(drawn, mean, 0.17), expected)


def test_indices_belong_together():
    """log_probs[:, j] and baselines[:, j] are those of the state before glimpse j."""
    torch.manual_seed(0)
    net = Sightreader(**SMALL)
    x = torch.randn(3, 90, 64)
    output = net(x, generator=torch.Generator().manual_seed(3))
    h = torch.zeros(3, 8)
    for j in range(4):
        torch.testing.assert_close(output.baselines[:, j], net.baseline(h).squeeze(1))
        if j > 0:
            torch.testing.assert_close(output.means[:, j], torch.tanh(net.locate(h)))
            inside = (output.locations[:, j].abs() < 1).all(1)  # where nothing was clamped, the draw is the location
            expected = gaussian_log_prob(output.locations[:, j], output.means[:, j], 0.17)
            torch.testing.assert_close(output.log_probs[inside, j], expected[inside])
        h = net.core(net.glimpse(x, output.locations[:, j]), h)
        torch.testing.assert_close(output.step_probs[:, j], net.classify(h).sigmoid())


def test_which_gradient_reaches_what():
    net = Sightreader(**SMALL)
    x = torch.randn(3, 90, 64)
    reached = {}
    for name in ("log_probs", "baselines", "probs"):
        net.zero_grad()
        getattr(net(x), name).sum().backward()
        reached[name] = {n.split(".")[0] for n, p in net.named_parameters()
                         if p.grad is not None and p.grad.abs().sum() > 0}  # fmt: skip
    assert reached["log_probs"] == {"locate"}
    assert reached["baselines"] == {"baseline"}
    assert reached["probs"] == {"sensor", "where", "fuse", "core", "classify"}


def test_evaluation_repeats_and_training_does_not():
    net = Sightreader(**SMALL)
    x = torch.randn(3, 90, 64)
    assert not torch.equal(net(x).locations, net(x).locations)
    net.eval()
    assert torch.equal(net(x).locations, net(x).locations)
    quiet = net(x, deterministic=True)
    torch.testing.assert_close(quiet.locations[:, 1:], quiet.means[:, 1:].clamp(-1, 1))
    assert torch.equal(quiet.locations[:, 0], net(x).locations[:, 0])


def test_policies():
    x = torch.randn(400, 90, 64)
    random = Sightreader(policy="random", **SMALL).eval()(x).locations
    assert abs(float(random.mean())) < 0.05
    assert float(random.var()) == pytest.approx(1 / 3, abs=0.03)
    centred = Sightreader(policy="centred", **SMALL).eval()(x).locations[:, 1:]
    assert float(centred.std()) == pytest.approx(0.17, abs=0.01)
    sweep = Sightreader(policy="sweep", **SMALL).eval()(x).locations
    assert sweep[0, :, 0].tolist() == pytest.approx([-0.75, -0.25, 0.25, 0.75])
    assert (sweep[..., 1] == 0).all()


def test_scaling_of_input_and_silence():
    net = Sightreader(mean=-3.0, std=2.0, **SMALL).eval()
    silent = torch.full((1, 90, 64), SILENCE)
    cells = extract_glimpses((silent + 3) / 2, torch.ones(1, 2), net.offsets, fill=(SILENCE + 3) / 2)
    assert cells.std() < 1e-6  # the edge of a silent recording cannot be seen
    assert net(silent).probs.shape == (1, 3)


def test_same_generator_same_weights():
    one, two = (Sightreader(**SMALL, generator=torch.Generator().manual_seed(5)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    bound = 1 / math.sqrt(one.sensor.in_features)
    assert one.sensor.weight.abs().max() <= bound


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Sightreader(core="lstm"), "core"),
        (lambda: Sightreader(policy="left"), "policy"),
        (lambda: Sightreader(n_glimpses=0), "n_glimpses"),
        (lambda: glimpse_offsets([(0, 3)]), "sizes"),
        (lambda: extract_glimpses(torch.zeros(2, 9, 9), torch.zeros(1, 2), glimpse_offsets([(1, 1)])), "x, location"),
        (lambda: Sightreader(**SMALL)(torch.zeros(90, 64)), "x"),
    ],
)
def test_mistakes_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}.*: expected"):
        call()
