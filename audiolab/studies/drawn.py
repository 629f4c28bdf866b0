"""Training batches by a tagging recipe: each class equally often, clips mixed in pairs, or both.

Axes: B clips, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch

from audiolab.data.balanced import balanced_clips
from audiolab.features.augment import mixup
from audiolab.training import Batch, Loader


class DrawnLoader(Loader):
    """A loader whose training epochs are drawn: `balanced` classes, `mixed` pairs, as many steps as plain ones.

    An epoch depends on nothing but (seed, epoch), so that a killed run goes on as if it had not been: the queue of
    classes starts anew with each epoch, where PANNs' goes on. Mixed batches draw twice as many clips and hold mixtures
    of neighbours, of waveforms and labels with one weight; both streams of a tagger then hear the same mixture.
    Iterating gives the clips themselves, once and in stored order.

    Raises ValueError when `balanced` and no class has a clip.
    """

    def __init__(self, loader: Loader, *, balanced: bool = False, mixed: bool = False) -> None:
        super().__init__(loader.x, loader.y, batch_size=loader.batch_size, shuffle=loader.shuffle)
        self.balanced, self.mixed = balanced, mixed
        if balanced:
            balanced_clips(self.y, seed=0)  # says now what is wrong

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        """Batches of training epoch `epoch` (counted from 1), each with `batch_size` rows but perhaps the last."""
        own = int(np.random.SeedSequence([seed, epoch, 11]).generate_state(1)[0])
        rounds, n = 1 + self.mixed, len(self.x)
        if self.balanced:
            order = torch.tensor([clip for clip, _ in islice(balanced_clips(self.y, seed=own), rounds * n)])
        else:
            rng = np.random.default_rng(own)
            order = torch.as_tensor(np.concatenate([rng.permutation(n) for _ in range(rounds)]))
        generator = torch.Generator().manual_seed(own)
        for index in order.split(rounds * self.batch_size):
            x, y = self.x[index], self.y[index]
            yield Batch(*(mixup(x, y, generator=generator) if self.mixed else (x, y)))
