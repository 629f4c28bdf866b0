"""Composer classifiers and their concepts: the data, the training and the tests that the chapter and the ledger share.

The world whose answer is known has four composers made here (`worlds.composers`); real scores come from
`data.repertoires` and `data.scores` where they are at hand. After Foscarin et al. 2022.
Axes: N excerpts, T frames, F keys, K composers, P examples of concepts.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from audiolab import training
from audiolab.explain import concepts as tcav
from audiolab.features.piano_roll import N_KEYS, window
from audiolab.losses.composer import ComposerLoss
from audiolab.models.resnet_roll import ResNetRoll
from audiolab.recipes.musical_concepts import MusicalConcepts
from audiolab.worlds import composers

from . import composer_maestro, composer_scores
from .base import Result, Run
from .composer_factors import factor_values, rank_values
from .composer_scoring import piece_votes, scores, trivial_features, trivial_forest
from .composer_worlds import (
    COMPOSERS,
    CONCEPTS,
    WORLD_MODULES,
    Examples,
    Halves,
    Rolls,
    World,
    checksum_of,
    collected_examples,
    derive_seed,
    drone_world,
    planted_examples,
    planted_world,
    two_textures,
)
from .kept import fetch, keep

__all__ = [
    "COMPOSERS", "CONCEPTS", "Examples", "Halves", "Rolls", "World", "collected_examples", "drone_world",
    "factor_values", "piece_votes", "planted_examples", "planted_world", "rank_values", "scores", "trivial_features",
    "trivial_forest", "two_textures",
]  # and what follows
CHAPTER = "musical_concepts"
MODULES = (
    *WORLD_MODULES, "audiolab.models.resnet_roll", "audiolab.losses.composer", "audiolab.explain.concepts",
    "audiolab.explain.factorisation", "audiolab.data.scores", "audiolab.data.repertoires",
    "audiolab.studies.composer_scores", "audiolab.studies.composer_worlds", "audiolab.studies.composer_scoring",
    "audiolab.studies.composer_factors", "audiolab.studies.composer_maestro", "audiolab.studies.musical_concepts",
)


class Trained(NamedTuple):
    """A classifier and the course of its training (one row for every 20 steps)."""

    model: nn.Module
    history: list[dict[str, float]]
    seconds: float


# The classifier


def make_classifier(recipe: MusicalConcepts, n_classes: int, *, seed: int = 0) -> ResNetRoll:
    """The recipe's network with its initial weights drawn from `seed`."""
    options: dict[str, Any] = {"n_classes": n_classes, "generator": torch.Generator().manual_seed(seed)}
    if recipe.network == "narrow":
        return ResNetRoll.narrow(recipe.width, **options)
    makers = {"resnet50": ResNetRoll.resnet50, "resnet18": ResNetRoll.resnet18}
    if recipe.network not in makers:
        raise ValueError(f"network: expected one of {[*makers, 'narrow']}, got {recipe.network!r}")
    return makers[recipe.network](width=recipe.width, **options)


def draw_batch(data: Rolls, recipe: MusicalConcepts, rng: np.random.Generator) -> training.Batch:
    """A training batch: a window of each drawn roll, a crop at a random place in it, moved by some keys.

    Balanced batches draw the class first. x (B, T, F) float32, y (B,).
    """
    n_classes, n = int(data.y.max()) + 1, recipe.batch_size
    if recipe.balanced:
        wanted = rng.permutation(np.arange(n) % n_classes)
        rows = [int(rng.choice(np.flatnonzero(data.y == k))) for k in wanted]
    else:
        rows = rng.integers(len(data.y), size=n).tolist()
    spare, x = recipe.window_frames - recipe.excerpt_frames, []
    for row in rows:
        roll = data.rolls[row]
        start = int(rng.integers(max(0, len(roll) - recipe.window_frames) + 1)) + int(rng.integers(spare + 1))
        x.append(shift_keys(window(roll, start, n_frames=recipe.excerpt_frames), _draw_shift(recipe, rng)))
    return training.Batch(as_input(np.stack(x), recipe), torch.as_tensor(data.y[rows]))


