"""Are decoded prototypes like the sounds there are? The decoder's patches against true ones, beside controls.

Axis letters: M prototypes, T, F frames and mel bands, C channels of the latent map.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from audiolab.explain.prototypes import decode_prototype, nearest_patches, receptive_field
from audiolab.features.melspec import LogMel, MinMaxScaler, to_segments
from audiolab.models.attprotos import AttProtos
from audiolab.worlds.scenes import Scene, segment_labels

from .prototype_explanations import scene_inputs

POINTS = ("prototypes", "random", "nothing")
N_DRAWS = 5  # sets of random points


def true_patches(scenes: Sequence[Scene], scaler: MinMaxScaler, front_end: LogMel) -> np.ndarray:
    """What can be recognised: each second of a class by itself, where it sounds, scaled as the input; (N, T, F)."""
    patches = []
    for scene in scenes:
        present = segment_labels(scene.events, scene.classes) > 0
        for k, name in enumerate(scene.classes):
            if present[:, k].any():
                stem = torch.as_tensor(scene.stems[name], dtype=torch.float32)[None]
                patches.append(scaler.transform(to_segments(stem, front_end)).numpy()[present[:, k]])
    if not patches:
        raise ValueError("scenes: expected at least one event, got none")
    return np.concatenate(patches)


def likeness(patch: np.ndarray, references: np.ndarray) -> float:
    """Correlation over cells of a patch (T, F) with the most similar of references (N, T, F); 0 where one is constant.

    The level and its range do not count, only the pattern.
    """
    flat, others = patch.ravel().astype(float), references.reshape(len(references), -1).astype(float)
    flat, others = flat - flat.mean(), others - others.mean(axis=1, keepdims=True)
    size = np.linalg.norm(flat) * np.linalg.norm(others, axis=1)
    return float(np.divide(others @ flat, size, out=np.zeros(len(others)), where=size > 1e-9).max())


def patch_likeness(
    model: AttProtos,
    scenes: Sequence[Scene],
    scaler: MinMaxScaler,
    front_end: LogMel,
    *,
    points: Literal["prototypes", "random", "nothing"] = "prototypes",
    seed: int = 0,
) -> dict[str, float]:
    """Decode each prototype where the data come closest to it, and measure how like a true patch it is.

    `likeness` is the mean over prototypes of `likeness` against the `true_patches` of all scenes in the same bands
    (those the latent cell sees); `likeness_masks` is the same for the input second whose unpooling masks the decoder is
    given, which bounds what copying the masks can bring. `points`: what is decoded there: the prototypes; random
    points, normal with the mean and deviation that the prototypes have in each channel, `N_DRAWS` sets from `seed`; or
    nothing, the zero vector. Masks and places are the same for all three.

    Raises ValueError for other points and for scenes without stems or events.
    """
    if points not in POINTS:
        raise ValueError(f"points: expected one of {POINTS}, got {points!r}")
    if any(scene.stems is None for scene in scenes):
        raise ValueError("scenes: expected scenes with stems")
    model = copy.deepcopy(model).eval()
    x, _ = scene_inputs(scenes, scaler, front_end)
    places = nearest_patches(model, x)
    references = true_patches(scenes, scaler, front_end)
    prototypes = model.prototypes.detach().clone()
    generator = torch.Generator().manual_seed(seed)
    found, masks = [], []
    for _ in range(N_DRAWS if points == "random" else 1):
        with torch.no_grad():
            if points == "random":
                noise = torch.randn(prototypes.shape, generator=generator)
                model.prototypes.copy_(prototypes.mean(0) + prototypes.std(0) * noise)
            elif points == "nothing":
                model.prototypes.zero_()
        for m, (segment, band) in enumerate(zip(places.segment.tolist(), places.band.tolist(), strict=True)):
            bands = receptive_field(2, band).bands
            patch = decode_prototype(model, m, x[segment], band)[:, bands]
            found.append(likeness(patch, references[:, :, bands]))
            masks.append(likeness(x[segment, :, bands].numpy(), references[:, :, bands]))
    return {
        "likeness": float(np.mean(found)), "likeness_masks": float(np.mean(masks)),
        "n_prototypes": len(prototypes), "n_true_patches": len(references),
    }
