"""The study of the raw-audio chapter: label levels, attention, pipelines, rivals, fusion, transfer, filters, surfaces.

Two experiments. "recordings" is ESC-10, one run per system and test fold (the run's seed counts the folds); "made" is
the world made here, one run per system and seed. A trained system is kept in the cache, so that rows that only combine
others (fusion, the better of two) do not train again.
"""

from __future__ import annotations

import hashlib
import resource
import time
from typing import Any

import numpy as np
import torch
from torch import nn

from audiolab import training
from audiolab.explain import chunks, embedding, filters, landscape
from audiolab.explain.score import score_maps
from audiolab.losses.hierarchy import HierarchyLoss
from audiolab.models.raw_scene import RawScene
from audiolab.recipes.raw_waveform import RawWaveform
from audiolab.results import module_hash, results_folder

from . import raw_rivals, raw_systems
from .base import Result, Run
from .cache import cache_folder
from .raw_systems import Answers, Split, Trained, World

CHAPTER = "raw_waveform"
MODULES = (
    *raw_systems.WORLD_MODULES, "audiolab.data.esc50", "audiolab.data.taxonomy", "audiolab.features.waveform",
    "audiolab.features.melspec", "audiolab.models.raw_scene", "audiolab.models.scene_spectrogram",
    "audiolab.models.scene_waveform", "audiolab.losses.hierarchy", "audiolab.training", "audiolab.explain.chunks",
    "audiolab.explain.embedding", "audiolab.explain.filters", "audiolab.explain.landscape",
    "audiolab.studies.raw_systems", "audiolab.studies.raw_rivals", "audiolab.studies.raw_waveform",
)
NOT_IN_TRAINING = ("audiolab.explain", "audiolab.studies.raw_rivals", "audiolab.studies.raw_waveform")
TRAINED_BY = tuple(m for m in MODULES if not m.startswith(NOT_IN_TRAINING))
RECORDINGS = (
    "joint", "fine", "nac", "sbcnn", "spectrogram", "short", "long", "one_pipeline", "fine_mean", "attention_fine",
    "coarse", "coarse_mean", "attention_coarse", "joint_mean", "mfcc_svm", "mfcc_lr",
    "ensemble", "raw+spectrogram", "ncnn", "resnet", "raw_cnn", "sample_cnn", "raw+raw",
)  # fmt: skip
GIVEN = ("vggish_svm", "vggish_lr")  # with the published weights
MADE = (
    "untrained", "joint", "raw+raw", "joint_mean", "nac", "raw+spectrogram", "gru", "transfer_tuned", "transfer_svm",
    "transfer_lr", "transfer_scratch", "lstm", "white_noise",
)  # fmt: skip
NEW_GROUP = "call"  # the class group that the transfer runs leave out of pre-training
PAIRS = {"one_pipeline": ("short", "long"), "spectrogram": ("nac", "sbcnn")}


# Scores


def top_k(probabilities: np.ndarray, y: np.ndarray, k: int = 1) -> float:
    """Share of clips whose true class is among the k largest scores, 0..1 (equal scores: the lower index first)."""
    ranks = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return float((ranks == np.asarray(y)[:, None]).any(axis=1).mean())


def score(answers: Answers, split: Split, parents: tuple[int, ...]) -> dict[str, float]:
    """Accuracies of both heads and of the parent of the fine decision, top-3, and distances in the embedding.

    `coarse_via_fine` maps the fine decision to its group; it is at least `fine`, whatever the predictions. Distances
    are given for the embedding as it is and on the unit sphere (`_unit`).
    """
    coarse, fine = split.y.T
    values = {
        "fine": top_k(answers.fine, fine), "fine_top3": top_k(answers.fine, fine, 3),
        "coarse_via_fine": float((np.asarray(parents)[answers.fine.argmax(axis=1)] == coarse).mean()),
    }
    if answers.coarse.shape[1]:
        values |= {"coarse": top_k(answers.coarse, coarse), "coarse_top3": top_k(answers.coarse, coarse, 3)}
    for suffix, points in (("", answers.embedding), ("_unit", embedding.on_sphere(answers.embedding))):
        for level, labels in (("coarse", coarse), ("fine", fine)):
            values[f"icd_{level}{suffix}"] = embedding.intra_cluster_distance(points, labels)
            values[f"iccd_{level}{suffix}"] = embedding.inter_centroid_distance(points, labels)
    values["ordered"] = embedding.ordered_share(embedding.on_sphere(answers.embedding), coarse, fine)
    return {name: value for name, value in values.items() if np.isfinite(value)}


