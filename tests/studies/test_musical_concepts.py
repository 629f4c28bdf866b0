"""The planted world, training, votes and rules run at the smallest size and mean what they say."""

import numpy as np
import pytest
import torch

from audiolab.explain import concepts as tcav
from audiolab.features.piano_roll import notes_to_roll, window
from audiolab.recipes.musical_concepts import MusicalConcepts
from audiolab.studies import composer_factors, composer_scores, composer_worlds, kept
from audiolab.studies import musical_concepts as study
from audiolab.worlds import composers

pytestmark = pytest.mark.usefixtures("apart")


@pytest.fixture(scope="module")
def recipe():
    return MusicalConcepts().at("smoke")


@pytest.fixture(scope="module")
def world(recipe):
    return study.planted_world(recipe)


@pytest.fixture(scope="module")
def examples(recipe):
    return study.planted_examples(recipe)


def test_world(recipe, world):
    assert len(world.train.y) == len(world.test.y) == 4 * 2 * 3
    assert world.classes == composers.COMPOSERS
    assert world.test.excerpts().shape == (24, 400, 88)
    assert study.planted_world(recipe).checksum == world.checksum
    assert study.planted_world(recipe, 1).checksum != world.checksum
    train = {roll.tobytes() for roll in world.train.rolls}
    assert not train & {roll.tobytes() for roll in world.test.rolls}  # no section on both sides
    low = study.planted_world(recipe, drone={"Alba": 1.0})
    assert low.train.rolls[0][:, :20].any()


def test_examples_are_disjoint_and_the_null_is_even(recipe, examples):
    assert set(examples.concepts) == set(study.CONCEPTS)
    sets = [*examples.concepts.values(), *examples.random_sets, examples.fresh]
    rows = np.concatenate(sets)
    assert len(rows) == len(set(rows.tolist()))
    assert [len(s) for s in examples.random_sets] == [6, 6, 6]
    assert all(len(s) == 6 for s in examples.concepts.values())
    assert examples.x.shape == (len(examples.x), 400, 88)
    rebuilt = composers.make_section("lines", seed=composer_worlds.derive_seed(0, 10, 2, 0))
    np.testing.assert_array_equal(examples.x[examples.concepts["lines"][0]], rebuilt.roll[:400])
    for i in range(5):
        section = composers.make_section(composers.TEXTURES[i], seed=composer_worlds.derive_seed(0, 11, 0, i))
        if 30 + i in examples.concepts["even number of notes"]:
            assert len(section.notes.key) % 2 == 0


def test_batches_are_crops_moved_by_keys(recipe, world):
    rng = np.random.default_rng(0)
    batch = study.draw_batch(world.train, recipe, rng)
    assert batch.x.shape == (8, 400, 88)
    assert np.bincount(batch.y.numpy()).tolist() == [2, 2, 2, 2]
    crops = {
        study.shift_keys(window(roll, s), k).tobytes() for roll, y in zip(world.train.rolls, world.train.y, strict=True)
        if y == int(batch.y[0]) for s in range(101) for k in range(-5, 6)
    }
    assert batch.x[0].numpy().astype(np.uint8).tobytes() in crops
    free = study.draw_batch(world.train, recipe.but(balanced=False, velocity=False), rng)
    assert set(np.unique(free.x)) == {0.0, 1.0}
    roll = notes_to_roll(composers.make_section("runs", seed=0).notes)
    np.testing.assert_array_equal(study.shift_keys(study.shift_keys(roll, 3), -3), roll)


def test_training_repeats_and_controls_differ(recipe, world):
    one, two = (study.train_classifier(world.train, recipe, 1) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True))
    other = study.train_classifier(world.train, recipe, 1, shuffle_labels=True)
    assert not torch.equal(one.model.fc.weight, other.model.fc.weight)
    assert one.history[-1]["epoch"] == recipe.n_steps
    found = study.scores(study.probabilities(one.model, world.test.excerpts(), recipe), world.test.y, world.test.piece)
    assert set(found) == {"excerpt_accuracy", "piece_accuracy", "f1_weighted", "f1_macro"}


