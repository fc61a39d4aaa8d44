"""What a translation of names results in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.weights import Weight

Named = tuple[tuple[str, Weight], ...]
Rename = Callable[[str, Weight], Named | None]
"""Returns what a tensor becomes in the model; () for one that no model needs, None for unknown."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A component's weights by the model's own names.

    ignored: names of the file that no model needs. unknown: names without a translation.
    """

    weights: Mapping[str, Weight]
    ignored: list[str] = field(default_factory=list[str])
    unknown: list[str] = field(default_factory=list[str])


def translated(weights: Mapping[str, Weight], rename: Rename) -> Translation:
    """Translate all names. Raises Unusable if two tensors become the same one."""
    found: dict[str, Weight] = {}
    ignored: list[str] = []
    unknown: list[str] = []
    for name, weight in weights.items():
        targets = rename(name, weight)
        if targets is None:
            unknown.append(name)
        elif not targets:
            ignored.append(name)
        for target, part in targets or ():
            if target in found:
                raise Unusable(
                    f"{weight.label} and {found[target].stored.name} both are the model's {target}"
                )
            found[target] = part
    return Translation(found, ignored, unknown)
