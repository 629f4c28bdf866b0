"""Testing with concept activation vectors (TCAV): does a concept push a network towards a class?

After Kim et al. 2018 and Foscarin et al. 2022, section 4. A concept is a set of examples; a concept activation vector
(CAV) v is the normal of a linear classifier that tells their activations in one layer from those of a random set; the
sensitivity of an excerpt x to it is S_k(x) = g_k(x) . v, where g_k is the gradient of logit k at that layer; and the
TCAV score of class k is the share of the class's excerpts whose S_k is positive.

Fast by one observation: every v is a combination of the P examples' activations A (P, D), v = A^T c. So the network is
asked once, for the Gram matrix A A^T (P, P) and the projections g A^T (N, P), D no longer appears, and thousands of
CAVs are solved together. Axes: N excerpts, P examples, D cells of the layer, R random sets, S CAVs, K classes, B batch.

A network here has `until(layer, x)`, the layer's map, and `head(layer, map)`, the logits (`models.resnet_roll`).

Equations: `eq:concepts-cav` in `fit_cavs`, `eq:concepts-gradient` in `layer_gradients`, `eq:concepts-sensitivity` in
`sensitivities`, `eq:concepts-score` in `tcav_scores`, `eq:concepts-closed-form` in `closed_form_gradient`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

Method = Literal["ridge", "svm", "sgd"]
Kind = Literal["integrated", "plain"]
_CHUNK = 400  # CAVs solved at once: 400 systems of 60 by 60 are 12 MB


# What the network is asked, once


def layer_activations(model: Any, x: Any, layer: str, *, batch_size: int = 16) -> np.ndarray:
    """Activations a = f(x) of rolls x (N, T, F) in a layer, flattened, (N, D), float32. Evaluation mode while it runs.

    Raises ValueError for a layer that does not exist.
    """
    with _evaluating(model), torch.no_grad():
        return np.concatenate([
            model.until(layer, batch).flatten(1).numpy() for batch in _rolls(x).split(batch_size)
        ])


def layer_gradients(
    model: Any, x: Any, y: Any, layer: str, *, kind: Kind = "integrated", n_steps: int = 5, batch_size: int = 16
) -> np.ndarray:
    """Gradient of the logit of class y[i] at the layer for each excerpt, (N, D). Equation `eq:concepts-gradient`.

    "plain" is dh/da at a = f(x), as in Kim et al. 2018. "integrated" is the published choice: the mean gradient on the
    way from a0 = f(0) to a, by `n_steps` Gauss-Legendre points, not multiplied by a - a0.

    Raises ValueError for another kind, `n_steps` below 1, or y that is not one class for each excerpt.
    """
    rolls, y = _rolls(x), torch.as_tensor(np.asarray(y)).long()
    return np.concatenate(list(_gradients(model, rolls, y, layer, kind, n_steps, batch_size)))


def _gradients(model: Any, rolls: Tensor, y: Tensor, layer: str, kind: Kind, n_steps: int, batch_size: int) -> Any:
    if kind not in ("integrated", "plain") or n_steps < 1:
        raise ValueError(f'kind, n_steps: expected "integrated" or "plain" and at least 1, got {kind!r}, {n_steps}')
    if y.shape != (len(rolls),):
        raise ValueError(f"y: expected one class for each of {len(rolls)} excerpts, got shape {tuple(y.shape)}")
    points, weights = [1.0], [1.0]
    if kind == "integrated":
        nodes, node_weights = np.polynomial.legendre.leggauss(n_steps)
        points, weights = list((1 + nodes) / 2), list(node_weights / 2)  # from [-1, 1] to [0, 1]; weights sum to 1
    with _evaluating(model):
        with torch.no_grad():
            start = model.until(layer, torch.zeros_like(rolls[:1]))
        for batch, target in zip(rolls.split(batch_size), y.split(batch_size), strict=True):
            with torch.no_grad():
                end = model.until(layer, batch)
            total = torch.zeros_like(end)
            for point, weight in zip(points, weights, strict=True):
                at = (start + float(point) * (end - start)).requires_grad_(True)
                # Excerpts do not mix in evaluation mode, so the gradient of the sum holds each one's own.
                logits = model.head(layer, at).gather(1, target[:, None]).sum()
                total += float(weight) * torch.autograd.grad(logits, at)[0]
            yield total.flatten(1).numpy()


def closed_form_gradient(model: Any, n_cells: int = 39) -> np.ndarray:
    """Gradient of every logit at the last map, (K, D): W_kc / n_cells at each cell, whatever the excerpt.

    Equation `eq:concepts-closed-form`: after `layer4` come a mean over cells (39 = 13 x 3 here) and a linear map W.
    """
    weight = model.fc.weight.detach().numpy()
    return np.repeat(weight / n_cells, n_cells, axis=1)


class ConceptSpace(NamedTuple):
    """All that TCAV needs of a network in one layer: everything else is linear algebra on P examples."""

    layer: str
    gram: np.ndarray  # A A^T, (P, P)
    projections: np.ndarray  # g A^T, (N, P): excerpt i's gradient of its own class's logit, on each example
    y: np.ndarray  # class of each excerpt, (N,)

    @property
    def n_classes(self) -> int:
        """Number of classes, the largest label plus one."""
        return int(self.y.max()) + 1


def make_space(
    model: Any, layer: str, examples: Any, x: Any, y: Any, *, kind: Kind = "integrated", n_steps: int = 5,
    batch_size: int = 16,
) -> ConceptSpace:
    """Run the network over P `examples` (P, T, F), concept and random ones, and N excerpts x (N, T, F) of classes y.

    Sets of examples are afterwards named by their row numbers. Raises ValueError as `layer_gradients` does.
    """
    a = layer_activations(model, examples, layer, batch_size=batch_size).astype(np.float64)
    rolls, labels = _rolls(x), torch.as_tensor(np.asarray(y)).long()
    parts = [g @ a.T for g in _gradients(model, rolls, labels, layer, kind, n_steps, batch_size)]
    return ConceptSpace(layer, a @ a.T, np.concatenate(parts), labels.numpy())


# Concept activation vectors


def fit_cavs(
    gram: np.ndarray,
    concepts: Sequence[Sequence[int]],
    others: Sequence[Sequence[int]],
    *,
    method: Method = "ridge",
    penalty: float = 0.01,
    seed: int = 0,
) -> np.ndarray:
    """Fit S CAVs together; row s holds the coefficients c (P,) of v = A^T c, scaled to unit length of v. (S, P).

    Equation `eq:concepts-cav`. v points towards the concept: label +1 for rows `concepts[s]`, -1 for `others[s]`.

    Args:
        gram: A A^T (P, P).
        concepts: S sets of row numbers.
        others: S sets of row numbers, the random sides.
        method: "ridge" is least squares on the labels with an L2 penalty, all sets solved together; "svm" a linear
            support vector machine; "sgd" the published one, hinge loss by stochastic gradient descent with weight
            1e-4, at most 5000 passes, tolerance 1e-3, features as they are. The last two are fitted in coordinates of
            the examples' span, which gives the same v as fitting on all D cells.
        penalty: of "ridge", in units of the mean squared length of the centred examples.
        seed: of "sgd".

    Raises:
        ValueError: sets differ in number, one has fewer than two examples, a row is on both sides, or the two sides
            hold the same activations, so that nothing tells them apart.
    """
    if len(concepts) != len(others) or not len(concepts):
        raise ValueError(f"others: expected as many sets as concepts ({len(concepts)}, at least 1), got {len(others)}")
    for one, other in zip(concepts, others, strict=True):
        if len(one) < 2 or len(other) < 2:
            sizes = f"{len(one)} and {len(other)}"
            raise ValueError(f"concepts, others: expected at least two examples in each set, got {sizes}")
        if set(map(int, one)) & set(map(int, other)):
            raise ValueError("concepts, others: expected no example on both sides of a CAV")
    if method == "ridge":
        parts = [
            _ridge(gram, concepts[i : i + _CHUNK], others[i : i + _CHUNK], penalty)[0]
            for i in range(0, len(concepts), _CHUNK)
        ]
        coefficients = np.concatenate(parts)
    elif method in ("svm", "sgd"):
        pairs = zip(concepts, others, strict=True)
        coefficients = np.stack([_classifier(gram, one, other, method, seed) for one, other in pairs])
    else:
        raise ValueError(f'method: expected "ridge", "svm" or "sgd", got {method!r}')
    lengths = np.sqrt(np.maximum(np.einsum("sp,pq,sq->s", coefficients, gram, coefficients, optimize=True), 0))
    scale = np.abs(coefficients).sum(1) * np.sqrt(np.diag(gram).mean())
    if (lengths <= 1e-9 * np.maximum(scale, 1e-300)).any():
        raise ValueError("concepts, others: expected two different sets, got the same activations on both sides")
    return coefficients / lengths[:, None]


def _ridge(
    gram: np.ndarray, concepts: Sequence[Any], others: Sequence[Any], penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (S, P) and intercepts (S,) of least squares on labels; smaller sets are padded and masked."""
    rows = [np.concatenate([one, other]).astype(int) for one, other in zip(concepts, others, strict=True)]
    m = max(map(len, rows))
    index = np.stack([np.pad(r, (0, m - len(r))) for r in rows])  # (S, m)
    mask = np.stack([np.arange(m) < len(r) for r in rows]).astype(float)
    label = np.where(np.arange(m) < np.array([len(one) for one in concepts])[:, None], 1.0, -1.0) * mask
    n = mask.sum(1)
    kernel = gram[index[:, :, None], index[:, None, :]]
    centre = np.eye(m) - mask[:, None, :] / n[:, None, None]  # row i minus the mean of the unmasked rows
    centred = centre @ kernel @ centre.transpose(0, 2, 1) * mask[:, :, None] * mask[:, None, :]
    strength = penalty * np.maximum(np.einsum("sii->s", centred) / n, 1e-12)
    offset = (label.sum(1) / n)[:, None]
    system = centred + strength[:, None, None] * np.eye(m)
    solved = np.linalg.solve(system, ((label - offset) * mask)[..., None])[..., 0] * mask
    coefficients = np.zeros((len(rows), len(gram)))
    np.add.at(coefficients, (np.arange(len(rows))[:, None], index), solved)
    mean_value = np.einsum("sm,smn,sn->s", mask / n[:, None], kernel, solved)
    return coefficients, offset[:, 0] - mean_value


