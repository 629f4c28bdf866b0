"""What every criterion returns."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class LossTerms(NamedTuple):
    """The number to minimise and the weighted parts it is the sum of, each a scalar tensor."""

    total: Tensor
    terms: dict[str, Tensor]

    @classmethod
    def of(cls, **terms: Tensor) -> LossTerms:
        """Add named, already weighted terms up. Raises ValueError when there is none."""
        if not terms:
            raise ValueError("terms: expected at least one term, got none")
        total, *others = terms.values()
        for term in others:
            total = total + term
        return cls(total=total, terms=terms)
