"""What an SDXL model is loaded from, whether its files are a pipeline's folder or a single one."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from torch import nn

from engine.diffusion.checkpoints.candidates import Candidate, Headers, Rank, candidates
from engine.diffusion.checkpoints.components import Prepared, empty_module, matched, wanted_shapes
from engine.diffusion.checkpoints.configurations import Config, read_json
from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.names import autoencoder
from engine.diffusion.checkpoints.names.translation import translated
from engine.diffusion.checkpoints.stored import WeightFile
from engine.diffusion.checkpoints.weights import Weight
from engine.diffusion.clip import ClipPair, ClipTokenizers
from engine.diffusion.families import Component
from engine.diffusion.families.sdxl import EULER, LCM, Sdxl

_PREFIX = "text_model."
"""Before the names of CLIP's text encoder: published files have it, and the class may not."""
_NOT_NEEDED = "position_ids"
"""What older versions of the libraries saved: the numbers from 0 on."""
_SCALES = (".weight_scale", ".scale_weight", ".comfy_quant", ".absmax", ".quant_state")
_VOCABULARY = ("tokenizer.json", "vocab.json")


@dataclass(slots=True)
class Components:
    """What a picture is painted with, under the names that the rest of the engine knows.

    transformer: the U-Net. Each is None once it was dropped.
    """

    transformer: Any
    text_encoder: Any
    vae: Any
    tokenizer: Any
    scheduler: Any


