"""A model's checkpoint: found, checked by its headers, and loaded component by component."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diffusers
import torch

from engine.diffusion.checkpoints.components import Prepared, prepare
from engine.diffusion.checkpoints.discovery import Companions, ModelFiles, find
from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.fingerprint import configurations, digest, named_files
from engine.diffusion.checkpoints.model_checkpoint import ModelCheckpoint
from engine.diffusion.checkpoints.names.groups import TEXT_ENCODER
from engine.diffusion.checkpoints.schedulers import load_scheduler
from engine.diffusion.checkpoints.tokenizers import load_tokenizer, require_known_tokens
from engine.diffusion.families import Component, Family


class Checkpoint(ModelCheckpoint[Family]):
    """A checkpoint whose components may lie in folders or files of many layouts.

    without: a folder in the model's folder on which no picture depends. Raises Unusable.
    """

    def __init__(
        self, source: Path, family: Family, companions: Companions, *, without: str = ""
    ) -> None:
        super().__init__(source, family)
        self._companions = companions
        self._without = without
        self._files = self._find()
        self._notes += self._files.notes
        self._prepare_all()

    @property
    def root(self) -> Path:
        """The model's folder, or that of its file."""
        return self._files.root

    @property
    def files(self) -> ModelFiles:
        """The files that were found."""
        return self._files

    @property
    def parts(self) -> tuple[Prepared, ...]:
        """The components that have weights; empty after `load`."""
        return tuple(self._prepared.values())

    def check_companions(self) -> None:
        """Load tokenizer and scheduler, and let them go. Raises Unusable, as `load` would."""
        self._scheduler()
        self._tokenizer()

    def _assembled(self, prepared: dict[str, Prepared], dtype: torch.dtype) -> Any:
        parts: dict[str, Any] = {"scheduler": self._scheduler(), "tokenizer": self._tokenizer()}
        for name in list(prepared):
            parts[name] = prepared.pop(name).load(dtype)
        require_known_tokens(parts["tokenizer"], parts[TEXT_ENCODER].get_input_embeddings().weight)
        return getattr(diffusers, self._family.pipeline_class)(**parts)

    def _find(self) -> ModelFiles:
        return find(self._source, self._companions, self._family.pipeline_class)

    def _read_again(self) -> None:
        self._files = self._find()

    def _digest(self) -> str:
        return digest(self._named(self._files))

    def _prepare(self, component: Component) -> Prepared:
        files = self._files
        found = files.components[component.name]
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
