"""Read a recipe from fields that are named as programs usually name them. Pure; never raises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.pictures.foreign.recipe import MAX_SHOWN_SETTINGS, ForeignRecipe
from bot.request.prompt.pasted.parameters_text import MAX_CHARS
from engine.prompts import clean

_MAX_SEED_DIGITS: Final = 20
_MAX_SIDE_PX: Final = 100_000
_PROMPTS: Final = ("positive_prompt", "prompt", "positive", "c")
_NEGATIVES: Final = ("negative_prompt", "negative", "uc", "undesired_content")
_SEEDS: Final = ("seed", "noise_seed")
_SIZES: Final = ("resolution", "size")
_SETTINGS: Final = {
    "steps": "steps",
    "numinferencesteps": "steps",
    "sampler": "sampler",
    "samplername": "sampler",
    "scheduler": "scheduler",
    "cfgscale": "CFG scale",
    "scale": "CFG scale",
    "guidancescale": "CFG scale",
    "guidance": "guidance",
    "model": "model",
    "basemodel": "model",
    "refinermodel": "refiner",
    "loras": "LoRAs",
    "styles": "styles",
    "performance": "performance",
    "sharpness": "sharpness",
    "strength": "strength",
    "clipskip": "CLIP skip",
    "vae": "VAE",
}
"""Names of settings in JSON, without "_" and in lower case, and how a note names them."""


def recipe_of_fields(program: str, found: Mapping[str, Any]) -> ForeignRecipe | None:
    """Return the recipe in an object whose fields are named as programs usually name them."""
    named = {plain_name(key): value for key, value in found.items() if isinstance(key, str)}
    size = (side(named.get("width")), side(named.get("height")))
    written = next(filter(None, (_pair(named.get(name)) for name in _SIZES)), None)
    settings = [told for name, told in _SETTINGS.items() if named.get(name)]
    return cleaned_recipe(
        program,
        next(filter(None, (_words(named.get(plain_name(name))) for name in _PROMPTS)), ""),
        next(filter(None, (_words(named.get(plain_name(name))) for name in _NEGATIVES)), ""),
        next(
            (seed for name in _SEEDS if (seed := _whole(named.get(plain_name(name)))) is not None),
            None,
        ),
        (size[0], size[1]) if size[0] and size[1] else written,
        tuple(dict.fromkeys(settings)),
    )


def cleaned_recipe(
    program: str,
    prompt: str,
    negative: str,
    seed: int | None,
    size: tuple[int, int] | None,
    settings: tuple[str, ...],
) -> ForeignRecipe | None:
    """Return the recipe with clean texts, None if nothing is left of its prompt."""
    words = clean(prompt[:MAX_CHARS])
    if not words:
        return None
    shown = tuple(clean(name)[:30] for name in settings[:MAX_SHOWN_SETTINGS])
    return ForeignRecipe(program, words, clean(negative[:MAX_CHARS]), seed, size, shown)


def plain_name(name: str) -> str:
    """Return the name of a field in the form in which names are compared."""
    return re.sub(r"[\s_\-]", "", name).lower()


def _words(value: object) -> str:
    """Return a text, or the texts of a list: InvokeAI once wrote [{"prompt": "a cat"}]."""
    if isinstance(value, str):
        return value
    return ", ".join(filter(None, _parts(value))) if isinstance(value, list) else ""


def _parts(value: list[Any]) -> Iterator[str]:
    for each in value[:100]:
        inner = each.get("prompt") if isinstance(each, Mapping) else each
        if isinstance(inner, str):
            yield inner


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    text = value.strip() if isinstance(value, str) else ""
    digits = text.removeprefix("-")
    usable = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_SEED_DIGITS
    return int(text) if usable else None


def side(value: object) -> int:
    """Return the side of a picture in pixels, 0 if it is none."""
    side_px = _whole(value)
    return side_px if side_px is not None and 0 < side_px < _MAX_SIDE_PX else 0


def _pair(value: object) -> tuple[int, int] | None:
    """Return a size that is written in one: "(1152, 896)", "1152x896" or [1152, 896]."""
    parts = value if isinstance(value, list) else re.findall(r"\d+", str(value or "")[:40])
    sides = [side(each) for each in parts[:3]]
    return (sides[0], sides[1]) if len(sides) == 2 and all(sides) else None
