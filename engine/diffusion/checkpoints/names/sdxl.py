"""Names of SDXL's components in a single file: Stability's own, and diffusers' for the U-Net."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.names import autoencoder
from engine.diffusion.checkpoints.names.other_models import other_model
from engine.diffusion.checkpoints.names.translation import (
    Named,
    Rename,
    Translation,
    translated,
)
from engine.diffusion.checkpoints.stored import Stored, Transposed, WeightFile
from engine.diffusion.checkpoints.weights import Weight
from engine.diffusion.families.sdxl_layers import unet_layers

UNET, FIRST, SECOND, VAE = "unet", "text_encoder", "text_encoder_2", "vae"

ORIGINAL_MARK, DIFFUSERS_MARK = "input_blocks.0.0.weight", "add_embedding.linear_1.weight"
_MARKS = {
    UNET: (ORIGINAL_MARK, DIFFUSERS_MARK),
    FIRST: ("text_model.embeddings.token_embedding.weight",),
    SECOND: ("transformer.resblocks.0.ln_1.weight",),
    VAE: (autoencoder.MARKS[0],),
}
_REFINER = "conditioner.embedders.0.model."
_LEFT = re.compile(
    r"model_ema\..*|alphas_cumprod(?:_prev)?|betas|(?:sqrt|log)_.*|posterior_.*|lvlb_weights"
    r"|denoiser\.sigmas|iteration|global_step|epoch"
)
"""What training leaves in a file, and no picture depends on."""
_NOT_NEEDED = re.compile(r"logit_scale|(?:text_model\.)?embeddings\.position_ids")
"""For comparing texts with pictures; the numbers from 0 on."""
_BLOCK = re.compile(r"transformer\.resblocks\.(\d+)\.(.+)\.(weight|bias)")
_FUSED = re.compile(r"transformer\.resblocks\.(\d+)\.attn\.in_proj_(weight|bias)")
_LAYERS = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
_SINGLE = {
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}


@dataclass(frozen=True, slots=True)
class SdxlFile:
    """The components in a file, by names without their prefixes. ignored: what nothing needs."""

    label: str
    components: Mapping[str, Mapping[str, Stored]]
    ignored: list[str] = field(default_factory=list[str])

    def shapes(self, component: str) -> dict[str, tuple[int, ...]]:
        """Return the shapes of a component's tensors."""
        return {name: stored.shape for name, stored in self.components[component].items()}

    def translation(self, component: str, config: Mapping[str, Any]) -> Translation:
        """Return a component's weights by the names of its class, without `text_model.`.

        config: of the U-Net, whose names follow from it. Raises Unusable for names that are none of
        the component's.
        """
        tensors = self.components[component]
        weights = {name: Weight.of(stored) for name, stored in tensors.items()}
        if component == VAE:
            rename = autoencoder.renaming(list(weights))
        elif component == UNET and ORIGINAL_MARK in tensors:
            names = {layer.original: layer.name for layer in unet_layers(config)}
            rename = _unet_renaming(names)
        else:
            rename = {UNET: _kept, FIRST: _first, SECOND: _second}[component]
        found = translated(weights, rename)
        if found.unknown:
            raise Unusable(
                f"{self.label} holds {len(found.unknown)} tensors that its {component} does not "
                f"have: {listed(sorted(found.unknown))}"
            )
        return found


def sdxl_file(file: WeightFile) -> SdxlFile:
    """Return the components of SDXL that a file holds, whatever stands before their names.

    Raises Unusable for files of other models, and for tensors that belong to no component.
    """
    label = file.label
    if not file.tensors:
        raise Unusable(f"{label} holds no tensors")
    if any(name.startswith(_REFINER) for name in file.tensors):
        raise Unusable(f"{label} is SDXL's refiner, which zimagine does not paint with")
    if (other := other_model(file.tensors)) not in (None, "SDXL", "CLIP"):
        raise Unusable(f"{label} is of {other}, and not of SDXL")
    prefixes = {component: _prefix(component, file) for component in _MARKS}
    found = {component: prefix for component, prefix in prefixes.items() if prefix is not None}
    components: dict[str, dict[str, Stored]] = {component: {} for component in found}
    left: list[str] = []
    longest_first = sorted(found, key=lambda component: -len(found[component]))
    for name, stored in file.tensors.items():
        owner = next((one for one in longest_first if name.startswith(found[one])), None)
        if owner is None or _LEFT.fullmatch(name):
            left.append(name)
        else:
            components[owner][name.removeprefix(found[owner])] = stored
    if unknown := sorted(name for name in left if not _LEFT.fullmatch(name)):
        raise Unusable(
            f"{label} holds {len(unknown)} tensors that belong to no component of SDXL: "
            f"{listed(unknown)}"
        )
    return SdxlFile(label, components, left)


def _prefix(component: str, file: WeightFile) -> str | None:
    """Return what stands before a component's names; None if the file does not hold it."""
    found = sorted(
        name.removesuffix(mark)
        for mark in _MARKS[component]
        for name in file.tensors
        if (name == mark or name.endswith(f".{mark}")) and not name.startswith("model_ema.")
    )
    if len(found) > 1:
        raise Unusable(f"{file.label} holds a {component} {len(found)} times: {listed(found)}")
    return found[0] if found else None


def _unet_renaming(names: Mapping[str, str]) -> Rename:
    def renamed(name: str, weight: Weight) -> Named | None:
        module, _, leaf = name.rpartition(".")
        return ((f"{names[module]}.{leaf}", weight),) if module in names else None

    return renamed


def _kept(name: str, weight: Weight) -> Named | None:
    return ((name, weight),)


def _first(name: str, weight: Weight) -> Named | None:
    """Return what a tensor of CLIP is, whose names are those of its class."""
    if _NOT_NEEDED.fullmatch(name):
        return ()
    return ((name.removeprefix("text_model."), weight),)


def _second(name: str, weight: Weight) -> Named | None:
    """Return what a tensor of OpenCLIP is in CLIP's class."""
    if _NOT_NEEDED.fullmatch(name):
        return ()
    if name in _SINGLE:
        return ((_SINGLE[name], weight),)
    if name == "text_projection":
        return (("text_projection.weight", Weight.of(Transposed(weight.stored))),)
    if found := _FUSED.fullmatch(name):
        number, kind = found.groups()
        block = f"encoder.layers.{number}.self_attn"
        thirds = zip("qkv", weight.thirds(), strict=True)
        return tuple((f"{block}.{one}_proj.{kind}", third) for one, third in thirds)
    if (found := _BLOCK.fullmatch(name)) and found[2] in _LAYERS:
        return ((f"encoder.layers.{found[1]}.{_LAYERS[found[2]]}.{found[3]}", weight),)
    return None
