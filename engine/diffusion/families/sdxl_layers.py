"""The layers of SDXL's U-Net and text encoders: their names, Stability's names for them, and sizes.

Names are paths in diffusers' classes; those of Stability's original implementation are what single
files and many LoRAs use. Everything follows from the configuration. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

UNET: Mapping[str, Any] = {
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "layers_per_block": 2,
    "transformer_layers_per_block": (1, 2, 10),
    "cross_attention_dim": 2048,
    "projection_class_embeddings_input_dim": 2816,
}
"""The sizes of SDXL's U-Net as published, in the words of its config.json."""
ENCODERS: Mapping[str, Mapping[str, Any]] = {
    "text_encoder": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12},
    "text_encoder_2": {
        "hidden_size": 1280,
        "intermediate_size": 5120,
        "num_hidden_layers": 32,
        "projection_dim": 1280,
    },
}
"""The sizes of its two text encoders, CLIP's ViT-L and OpenCLIP's ViT-bigG, likewise."""

_ATTENTION = "CrossAttn"
"""In the names of blocks that have attention."""
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer with weights. name: its path in diffusers' class. original: in its authors' own.

    shape: of its weight; two sides for a linear layer, four for a convolution, one for a norm.
    """

    name: str
    original: str
    shape: tuple[int, ...]
    has_bias: bool = True


def unet_layers(config: Mapping[str, Any]) -> Iterator[Layer]:
    """Yield all layers of a U-Net by its configuration; what that lacks is as published.

    Raises ValueError, TypeError, KeyError or IndexError for a configuration that is none of SDXL's.
    """
    yield from _Unet({**UNET, **{key: value for key, value in config.items() if key in _READ}})


def encoder_layers(component: str, config: Mapping[str, Any]) -> Iterator[Layer]:
    """Yield the layers of a text encoder but for its tables. component: a key of `ENCODERS`.

    Names begin with the component, and have no `text_model.`, which some versions of the class
    have. Those of OpenCLIP have queries, keys and values as one matrix, so that `original` is as
    trainers write it, after the names of transformers.
    """
    sizes = {**ENCODERS[component], **config}
    width, inner = sizes["hidden_size"], sizes["intermediate_size"]
    for number in range(sizes["num_hidden_layers"]):
        block = f"encoder.layers.{number}"
        shapes = {
            **{f"self_attn.{one}_proj": (width, width) for one in ("q", "k", "v", "out")},
            "mlp.fc1": (inner, width),
            "mlp.fc2": (width, inner),
            "layer_norm1": (width,),
            "layer_norm2": (width,),
        }
        for name, shape in shapes.items():
            yield _encoder_layer(component, f"{block}.{name}", shape)
    yield _encoder_layer(component, "final_layer_norm", (width,))
    if "projection_dim" in ENCODERS[component]:
        name = f"{component}.text_projection"
        yield Layer(name, name, (sizes["projection_dim"], width), has_bias=False)


def _encoder_layer(component: str, name: str, shape: tuple[int, ...]) -> Layer:
    return Layer(f"{component}.{name}", f"{component}.text_model.{name}", shape)


_READ = (*UNET, "reverse_transformer_layers_per_block")


class _Unet:
    """Goes through a U-Net in the order of its computation."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._widths: tuple[int, ...] = tuple(config["block_out_channels"])
        self._context = config["cross_attention_dim"]
        self._time = 4 * self._widths[0]
        self._resnets = _whole(config["layers_per_block"])
        down = config["transformer_layers_per_block"]
        self._down = [down] * len(self._widths) if isinstance(down, int) else list(down)
        self._up = list(config.get("reverse_transformer_layers_per_block") or self._down[::-1])

    def __iter__(self) -> Iterator[Layer]:
        first, config = self._widths[0], self._config
        yield Layer("conv_in", "input_blocks.0.0", (first, config["in_channels"], 3, 3))
        yield Layer("time_embedding.linear_1", "time_embed.0", (self._time, first))
        yield Layer("time_embedding.linear_2", "time_embed.2", (self._time, self._time))
        conditions = config["projection_class_embeddings_input_dim"]
        yield Layer("add_embedding.linear_1", "label_emb.0.0", (self._time, conditions))
        yield Layer("add_embedding.linear_2", "label_emb.0.2", (self._time, self._time))
        for level in range(len(self._widths)):
            yield from self._down_block(level)
        yield from self._middle()
        for level in range(len(self._widths)):
            yield from self._up_block(level)
        yield Layer("conv_norm_out", "out.0", (first,))
        yield Layer("conv_out", "out.2", (config["out_channels"], first, 3, 3))

    def _down_block(self, level: int) -> Iterator[Layer]:
        block, width = f"down_blocks.{level}", self._widths[level]
        attends = _ATTENTION in self._config["down_block_types"][level]
        for number in range(self._resnets):
            inputs = self._widths[max(0, level - 1)] if number == 0 else width
            there = f"input_blocks.{1 + level * (self._resnets + 1) + number}"
            yield from self._resnet(f"{block}.resnets.{number}", f"{there}.0", inputs, width)
            if attends:
                depth = _depth(self._down[level], number)
                name = f"{block}.attentions.{number}"
                yield from self._attention(name, f"{there}.1", width, depth)
        if level + 1 < len(self._widths):
            there = f"input_blocks.{(level + 1) * (self._resnets + 1)}.0.op"
            yield Layer(f"{block}.downsamplers.0.conv", there, (width, width, 3, 3))

    def _middle(self) -> Iterator[Layer]:
        width, kind = self._widths[-1], self._config["mid_block_type"]
        if kind is None:
            return
        yield from self._resnet("mid_block.resnets.0", "middle_block.0", width, width)
        if _ATTENTION in kind:
            depth = _depth(self._down[-1], 0)
            yield from self._attention("mid_block.attentions.0", "middle_block.1", width, depth)
            yield from self._resnet("mid_block.resnets.1", "middle_block.2", width, width)

    def _up_block(self, level: int) -> Iterator[Layer]:
        widths = self._widths[::-1]
        block, width = f"up_blocks.{level}", widths[level]
        attends = _ATTENTION in self._config["up_block_types"][level]
        count = self._resnets + 1
        for number in range(count):
            below = widths[max(0, level - 1)] if number == 0 else width
            beside = width if number < count - 1 else widths[min(level + 1, len(widths) - 1)]
            there = f"output_blocks.{level * count + number}"
            name = f"{block}.resnets.{number}"
            yield from self._resnet(name, f"{there}.0", below + beside, width)
            if attends:
                depth = _depth(self._up[level], number)
                name = f"{block}.attentions.{number}"
                yield from self._attention(name, f"{there}.1", width, depth)
        if level + 1 < len(widths):
            there = f"output_blocks.{(level + 1) * count - 1}.{1 + attends}.conv"
            yield Layer(f"{block}.upsamplers.0.conv", there, (width, width, 3, 3))

    def _resnet(self, name: str, original: str, inputs: int, width: int) -> Iterator[Layer]:
        shapes = {
            "norm1": (inputs,),
            "conv1": (width, inputs, 3, 3),
            "time_emb_proj": (width, self._time),
            "norm2": (width,),
            "conv2": (width, width, 3, 3),
        }
        if inputs != width:
            shapes["conv_shortcut"] = (width, inputs, 1, 1)
        for part, shape in shapes.items():
            yield Layer(f"{name}.{part}", f"{original}.{_RESNET[part]}", shape)

    def _attention(self, name: str, original: str, width: int, depth: int) -> Iterator[Layer]:
        square, context = (width, width), (width, self._context)
        outer = {"norm": (width,), "proj_in": square, "proj_out": square}
        inner: dict[str, tuple[tuple[int, ...], bool]] = {
            **{f"norm{number}": ((width,), True) for number in (1, 2, 3)},
            **{f"attn1.to_{one}": (square, False) for one in "qkv"},
            "attn1.to_out.0": (square, True),
            "attn2.to_q": (square, False),
            **{f"attn2.to_{one}": (context, False) for one in "kv"},
            "attn2.to_out.0": (square, True),
            "ff.net.0.proj": ((8 * width, width), True),
            "ff.net.2": ((width, 4 * width), True),
        }
        for part, shape in outer.items():
            yield Layer(f"{name}.{part}", f"{original}.{part}", shape)
        for number in range(depth):
            for part, (shape, has_bias) in inner.items():
                path = f"transformer_blocks.{number}.{part}"
                yield Layer(f"{name}.{path}", f"{original}.{path}", shape, has_bias)


def _whole(value: Any) -> int:
    """Return the number of resnets, which must be the same on all levels."""
    numbers = {value} if isinstance(value, int) else set(value)
    if len(numbers) != 1:
        raise ValueError(f"the levels have {value} layers each")
    return numbers.pop()


def _depth(value: Any, number: int) -> int:
    """Return the number of transformer blocks, which may differ within a level."""
    return value if isinstance(value, int) else value[number]
