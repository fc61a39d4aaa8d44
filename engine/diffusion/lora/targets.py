"""The parts of a model that a LoRA can adapt, under the names that trainers give them.

No torch: a folder of LoRAs can be listed without a model. The canonical name of a part is its path
in the diffusers transformer or U-Net; those of text encoders begin with their component's name.
Other names are looked up and never guessed: underscores stand for dots in some dialects, and
nothing tells `to_out_0` from `to_out.0` but a list of all names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from engine.diffusion.families.pixart import TRANSFORMER as PIXART_CLASS
from engine.diffusion.families.pixart_layers import FUSED, transformer_layers
from engine.diffusion.families.sdxl_layers import ENCODERS, Layer, encoder_layers, unet_layers
from engine.diffusion.lora.origins import PIXART, SDXL, Z_IMAGE


class Group(StrEnum):
    """What a part does in the model, for people who want to know what a LoRA changes."""

    ATTENTION = "attention"
    FEED_FORWARD = "feed-forward"
    MODULATION = "modulation"
    REFINERS = "refiners"
    NORMS = "norms"
    EMBEDDERS = "embedders"
    FINAL_LAYER = "final layer"
    CONVOLUTIONS = "convolutions"
    TEXT_ENCODERS = "text encoders"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Part:
    """A linear layer, a convolution, or a norm.

    inputs: 0 for a norm; of a convolution, the values below its kernel, with whose weights it is a
    matrix like any other. outputs: rows of a layer, size of a norm. kernel: of a convolution.
    """

    name: str
    inputs: int
    outputs: int
    has_bias: bool = False
    kernel: tuple[int, int] | None = None

    @property
    def is_norm(self) -> bool:
        """Whether it is a norm with weights, and not a linear layer."""
        return self.inputs == 0

    @property
    def encoder(self) -> str:
        """The text encoder that it belongs to; "" for a part of what predicts the picture."""
        component, _, _ = self.name.partition(".")
        return component if component in ENCODERS else ""


@dataclass(frozen=True, slots=True)
class Target:
    """What one name in a file stands for: a part, or several whose rows were trained as one."""

    parts: tuple[Part, ...]

    @property
    def inputs(self) -> int:
        """Values that it takes."""
        return self.parts[0].inputs

    @property
    def channels(self) -> int:
        """Values that it takes at one point: inputs without the kernel of a convolution."""
        return self.inputs // math.prod(self.kernel or ())

    @property
    def outputs(self) -> int:
        """Values that it gives, over all parts."""
        return sum(part.outputs for part in self.parts)

    @property
    def kernel(self) -> tuple[int, int] | None:
        """The kernel of a convolution; None for a matrix."""
        return self.parts[0].kernel

    @property
    def names(self) -> str:
        """Its parts, for a sentence."""
        return ", ".join(part.name for part in self.parts)

    def rows(self) -> Iterator[tuple[Part, int, int]]:
        """Yield each part with its first row and the row behind its last."""
        start = 0
        for part in self.parts:
            yield part, start, start + part.outputs
            start += part.outputs


_RENAMED = (
    (re.compile(r"\.attention\.to_out\.0$"), (".attention.out", ".attention.to_out")),
    (re.compile(r"\.attention\.norm_q$"), (".attention.q_norm",)),
    (re.compile(r"\.attention\.norm_k$"), (".attention.k_norm",)),
    (re.compile(r"^all_x_embedder\.[^.]+$"), ("x_embedder",)),
    (re.compile(r"^all_final_layer\.[^.]+(?=\.)"), ("final_layer",)),
)
"""Other names of the same part: those of the original implementation, which ComfyUI and
diffusion-pipe use. Anchored, because `x_embedder` is the end of `all_x_embedder` too."""
_RENAMED_SDXL = (
    (re.compile(r"\.(attn[12])\.to_([qkv])$"), (r".\1.processor.to_\2",)),
    (re.compile(r"\.(attn[12])\.to_out\.0$"), (r".\1.processor.to_out", r".\1.to_out")),
)
"""What diffusers wrote when attention was adapted by its processors."""
_RENAMED_BY_FAMILY = {Z_IMAGE: _RENAMED, SDXL: _RENAMED_SDXL, PIXART: ()}
TEXT_MODEL = "text_model."
"""Before the layers of CLIP: some versions of its class have it, and the others do not."""
_FUSED = ("to_q", "to_k", "to_v")
"""In the order of the rows of Z-Image's original `qkv`."""


