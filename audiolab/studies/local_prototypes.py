"""Local prototypes against the networks it was compared with: training, evaluation and the grid of runs.

The data (`prototype_worlds`) are scenes made here, in which the causes are known, and mixtures of recordings. Axes: N
segments, T time frames, F mel bands, K classes.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from audiolab import training
from audiolab.features.melspec import MinMaxScaler
from audiolab.losses.attprotos import AttProtosLoss
from audiolab.losses.bce import BCELoss
from audiolab.metrics import segment_counts
from audiolab.models.attprotos import AttProtos
from audiolab.models.embedding_mlp import EmbeddingMLP
from audiolab.models.sbcnn import SBCNN
from audiolab.recipes.local_prototypes import LocalPrototypes

from .base import Result, Run
from .cache import cache_folder
from .kept import fetch, keep
from .prototype_explanations import score_network
from .prototype_patches import POINTS, patch_likeness
from .prototype_worlds import (
    DATA_MODULES,
    WORLD_SEED,
    Split,
    World,
    cnn_front_end,
    front_end,
    recorded_world,
    small_world,
    ten_class_world,
    urban_sed_world,
)

__all__ = ["WORLD_SEED", "Split", "World", "cnn_front_end", "front_end", "recorded_world", "small_world",
           "ten_class_world", "urban_sed_world"]  # fmt: skip

CHAPTER = "local_prototypes"
MODULES = (
    *DATA_MODULES, "audiolab.models.attprotos", "audiolab.models.sbcnn", "audiolab.models.embedding_mlp",
    "audiolab.losses.attprotos", "audiolab.losses.bce", "audiolab.training",
    "audiolab.metrics:SegmentCounts,segment_counts,_ratio,_roll,_segments", "audiolab.explain.score",
    "audiolab.explain.prototypes",
    "audiolab.studies.prototype_worlds", "audiolab.studies.prototype_explanations",
    "audiolab.studies.prototype_patches", "audiolab.studies.local_prototypes",
)  # fmt: skip
# What is taken out of the objective or put in its place, one at a time, and the sizes of the dictionary.
ABLATIONS: dict[str, dict[str, Any]] = {
    "full": {},
    "no prototype terms": {"weights": {"prototype_latent": 0.0, "prototype_input": 0.0}},
    "no reconstruction": {"weights": {"reconstruction": 0.0}},
    "no sparsity": {"weights": {"sparsity": 0.0}},
    "sparse S": {"sparsity_on": "S"},
    "sparse Z": {"sparsity_on": "Z"},
    "no read-out penalty": {"weights": {"read_out": 0.0}},
    "classification alone": {
        "weights": dict.fromkeys(("reconstruction", "prototype_latent", "prototype_input", "sparsity", "read_out"), 0.0)
    },
}
DICTIONARY_SIZES = (3, 8, 30)  # beside the 15 of "full"


class Trained(NamedTuple):
    """A trained network and the course of its training."""

    model: nn.Module
    fit: training.Fit


# Training


def make_attprotos(recipe: LocalPrototypes, *, n_classes: int | None = None, seed: int = 0) -> AttProtos:
    """The prototype network with its initial weights drawn from `seed`."""
    return AttProtos(
        n_classes=n_classes or recipe.n_classes, n_mels=recipe.n_mels, n_prototypes=recipe.n_prototypes,
        n_channels=recipe.n_channels, time_reduce=recipe.time_reduce, generator=torch.Generator().manual_seed(seed),
    ).to(memory_format=torch.channels_last)  # the same numbers, a quarter faster


def make_cnn(recipe: LocalPrototypes, *, n_classes: int | None = None, seed: int = 0) -> SBCNN:
    """The CNN it is compared with, drawn from `seed`."""
    return SBCNN(
        n_classes=n_classes or recipe.n_classes, n_mels=recipe.n_mels, n_frames=recipe.cnn_n_frames,
        generator=torch.Generator().manual_seed(seed),
    ).to(memory_format=torch.channels_last)


def train_attprotos(
    world: World, recipe: LocalPrototypes, seed: int = 0, *, loss: dict[str, Any] | None = None, **options: Any
) -> Trained:
    """Train the prototype network on a world; for the small world, hand over `recipe.for_small_world()`.

    Args:
        loss: options of `AttProtosLoss` for an ablation, such as `{"sparsity_on": "S"}`; None for the recipe's preset.
        **options: those of `audiolab.training.fit` (`device`, `checkpoint`, `progress`, `mixed_precision`).
    """
    model = make_attprotos(recipe, n_classes=len(world.classes), seed=seed)
    criterion = AttProtosLoss(model, **{"preset": recipe.loss_preset, **(loss or {})})
    return _train(model, criterion, world, recipe, seed, **options)


def train_cnn(world: World, recipe: LocalPrototypes, seed: int = 0, **options: Any) -> Trained:
    """Train the CNN on the same scenes, seeds and epochs; options as for `train_attprotos`."""
    return _train(make_cnn(recipe, n_classes=len(world.classes), seed=seed), BCELoss(), world, recipe, seed, **options)


def train_mlp(world: World, recipe: LocalPrototypes, seed: int = 0, **options: Any) -> Trained:
    """Train the embedding head on level statistics of the same scenes, with its penalty on the kernels."""
    generator = torch.Generator().manual_seed(seed)
    model = EmbeddingMLP(len(world.classes), n_inputs=4 * recipe.n_mels, generator=generator)
    criterion = BCELoss(kernels=model.kernels, decay=recipe.mlp_decay)
    return _train(model, criterion, world, recipe.but(max_epochs=recipe.mlp_max_epochs), seed, **options)


def _train(
    model: nn.Module, criterion: nn.Module, world: World, recipe: LocalPrototypes, seed: int, **options: Any
) -> Trained:
    train, validation = (
        training.make_loader(features(model, split), split.y, batch_size=recipe.batch_size, shuffle=shuffle)
        for split, shuffle in ((world.train, True), (world.validation, False))
    )

    def metric(model: nn.Module, loader: training.Loader) -> dict[str, float]:
        probability = probabilities(model, loader)
        return score(probability, loader.y.numpy(), n_segments=recipe.n_segments, threshold=recipe.threshold)

    step, loaders = training.make_step(criterion), training.Loaders(train, validation)
    return Trained(model, training.fit(model, step, loaders, recipe, metric, seed=seed, **options))


# Evaluation


def features(model: nn.Module, split: Split) -> np.ndarray:
    """The input of a split that this kind of network reads: segments, or for the embedding head (N, 4 F) statistics.

    The statistics stand in for OpenL3's embedding and are as long: mean, deviation, maximum and minimum over time of
    each of 128 bands. They know what a good embedding adds nothing to: levels.
    """
    if isinstance(model, EmbeddingMLP):
        x = split.x
        return np.concatenate([x.mean(axis=1), x.std(axis=1), x.max(axis=1), x.min(axis=1)], axis=1)
    return split.x_cnn if isinstance(model, SBCNN) else split.x


def probabilities(model: nn.Module, data: Split | training.Loader) -> np.ndarray:
    """Probability of each class in each segment, (N, K)."""

    def read(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
        # Detection needs attention and read-out only; encoder and decoder are three quarters of the work.
        logits = model.read_out(model.attend(x)[0]) if isinstance(model, AttProtos) else model(x).logits
        return logits.sigmoid()

    return training.collect(model, features(model, data) if isinstance(data, Split) else data, read=read)


def score(
    probability: np.ndarray, y: np.ndarray, *, n_segments: int = 10, threshold: float = 0.5
) -> dict[str, float]:
    """Micro F1 and error rate: `f1`, `error_rate` on the true 1-s grid, `f1_2s`, `error_rate_2s` as published.

    The published scores OR-ed pairs of rows, which makes a "1-second" segment two seconds long (sheet of the chapter,
    section 6). `probability` and `y` are (N, K), clip after clip, `n_segments` rows a clip; on is strictly above
    `threshold`.

    Raises ValueError when the rows are not whole clips.
    """
    if probability.shape != y.shape or len(y) % n_segments:
        raise ValueError(
            f"probability, y: expected equal shapes of whole clips of {n_segments} rows, "
            f"got {probability.shape} and {y.shape}"
        )
    shape = (-1, n_segments, y.shape[1])
    reference, estimate = (y > 0.5).reshape(shape), (probability > threshold).reshape(shape)
    values = {}
    for rows, suffix in ((1, ""), (2, "_2s")):
        counts = segment_counts(reference, estimate, rows_per_segment=rows)
        values |= {f"f1{suffix}": float(counts.f1), f"error_rate{suffix}": float(counts.error_rate)}
    return values


def evaluate(model: nn.Module, split: Split, recipe: LocalPrototypes | None = None) -> dict[str, float]:
    """`score` of a network on a split."""
    recipe = recipe or LocalPrototypes()
    return score(probabilities(model, split), split.y, n_segments=recipe.n_segments, threshold=recipe.threshold)


def reconstruction_checks(model: AttProtos, split: Split, *, n_segments: int = 200) -> dict[str, float]:
    """What F1 does not see, on the first `n_segments` segments: is the decoder alive, and does the latent map matter?

    `mse` of X~, `mse_hat` of X^ and `mse_empty` with Z = 0 and true masks, against the input; `input_variance`;
    `reconstruction_sd`, near 0 when the decoder is dead; `latent_error`, |Z - Z^|^2 / |Z|^2.
    """
    x = torch.as_tensor(split.x[:n_segments])
    model.eval()
    with torch.no_grad():
        output = model(x)
        empty = model.decode(torch.zeros_like(output.embedding), output.masks)
        z, z_hat = output.embedding, output.z_hat
        return {
            "mse": float((x - output.reconstruction).square().mean()),
            "mse_hat": float((x - output.reconstruction_hat).square().mean()),
            "mse_empty": float((x - empty).square().mean()),
            "input_variance": float(x.var()),
            "reconstruction_sd": float(output.reconstruction.std()),
            "latent_error": float((z - z_hat).square().sum() / z.square().sum().clamp_min(1e-30)),
        }


# Rules without a network


def band_energies(split: Split, *, width: int = 4) -> np.ndarray:
    """Mean level over time of each group of `width` mel bands, (N, F / width), in the prototype network's scaling."""
    n, _, f = split.x.shape
    return split.x.mean(axis=1).reshape(n, f // width, width).mean(axis=2)


def band_energy_rule(world: World, recipe: LocalPrototypes | None = None) -> dict[str, Any]:
    """The simplest detector: a class is on when the level in one band of its own exceeds a threshold.

    Band (32 groups of four mel bands) and threshold of each class are those of the highest F1 on the training split.
    Returns `score` on the test split (validation when there is no test) and `bands`, `thresholds`.
    """
    recipe = recipe or LocalPrototypes()
    energies = band_energies(world.train)
    bands, thresholds = [], []
    for target in world.train.y.T > 0.5:
        best = max((*_best_threshold(energies[:, band], target), band) for band in range(energies.shape[1]))
        thresholds.append(best[1])
        bands.append(best[2])
    split = world.test if world.test.n_clips else world.validation
    estimate = (band_energies(split)[:, bands] > np.array(thresholds)).astype(float)
    return score(estimate, split.y, n_segments=recipe.n_segments) | {"bands": bands, "thresholds": thresholds}


def _best_threshold(values: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Highest F1 of `values > threshold`, and that threshold."""
    order = np.argsort(-values, kind="stable")
    hits, n_on = np.cumsum(target[order]), np.arange(1, len(values) + 1)
    f1 = 2 * hits / (n_on + max(int(target.sum()), 1))
    ordered = values[order]
    # A threshold can lie only between two different values.
    f1[:-1][ordered[:-1] == ordered[1:]] = -1
    best = int(np.argmax(f1[:-1]))
    return float(f1[best]), float((ordered[best] + ordered[best + 1]) / 2)


def band_logistic_rule(world: World, recipe: LocalPrototypes | None = None) -> dict[str, Any]:
    """A stronger one: logistic regression, class by class, on the mean level of all 128 bands.

    It knows how energy spreads over frequency and nothing about texture or time. Returns as `band_energy_rule`.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    recipe = recipe or LocalPrototypes()
    split = world.test if world.test.n_clips else world.validation
    x, x_test = band_energies(world.train, width=1), band_energies(split, width=1)
    estimate = np.zeros(split.y.shape)
    for k, target in enumerate(world.train.y.T > 0.5):
        if target.any() and not target.all():
            regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, C=0.1)).fit(x, target)
            estimate[:, k] = regression.predict_proba(x_test)[:, 1]
    return score(estimate, split.y, n_segments=recipe.n_segments, threshold=recipe.threshold)


