"""What rules of each kind can say, as it is typed, stored, exported and compared. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, assert_never

from bot.request.outcomes import Refused
from bot.request.reasons.rules import BadRuleValue, RuleValue
from engine.diffusion.families import Speed
from engine.series import MAX_PICTURES
from storage.access_rules import RuleKind

MAX_STEPS: Final = 1000
MAX_SIDE_PX: Final = 16_384
MAX_PENDING: Final = 1000
"""Largest values of rules: above what any model or queue takes. Chosen by hand."""
MAX_COOLDOWN_S: Final = 7 * 24 * 3600
"""A week; longer pauses are what quotas are for. Chosen by hand."""
MAX_NAMES: Final = 100
"""Models or LoRAs that one rule can open. Chosen by hand."""
MAX_NAME_CHARS: Final = 200
ALL: Final = "all"
NONE: Final = "none"

BOUNDS: Final = {
    RuleKind.STEPS: (1, MAX_STEPS),
    RuleKind.COUNT: (1, MAX_PICTURES),
    RuleKind.PENDING: (1, MAX_PENDING),
    RuleKind.COOLDOWN: (0, MAX_COOLDOWN_S),
}
"""The least and the largest number of each kind that has one."""
WORDS: Final = {
    RuleKind.PAINT: {"allow": True, "block": False},
    RuleKind.PRIVATE: {"on": True, "off": False},
    RuleKind.SPOILER: {"on": True, "off": False},
}
"""What is typed for each kind that has two values."""
_SIZE: Final = re.compile(r"\s*([0-9]{1,5})\s*[x×X*]\s*([0-9]{1,5})\s*")

ReadNames = Callable[[RuleKind, str], tuple[str, ...] | Refused]
"""Returns the models or LoRAs that a text names, as the owner offers them."""


def read_typed(kind: RuleKind, text: str, read_names: ReadNames) -> RuleValue | Refused:
    """Read a value as an admin typed it."""
    word = text.strip().casefold()
    bad = Refused(BadRuleValue(kind, text))
    match kind:
        case RuleKind.PAINT | RuleKind.PRIVATE | RuleKind.SPOILER:
            return WORDS[kind].get(word, bad)
        case RuleKind.MODELS | RuleKind.LORAS:
            if word in (ALL, NONE):
                return None if word == ALL else ()
            names = read_names(kind, text)
            if isinstance(names, Refused):
                return names
            return tuple(sorted(set(names))) if 0 < len(names) <= MAX_NAMES else bad
        case RuleKind.SIZE:
            found = _SIZE.fullmatch(text)
            sides = (int(found[1]), int(found[2])) if found else (0, 0)
            return sides if all(1 <= each <= MAX_SIDE_PX for each in sides) else bad
        case RuleKind.SPEED:
            return Speed(word) if word in set(Speed) else bad
        case RuleKind.STEPS | RuleKind.COUNT | RuleKind.PENDING | RuleKind.COOLDOWN:
            digits = word.removesuffix("s").strip() if kind is RuleKind.COOLDOWN else word
            if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
                return bad
            return int(digits) if _is_within(kind, int(digits)) else bad
        case _:
            assert_never(kind)


def to_json(value: RuleValue) -> str:
    """Write a value as it is stored."""
    return json.dumps(plain(value), ensure_ascii=False)


def plain(value: RuleValue) -> object:
    """Return a value as JSON has it: "all" for every name, sides as a list."""
    match value:
        case None:
            return ALL
        case tuple():
            return list(value)
        case _:
            return value


def from_plain(kind: RuleKind, found: object) -> RuleValue:
    """Return the value that JSON means. ValueError if no rule of this kind can say it."""
    match kind:
        case RuleKind.PAINT | RuleKind.PRIVATE | RuleKind.SPOILER:
            if isinstance(found, bool):
                return found
        case RuleKind.MODELS | RuleKind.LORAS:
            if found == ALL:
                return None
            if isinstance(found, list) and len(found) <= MAX_NAMES and all(map(_is_name, found)):
                return tuple(sorted({str(each) for each in found}))
        case RuleKind.SIZE:
            if (
                isinstance(found, list)
                and len(found) == 2
                and all(_is_int(each) and 1 <= each <= MAX_SIDE_PX for each in found)
            ):
                return (found[0], found[1])
        case RuleKind.SPEED:
            if isinstance(found, str) and found in set(Speed):
                return Speed(found)
        case RuleKind.STEPS | RuleKind.COUNT | RuleKind.PENDING | RuleKind.COOLDOWN:
            if isinstance(found, int) and _is_int(found) and _is_within(kind, found):
                return found
        case _:
            assert_never(kind)
    raise ValueError(f"{kind}: {found!r}")


def most_generous(kind: RuleKind, values: Iterable[RuleValue]) -> RuleValue:
    """Return what several rules for roles of the same member say together.

    A block counts before an allowance, so that a role can take painting away; everything else goes
    to the most generous: the largest number, no hiding, and the names of all lists together.
    """
    found = list(values)
    match kind:
        case RuleKind.PAINT | RuleKind.PRIVATE | RuleKind.SPOILER:
            return all(found)
        case RuleKind.MODELS | RuleKind.LORAS:
            if None in found:
                return None
            return tuple(sorted({name for names in found for name in _names(names)}))
        case _:
            return max(found, key=lambda each: _amount(each))


def pixels(value: RuleValue) -> int:
    """Return the pixels of a size."""
    assert isinstance(value, tuple) and len(value) == 2
    width_px, height_px = value
    return int(width_px) * int(height_px)


def steps_limit(value: RuleValue, speeds: Mapping[Speed, int]) -> int:
    """Return the steps of a speed, by those of a model."""
    return speeds.get(Speed(str(value)), MAX_STEPS)


def _amount(value: RuleValue) -> tuple[int, RuleValue]:
    """Return what one number, size or speed is compared with another by."""
    match value:
        case Speed():
            return list(Speed).index(value), value
        case tuple():
            return pixels(value), value
        case int():
            return value, value
        case _:
            raise AssertionError(value)


def _names(value: RuleValue) -> tuple[str, ...]:
    assert isinstance(value, tuple)
    return tuple(str(each) for each in value)


def _is_within(kind: RuleKind, number: int) -> bool:
    low, high = BOUNDS[kind]
    return low <= number <= high


def _is_int(found: object) -> bool:
    return isinstance(found, int) and not isinstance(found, bool)


def _is_name(found: object) -> bool:
    return isinstance(found, str) and 0 < len(found) <= MAX_NAME_CHARS
