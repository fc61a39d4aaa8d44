"""What an SDXL model is loaded from, whether its files are a pipeline's folder or a single one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from torch import nn

from engine.diffusion.checkpoints.candidates import Headers
from engine.diffusion.checkpoints.component_folder import (
    autoencoder_weights,
    scaled_like,
    unscaled_weights,
    weight_file,
)
from engine.diffusion.checkpoints.components import Prepared, empty_module, matched, wanted_shapes
from engine.diffusion.checkpoints.configurations import Config, read_json
from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.model_checkpoint import Components, ModelCheckpoint
from engine.diffusion.checkpoints.stored import WeightFile
from engine.diffusion.checkpoints.weights import Weight
from engine.diffusion.clip import ClipPair, ClipTokenizers
from engine.diffusion.families import Component
from engine.diffusion.families.sdxl import EULER, LCM, Sdxl

_PREFIX = "text_model."
"""Before the names of CLIP's text encoder: published files have it, and the class may not."""
_NOT_NEEDED = "position_ids"
"""What older versions of the libraries saved: the numbers from 0 on."""
_VOCABULARY = ("tokenizer.json", "vocab.json")


class SdxlCheckpoint(ModelCheckpoint[Sdxl]):
    """The files of an SDXL model."""

    def __init__(self, source: Path, family: Sdxl) -> None:
        super().__init__(source, family)
        self._headers = Headers(self.root)

    def check_companions(self) -> None:
        """Load tokenizers and scheduler, and let them go. Raises Unusable, as `load` would."""
        self._scheduler()
        self._tokenizer("tokenizer")
        self._tokenizer("tokenizer_2")

    def _assembled(self, prepared: dict[str, Prepared], dtype: torch.dtype) -> Components:
        return Components(
            transformer=prepared.pop("unet").load(dtype),
            text_encoder=self._pair(prepared, dtype),
            vae=prepared.pop("vae").load(dtype),
            tokenizer=ClipTokenizers(self._tokenizer("tokenizer"), self._tokenizer("tokenizer_2")),
            scheduler=self._scheduler(),
        )

    def _parts_of(self, modules: dict[str, nn.Module]) -> dict[str, nn.Module]:
        pair = ClipPair(modules["text_encoder"], modules["text_encoder_2"], zeros=True)
        return {"transformer": modules["unet"], "text_encoder": pair, "vae": modules["vae"]}

    def _read_again(self) -> None:
        self._headers = Headers(self.root)

    def _loaded_again(self, name: str, dtype: torch.dtype) -> nn.Module:
        names = {"transformer": ("unet",), "text_encoder": ("text_encoder", "text_encoder_2")}[name]
        parts = {one: self._prepared_again(one) for one in names}
        return parts["unet"].load(dtype) if name == "transformer" else self._pair(parts, dtype)

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

    def _prepare_folder(self, component: Component, folder: Path) -> Prepared:
        """Prepare a component that lies in a folder of its own, as diffusers saves it."""
        name, label = component.name, f"{folder.name}/config.json"
        config = read_json(folder / "config.json", label)
        if name == "vae":
            config = scaled_like(self._family, config, label, self._notes)
        notes: list[str] = []
        file = weight_file(folder, self._headers, notes)
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
        weights = unscaled_weights(file, self._family)
        if name == "vae":
            return autoencoder_weights(weights, file.label)
        return {
            one.removeprefix(_PREFIX): weight
            for one, weight in weights.items()
            if not one.endswith(_NOT_NEEDED)
        }

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