# The study


def recipe() -> LocalPrototypes:
    """The published recipe."""
    return LocalPrototypes()


def grid(recipe: LocalPrototypes) -> list[Run]:
    """All runs: two worlds with three networks and two rules each, decoded patches, ablations, sizes of the dictionary.

    The rules draw nothing and are run once; networks run on every seed. "patches" reads the network that "ten_class"
    trained for that seed. Runs of the recorded world need the recordings in `AUDIOLAB_DATA`. At profile "paper" there
    is one experiment, "urban_sed": the same networks and rules on the paper's own data.
    """
    runs = []
    worlds = ("urban_sed",) if recipe.profile == "paper" else ("ten_class", "recorded")
    for experiment in worlds:
        runs += [Run(CHAPTER, experiment, {"model": rule}, 0, recipe) for rule in ("band_rule", "band_logistic")]
        for seed in range(recipe.n_seeds):
            runs += [Run(CHAPTER, experiment, {"model": name}, seed, recipe) for name in ("attprotos", "cnn", "mlp")]
    if recipe.profile == "paper":
        return runs
    for seed in range(recipe.n_seeds):
        runs += [Run(CHAPTER, "patches", {"points": points}, seed, recipe) for points in POINTS]
    changes = [*ABLATIONS, *(f"{m} prototypes" for m in DICTIONARY_SIZES)]
    for seed in range(max(recipe.ablation_n_seeds, recipe.n_main_seeds)):
        runs += [Run(CHAPTER, "ablation", {"change": change}, seed, recipe) for change in changes]
    return runs


