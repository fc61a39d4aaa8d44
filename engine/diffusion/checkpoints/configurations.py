"""The configuration of a component: from its file, from the shapes of its tensors, or both.

What no shape tells comes from the family, never from a library's default.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.diffusion.checkpoints import conventions
from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.names.groups import TEXT_ENCODER, TRANSFORMER, VAE
from engine.diffusion.checkpoints.weights import Weight
from engine.diffusion.families import Family

Config = dict[str, Any]

_AXES_LENGTHS = (1536, 512, 512)
"""As in the published configuration of Z-Image-Turbo's transformer."""
_PATCH = 4
"""Values of a channel in one patch of 2 × 2."""
_ENCODER_POSITIONS = 40_960
"""As in the published configuration of Qwen3-4B."""


def read_json(path: Path, label: str) -> Config:
    """Read the object in a file. Raises Unusable."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unusable(f"the folder has no {label}") from None
    except (OSError, ValueError, RecursionError):
        raise Unusable(f"its {label} cannot be read") from None
    if not isinstance(found, dict):
        raise Unusable(f"its {label} cannot be read")
    return found


def from_shapes(
    component: str, weights: Mapping[str, Weight], family: Family, metadata: Mapping[str, Any]
) -> Config:
    """Return the configuration that the shapes of the tensors tell.

    metadata: of a GGUF file, which has numbers that no shape tells. Raises Unusable where a tensor
    is missing that would tell one.
    """
    read: Callable[[_Shapes], Config] = {
        TRANSFORMER: _transformer,
        TEXT_ENCODER: _text_encoder,
        VAE: _vae,
    }[component]
    label = next(iter(weights.values())).stored.label
    config = read(_Shapes(weights, component, label))
    if component == VAE:
        config["sample_size"] = family.native_side_px
    if component == TEXT_ENCODER and (epsilon := _gguf_number(metadata, "layer_norm_rms_epsilon")):
        config["rms_norm_eps"] = float(f"{epsilon:.6g}")  # the file has a float32
    if component == TEXT_ENCODER and (base := _gguf_number(metadata, "rope.freq_base")):
        config["rope_theta"] = base
    return config


def completed(config: Config, component: str, family: Family, label: str) -> list[str]:
    """Put in what the configuration leaves open, and check the rest; returns what was put in.

    Raises Unusable for what is not the family's.
    """
    complete = {
        TRANSFORMER: conventions.complete_transformer,
        TEXT_ENCODER: conventions.complete_text_encoder,
        VAE: conventions.complete_vae,
    }[component]
    return complete(config, family, label)


class _Shapes:
    """Shapes of tensors by the model's own names; what is missing is a refusal."""

    def __init__(self, weights: Mapping[str, Weight], component: str, label: str) -> None:
        self._weights = weights
        self._shapes = {name: weight.shape for name, weight in weights.items()}
        self._component = component
        self._label = label

    def of(self, name: str, dimensions: int) -> tuple[int, ...]:
        """Return the shape of a tensor."""
        shape = self._shapes.get(name)
        if shape is None:
            raise Unusable(f"{self._component} lacks its tensor {name} ({self._label})")
        if len(shape) != dimensions or 0 in shape:
            raise Unusable(f"{self._component}: {name} has the shape {list(shape)}")
        return shape

    def count(self, pattern: str) -> int:
        """Return how many numbers appear in names; they must go from 0 on without a gap."""
        found = re.compile(pattern)
        numbers = {int(match[1]) for name in self._shapes if (match := found.match(name))}
        if gap := sorted(set(range(max(numbers, default=-1) + 1)) - numbers):
            raise Unusable(
                f"{self._component} lacks {pattern.split('(')[0].replace(chr(92), '')}{gap[0]} "
                f"({self._label})"
            )
        return len(numbers)

    def heads(self, name: str, head: int) -> int:
        """Return how many heads a projection has; rows that only fill it up would be heads too."""
        rows, _ = self.of(name, 2)
        padding = self._weights[name].stored.padding
        if head % padding:
            raise Unusable(
                f"{self._component}: {name} is filled up to a multiple of {padding} rows, which "
                f"hides how many heads of {head} it has; put the model's config.json beside "
                f"{self._label}"
            )
        return self.ratio(rows, head, f"{name}'s width")

    def ratio(self, whole: int, part: int, what: str) -> int:
        """Return how often one size goes into another."""
        if not part or whole % part:
            raise Unusable(f"{self._component}: {what} {whole} is no multiple of {part}")
        return whole // part


