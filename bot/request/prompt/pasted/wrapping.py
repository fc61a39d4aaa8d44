"""What a paste brings along around a whole prompt: code blocks, quotations, signatures. Pure."""

from __future__ import annotations

import re
from typing import Final

from bot.request.prompt.flag_dashes import find_flags
from engine.prompts import visible

# Flags may stand behind a code block.
_FENCED: Final = re.compile(
    r"\s*```(?:[a-z+-]{1,12}\n)?(?P<text>(?:(?!```).)*)```\s*(?P<rest>[-–—－].*)?",
    re.DOTALL | re.IGNORECASE,
)
_BEHIND: Final = r"\s*(?P<rest>[-–—－].*)?"
_CODE: Final = re.compile(rf"\s*(?P<marks>``?)(?!`)(?P<text>[^`\n]+)(?P=marks){_BEHIND}", re.DOTALL)
_EMPHASIS: Final = re.compile(
    r"\s*(?P<marks>\*\*\*|\*\*|\*|~~|\|\|)(?=[^\s*~|])(?P<text>(?:(?!(?P=marks)).)*[^\s*~|])"
    rf"(?P=marks){_BEHIND}",
    re.DOTALL,
)
# What Midjourney's bot writes behind the prompt: "**a cat** - Upscaled (Subtle) by @Bob (fast)".
_MADE: Final = (
    r"(?:image #[1-4]|(?:upscal|variation|remix|remaster|zoom|pan )[^\n@<]{0,30} by|edited by)\s+"
)
_STATE: Final = (
    r"\s*\((?:fast|relax(?:ed)?|turbo|waiting to start|paused|stopped|\d{1,3} ?%)"
    r"(?:, ?(?:stealth|raw))?\)"
)
_SIGNED: Final = re.compile(
    rf"(?<=\S)\s+[-–—]\s+(?P<by>{_MADE})?(?P<who>[^\n()]{{1,40}}?)(?P<state>(?:{_STATE})*)\s*\Z",
    re.IGNORECASE,
)
_SIGNATURE_CHARS: Final = 160
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
    if marked is not None and marked["text"].strip() and _is_flags(marked["rest"] or ""):
        return f"{marked['text'].strip()} {marked['rest'] or ''}".strip()
    if (unsigned := _unsigned(text)) != text:
        return unsigned
    quoted = _LETTERING.fullmatch(text)
    if quoted is not None:
        inside = next(filter(None, quoted.groups()))
        return inside.strip() if find_flags(inside).flags else text
    signs = _QUOTED_LINE.findall(text)
    every = len(signs) == sum(1 for line in text.splitlines() if line.strip())
    if signs and (every or signs[0].endswith(">>> ")):
        return _QUOTED_LINE.sub("", text).strip()
    return text


def _is_flags(text: str) -> bool:
    """Whether this is nothing, or begins with a flag."""
    found = find_flags(text).flags
    return not text or (bool(found) and found[0].start == 0)


def _unsigned(text: str) -> str:
    """Return a text without what Midjourney's bot writes behind it."""
    flagged: bool | None = None
    while (signed := _SIGNED.search(text, max(0, len(text) - _SIGNATURE_CHARS))) is not None:
        # A mention is a name already, or still a code; copied on a computer it has its @.
        named = signed["who"].lstrip().startswith(("@", "<@"))
        named = named or (text.startswith("**") and text.endswith("**", 0, signed.start()))
        if flagged is None and not named:
            flagged = bool(find_flags(text).flags)
        sure = named or bool(signed["state"] if signed["by"] else flagged)
        if not sure or not (signed["by"] or signed["state"]):
            break
        text = text[: signed.start()]
    return text