def for_labels(values: dict[str, float], labels: str) -> dict[str, float]:
    """Without the scores of a head that was not trained: its weights are the initial ones."""
    untrained = {"fine": ("coarse", "coarse_top3"), "coarse": ("fine", "fine_top3", "coarse_via_fine")}.get(labels, ())
    return {name: value for name, value in values.items() if name not in untrained}


def attention_scores(answers: Answers, split: Split) -> dict[str, float]:
    """Mean attention on the chunk that holds the event, and how often it is the largest; chance is 1 / chunks."""
    chosen = split.chunk >= 0
    if not chosen.any() or not answers.attention.shape[1]:
        return {}
    regions = chunks.event_regions(split.chunk[chosen], answers.attention.shape[1])
    scores = score_maps(list(answers.attention[chosen]), list(regions))
    return {"event_weight": float(answers.attention[chosen][regions].mean()), "event_hit": float(scores[:, 1].mean())}


# Trained systems, kept


def world_of(experiment: str, recipe: RawWaveform, seed: int) -> World:
    """The data of one run: a fold of the recordings, or the one made-here world."""
    if experiment == "recordings":
        return raw_systems.recordings_world(recipe, recipe.folds[seed])
    return raw_systems.made_world(recipe)


def kept_system(system: str, world: World, recipe: RawWaveform, seed: int, **options: Any) -> Trained:
    """Train a system, or take it from the cache where the same code trained it on the same data.

    The key is the system, the world's checksum, the recipe, the seed and the code of `TRAINED_BY`. One that comes from
    the cache has an empty history. `options` are those of `train_system`.
    """
    key = "-".join([system, world.checksum, recipe.hash(), str(seed), _hash_of(TRAINED_BY)])
    path = cache_folder() / "raw_systems" / f"{key}.safetensors"
    if path.exists():
        weights, text = training.load_weights(path, with_metadata=True)
        model = raw_systems.make_system(system, recipe, world, seed)
        model.load_state_dict(weights)
        fit = training.Fit([], weights, float(text["seconds"]), int(text["epoch"]), float(text["value"]))
        return Trained(model.eval(), fit)
    trained = raw_systems.train_system(system, world, recipe, seed, progress=False, **options)
    fit = trained.fit
    metadata = {"seconds": str(fit.seconds), "epoch": str(fit.best_epoch), "value": str(fit.best_value)}
    training.save_weights(trained.model.state_dict(), path, metadata=metadata)
    return trained


def _hash_of(modules: tuple[str, ...]) -> str:
    return hashlib.sha256("".join(module_hash(m) for m in modules).encode()).hexdigest()[:12]


# Surfaces, filters, transfer