def _transformer(shapes: _Shapes) -> Config:
    patch = "2-1"
    dim, columns = shapes.of(f"all_x_embedder.{patch}.weight", 2)
    (head,) = shapes.of("layers.0.attention.norm_q.weight", 1)
    (caption,) = shapes.of("cap_embedder.0.weight", 1)
    heads = shapes.ratio(dim, head, "the width")
    refiners = {shapes.count(rf"{name}\.(\d+)\.") for name in ("noise_refiner", "context_refiner")}
    if len(refiners) > 1:
        raise Unusable(
            f"transformer has {min(refiners)} refiners of one kind, {max(refiners)} of the other"
        )
    return {
        "all_patch_size": [2],
        "all_f_patch_size": [1],
        "in_channels": shapes.ratio(columns, _PATCH, "the width of a patch"),
        "dim": dim,
        "n_layers": shapes.count(r"layers\.(\d+)\."),
        "n_refiner_layers": refiners.pop(),
        "n_heads": heads,
        "n_kv_heads": heads,
        "norm_eps": conventions.NORM_EPSILON,
        "qk_norm": True,
        "cap_feat_dim": caption,
        "siglip_feat_dim": None,
        "t_scale": conventions.TIME_SCALE,
        "axes_dims": [head * share // of for share, of in conventions.AXES],
        "axes_lens": list(_AXES_LENGTHS),
    }


def _text_encoder(shapes: _Shapes) -> Config:
    vocabulary, width = shapes.of("embed_tokens.weight", 2)
    (head,) = shapes.of("layers.0.self_attn.q_norm.weight", 1)
    inner, _ = shapes.of("layers.0.mlp.gate_proj.weight", 2)
    layers = shapes.count(r"layers\.(\d+)\.")
    return {
        "model_type": "qwen3",
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": shapes.heads("layers.0.self_attn.q_proj.weight", head),
        "num_key_value_heads": shapes.heads("layers.0.self_attn.k_proj.weight", head),
        "head_dim": head,
        "rms_norm_eps": conventions.ENCODER_EPSILON,
        "max_position_embeddings": _ENCODER_POSITIONS,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "hidden_act": conventions.ACTIVATION,
    }


def _vae(shapes: _Shapes) -> Config:
    blocks = shapes.count(r"encoder\.down_blocks\.(\d+)\.")
    widths = [
        shapes.of(f"encoder.down_blocks.{at}.resnets.0.conv1.weight", 4)[0] for at in range(blocks)
    ]
    latents = shapes.of("decoder.conv_in.weight", 4)[1]
    return {
        "in_channels": shapes.of("encoder.conv_in.weight", 4)[1],
        "out_channels": shapes.of("decoder.conv_out.weight", 4)[0],
        "down_block_types": ["DownEncoderBlock2D"] * blocks,
        "up_block_types": ["UpDecoderBlock2D"] * blocks,
        "block_out_channels": widths,
        "layers_per_block": shapes.count(r"encoder\.down_blocks\.0\.resnets\.(\d+)\."),
        "latent_channels": latents,
        "norm_num_groups": conventions.VAE_GROUPS,
        "act_fn": conventions.ACTIVATION,
        "mid_block_add_attention": True,
        "use_quant_conv": False,
        "use_post_quant_conv": False,
        "force_upcast": True,
    }


def _gguf_number(metadata: Mapping[str, Any], key: str) -> float | None:
    value = metadata.get(f"qwen3.{key}")
    return float(value) if isinstance(value, int | float) else None


def layers_of(names: Iterable[str]) -> dict[str, int]:
    """Return how many layers names of a component have, by the name of their list."""
    found: dict[str, set[int]] = {}
    for name in names:
        if match := re.match(r"(?:.*\.)?(layers|noise_refiner|context_refiner)\.(\d+)\.", name):
            found.setdefault(match[1], set()).add(int(match[2]))
    return {name: len(numbers) for name, numbers in found.items()}
