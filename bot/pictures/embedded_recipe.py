"""Read the recipe embedded in a file from a user, or say why that is impossible. Blocking."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from engine.encode import RECIPE_KEY, RecipeUnreadable, embedded_recipe
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
    """No recipe could be read. format: the file's format if it is not PNG ("JPEG")."""

    reason: UnreadableReason
    format: str = ""


MAX_PIXELS: Final = 20_000_000
"""Twice what any supported model generates; reading that many as RGB takes 270 MiB."""
# Chosen by hand: far beyond what any genuine recipe contains.
_MAX_NUMBER: Final = 1_000_000
_MAX_NAME_CHARS: Final = 1000
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_OTHER_FORMATS: Final = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (8, b"WEBP", "WebP"),
    (0, b"GIF8", "GIF"),
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
)
_TEXT_CHUNKS: Final = (b"tEXt", b"zTXt", b"iTXt")
_FOREIGN_KEYWORDS: Final = frozenset(
    ("parameters", "prompt", "workflow", "invokeai_metadata", "sd-metadata", "Dream")
)
"""Keywords of the metadata of the web UIs, ComfyUI and InvokeAI."""


def read_recipe(data: bytes) -> Recipe | UnreadableRecipe | UploadRefused:
    """Return the recipe of a PNG whose pixels are unmodified. Never raises.

    A recipe proves nothing: anybody can forge one that fits the pixels of a file. Its texts and
    numbers are within bounds; everything beyond that is for the caller to check.
    """
    if not data.startswith(_PNG):
        for offset, mark, name in _OTHER_FORMATS:
            if data.startswith(mark, offset):
                return UnreadableRecipe(UnreadableReason.OTHER_FORMAT, name)
        return UnreadableRecipe(UnreadableReason.NO_PICTURE)
    size = (
        struct.unpack(">II", data[16:24]) if data[12:16] == b"IHDR" and len(data) > 24 else (0, 0)
    )
    if size[0] * size[1] > MAX_PIXELS:
        return TooManyPixels(*size, MAX_PIXELS)
    keywords = frozenset(_keywords(data))
    if RECIPE_KEY not in keywords:
        return UnreadableRecipe(
            UnreadableReason.FOREIGN if keywords & _FOREIGN_KEYWORDS else UnreadableReason.BARE
        )
    try:
        found = embedded_recipe(data)
    except RecipeUnreadable:
        return UnreadableRecipe(UnreadableReason.DAMAGED)
    if not found.untouched:
        return UnreadableRecipe(UnreadableReason.CHANGED)
    return (
        found.recipe if _is_plausible(found.recipe) else UnreadableRecipe(UnreadableReason.DAMAGED)
    )


def _keywords(data: bytes) -> Iterator[str]:
    """Yield the keywords of a PNG's text chunks, as far as its chunks can be read."""
    at = len(_PNG)
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind in _TEXT_CHUNKS:
            yield data[at + 8 : at + 8 + min(length, 80)].partition(b"\0")[0].decode("latin-1")
        at += length + 12


def _is_plausible(recipe: Recipe) -> bool:
    request = recipe.request
    texts = (request.prompt, request.effective_prompt, request.negative_prompt)
    numbers = (request.width_px, request.height_px, request.steps, abs(request.guidance))
    names = (recipe.model, recipe.revision, recipe.family, recipe.conditions.plan, *recipe.loras)
    notes = [text for each in recipe.adaptations for text in (each.stage, each.value)]
    return (
        max(map(len, texts)) <= 2 * MAX_PROMPT_CHARS
        and max(numbers) <= _MAX_NUMBER
        and max(map(len, (*names, *notes))) <= _MAX_NAME_CHARS
        and len(recipe.loras) + len(recipe.adaptations) <= 100
    )
