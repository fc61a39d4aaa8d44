"""A PixArt model in diffusers' folder layout, with or without a model_index.json."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel

from engine.diffusion.checkpoints.candidates import Headers
from engine.diffusion.checkpoints.component_folder import (
    autoencoder_weights,
    scaled_like,
    unscaled_weights,
    weight_file,
)
from engine.diffusion.checkpoints.components import Prepared, empty_module, matched, wanted_shapes
from engine.diffusion.checkpoints.configurations import Config, read_json
from engine.diffusion.checkpoints.discovery import INDEX, Companions
from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.fingerprint import digest, named_files
from engine.diffusion.checkpoints.model_checkpoint import Components, ModelCheckpoint
from engine.diffusion.checkpoints.pixart_scheduler import load_scheduler
from engine.diffusion.checkpoints.sentencepiece_model import FILE
from engine.diffusion.checkpoints.t5_tokenizer import load_tokenizer
from engine.diffusion.checkpoints.weights import Weight
from engine.diffusion.families import Component
from engine.diffusion.families.pixart import (
    FORMER_TRANSFORMER,
    TRANSFORMER,
    PixArt,
    is_pixart,
)

_ENCODER = {"text_encoder": ["transformers", "T5EncoderModel"]}
_CLASSES = {
    "transformer": (["diffusers", TRANSFORMER], ["diffusers", FORMER_TRANSFORMER]),
    "text_encoder": (_ENCODER["text_encoder"],),
    "vae": (["diffusers", "AutoencoderKL"],),
}
_TABLE, _FORMER_TABLE = "embed_tokens.weight", "shared.weight"
_PREFIX = "encoder."
"""Before the names of T5's encoder, whose table of tokens is shared with a decoder."""
_NOT_NEEDED = ("decoder.", "lm_head.", "pos_embed.pos_embed")
"""What a whole T5 has besides its encoder, and a table that is computed."""


class PixArtFolder(ModelCheckpoint[PixArt]):
    """The files of a PixArt model, loaded in bfloat16 or float32: T5 overflows in float16.

    companions: folders in place of its own, for models that share a text encoder. without: a folder
    in the model's folder on which no picture depends. Raises Unusable.
    """

    def __init__(
        self, source: Path, family: PixArt, companions: Companions, *, without: str = ""
    ) -> None:
        if not source.is_dir():
            raise Unusable(
                f"{source.name} is a file; {family.name} is PixArt, which is read from folders in "
                f"diffusers' layout only"
            )
        super().__init__(source, family)
        self._companions = companions
        self._without = without
        self._headers = Headers(source)
        self._index = self._read_index()
        self._prepare_all()

    def check_companions(self) -> None:
        """Load tokenizer and scheduler, and let them go. Raises Unusable, as `load` would."""
        self._scheduler()
        self._tokenizer()

    def _assembled(self, prepared: dict[str, Prepared], dtype: torch.dtype) -> Components:
        return Components(
            transformer=prepared.pop("transformer").load(dtype),
            text_encoder=prepared.pop("text_encoder").load(dtype),
            vae=prepared.pop("vae").load(dtype),
            tokenizer=self._tokenizer(),
            scheduler=self._scheduler(),
        )

    def _read_again(self) -> None:
        self._headers = Headers(self.root)

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
        label = f"{name}/config.json"
        config = read_json(self._folder(name) / "config.json", label)
        entry = self._index.get(name)
        if self._companions.of(name) is None and entry and entry not in _CLASSES[name]:
            raise Unusable(
                f"{INDEX} says that its {name} is {entry}; {self._family.name} has "
                f"{_CLASSES[name][0][1]}"
            )
        if name == "transformer":
            config = _todays(config, label)
        if name == "vae":
            config = scaled_like(self._family, config, label, self._notes)
        try:
            module = empty_module(component, config, _ENCODER)
            if name == "text_encoder":
                module = module.get_submodule("encoder")
        except Exception as error:  # a broken configuration makes the libraries raise anything
            line = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise Unusable(f"the configuration of {name} is wrong ({line})") from error
        notes: list[str] = []
        weights = self._weights(name, notes)
        return Prepared(name, module, matched(name, label, wanted_shapes(module), weights), notes)

    def _weights(self, name: str, notes: list[str]) -> Mapping[str, Weight]:
        """Return the tensors of a component's folder, by the names of its class."""
        file = weight_file(self._folder(name), self._headers, notes)
        weights = {
            one: weight
            for one, weight in unscaled_weights(file, self._family).items()
            if not one.startswith(_NOT_NEEDED) or name == "vae"
        }
        if name == "text_encoder":
            return _encoder_names(weights)
        return autoencoder_weights(weights, file.label) if name == "vae" else weights

    def _tokenizer(self) -> Any:
        return load_tokenizer(self._folder("tokenizer"), self._notes)

    def _scheduler(self) -> Any:
        entry = self._index.get("scheduler")
        named = entry[1] if isinstance(entry, list) and len(entry) == 2 else None
        return load_scheduler(self.root, named, self._family, self._notes)


def _todays(config: Config, label: str) -> Config:
    """Return a transformer's configuration for its class of today. Raises Unusable."""
    if not is_pixart(config):
        raise Unusable(f"{label} describes a {config.get('_class_name')}, not a {TRANSFORMER}")
    kind: Any = PixArtTransformer2DModel
    known = inspect.signature(kind.__init__).parameters
    others = [name for name in config if name not in known and not name.startswith("_")]
    # The class that it had had more architectures in it, with settings that are off here.
    if switched_on := [name for name in others if config[name]]:
        raise Unusable(f"{label} has {listed(switched_on)}, which PixArt's transformer has not")
    return {name: config[name] for name in config if name in known} | {"_class_name": TRANSFORMER}


def _encoder_names(weights: Mapping[str, Weight]) -> dict[str, Weight]:
    """Return the weights of T5's encoder by the names of its stack of layers."""
    bare = {name.removeprefix(_PREFIX): weight for name, weight in weights.items()}
    table = bare.pop(_FORMER_TABLE, None)
    return bare if table is None else bare | {_TABLE: table}
