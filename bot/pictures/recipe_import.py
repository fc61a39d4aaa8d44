"""Read the recipe embedded in a file from a user, or say why that is impossible. Blocking."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.pictures.foreign.embedded_texts import png_keywords
from bot.pictures.foreign.programs import foreign_program, read_foreign
from bot.pictures.foreign.recipe import ForeignRecipe
from engine.file_formats import PNG, FileKind, format_of
from engine.png import RECIPE_KEY, RecipeUnreadable, embedded_recipe
from engine.prompts import MAX_PROMPT_CHARS
from engine.types import Recipe
from engine.uploads import TooManyPixels, UploadRefused


class UnreadableReason(StrEnum):
    """Why no recipe could be read from a file."""

    UNREACHABLE = "unreachable"
    NO_PICTURE = "no picture"
    OTHER_FORMAT = "other format"
    BARE = "bare"
    FOREIGN = "foreign"
    DAMAGED = "damaged"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class UnreadableRecipe:
    """No recipe could be read.

    format, kind: the file's format if it is not PNG ("JPEG"), and what it holds. program: the one
    whose recipe it is, "" if it is not known.
    """

    reason: UnreadableReason
    format: str = ""
    kind: FileKind = FileKind.PICTURE
    program: str = ""


MAX_PIXELS: Final = 20_000_000
"""Twice what any supported model generates; reading that many as RGB takes 270 MiB."""
# Chosen by hand: far beyond what any genuine recipe contains.
_MAX_NUMBER: Final = 1_000_000
_MAX_NAME_CHARS: Final = 1000
_MAX_NAMES: Final = 400


def read_recipe(data: bytes) -> Recipe | ForeignRecipe | UnreadableRecipe | UploadRefused:
    """Return the recipe of a PNG whose pixels are unmodified, or what another program wrote. Never
    raises.

    A recipe proves nothing: anybody can forge one that fits the pixels of a file. Its texts and
    numbers are within bounds; everything beyond that is for the caller to check.
    """
    if not has_own_recipe(data):
        return read_foreign(data) or _too_large(data) or _without_recipe(data)
    if (too_large := _too_large(data)) is not None:
        return too_large
    try:
        found = embedded_recipe(data)
    except RecipeUnreadable:
        return UnreadableRecipe(UnreadableReason.DAMAGED)
    if not found.untouched:
        return UnreadableRecipe(UnreadableReason.CHANGED)
    return (
        found.recipe if _is_plausible(found.recipe) else UnreadableRecipe(UnreadableReason.DAMAGED)
    )


def has_own_recipe(data: bytes) -> bool:
    """Return whether a file is a PNG with a recipe of this program, readable or not."""
    return format_of(data) == PNG and RECIPE_KEY in png_keywords(data)


def _too_large(data: bytes) -> TooManyPixels | None:
    if format_of(data) != PNG or data[12:16] != b"IHDR" or len(data) < 24:
        return None
    width_px, height_px = struct.unpack(">II", data[16:24])
    if width_px * height_px <= MAX_PIXELS:
        return None
    return TooManyPixels(width_px, height_px, MAX_PIXELS)


def _without_recipe(data: bytes) -> UnreadableRecipe:
    """Return why a file has no recipe, neither a readable one of another program."""
    found = format_of(data)
    if found is None:
        return UnreadableRecipe(UnreadableReason.NO_PICTURE)
    program = foreign_program(data)
    if program is not None:
        return UnreadableRecipe(UnreadableReason.FOREIGN, program=program)
    if found == PNG:
        return UnreadableRecipe(UnreadableReason.BARE)
    return UnreadableRecipe(UnreadableReason.OTHER_FORMAT, found.name, found.kind)


def _is_plausible(recipe: Recipe) -> bool:
    request = recipe.request
    texts = (request.prompt, request.effective_prompt, request.negative_prompt)
    numbers = (request.width_px, request.height_px, request.steps, abs(request.guidance))
    names = [recipe.model, recipe.revision, recipe.family, recipe.conditions.plan]
    names += [each.name for each in (*recipe.loras, *request.loras)]
    names += [word for each in request.loras for word in (*each.words, each.style_word)]
    notes = [text for each in recipe.adaptations for text in (each.stage, each.value)]
    return (
        max(map(len, texts)) <= 2 * MAX_PROMPT_CHARS
        and max(numbers) <= _MAX_NUMBER
        and max(map(len, (*names, *notes))) <= _MAX_NAME_CHARS
        and len(names) + len(recipe.adaptations) <= _MAX_NAMES
    )
