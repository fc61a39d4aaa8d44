"""Flags and choices in a prompt: `{red, blue} house --ar 16:9 --repeat 3`. Pure.

A backslash takes a sign's meaning: `\\{`, `\\}`, `\\,` within braces, `\\--ar`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from bot.request.flag_syntax import (
    DECIDES,
    KNOWN,
    MARKS,
    SEPARATORS,
    SOFT,
    BadFlag,
    BadKind,
    Wrong,
    covered,
    doubled,
    halved,
    named,
    opened,
    refused,
    wrong,
)
from engine import prompts
from engine.diffusion.families import Speed
from engine.prompts import Level, PictureStyle, Style
from engine.types import MAX_SEED, ImageRequest, Mode

__all__ = [
    "MAX_ORDERS",
    "BadFlag",
    "BadKind",
    "Expanded",
    "Flagged",
    "TooMany",
    "escaped",
    "line",
    "orders",
    "parse",
    "parse_chosen",
    "permutations",
]

MAX_ORDERS = 40
"""Pictures that one text may ask for, unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class Flagged:
    """A prompt and what its flags ask for, None where they say nothing; fields as in `Wish`.

    strength: of `Start`. count: pictures. private: for nobody else's eyes.
    """

    prompt: str
    aspect: str | None = None
    size: tuple[int, int] | None = None
    seed: int | None = None
    steps: int | None = None
    speed: Speed | None = None
    guidance: float | None = None
    strict: bool | None = None
    negative: str | None = None
    enhance: Level | None = None
    variety: float | None = None
    refine: float | None = None
    strength: float | None = None
    count: int | None = None
    private: bool | None = None
    style: PictureStyle | None = None


@dataclass(frozen=True, slots=True)
class Expanded:
    """Every way to choose. total: how many there are; prompts: () where they are over the limit."""

    prompts: tuple[str, ...]
    total: int


@dataclass(frozen=True, slots=True)
class TooMany:
    """More pictures in one text than may be asked for."""

    total: int
    limit: int


_EQUALS = re.compile(r"[=:＝：]")
_BRACE = re.compile(r"(?<!\\)(\\*)([{}｛｝])")
_CHOICE = re.compile(r"(?<!\\)(\\*)([{}｛｝,，])")


def parse(text: str) -> Flagged | BadFlag:
    """Take the flags out of a text, or say which of them is the first that cannot be obeyed.

    A flag is two hyphens, or the dash that a phone makes of them, directly before a letter at the
    beginning of a word; in “quotation marks” it is text, and so is "a cat --" or "a house — red".
    Nothing gets lost: a flag takes one value (--no takes everything up to the next flag), and the
    words after it belong to the prompt again. Without flags the text stays as it is, but for
    braces' backslashes; braces themselves are the business of `permutations`. Never raises.
    """
    found = opened(_BRACE.sub(halved, text))
    plain, starts = found.text, found.starts
    if not starts:
        return Flagged(plain)
    kept = [plain[: starts[0]]]
    given: dict[str, tuple[object, str]] = {}
    for start, end in zip(starts, [*starts[1:], len(plain)], strict=True):
        last = end == len(plain)
        problem = _take(plain[start:end], last, given, kept)
        if problem is not None:
            return problem
    values = {field: value for field, (value, _) in given.items()}
    return Flagged(_joined(kept), **values)  # pyright: ignore[reportArgumentType]


def parse_chosen(plain: str) -> Flagged | BadFlag:
    """`parse` of what `permutations` has rid of its backslashes already."""
    return parse(_BRACE.sub(doubled, plain))


