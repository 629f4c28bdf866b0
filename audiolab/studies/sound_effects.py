"""One encoder across libraries: the data, the training and the evaluation that the chapter and the ledger share.

Libraries are made here (`worlds.libraries`), with their own taxonomies; ESC-10 joins them where its recordings lie. One
file gives one random window an epoch in training and all its windows in evaluation (aiSFX, sections 3.2 to 3.4).
Axes: N windows, T time frames, F mel bands, D embedding, K classes.
"""

from __future__ import annotations

import functools
import hashlib
import json
import resource
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from audiolab import training
from audiolab.data.samplers import balanced_batches, mix_joint, mix_sequential, shuffled_batches
from audiolab.data.splits import Parts, split_library
from audiolab.features.compressed_mel import CompressedMel, crop, to_windows
from audiolab.losses.metric_learning import JointLoss, focal_weights, split_target
from audiolab.losses.terms import LossTerms
from audiolab.metrics import frozen_scores, macro_f1
from audiolab.models.cnn9 import CNN9, CNN9Output
from audiolab.recipes.sound_effects import SoundEffects
from audiolab.worlds import libraries

from .base import Result, Run
from .cache import cache_folder, cached_arrays
from .kept import fetch, keep

CHAPTER = "sound_effects"
DATA_MODULES = (
    *(f"audiolab.worlds.{n}" for n in ("libraries", "foley", "esc10", "urban", "blocks", "effects", "events")),
    "audiolab.features.compressed_mel",
)
MODULES = (
    *DATA_MODULES, "audiolab.data.samplers", "audiolab.data.splits", "audiolab.models.cnn9",
    "audiolab.losses.metric_learning", "audiolab.training", "audiolab.studies.sound_effects",
)  # audiolab.metrics is left out: it is shared and grows; what is used of it is held by its tests


class Data(NamedTuple):
    """One library ready for the network. `frames` has one (T, F) tensor a file.

    `labels` are the library's own, in which the noisy one errs; `truth` is what it should have written. Training and
    the neighbours that vote see `labels`, the test is scored on `truth`.
    """

    name: str
    classes: tuple[str, ...]
    frames: list[Tensor]
    labels: np.ndarray
    truth: np.ndarray
    groups: np.ndarray
    parts: Parts
    checksum: str


class Windows(NamedTuple):
    """All windows of some files: `x` (N, T, F) and for each its class and its file's number."""

    x: Tensor
    labels: np.ndarray
    files: np.ndarray


class Trained(NamedTuple):
    """A trained network, the course of its training, and when each library was learned (for focal weights)."""

    model: CNN9
    fit: training.Fit
    learned_at: list[int]


# Data


def front_end(recipe: SoundEffects) -> CompressedMel:
    """The recipe's log-mel."""
    return CompressedMel(
        sample_rate=recipe.sample_rate, n_fft=recipe.n_fft, hop_length=recipe.hop_length, n_mels=recipe.n_mels,
        level=recipe.level,
    )


def _input_key(recipe: SoundEffects) -> list[Any]:
    return [getattr(recipe, f) for f in ("sample_rate", "n_fft", "hop_length", "n_mels", "level")]


def library_data(recipe: SoundEffects, name: str) -> Data:
    """A library made here, from the cache when the same code made it before (else about 10 ms for a second of sound).

    "esc10" reads the recordings instead: folds 1 and 2 train, 3 validates, 4 tests; FileNotFoundError without them.
    """
    if name == "esc10":
        return _esc10(recipe)

    seed = recipe.world_seed

    def make() -> dict[str, np.ndarray]:
        log_mel = front_end(recipe)
        files = libraries.make_library(name, n_files=recipe.n_files, seed=seed, sample_rate=recipe.sample_rate)
        return _arrays(
            [log_mel(torch.tensor(f.samples)[None])[0] for f in files], [f.label for f in files],
            [f.true_label for f in files], [f.group for f in files],
        )

    key = [name, seed, recipe.n_files, _input_key(recipe)]
    arrays = cached_arrays(f"library_{name}", key, DATA_MODULES, make)
    groups = arrays["groups"] if recipe.split_by == "recording" else None
    parts = split_library(arrays["truth"], groups, shares=recipe.shares, seed=seed)
    return _data(name, arrays, libraries.classes_of(name), parts)