def _draw_shift(recipe: MusicalConcepts, rng: np.random.Generator) -> int:
    return int(rng.integers(-recipe.transpose, recipe.transpose + 1)) if recipe.transpose else 0


def shift_keys(roll: np.ndarray, keys: int) -> np.ndarray:
    """A roll (T, F) transposed by some keys; what leaves the keyboard is lost."""
    moved = np.zeros_like(roll)
    if keys >= 0:
        moved[:, keys:] = roll[:, : N_KEYS - keys]
    else:
        moved[:, :keys] = roll[:, -keys:]
    return moved


def as_input(rolls: np.ndarray, recipe: MusicalConcepts) -> torch.Tensor:
    """Rolls as the network reads them: velocities as they are, or 0 and 1 where the recipe says so."""
    x = torch.as_tensor(np.asarray(rolls)).float()
    return x if recipe.velocity else (x > 0).float()


def train_classifier(
    data: Rolls, recipe: MusicalConcepts, seed: int = 0, *, shuffle_labels: bool = False, n_steps: int | None = None,
    device: str = "cpu",
) -> Trained:
    """Train a classifier on rolls by the recipe's steps; the last weights are kept, nothing is selected on test data.

    `shuffle_labels` gives every piece a random composer, a control. `device` is a name of `training.choose_device`; the
    network comes back to the processor. Raises FloatingPointError when the loss is not finite.
    """
    started = time.perf_counter()
    rng = np.random.default_rng([seed, 5])
    if shuffle_labels:
        data = data._replace(y=rng.permutation(data.y))
    place = training.choose_device(device)
    model = make_classifier(recipe, int(data.y.max()) + 1, seed=seed).to(place).train()
    criterion, steps = ComposerLoss(), n_steps or recipe.n_steps or _paper_steps(data, recipe)
    optimizer = _optimizer(model, recipe)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    history, sums = [], []
    for step in range(steps):
        batch = draw_batch(data, recipe, rng)
        batch = training.Batch(*(part.to(place) for part in batch))
        output = model(batch.x)
        loss = criterion(output, batch)
        if not torch.isfinite(loss.total):
            raise FloatingPointError(f"loss: expected a finite number, got {loss.total.item()} in step {step}")
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        if recipe.schedule == "cosine":
            schedule.step()
        sums.append((loss.total.item(), float((output.logits.argmax(1) == batch.y).float().mean())))
        if len(sums) == 20 or step == steps - 1:
            mean = np.mean(sums, axis=0)
            history.append({"epoch": step + 1, "loss": mean[0], "accuracy": mean[1]})
            sums = []
    return Trained(model.eval().cpu(), history, time.perf_counter() - started)


def _optimizer(model: nn.Module, recipe: MusicalConcepts) -> torch.optim.Optimizer:
    options = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), momentum=recipe.momentum, **options)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(model.parameters(), **options)
    raise ValueError(f'optimizer: expected "sgd" or "adamw", got {recipe.optimizer!r}')


