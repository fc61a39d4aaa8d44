"""Put a prompt together again after its flags were taken out, without leftover signs. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.request.values.flag_values import SOFT

_STOPS = ".!?。！？"
_SEPARATORS = SOFT + _STOPS + "|｜ "
_PAIRS = {
    "(": ")", "[": "]", "{": "}", "<": ">", "（": "）", "［": "］", "｛": "｝", "【": "】",
    "〔": "〕", "＜": "＞", "**": "**", "*": "*", "||": "||", "~~": "~~", "`": "`", "```": "```",
}  # fmt: skip
_OPENING = sorted(_PAIRS, key=len, reverse=True)
_BRACKETS = {closing: opening for opening, closing in _PAIRS.items() if opening != closing}
_OPEN_BRACKETS = tuple(_BRACKETS.values())
_LOOSE_END = re.compile(r"(?:[,;，；、:：|｜•·]|(?<!\S)[-–—/])[\s,;，；、:：|｜•·–—/-]*\Z")
_KEPT_END = re.compile(rf"(?:{_LOOSE_END.pattern[:-2]})(\\+)\Z")


def join_around_flags(parts: Sequence[str]) -> str:
    """Join the parts of a prompt that stood around its flags.

    Brackets that held only flags go, and of the commas and stops on both sides of a flag one stays.
    A loose comma or dash before the last flag goes, unless `keep_end` marked it.
    """
    prompt, at_end = parts[0], False
    for part in parts[1:]:
        prompt, rest = _unwrapped(prompt, part)
        words = rest.strip()
        at_end = not words.strip(_SEPARATORS)
        if not at_end:
            prompt = _joined(prompt, words)
    prompt = prompt.strip()
    if not at_end:
        return prompt
    if _KEPT_END.search(prompt) is not None:
        return prompt[:-1]
    return _LOOSE_END.sub("", prompt).rstrip()


def keep_end(prompt: str) -> str:
    """Mark the end of a prompt that flags follow, so that `join_around_flags` leaves it."""
    return f"{prompt}\\" if _LOOSE_END.search(prompt) or _KEPT_END.search(prompt) else prompt


def end_within_brackets(value: str, before_flags: str) -> int:
    """Return where a value of many words ends: at a bracket that was opened before a flag.

    before_flags: the characters directly before the flags of the text.
    """
    open_brackets: list[str] = []
    for at, character in enumerate(value):
        if character in _PAIRS:
            open_brackets.append(character)
        elif character in _BRACKETS:
            if open_brackets and open_brackets[-1] == _BRACKETS[character]:
                open_brackets.pop()
            elif _BRACKETS[character] in before_flags:
                return at
    return len(value)


def _unwrapped(prompt: str, part: str) -> tuple[str, str]:
    """Take away the brackets that only flags were in."""
    opening = next((each for each in _OPENING if prompt.endswith(each)), None)
    if opening is None:
        return prompt, part
    inside = part.lstrip(_SEPARATORS)
    if inside.startswith(_PAIRS[opening]):
        return prompt[: -len(opening)], inside[len(_PAIRS[opening]) :]
    return prompt, inside if opening in _OPEN_BRACKETS else part


def _joined(prompt: str, words: str) -> str:
    """Join two parts with one space, or with the sign that the second begins with."""
    left = prompt.rstrip()
    if not left:
        return words.lstrip(_SEPARATORS)
    if left.endswith(_OPEN_BRACKETS) or words[0] in _BRACKETS:
        return left + words
    if words[0] not in SOFT + _STOPS or words[1:2].isdigit():
        return f"{left} {words}"
    if left[-1] not in _STOPS:
        return left.rstrip(SOFT + " ") + words
    space = " " if left[-1].isascii() else ""
    return left + space + words.lstrip(_SEPARATORS)
