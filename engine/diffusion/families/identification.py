"""Find the family of a model: each is asked in a fixed order, and the first to know it wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.diffusion.families.base import Family
from engine.diffusion.families.clues import ModelClues
from engine.diffusion.families.pixart import PIXART_ALPHA, PIXART_LCM, PIXART_SIGMA
from engine.diffusion.families.sdxl import SDXL_LCM, SDXL_LIGHTNING, SDXL_TURBO
from engine.diffusion.families.sketch import SKETCH, SKETCH_FAMILY
from engine.diffusion.families.z_image import Z_IMAGE, Z_IMAGE_TURBO

FAMILIES: tuple[Family, ...] = (
    SKETCH_FAMILY,
    Z_IMAGE,
    Z_IMAGE_TURBO,
    SDXL_TURBO,
    SDXL_LCM,
    SDXL_LIGHTNING,
    PIXART_LCM,
    PIXART_ALPHA,
    PIXART_SIGMA,
)
"""Every family, in the order in which they are asked: the narrower before the wider. The first
three have the same pipeline class, which Turbo takes as its own."""

_DEFAULT = Z_IMAGE_TURBO


class ModelSettings(Protocol):
    """The settings that tell a model's family. family: a name of `FAMILIES`; any other finds it."""

    @property
    def model(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def revision(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Identified:
    """A model's family, and why it was recognised as that, as text for the owner.

    guessed: nothing that the model's files say tells it.
    """

    family: Family
    reason: str
    guessed: bool = False


def identify(
    clues: ModelClues, families: Sequence[Family] = FAMILIES, *, named: str | None = None
) -> Identified:
    """Ask each family in order whether the model belongs to it; the first to recognise it wins.

    named: the family that the owner names, which wins over all but the built-in model. Where
    nothing can be read, the model's own name decides. What is left is treated as Z-Image-Turbo: a
    hub id may not have been downloaded yet, and a damaged folder is refused with its reason when it
    is loaded.
    """
    chosen = next((family for family in families if family.name == named), None)
    if chosen is not None and clues.name != SKETCH:
        return Identified(chosen.sized(clues), "`family` under [engine] names it")
    for family in families:
        reason = family.recognizes(clues)
        if reason is not None:
            return Identified(family.sized(clues), reason)
    for family in families:
        reason = family.guesses(clues)
        if reason is not None:
            return Identified(family.sized(clues), reason, guessed=True)
    found = clues.pipeline_class
    if found is not None:
        reason = f"no family paints with {found}; {_DEFAULT.name} is assumed"
        return Identified(_DEFAULT, reason, guessed=True)
    for family in families:
        if clues.is_called(family.known_names):
            reason = f"nothing about it can be read here; its name is that of {family.name}"
            return Identified(family.sized(clues), reason, guessed=True)
    reason = f"nothing about it can be read here; {_DEFAULT.name} is assumed"
    return Identified(_DEFAULT, reason, guessed=True)


def identified(settings: ModelSettings) -> Identified:
    """Return the family of the model that the settings name, with the reason."""
    return identify(ModelClues.read(settings.model, settings.revision), named=settings.family)


def family_of(settings: ModelSettings) -> Family:
    """Return the family of the model that the settings name, without loading it."""
    return identified(settings).family


def family_for(model: str) -> Family:
    """Return the family of a model, given its name or its folder, without loading it."""
    return identify(ModelClues.read(model)).family