def run(run: Run) -> Result:
    """One entry of `grid`.

    Runs of profile "paper" train on a GPU where there is one. Raises FileNotFoundError for the recorded world without
    recordings, and for URBAN-SED where it is not there.
    """
    recipe = run.recipe
    if run.experiment == "ablation":
        return _run_ablation(run)
    if run.experiment == "patches":
        return _run_patches(run)
    if run.experiment == "recorded":
        recipe = recipe.but(max_epochs=recipe.recorded_max_epochs)
    worlds = {"ten_class": ten_class_world, "recorded": recorded_world, "urban_sed": urban_sed_world}
    world = worlds[run.experiment](recipe)
    data = {"name": DATA_NAMES[world.name], "checksum": world.checksum}
    model_name = run.condition["model"]
    if model_name.startswith("band"):
        rule = band_energy_rule if model_name == "band_rule" else band_logistic_rule
        return Result(rule(world, recipe), None, data)
    device = "auto" if recipe.profile == "paper" else "cpu"
    trained = _trained(world, recipe, model_name, run.seed, device)
    values = _values(trained, world, recipe)
    if model_name == "attprotos" and world.makers:
        values |= _explanation_values(trained.model, world, recipe, run.seed)
        if recipe.profile == "study" and run.seed == 0 and world.name == "ten_class":
            save_study_weights(trained.model, world, recipe)
    return Result(values, _count(trained.model), data, str(training.choose_device(device)))