def surface(
    model: RawScene, split: Split, recipe: RawWaveform, *, labels: str = "joint", seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Loss around the weights on the first clips of a split: (steps, steps), and the steps, -1 to 1."""
    few = split.pick(slice(0, recipe.n_surface_clips))
    x, criterion = raw_systems.raw_chunks(few.samples, recipe), HierarchyLoss(labels=labels)
    batch = training.Batch(x, torch.as_tensor(few.y))
    generator = torch.Generator().manual_seed(seed)
    directions = tuple(landscape.filter_direction(model, generator=generator) for _ in range(2))
    steps = np.linspace(-1, 1, recipe.n_surface_steps)
    return landscape.loss_surface(model, lambda m: criterion(m(x), batch).total, directions, steps), steps


def filter_values(model: RawScene, recipe: RawWaveform) -> dict[str, Any]:
    """Peak frequencies of both first layers, and how mel-like they are."""
    values: dict[str, Any] = {}
    for name in ("short", "long"):
        pipeline = getattr(model, name)
        if pipeline is not None:
            bank = filters.filter_bank(pipeline.blocks[0][0].weight, sample_rate=recipe.sample_rate)
            values[f"mel_{name}"] = filters.mel_likeness(bank.peak_hz, high_hz=recipe.sample_rate / 2)
            values[f"peaks_{name}"] = bank.peak_hz
    return values


def white_noise_world(recipe: RawWaveform, world: World, seed: int) -> World:
    """The same labels on white noise: what a first layer becomes when there is nothing to learn."""
    rng = np.random.default_rng([seed, 77])

    def noisy(split: Split) -> Split:
        samples = 0.05 * rng.standard_normal(split.samples.shape)
        return split._replace(samples=samples.astype(np.float32), y=rng.permutation(split.y))

    splits = {name: noisy(getattr(world, name)) for name in ("train", "validation", "test")}
    return world._replace(name="white noise", checksum=f"noise{seed}-{world.checksum}", **splits)


def transfer_worlds(recipe: RawWaveform, seed: int, *, group: str = NEW_GROUP) -> tuple[World, World]:
    """Pre-training data without a class group, and data of that group alone, `n_transfer_clips` of each new class.

    The first world is the made-here one less a group, with classes numbered anew. The second has clips that no other
    split holds, drawn from `seed`; it keeps the first one's coarse names, because the scale of the coarse head is
    defined for three classes or more, and all its clips carry the first. Its test split is four times as large.
    """
    world = raw_systems.made_world(recipe)
    new = world.coarse.index(group)
    news = [k for k, parent in enumerate(world.parents) if parent == new]
    olds = [k for k in range(len(world.fine)) if k not in news]
    coarse_left = [g for g in range(len(world.coarse)) if g != new]

    def old(split: Split) -> Split:
        kept = split.pick(np.isin(split.y[:, 1], olds))
        y = np.stack([[coarse_left.index(a), olds.index(b)] for a, b in kept.y]) if len(kept.y) else kept.y
        return kept._replace(y=y)

    def fresh(n_each: int, which: int) -> Split:
        # Clips that no other split holds; the group's classes in turn.
        everything = raw_systems.make_split(recipe, n_each * len(world.fine), seed=700_000 + 10 * seed + which)
        kept = everything.pick(np.isin(everything.y[:, 1], news))
        return kept._replace(y=np.stack([[0, news.index(b)] for _, b in kept.y]))

    before = world._replace(
        name=f"without {group}", coarse=tuple(world.coarse[g] for g in coarse_left),
        fine=tuple(world.fine[k] for k in olds), parents=tuple(coarse_left.index(world.parents[k]) for k in olds),
        train=old(world.train), validation=old(world.validation), test=old(world.test),
        checksum=f"without-{group}-{world.checksum}",
    )
    # The scale's bound needs three coarse classes: the new data keep the old names, of which only the first is used.
    after = world._replace(
        name=f"only {group}", coarse=before.coarse, fine=tuple(world.fine[k] for k in news), parents=(0,) * len(news),
        train=fresh(recipe.n_transfer_clips, 0), validation=fresh(recipe.n_transfer_clips, 1),
        test=fresh(4 * recipe.n_transfer_clips, 2), checksum=f"only-{group}-{seed}-{world.checksum}",
    )
    return before, after


def transfer(kind: str, recipe: RawWaveform, seed: int) -> dict[str, float]:
    """Accuracy on a class group that pre-training left out; `kind` "tuned", "svm", "lr" or "scratch".

    "tuned" trains a new fine head on the frozen network (the paper's "fine tuning the classification layer"); "svm" (a
    polynomial of degree 3) and "lr" read its embedding; "scratch" trains everything on the few clips.
    """
    before, after = transfer_worlds(recipe, seed)
    few = recipe.but(max_epochs=recipe.transfer_max_epochs, labels="fine")
    if kind == "scratch":
        found = kept_system("fine", after, few, seed)
        return {"fine": top_k(raw_systems.answers(found.model, _x(after.test, few)).fine, after.test.y[:, 1])}
    old = kept_system("joint", before, recipe, seed).model
    if kind == "tuned":
        model = raw_systems.make_system("fine", few, after, seed)
        state = {k: v for k, v in old.state_dict().items() if not k.startswith("fine_head")}
        model.load_state_dict(state, strict=False)
        tune_head(model, after, few, seed)
        return {"fine": top_k(raw_systems.answers(model, _x(after.test, few)).fine, after.test.y[:, 1])}
    points = [raw_systems.answers(old, _x(s, recipe)).embedding for s in (after.train, after.test)]
    guess = raw_rivals.classify(kind, points[0], after.train.y[:, 1], points[1])
    return {"fine": float((guess == after.test.y[:, 1]).mean())}


def _x(split: Split, recipe: RawWaveform) -> torch.Tensor:
    return raw_systems.raw_chunks(split.samples, recipe)


def tune_head(model: RawScene, world: World, recipe: RawWaveform, seed: int) -> None:
    """Train the fine head alone, in place; the rest is held, and works as in evaluation (no dropout).

    The head reads stored embeddings (N, D) of the world's training split; the best epoch on its validation split is
    kept.
    """
    points = {
        name: torch.tensor(raw_systems.answers(model, _x(getattr(world, name), recipe)).embedding)
        for name in ("train", "validation")
    }
    head = model.fine_head
    loaders = training.Loaders(
        training.make_loader(points["train"], world.train.y, batch_size=recipe.batch_size, shuffle=True),
        training.make_loader(points["validation"], world.validation.y, batch_size=64),
    )

    def step(head: nn.Module, batch: training.Batch) -> Any:
        from audiolab.losses.terms import LossTerms

        return LossTerms.of(fine=nn.functional.cross_entropy(head(batch.x), batch.y[:, 1].long()))

    def metric(head: nn.Module, loader: training.Loader) -> dict[str, float]:
        guess = training.collect(head, loader, read=lambda m, x: m(x)).argmax(axis=1)
        return {"accuracy": float((guess == loader.y[:, 1].numpy()).mean())}

    # A head costs next to nothing: ten times the epochs and the rate bring it to rest.
    settings = recipe.but(max_epochs=10 * recipe.max_epochs, learning_rate=10 * recipe.learning_rate)
    training.fit(head, step, loaders, settings, metric, seed=seed, progress=False)


# The study


def recipe() -> RawWaveform:
    """The published recipe."""
    return RawWaveform()


def grid(recipe: RawWaveform) -> list[Run]:
    """Recordings first, where they are at hand: system by system, all folds; then the made-here systems, all seeds.

    Without recordings their runs are left out; with VGGish's weights there are two systems more.
    """
    from audiolab.data.esc50 import find_esc50

    try:
        find_esc50()
        folds = range(len(recipe.folds))
    except FileNotFoundError:
        folds = range(0)
    recorded = recipe.for_recordings()
    systems = (*RECORDINGS, *(GIVEN if raw_rivals.find_vggish() else ()))
    runs = [Run(CHAPTER, "recordings", {"model": m}, k, recipe, {"used": recorded}) for m in systems for k in folds]
    runs += [Run(CHAPTER, "made", {"model": m}, seed, recipe) for m in MADE for seed in range(recipe.n_seeds)]
    return runs


def run(run: Run) -> Result:
    """One entry of `grid`: train or take from the cache what it needs, and measure it on the test split.

    Raises ValueError at profile "paper", whose data sets are not read here.
    """
    if run.recipe.profile == "paper":
        raise ValueError("profile: 'paper' needs four data sets that are not at hand; expected 'study', or --dry-run")
    recipe, model_name, seed = run.options.get("used", run.recipe), run.condition["model"], run.seed
    world = world_of(run.experiment, recipe, seed)
    data = {"name": world.name, "checksum": world.checksum}
    if model_name.startswith("transfer_"):
        return Result(transfer(model_name.removeprefix("transfer_"), recipe, seed), None, data)
    if model_name.startswith(("mfcc_", "vggish_")):
        features, kind = model_name.split("_")
        weights = raw_rivals.find_vggish(needed=True) if features == "vggish" else None
        return Result(raw_rivals.mfcc_classifier(kind, world, recipe, vggish=weights), None, data)
    if model_name == "ensemble":
        mean, _ = raw_rivals.ensemble(world, recipe, seed)
        fine = world.test.y[:, 1]
        return Result({"fine": top_k(mean, fine), "fine_top3": top_k(mean, fine, 3)}, None, data)
    if "+" in model_name:
        return Result(fused(model_name, world, recipe, seed), None, data)
    if model_name in PAIRS:
        return Result(better_of(PAIRS[model_name], world, recipe, seed), None, data)
    if model_name.startswith("attention_"):
        return Result(gain(model_name.removeprefix("attention_"), world, recipe, seed), None, data)
    if model_name in ("untrained", "white_noise"):
        model = (
            raw_systems.make_system("joint", recipe, world, seed)
            if model_name == "untrained"
            else kept_system("joint", white_noise_world(recipe, world, seed), recipe, seed).model
        )
        values = filter_values(model, recipe)
        values |= attention_scores(raw_systems.answers(model.eval(), _x(world.test, recipe)), world.test)
        return Result(values, _count(model), data)
    trained = kept_system(model_name, world, recipe, seed)
    values = {"validation": trained.fit.best_value, "best_epoch": trained.fit.best_epoch}
    values |= system_values(model_name, trained.model, world, recipe, seed, surfaces=run.experiment == "made")
    if model_name == "joint" and run.experiment == "made" and seed == 0 and recipe.profile == "study":
        save_study_weights(trained.model, recipe)
    return Result(values, _count(trained.model), data)


def system_values(
    system: str, model: nn.Module, world: World, recipe: RawWaveform, seed: int, *, surfaces: bool
) -> dict[str, Any]:
    """Everything that is measured of one trained system on the test split, ready for the ledger.

    Accuracies and distances of `score`, attention on events and on silent chunks, peaks of the first layers, and, where
    `surfaces`, the loss surface with its rise and its number of local minima.
    """
    found = raw_systems.ask(system, model, world.test, recipe, train=world.train)
    labels = raw_systems.RAW_SYSTEMS.get(system, {}).get("labels", "joint")
    values: dict[str, Any] = for_labels(score(found, world.test, world.parents), labels)
    values |= attention_scores(found, world.test)
    if isinstance(model, RawScene):
        values |= filter_values(model, recipe)
        silent = raw_systems.silent_chunks(world.test, recipe)
        values["n_silent"] = int(silent.sum())
        if silent.any():
            values["silent_weight"] = float(found.attention[silent].mean())
    if surfaces and system in ("joint", "joint_mean"):
        grid_values, steps = surface(model, world.test, recipe, seed=seed)
        values |= {"surface": grid_values, "rise": landscape.rise(grid_values, steps)}
        values["n_minima"] = landscape.n_local_minima(grid_values)
    return values


def fused(name: str, world: World, recipe: RawWaveform, seed: int) -> dict[str, float]:
    """Averaged posteriors: "raw+spectrogram", or "raw+raw", whose second network has the next seed."""
    other = ("nac", seed) if name == "raw+spectrogram" else ("joint", (seed + 1) % max(2, recipe.n_seeds))
    both = []
    for system, own_seed in (("joint", seed), other):
        model = kept_system(system, world, recipe, own_seed).model
        both.append(raw_systems.ask(system, model, world.test, recipe, train=world.train).fine)
    mean = (both[0] + both[1]) / 2
    fine = world.test.y[:, 1]
    return {"fine": top_k(mean, fine), "fine_top3": top_k(mean, fine, 3), "alone": top_k(both[0], fine)}


def better_of(systems: tuple[str, str], world: World, recipe: RawWaveform, seed: int) -> dict[str, Any]:
    """The scores of the one of two systems that is better on validation, and the fine accuracy of both."""
    trained = {system: kept_system(system, world, recipe, seed) for system in systems}
    chosen = max(systems, key=lambda system: trained[system].fit.best_value)
    values = system_values(chosen, trained[chosen].model, world, recipe, seed, surfaces=False)
    values["chosen"] = chosen
    for system in systems:
        found = raw_systems.ask(system, trained[system].model, world.test, recipe, train=world.train)
        values[f"fine_{system}"] = top_k(found.fine, world.test.y[:, 1])
    return values


def gain(labels: str, world: World, recipe: RawWaveform, seed: int) -> dict[str, float]:
    """What attention adds to the accuracy of a network trained on one label level alone."""
    accuracies = []
    for system in (labels, f"{labels}_mean"):
        model = kept_system(system, world, recipe, seed).model
        found = raw_systems.ask(system, model, world.test, recipe)
        accuracies.append(top_k(getattr(found, labels), world.test.y[:, 0 if labels == "coarse" else 1]))
    return {"with_attention": accuracies[0], "without": accuracies[1], "gain": accuracies[0] - accuracies[1]}


def _count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


# Weights that the chapter loads


def _weights_path(root: Any) -> Any:
    return results_folder(root) / "weights" / "raw_waveform_joint.safetensors"


def save_study_weights(model: RawScene, recipe: RawWaveform, root: Any = None) -> Any:
    """Write the joint network of the first seed (safetensors, with the recipe's profile as its text)."""
    return training.save_weights(model.state_dict(), _weights_path(root), metadata={"profile": recipe.profile})


def load_study_weights(root: Any = None) -> RawScene:
    """The study's joint network (made-here world, seed 0) in evaluation mode.

    Raises FileNotFoundError when the study has not been run (names the command).
    """
    path = _weights_path(root)
    if not path.exists():
        raise FileNotFoundError(
            f"weights: no {path.name}; make it with: python -m audiolab run raw_waveform --profile study"
        )
    weights, text = training.load_weights(path, with_metadata=True)
    recipe = RawWaveform().at(text["profile"])
    model = RawScene(recipe.n_coarse, recipe.n_fine, width=recipe.width)
    model.load_state_dict(weights)
    return model.eval()


def dry_run(recipe: RawWaveform) -> dict[str, dict[str, Any]]:
    """One training step of the raw network at full size on noise of the paper's shape, and its cost.

    Four clips stand for a batch, so that the step fits a small machine; seconds are scaled to the whole batch.
    """
    few = 4
    model = RawScene(recipe.n_coarse, recipe.n_fine, width=recipe.width, join=recipe.join)
    generator = torch.Generator().manual_seed(0)
    x = 0.05 * torch.randn(few, recipe.n_chunks, recipe.chunk_length, generator=generator)
    y = torch.zeros(few, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
    started = time.perf_counter()
    HierarchyLoss(model, orthogonal_weight=recipe.orthogonal_weight)(model(x), training.Batch(x, y)).total.backward()
    optimizer.step()
    seconds = (time.perf_counter() - started) * recipe.batch_size / few
    return {
        "joint": {
            "parameters": _count(model),
            "input": f"({recipe.batch_size}, {recipe.n_chunks}, {recipe.chunk_length})",
            "seconds per step here": round(seconds, 1),
            "peak memory, GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
            "download": "ESC-50 (0.6 GB), TUT Acoustic Scenes 2017 (14.3 GB); LITIS Rouen and DARES-G1 may be gone",
        }
    }