@pytest.mark.parametrize(("changes", "kind"), [({"optimizer": "sgd"}, "SGD"), ({}, "AdamW")])
def test_optimiser_is_the_recipes(recipe, changes, kind):
    model = study.make_classifier(recipe, 4)
    optimizer = study._optimizer(model, recipe.but(**changes))
    assert type(optimizer).__name__ == kind
    assert optimizer.param_groups[0]["weight_decay"] == recipe.weight_decay
    with pytest.raises(ValueError, match="optimizer"):
        study._optimizer(model, recipe.but(optimizer="lbfgs"))
    with pytest.raises(ValueError, match="network"):
        study.make_classifier(recipe.but(network="vgg"), 4)


def test_forest_and_false_alarms(recipe, world, examples):
    assert 0 <= study.trivial_forest(world.train, world.test)["excerpt_accuracy"] <= 1
    model = study.make_classifier(recipe, 4)
    space = study.concept_space(model, "layer3", examples, world.test, recipe)
    null = tcav.pseudo_concepts(space, examples.random_sets, size=6, n=recipe.n_pseudo)
    p = study.false_alarms(space, examples, null, recipe)
    assert {name: rows.shape for name, rows in p.items()} == {"reference": (4, 4), "pseudo": (4, 4)}
    assert all((rows > -1e-12).all() and (rows <= 1).all() for rows in p.values())


def test_halves_and_their_regions():
    halves = study.two_textures(6, seed=1)
    assert halves.x.shape == (6, 400, 88)
    for region, first in zip(halves.region(), halves.first, strict=True):
        assert region.shape == (13, 3)
        assert region[0].all() == first
        assert region[12].all() != first
        assert region.sum() == (18 if first else 21)  # the cell in the middle counts as late
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(composers, "make_section", lambda texture, **_: composers.Section(None, texture))
        patch.setattr(composers.Section, "roll", property(lambda self: np.full((500, 88), len(self.texture))))
        made = study.two_textures(5, seed=1)
    for roll, owner, first in zip(made.x, made.owner, made.first, strict=True):
        assert roll[0 if first else 399, 0] == len(composers.TEXTURES[owner])


def test_class_activation_is_the_logit(recipe, world):
    model = study.make_classifier(recipe, 4).eval()
    x = world.test.excerpts()[:3]
    with torch.no_grad():
        output = model(torch.as_tensor(x).float())
        cells = torch.einsum("kc,nctf->nktf", model.fc.weight, output.maps["layer4"])
        torch.testing.assert_close(cells.mean((2, 3)) + model.fc.bias, output.logits)
    owner = np.array([0, 1, 2])
    maps = study.class_activation_maps(model, x, owner)
    for i, one in enumerate(maps):
        np.testing.assert_allclose(one, np.maximum(0, cells[i, owner[i]].numpy()), atol=1e-4)


def test_collected_lines_are_lenas(recipe):
    examples = study.collected_examples(recipe)
    low = {name: (examples.x[rows][:, :, :20] > 0).any((1, 2)).mean() for name, rows in examples.concepts.items()}
    assert low["lines, all by Lena"] > low["lines, from nobody"]
    assert low["a held bass note"] > 0.5
    assert len(examples.random_sets) == recipe.n_random_sets
    assert len(study.drone_world(recipe).train.y) == 24


def test_split_by_unit_keeps_works_whole():
    labels, units = np.repeat([0, 1], 20), np.array([f"work {i // 2}" for i in range(40)])
    tested = composer_scores.split_by_unit(labels, units, seed=3)
    assert [tested[labels == k].sum() for k in (0, 1)] == [6, 6]
    assert not set(units[tested]) & set(units[~tested])
    with pytest.raises(ValueError, match="at least two"):
        composer_scores.split_by_unit(np.array([0, 0]), np.array(["a", "a"]))