def _classifier(gram: np.ndarray, one: Sequence[int], other: Sequence[int], method: str, seed: int) -> np.ndarray:
    """Coefficients (P,) of a scikit-learn classifier fitted in an orthonormal basis of the span."""
    from sklearn.linear_model import SGDClassifier
    from sklearn.svm import SVC

    rows = np.concatenate([one, other]).astype(int)
    label = np.repeat([1, 0], [len(one), len(other)])
    values, vectors = np.linalg.eigh(gram[np.ix_(rows, rows)])
    kept = values > 1e-10 * max(values.max(), 1e-300)
    root = np.sqrt(values[kept])
    coordinates = vectors[:, kept] * root  # A = coordinates @ basis with orthonormal rows
    if method == "svm":
        classifier = SVC(kernel="linear").fit(coordinates, label)
    else:
        classifier = SGDClassifier(alpha=1e-4, max_iter=5000, tol=1e-3, random_state=seed).fit(coordinates, label)
    coefficients = np.zeros(len(gram))
    # v = basis^T w and basis = diag(1 / root) vectors^T A.
    np.add.at(coefficients, rows, vectors[:, kept] @ (classifier.coef_[0] / root))
    return coefficients


def cav_accuracy(
    gram: np.ndarray, concept: Sequence[int], others: Sequence[int], *, n_folds: int = 5, seed: int = 0,
    penalty: float = 0.01,
) -> float:
    """Cross-validated accuracy, 0..1, of the "ridge" classifier between two sets; chance is the larger set's share.

    On the examples it was fitted on it is always near 1, because D is far above their number, and says nothing.
    Raises ValueError when a set has fewer examples than folds.
    """
    if min(len(concept), len(others)) < n_folds:
        raise ValueError(f"n_folds: expected at most the smaller set, {min(len(concept), len(others))}, got {n_folds}")
    rng = np.random.default_rng(seed)
    sides = [rng.permutation(np.asarray(side, dtype=int)) for side in (concept, others)]
    folds = [[np.array_split(side, n_folds)[f] for side in sides] for f in range(n_folds)]
    kept = [[np.setdiff1d(side, fold[i]) for fold in folds] for i, side in enumerate(sides)]
    coefficients, intercepts = _ridge(gram, kept[0], kept[1], penalty)
    right = 0
    for (held_one, held_other), c, b in zip(folds, coefficients, intercepts, strict=True):
        right += int((gram[held_one] @ c + b > 0).sum() + (gram[held_other] @ c + b <= 0).sum())
    return right / (len(concept) + len(others))