def _paper_steps(data: Rolls, recipe: MusicalConcepts) -> int:
    n_pieces = len(np.unique(data.piece))
    return recipe.max_epochs * -(-n_pieces * recipe.n_windows // recipe.batch_size)


def probabilities(model: nn.Module, rolls: np.ndarray, recipe: MusicalConcepts) -> np.ndarray:
    """Softmax of the logits, (N, K)."""
    return training.collect(model, as_input(rolls, recipe), read=lambda m, x: m(x).logits.softmax(1), batch_size=64)


# Tests of concepts


def concept_space(
    model: nn.Module, layer: str, examples: Examples, test: Rolls, recipe: MusicalConcepts
) -> tcav.ConceptSpace:
    """`explain.concepts.make_space` of a classifier, on the test excerpts and the examples."""
    return tcav.make_space(
        model, layer, as_input(examples.x, recipe), as_input(test.excerpts(), recipe), test.y,
        kind=recipe.gradient, n_steps=recipe.n_integration,
    )


def false_alarms(
    space: tcav.ConceptSpace, examples: Examples, null: tcav.Null, recipe: MusicalConcepts, *, seed: int = 0
) -> dict[str, np.ndarray]:
    """p of both tests for sets of random excerpts that took no part in the null, each called a concept.

    Returns "reference" and "pseudo", (n, K) each, 0..1; n is the recipe's `n_false_alarm`. Sets are drawn from
    `examples.fresh` with `seed`, so they may overlap each other.
    """
    rng = np.random.default_rng([seed, 6])
    p: dict[str, list] = {"reference": [], "pseudo": []}
    for _ in range(recipe.n_false_alarm):
        drawn = rng.choice(examples.fresh, recipe.n_concept, replace=False)
        cavs = tcav.fit_cavs(
            space.gram, [drawn] * len(examples.random_sets), examples.random_sets, method=recipe.cav_method
        )
        s = tcav.sensitivities(space, cavs)
        p["reference"].append(tcav.reference_test(tcav.tcav_scores(s, space.y, space.n_classes)))
        mean = tcav.class_means(s, space.y, space.n_classes).mean(0)
        p["pseudo"].append(tcav.permutation_p(mean, null.sensitivity))
    return {name: np.stack(rows) for name, rows in p.items()}


def owner_maps(
    model: nn.Module, layer: str, x: Any, owner: np.ndarray, directions: np.ndarray, effects: np.ndarray
) -> list[np.ndarray]:
    """For each excerpt the map (T', F'), at least 0, of the concept that raises its owner's logit most.

    `directions` (M, C) and `effects` (M, K) come from a factorisation of other excerpts and `concept_effect`.
    """
    from audiolab.explain import factorisation

    maps = factorisation.project(factorisation.layer_maps(model, x, layer), directions)
    best = effects.argmax(0)
    return [one[:, :, best[k]] for one, k in zip(maps, owner, strict=True)]


def class_activation_maps(model: ResNetRoll, x: Any, owner: np.ndarray) -> list[np.ndarray]:
    """The positive part of W a, cell by cell: the logit's own exact sum after `layer4`, with no concept in between."""
    from audiolab.explain import factorisation

    maps = factorisation.layer_maps(model, x, "layer4")
    weight = model.fc.weight.detach().numpy()
    return [np.maximum(0, one @ weight[k]) for one, k in zip(maps, owner, strict=True)]


# The study


def recipe() -> MusicalConcepts:
    """The published recipe."""
    return MusicalConcepts()


_GRID = {
    "layers": ("layer2", "layer3", "layer4"),
    "false_alarms": ("reference test", "permutation test", "its level"),
    "factors": ("nmf", "tucker", "pca", "random"),
    "signs": ("published sets", "pseudo-concepts", "published sets, no Bach"),
    "classifier": ("network", "forest", "network, as written", "forest, as written"),
    # By number of concepts: on planted worlds, on Bach and Chopin with their two logits as published, on repertoires.
    "ranks": ("nmf", "tucker", "pca", "random"),
    "asap_ranks": ("nmf", "tucker", "pca", "random"),
    "corpus_ranks": ("nmf", "tucker", "pca", "random"),
    # Both tests at two layers of the network on repertoires, of concepts whose examples are nobody's.
    "corpus_signs": ("textures",),
}


def grid(recipe: MusicalConcepts) -> list[Run]:
    """Every comparison on every seed; runs that share a trained network stand together, so that it is trained once.

    At profile "paper" there is one experiment, "maestro": the published network and the forest on the published data.
    """
    if recipe.profile == "paper":
        seeds = range(recipe.n_seeds)
        return [Run(CHAPTER, "maestro", {"model": m}, seed, recipe) for seed in seeds for m in ("network", "forest")]
    return [
        Run(CHAPTER, experiment, {"model": model}, seed, recipe)
        for group in (
            ("layers", "false_alarms", "factors", "ranks"), ("signs", "asap_ranks"),
            ("classifier", "corpus_ranks", "corpus_signs"),
        )
        for seed in range(recipe.n_seeds) for experiment in group for model in _GRID[experiment]
    ]


def run(run: Run) -> Result:
    """One entry of `grid`.

    Runs of profile "paper" train on a GPU where there is one. Raises FileNotFoundError where MAESTRO is not in
    `AUDIOLAB_DATA`, and for "signs" where the performances and the published concept sets are not.
    """
    recipe, model, seed = run.recipe, run.condition["model"], run.seed
    if run.experiment == "maestro":
        return _run_maestro(recipe, model, seed)
    if run.experiment == "classifier":
        return _run_classifier(recipe, model, seed)
    if run.experiment == "signs":
        return _run_signs(recipe, model, seed)
    if run.experiment in ("asap_ranks", "corpus_ranks"):
        return _run_ranks(recipe, run.experiment, model, seed)
    if run.experiment == "corpus_signs":
        return _run_corpus_signs(recipe, seed)
    world, network = _planted(recipe, seed)
    name = {"name": "composers with planted concepts", "checksum": world.checksum}
    n_parameters = sum(p.numel() for p in network.parameters())
    if run.experiment == "factors":
        return Result(factor_values(network, world, model, seed=seed), n_parameters, name)
    if run.experiment == "ranks":
        return Result(rank_values(network, world.test, model, seed=seed), n_parameters, name)
    layer = model if run.experiment == "layers" else "layer3"
    examples, space, null = _planted_space(recipe, seed, layer)
    if run.experiment == "layers":
        values = layer_values(space, examples, null, world, recipe)
        values |= scores(probabilities(network, world.test.excerpts(), recipe), world.test.y, world.test.piece)
        return Result(values, n_parameters, name)
    level = recipe.alpha / len(world.classes)
    p = false_alarms(space, examples, null, recipe, seed=seed)
    last = _planted_space(recipe, seed, "layer4")
    p_last = false_alarms(last[1], last[0], last[2], recipe, seed=seed)
    if model == "its level":
        return Result({"rate": level, "rate_layer4": level}, n_parameters, name)
    # The permutation test is held to the same level.
    key = "reference" if model == "reference test" else "pseudo"
    values = {"rate": float((p[key] < level).mean()), "rate_layer4": float((p_last[key] < level).mean())}
    values |= {"rate_at_0.05": float((p[key] < 0.05).mean())}
    return Result(values, n_parameters, name)


@functools.lru_cache(maxsize=1)
def _planted(recipe: MusicalConcepts, seed: int) -> tuple[World, ResNetRoll]:
    """A world of its own for every seed, and the network trained on it: nothing was tuned on these."""
    world = planted_world(recipe, derive_seed(100, seed, 0, 0))
    return world, train_classifier(world.train, recipe, seed).model


@functools.lru_cache(maxsize=3)
def _planted_space(
    recipe: MusicalConcepts, seed: int, layer: str
) -> tuple[Examples, tcav.ConceptSpace, tcav.Null]:
    world, network = _planted(recipe, seed)
    examples = planted_examples(recipe, derive_seed(101, seed, 0, 0))
    space = concept_space(network, layer, examples, world.test, recipe)
    null = tcav.pseudo_concepts(space, examples.random_sets, size=recipe.n_concept, n=recipe.n_pseudo, seed=seed)
    return examples, space, null


def layer_values(
    space: tcav.ConceptSpace, examples: Examples, null: tcav.Null, world: World, recipe: MusicalConcepts
) -> dict[str, float]:
    """What TCAV finds of the planted effects in a layer, by both tests.

    `mixed`: share of all scores strictly between 0 and 1. For each test `owner` (of 4), `others` (of 12), `wrong` (of
    16) and `nulls` (of 8) count cells with a significant sign. `correlation` is that of z with the planted effect.
    """
    scored = []
    for rows in examples.concepts.values():
        cavs = tcav.fit_cavs(space.gram, [rows] * len(examples.random_sets), examples.random_sets)
        scored.append(tcav.tcav_scores(tcav.sensitivities(space, cavs), space.y, space.n_classes))
    scored = np.stack(scored)
    table = tcav.concept_table(
        space, examples.concepts, examples.random_sets, classes=world.classes, null=null, alpha=recipe.alpha
    )
    truth = composers.planted_effects(composers.shares(recipe.own_share, recipe.common_share))
    values = {"mixed": float(((scored > 0) & (scored < 1)).mean())}
    values["correlation"] = float(np.corrcoef(table["z"].to_numpy()[: truth.size], truth.ravel())[0, 1])
    for test in ("reference", "pseudo"):
        found = table[test].map({"+": 1, "−": -1, "": 0}).to_numpy().reshape(len(CONCEPTS), -1)
        wanted = np.sign(truth[:4])
        values |= {
            f"{test}_owner": float((found[:4][wanted > 0] == 1).sum()),
            f"{test}_others": float((found[:4][wanted < 0] == -1).sum()),
            f"{test}_wrong": float((found[:4] == -wanted).sum()), f"{test}_nulls": float((found[4:] != 0).sum()),
        }
    return values


def _run_maestro(recipe: MusicalConcepts, model: str, seed: int) -> Result:
    """The network or the forest on the published pieces; the forest is shown as many crops of each piece as tested."""
    split = composer_maestro.maestro_split(recipe)
    train, test = Rolls(*split.train), Rolls(*split.test)
    data = {"name": f"MAESTRO v2.0.0, {len(split.classes)} composers", "checksum": checksum_of(test.rolls)}
    if model == "forest":
        shown = composer_maestro.all_crops(train, recipe)
        return Result(trivial_forest(shown, test, seed=seed) | {"n_test": len(test.y)}, None, data)
    place = training.choose_device("auto")
    network = train_classifier(train, recipe, seed, device="auto").model.to(place)
    values = scores(probabilities(network, test.excerpts(recipe.excerpt_frames), recipe), test.y, test.piece)
    return Result(values | {"n_test": len(test.y)}, sum(p.numel() for p in network.parameters()), data, str(place))


def _run_classifier(recipe: MusicalConcepts, model: str, seed: int) -> Result:
    """A network or the forest on the four repertoires, normalised or as written; both see the same excerpts."""
    raw = model.endswith("as written")
    train, test, *_ = _corpus(seed, raw)
    data = {"name": "four repertoires (music21 corpus)", "checksum": checksum_of(test.rolls)}
    if model.startswith("forest"):
        return Result(trivial_forest(train, test, seed=seed) | {"n_test": len(test.y)}, None, data)
    network = _corpus_network(recipe, seed, raw)
    recipe = recipe.but(window_frames=recipe.excerpt_frames)
    values = scores(probabilities(network, test.excerpts(), recipe), test.y, test.piece)
    return Result(values | {"n_test": len(test.y)}, sum(p.numel() for p in network.parameters()), data)


@functools.lru_cache(maxsize=2)
def _corpus(seed: int, raw: bool = False) -> composer_scores.Split:
    split = composer_scores.corpus_split(seed=seed, raw=raw)
    return split._replace(train=Rolls(*split.train), test=Rolls(*split.test))


@functools.lru_cache(maxsize=2)
def _corpus_network(recipe: MusicalConcepts, seed: int, raw: bool = False) -> ResNetRoll:
    """The network on repertoires; that of seed 0 on normalised excerpts is kept beside the ledger."""
    split = _corpus(seed, raw)
    network = train_classifier(split.train, recipe.but(window_frames=recipe.excerpt_frames), seed).model
    if recipe.profile == "study" and seed == 0 and not raw:
        save_study_weights(network, split.classes, split.tested, recipe)
    return network


def _run_ranks(recipe: MusicalConcepts, experiment: str, kind: str, seed: int) -> Result:
    """Factorisations by number of concepts on real scores; of the performances Bach's and Chopin's, as published."""
    if experiment == "asap_ranks":
        network, test, classes = _asap_network(recipe, seed, ())
        values = rank_values(network, test, kind, among=(classes.index("Bach"), classes.index("Chopin")), seed=seed)
        name = "Bach and Chopin of ASAP"
    else:
        network, test = _corpus_network(recipe, seed), _corpus(seed).test
        values, name = rank_values(network, test, kind, seed=seed), "four repertoires (music21 corpus)"
    n_parameters = sum(p.numel() for p in network.parameters())
    return Result(values, n_parameters, {"name": name, "checksum": checksum_of(test.rolls)})


def _run_corpus_signs(recipe: MusicalConcepts, seed: int) -> Result:
    """What the generators' textures do to the repertoires' logits, by both tests at two layers: no truth is known."""
    network, (_, test, classes, *_) = _corpus_network(recipe, seed), _corpus(seed)
    examples = planted_examples(recipe, derive_seed(101, seed, 0, 0))
    tables = {}
    for layer in ("layer4", "layer3"):
        space = concept_space(network, layer, examples, test, recipe)
        null = tcav.pseudo_concepts(space, examples.random_sets, n=recipe.n_pseudo, size=recipe.n_concept, seed=seed)
        tables[layer] = tcav.concept_table(
            space, examples.concepts, examples.random_sets, classes=classes, null=null, alpha=recipe.alpha
        )
    counts = {f"n_{test}_{layer}": int((t[test] != "").sum()) for layer, t in tables.items() for test in
              ("reference", "pseudo")}  # fmt: skip
    data = {"name": "four repertoires (music21 corpus), textures made here", "checksum": checksum_of(test.rolls)}
    values = _sign_values(tables) | counts | {"concepts": list(examples.concepts), "classes": list(classes)}
    return Result(values, sum(p.numel() for p in network.parameters()), data)


def _sign_values(tables: dict[str, Any]) -> dict[str, list]:
    values: dict[str, list] = {}
    for layer, frame in tables.items():
        for test in ("reference", "pseudo"):
            values[f"signs_{test}_{layer}"] = frame[test].tolist()
        values[f"z_{layer}"] = frame["z"].round(3).tolist()
        values[f"cav_accuracy_{layer}"] = frame["cav_accuracy"].round(3).tolist()
    return values


def _run_signs(recipe: MusicalConcepts, model: str, seed: int) -> Result:
    """Agreement with the published signs, at two layers, of the published concept sets or of random ones.

    "no Bach" trains and tests without him, which asks what is left of "contrapuntal", whose examples are all his.
    """
    without = ("Bach",) if model.endswith("no Bach") else ()
    table, null_share, values, n_parameters, checksum = _asap(recipe, seed, without)
    published = _published(without)
    data = {"name": "five composers of ASAP and the published concept sets", "checksum": checksum}
    if model == "pseudo-concepts":
        return Result({"agreement": null_share["layer4"], "agreement_layer3": null_share["layer3"]}, n_parameters, data)
    for layer, frame in table.items():
        signs = np.sign(frame["sensitivity"].to_numpy().reshape(published.shape))
        name = "agreement" if layer == "layer4" else f"agreement_{layer}"
        values[name] = float((signs == published)[published != 0].mean())
        values |= _sign_values({layer: frame})
    return Result(values, n_parameters, data)


@functools.lru_cache(maxsize=1)
def _asap(recipe: MusicalConcepts, seed: int, without: tuple[str, ...]) -> tuple[dict, dict, dict, int, str]:
    network, test, classes = _asap_network(recipe, seed, without)
    values: dict[str, Any] = scores(probabilities(network, test.excerpts(), recipe), test.y, test.piece)
    stacks = composer_scores.published_examples()
    starts = np.cumsum([0, *(len(s) for s in stacks.values())])
    rows = {name: np.arange(a, b) for name, a, b in zip(stacks, starts, starts[1:], strict=False)}
    random_sets = [rows.pop(f"random {i}") for i in range(10)]
    examples = Examples(np.concatenate(list(stacks.values())), rows, random_sets, np.array([], dtype=int))
    published, tables, shares = _published(without), {}, {}
    for layer in ("layer4", "layer3"):
        space = concept_space(network, layer, examples, test, recipe)
        null = tcav.pseudo_concepts(space, random_sets, n=recipe.n_pseudo, size=recipe.n_concept, seed=seed)
        tables[layer] = tcav.concept_table(space, rows, random_sets, classes=classes, null=null)
        # A random set in the place of each concept: the share of its signs that happen to be the published ones.
        signs = np.sign(null.sensitivity)[:, None, :] == published
        shares[layer] = float((signs & (published != 0)).sum() / (published != 0).sum() / len(signs))
    n_parameters = sum(p.numel() for p in network.parameters())
    return tables, shares, values, n_parameters, checksum_of(test.rolls)


@functools.lru_cache(maxsize=2)
def _asap_network(recipe: MusicalConcepts, seed: int, without: tuple[str, ...]) -> tuple[ResNetRoll, Rolls, tuple]:
    split = composer_scores.asap_split(seed=seed, without=without)
    network = train_classifier(Rolls(*split.train), recipe.but(transpose=0), seed).model
    return network, Rolls(*split.test), split.classes


def _published(without: tuple[str, ...]) -> np.ndarray:
    kept = [composer not in without for composer in composer_scores.ASAP_COMPOSERS]
    return np.array(list(composer_scores.PUBLISHED_SIGNS.values()))[:, kept]


def save_study_weights(
    network: ResNetRoll, classes: Sequence[str], tested: Sequence[str], recipe: MusicalConcepts,
    root: str | Path | None = None,
) -> Path:
    """Keep the network on repertoires with its classes, the names of the pieces it was not trained on, and its recipe.

    The names let a page read these scores alone.
    """
    about = {"classes": list(classes), "tested": list(tested), "recipe": recipe.to_dict()}
    return keep("musical_concepts_corpus", network, about, root)


class Kept(NamedTuple):
    """The study's network on repertoires, what it tells apart, the names of its test pieces, and its recipe."""

    network: ResNetRoll
    classes: tuple[str, ...]
    tested: tuple[str, ...]
    recipe: MusicalConcepts


def load_study_weights(root: str | Path | None = None) -> Kept:
    """The study's network on the four repertoires (seed 0), in evaluation mode, and what belongs to it.

    Raises as `kept.fetch`.
    """

    def make(about: dict[str, Any]) -> ResNetRoll:
        return make_classifier(MusicalConcepts().but(**about["recipe"]), len(about["classes"]))

    command = "musical_concepts --profile study --only experiment=corpus_signs"
    network, about = fetch("musical_concepts_corpus", command, make, root)
    return Kept(network, tuple(about["classes"]), tuple(about["tested"]), MusicalConcepts().but(**about["recipe"]))


def dry_run(recipe: MusicalConcepts) -> dict[str, dict[str, Any]]:
    """One training step of the published network on random rolls of the published size, and its cost here.

    Returns for the network its parameters, input shape (B, T, F), seconds of the step on this machine, steps and hours
    of the whole run at that pace, and what would be downloaded.
    """
    model = make_classifier(recipe, recipe.n_classes).train()
    optimizer, criterion = _optimizer(model, recipe), ComposerLoss()
    x = torch.randint(0, 128, (recipe.batch_size, recipe.excerpt_frames, recipe.n_keys)).float()
    started = time.perf_counter()
    criterion(model(x), training.Batch(x, torch.arange(recipe.batch_size) % recipe.n_classes)).total.backward()
    optimizer.step()
    seconds = time.perf_counter() - started
    steps = recipe.max_epochs * -(-462 * recipe.n_windows // recipe.batch_size)
    return {recipe.network: {
        "parameters": sum(p.numel() for p in model.parameters()), "input": str(tuple(x.shape)),
        "seconds per step here": round(seconds, 2), "steps": steps, "hours here": round(seconds * steps / 3600, 1),
        "download": "MAESTRO v2.0.0, MIDI only, maestro-v2.0.0-midi.zip (about 57 MB)",
    }}