@pytest.mark.parametrize("experiment", ["layers", "false_alarms", "factors", "ranks"])
def test_every_made_up_run_of_the_grid_gives_finite_values(recipe, experiment):
    runs = [run for run in study.grid(recipe) if run.experiment == experiment]
    assert [run.condition["model"] for run in runs] == list(study._GRID[experiment])
    for run in runs:
        result = study.run(run)
        numbers = [v for v in result.values.values() if isinstance(v, float)]
        assert numbers
        assert np.isfinite(numbers).all()
        assert result.data["name"].startswith("composers")
    if experiment == "layers":
        assert study.run(runs[2]).values["mixed"] == 0.0  # the last layer: all or nothing


@pytest.fixture
def rolls(recipe, world, monkeypatch):
    """The world's rolls in the place of real scores."""
    classes = ("Bach", "Haydn", "Beethoven", "Chopin")
    split = composer_scores.Split(world.train, world.test, classes, "", ("bwv1/chorale", "kv80/movement1"))
    monkeypatch.setattr(composer_scores, "corpus_split", lambda **_: split)
    monkeypatch.setattr(composer_scores, "asap_split", lambda **_: split)
    for cached in (study._corpus, study._corpus_network, study._asap_network):
        cached.cache_clear()
    yield
    for cached in (study._corpus, study._corpus_network, study._asap_network):
        cached.cache_clear()


@pytest.mark.usefixtures("rolls")
def test_runs_on_real_scores(recipe):
    for run in study.grid(recipe):
        if run.experiment in ("classifier", "asap_ranks", "corpus_ranks") and "tucker" not in str(run):
            values = study.run(run).values
            assert np.isfinite([v for v in values.values() if isinstance(v, float)]).all()
            if "ranks" in run.experiment and "nmf" in str(run):
                errors = [values[f"error_{m}"] for m in composer_factors.RANKS]
                assert errors == sorted(errors, reverse=True)
    values = study.run(next(run for run in study.grid(recipe) if run.experiment == "corpus_signs")).values
    assert len(values["z_layer3"]) == len(values["signs_pseudo_layer4"]) == 6 * 4
    assert values["n_reference_layer4"] == sum(sign != "" for sign in values["signs_reference_layer4"])


@pytest.mark.usefixtures("rolls")
def test_the_network_of_the_first_seed_is_kept(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "results_folder", lambda root=None: root or tmp_path)
    with pytest.raises(FileNotFoundError, match="audiolab run musical_concepts"):
        study.load_study_weights()
    network = study._corpus_network(recipe.but(profile="study"), 0)
    again, classes, tested, stored = study.load_study_weights()
    assert tested == ("bwv1/chorale", "kv80/movement1")
    assert classes == ("Bach", "Haydn", "Beethoven", "Chopin")
    assert stored.n_steps == recipe.n_steps
    x = torch.rand(2, 400, 88)
    with torch.no_grad():
        assert torch.equal(again(x).logits, network(x).logits)
    beside = tmp_path / "weights" / "musical_concepts_corpus.json"
    beside.write_text('{"classes": ["one"]}')
    with pytest.raises(ValueError, match="to describe"):
        study.load_study_weights()
    study._corpus_network(recipe.but(profile="study"), 1)
    assert beside.read_text() == '{"classes": ["one"]}'  # only the first seed's is kept


def test_grid_is_what_the_claims_name(recipe):
    from audiolab.show import critical

    study_recipe = study.recipe().at("study")
    grid = study.grid(study_recipe)
    named = {(run.experiment, run.condition["model"]) for run in grid}
    for claim in critical.load_claims("musical_concepts"):
        test = claim["test"]
        assert {(test["experiment"], test["first"]), (test["experiment"], test["second"])} <= named
    assert len(grid) == 5 * sum(map(len, study._GRID.values()))


def test_dry_run_takes_one_step():
    found = study.dry_run(MusicalConcepts().but(network="narrow", width=4, batch_size=13))
    assert found["narrow"]["steps"] == 100 * -(-462 * 90 // 13)
    assert found["narrow"]["seconds per step here"] >= 0
