"""What a study keeps for pages and tools: a network's weights, and beside them a json that says what they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from audiolab import training
from audiolab.results import replace_text, results_folder

Network = TypeVar("Network", bound=nn.Module)


def keep(name: str, model: nn.Module, about: dict[str, Any], root: str | Path | None = None) -> Path:
    """Write `results/weights/<name>.safetensors` and `.json`; `root` is the ledger's folder, None for the kept one."""
    path = results_folder(root) / "weights" / f"{name}.safetensors"
    training.save_weights(model.state_dict(), path)
    replace_text(path.with_suffix(".json"), json.dumps(about, indent=1) + "\n")
    return path


def fetch(
    name: str, command: str, make: Callable[[dict[str, Any]], Network], root: str | Path | None = None
) -> tuple[Network, dict[str, Any]]:
    """The kept network in evaluation mode, and what is said of it; `make` builds it untrained from that.

    Raises FileNotFoundError when it was not kept (`command` is what follows ``python -m audiolab run`` to make it), and
    ValueError when one of the two files is damaged or they do not belong together.
    """
    path = results_folder(root) / "weights" / f"{name}.safetensors"
    described = path.with_suffix(".json")
    if not path.exists() or not described.exists():
        raise FileNotFoundError(
            f"weights: no {path.name} in {path.parent}; make it with: python -m audiolab run {command}"
        )
    weights = training.load_weights(path)
    try:
        about = json.loads(described.read_text(encoding="utf-8"))
        model = make(about)
        model.load_state_dict(weights)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise ValueError(f"weights: expected {described} to describe {path.name} ({error!r})") from error
    return model.eval(), about