class SdxlCheckpoint(ABC):
    """The files of an SDXL model, which fill its architecture exactly.

    Making one reads headers and configurations; no weight is in memory before `load`.
    """

    def __init__(self, source: Path, family: Sdxl) -> None:
        self._source = source
        self._root = source if source.is_dir() else source.parent
        self._family = family
        self._headers = Headers(self._root)
        self._notes: list[str] = []
        self._prepared: dict[str, Prepared] = {}
        self._count = 0
        self._revision: str | None = None

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
        """What was chosen, ignored and converted, one sentence each; all after `load`."""
        return tuple(dict.fromkeys(self._notes))

    def load(self, dtype: torch.dtype) -> Components:
        """Return the components on the CPU, with weights in this format. Call it once.

        Raises Unusable.
        """
        self._revision = self.fingerprint()
        prepared, self._prepared = self._prepared, {}
        for one in prepared.values():
            self._notes += one.notes + one.conversions(dtype)
        return Components(
            transformer=prepared.pop("unet").load(dtype),
            text_encoder=self._pair(prepared, dtype),
            vae=prepared.pop("vae").load(dtype),
            tokenizer=ClipTokenizers(self._tokenizer("tokenizer"), self._tokenizer("tokenizer_2")),
            scheduler=self._scheduler(),
        )

    def check_companions(self) -> None:
        """Load tokenizers and scheduler, and let them go. Raises Unusable, as `load` would."""
        self._scheduler()
        self._tokenizer("tokenizer")
        self._tokenizer("tokenizer_2")

    def skeletons(self, dtype: torch.dtype) -> dict[str, nn.Module]:
        """Return copies of the components without memory, in a number format, for measuring."""
        parts = {name: copy.deepcopy(one.module) for name, one in self._prepared.items()}
        pair = ClipPair(parts["text_encoder"], parts["text_encoder_2"], zeros=True)
        copies = {"transformer": parts["unet"], "text_encoder": pair, "vae": parts["vae"]}
        # The libraries' own `to` warns of what such a copy will not be used for.
        return {name: nn.Module.to(module, dtype) for name, module in copies.items()}

    def load_component(self, name: str, dtype: torch.dtype) -> nn.Module:
        """Load "transformer" or "text_encoder" again, as `load` did.

        Raises Unusable, also for changed files.
        """
        self._headers = Headers(self._root)
        if self._revision not in (None, self._digest()):
            raise Unusable("its files have changed since the start")
        names = {"transformer": ("unet",), "text_encoder": ("text_encoder", "text_encoder_2")}[name]
        parts = {
            one.name: self._prepare(one) for one in self._family.components if one.name in names
        }
        return parts["unet"].load(dtype) if name == "transformer" else self._pair(parts, dtype)

    def fingerprint(self) -> str:
        """Return sixteen hex digits that change with the files; after `load`, as they were then."""
        return self._revision or self._digest()

    @abstractmethod
    def _digest(self) -> str:
        """Return sixteen hex digits of the files as they are now."""

    @abstractmethod
    def _prepare(self, component: Component) -> Prepared:
        """Compare a component's tensors with its architecture; reads headers only."""

    @abstractmethod
    def _tokenizer(self, name: str) -> Any:
        """Return a tokenizer."""

    @abstractmethod
    def _scheduler(self) -> Any:
        """Return the scheduler."""

    @property
    @abstractmethod
    def _index(self) -> Config:
        """The model's model_index.json, or what stands for it."""

    def _prepare_all(self) -> None:
        self._prepared = {
            one.name: self._prepare(one) for one in self._family.components if one.has_weights
        }
        self._count = sum(one.count for one in self._prepared.values())

    def _prepare_folder(self, component: Component, folder: Path) -> Prepared:
        """Prepare a component that lies in a folder of its own, as diffusers saves it."""
        name, label = component.name, f"{folder.name}/config.json"
        config = read_json(folder / "config.json", label)
        if name == "vae" and config.get("scaling_factor") is None:
            config["scaling_factor"] = self._family.vae_scaling_factor
            self._notes.append(
                f"{label} has no scaling_factor: {self._family.name}'s, "
                f"{self._family.vae_scaling_factor:g}, is used"
            )
        notes: list[str] = []
        file = self._headers.open(self._candidate(name, folder, notes))
        return self._filled(component, config, label, self._own_names(name, file), notes)

    def _filled(
        self,
        component: Component,
        config: Config,
        label: str,
        weights: Mapping[str, Weight],
        notes: list[str],
    ) -> Prepared:
        """Compare a component's tensors with its configuration. label: where that comes from."""
        name = component.name
        try:
            module = empty_module(component, config, self._index)
            wanted = wanted_shapes(module)
        except Exception as error:  # a broken configuration makes the libraries raise anything
            line = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise Unusable(f"the configuration of {name} is wrong ({line})") from error
        bare = {one.removeprefix(_PREFIX): one for one in wanted}
        found = matched(name, label, {one: wanted[bare[one]] for one in bare}, weights)
        return Prepared(name, module, {bare[one]: weight for one, weight in found.items()}, notes)

    def _own_names(self, name: str, file: WeightFile) -> Mapping[str, Weight]:
        """Return a component's tensors by the names of its class, without `text_model.`."""
        self._require_unscaled(file)
        weights = {one: Weight.of(stored) for one, stored in file.tensors.items()}
        if name == "vae":
            found = translated(weights, autoencoder.renaming(list(weights)))
            if found.unknown:
                raise Unusable(
                    f"{file.label} holds {len(found.unknown)} tensors that its vae does not have: "
                    f"{listed(sorted(found.unknown))}"
                )
            return found.weights
        return {
            one.removeprefix(_PREFIX): weight
            for one, weight in weights.items()
            if not one.endswith(_NOT_NEEDED)
        }

    def _require_unscaled(self, file: WeightFile) -> None:
        if scaled := sorted(one for one in file.tensors if one.endswith(_SCALES)):
            raise Unusable(
                f"{file.label} has scaled weights, which {self._family.name} is not read from: "
                f"{listed(scaled)}"
            )

    def _candidate(self, name: str, folder: Path, notes: list[str]) -> Candidate:
        there = [one for one in candidates(folder) if one.rank in (Rank.SAFE, Rank.VARIANT)]
        if not there:
            raise Unusable(f"{folder.name} has no weights in safetensors format")
        best = [one for one in there if one.rank is there[0].rank]
        if len(best) > 1:
            names = listed([self._headers.label(one.paths[0]) for one in best])
            raise Unusable(f"{names} both hold the {name}: remove one")
        for other in there[1:]:
            names = listed([self._headers.label(path) for path in other.paths])
            notes.append(f"{names} is not read: {best[0].paths[0].name} lies beside it")
        return best[0]

    def _pair(self, prepared: dict[str, Prepared], dtype: torch.dtype) -> ClipPair:
        zeros = self._index.get("force_zeros_for_empty_prompt", True) is not False
        first = prepared.pop("text_encoder").load(dtype)
        return ClipPair(first, prepared.pop("text_encoder_2").load(dtype), zeros=zeros).eval()

    def _made_scheduler(self, name: str, config: Config, label: str) -> Any:
        """Return a scheduler, or the family's with the same noise for any other."""
        if name not in self._family.schedulers:
            replaced, name = name, self._family.schedulers[0]
            self._notes.append(f"its scheduler is {replaced}: {name} is used, as its family needs")
        if name != LCM and config.get("timestep_spacing") != "trailing":
            config["timestep_spacing"] = "trailing"
            self._notes.append(f"{label}: timesteps are spaced from the end, as its family needs")
        if name == EULER and config.get("final_sigmas_type", "zero") != "zero":
            raise Unusable(f"{label} ends above 0")
        try:
            return getattr(diffusers, name).from_config(config)
        except Exception as error:  # likewise
            raise Unusable(f"the configuration of its scheduler is wrong ({error})") from error


def has_vocabulary(folder: Path) -> bool:
    """Whether the words of a tokenizer lie in a folder."""
    return any((folder / file).is_file() for file in _VOCABULARY)


def read_tokenizer(folder: Path, name: str, **options: Any) -> Any:
    """Return the tokenizer of a folder. name: for messages. Raises Unusable."""
    if not has_vocabulary(folder):
        raise Unusable(f"its {name} has no vocabulary: no {' or '.join(_VOCABULARY)}")
    try:
        return transformers.CLIPTokenizer.from_pretrained(
            str(folder), local_files_only=True, **options
        )
    except Exception as error:  # a damaged file makes the library raise nearly anything
        line = (str(error).strip().splitlines() or ["no detail"])[0][:120]
        raise Unusable(f"its {name} cannot be read ({type(error).__name__}: {line})") from error
