"""A model in diffusers' folder layout whose tensors have the names of its own classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.diffusion.checkpoints.candidates import listing
from engine.diffusion.checkpoints.components import Prepared
from engine.diffusion.checkpoints.configurations import Config, read_json
from engine.diffusion.checkpoints.discovery import INDEX, Companions
from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.fingerprint import fingerprint
from engine.diffusion.checkpoints.sdxl_checkpoint import SdxlCheckpoint, read_tokenizer
from engine.diffusion.families import Component
from engine.diffusion.families.sdxl import Sdxl


class PipelineFolder(SdxlCheckpoint):
    """The files of an SDXL model in diffusers' folders.

    without: a folder in the model's folder on which no picture depends. Raises Unusable.
    """

    def __init__(
        self, source: Path, family: Sdxl, companions: Companions, *, without: str = ""
    ) -> None:
        super().__init__(source, family)
        if any((companions.text_encoder, companions.vae, companions.tokenizer)):
            raise Unusable(
                f"{family.name} is read from one folder: leave text_encoder, vae and tokenizer "
                f"under [engine] out"
            )
        self._without = without
        self._index_read = self._read_index()
        self._prepare_all()

    @property
    def _index(self) -> Config:
        return self._index_read

    def _digest(self) -> str:
        return fingerprint(self.root, without=self._without)

    def _read_index(self) -> Config:
        index = read_json(self.root / INDEX, INDEX)
        kind = index.get("_class_name")
        if kind != self._family.pipeline_class:
            raise Unusable(f"it is a {kind}; {self._family.name} is {self._family.pipeline_class}")
        for component in self._family.components:
            folder = self.root / component.name
            if not folder.is_dir() or not any(each.suffix == ".json" for each in listing(folder)):
                raise Unusable(f"its component {component.name} is missing")
        return index

    def _prepare(self, component: Component) -> Prepared:
        return self._prepare_folder(component, self.root / component.name)

    def _tokenizer(self, name: str) -> Any:
        return read_tokenizer(self.root / name, name)

    def _scheduler(self) -> Any:
        label = "scheduler/scheduler_config.json"
        config = read_json(self.root / label, label)
        entry = self._index.get("scheduler")
        name = str(entry[1] if isinstance(entry, list) and len(entry) == 2 else "")
        return self._made_scheduler(name, config, label)