# Scores


def sensitivities(space: ConceptSpace, coefficients: np.ndarray) -> np.ndarray:
    """S_k(x) = g_k(x) . v of every excerpt for its own class k and S CAVs, (S, N). Equation `eq:concepts-sensitivity`.

    Unit: change of the logit per unit of activation along v.
    """
    return coefficients @ space.projections.T


def class_means(values: np.ndarray, y: np.ndarray, n_classes: int) -> np.ndarray:
    """Mean of values (S, N) over the excerpts of each class, (S, K). Raises ValueError for a class without excerpts."""
    counts = np.bincount(y, minlength=n_classes)
    if (counts == 0).any():
        raise ValueError(f"y: expected excerpts of every class, got none of {np.flatnonzero(counts == 0).tolist()}")
    return values @ np.eye(n_classes)[y] / counts


def tcav_scores(sensitivity: np.ndarray, y: np.ndarray, n_classes: int | None = None) -> np.ndarray:
    """TCAV scores (S, K): the share of class k's excerpts with S_k(x) > 0. Equation `eq:concepts-score`.

    1/2 is no effect; 0 is a consistent negative one. All excerpts count alike, whichever piece they come from.
    """
    y = np.asarray(y)
    return class_means((sensitivity > 0).astype(float), y, n_classes or int(y.max()) + 1)