@dataclass(frozen=True, slots=True)
class Targets:
    """All parts of a model, and what each possible name of them stands for.

    width: values per token of a transformer, 0 for a U-Net. family: as `origins` names it.
    originals: other names of single parts, which no rule makes of theirs.
    """

    parts: Mapping[str, Part]
    width: int
    family: str = Z_IMAGE
    originals: Mapping[str, str] = field(default_factory=dict[str, str])
    dotted: Mapping[str, Target] = field(init=False)
    flat: Mapping[str, Target] = field(init=False)
    pair_values: int = field(init=False)

    def __post_init__(self) -> None:
        dotted = dict(self._dotted())
        object.__setattr__(self, "dotted", dotted)
        values = sum(each.inputs + each.outputs for each in self.parts.values())
        object.__setattr__(self, "pair_values", values)
        object.__setattr__(self, "flat", {_flat(name): each for name, each in dotted.items()})

    @classmethod
    def of(cls, transformer: Any, encoders: Any = None) -> Targets:
        """Read the parts off a loaded model, in whatever form its weights are.

        encoders: the pair of text encoders, where they can be adapted too.
        """
        parts = {part.name: part for part in _parts(transformer)}
        if type(transformer).__name__ == PIXART_CLASS:
            return cls._of_pixart(parts, transformer.config)
        if encoders is None:
            return cls(parts, transformer.config.dim)
        pair = dict(zip(ENCODERS, (encoders.first, encoders.second), strict=True))
        for component, encoder in pair.items():
            for part in _parts(encoder):
                name = f"{component}.{part.name.removeprefix(TEXT_MODEL)}"
                parts[name] = replace(part, name=name)
        configs = {component: _sizes(each.config) for component, each in pair.items()}
        return cls(parts, 0, SDXL, _originals(transformer.config, configs))

    @classmethod
    def sdxl(
        cls,
        unet: Mapping[str, Any] | None = None,
        encoders: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Targets:
        """Return the parts of an SDXL model by its configurations; without, as published.

        Raises what `sdxl_layers.unet_layers` raises.
        """
        unet, encoders = unet or {}, encoders or {}
        parts = {layer.name: _part(layer) for layer in _layers(unet, encoders)}
        return cls(parts, 0, SDXL, _originals(unet, encoders))

    @classmethod
    def pixart(cls, transformer: Mapping[str, Any] | None = None) -> Targets:
        """Return the parts of a PixArt model by its configuration; without, as Alpha's of 1024 px.

        Raises TypeError for a configuration that is none of PixArt's.
        """
        config = transformer or {}
        parts = {layer.name: _part(layer) for layer in transformer_layers(config)}
        return cls._of_pixart(parts, config)

    @classmethod
    def _of_pixart(cls, parts: dict[str, Part], config: Mapping[str, Any]) -> Targets:
        width = parts["proj_out"].inputs
        originals = {layer.name: layer.original for layer in transformer_layers(config)}
        return cls(parts, width, PIXART, originals)

    @classmethod
    def z_image(
        cls,
        *,
        width: int = 3840,
        layers: int = 30,
        refiners: int = 2,
        head_width: int = 128,
        caption_width: int = 2560,
        modulation_width: int = 256,
        channels: int = 16,
    ) -> Targets:
        """Return the parts of Z-Image and Z-Image-Turbo, as their published weights have them."""
        hidden = int(width / 3 * 8)
        timestep = min(width, modulation_width)
        parts = [
            Part("all_x_embedder.2-1", 4 * channels, width, True),
            Part("all_final_layer.2-1.linear", width, 4 * channels, True),
            Part("all_final_layer.2-1.adaLN_modulation.1", timestep, width, True),
            Part("t_embedder.mlp.0", 256, 1024, True),
            Part("t_embedder.mlp.2", 1024, timestep, True),
            Part("cap_embedder.0", 0, caption_width),
            Part("cap_embedder.1", caption_width, width, True),
        ]
        blocks = [f"layers.{number}" for number in range(layers)]
        blocks += [f"noise_refiner.{number}" for number in range(refiners)]
        blocks += [f"context_refiner.{number}" for number in range(refiners)]
        for block in blocks:
            attention = f"{block}.attention"
            parts += [Part(f"{attention}.{each}", width, width) for each in (*_FUSED, "to_out.0")]
            parts += [Part(f"{attention}.{each}", 0, head_width) for each in ("norm_q", "norm_k")]
            parts += [Part(f"{block}.feed_forward.{each}", width, hidden) for each in ("w1", "w3")]
            parts.append(Part(f"{block}.feed_forward.w2", hidden, width))
            norms = ("attention_norm1", "attention_norm2", "ffn_norm1", "ffn_norm2")
            parts += [Part(f"{block}.{each}", 0, width) for each in norms]
            if not block.startswith("context_refiner"):
                parts.append(Part(f"{block}.adaLN_modulation.0", timestep, 4 * width, True))
        return cls({part.name: part for part in parts}, width)

    def values(self, rank: int) -> int:
        """Return the values of a low-rank pair of this rank on every linear layer."""
        return rank * self.pair_values

    def _dotted(self) -> Iterator[tuple[str, Target]]:
        for name, part in self.parts.items():
            target = Target((part,))
            for own in filter(None, (name, self.originals.get(name))):
                yield own, target
                for pattern, others in _RENAMED_BY_FAMILY[self.family]:
                    if pattern.search(own):
                        for other in others:
                            yield pattern.sub(other, own), target
            if self.family == Z_IMAGE and name.endswith(f".{_FUSED[0]}"):
                stem = name.removesuffix(_FUSED[0])
                fused = [self.parts.get(stem + each) for each in _FUSED]
                if all(each is not None for each in fused):
                    yield f"{stem}qkv", Target(tuple(each for each in fused if each is not None))
        pieces: dict[str, list[Part]] = {}
        for name, original in self.originals.items():
            if (found := FUSED.fullmatch(original)) and name in self.parts:
                pieces.setdefault(found[1], []).append(self.parts[name])
        for name, several in pieces.items():
            yield name, Target(tuple(several))


_EMBEDDERS = ("time_embedding.", "add_embedding.", "pos_embed.", "caption_projection.")
_CONVOLUTION = re.compile(r"(^|\.)(conv\w*|conv_shortcut)$")


def group_of(name: str) -> Group:
    """Return what a part does, by its canonical name.

    Refiners and text encoders count as such, whatever part.
    """
    if name.partition(".")[0] in ENCODERS:
        return Group.TEXT_ENCODERS
    if "refiner" in name:
        return Group.REFINERS
    if "final_layer" in name or name == "proj_out":
        return Group.FINAL_LAYER
    if "embedder" in name or name.startswith(_EMBEDDERS):
        return Group.EMBEDDERS
    if "norm" in name:
        return Group.NORMS
    if _CONVOLUTION.search(name):
        return Group.CONVOLUTIONS
    if ".attention." in name or ".attn" in name or ".proj_" in name:
        return Group.ATTENTION
    if ".feed_forward." in name or ".ff." in name:
        return Group.FEED_FORWARD
    modulation = "modulation" in name or "time_emb" in name or name.startswith("adaln_single.")
    return Group.MODULATION if modulation else Group.OTHER


def _parts(model: Any) -> Iterator[Part]:
    """Yield what can be adapted in a loaded component."""
    for name, module in model.named_modules():
        has_bias = getattr(module, "bias", None) is not None
        weight = getattr(module, "weight", None)
        if hasattr(module, "in_features") and hasattr(module, "out_features"):
            yield Part(name, module.in_features, module.out_features, has_bias)
        elif weight is not None and weight.dim() == 1:
            yield Part(name, 0, weight.numel(), has_bias)
        elif weight is not None and weight.dim() == 4:
            rows, kernel = weight.shape[0], tuple(weight.shape[2:])
            yield Part(name, weight[0].numel(), rows, has_bias, kernel)


def _sizes(config: Any) -> dict[str, Any]:
    names = {name for each in ENCODERS.values() for name in each}
    return {name: getattr(config, name) for name in names}


def _layers(unet: Mapping[str, Any], encoders: Mapping[str, Mapping[str, Any]]) -> Iterator[Layer]:
    yield from unet_layers(unet)
    for component in ENCODERS:
        yield from encoder_layers(component, encoders.get(component, {}))


def _originals(
    unet: Mapping[str, Any], encoders: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    found = {layer.name: layer.original for layer in _layers(unet, encoders)}
    return {name: other for name, other in found.items() if name != other}


def _flat(name: str) -> str:
    return name.replace(".", "_")


def _part(layer: Layer) -> Part:
    rows, *rest = layer.shape
    kernel = (rest[1], rest[2]) if len(rest) == 3 else None
    return Part(layer.name, math.prod(rest) if rest else 0, rows, layer.has_bias, kernel)
