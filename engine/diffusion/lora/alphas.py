"""How strongly each part of a LoRA acts at weight 1: alpha, counted once, whatever carries it.

A tensor `alpha` beside the factors counts first; where there is none, the PEFT configuration that
diffusers saves in the metadata, or that lies beside the file. Where nothing is said, alpha is the
rank and the scale is 1. `ss_network_alpha` in the metadata does not count: converters leave it
there after they have multiplied the factors by it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.diffusion.families.sdxl_layers import ENCODERS
from engine.diffusion.lora.dialects import Role
from engine.diffusion.lora.layout import Adaptation, Layout, Unreadable

METADATA_FIELD = "lora_adapter_metadata"
_COMPONENTS = {
    "transformer.": "",
    "unet.": "",
    **{f"{component}.": component for component in ENCODERS},
}
"""How the fields of each component begin, and what `Part.encoder` calls it."""
_PLAIN = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class PeftConfig:
    """The part of a PEFT configuration that scales a LoRA.

    pattern: other alphas by the end of a module's name. rank: as configured, None if not given.
    """

    alpha: float
    rank: int | None = None
    root: bool = False
    decomposed: bool = False
    pattern: Mapping[str, float] = field(default_factory=dict[str, float])

    @classmethod
    def read(cls, found: Mapping[str, Any], source: str) -> PeftConfig | None:
        """Read a configuration; None if it sets no alpha. source: named in the errors.

        Raises Unreadable.
        """
        alpha = found.get("lora_alpha")
        if alpha is None:
            return None
        rank = found.get("r")
        if rank is not None and (type(rank) is not int or rank < 1):
            raise Unreadable(f"the r in {source} is {rank!r:.40}, not a rank")
        flags = {name: found.get(name) or False for name in ("use_rslora", "use_dora")}
        for name, value in flags.items():
            if type(value) is not bool:
                raise Unreadable(f"the {name} in {source} is {value!r:.40}, not true or false")
        pattern = found.get("alpha_pattern") or {}
        if not isinstance(pattern, dict):
            raise Unreadable(f"the alpha_pattern in {source} is not a table")
        return cls(
            _number(alpha, f"the lora_alpha in {source}"),
            rank,
            flags["use_rslora"],
            flags["use_dora"],
            {
                _plain(name, source): _number(value, f"the alpha of {name} in {source}")
                for name, value in pattern.items()
            },
        )

    def scale(self, module: str, rank: int) -> float:
        """Return the scale of a module's low-rank product, by its rank in the file."""
        longest = max(
            (name for name in self.pattern if f".{module}".endswith(f".{name}")),
            key=len,
            default=None,
        )
        alpha = self.alpha if longest is None else self.pattern[longest]
        return alpha / (math.sqrt(rank) if self.root else rank)


Configs = Mapping[str, PeftConfig]
"""By the component whose LoRA they scale: a text encoder, or "" for what predicts the picture."""


def from_metadata(metadata: Mapping[str, str]) -> Configs:
    """Read the configurations that diffusers saves. Raises Unreadable."""
    text = metadata.get(METADATA_FIELD)
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable(f"its metadata {METADATA_FIELD} is not valid JSON") from None
    if not isinstance(found, dict):
        raise Unreadable(f"its metadata {METADATA_FIELD} is not a table")
    fields: dict[str, dict[str, Any]] = {}
    for name, value in found.items():
        prefix = next((each for each in _COMPONENTS if name.startswith(each)), "")
        component = _COMPONENTS.get(prefix, "")
        fields.setdefault(component, {})[name.removeprefix(prefix)] = value
    read = {name: PeftConfig.read(own, METADATA_FIELD) for name, own in fields.items()}
    return {name: config for name, config in read.items() if config is not None}


@dataclass(frozen=True, slots=True)
class Scales:
    """The scale of each adaptation, in the order of the layout, and remarks for the owner."""

    values: tuple[float, ...]
    notes: tuple[str, ...]

    @property
    def largest(self) -> float:
        """The largest ratio of alpha to rank."""
        return max(map(abs, self.values), default=0.0)


def scales_of(layout: Layout, alphas: Mapping[str, float], configs: Configs) -> Scales:
    """Return how strongly each adaptation acts.

    alphas: values of the alpha tensors, by name. Raises Unreadable for an alpha that is not finite.
    """
    values: list[float] = []
    by_tensor = by_config = 0
    for each in layout.adaptations:
        key = each.keys.get(Role.ALPHA)
        config = configs.get(each.target.parts[0].encoder)
        if key is not None and not math.isfinite(alphas[key]):
            raise Unreadable(f"{key} is {alphas[key]}, not a number")
        if key is not None and each.divisor is not None:
            by_tensor += 1
            values.append(alphas[key] / each.divisor)
        elif config is not None and each.rank is not None:
            _check_decomposed(each, config)
            by_config += 1
            values.append(config.scale(each.module, each.rank))
        else:
            values.append(1.0)
    found = Scales(tuple(values), ())
    return Scales(found.values, tuple(_notes(layout, found, configs, by_tensor, by_config)))


def _check_decomposed(each: Adaptation, config: PeftConfig) -> None:
    if config.decomposed and each.axis is None:
        raise Unreadable(
            f"its configuration says DoRA, but {each.keys[Role.DOWN]} has no magnitude beside it"
        )


def _notes(
    layout: Layout, found: Scales, configs: Configs, by_tensor: int, by_config: int
) -> list[str]:
    notes: list[str] = []
    if found.largest > 1:
        notes.append(f"alpha is {found.largest:g} times the rank: it acts that much stronger")
    zeros = sum(value == 0 for value in found.values)
    if zeros:
        notes.append(f"alpha is 0 in {zeros} of {len(found.values)} places: they have no effect")
    if configs and by_tensor:
        notes.append("it has alpha twice, as tensors and as configuration: the tensors count")
    said = sorted({each.rank for each in configs.values() if each.rank is not None})
    others = [rank for rank in layout.ranks if rank not in said]
    if by_config and said and others:
        notes.append(
            f"its configuration says rank {' and '.join(map(str, said))}, and its tensors also "
            f"have {', '.join(map(str, others))}: those count"
        )
    return notes


def _plain(name: Any, source: str) -> str:
    """Return a module's name from a pattern. Others are regular expressions of unknown cost."""
    text = str(name).removeprefix("^").removesuffix("$").replace("\\.", ".")
    if not _PLAIN.fullmatch(text):
        raise Unreadable(f"the alpha_pattern in {source} is a regular expression: {name!r:.60}")
    prefix = next((each for each in _COMPONENTS if text.startswith(each)), "")
    return text.removeprefix(prefix)


def _number(value: Any, what: str) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise Unreadable(f"{what} is {value!r:.40}, not a number")
    return float(value)
