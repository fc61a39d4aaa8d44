"""Which model a LoRA was made for, by the names and shapes of its tensors. No torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Shapes = Mapping[str, tuple[int, ...]]

Z_IMAGE = "Z-Image"
SDXL = "SDXL"
PIXART = "PixArt"
LUMINA = "Lumina 2"
_LUMINA_WIDTH = 2304
STABLE_DIFFUSION = "Stable Diffusion"
"""Of any version, SDXL among them: nothing in the file tells which."""
_JOINT, _CROSS = "joint attention", "cross-attention"
"""Several families have layers of these names, and are told apart by shapes."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The model that a LoRA adapts. width: values per token, None where no shape shows it."""

    family: str
    width: int | None = None


_MARKS = [
    (family, re.compile(pattern.replace("~", "[._]"), re.MULTILINE))
    for family, pattern in (
        ("Chroma", "distilled_guidance_layer~"),
        ("HunyuanVideo", r"double_blocks\.\d+\.(img|txt)_attn_(qkv|proj)"),
        ("Flux.2", "(double|single)_stream_modulation"),
        ("Flux.2", r"single_transformer_blocks~\d+~attn~to_qkv_mlp_proj"),
        ("Flux", r"(double_blocks|single_blocks|single_transformer_blocks)~\d+~"),
        ("Qwen-Image", r"transformer_blocks~\d+~(img_mlp|txt_mlp|img_mod|txt_mod)~"),
        (_JOINT, r"transformer_blocks~\d+~attn~(add_[qkv]_proj|to_add_out)"),
        ("Stable Diffusion 3", r"joint_blocks~\d+~"),
        (
            "Sana",
            r"transformer_blocks~\d+~ff~conv_(inverted|depth|point)|mlp~(inverted|point)_conv",
        ),
        (_CROSS, r"(^|~)blocks~\d+~cross_attn~(q_linear|kv_linear|proj)~|(^|~)t_block~1~"),
        ("Wan", r"(^|~)blocks~\d+~(self_attn|cross_attn)~"),
        (_CROSS, "adaln_single~"),
        (LUMINA, r"(^|~)layers~\d+~attn~to_[qkv]"),
        (SDXL, "^lora_te[12]_"),
        (SDXL, r"attentions~\d+~transformer_blocks~[2-9]~"),
        (SDXL, r"(input|output)_blocks~\d+~1~transformer_blocks~[2-9]~"),
        (STABLE_DIFFUSION, "(down_blocks|up_blocks|mid_block|input_blocks|output_blocks)~"),
        (_CROSS, r"(^|~)transformer_blocks~\d+~attn[12]~to_"),
    )
]
"""Names that only one family has. `~` stands for the separator of any dialect. Asked in this order:
some names contain those of a later family."""

_LAYER = re.compile(r"(^|[._])layers[._]\d+[._](attention|feed_forward|adaLN_modulation)[._]")
_LUMINA_MODULATION = re.compile(r"layers[._]\d+[._]adaLN_modulation[._]1\.")
_TAKES_WIDTH = re.compile(
    r"(to_[qkv]|qkv|q_linear|kv_linear|w1|w3)(\.\d)?\.(lora_A|lora_down|lora\.down)"
)
_PIXART_MODULATION = re.compile(r"adaln_single[._]|(^|[._])t_block[._]1[._]")
_JOINT_BLOCK = re.compile(r"transformer_blocks[._](\d+)[._]")
_FLUX_BLOCKS = 19
_SD3_WIDTHS = (1536, 2432)
_CROSS_WIDTHS = {1152: PIXART, 2048: "LTX-Video", 2240: "Sana", 4096: "LTX-Video"}
"""Of the published models. Sana's small one is as wide as PixArt."""
_CONTEXT = re.compile(r"attn2[._]to_[kv][._]")
_CONTEXT_WIDTHS = {
    2048: SDXL,
    1280: "SDXL's refiner",
    1024: "Stable Diffusion 2",
    768: "Stable Diffusion 1.5",
}

CLAIMS = ("modelspec.architecture", "ss_base_model_version", "base_model", "ss_sd_model_name")
_CLAIMED = {
    "z-image": Z_IMAGE,
    "zimage": Z_IMAGE,
    "z_image": Z_IMAGE,
    "qwen": "Qwen-Image",
    "flux": "Flux",
    "lumina": LUMINA,
    "stable-diffusion-xl": SDXL,
    "sdxl": SDXL,
    "stable-diffusion-3": "Stable Diffusion 3",
    "stable-diffusion-v1": "Stable Diffusion 1.5",
    "sd_v1": "Stable Diffusion 1.5",
    "pixart": PIXART,
    "sana": "Sana",
    "ltx": "LTX-Video",
    "wan": "Wan",
    "hunyuan": "HunyuanVideo",
}
"""Parts of what trainers write into those fields of the metadata."""


def origin_of(shapes: Shapes, metadata: Mapping[str, str]) -> Origin | None:
    """Return the model that a LoRA adapts; None where nothing tells.

    Names decide, then shapes, then what the metadata claims.
    """
    if any(_LAYER.search(name) for name in shapes):
        # Z-Image and Lumina 2 call their layers the same.
        width = _width(shapes)
        lumina = width == _LUMINA_WIDTH or any(map(_LUMINA_MODULATION.search, shapes))
        return Origin(LUMINA if lumina else Z_IMAGE, width)
    names = "\n".join(shapes)
    for family, mark in _MARKS:
        if mark.search(names):
            told = _TOLD_BY_SHAPES.get(family)
            if (found := family if told is None else told(shapes)) is None:
                break
            return Origin(found)
    for field in CLAIMS:
        claim = metadata.get(field, "").lower()
        for part, family in _CLAIMED.items():
            if part in claim:
                return Origin(family)
    return None


def _width(shapes: Shapes) -> int | None:
    for name, shape in shapes.items():
        if len(shape) == 2 and _TAKES_WIDTH.search(name):
            return shape[1]
    return None


def _joint(shapes: Shapes) -> str:
    """Tell Stable Diffusion 3 by its width, and Qwen-Image from Flux by its number of blocks."""
    if _width(shapes) in _SD3_WIDTHS:
        return "Stable Diffusion 3"
    numbers = (int(found[1]) for name in shapes if (found := _JOINT_BLOCK.search(name)))
    return "Qwen-Image" if max(numbers, default=0) >= _FLUX_BLOCKS else "Flux"


def _generation(shapes: Shapes) -> str:
    """Tell the versions of Stable Diffusion apart by the width of their text encoders."""
    widths = {
        shape[1] for name, shape in shapes.items() if len(shape) > 1 and _CONTEXT.search(name)
    }
    return next(
        (each for width, each in _CONTEXT_WIDTHS.items() if width in widths), STABLE_DIFFUSION
    )


def _crossing(shapes: Shapes) -> str | None:
    """Tell PixArt by its width from others of its layers; None where neither width nor names do."""
    width = _width(shapes)
    if width in _CROSS_WIDTHS:
        return _CROSS_WIDTHS[width]
    return PIXART if any(map(_PIXART_MODULATION.search, shapes)) else None


_TOLD_BY_SHAPES: Mapping[str, Callable[[Shapes], str | None]] = {
    STABLE_DIFFUSION: _generation,
    _JOINT: _joint,
    _CROSS: _crossing,
}