def reference_test(scores: np.ndarray) -> np.ndarray:
    """The published test: two-sided t-test (equal variances) of R scores against one minus themselves, p (K,).

    With scores of 0 and 1 only, it counts votes: of ten CAVs nine must agree for p < 0.05 / 13. It knows of no null of
    random concepts, and its R CAVs share one concept set. Equal scores give p = 0, or 1 when they are all 1/2.
    """
    from scipy import stats

    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 2 or len(scores) < 2:
        raise ValueError(f"scores: expected at least two CAVs, (R, K), got shape {scores.shape}")
    p = np.ones(scores.shape[1])
    for k, column in enumerate(scores.T):
        if np.ptp(column) > 0:
            p[k] = stats.ttest_ind(column, 1 - column).pvalue
        elif column[0] != 0.5:
            p[k] = 0.0
    return p


class Null(NamedTuple):
    """What random sets give when they are called a concept: one row for each of n pseudo-concepts."""

    sensitivity: np.ndarray  # mean S_k over CAVs and excerpts, (n, K)
    scores: np.ndarray  # TCAV scores, (n, R, K)


def pseudo_concepts(
    space: ConceptSpace, random_sets: Sequence[Sequence[int]], *, size: int = 30, n: int = 1000, seed: int = 0,
    method: Method = "ridge",
) -> Null:
    """Draw n pseudo-concepts of `size` excerpts from all random sets, each against the sets without the drawn ones.

    A concept that the network does not care about should look like one of these. Raises ValueError when so many are
    drawn that a random set may be left with fewer than two.
    """
    pool = np.unique(np.concatenate([np.asarray(one, dtype=int) for one in random_sets]))
    smallest = min(map(len, random_sets))
    if not 2 <= size <= len(pool) // 2 or smallest < 4:
        raise ValueError(
            f"size: expected 2 to {len(pool) // 2} of {len(pool)} random excerpts in sets of 4 or more, got {size}, "
            f"smallest set {smallest}"
        )
    # The other examples take no part: without them the algebra is a few times smaller.
    gram, projections = space.gram[np.ix_(pool, pool)], space.projections[:, pool]
    small = space._replace(gram=gram, projections=projections)
    sets = [np.searchsorted(pool, np.asarray(one, dtype=int)) for one in random_sets]
    rng = np.random.default_rng(seed)
    means, scores = [], []
    while len(means) < n:
        drawn = rng.choice(len(pool), size, replace=False)
        left = [np.setdiff1d(one, drawn) for one in sets]
        if min(map(len, left)) < 2:
            continue
        s = sensitivities(small, fit_cavs(gram, [drawn] * len(left), left, method=method))
        means.append(class_means(s, space.y, space.n_classes).mean(0))
        scores.append(tcav_scores(s, space.y, space.n_classes))
    return Null(np.stack(means), np.stack(scores))


