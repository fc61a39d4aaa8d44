"""What a PixArt model is loaded from, whether its files are a pipeline's folder or a single one."""

from __future__ import annotations

import inspect
import re
from abc import abstractmethod
from collections.abc import Mapping
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
from engine.diffusion.checkpoints.discovery import Companions
from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.model_checkpoint import Components, ModelCheckpoint
from engine.diffusion.checkpoints.names import t5
from engine.diffusion.checkpoints.names.translation import translated
from engine.diffusion.checkpoints.weights import Weight
from engine.diffusion.families import Component
from engine.diffusion.families.pixart import TRANSFORMER, PixArt, is_pixart

ENCODER = {"text_encoder": ["transformers", "T5EncoderModel"]}
_COMPUTED = ("pos_embed.pos_embed", "caption_projection.y_embedding")
"""In older files: a table that is computed, and what training put in place of a prompt."""
_ONE_STEP = re.compile(r"(?<![a-z])(dmd|yoso)(?![a-z])", re.IGNORECASE)
"""How models that paint in one step call themselves; nothing in their files tells them."""


class PixArtCheckpoint(ModelCheckpoint[PixArt]):
    """The files of a PixArt model, loaded in bfloat16 or float32: T5 overflows in float16.

    companions: files or folders in place of its own, for models that share a text encoder. Raises
    Unusable.
    """

    def __init__(self, source: Path, family: PixArt, companions: Companions) -> None:
        super().__init__(source, family)
        self._companions = companions
        self._headers = Headers(self.root)
        if found := _ONE_STEP.search(_name_of(source)):
            raise Unusable(
                f'it is distilled for one step ("{found[0]}" in its name), which zimagine does not '
                f"paint PixArt in; if its name only looks like that, rename it"
            )

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

    @abstractmethod
    def _tokenizer(self) -> Any:
        """Return the tokenizer."""

    @abstractmethod
    def _scheduler(self) -> Any:
        """Return the scheduler."""

    def _prepare_folder(self, component: Component, folder: Path) -> Prepared:
        """Prepare a component that lies in a folder of its own, as diffusers saves it."""
        name = component.name
        label = f"{name}/config.json"
        config = read_json(folder / "config.json", label)
        if name == "transformer":
            config = todays(config, label)
        if name == "vae":
            config = scaled_like(self._family, config, label, self._notes)
        notes: list[str] = []
        file = weight_file(folder, self._headers, notes)
        weights: Mapping[str, Weight] = unscaled_weights(file, self._family)
        if name == "transformer":
            weights = {one: weights[one] for one in weights if one not in _COMPUTED}
        elif name == "text_encoder":
            weights = translated(weights, t5.renaming(weights)).weights
        else:
            weights = autoencoder_weights(weights, file.label)
        return self._filled(component, config, label, weights, notes)

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
            module = empty_module(component, config, ENCODER)
            if name == "text_encoder":
                module = module.get_submodule("encoder")
        except Exception as error:  # a broken configuration makes the libraries raise anything
            line = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise Unusable(f"the configuration of {name} is wrong ({line})") from error
        return Prepared(name, module, matched(name, label, wanted_shapes(module), weights), notes)


def _name_of(source: Path) -> str:
    """Return the name of a model's folder or file; in a hub's cache, that of its repository."""
    in_cache = source.parent.name == "snapshots"
    return source.parent.parent.name if in_cache else source.name


def todays(config: Config, label: str) -> Config:
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
