"""What all recipes share: profiles, a hash, and errors that name the field."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any, ClassVar, Self

PROFILES = ("smoke", "demo", "study", "paper")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Base of a paper's hyper-parameters: frozen, defaults are the paper's, sizes depend on the profile.

    A subclass lists in `sizes` what each profile changes; "paper" changes nothing, by definition. A switch that is
    added when runs are already recorded goes into `later` with the value that those runs had: at that value it does
    not count in the hash, and the runs stay what they are. A field of `counts` says how many runs there are, not what
    one is, and never counts.

    >>> from audiolab.recipes.local_prototypes import LocalPrototypes
    >>> LocalPrototypes().at("paper") == LocalPrototypes()
    True
    """

    sizes: ClassVar[dict[str, dict[str, Any]]] = {}
    later: ClassVar[dict[str, Any]] = {}
    counts: ClassVar[tuple[str, ...]] = ()

    profile: str = "paper"  # which of PROFILES the sizes belong to

    def at(self, profile: str) -> Self:
        """The recipe at the sizes of a profile; fields the profile does not name stay as they are.

        Raises ValueError for an unknown profile.
        """
        if profile not in PROFILES:
            raise ValueError(f"profile: expected one of {PROFILES}, got {profile!r}")
        return dataclasses.replace(self, profile=profile, **self.sizes.get(profile, {}))

    def but(self, **changes: Any) -> Self:
        """The recipe with some fields changed, for an ablation or a sweep.

        Raises ValueError for a field that does not exist.
        """
        names = {field.name for field in dataclasses.fields(self)}
        if unknown := sorted(set(changes) - names):
            raise ValueError(f"changes: expected fields of {type(self).__name__}, {sorted(names)}, got {unknown}")
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for json (tuples become lists)."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    def hash(self) -> str:
        """Twelve hexadecimal digits that change with the class or any field's value, but see `later` and `counts`."""
        fields = {k: v for k, v in self.to_dict().items() if k not in self.later or v != self.later[k]}
        fields = {k: v for k, v in fields.items() if k not in self.counts}
        text = json.dumps([type(self).__name__, fields], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]