def permutation_p(values: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Two-sided p of values (K,) by their rank in the null (n, K): twice the smaller tail, both tails with the value.

    The smallest possible p is 2 / (n + 1): with 200 draws 0.00995, with 1000 0.002.
    """
    n = len(null)
    above = (1 + (null >= values).sum(0)) / (n + 1)
    below = (1 + (null <= values).sum(0)) / (n + 1)
    return np.minimum(1.0, 2 * np.minimum(above, below))


def concept_table(
    space: ConceptSpace,
    concepts: Mapping[str, Sequence[int]],
    random_sets: Sequence[Sequence[int]],
    *,
    classes: Sequence[str],
    null: Null | None = None,
    n_pseudo: int = 1000,
    method: Method = "ridge",
    alpha: float = 0.05,
    seed: int = 0,
) -> Any:
    """Both tests of every concept on every class: a DataFrame with one row for each cell.

    Args:
        space: from `make_space`.
        concepts: name to row numbers of its examples.
        random_sets: R sets of row numbers, the other side of each CAV.
        classes: names of the K classes.
        null: from `pseudo_concepts`; drawn here when None.
        n_pseudo: pseudo-concepts to draw.
        method: of `fit_cavs`.
        alpha: level of each family of tests.
        seed: of the null.

    Returns:
        Columns `concept`, `class`, `score` and `score_sd` over the CAVs, `sensitivity` (mean S_k), `z` (that over the
        null's standard deviation, from its mean), `p_reference`, `reference` ("+", "−" or "" at alpha / K, as
        published), `p_pseudo`, `pseudo` (the same at alpha over all cells), `cav_accuracy` (cross-validated mean).
    """
    import pandas as pd

    if len(classes) != space.n_classes:
        raise ValueError(f"classes: expected {space.n_classes} names, got {len(classes)}")
    if null is None:
        null = pseudo_concepts(
            space, random_sets, size=min(map(len, random_sets)), n=n_pseudo, seed=seed, method=method
        )
    n_cells = len(concepts) * len(classes)
    rows = []
    for name, examples in concepts.items():
        cavs = fit_cavs(space.gram, [examples] * len(random_sets), random_sets, method=method, seed=seed)
        s = sensitivities(space, cavs)
        scores = tcav_scores(s, space.y, space.n_classes)
        mean = class_means(s, space.y, space.n_classes).mean(0)
        p_reference, p_pseudo = reference_test(scores), permutation_p(mean, null.sensitivity)
        folds = min(5, len(examples), min(map(len, random_sets)))
        accuracy = float(np.mean([cav_accuracy(space.gram, examples, r, n_folds=folds) for r in random_sets]))
        z = (mean - null.sensitivity.mean(0)) / null.sensitivity.std(0, ddof=1)
        for k, label in enumerate(classes):
            average = scores[:, k].mean()
            rows.append({
                "concept": name, "class": label, "score": average, "score_sd": scores[:, k].std(ddof=1),
                "sensitivity": mean[k], "z": z[k],
                "p_reference": p_reference[k],
                "reference": _sign(average >= 0.5, p_reference[k] < alpha / len(classes)),
                "p_pseudo": p_pseudo[k], "pseudo": _sign(z[k] >= 0, p_pseudo[k] < alpha / n_cells),
                "cav_accuracy": accuracy,
            })
    return pd.DataFrame(rows)



def _sign(positive: bool, significant: bool) -> str:
    return ("+" if positive else "−") if significant else ""


def _rolls(x: Any) -> Tensor:
    rolls = torch.as_tensor(np.asarray(x), dtype=torch.float32) if not isinstance(x, Tensor) else x.float()
    if rolls.ndim != 3 or not len(rolls):
        raise ValueError(f"x: expected rolls (N, T, F), at least one, got shape {tuple(rolls.shape)}")
    return rolls


class _evaluating:
    """Evaluation mode inside the block, the earlier mode after it."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __enter__(self) -> None:
        self.was = self.model.training
        self.model.eval()

    def __exit__(self, *error: object) -> None:
        self.model.train(self.was)