def _esc10(recipe: SoundEffects) -> Data:
    from audiolab.data import esc50

    rows = [row for row in esc50.list_esc50() if row.target in _ESC10_TARGETS]

    def make() -> dict[str, np.ndarray]:
        log_mel = front_end(recipe)
        sounds = (esc50.read_clip(row.path, sample_rate=recipe.sample_rate) for row in rows)
        words = [row.category for row in rows]
        # A Freesound recording is the middle part of the file's name: takes A, B, C of one lie in one fold.
        groups = [row.path.name.split("-")[1] for row in rows]
        return _arrays([log_mel(torch.tensor(s)[None])[0] for s in sounds], words, words, groups)

    digest = hashlib.sha256(json.dumps([[r.path.name, r.path.stat().st_size] for r in rows]).encode()).hexdigest()
    arrays = cached_arrays("library_esc10", [digest, _input_key(recipe)], DATA_MODULES[-1:], make)
    folds = np.array([row.fold for row in rows])
    parts = Parts(*(np.flatnonzero(np.isin(folds, chosen)) for chosen in ((1, 2), (3,), (4,))))
    return _data("esc10", arrays, tuple(sorted({row.category for row in rows})), parts)


_ESC10_TARGETS = (0, 1, 10, 11, 12, 20, 21, 38, 40, 41)  # ESC-50's numbers of its ten-class part


def _arrays(
    frames: list[Tensor], labels: list[str], truth: list[str], groups: list[str]
) -> dict[str, np.ndarray]:
    lengths = np.array([len(f) for f in frames])
    values = torch.cat(frames).numpy().astype(np.float16)  # three digits of a picture in [0, 1]
    return {
        "values": values, "lengths": lengths, "labels": np.array(labels), "truth": np.array(truth),
        "groups": np.array(groups),
    }


def _data(name: str, arrays: dict[str, np.ndarray], classes: tuple[str, ...], parts: Parts) -> Data:
    values = torch.from_numpy(arrays["values"].astype(np.float32))
    numbers = {word: k for k, word in enumerate(classes)}
    labels, truth = (np.array([numbers[str(w)] for w in arrays[key]]) for key in ("labels", "truth"))
    checksum = hashlib.sha256(np.round(arrays["values"].astype(np.float32), 2).tobytes() + labels.tobytes())
    frames = list(values.split(arrays["lengths"].tolist()))
    return Data(name, classes, frames, labels, truth, arrays["groups"], parts, checksum.hexdigest()[:12])


def windows_of(data: Data, files: np.ndarray, recipe: SoundEffects, *, truth: bool = False) -> Windows:
    """Every window of the chosen files, half overlapping."""
    cut = [to_windows(data.frames[i], length=recipe.n_frames, hop=recipe.hop_frames) for i in files]
    counts = [len(w) for w in cut]
    labels = (data.truth if truth else data.labels)[files]
    return Windows(torch.cat(cut), np.repeat(labels, counts), np.repeat(files, counts))


# Training


