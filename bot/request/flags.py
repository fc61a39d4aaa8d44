"""Parse flags and permutations in a prompt: `{red, blue} house --ar 16:9 --repeat 3`. Pure.

A backslash escapes a special character: `\\{`, `\\}`, `\\,` within braces, `\\--ar`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.request.braces import MAX_EXPANDED, escape_braces, permutations, unescape_braces
from bot.request.flag_syntax import (
    FLAGS,
    QUOTATION_MARKS,
    SEPARATORS,
    escape_flags,
    escape_match,
    find_flags,
    flag_name,
    unescape_match,
    unsupported_flag,
    value_error,
)
from bot.request.flag_values import SOFT, InvalidValue
from bot.request.options import CONFLICTS
from bot.request.outcomes import FlagError, FlagErrorKind
from engine import prompts
from engine.prompts import EnhancementLevel, Style
from engine.types import MAX_SEED, ImageRequest, Mode

__all__ = [
    "FlagError",
    "FlagErrorKind",
    "ParsedPrompt",
    "TooManyPictures",
    "escape_prompt",
    "expand",
    "flag_line",
    "parse",
    "parse_expanded",
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


def parse(text: str) -> ParsedPrompt | FlagError:
    """Separate a text into prompt and flags, or return its first invalid flag.

    A flag is two hyphens, or the dash that a phone makes of them, directly before a letter at the
    beginning of a word. In “quotation marks” it is text, and so is "a cat --" or "a house — red".
    Nothing gets lost: a flag takes one value (--no takes everything up to the next flag), and the
    words after it belong to the prompt again. A text without flags is returned unchanged, except
    that escaped braces are unescaped; `permutations` expands braces. Never raises.
    """
    found = find_flags(unescape_braces(text))
    plain, starts = found.text, found.starts
    if not starts:
        return ParsedPrompt(plain)
    kept = [plain[: starts[0]]]
    given: dict[str, tuple[object, str]] = {}
    for start, end in zip(starts, [*starts[1:], len(plain)], strict=True):
        last = end == len(plain)
        problem = _read_flag(plain[start:end], last, given, kept)
        if problem is not None:
            return problem
    return ParsedPrompt(_joined(kept), {option: value for option, (value, _) in given.items()})


def parse_expanded(plain: str) -> ParsedPrompt | FlagError:
    """Parse one of the prompts that `permutations` returned, in which braces are unescaped."""
    return parse(escape_braces(plain))


def expand(
    text: str, limit: int = MAX_EXPANDED
) -> tuple[ParsedPrompt, ...] | FlagError | TooManyPictures:
    """Return one parsed prompt per picture: expand permutations, then flags, then --repeat.

    If a seed is given, repeated pictures count up from it. `count` is absent from all of them.
    """
    expanded = permutations(text, limit)
    if isinstance(expanded, FlagError):
        return expanded
    if expanded.total > limit:
        whole = parse(text)
        repeat = whole.pictures if isinstance(whole, ParsedPrompt) else 1
        return TooManyPictures(expanded.total * repeat, limit)
    parsed: list[ParsedPrompt] = []
    for prompt in expanded.prompts:
        one = parse_expanded(prompt)
        if isinstance(one, FlagError):
            return one
        parsed.append(one)
    total = sum(each.pictures for each in parsed)
    if total > limit:
        return TooManyPictures(total, limit)
    return tuple(
        _with_seed_offset(each, number) for each in parsed for number in range(each.pictures)
    )


def flag_line(request: ImageRequest) -> str:
    """Return the prompt and flags that reproduce this picture when `parse` or `expand` read them.

    No flag can name the source images or the variations. --enhance is included if the level can be
    determined from the effective prompt.
    """
    level = _enhancement_level(request)
    flags = [
        f"--size {request.width_px}x{request.height_px}",
        f"--seed {request.seed}",
        f"--steps {request.steps}",
        f"--guidance {_format_number(request.guidance)}",
    ]
    if request.mode is not Mode.TEXT:
        flags.append(f"--strength {_format_number(request.strength)}")
    if request.variety:
        flags.append(f"--variety {_format_number(request.variety)}")
    if request.refine:
        flags.append(f"--refine {_format_number(request.refine)}")
    if request.style is not None:
        flags.append(f"--style {request.style}")
    if level is not None:
        flags.append(f"--enhance {level}")
    line = " ".join([escape_prompt(request.prompt), *flags])
    if not request.negative_prompt.strip(f"{SOFT} "):
        return line
    complete = f"{line} --no {escape_prompt(request.negative_prompt)}"
    reparsed = parse(complete)
    if (
        isinstance(reparsed, ParsedPrompt)
        and reparsed.given.get("negative") == request.negative_prompt
    ):
        return complete
    # Its quotation marks would close quotations of the prompt, or lose their backslashes.
    unquoted = escape_flags(QUOTATION_MARKS.sub(escape_match, request.negative_prompt))
    return f"{line} --no {escape_braces(unquoted)}"


# Reading flags


def _read_flag(
    segment: str, last: bool, given: dict[str, tuple[object, str]], kept: list[str]
) -> FlagError | None:
    """Read one flag and the text after it: the value goes into `given`, the rest into `kept`."""
    problem = unsupported_flag(segment)
    if problem is not None:
        return problem
    name, end = flag_name(segment)
    written = segment[:end]
    option, read_value = FLAGS[name]
    equals = _EQUALS.match(segment, end)
    rest = segment[equals.end() if equals else end :]
    found = read_value(rest)
    if isinstance(found, InvalidValue):
        return value_error(found, written)
    value = found.value
    if isinstance(value, str) and option == "negative":
        value = QUOTATION_MARKS.sub(unescape_match, value if last else value.rstrip(f"{SOFT} "))
    option = found.option or option
    for earlier, (_, other) in given.items():
        if CONFLICTS.get(earlier, earlier) == CONFLICTS.get(option, option):
            value_text = rest[: found.end].strip()
            return FlagError(FlagErrorKind.TWICE, written, value_text, (other,))
    given[option] = (value, written)
    kept.append(rest[found.end :])
    return None


def _joined(parts: Iterable[str]) -> str:
    """Join the parts of the prompt around its flags, without commas that only separated flags."""
    prompt = ""
    for number, part in enumerate(parts):
        words = part.strip()
        if number and not words.strip(SEPARATORS):
            continue
        if not prompt:
            prompt = words.lstrip(SEPARATORS) if number else words
        elif part[0] in SEPARATORS and not part[0].isspace():
            prompt += words
        else:
            prompt += f" {words}"
    return prompt


def _with_seed_offset(parsed: ParsedPrompt, offset: int) -> ParsedPrompt:
    given = {name: value for name, value in parsed.given.items() if name != "count"}
    if "seed" in given:
        given["seed"] = (given["seed"] + offset) % (MAX_SEED + 1)
    return ParsedPrompt(parsed.prompt, given)


# Writing


def escape_prompt(text: str) -> str:
    """Escape a text so that `parse` and `expand` return exactly this text as the prompt."""
    return escape_braces(escape_flags(text))


def _format_number(number: float) -> str:
    return repr(float(number)).removesuffix(".0")


def _enhancement_level(request: ImageRequest) -> EnhancementLevel | None:
    """Return the enhancement level that makes this effective prompt today; None if none does."""
    if request.expand:
        return EnhancementLevel.SMART
    prompt = prompts.as_read(request.prompt, request.effective_prompt, request.style)
    if request.effective_prompt == prompt:
        return EnhancementLevel.OFF
    for level in (EnhancementLevel.FULL, EnhancementLevel.LIGHT):
        for style in Style:
            enhanced = prompts.enhance(
                prompt,
                negative=request.negative_prompt,
                level=level,
                style=style,
                negative_works=False,
                seed=request.seed,
                variety=request.variety,
            )
            if enhanced.effective_prompt == request.effective_prompt:
                return level
    return None
