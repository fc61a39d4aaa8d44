"""A PixArt model in diffusers' folder layout, with or without a model_index.json."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel
from torch import nn

from engine.diffusion.checkpoints.candidates import Candidate, Headers, Rank, candidates
from engine.diffusion.checkpoints.components import Prepared, empty_module, matched, wanted_shapes
from engine.diffusion.checkpoints.configurations import Config, read_json
from engine.diffusion.checkpoints.discovery import INDEX, Companions
from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.fingerprint import digest, named_files
from engine.diffusion.checkpoints.names import autoencoder
from engine.diffusion.checkpoints.names.translation import translated
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
_SCALES = (".weight_scale", ".scale_weight", ".comfy_quant", ".absmax", ".quant_state")


@dataclass(slots=True)
class PixArtComponents:
    """What a picture is painted with; each is None once it was dropped.

    text_encoder: T5's stack of layers by itself, whose blocks can be streamed one by one.
    """

    transformer: Any
    text_encoder: Any
    vae: Any
    tokenizer: Any
    scheduler: Any


class PixArtFolder:
    """The files of a PixArt model, which fill its architecture exactly.

    Making one reads headers and configurations; no weight is in memory before `load`. companions:
    folders in place of its own, for models that share a text encoder. without: a folder in the
    model's folder on which no picture depends. Raises Unusable.
    """

    def __init__(
        self, source: Path, family: PixArt, companions: Companions, *, without: str = ""
    ) -> None:
        if not source.is_dir():
            raise Unusable(
                f"{source.name} is a file; {family.name} is PixArt, which is read from folders in "
                f"diffusers' layout only"
            )
        self._root = source
        self._family = family
        self._companions = companions
        self._without = without
        self._headers = Headers(source)
        self._notes: list[str] = []
        self._index = self._read_index()
        self._prepared = {
            one.name: self._prepare(one) for one in family.components if one.has_weights
        }
        self._count = sum(one.count for one in self._prepared.values())
        self._revision: str | None = None

    @property
    def root(self) -> Path:
        """The model's folder."""
        return self._root

    @property
    def source(self) -> Path:
        """The folder that it was found in."""
        return self._root

    @property
    def count(self) -> int:
        """Number of values in all weights."""
        return self._count

    @property
    def notes(self) -> tuple[str, ...]:
        """What was chosen, ignored and converted, one sentence each; all after `load`."""
        return tuple(dict.fromkeys(self._notes))

    def load(self, dtype: torch.dtype) -> PixArtComponents:
        """Return the components on the CPU, with weights in this format. Call it once.

        dtype: not float16, in which T5 overflows. Raises Unusable.
        """
        self._revision = self.fingerprint()
        prepared, self._prepared = self._prepared, {}
        for one in prepared.values():
            self._notes += one.notes + one.conversions(dtype)
        return PixArtComponents(
            transformer=prepared.pop("transformer").load(dtype),
            text_encoder=prepared.pop("text_encoder").load(dtype),
            vae=prepared.pop("vae").load(dtype),
            tokenizer=self._tokenizer(),
            scheduler=self._scheduler(),
        )

    def check_companions(self) -> None:
        """Load tokenizer and scheduler, and let them go. Raises Unusable, as `load` would."""
        self._scheduler()
        self._tokenizer()

    def skeletons(self, dtype: torch.dtype) -> dict[str, nn.Module]:
        """Return copies of the components without memory, in a number format, for measuring."""
        copies = {name: copy.deepcopy(one.module) for name, one in self._prepared.items()}
        # The libraries' own `to` warns of what such a copy will not be used for.
        return {name: nn.Module.to(module, dtype) for name, module in copies.items()}

    def load_component(self, name: str, dtype: torch.dtype) -> nn.Module:
        """Load "transformer" or "text_encoder" again, as `load` did.

        Raises Unusable, also for changed files.
        """
        if self._revision not in (None, self._digest()):
            raise Unusable("its files have changed since the start")
        self._headers = Headers(self._root)
        component = next(one for one in self._family.components if one.name == name)
        return self._prepare(component).load(dtype)

    def fingerprint(self) -> str:
        """Return sixteen hex digits that change with the files; after `load`, as they were then."""
        return self._revision or self._digest()

    def _digest(self) -> str:
        return digest(self._named())

    def _named(self) -> Iterator[tuple[str, Path]]:
        """Return the files that pictures depend on, with names that do not say where they are."""
        yield from named_files(self._root, without=self._without)
        names = [one.name for one in self._family.components]
        for name in (one for one in names if self._companions.of(one) is not None):
            for place, path in named_files(self._folder(name)):
                yield f"{name}/{place}", path
        if (pieces := self._folder("tokenizer") / FILE).is_file():
            yield f"tokenizer/{FILE}", pieces

    def _folder(self, name: str) -> Path:
        return self._companions.of(name) or self._root / name

    def _read_index(self) -> Config:
        index: Config = {}
        if (self._root / INDEX).exists():
            index = read_json(self._root / INDEX, INDEX)
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
        if name == "vae" and config.get("scaling_factor") is None:
            config["scaling_factor"] = self._family.vae_scaling_factor
            self._notes.append(
                f"{label} has no scaling_factor: {self._family.name}'s, "
                f"{self._family.vae_scaling_factor:g}, is used"
            )
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
        candidate = self._candidate(self._folder(name), name, notes)
        file = self._headers.open(candidate)
        if scaled := sorted(one for one in file.tensors if one.endswith(_SCALES)):
            raise Unusable(
                f"{file.label} has scaled weights, which {self._family.name} is not read from: "
                f"{listed(scaled)}"
            )
        weights = {
            one: Weight.of(stored)
            for one, stored in file.tensors.items()
            if not one.startswith(_NOT_NEEDED) or name == "vae"
        }
        if name == "text_encoder":
            return _encoder_names(weights)
        if name != "vae":
            return weights
        found = translated(weights, autoencoder.renaming(list(weights)))
        if found.unknown:
            raise Unusable(
                f"{file.label} holds {len(found.unknown)} tensors that its vae does not have: "
                f"{listed(sorted(found.unknown))}"
            )
        return found.weights

    def _candidate(self, folder: Path, name: str, notes: list[str]) -> Candidate:
        there = [one for one in candidates(folder) if one.rank in (Rank.SAFE, Rank.VARIANT)]
        if not there:
            raise Unusable(f"{name} has no weights in safetensors format")
        best = [one for one in there if one.rank is there[0].rank]
        if len(best) > 1:
            names = listed([self._headers.label(one.paths[0]) for one in best])
            raise Unusable(f"{names} both hold the {name}: remove one")
        for other in there[1:]:
            names = listed([self._headers.label(path) for path in other.paths])
            notes.append(f"{names} is not read: {best[0].paths[0].name} lies beside it")
        return best[0]

    def _tokenizer(self) -> Any:
        return load_tokenizer(self._folder("tokenizer"), self._notes)

    def _scheduler(self) -> Any:
        entry = self._index.get("scheduler")
        named = entry[1] if isinstance(entry, list) and len(entry) == 2 else None
        return load_scheduler(self._root, named, self._family, self._notes)


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
