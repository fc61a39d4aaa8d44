"""The line that says how a prompt is read while it is typed."""

from __future__ import annotations

from bot.i18n import Words
from bot.pictures.prompt_suggestions import PromptReading
from bot.wording.labels import style_name
from engine.prompts import MAX_PROMPT_CHARS
from engine.prompts.language import is_han

_PART_CHARS = 28
"""Of each part: three and the length are one line on a phone and fit into a choice. Chosen by
hand."""


def reading_line(reading: PromptReading, say: Words) -> str:
    """Return subject, style, materials and length, in at most 100 characters.

    Nobody types such a line by themselves: there are two parts at least.
    """
    style = "" if reading.style is None else style_name(reading.style, say)
    parts = [
        _part(say("Subject"), (reading.subject or "?",), say),
        _part(say("Style"), reading.styles or (style,), say),
        _part(say("Material"), reading.materials, say),
    ]
    return " · ".join([*filter(None, parts), _length(reading.chars, say)])


def _part(heading: str, found: tuple[str, ...], say: Words) -> str:
    joined = ("、" if any(map(is_han, "".join(found))) else ", ").join(found)
    if not joined:
        return ""
    line = say("{name}: {value}", name=heading, value=" ".join(joined.split()))
    return line if len(line) <= _PART_CHARS else f"{line[: _PART_CHARS - 1].rstrip()}…"


def _length(chars: int, say: Words) -> str:
    shown = f"{min(chars, 9999)}/{MAX_PROMPT_CHARS}"
    return say("too long: {length}", length=shown) if chars > MAX_PROMPT_CHARS else shown
