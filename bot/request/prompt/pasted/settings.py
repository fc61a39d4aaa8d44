"""Take prompt, negative prompt, seed and size from another program's text in a prompt. Pure."""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from bot.request.params import GenerationParams, PastedSettings
from bot.request.prompt.pasted.command import unknown_options, without_command
from bot.request.prompt.pasted.leading import picture_addresses
from bot.request.prompt.pasted.parameters_text import ParametersText, read_typed
from engine.prompts import clean, visible
from engine.types import MAX_SEED

MAX_IGNORED: Final = 12
"""Settings that a note names; chosen by hand, as many as web UIs usually write."""
_NAME_CHARS: Final = 30
_UNWANTED: Final = re.compile(r"_|\d{6,}")
RANDOM_SEED: Final = -1
"""The seed with which other programs ask for any."""


def take_pasted(params: GenerationParams) -> GenerationParams:
    """Return the parameters with only a prompt and flags in their prompt, the rest in `pasted`.

    Any prompt that is no such text is returned as it is; a command or the addresses of pictures in
    front of one are dropped. What looks like an option of a command and is none is kept by name.
    """
    if unknown := unknown_options(params.prompt):
        params = dataclasses.replace(params, unknown_options=unknown)
    found = _read(params.prompt)
    if found is None:
        return params
    words = f"{found.prompt} {found.flags}".strip()
    return dataclasses.replace(params, prompt=words, pasted=_settings(found))


def holds_negative(prompt: str) -> bool:
    """Return whether a prompt is such a text with a negative prompt in it."""
    found = _read(prompt)
    return found is not None and bool(found.negative)


def merge_pasted(params: GenerationParams) -> GenerationParams:
    """Fill in what was pasted where neither an option nor a flag says otherwise.

    The size is left to `size_for`, which knows what the model can paint.
    """
    pasted = params.pasted
    if pasted is None:
        return params
    given = {
        "negative": bool(params.negative),
        "seed": params.seed is not None,
        "size": params.size is not None or params.aspect is not None,
    }
    overruled = tuple(
        name
        for name, decided in given.items()
        if decided and getattr(pasted, name) not in ("", None)
    )
    return dataclasses.replace(
        params,
        negative=params.negative or pasted.negative or None,
        seed=pasted.seed if params.seed is None else params.seed,
        pasted=dataclasses.replace(pasted, overruled=overruled),
    )


def _read(prompt: str) -> ParametersText | None:
    _, plain = picture_addresses(without_command(prompt))
    return read_typed(visible(plain))


def _settings(found: ParametersText) -> PastedSettings:
    seed = found.seed
    usable = seed is not None and 0 <= seed <= MAX_SEED
    strange = found.value("Seed") and not usable and seed != RANDOM_SEED
    unread = found.value("Size") and found.size is None
    names = [*found.others, *(["Seed"] if strange else []), *(["Size"] if unread else [])]
    return PastedSettings(
        negative=clean(found.negative),
        seed=seed if usable else None,
        size=found.size,
        ignored=_short(names),
    )


def _short(names: list[str]) -> tuple[str, ...]:
    """Return the names for a note: short ones, and not too many."""
    # No underscore, which is Markdown, and no long number.
    plain = [_UNWANTED.sub(" ", name).strip() for name in names]
    short = [name if len(name) <= _NAME_CHARS else f"{name[:_NAME_CHARS]}…" for name in plain]
    return (*short[:MAX_IGNORED], *(["…"] if len(short) > MAX_IGNORED else []))
