"""TCAV of one study, in the examples' span and with captum: the same scores, and the seconds of each.

The study: a narrow network with random weights, `layer3`, three concepts and ten random sets of 30 rolls, 24 excerpts
of four classes, integrated gradients with five points, CAVs by the published classifier (hinge loss, stochastic
gradient descent, one seed) on both sides. Captum fits its CAVs on all cells of the layer and is asked once for each
class; its folder of CAVs is fresh. Run: python -m benchmarks.concepts
"""

import tempfile
import time

import numpy as np
import torch
from captum.attr import LayerIntegratedGradients
from captum.concept import TCAV, Concept
from captum.concept._utils.classifier import Classifier
from sklearn.linear_model import SGDClassifier

from audiolab.explain import concepts as tcav
from audiolab.models.resnet_roll import ResNetRoll
from audiolab.worlds import composers
from benchmarks.common import machine, write

SIZE, N_CONCEPTS, N_RANDOM, N_CLASSES, LAYER = 30, 3, 10, 4, "layer3"


class Logits(torch.nn.Module):
    """What captum wants of a network: a tensor."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x).logits


class PublishedClassifier(Classifier):
    """The same CAV as `fit_cavs` makes, fitted on all cells."""

    def __init__(self) -> None:
        self.vector = np.zeros(0)

    def train_and_eval(self, dataloader, **_) -> dict:
        inputs, labels = (torch.cat(parts) for parts in zip(*dataloader, strict=True))
        # Captum shuffles nothing here: the concept's rows come first, as in `fit_cavs`.
        concept = (labels == labels.min()).numpy().astype(int)
        order = np.argsort(1 - concept, kind="stable")
        fitted = SGDClassifier(alpha=1e-4, max_iter=5000, tol=1e-3, random_state=0)
        self.vector = fitted.fit(inputs.numpy().astype(float)[order], concept[order]).coef_[0]
        self.names = sorted(set(labels.tolist()))
        return {"accs": torch.tensor(1.0)}

    def weights(self) -> torch.Tensor:
        return torch.as_tensor(np.stack([self.vector, -self.vector]), dtype=torch.float32)

    def classes(self) -> list:
        return self.names


def with_captum(model, examples, rows, random_rows, x, y) -> np.ndarray:
    """Scores (concepts, random sets, classes)."""
    network = Logits(model)
    sets = {i: examples[r] for i, r in enumerate([*rows, *random_rows])}
    named = [
        Concept(i, str(i), torch.utils.data.DataLoader(torch.as_tensor(one).float())) for i, one in sets.items()
    ]
    pairs = [[named[c], named[N_CONCEPTS + r]] for c in range(N_CONCEPTS) for r in range(N_RANDOM)]
    scores = np.zeros((N_CONCEPTS, N_RANDOM, N_CLASSES))
    with tempfile.TemporaryDirectory() as folder:
        gradients = LayerIntegratedGradients(network, None, multiply_by_inputs=False)
        test = TCAV(
            network, [f"model.{LAYER}"], classifier=PublishedClassifier(), layer_attr_method=gradients, save_path=folder
        )
        for k in range(N_CLASSES):
            inputs = torch.as_tensor(x[y == k]).float()
            found = test.interpret(inputs, pairs, target=k, n_steps=5, method="gausslegendre")
            for c in range(N_CONCEPTS):
                for r in range(N_RANDOM):
                    scores[c, r, k] = found[f"{c}-{N_CONCEPTS + r}"][f"model.{LAYER}"]["sign_count"][0]
    return scores


def in_the_span(model, examples, rows, random_rows, x, y) -> np.ndarray:
    """The same scores."""
    space = tcav.make_space(model, LAYER, examples, x, y)
    concepts, others = [r for r in rows for _ in random_rows], list(random_rows) * N_CONCEPTS
    cavs = tcav.fit_cavs(space.gram, concepts, others, method="sgd")
    return tcav.tcav_scores(tcav.sensitivities(space, cavs), y).reshape(N_CONCEPTS, N_RANDOM, N_CLASSES)


def main(n_runs: int = 3) -> None:
    """Measure both in turn and write results/benchmarks/concepts.json; the scores must be equal."""
    torch.set_num_threads(1)
    about = machine()
    model = ResNetRoll.narrow(n_classes=N_CLASSES, generator=torch.Generator().manual_seed(0)).train()
    for _ in range(3):
        model(torch.rand(4, 400, 88) * 40)
    model.eval()
    n = SIZE * (N_CONCEPTS + N_RANDOM)
    rolls = np.stack([
        composers.make_section(composers.TEXTURES[i // SIZE % 5], seed=i).roll[:400] for i in range(n + 6 * N_CLASSES)
    ])
    examples, x, y = rolls[:n], rolls[n:], np.arange(6 * N_CLASSES) % N_CLASSES
    sets = np.arange(n).reshape(-1, SIZE)
    seconds: dict[str, list[tuple[float, float]]] = {"in the span": [], "captum": []}
    scores = {}
    for _ in range(n_runs):
        for name, work in zip(seconds, (in_the_span, with_captum), strict=True):
            started, worked = time.perf_counter(), time.process_time()
            scores[name] = work(model, examples, sets[:N_CONCEPTS], sets[N_CONCEPTS:], x, y)
            seconds[name].append((time.perf_counter() - started, time.process_time() - worked))
            print(f"{name:12s} {seconds[name][-1][1]:7.2f} CPU s", flush=True)
    difference = float(np.abs(scores["in the span"] - scores["captum"]).max())
    wall, cpu = (dict(zip(seconds, np.median(list(seconds.values()), axis=1)[:, i], strict=True)) for i in (0, 1))
    rows = [
        {
            "part": "one study", "what": name, "seconds": wall[name], "lowest_s": min(v[0] for v in values),
            "highest_s": max(v[0] for v in values), "cpu_s": cpu[name], "n": n_runs, "times": cpu["captum"] / cpu[name],
            "largest_difference": difference,
        }
        for name, values in seconds.items()
    ]  # fmt: skip
    write("concepts", rows, about)
    assert difference < 1e-6, f"scores differ by {difference}"  # counts over counts, once in 32 bits


if __name__ == "__main__":
    main()