class Mixer:
    """Training batches of one library or several: `epoch(seed, epoch)` gives (x, y) with y (B, 2) class and library.

    `mixing` "sequential" takes one library after the other, in an order drawn from `seed`; "drawn" draws the order anew
    for each epoch; "joint" shuffles batches.
    `balanced` draws as many files of each class, else every file once. A window is cut anew at every draw.
    """

    def __init__(
        self, libraries: Sequence[Data], recipe: SoundEffects, *, mixing: str = "sequential", balanced: bool = False
    ) -> None:
        if mixing not in ("sequential", "drawn", "joint"):
            raise ValueError(f'mixing: expected "sequential", "drawn" or "joint", got {mixing!r}')
        self.libraries, self.recipe, self.mixing, self.balanced = list(libraries), recipe, mixing, balanced
        self.batch_size = recipe.batch_size

    def epoch(self, seed: int, epoch: int) -> Iterator[training.Batch]:
        """The batches of one epoch, counted from 1."""
        recipe, rng = self.recipe, np.random.default_rng([seed, epoch])
        cuts = torch.Generator().manual_seed(int(rng.integers(2**62)))
        drawn = []
        for data in self.libraries:
            train = data.parts.train
            if self.balanced:
                n_batches = max(1, -(-len(train) // recipe.batch_size))  # as many updates as the unbalanced draw
                picks = balanced_batches(
                    data.labels[train], n_classes=recipe.n_batch_classes, per_class=recipe.per_class,
                    n_batches=n_batches, rng=rng,
                )  # fmt: skip
            else:
                picks = shuffled_batches(len(train), batch_size=recipe.batch_size, rng=rng)
            drawn.append([train[pick] for pick in picks])
        if self.mixing == "joint":
            mixed = mix_joint(drawn, rng=rng)
        else:
            orders = np.random.default_rng([seed, epoch, 1] if self.mixing == "drawn" else seed)
            mixed = mix_sequential(drawn, order=orders.permutation(len(drawn)).tolist())
        for number, files in mixed:
            data = self.libraries[number]
            x = torch.stack([crop(data.frames[i], length=recipe.n_frames, generator=cuts) for i in files])
            y = torch.tensor([[data.labels[i], number] for i in files])
            yield training.Batch(x, y)


def make_model(recipe: SoundEffects, n_classes: Sequence[int], *, seed: int = 0) -> CNN9:
    """The encoder and its heads, drawn from `seed`."""
    model = CNN9(
        n_classes, base=recipe.base, dataset_bn=recipe.dataset_bn, generator=torch.Generator().manual_seed(seed)
    )
    return model.to(memory_format=torch.channels_last)  # the same numbers, a quarter faster


def make_criterion(recipe: SoundEffects, dataset_weights: list[float] | None = None) -> JointLoss:
    """The recipe's sum of losses."""
    options = {"margin": recipe.triplet_margin} if recipe.metric == "triplet" else {}
    return JointLoss(
        recipe.metric, weight=recipe.metric_weight, regular_weight=recipe.regular_weight, options=options,
        dataset_weights=dataset_weights,
    )


def train(
    datas: Sequence[Data], recipe: SoundEffects, seed: int = 0, *, mixing: str = "sequential",
    balanced: bool | None = None, dataset_weights: list[float] | None = None, **options: Any,
) -> Trained:
    """Train one encoder on one library or several; best mean validation loss, unweighted, over the libraries is kept.

    `balanced` None means: when there is a loss on distances, as in the paper. Options are those of `training.fit`.
    """
    balanced = recipe.metric is not None if balanced is None else balanced
    model = make_model(recipe, [len(d.classes) for d in datas], seed=seed)
    criterion, judge = make_criterion(recipe, dataset_weights), make_criterion(recipe)
    seen: list[list[tuple[Tensor, Tensor]]] = [[] for _ in datas]

    def step(model: CNN9, batch: training.Batch) -> LossTerms:
        y, number = split_target(batch.y)
        output = model(batch.x, number)
        seen[number].append((y, output.logits.detach().argmax(dim=1)))
        return criterion(output, batch)

    held = [windows_of(d, d.parts.validation, recipe) for d in datas]

    def metric(model: CNN9, _: Any) -> dict[str, float]:
        values, losses, f1 = {}, [], []
        for number, windows in enumerate(held):
            output = run_model(model, windows.x, number)
            target = torch.from_numpy(windows.labels)
            losses.append(float(judge(output, training.Batch(windows.x, target)).total))
            f1.append(macro_f1(windows.labels, output.logits.argmax(dim=1).cpu().numpy()))
            truth, guess = (torch.cat(part).cpu().numpy() for part in zip(*seen[number], strict=True))
            values[f"train_f1_{number}"] = macro_f1(truth, guess)
            seen[number].clear()
        return values | {"minus_loss": -float(np.mean(losses)), "f1": float(np.mean(f1))}

    loaders = training.Loaders(Mixer(datas, recipe, mixing=mixing, balanced=balanced), held)
    fit = training.fit(model, step, loaders, recipe, metric, seed=seed, **options)
    learned_at = [_first_epoch(fit.history, number, recipe.f1_threshold) for number in range(len(datas))]
    return Trained(model, fit, learned_at)


def _first_epoch(history: list[dict[str, float]], number: int, threshold: float) -> int:
    """The epoch at which training F1 reached the threshold, or the number of epochs that were run."""
    reached = [int(row["epoch"]) for row in history if row[f"validation_train_f1_{number}"] >= threshold]
    return reached[0] if reached else len(history)


# Evaluation


def run_model(model: CNN9, x: Tensor, dataset: int = 0, *, batch_size: int = 128) -> CNN9Output:
    """The output for all windows (N, T, F), in evaluation mode and without gradients; the mode is put back."""
    was_training, device = model.training, next(model.parameters()).device
    model.eval()
    try:
        with torch.no_grad():
            parts = [model(piece.to(device), dataset) for piece in x.split(batch_size)]
    finally:
        model.train(was_training)
    return CNN9Output(*(torch.cat(part).cpu() for part in zip(*parts, strict=True)))


def embed(model: CNN9, x: Tensor, dataset: int = 0) -> np.ndarray:
    """Embeddings (N, D) of windows (N, T, F) from the frozen encoder."""
    return run_model(model, x, dataset).embedding.numpy()


def evaluate(model: CNN9, data: Data, recipe: SoundEffects, *, dataset: int = 0) -> dict[str, float]:
    """`metrics.frozen_scores` of a frozen encoder on a library's test part, through batch norms number `dataset`."""
    near = windows_of(data, data.parts.train, recipe)
    test = windows_of(data, data.parts.test, recipe, truth=True)
    return frozen_scores(
        embed(model, near.x, dataset), near.labels, embed(model, test.x, dataset), test.labels, test.files
    )


def mean_std(x: Tensor) -> np.ndarray:
    """Mean and deviation over time of each band, (N, T, F) -> (N, 2F): the floor that any encoder should beat."""
    return torch.cat([x.mean(dim=1), x.std(dim=1)], dim=1).numpy()


def evaluate_mean_std(data: Data, recipe: SoundEffects) -> dict[str, float]:
    """`metrics.frozen_scores` of `mean_std`."""
    near = windows_of(data, data.parts.train, recipe)
    test = windows_of(data, data.parts.test, recipe, truth=True)
    return frozen_scores(mean_std(near.x), near.labels, mean_std(test.x), test.labels, test.files)


def _evaluate_openl3(data: Data, recipe: SoundEffects) -> dict[str, float]:
    from . import openl3_baseline as baseline

    if data.name == "esc10":
        from audiolab.data import esc50

        rows = [row for row in esc50.list_esc50() if row.target in _ESC10_TARGETS]
        sounds = [esc50.read_clip(row.path, sample_rate=baseline.SAMPLE_RATE) for row in rows]
    else:
        rate = recipe.sample_rate
        made = libraries.make_library(data.name, n_files=recipe.n_files, seed=recipe.world_seed, sample_rate=rate)
        sounds = [baseline.to_48k(file.samples, rate) for file in made]
    near = windows_of(data, data.parts.train, recipe)
    test = windows_of(data, data.parts.test, recipe, truth=True)
    frame_s = recipe.hop_length / recipe.sample_rate
    return baseline.evaluate_openl3(
        near, test, sounds, length_s=recipe.n_frames * frame_s, hop_s=recipe.hop_frames * frame_s
    )


# The study


def recipe() -> SoundEffects:
    """The published recipe."""
    return SoundEffects()


LOSSES = (None, "contrastive", "triplet", "circle")
GRID = {
    # Floors, two losses in three scenarios, and the variants of cross-library training.
    "libraries": (
        "mean_std", "untrained", "within ce", "within triplet", "transfer ce", "transfer triplet", "x_sequential ce",
        "x_joint ce", "x_equal ce", "x_fdr0.999 ce", "x_bn ce",
    ),
    # What the comparison of losses and the split leave open, on the base library.
    "controls": (
        "within ce", "within triplet", "balanced ce", "unregular triplet", "by_file ce", "by_file triplet",
        "by_file mean_std", "mean_std",
    ),
    # All four losses in the three scenarios, with "libraries".
    "losses": (
        "within contrastive", "within circle", "transfer contrastive", "transfer circle", "x_sequential contrastive",
        "x_sequential triplet", "x_sequential circle",
    ),
    # How libraries are mixed, beside "libraries": an order drawn anew for each epoch, other values of beta, the weights
    # upside down, batch norms of their own and as many updates with Triplet loss.
    "mixing": (
        "x_drawn ce", "x_fdr0.5 ce", "x_fdr0.9 ce", "x_inverse0.999 ce", "x_joint triplet", "x_bn triplet",
        "x_equal triplet",
    ),
    # All four losses on ESC-10, transfer to it, and training with the libraries beside it.
    "recordings": (
        "mean_std", "untrained", "within ce", "within contrastive", "within triplet", "within circle", "transfer ce",
        "transfer triplet", "x_sequential ce", "transfer contrastive", "transfer circle", "x_joint ce",
    ),
}


def grid(recipe: SoundEffects) -> list[Run]:
    """All runs, seed after seed, so that a stopped study has whole seeds; OpenL3, once, where its weights are given."""
    from .openl3_baseline import find_weights

    runs = [
        Run(CHAPTER, experiment, {"model": model}, seed, recipe)
        for seed in range(max(recipe.n_seeds, recipe.n_main_seeds))
        for experiment, names in GRID.items() for model in names
    ]
    if find_weights() is not None:  # nothing of it depends on the seed
        runs += [Run(CHAPTER, name, {"model": "openl3"}, 0, recipe) for name in ("libraries", "recordings")]
    return runs


def run(run: Run) -> Result:
    """One entry of `grid`.

    Raises ValueError at profile "paper", whose libraries are commercial, and FileNotFoundError for experiment
    "recordings" without ESC-10.
    """
    if run.recipe.profile == "paper":
        raise ValueError("profile: 'paper' needs nine commercial libraries; expected 'study', or --dry-run")
    scenario, _, loss = run.condition["model"].partition(" ")
    recipe = run.recipe.but(metric=loss if loss in LOSSES else None)
    chosen = {"controls": (recipe.base_library,), "recordings": ("esc10",)}
    names = chosen.get(run.experiment, recipe.libraries)
    if scenario == "by_file":
        recipe = recipe.but(split_by="file")
        scenario = "mean_std" if loss == "mean_std" else scenario
    datas = [library_data(recipe, name) for name in names]
    values, n_parameters, extra = _scenario(scenario, datas, recipe, run.seed)
    data = {"name": " + ".join(_DATA_NAMES.get(name, name) for name in names)}
    data["checksum"] = hashlib.sha256("".join(d.checksum for d in datas).encode()).hexdigest()[:12]
    others = [d.name for d in datas if d.name != recipe.base_library] or [d.name for d in datas]
    averages = {key: float(np.mean([values[d.name][key] for d in datas])) for key in ("f1", "f1_k5", "f1_file", "dbi",
                                                                                     "dbi_cosine")}  # fmt: skip
    averages["f1_others"] = float(np.mean([values[name]["f1"] for name in others]))
    by_library = {f"{key}_{name}": value for name, row in values.items() for key, value in row.items()}
    return Result(averages | by_library | extra, n_parameters, data)


_DATA_NAMES = {"esc10": "ESC-10, folds 1 to 4"}


def _scenario(
    scenario: str, datas: list[Data], recipe: SoundEffects, seed: int
) -> tuple[dict[str, dict[str, float]], int | None, dict[str, Any]]:
    """Scores of each library, learned parameters, and what else is worth keeping."""
    if scenario == "mean_std":
        return {d.name: evaluate_mean_std(d, recipe) for d in datas}, None, {}
    if scenario == "openl3":
        return {d.name: _evaluate_openl3(d, recipe) for d in datas}, 4_687_042, {}
    if scenario == "untrained":
        model = make_model(recipe, [2], seed=seed)
        return {d.name: evaluate(model, d, recipe) for d in datas}, _count(model), {}
    if scenario in ("within", "balanced", "unregular", "by_file"):
        balanced = True if scenario == "balanced" else None
        if scenario == "unregular":
            recipe = recipe.but(regular_weight=0.0)
        each = {d.name: _train([d], _own_epochs(d, recipe), seed, scenario, balanced=balanced) for d in datas}
        extra = {f"learned_at_{name}": one.learned_at[0] for name, one in each.items()}
        extra |= {f"best_epoch_{name}": one.fit.best_epoch for name, one in each.items()}
        scores = {d.name: evaluate(each[d.name].model, d, recipe) for d in datas}
        return scores, _count(each[datas[0].name].model), extra
    if scenario == "transfer":
        model = _train([library_data(recipe, recipe.base_library)], recipe, seed, "within").model
        return {d.name: evaluate(model, d, recipe) for d in datas}, _count(model), {}
    return _cross(scenario, datas, recipe, seed)


def _own_epochs(data: Data, recipe: SoundEffects) -> SoundEffects:
    """The recipe for training on one set alone: few recordings get more epochs, for about as many updates."""
    n = recipe.recordings_epochs
    return recipe.but(max_epochs=n, patience=n) if data.name == "esc10" else recipe


def _cross(
    scenario: str, datas: list[Data], recipe: SoundEffects, seed: int
) -> tuple[dict[str, dict[str, float]], int | None, dict[str, Any]]:
    """One encoder for all libraries. With recordings, the libraries made here train beside them."""
    if [d.name for d in datas] == ["esc10"]:
        datas = [library_data(recipe, name) for name in recipe.libraries] + datas
    options: dict[str, Any] = {"mixing": {"x_joint": "joint", "x_drawn": "drawn"}.get(scenario, "sequential")}
    extra: dict[str, Any] = {}
    if scenario.startswith(("x_fdr", "x_inverse")):
        learned_at = [_train([d], recipe, seed, "within").learned_at[0] for d in datas]
        upside_down = scenario.startswith("x_inverse")
        beta = float(scenario.removeprefix("x_inverse" if upside_down else "x_fdr"))
        options["dataset_weights"] = weights = focal_weights(learned_at, beta=beta)
        if upside_down:  # as the class-balanced loss has it: what was hard counts less
            options["dataset_weights"] = [len(weights) / w / sum(1 / v for v in weights) for w in weights]
        extra = {f"weight_{d.name}": w for d, w in zip(datas, options["dataset_weights"], strict=True)}
    if scenario == "x_bn":
        recipe = recipe.but(dataset_bn=True)
    if scenario == "x_equal":  # as many updates in all as one library has by itself
        epochs = -(-recipe.max_epochs // len(datas))
        recipe = recipe.but(max_epochs=epochs, patience=epochs)
    trained = _train(datas, recipe, seed, scenario, **options)
    if recipe.profile == "study" and scenario == "x_sequential" and seed == 0 and recipe.metric is None:
        if "esc10" not in {d.name for d in datas}:
            save_study_weights(trained.model, datas, recipe)
    scores = {d.name: evaluate(trained.model, d, recipe, dataset=i) for i, d in enumerate(datas)}
    return scores, _count(trained.model), extra | {"best_epoch": trained.fit.best_epoch}


def _train(datas: list[Data], recipe: SoundEffects, seed: int, scenario: str, **options: Any) -> Trained:
    """`train`, continued from its last epoch if it was stopped, and not repeated if it ended."""
    key = json.dumps([[d.checksum for d in datas], recipe.to_dict(), seed, scenario, options], sort_keys=True)
    modules = hashlib.sha256((key + _code()).encode()).hexdigest()[:16]
    return train(datas, recipe, seed, checkpoint=cache_folder() / "checkpoints" / f"sfx-{modules}", progress=False,
                 **options)  # fmt: skip


@functools.cache
def _code() -> str:
    from audiolab.results import module_hash

    return "".join(module_hash(name) for name in MODULES if "studies" not in name)


def _count(model: CNN9) -> int:
    return sum(p.numel() for p in model.parameters())


def save_study_weights(
    model: CNN9, datas: Sequence[Data], recipe: SoundEffects, root: str | Path | None = None
) -> Path:
    """Keep the encoder and its heads with classes and recipe."""
    about = {"libraries": {d.name: list(d.classes) for d in datas}, "recipe": recipe.to_dict()}
    return keep("sound_effects_encoder", model, about, root)


def load_study_weights(root: str | Path | None = None) -> tuple[CNN9, SoundEffects, dict[str, list[str]]]:
    """The study's encoder (cross-entropy over all libraries, seed 0) in evaluation mode, its recipe, and the classes.

    Raises as `kept.fetch`.
    """

    def stored(about: dict[str, Any]) -> SoundEffects:
        known, fields = SoundEffects(), about["recipe"].items()
        return known.but(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields if hasattr(known, k)})

    def make(about: dict[str, Any]) -> CNN9:
        return make_model(stored(about), [len(classes) for classes in about["libraries"].values()])

    model, about = fetch("sound_effects_encoder", "sound_effects --profile study", make, root)
    return model, stored(about), about["libraries"]


def dry_run(recipe: SoundEffects) -> dict[str, dict[str, Any]]:
    """One training step at full size on random input of the paper's shape, with cross-entropy and with each loss.

    Returns for each the parameters, the input's shape, seconds of the step on this machine's CPU, steps of an epoch of
    39 000 files, hours of one such epoch at that pace, and the process's peak memory in GB.
    """
    rows = {}
    for loss in LOSSES:
        one = recipe.but(metric=loss)
        model = make_model(one, [78]).train()
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(recipe.batch_size, recipe.n_frames, recipe.n_mels, generator=generator)
        y = torch.arange(recipe.batch_size) // recipe.per_class
        optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
        started = time.perf_counter()
        make_criterion(one)(model(x), training.Batch(x, y)).total.backward()
        optimizer.step()
        seconds, steps = time.perf_counter() - started, -(-39_000 // recipe.batch_size)
        rows[loss or "ce"] = {
            "parameters": _count(model),
            "input": f"({recipe.batch_size}, {recipe.n_frames}, {recipe.n_mels})",
            "seconds per step here": round(seconds, 2),
            "steps per epoch": steps,
            "hours per epoch here": round(seconds * steps / 3600, 1),
            "peak memory, GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
            "download": "none: the nine libraries are sold or private",
        }
    return rows
