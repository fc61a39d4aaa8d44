"""A PixArt model in diffusers' folder layout, with or without a model_index.json."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.diffusion.checkpoints.components import Prepared
from engine.diffusion.checkpoints.configurations import Config, read_json
from engine.diffusion.checkpoints.discovery import INDEX, Companions
from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.fingerprint import digest, named_files
from engine.diffusion.checkpoints.pixart_checkpoint import ENCODER, PixArtCheckpoint
from engine.diffusion.checkpoints.pixart_scheduler import load_scheduler
from engine.diffusion.checkpoints.sentencepiece_model import FILE
from engine.diffusion.checkpoints.t5_tokenizer import load_tokenizer
from engine.diffusion.families import Component
from engine.diffusion.families.pixart import FORMER_TRANSFORMER, TRANSFORMER, PixArt

_CLASSES = {
    "transformer": (["diffusers", TRANSFORMER], ["diffusers", FORMER_TRANSFORMER]),
    "text_encoder": (ENCODER["text_encoder"],),
    "vae": (["diffusers", "AutoencoderKL"],),
}


class PixArtFolder(PixArtCheckpoint):
    """The folders of a PixArt model's components.

    companions: folders in place of its own. without: a folder in the model's folder on which no
    picture depends. Raises Unusable.
    """

    def __init__(
        self, source: Path, family: PixArt, companions: Companions, *, without: str = ""
    ) -> None:
        super().__init__(source, family, companions)
        self._without = without
        self._index = self._read_index()
        self._prepare_all()

    def _digest(self) -> str:
        return digest(self._named())

    def _named(self) -> Iterator[tuple[str, Path]]:
        """Return the files that pictures depend on, with names that do not say where they are."""
        yield from named_files(self.root, without=self._without)
        names = [one.name for one in self._family.components]
        for name in (one for one in names if self._companions.of(one) is not None):
            for place, path in named_files(self._folder(name)):
                yield f"{name}/{place}", path
        if (pieces := self._folder("tokenizer") / FILE).is_file():
            yield f"tokenizer/{FILE}", pieces

    def _folder(self, name: str) -> Path:
        return self._companions.of(name) or self.root / name

    def _read_index(self) -> Config:
        index: Config = {}
        if (self.root / INDEX).exists():
            index = read_json(self.root / INDEX, INDEX)
            kind = index.get("_class_name")
            if kind != self._family.pipeline_class:
                raise Unusable(
                    f"it is a {kind}; {self._family.name} is {self._family.pipeline_class}"
                )
        else:
            self._notes.append(
                f"the folder has no {INDEX}: its components were found by their folders"
            )
        for name in (one.name for one in self._family.components):
            # What lists a scheduler was whole once; PixArt's is known where none is listed.
            if not self._folder(name).is_dir() and (index or name != "scheduler"):
                raise Unusable(
                    f"its component {name} is missing"
                    if self._companions.of(name) is None
                    else f"the {name} {self._folder(name).name} is no folder"
                )
        return index

    def _prepare(self, component: Component) -> Prepared:
        name = component.name
        entry = self._index.get(name)
        if self._companions.of(name) is None and entry and entry not in _CLASSES[name]:
            raise Unusable(
                f"{INDEX} says that its {name} is {entry}; {self._family.name} has "
                f"{_CLASSES[name][0][1]}"
            )
        return self._prepare_folder(component, self._folder(name))

    def _tokenizer(self) -> Any:
        return load_tokenizer(self._folder("tokenizer"), self._notes)

    def _scheduler(self) -> Any:
        entry = self._index.get("scheduler")
        named = entry[1] if isinstance(entry, list) and len(entry) == 2 else None
        return load_scheduler(self.root, named, self._family, self._notes)
