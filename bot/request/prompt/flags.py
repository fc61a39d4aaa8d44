"""Parse flags in a prompt: `{red, blue} house --ar 16:9 --repeat 3`. Pure.

A backslash escapes a special character: `\\{`, `\\}`, `\\,` within braces, `\\--ar`. It also stands
before the name of a setting that would make the prompt another program's text: `\\Steps: 20, …`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.request.options import CONFLICTS, PRESETS
from bot.request.outcomes import FlagError, FlagErrorKind, FlagProblem, PictureAddress
from bot.request.prompt.flag_dashes import FoundFlag, escape_flags, find_flags, written_flags
from bot.request.prompt.flag_names import FLAGS, flag_name, unsupported_flag, value_error
from bot.request.prompt.flag_remains import end_within_brackets, join_around_flags
from bot.request.prompt.pasted import parameters_text
from bot.request.prompt.pasted.command import without_command
from bot.request.prompt.pasted.leading import picture_addresses
from bot.request.prompt.permutations import (
    MAX_EXPANDED,
    escape_braces,
    escape_half_choices,
    permutations,
    unescape_braces,
)
from bot.request.quotations import QUOTATION_MARKS, unescape_match
from bot.request.values import loras
from bot.request.values.flag_values import SOFT, InvalidValue
from engine.prompts import visible
from engine.types import MAX_SEED

__all__ = [
    "ParsedPrompt",
    "TooManyPictures",
    "escape_prompt",
    "expand",
    "parse",
    "parse_expanded",
    "without_flags",
]


@dataclass(frozen=True, slots=True)
class ParsedPrompt:
    """A prompt without its flags, and the values of the flags by option name."""

    prompt: str
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def pictures(self) -> int:
        """The number of pictures that the prompt asks for."""
        return self.given.get("count", 1)


@dataclass(frozen=True, slots=True)
class TooManyPictures:
    """One text asks for more pictures than the limit."""

    total: int
    limit: int


_EQUALS = re.compile(r"[=:＝：]")
_ASPECT_TOLERANCE = 1.05
"""How far the shape of a size may be from a ratio that agrees with it, since sizes are multiples
of 16 pixels: as far as `bot.request.resolve` lets them be."""
_OPENING_BRACE = re.compile(r"[=:＝：]?\s*[{｛]")
_BRACES = re.compile(r"[{}｛｝]")
_SEPARATOR = re.compile(r"[\s{}｛｝,，、|｜]+")
_WORD = re.compile(r"[=:＝：]?\s*([^\s,，。；、()（）{}｛｝]+)")
_NUMBER_OR_ADDRESS = re.compile(r"\S*\d\S*|https?://\S+")


def parse(text: str) -> ParsedPrompt | FlagProblem:
    """Separate a text into prompt and flags, or return all of its invalid flags.

    `flag_dashes` says what a flag is. In “quotation marks” it is text. Nothing gets
    lost: a flag takes one value (--no takes everything up to the next flag), and the words after
    it belong to the prompt again. Flags that agree are taken together. A text without flags is
    returned unchanged, except that escaped braces and settings are unescaped; `permutations`
    expands braces. Never raises.
    """
    found = find_flags(_unescaped(visible(text)))
    if not found.flags:
        return ParsedPrompt(find_flags(_unescaped(text)).text)
    readings = _read_all(found.text, found.flags)
    merged = _merge(readings)
    errors = [*(each.error for each in readings if each.error is not None)]
    errors += merged.errors
    if errors:
        return FlagProblem(_in_order(readings, errors))
    starts = [found.text[: found.flags[0].start], *(each.rest for each in readings)]
    return ParsedPrompt(join_around_flags(starts), merged.given)


def parse_expanded(plain: str) -> ParsedPrompt | FlagProblem:
    """Parse one of the prompts that `permutations` returned, in which braces are unescaped."""
    return parse(escape_braces(plain))


def expand(
    text: str, limit: int = MAX_EXPANDED
) -> tuple[ParsedPrompt, ...] | FlagProblem | TooManyPictures:
    """Return one parsed prompt per picture: expand permutations, then flags, then --repeat.

    If a seed is given, repeated pictures count up from it. `count` is absent from all of them.
    """
    expanded = permutations(text, limit)
    if isinstance(expanded, FlagError):
        return FlagProblem((expanded,))
    if expanded.total > limit:
        whole = parse(text)
        repeat = whole.pictures if isinstance(whole, ParsedPrompt) else 1
        return TooManyPictures(expanded.total * repeat, limit)
    parsed: list[ParsedPrompt] = []
    for prompt in expanded.prompts:
        one = parse_expanded(prompt)
        if isinstance(one, FlagProblem):
            return one
        parsed.append(one)
    total = sum(each.pictures for each in parsed)
    if total > limit:
        return TooManyPictures(total, limit)
    return tuple(
        _with_seed_offset(each, number) for each in parsed for number in range(each.pictures)
    )


def without_flags(text: str, problem: FlagProblem) -> str:
    """Return a text, braces included, without the flags that this problem names.

    Flags that contradict each other go together; what may be prose stays as prose, and so does a
    brace that is half of a choice.
    """
    text = without_command(text)
    if any(isinstance(each, PictureAddress) for each in problem.reasons):
        _, text = picture_addresses(text)
    plain, before = escape_half_choices(visible(text)), ""
    while plain != before:  # what is left may begin another one
        before, plain = plain, _without(plain, problem)
    return plain


def _without(plain: str, problem: FlagProblem) -> str:
    found = written_flags(plain)
    if not found:
        return plain
    readings = _read_all(plain, found)
    named = {each.flag for each in problem.errors}
    dropped = _merge(readings).contradicting | _contradicting_choices(plain, readings, problem)
    parts, last = [""], 0
    for number, reading in enumerate(readings):
        if reading.start < last:  # within the choice of another flag
            continue
        choice = _choice(plain, reading)
        wrong = reading.error is not None or (choice is not None and reading.written in named)
        if reading.asked:
            parts[-1] += plain[last : reading.start] + "\\"
            last = reading.start
        elif wrong or number in dropped or reading.option in problem.options:
            parts[-1] += plain[last : reading.start]
            parts.append("")
            last = _end_with_value(plain, reading, choice)
    parts[-1] += plain[last:]
    return join_around_flags(parts) if len(parts) > 1 else parts[0]


def _contradicting_choices(
    plain: str, readings: Sequence[_Reading], problem: FlagProblem
) -> set[int]:
    """Return the numbers of flags one of which has choices in braces, where some of these
    contradict another flag: that shows only in the permutations."""
    twice = {each.flag for each in problem.errors if each.kind is FlagErrorKind.TWICE}
    settings = [CONFLICTS.get(each.option, each.option) for each in readings]
    chosen = {
        setting
        for setting, each in zip(settings, readings, strict=True)
        if _choice(plain, each) is not None
    }
    named = {
        setting
        for setting, each in zip(settings, readings, strict=True)
        if each.option and each.written in twice
    }
    return {number for number, each in enumerate(settings) if each in chosen & named}


def escape_prompt(text: str) -> str:
    """Escape a text so that `parse` and `expand` return exactly this text as the prompt."""
    return escape_braces(parameters_text.escape(escape_flags(text)))


def _unescaped(text: str) -> str:
    """Return a text whose flags alone are still escaped."""
    return parameters_text.unescape(unescape_braces(text))


# Reading flags


@dataclass(frozen=True, slots=True)
class _Reading:
    """One flag as it was read.

    start: of its dashes. end: of its value. limit: start of the next flag, or end of the text.
    written: its dashes and name. rest: the words after its value.
    """

    start: int
    end: int
    limit: int
    written: str
    rest: str = ""
    option: str = ""
    value: object = None
    value_text: str = ""
    error: FlagError | None = None
    asked: bool = False


@dataclass(slots=True)
class _Merged:
    """The values of all flags. contradicting: the numbers of flags that contradict another."""

    given: dict[str, Any] = field(default_factory=dict[str, Any])
    errors: list[FlagError] = field(default_factory=list[FlagError])
    contradicting: set[int] = field(default_factory=set[int])
    numbers: dict[str, int] = field(default_factory=dict[str, int])


def _read_all(plain: str, flags: Sequence[FoundFlag]) -> list[_Reading]:
    limits = [*(each.start for each in flags[1:]), len(plain)]
    brackets = "".join(plain[each.start - 1 : each.start] for each in flags)
    return [
        _read_flag(plain, each, limit, brackets) for each, limit in zip(flags, limits, strict=True)
    ]


def _read_flag(plain: str, flag: FoundFlag, limit: int, brackets: str) -> _Reading:
    """Read one flag. brackets: the characters directly before flags, which its value may close."""
    start, segment = flag.start, plain[flag.start : limit]
    problem = unsupported_flag(segment)
    if problem is not None:
        end = start + len(problem.flag)
        return _Reading(start, end, limit, problem.flag, plain[end:limit], error=problem)
    name, end = flag_name(segment)
    written = segment[:end]
    option, read_value = FLAGS[name]
    equals = _EQUALS.match(segment, end)
    begin = equals.end() if equals else end
    rest = segment[begin:]
    if option == "negative":
        rest = rest[: end_within_brackets(rest, brackets)]
    found = read_value(rest)
    if isinstance(found, InvalidValue):
        error = value_error(found, written)
        after = begin + rest.find(found.value) + len(found.value) if found.value else begin
        return _Reading(
            start, start + after, limit, written, segment[after:], option, None, found.value, error
        )
    value, after = found.value, begin + found.end
    if isinstance(value, str) and option == "negative":
        last = limit == len(plain) and after == len(segment)
        value = QUOTATION_MARKS.sub(unescape_match, value if last else value.rstrip(f"{SOFT}。. "))
    error = None
    if flag.asked:
        shown = " ".join(filter(None, (f"--{name}", rest[: found.end].strip())))
        error = FlagError(FlagErrorKind.PROSE, segment[:after].strip(), suggestion=shown)
    return _Reading(
        start,
        start + after,
        limit,
        written,
        segment[after:],
        found.option or option,
        value,
        rest[: found.end].strip(),
        error,
        flag.asked,
    )


def _merge(readings: Sequence[_Reading]) -> _Merged:
    """Take flags together that agree, and find those that contradict each other."""
    merged = _Merged()
    for number, reading in enumerate(readings):
        if reading.error is None:
            _merge_one(merged, readings, number)
    return merged


def _merge_one(merged: _Merged, readings: Sequence[_Reading], number: int) -> None:
    reading = readings[number]
    option, value = reading.option, reading.value
    for earlier, other in list(merged.given.items()):
        if CONFLICTS.get(earlier, earlier) != CONFLICTS.get(option, option):
            continue
        if {earlier, option} in PRESETS:
            continue
        together = agreed({earlier: other}, {option: value})
        if together is None:
            before = readings[merged.numbers[earlier]]
            merged.contradicting |= {merged.numbers[earlier], number}
            written = f"{before.written} {before.value_text}".strip()
            error = FlagError(FlagErrorKind.TWICE, reading.written, reading.value_text, (written,))
            merged.errors.append(error)
            return
        ((kept, value),) = together.items()
        if kept == earlier:
            merged.given[kept] = value
            return
        del merged.given[earlier]
    merged.given[option] = value
    merged.numbers[option] = number


def agreed(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the one setting that two settings of the same thing amount to; None if they differ.

    Each is an option with its value. Negative prompts and LoRAs are joined; a size agrees with its
    ratio.
    Of `PRESETS` only the model can tell.
    """
    ((option, value),), ((other_option, other),) = first.items(), second.items()
    if option == other_option:
        if option == "negative":
            return {option: value if other == value else f"{value.rstrip(SOFT + ' ')}, {other}"}
        if option == "lora":
            together = loras.agreed(value, other)
            return None if together is None else {option: together}
        same = _shape(value) == _shape(other) if option == "aspect" else value == other
        return {option: value} if same and type(value) is type(other) else None
    if {option, other_option} == {"size", "aspect"}:
        size, aspect = (value, other) if option == "size" else (other, value)
        difference = size[0] / size[1] / _shape(aspect)
        if 1 / _ASPECT_TOLERANCE <= difference <= _ASPECT_TOLERANCE:
            return {"size": size}
    return None


