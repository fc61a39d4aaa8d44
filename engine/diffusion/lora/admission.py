"""Which LoRAs may be painted with, decided from headers before anything is loaded. No torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from engine.diffusion.lora.alphas import Scales
from engine.diffusion.lora.layout import Layout
from engine.diffusion.lora.origins import PIXART, SDXL
from engine.diffusion.lora.sidecars import Sidecar
from engine.diffusion.lora.targets import Targets

MAX_RANK = 128
"""Chosen by hand: on every layer it takes a sixteenth of the transformer's own memory and
arithmetic. Trainers' defaults are 4 to 64."""

_TRAINING = re.compile(r"train(ing)?[\s_-]*adapter|(de|un)[\s_-]*distill", re.IGNORECASE)
"""How adapters that undo the distillation for training call themselves."""
_FEW_STEPS = re.compile(
    r"(?<![a-z])(?:(?:lcm|tcd|turbo|lightning)[\s_-]*lora(?![a-z])|hyper[\s_-]*sd|dmd2|"
    r"(?:lcm|tcd|pcm|turbo|lightning|hyper)(?![a-z]).*(?<!\d)(?:1|2|4|6|8|12|16)[\s_-]*steps?)",
    re.IGNORECASE,
)
"""How LoRAs that distil SDXL for few steps call themselves. A style may be called lightning too, so
that the word alone says nothing."""
_FEW_STEPS_OF_PIXART = re.compile(
    rf"{_FEW_STEPS.pattern}|(?<![a-z])(?:flash[\s_-]*pixart|yoso|dmd)(?![a-z])", re.IGNORECASE
)
"""Likewise, those of PixArt."""
_NAMES = ("name", "ss_output_name", "modelspec.title")


class Refused(ValueError):
    """The file is intact, and may not be painted with; the message is one line."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the owner allows.

    max_rank: of a low-rank pair. A file may have as many values as pairs of this rank on every
    layer would, whatever its method. strict_alpha: refuse files whose alpha is above their rank.
    """

    max_rank: int = MAX_RANK
    strict_alpha: bool = False


def admit(
    name: str,
    layout: Layout,
    metadata: Mapping[str, str],
    sidecar: Sidecar,
    targets: Targets,
    limits: Limits,
) -> None:
    """Raise Refused unless this file may be painted with, as far as its header tells."""
    rank = max(layout.ranks, default=0)
    if rank > limits.max_rank:
        raise Refused(f"its rank is {rank}, and the owner allows up to {limits.max_rank}")
    allowed = targets.values(limits.max_rank)
    if layout.values > allowed:
        raise Refused(
            f"it has {layout.values:,} values, and the owner allows {allowed:,}: "
            f"as many as rank {limits.max_rank} on every layer"
        )
    if sidecar.training_adapter is False:
        return
    for text in (name, *(metadata.get(field, "") for field in _NAMES)):
        if targets.family == SDXL and (found := _FEW_STEPS.search(text)):
            raise Refused(
                f'it distils a model for few steps ("{found[0]}" in its name), and this one is '
                f"distilled already: both together burn pictures (if its name only looks like "
                f"that, `training_adapter = false` in {name}.toml says so)"
            )
        if targets.family == PIXART and (found := _FEW_STEPS_OF_PIXART.search(text)):
            raise Refused(
                f'it distils a model for few steps ("{found[0]}" in its name), and PixArt is '
                f"painted with the steps and guidance that its own weights were trained for (if "
                f"its name only looks like that, `training_adapter = false` in {name}.toml says so)"
            )
        found = _TRAINING.search(text)
        if found is not None or sidecar.training_adapter:
            what = f' ("{found[0]}" in its name)' if found is not None else ""
            raise Refused(
                f"it is an adapter for training{what}: it undoes the distillation, and pictures "
                "of few steps come out blurred"
            )


def admit_scales(scales: Scales, limits: Limits) -> None:
    """Raise Refused where the owner is strict and alpha is above the rank."""
    if limits.strict_alpha and scales.largest > 1:
        raise Refused(
            f"its alpha is {scales.largest:g} times its rank, and the owner allows at most 1"
        )
