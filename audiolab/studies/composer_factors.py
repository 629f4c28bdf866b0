"""How much of a classifier survives a factorisation of its last layer, by kind and by number of concepts.

Axes: N excerpts, M concepts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audiolab.explain import factorisation as parts
from audiolab.models.resnet_roll import ResNetRoll

from .composer_worlds import Rolls, World

RANKS = (1, 2, 4, 8, 16)


def factor_values(
    network: ResNetRoll, world: World, kind: str, *, n_concepts: int = 4, n: int = 160, seed: int = 0
) -> dict[str, float]:
    """Error and fidelity (all classes competing) of one factorisation of `layer4` on test excerpts of all classes.

    `kind` is "nmf", "tucker" (ranks 6, 3 and 20 for time, pitch and excerpts), "pca" or "random"; `n` excerpts are
    drawn by `seed`. Fidelity is the mean over classes, 0..1; the error is relative to |A|.
    """
    return _factorise(network, world.test, kind, [n_concepts], n=n, seed=seed)[n_concepts]


def rank_values(
    network: ResNetRoll, test: Rolls, kind: str, *, among: tuple[int, ...] | None = None, n: int = 160, seed: int = 0
) -> dict[str, float]:
    """`factor_values` for every number of concepts in `RANKS`: "fidelity_4", "error_4" and so on.

    `among` are the classes whose excerpts are factorised and whose logits compete, all when None.
    """
    found = _factorise(network, test, kind, RANKS, among=among, n=n, seed=seed)
    return {f"{key}_{m}": value for m, values in found.items() for key, value in values.items()}


def _factorise(
    network: ResNetRoll, test: Rolls, kind: str, ranks: Sequence[int], *, n: int, seed: int,
    among: tuple[int, ...] | None = None,
) -> dict[int, dict[str, float]]:
    rows = np.random.default_rng([seed, 7]).permutation(len(test.y))
    if among is not None:
        rows = rows[np.isin(test.y[rows], among)]
    rows = rows[:n]
    a, y = parts.layer_maps(network, test.excerpts()[rows], "layer4"), test.y[rows]
    makers = {
        "nmf": lambda m: parts.factorise_nmf(a, m, seed=seed),
        "tucker": lambda m: parts.factorise_tucker(a, (m, 6, 3, min(20, len(a))), seed=seed),
        "pca": lambda m: parts.factorise_pca(a, m),
        "random": lambda m: parts.random_directions(a, m, seed=seed),
    }
    found = {}
    for m in ranks:
        factors = makers[kind](m)
        shares = parts.fidelity(network, "layer4", a, factors.reconstruction, y, among=among)
        found[m] = {
            "fidelity": float(np.mean(list(shares.values()))),
            "error": parts.relative_error(a, factors.reconstruction),
        }
    return found
