"""The three scores against a library, slow loops and the values that chance must give."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from audiolab.explain import score

SHAPES = [(6, 9), (25,), (2, 3, 4)]


def draw(seed, shape, *, ties=False):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 4, shape).astype(float) if ties else rng.random(shape)
    region = np.zeros(values.size, dtype=bool)
    region[rng.choice(values.size, values.size // 3, replace=False)] = True
    return values, region.reshape(shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_library_and_slow_loops(seed, shape, ties):
    values, region = draw(seed, shape, ties=ties)
    assert score.auc(values, region) == pytest.approx(roc_auc_score(region.ravel(), values.ravel()), abs=1e-12)
    inside = sum(v for v, r in zip(values.flat, region.flat, strict=True) if r)
    assert score.lift(values, region) == pytest.approx(
        inside / sum(values.flat) / (sum(region.flat) / region.size), abs=1e-12
    )
    top = [bool(r) for v, r in zip(values.flat, region.flat, strict=True) if v == max(values.flat)]
    assert score.hit(values, region) == pytest.approx(sum(top) / len(top))


def test_a_perfect_and_a_wrong_explanation():
    _, region = draw(0, (10, 12))
    assert score.lift(region, region) == pytest.approx(region.size / region.sum())
    assert (score.hit(region, region), score.auc(region, region)) == (1, 1)
    assert (score.lift(~region, region), score.hit(~region, region), score.auc(~region, region)) == (0, 0, 0)


@pytest.mark.parametrize("constant", [0.0, 1.0, 1e-300])
def test_an_explanation_that_points_nowhere_scores_as_chance(constant):
    _, region = draw(1, (7, 5))
    flat = np.full((7, 5), constant)
    assert score.lift(flat, region) == pytest.approx(1)
    assert score.hit(flat, region) == pytest.approx(region.mean())
    assert score.auc(flat, region) == 0.5


def test_scale_does_not_matter_and_order_alone_decides_the_auc():
    values, region = draw(2, (8, 8))
    for factor in (1e-200, 3.0, 1e300):
        assert score.lift(factor * values, region) == pytest.approx(score.lift(values, region))
        assert score.auc(factor * values, region) == score.auc(values, region)
    assert score.auc(values**3, region) == score.auc(values, region)


def test_the_table_holds_means_intervals_and_controls():
    pairs = [draw(seed, (6, 9)) for seed in range(20)]
    maps, regions = zip(*pairs, strict=True)
    table = score.score_explanations({"mine": maps, "truth": regions}, regions, seed=3)
    assert list(table.index) == ["mine", "truth", "uniform", "random"]
    each = score.score_maps(maps, regions)
    for k, name in enumerate(score.SCORES):
        assert table.loc["mine", name] == pytest.approx(each[:, k].mean())
        assert table.loc["mine", f"{name}_sd"] == pytest.approx(each[:, k].std(ddof=1))
        expected = stats.ttest_1samp(each[:, k], 0).confidence_interval(0.95)
        assert (table.loc["mine", f"{name}_low"], table.loc["mine", f"{name}_high"]) == pytest.approx(tuple(expected))
    assert table.loc["truth", "auc"] == 1
    assert table.loc["uniform", list(score.SCORES)].tolist() == pytest.approx([1, 1 / 3, 0.5])
    assert table["n"].tolist() == [20] * 4
    assert table["n_flat"].tolist() == [0, 0, 20, 0]


def test_the_random_control_is_chance_and_follows_its_seed():
    regions = [draw(seed, (20, 20))[1] for seed in range(100)]
    table = score.score_explanations({}, regions, seed=1)
    assert table.loc["random", "lift"] == pytest.approx(1, abs=0.03)
    assert table.loc["random", "hit"] == pytest.approx(1 / 3, abs=0.15)
    assert table.loc["random", "auc"] == pytest.approx(0.5, abs=0.02)
    assert table.equals(score.score_explanations({}, regions, seed=1))
    assert not table.equals(score.score_explanations({}, regions, seed=2))


def test_regions_with_nothing_to_find_are_skipped_and_counted():
    values, region = draw(0, (4, 4))
    regions = [region, np.zeros((4, 4), bool), np.ones((4, 4), bool), region]
    table = score.score_explanations({"mine": [values] * 4}, regions, seed=0)
    assert table.loc["mine", ["n", "n_skipped"]].tolist() == [2, 2]
    assert table.loc["mine", "auc"] == pytest.approx(score.auc(values, region))
    assert np.isnan(score.score_maps([values] * 4, regions)[1:3]).all()
    nothing = score.score_explanations({"mine": [values]}, regions[1:2], seed=0)
    assert nothing.loc["mine", "n"] == 0
    assert np.isnan(nothing.loc["mine", "lift"])


def test_groups_count_clips_and_not_segments():
    pairs = [draw(seed, (30,)) for seed in range(9)]
    maps, regions = zip(*pairs, strict=True)
    clips = ["b", "b", "b", "a", "a", "c", "c", "c", "c"]
    table = score.score_explanations({"mine": maps}, regions, seed=0, groups=clips)
    each = score.score_maps(maps, regions)[:, 0]
    means = [each[:3].mean(), each[3:5].mean(), each[5:].mean()]
    assert table.loc["mine", "n"] == 3
    assert table.loc["mine", "lift"] == pytest.approx(np.mean(means))
    assert table.loc["mine", "lift_sd"] == pytest.approx(np.std(means, ddof=1))


def test_shapes_may_differ_between_regions():
    pairs = [draw(0, (6, 9)), draw(1, (25,)), draw(2, (12, 3))]
    maps, regions = zip(*pairs, strict=True)
    assert score.score_explanations({"mine": maps}, regions, seed=0).loc["mine", "n"] == 3


@pytest.mark.parametrize(("values", "region", "message"), [
    ([1.0, -0.1], [True, False], "negative"),
    ([1.0, np.nan], [True, False], "finite"),
    ([1.0, np.inf], [True, False], "finite"),
    ([1.0, 2.0, 3.0], [True, False], "shape"),
    ([], [], "cells"),
    ([1.0, 2.0], [0.5, 0.0], "bool"),
    ([1.0, 2.0], [False, False], "some cells"),
    ([1.0, 2.0], [True, True], "some cells"),
])
@pytest.mark.parametrize("function", [score.lift, score.hit, score.auc])
def test_bad_input_is_named(function, values, region, message):
    with pytest.raises(ValueError, match=message):
        function(np.array(values), np.array(region))


def test_the_table_names_method_and_entry():
    values, region = draw(0, (4,))
    with pytest.raises(ValueError, match=r"'mine'.*entry 1.*negative"):
        score.score_explanations({"mine": [values, -values]}, [region, region], seed=0)
    with pytest.raises(ValueError, match="one entry per region"):
        score.score_explanations({"mine": [values]}, [region, region], seed=0)
    with pytest.raises(ValueError, match="these are added"):
        score.score_explanations({"random": [values]}, [region], seed=0)
    with pytest.raises(ValueError, match="groups must have"):
        score.score_explanations({"mine": [values]}, [region], seed=0, groups=[1, 2])