def permutations(prompt: str, limit: int = MAX_ORDERS) -> Expanded | BadFlag:
    """Every way to choose from `{red, blue} house`; more than `limit` are only counted.

    Groups multiply, may be nested, and may hold empty choices and flags. Spaces around a choice do
    not count. The last group varies fastest. A brace without its counterpart is UNBALANCED.
    """
    groups: list[_Group] = []
    now, last, chosen = _Many(1, ("",)), 0, False
    for match in _CHOICE.finditer(prompt):
        sign, slashes = match[2], len(match[1])
        if sign in ",，" and not groups:
            continue
        now = now.then(prompt[last : match.start()] + "\\" * (slashes // 2))
        last = match.end()
        if slashes % 2:
            now = now.then(sign)
        elif sign in "{｛":
            groups.append(_Group(now, match.start(2), []))
            now, chosen = _Many(1, ("",)), True
        elif not groups:
            return _unbalanced(prompt, match.start(2))
        else:
            groups[-1].options.append(now.stripped())
            now = _Many(1, ("",))
            if sign in "}｝":
                group = groups.pop()
                after = prompt[last : last + 1]
                gap = not after or after.isspace() or after in ",.;，。；}｝"
                now = group.before.times(_either(group.options, limit), gap, limit)
    if groups:
        return _unbalanced(prompt, groups[0].start)
    whole = now.then(prompt[last:])
    whole = whole.stripped() if chosen else whole
    return Expanded(whole.texts if whole.total <= limit else (), whole.total)


def orders(text: str, limit: int = MAX_ORDERS) -> tuple[Flagged, ...] | BadFlag | TooMany:
    """One for each picture that a text asks for: choices, then flags, then --repeat.

    Where a seed is given, a repeated picture counts up from it; `count` is None in all of them.
    """
    expanded = permutations(text, limit)
    if isinstance(expanded, BadFlag):
        return expanded
    if expanded.total > limit:
        whole = parse(text)
        repeat = (whole.count or 1) if isinstance(whole, Flagged) else 1
        return TooMany(expanded.total * repeat, limit)
    found: list[Flagged] = []
    for prompt in expanded.prompts:
        flagged = parse_chosen(prompt)
        if isinstance(flagged, BadFlag):
            return flagged
        found.append(flagged)
    total = sum(each.count or 1 for each in found)
    if total > limit:
        return TooMany(total, limit)
    return tuple(_numbered(each, number) for each in found for number in range(each.count or 1))


def line(request: ImageRequest) -> str:
    """The prompt and flags to copy that ask for this picture again, through `parse` or `orders`.

    No flag names the pictures that it began with, nor its variations; and how much was added to the
    prompt is said where that can be told from it.
    """
    level = _level(request)
    flags = [
        f"--size {request.width_px}x{request.height_px}",
        f"--seed {request.seed}",
        f"--steps {request.steps}",
        f"--guidance {_written(request.guidance)}",
    ]
    if request.mode is not Mode.TEXT:
        flags.append(f"--strength {_written(request.strength)}")
    if request.variety:
        flags.append(f"--variety {_written(request.variety)}")
    if request.refine:
        flags.append(f"--refine {_written(request.refine)}")
    if request.style is not None:
        flags.append(f"--style {request.style}")
    if level is not None:
        flags.append(f"--enhance {level}")
    shown = " ".join([escaped(request.prompt), *flags])
    if not request.negative_prompt.strip(f"{SOFT} "):
        return shown
    whole = f"{shown} --no {escaped(request.negative_prompt)}"
    again = parse(whole)
    if isinstance(again, Flagged) and again.negative == request.negative_prompt:
        return whole
    # Its quotation marks would close some of the prompt's, or lose their backslashes.
    unquoted = covered(MARKS.sub(doubled, request.negative_prompt))
    return f"{shown} --no {_BRACE.sub(doubled, unquoted)}"


# Reading flags


def _take(
    segment: str, last: bool, given: dict[str, tuple[object, str]], kept: list[str]
) -> BadFlag | None:
    """Read one flag and what follows it: its value to `given`, the rest to `kept`."""
    problem = refused(segment)
    if problem is not None:
        return problem
    name, end = named(segment)
    written = segment[:end]
    known = KNOWN[name]
    equals = _EQUALS.match(segment, end)
    rest = segment[equals.end() if equals else end :]
    read = known.read(rest)
    if isinstance(read, Wrong):
        return wrong(read, written)
    value = read.value
    if isinstance(value, str) and known.field == "negative":
        value = MARKS.sub(halved, value if last else value.rstrip(f"{SOFT} "))
    decided = read.field or known.field
    for field, (_, other) in given.items():
        if DECIDES.get(field, field) == DECIDES.get(decided, decided):
            said = rest[: read.end].strip()
            return BadFlag(BadKind.TWICE, written, said, (other,))
    given[decided] = (value, written)
    kept.append(rest[read.end :])
    return None


def _joined(pieces: Iterable[str]) -> str:
    """The prompt around its flags; commas that stood only between flags go."""
    prompt = ""
    for number, piece in enumerate(pieces):
        words = piece.strip()
        if number and not words.strip(SEPARATORS):
            continue
        if not prompt:
            prompt = words.lstrip(SEPARATORS) if number else words
        elif piece[0] in SEPARATORS and not piece[0].isspace():
            prompt += words
        else:
            prompt += f" {words}"
    return prompt


def _numbered(flagged: Flagged, number: int) -> Flagged:
    seed = None if flagged.seed is None else (flagged.seed + number) % (MAX_SEED + 1)
    return dataclasses.replace(flagged, seed=seed, count=None)


# Choosing


@dataclass(frozen=True, slots=True)
class _Many:
    """Some texts; only their number where that is over the limit."""

    total: int
    texts: tuple[str, ...]

    def then(self, text: str) -> _Many:
        return _Many(self.total, tuple(each + text for each in self.texts)) if text else self

    def stripped(self) -> _Many:
        return _Many(self.total, tuple(each.strip() for each in self.texts))

    def times(self, other: _Many, gap: bool, limit: int) -> _Many:
        """Each with each. gap: a space follows, so that an empty choice leaves none before it."""
        total = self.total * other.total
        if total > limit:
            return _Many(total, ())
        pairs = product(self.texts, other.texts)
        return _Many(total, tuple((a if b or not gap else a.rstrip()) + b for a, b in pairs))


@dataclass(frozen=True, slots=True)
class _Group:
    """Braces that are still open. before: what led up to them."""

    before: _Many
    start: int
    options: list[_Many]


def _either(options: list[_Many], limit: int) -> _Many:
    total = sum(each.total for each in options)
    fits = total <= limit
    return _Many(total, tuple(text for each in options for text in each.texts) if fits else ())


def _unbalanced(prompt: str, at: int) -> BadFlag:
    around = prompt[max(0, at - 15) : at + 25].strip()
    return BadFlag(BadKind.UNBALANCED, prompt[at], around)


# Writing


def escaped(text: str) -> str:
    """The text such that `parse` and `orders` find just it."""
    return _BRACE.sub(doubled, covered(text))


def _written(number: float) -> str:
    return repr(float(number)).removesuffix(".0")


def _level(request: ImageRequest) -> Level | None:
    """How much was added to the prompt, if one of today's levels makes this of it."""
    if request.expand:
        return Level.SMART
    prompt = prompts.as_read(request.prompt, request.effective_prompt, request.style)
    if request.effective_prompt == prompt:
        return Level.OFF
    for level in (Level.FULL, Level.LIGHT):
        for style in Style:
            made = prompts.enhance(
                prompt,
                negative=request.negative_prompt,
                level=level,
                style=style,
                negative_works=False,
                seed=request.seed,
                variety=request.variety,
            )
            if made.effective_prompt == request.effective_prompt:
                return level
    return None
