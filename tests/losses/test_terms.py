"""The container every criterion returns."""

import pytest
import torch

from audiolab.losses.terms import LossTerms


def test_total_is_the_sum_and_keeps_gradients():
    one, two = torch.tensor(1.5, requires_grad=True), torch.tensor(2.0, requires_grad=True)
    loss = LossTerms.of(first=one, second=3 * two)
    assert loss.total.item() == 7.5
    assert list(loss.terms) == ["first", "second"]
    loss.total.backward()
    assert (one.grad.item(), two.grad.item()) == (1, 3)


def test_no_term_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        LossTerms.of()
