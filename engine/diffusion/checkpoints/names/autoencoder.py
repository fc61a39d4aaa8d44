"""Names of the autoencoder: diffusers' own, and those of latent diffusion (ae.safetensors)."""

from __future__ import annotations

import re
from functools import partial

from engine.diffusion.checkpoints.names.translation import Named, Rename
from engine.diffusion.checkpoints.weights import Weight

MARKS = ("decoder.conv_in.weight", "encoder.conv_in.weight")

_LDM_UP = re.compile(r"decoder\.up\.(\d+)\.")
_RESNET = r"(?P<layer>(?:norm1|conv1|norm2|conv2|conv_shortcut|nin_shortcut)\.(?:weight|bias))"
_DOWN = re.compile(rf"encoder\.down\.(?P<at>\d+)\.block\.(?P<number>\d+)\.{_RESNET}")
_UP = re.compile(rf"decoder\.up\.(?P<at>\d+)\.block\.(?P<number>\d+)\.{_RESNET}")
_SAMPLE = re.compile(
    r"(?:encoder\.down\.(?P<down>\d+)\.downsample|decoder\.up\.(?P<up>\d+)\.upsample)"
    r"\.conv\.(?P<kind>weight|bias)"
)
_MIDDLE = re.compile(rf"(?P<half>encoder|decoder)\.mid\.block_(?P<number>[12])\.{_RESNET}")
_ATTENTION = re.compile(
    r"(?P<half>encoder|decoder)\.mid(?:\.attn_1|_block\.attentions\.0)"
    r"\.(?P<layer>norm|q|k|v|proj_out|query|key|value|proj_attn)\.(?P<kind>weight|bias)"
)
_LAYERS = {
    "norm": "group_norm",
    **dict.fromkeys(("q", "query"), "to_q"),
    **dict.fromkeys(("k", "key"), "to_k"),
    **dict.fromkeys(("v", "value"), "to_v"),
    **dict.fromkeys(("proj_out", "proj_attn"), "to_out.0"),
}
_ENDS = re.compile(r"(?P<half>encoder|decoder)\.norm_out\.(?P<kind>weight|bias)")
_SHORTCUT = ("nin_shortcut.", "conv_shortcut.")
_OWN = re.compile(
    r"(?:encoder|decoder)\.(?:conv_in|conv_out|conv_norm_out|down_blocks|up_blocks|mid_block)\..+"
    r"|(?:post_)?quant_conv\.(?:weight|bias)"
)
_NOT_NEEDED = re.compile(r"loss\..*|model_ema\..*")
"""What training leaves in a file: the discriminator, and averages."""


def renaming(names: list[str]) -> Rename:
    """Return the translation for a file of these names.

    The order of the decoder's blocks is the other way round in diffusers, so their number counts.
    """
    ups = [int(found[1]) for name in names if (found := _LDM_UP.match(name))]
    return partial(_renamed, max(ups, default=0))


def _renamed(last_up: int, name: str, weight: Weight) -> Named | None:
    """Return what a tensor is in diffusers' AutoencoderKL."""
    target = _target(last_up, name)
    if target is None:
        return () if _NOT_NEEDED.fullmatch(name) else None
    if ".attentions." in target and len(weight.shape) == 4:
        # Latent diffusion writes its attention as convolutions of one pixel.
        weight = weight.reshaped(weight.shape[:2])
    return ((target, weight),)


def _target(last_up: int, name: str) -> str | None:
    if found := _ATTENTION.fullmatch(name):
        layer = _LAYERS[found["layer"]]
        return f"{found['half']}.mid_block.attentions.0.{layer}.{found['kind']}"
    if _OWN.fullmatch(name):
        return name
    if found := _DOWN.fullmatch(name):
        layer = found["layer"].replace(*_SHORTCUT)
        return f"encoder.down_blocks.{found['at']}.resnets.{found['number']}.{layer}"
    if found := _UP.fullmatch(name):
        layer = found["layer"].replace(*_SHORTCUT)
        return f"decoder.up_blocks.{last_up - int(found['at'])}.resnets.{found['number']}.{layer}"
    if found := _SAMPLE.fullmatch(name):
        if found["down"] is not None:
            return f"encoder.down_blocks.{found['down']}.downsamplers.0.conv.{found['kind']}"
        at = last_up - int(found["up"])
        return f"decoder.up_blocks.{at}.upsamplers.0.conv.{found['kind']}"
    if found := _MIDDLE.fullmatch(name):
        layer = found["layer"].replace(*_SHORTCUT)
        return f"{found['half']}.mid_block.resnets.{int(found['number']) - 1}.{layer}"
    if found := _ENDS.fullmatch(name):
        return f"{found['half']}.conv_norm_out.{found['kind']}"
    return None
