"""The parts of a transformer that a LoRA can adapt, under the names that trainers give them.

No torch: a folder of LoRAs can be listed without a model. The canonical name of a part is its path
in the diffusers model. Other names are looked up and never guessed: underscores stand for dots in
some dialects, and nothing tells `to_out_0` from `to_out.0` but a list of all names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Group(StrEnum):
    """What a part does in the model, for people who want to know what a LoRA changes."""

    ATTENTION = "attention"
    FEED_FORWARD = "feed-forward"
    MODULATION = "modulation"
    REFINERS = "refiners"
    NORMS = "norms"
    EMBEDDERS = "embedders"
    FINAL_LAYER = "final layer"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Part:
    """A linear layer, or a norm. inputs: 0 for a norm. outputs: rows of a layer, size of a norm."""

    name: str
    inputs: int
    outputs: int
    has_bias: bool = False

    @property
    def is_norm(self) -> bool:
        """Whether it is a norm with weights, and not a linear layer."""
        return self.inputs == 0


@dataclass(frozen=True, slots=True)
class Target:
    """What one name in a file stands for: a part, or several whose rows were trained as one."""

    parts: tuple[Part, ...]

    @property
    def inputs(self) -> int:
        """Values that it takes."""
        return self.parts[0].inputs

    @property
    def outputs(self) -> int:
        """Values that it gives, over all parts."""
        return sum(part.outputs for part in self.parts)

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
_FUSED = ("to_q", "to_k", "to_v")
"""In the order of the rows of the original implementation's `qkv`."""


@dataclass(frozen=True, slots=True)
class Targets:
    """All parts of a transformer, and what each possible name of them stands for."""

    parts: Mapping[str, Part]
    width: int
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
    def of(cls, transformer: Any) -> Targets:
        """Read the parts off a loaded transformer, in whatever form its weights are."""
        parts: dict[str, Part] = {}
        for name, module in transformer.named_modules():
            has_bias = getattr(module, "bias", None) is not None
            weight = getattr(module, "weight", None)
            if hasattr(module, "in_features") and hasattr(module, "out_features"):
                parts[name] = Part(name, module.in_features, module.out_features, has_bias)
            elif weight is not None and weight.dim() == 1:
                parts[name] = Part(name, 0, weight.numel(), has_bias)
        return cls(parts, transformer.config.dim)

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
            yield name, target
            for pattern, others in _RENAMED:
                if pattern.search(name):
                    for other in others:
                        yield pattern.sub(other, name), target
            if name.endswith(f".{_FUSED[0]}"):
                stem = name.removesuffix(_FUSED[0])
                fused = [self.parts.get(stem + each) for each in _FUSED]
                if all(each is not None for each in fused):
                    yield f"{stem}qkv", Target(tuple(each for each in fused if each is not None))


def group_of(name: str) -> Group:
    """Return what a part does, by its canonical name. Refiners count as such, whatever part."""
    if "refiner" in name:
        return Group.REFINERS
    if "final_layer" in name:
        return Group.FINAL_LAYER
    if "embedder" in name:
        return Group.EMBEDDERS
    if "norm" in name:
        return Group.NORMS
    if ".attention." in name:
        return Group.ATTENTION
    if ".feed_forward." in name:
        return Group.FEED_FORWARD
    return Group.MODULATION if "modulation" in name else Group.OTHER


def _flat(name: str) -> str:
    return name.replace(".", "_")
