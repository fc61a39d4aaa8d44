"""Configurations of SDXL's components from the shapes of their tensors.

What no shape tells is as published: 64 values in each head of attention, activations, and what the
end of a prompt is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.diffusion.checkpoints.configurations import Config
from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.names.sdxl import FIRST, ORIGINAL_MARK

Shapes = Mapping[str, tuple[int, ...]]

CLASSES: Config = {
    "text_encoder": ["transformers", "CLIPTextModel"],
    "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
}
"""What model_index.json says of the text encoders."""
NOISE: Config = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
    "steps_offset": 1,
    "timestep_spacing": "trailing",
}
"""SDXL's published schedule; where it is left for few steps, timesteps are spaced from the end."""
_HEAD = 64
_TIME_VALUES = 6
"""Height and width of the picture, of what was cut off, and of what is aimed at: two each."""
_ACTIVATIONS = {"text_encoder": "quick_gelu", "text_encoder_2": "gelu"}
_END = 2
"""What the published configurations call the end of a prompt: CLIP then takes the token with the
largest number, which is its end."""


def unet_config(shapes: Shapes, label: str, pooled: int, side_px: int) -> Config:
    """Return the U-Net's configuration from the shapes of its tensors, by Stability's names or
    diffusers'.

    pooled: width of the pooled prompt. side_px: that it was trained at. Raises Unusable.
    """
    try:
        found = _Unet(shapes).config()
    except (KeyError, IndexError, ValueError) as error:
        raise Unusable(f"{label}: the sizes of its U-Net cannot be read ({error})") from error
    rest = found["projection_class_embeddings_input_dim"] - pooled
    if rest <= 0 or rest % _TIME_VALUES:
        raise Unusable(
            f"{label}: its U-Net takes {found['projection_class_embeddings_input_dim']} values of "
            f"sizes and prompt, which a pooled prompt of {pooled} does not fit"
        )
    return {
        **found,
        "attention_head_dim": [max(1, width // _HEAD) for width in found["block_out_channels"]],
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": rest // _TIME_VALUES,
        "sample_size": side_px // 8,
    }


class _Unet:
    """The sizes of a U-Net, read level by level. Raises KeyError for what is missing."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._original = ORIGINAL_MARK in shapes
        down = r"down_blocks."
        if self._original:
            ends = sorted(
                int(name.split(".")[1])
                for name in shapes
                if name.startswith("input_blocks.") and name.endswith(".0.op.weight")
            )
            self._levels = len(ends) + 1
            self._resnets = ends[0] - 1 if ends else _count(shapes, "input_blocks.") - 1
        else:
            self._levels = _count(shapes, down)
            self._resnets = _count(shapes, f"{down}0.resnets.")

    def config(self) -> Config:
        levels = range(self._levels)
        first = "input_blocks.0.0" if self._original else "conv_in"
        last = "out.2" if self._original else "conv_out"
        added = "label_emb.0.0" if self._original else "add_embedding.linear_1"
        depths = [self._depth(level) for level in levels]
        attends = [level for level in levels if depths[level]]
        deepest = f"{self._attention(attends[-1])}.transformer_blocks.0.attn2.to_k.weight"
        kinds = ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths]
        return {
            "in_channels": self._shapes[f"{first}.weight"][1],
            "out_channels": self._shapes[f"{last}.weight"][0],
            "block_out_channels": [self._width(level) for level in levels],
            "down_block_types": kinds,
            "up_block_types": [kind.replace("Down", "Up") for kind in reversed(kinds)],
            "mid_block_type": "UNetMidBlock2DCrossAttn",
            "layers_per_block": self._resnets,
            "transformer_layers_per_block": [max(1, depth) for depth in depths],
            "cross_attention_dim": self._shapes[deepest][1],
            "projection_class_embeddings_input_dim": self._shapes[f"{added}.weight"][1],
        }

    def _block(self, level: int) -> int:
        """Return the number of a level's first block among those of the original."""
        return 1 + level * (self._resnets + 1)

    def _width(self, level: int) -> int:
        name = f"down_blocks.{level}.resnets.0.conv1"
        if self._original:
            name = f"input_blocks.{self._block(level)}.0.in_layers.2"
        return self._shapes[f"{name}.weight"][0]

    def _attention(self, level: int) -> str:
        if self._original:
            return f"input_blocks.{self._block(level)}.1"
        return f"down_blocks.{level}.attentions.0"

    def _depth(self, level: int) -> int:
        return _count(self._shapes, f"{self._attention(level)}.transformer_blocks.")


def encoder_config(component: str, shapes: Shapes, label: str) -> Config:
    """Return a text encoder's configuration from the shapes of its tensors, by its class' names.

    Raises Unusable.
    """
    try:
        vocabulary, width = shapes["embeddings.token_embedding.weight"]
        positions, _ = shapes["embeddings.position_embedding.weight"]
        inner, _ = shapes["encoder.layers.0.mlp.fc1.weight"]
        projected = width if component == FIRST else shapes["text_projection.weight"][0]
    except (KeyError, ValueError) as error:
        raise Unusable(f"{label}: the sizes of its {component} cannot be read ({error})") from error
    return {
        "model_type": "clip_text_model",
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": inner,
        "projection_dim": projected,
        "num_hidden_layers": _count(shapes, "encoder.layers."),
        "num_attention_heads": max(1, width // _HEAD),
        "max_position_embeddings": positions,
        "hidden_act": _ACTIVATIONS[component],
        "layer_norm_eps": 1e-5,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": _END,
    }


def _count(names: Iterable[str], prefix: str) -> int:
    """Return how many numbers follow a prefix."""
    found = {name.removeprefix(prefix).split(".")[0] for name in names if name.startswith(prefix)}
    return len(found)


def noise_of(metadata: Mapping[str, Any]) -> Config:
    """Return the schedule of a file; its header may say that it predicts velocities."""
    said = str(metadata.get("modelspec.prediction_type", "")).lower()
    return {**NOISE, "prediction_type": "v_prediction"} if said.startswith("v") else dict(NOISE)
