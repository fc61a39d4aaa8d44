"""A model's checkpoint: found, checked by its headers, and loaded component by component."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diffusers
import torch
from torch import nn

from engine.diffusion.checkpoints.components import Prepared, prepare
from engine.diffusion.checkpoints.discovery import Companions, ModelFiles, find
from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.fingerprint import configurations, digest, named_files
from engine.diffusion.checkpoints.names.groups import TEXT_ENCODER
from engine.diffusion.checkpoints.schedulers import load_scheduler
from engine.diffusion.checkpoints.tokenizers import load_tokenizer, require_known_tokens
from engine.diffusion.families import Family


class Checkpoint:
    """The files of one model, which fill its architecture exactly.

    Making one reads headers and configurations; no weight is in memory before `load`. without: a
    folder in the model's folder on which no picture depends. Raises Unusable.
    """

    def __init__(
        self, source: Path, family: Family, companions: Companions, *, without: str = ""
    ) -> None:
        self._source = source
        self._family = family
        self._companions = companions
        self._without = without
        self._files = find(source, companions, family.pipeline_class)
        self._notes = list(self._files.notes)
        self._prepared = [
            self._prepare(component.name, self._files)
            for component in family.components
            if component.has_weights
        ]
        self._count = sum(one.count for one in self._prepared)
        self._revision: str | None = None

    @property
    def root(self) -> Path:
        """The model's folder, or that of its file."""
        return self._files.root

    @property
    def source(self) -> Path:
        """The folder or file that it was found in."""
        return self._source

    @property
    def files(self) -> ModelFiles:
        """The files that were found."""
        return self._files

    @property
    def parts(self) -> tuple[Prepared, ...]:
        """The components that have weights; empty after `load`."""
        return tuple(self._prepared)

    @property
    def count(self) -> int:
        """Number of values in all weights."""
        return self._count

    @property
    def notes(self) -> tuple[str, ...]:
        """What was repaired, chosen, ignored and converted, one sentence each; all after `load`."""
        return tuple(dict.fromkeys(self._notes))

    def load(self, dtype: torch.dtype) -> Any:
        """Return the pipeline on the CPU, with weights in this format. Call it once.

        Raises Unusable.
        """
        self._revision = self.fingerprint()
        parts: dict[str, Any] = {"scheduler": self._scheduler(), "tokenizer": self._tokenizer()}
        # Kept by nobody but the pipeline, so that a component is freed when that drops it.
        prepared, self._prepared = self._prepared, []
        while prepared:
            one = prepared.pop(0)
            self._notes += one.notes + one.conversions(dtype)
            parts[one.name] = one.load(dtype)
        require_known_tokens(parts["tokenizer"], parts[TEXT_ENCODER].get_input_embeddings().weight)
        return getattr(diffusers, self._family.pipeline_class)(**parts)

    def check_companions(self) -> None:
        """Load tokenizer and scheduler, and let them go. Raises Unusable, as `load` would."""
        self._scheduler()
        self._tokenizer()

    def skeletons(self, dtype: torch.dtype) -> dict[str, nn.Module]:
        """Return copies of the components without memory, in a number format, for measuring."""
        # The libraries' own `to` warns of what such a copy will not be used for.
        copies = {one.name: copy.deepcopy(one.module) for one in self._prepared}
        return {name: nn.Module.to(module, dtype) for name, module in copies.items()}

    def load_component(self, name: str, dtype: torch.dtype) -> nn.Module:
        """Load one component again, as `load` did. Raises Unusable, also for changed files."""
        files = find(self._source, self._companions, self._family.pipeline_class)
        if self._revision not in (None, digest(self._named(files))):
            raise Unusable("its files have changed since the start")
        return self._prepare(name, files).load(dtype)

    def fingerprint(self) -> str:
        """Return sixteen hex digits that change with the files; after `load`, as they were then."""
        if self._revision is not None:
            return self._revision
        try:
            return digest(self._named(self._files))
        except OSError as error:
            path = Path(error.filename or "")
            name = path.relative_to(self.root) if path.is_relative_to(self.root) else path.name
            raise Unusable(f"{name} can no longer be read ({error.strerror})") from error

    def _prepare(self, name: str, files: ModelFiles) -> Prepared:
        component = next(one for one in self._family.components if one.name == name)
        found = files.components[name]
        try:
            return prepare(component, found, self._family, files.index)
        except Unusable as error:
            if self._source.is_dir() or self._source in found.files:
                raise
            # What lies beside a file may be of another model, and so may the file.
            raise Unusable(
                f"{error.reason} ({self._source.name} alone is taken for {self._family.name}: name "
                "the text_encoder, vae and tokenizer that belong to it under [engine], or the "
                "model's whole folder)"
            ) from error

    def _scheduler(self) -> Any:
        files = self._files
        return load_scheduler(files.scheduler, files.index, self._family, self._notes)

    def _tokenizer(self) -> Any:
        files = self._files
        metadata = files.components[TEXT_ENCODER].group.metadata
        chat, notes = self._family.chat, self._notes
        assert chat is not None  # of every family whose files are found this way
        return load_tokenizer(files.tokenizer, files.index, metadata, chat, notes)

    def _named(self, files: ModelFiles) -> Iterator[tuple[str, Path]]:
        """Return the files that the model is read from, with names that do not say where they are.

        Of a folder with an index, all configurations and safetensors files: recipes have such
        fingerprints since the first version.
        """
        done: set[Path] = set()
        if files.index:
            for name, path in named_files(files.root, without=self._without):
                done.add(path)
                yield name, path
        for path in sorted(set(files.weights) - done, key=lambda one: one.name):
            yield path.name, path
        if files.index:
            return
        for component, found in files.components.items():
            if found.config is not None:
                yield f"{component}/{found.config.name}", found.config
        for name, folder in (("tokenizer", files.tokenizer), ("scheduler", files.scheduler)):
            for path in configurations(folder) if folder is not None else ():
                yield f"{name}/{path.name}", path