def _shape(aspect: str) -> float:
    width, _, height = aspect.partition(":")
    return int(width) / int(height)


def _in_order(readings: Sequence[_Reading], errors: Sequence[FlagError]) -> tuple[FlagError, ...]:
    """Return the errors in the order in which their flags are written, each one once."""
    order = {reading.written: number for number, reading in reversed(list(enumerate(readings)))}
    return tuple(
        sorted(dict.fromkeys(errors), key=lambda each: order.get(each.flag, len(readings)))
    )


def _choice(plain: str, reading: _Reading) -> tuple[int, int] | None:
    """Return the start and the end of the braces that stand in place of a flag's value, if any."""
    opening = _OPENING_BRACE.match(plain, reading.start + len(reading.written), reading.limit)
    if opening is None:
        return None
    depth = 0
    for sign in _BRACES.finditer(plain, opening.end() - 1):
        depth += 1 if sign[0] in "{｛" else -1
        if depth == 0:
            return opening.end() - 1, sign.end()
    return None


def _end_with_value(plain: str, reading: _Reading, choice: tuple[int, int] | None) -> int:
    """Return where a flag that is taken out ends, with what looks like its value."""
    if reading.option:
        return choice[1] if choice else reading.end
    # Of an unknown flag: numbers or addresses, or the only word up to the next flag.
    unknown = reading.error is not None and reading.error.kind is FlagErrorKind.UNKNOWN
    if choice is not None:
        words, end = filter(None, _SEPARATOR.split(plain[slice(*choice)])), choice[1]
    else:
        match = _WORD.match(plain[reading.end : reading.limit])
        if match is None:
            return reading.end
        words, end = [match[1]], reading.end + match.end()
    alone = unknown and not plain[end : reading.limit].strip(f"{SOFT} .。")
    is_value = plain[reading.end] in "=:＝：" or all(map(_NUMBER_OR_ADDRESS.fullmatch, words))
    return end if is_value or alone else reading.end


def _with_seed_offset(parsed: ParsedPrompt, offset: int) -> ParsedPrompt:
    given = {name: value for name, value in parsed.given.items() if name != "count"}
    if given.get("seed") is not None:
        given["seed"] = (given["seed"] + offset) % (MAX_SEED + 1)
    return ParsedPrompt(parsed.prompt, given)