def _trained(world: World, recipe: LocalPrototypes, model_name: str, seed: int, device: str = "cpu") -> Trained:
    """A network of the study; what was trained before, or half of it, is taken from its checkpoint."""
    train = {"attprotos": train_attprotos, "cnn": train_cnn, "mlp": train_mlp}[model_name]
    name = f"{model_name}-{recipe.hash()}-{world.checksum}-{seed}"
    checkpoint = cache_folder() / "checkpoints" / name
    return train(world, recipe, seed, checkpoint=checkpoint, device=device, progress=False)


def _run_patches(run: Run) -> Result:
    """How like true patches the decoder's are, with a prototype, a random point or nothing in its latent map."""
    world = ten_class_world(run.recipe)
    model = _trained(world, run.recipe, "attprotos", run.seed).model
    scenes = [world.scene("test", clip) for clip in range(min(run.recipe.n_explained_clips, world.test.n_clips))]
    values = patch_likeness(
        model, scenes, world.scaler, front_end(run.recipe), points=run.condition["points"], seed=run.seed,
    )
    return Result(values, _count(model), {"name": DATA_NAMES[world.name], "checksum": world.checksum})


def _run_ablation(run: Run) -> Result:
    """The prototype network with one change, on fewer clips and epochs than the main comparison."""
    full, change = run.recipe, run.condition["change"]
    recipe = full.but(n_train_clips=full.ablation_n_train_clips, max_epochs=full.ablation_max_epochs)
    loss = ABLATIONS.get(change, {})
    if change not in ABLATIONS:
        recipe = recipe.but(n_prototypes=int(change.split()[0]))
    world = ten_class_world(recipe)
    trained = train_attprotos(world, recipe, run.seed, loss=loss, progress=False)
    values = _values(trained, world, recipe) | _explanation_values(trained.model, world, recipe, run.seed, few=True)
    data = {"name": DATA_NAMES[world.name], "checksum": world.checksum}
    return Result(values, _count(trained.model), data)


DATA_NAMES = {"ten_class": "ten-class world", "recorded": "mixtures of ESC-10's recordings, test fold 4",
              "urban_sed": "URBAN-SED 2.0.0"}  # fmt: skip


