"""The call of a block, taken apart, and which calls a compiled one takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree

Dim = int | str
"""A size that is fixed, or the name of one that may vary; equal names are equal sizes."""

_CONSTANTS = (bool, int, float, str, type(None))


@dataclass(frozen=True, slots=True)
class Call:
    """A block's arguments, taken apart.

    tensors: in order, contiguous; complex numbers as pairs of real ones. constants: all leaves of
    the arguments, `HOLE` where a tensor was, `PAIRS` where a complex one was. structure: puts the
    leaves together again.
    """

    tensors: tuple[torch.Tensor, ...]
    constants: tuple[Any, ...]
    structure: Any

    @classmethod
    def of(cls, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call | None:
        """Take a call apart; None if it has arguments that cannot be compiled for."""
        leaves, structure = pytree.tree_flatten((tuple(args), dict(kwargs)))
        tensors: list[torch.Tensor] = []
        constants: list[Any] = []
        for leaf in leaves:
            if type(leaf) is torch.Tensor:
                pairs = leaf.is_complex()
                tensors.append((torch.view_as_real(leaf) if pairs else leaf).contiguous())
                constants.append(PAIRS if pairs else HOLE)
            elif isinstance(leaf, _CONSTANTS):
                constants.append(leaf)
            else:
                return None
        return cls(tuple(tensors), tuple(constants), structure)

    @property
    def kind(self) -> str:
        """What no size changes but the first of each tensor, which is the batch's."""
        shapes = [(str(each.dtype), each.ndim, each.shape[:1]) for each in self.tensors]
        return repr((shapes, self.constants, str(self.structure)))

    @property
    def sizes(self) -> tuple[torch.Size, ...]:
        """The sizes of its tensors."""
        return tuple(each.shape for each in self.tensors)


HOLE, PAIRS = "<tensor>", "<complex>"


def filled(constants: Sequence[Any], tensors: Sequence[Any], *, pairs: bool) -> list[Any]:
    """Return the leaves with tensors in their places; with `pairs`, complex ones stay pairs."""
    rest = iter(tensors)
    leaves: list[Any] = []
    for each in constants:
        if each is PAIRS or each == PAIRS:
            found = next(rest)
            leaves.append(found if pairs else torch.view_as_complex(found))
        else:
            leaves.append(next(rest) if each == HOLE else each)
    return leaves


@dataclass(frozen=True, slots=True)
class Accepted:
    """The calls that a compiled block takes.

    kind: as of `Call.kind`. shapes: of each tensor. ranges: of the sizes that may vary, ends
    included.
    """

    kind: str
    shapes: tuple[tuple[Dim, ...], ...]
    ranges: Mapping[str, tuple[int, int]]

    def takes(self, call: Call) -> bool:
        """Whether it was compiled for such a call."""
        if call.kind != self.kind:
            return False
        found: dict[str, int] = {}
        for shape, size in zip(self.shapes, call.sizes, strict=True):
            for dim, now in zip(shape, size, strict=True):
                if isinstance(dim, int):
                    if dim != now:
                        return False
                    continue
                least, most = self.ranges[dim]
                if found.setdefault(dim, now) != now or not least <= now <= most:
                    return False
        return True
