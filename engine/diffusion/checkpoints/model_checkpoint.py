"""What every model's checkpoint is, whatever its family and the layout of its files."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from engine.diffusion.checkpoints.components import Large, Prepared
from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.quantization.int8_rows import Int8Rows, RowsOf, int8_rows
from engine.diffusion.checkpoints.weights import Weight
from engine.diffusion.families import Component, Family

F = TypeVar("F", bound=Family)


@dataclass(slots=True)
class Components:
    """What a picture is painted with, under the names that the rest of the engine knows.

    transformer: also where that is a U-Net. text_encoder: what can be streamed block by block. Each
    is None once it was dropped.
    """

    transformer: Any
    text_encoder: Any
    vae: Any
    tokenizer: Any
    scheduler: Any


class ModelCheckpoint(ABC, Generic[F]):
    """The files of a model, which fill its architecture exactly.

    Making one reads headers and configurations; no weight is in memory before `load`. A class of
    them finds its files, then calls `_prepare_all`.
    """

    def __init__(self, source: Path, family: F) -> None:
        self._source = source
        self._root = source if source.is_dir() else source.parent
        self._family = family
        self._notes: list[str] = []
        self._prepared: dict[str, Prepared] = {}
        self._count = 0
        self._revision: str | None = None
        self._large: Large | None = None

    @property
    def root(self) -> Path:
        """The model's folder, or that of its file."""
        return self._root

    @property
    def source(self) -> Path:
        """The folder or file that it was found in."""
        return self._source

    @property
    def count(self) -> int:
        """Number of values in all weights."""
        return self._count

    @property
    def notes(self) -> tuple[str, ...]:
        """What was repaired, chosen, ignored and converted, one sentence each; all after `load`."""
        return tuple(dict.fromkeys(self._notes))

    def load(self, dtype: torch.dtype, large: Large | None = None) -> Any:
        """Return what paints, on the CPU, with weights in this format. Call it once.

        large: which weights of transformer and text encoder are loaded in float16 instead. Raises
        Unusable.
        """
        self._revision, self._large = self.fingerprint(), large
        # Kept by nobody but the result, so that a component is freed when that drops it.
        prepared = {name: self._narrowed(one) for name, one in self._prepared.items()}
        self._prepared = {}
        for one in prepared.values():
            self._notes += one.notes + one.conversions(dtype)
        return self._assembled(prepared, dtype)

    def skeletons(self, dtype: torch.dtype) -> dict[str, nn.Module]:
        """Return copies of the components without memory, in a number format, for measuring."""
        modules = {name: copy.deepcopy(one.module) for name, one in self._prepared.items()}
        # The libraries' own `to` warns of what such a copy will not be used for.
        return {
            name: nn.Module.to(module, dtype) for name, module in self._parts_of(modules).items()
        }

    def load_component(self, name: str, dtype: torch.dtype) -> nn.Module:
        """Load "transformer" or "text_encoder" again, as `load` did.

        Raises Unusable, also for changed files.
        """
        self._read_again()
        if self._revision not in (None, self._digest()):
            raise Unusable("its files have changed since the start")
        return self._loaded_again(name, dtype)

    def int8_rows(self, name: str) -> RowsOf:
        """Return what reads the matrices that a component's files have in int8, by its layers.

        It reads headers now and one matrix at a call. Raises Unusable for changed files.
        """
        self._read_again()
        if self._revision not in (None, self._digest()):
            raise Unusable("its files have changed since the start")
        weights = self._weights_of(name)

        def rows_of(layer: str) -> Int8Rows | None:
            weight = weights.get(f"{layer}.weight")
            return None if weight is None else int8_rows(weight)

        return rows_of

    def fingerprint(self) -> str:
        """Return sixteen hex digits that change with the files; after `load`, as they were then.

        Raises Unusable.
        """
        if self._revision is not None:
            return self._revision
        try:
            return self._digest()
        except OSError as error:
            path = Path(error.filename or "")
            name = path.relative_to(self.root) if path.is_relative_to(self.root) else path.name
            raise Unusable(f"{name} can no longer be read ({error.strerror})") from error

    @abstractmethod
    def check_companions(self) -> None:
        """Load tokenizers and scheduler, and let them go. Raises Unusable, as `load` would."""

    @abstractmethod
    def _digest(self) -> str:
        """Return sixteen hex digits of the files as they are now."""

    @abstractmethod
    def _prepare(self, component: Component) -> Prepared:
        """Compare a component's tensors with its architecture; reads headers only."""

    @abstractmethod
    def _assembled(self, prepared: dict[str, Prepared], dtype: torch.dtype) -> Any:
        """Load every component, each dropped from `prepared` first, and return what paints."""

    @abstractmethod
    def _read_again(self) -> None:
        """Forget what was read of files that may have changed."""

    def _loaded_again(self, name: str, dtype: torch.dtype) -> nn.Module:
        return self._prepared_again(name).load(dtype)

    def _prepared_again(self, name: str) -> Prepared:
        return self._narrowed(self._prepare(self._component(name)))

    def _narrowed(self, prepared: Prepared) -> Prepared:
        own = None if prepared.name == "vae" else self._large
        return replace(prepared, large=own)

    def _weights_of(self, name: str) -> Mapping[str, Weight]:
        """Return a component's weights by the names of its module; reads headers only.

        None where what the engine calls so is named otherwise in the family's files.
        """
        found = next((one for one in self._family.components if one.name == name), None)
        return {} if found is None else self._prepare(found).weights

    def _parts_of(self, modules: dict[str, nn.Module]) -> dict[str, nn.Module]:
        """Return the modules under the names that the rest of the engine knows."""
        return modules

    def _component(self, name: str) -> Component:
        return next(one for one in self._family.components if one.name == name)

    def _prepare_all(self) -> None:
        self._prepared = {
            one.name: self._prepare(one) for one in self._family.components if one.has_weights
        }
        self._count = sum(one.count for one in self._prepared.values())