def _values(trained: Trained, world: World, recipe: LocalPrototypes) -> dict[str, Any]:
    values: dict[str, Any] = evaluate(trained.model, world.test, recipe)
    values |= {"validation_f1": trained.fit.best_value, "best_epoch": trained.fit.best_epoch}
    if isinstance(trained.model, AttProtos):
        values |= reconstruction_checks(trained.model, world.test)
    return values | {"history": [{k: v for k, v in row.items() if k != "seconds"} for row in trained.fit.history]}


def _explanation_values(
    model: nn.Module, world: World, recipe: LocalPrototypes, seed: int, *, few: bool = False
) -> dict[str, float]:
    """Lift, hit and area under the curve of every explanation on test clips; `few` leaves out the trained control."""
    n_clips = min(recipe.n_explained_clips, world.test.n_clips)
    scenes = [world.scene("test", clip) for clip in range(n_clips)]
    controls = {"untrained": make_attprotos(recipe, n_classes=len(world.classes), seed=seed).eval()}
    if not few:
        mixed = np.random.default_rng(seed).permutation(len(world.train.y))
        other = world._replace(train=world.train._replace(y=world.train.y[mixed]))
        controls["shuffled labels"] = train_attprotos(other, recipe.but(max_epochs=1), seed, progress=False).model
    try:
        table = score_network(model.eval(), scenes, world.scaler, front_end(recipe), controls, seed=seed)
    except ValueError:  # a network that detects nothing has nothing to explain
        return {}
    scores = ("lift", "auc", "hit")
    values = {f"{score}: {name}": float(row[score]) for name, row in table.iterrows() for score in scores}
    return values | {"n_explained": int(table["n"].iloc[0])}


def _count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def save_study_weights(model: AttProtos, world: World, recipe: LocalPrototypes, root: str | Path | None = None) -> Path:
    """Keep the network with the scaler of its input, the classes and the recipe."""
    about = {
        "scaler": world.scaler.to_dict(), "classes": list(world.classes), "world_checksum": world.checksum,
        "recipe": recipe.to_dict(),
    }
    return keep("local_prototypes_attprotos", model, about, root)


def load_study_weights(root: str | Path | None = None) -> tuple[AttProtos, MinMaxScaler, dict[str, Any]]:
    """The study's prototype network (seed 0) in evaluation mode, the scaler of its input, and what it was trained with.

    Raises as `kept.fetch`.
    """

    def make(about: dict[str, Any]) -> AttProtos:
        fields = ("n_mels", "n_prototypes", "n_channels", "time_reduce")
        MinMaxScaler.from_dict(about["scaler"])  # refuses a damaged one
        recipe = LocalPrototypes().but(**{name: about["recipe"][name] for name in fields})
        return make_attprotos(recipe, n_classes=len(about["classes"]))

    model, about = fetch("local_prototypes_attprotos", "local_prototypes --profile study", make, root)
    return model, MinMaxScaler.from_dict(about["scaler"]), about


def dry_run(recipe: LocalPrototypes) -> dict[str, dict[str, Any]]:
    """One training step of each network at full size on random input of the paper's shape, and its cost.

    Returns for each network the parameters, the shape of its input (B, T, F), seconds of the step on this machine's
    CPU, steps and hours of the whole run at that pace, the process's peak memory in GB, and what would be downloaded.
    """
    rows = {}
    for name, make in (("attprotos", make_attprotos), ("cnn", make_cnn)):
        model = make(recipe).train()
        criterion = AttProtosLoss(model, preset=recipe.loss_preset) if name == "attprotos" else BCELoss()
        n_frames = recipe.n_frames if name == "attprotos" else recipe.cnn_n_frames
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(recipe.batch_size, n_frames, recipe.n_mels, generator=generator) * 2 - 1
        y = (torch.rand(recipe.batch_size, recipe.n_classes, generator=generator) < 0.13).float()
        optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
        started = time.perf_counter()
        criterion(model(x), training.Batch(x, y)).total.backward()
        optimizer.step()
        seconds = time.perf_counter() - started
        steps = -(-recipe.n_train_clips * recipe.n_segments // recipe.batch_size) * recipe.max_epochs
        rows[name] = {
            "parameters": sum(p.numel() for p in model.parameters()),
            "input": f"({recipe.batch_size}, {n_frames}, {recipe.n_mels})",
            "seconds per step here": round(seconds, 2),
            "steps": steps,
            "hours here": round(seconds * steps / 3600, 1),
            "peak memory, GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
            "download": "URBAN-SED v2.0.0, Zenodo record 1324404 (about 8.8 GB of audio)",
        }
    return rows
