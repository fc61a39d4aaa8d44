"""Marks around a whole prompt, which a paste brings along: code blocks, quotations. Pure."""

from __future__ import annotations

import re
from typing import Final

from bot.request.flag_dashes import find_flags
from engine.prompts import visible

# Flags may stand behind a code block.
_FENCED: Final = re.compile(
    r"\s*```(?:[a-z+-]{1,12}\n)?(?P<text>(?:(?!```).)*)```\s*(?P<rest>[-–—－].*)?",
    re.DOTALL | re.IGNORECASE,
)
_CODE: Final = re.compile(r"\s*(?P<marks>``?)(?!`)(?P<text>[^`\n]+)(?P=marks)\s*")
_EMPHASIS: Final = re.compile(
    r"\s*(?P<marks>\*\*\*|\*\*|\*|~~|\|\|)(?=[^\s*~|])(?P<text>(?:(?!(?P=marks)).)*[^\s*~|])"
    r"(?P=marks)\s*",
    re.DOTALL,
)
_LETTERING: Final = re.compile(
    r"""\s*(?:"([^"]+)(?<!\\)"|[“”]([^“”]+)(?<!\\)[“”]|「([^「」]+)(?<!\\)」)\s*"""
)
_QUOTED_LINE: Final = re.compile(r"^[ \t]*((?:> )*(?:>>> |> ))(?=\S)", re.MULTILINE)


def unwrapped(prompt: str) -> str:
    """Return a prompt without the marks that stand around all of it.

    A whole prompt in quotation marks is lettering to be painted, unless it has flags: those were
    not meant to be painted. Any other prompt is returned as it is.
    """
    plain = visible(prompt)
    text, before = plain, ""
    while text != before:
        before, text = text, _unwrapped_once(text)
    return prompt if text == plain else text


def _unwrapped_once(text: str) -> str:
    fenced = _FENCED.fullmatch(text)
    if fenced is not None and fenced["text"].strip():
        return f"{fenced['text'].strip()} {fenced['rest'] or ''}".strip()
    marked = _CODE.fullmatch(text) or _EMPHASIS.fullmatch(text)
    if marked is not None and marked["text"].strip():
        return marked["text"].strip()
    quoted = _LETTERING.fullmatch(text)
    if quoted is not None:
        inside = next(filter(None, quoted.groups()))
        return inside.strip() if find_flags(inside).flags else text
    signs = _QUOTED_LINE.findall(text)
    every = len(signs) == sum(1 for line in text.splitlines() if line.strip())
    if signs and (every or signs[0].endswith(">>> ")):
        return _QUOTED_LINE.sub("", text).strip()
    return text
