"""Expand choices in braces: `{red, blue} house` is two prompts. Pure.

Braces are choices only where they hold alternatives. JSON, formulas, templates such as `{mood}`,
and whatever stands in quotation marks or back-ticks is text. A backslash escapes a special
character: `\\{`, `\\}`, and within braces `\\,`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from bot.request.outcomes import FlagError, FlagErrorKind
from bot.request.quotations import escape_match, quotations, unescape_match
from engine.prompts import visible

__all__ = [
    "MAX_EXPANDED",
    "Permutations",
    "escape_braces",
    "escape_half_choices",
    "permutations",
    "unescape_braces",
]

MAX_EXPANDED = 40
"""Pictures that one text may ask for, unless the caller sets a limit. Chosen by hand, as many as
Midjourney's --repeat allows."""

_BRACE = re.compile(r"(?<!\\)(\\*)([{}｛｝])")
_SIGN = re.compile(r"(?<!\\)(\\*)([{}｛｝,，、|｜])")
_OPENING, _CLOSING = "{｛", "}｝"
_MAX_HALVES = 20
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_FORMULA = re.compile(r"\$(?!\s)[^$\n]*\\[A-Za-z][^$\n]*\$")
# \frac{a}{b}, x_{i,j}, ${name}: the second argument follows the first one's closing brace.
_BEFORE_TEXT = re.compile(r"(?:\\[A-Za-z]+\*?|[_^$])\Z")
_COMMAND_CHARS = 40
_QUOTED_KEY = re.compile(
    r"""\s*(?:"[^"\n]*"|'[^'\n]*'|“[^”\n]*”|”[^”\n]*”|‘[^’\n]*’|’[^’\n]*’)\s*[:：]"""
)
_BARE_KEY = re.compile(r"""\s*([^\W\d][\w-]{0,30})\s*(?::\s+(?=\S)|:(?=["'“‘\[{])|：)""")
_EMOTICON = re.compile(r"(?:(?<=[:;=8xX])|(?<=[:;=8xX][-'’^o]))[{}]|[{}](?=-?[:;=])")
# Dynamic Prompts: {2$$a|b} draws two, {3::a|b} weighs the first one.
_PICK = re.compile(r"\s*(?:\d*(?:-\d*)?\$\$(?:[^$|,，、{}]{0,10}\$\$)?|\d+(?:\.\d+)?::)")


@dataclass(frozen=True, slots=True)
class Permutations:
    """The permutations of a prompt.

    total: how many there are. prompts: () if they exceed the limit. ignored: parts of choices that
    other programs obey and that are left out, such as "2$$".
    """

    prompts: tuple[str, ...]
    total: int
    ignored: tuple[str, ...] = ()


def permutations(prompt: str, limit: int = MAX_EXPANDED) -> Permutations | FlagError:
    """Expand groups such as `{red, blue} house`; more than `limit` permutations are only counted.

    A comma, `|` or `、` separates options. Groups multiply, may be nested, and may contain empty
    options and flags. Spaces around an option are ignored. The last group varies fastest. A brace
    without its counterpart is text, unless it could be half of a group: then it is an UNBALANCED
    error.
    """
    found = _expanded(prompt, limit)
    if isinstance(found, Permutations):
        return found
    around = prompt[max(0, found - 15) : found + 25].strip()
    return FlagError(FlagErrorKind.UNBALANCED, prompt[found], around)


def escape_half_choices(prompt: str) -> str:
    """Return the prompt with a backslash before each brace that is half of a choice.

    Where there are more than a few, every brace gets one: a prompt is not meant like that, and to
    look for each would take minutes.
    """
    for _ in range(_MAX_HALVES):
        at = _expanded(prompt, MAX_EXPANDED)
        if not isinstance(at, int):
            return prompt
        prompt = f"{prompt[:at]}\\{prompt[at:]}"
    return _BRACE.sub(
        lambda brace: brace[0] if len(brace[1]) % 2 else f"{brace[1]}\\{brace[2]}", prompt
    )


def _expanded(prompt: str, limit: int) -> Permutations | int:
    """Return the permutations, or where the brace is that is half of a choice."""
    expansion = _Expansion(prompt, limit)
    for match in _SIGN.finditer(prompt):
        at = expansion.read(match)
        if at is not None:
            return at
    return expansion.finish()


def escape_braces(text: str) -> str:
    """Escape a text so that no brace in it is special; `unescape_braces` is the inverse."""
    return _BRACE.sub(escape_match, text)


def unescape_braces(text: str) -> str:
    """Return the text with escaped braces as plain ones."""
    return _BRACE.sub(unescape_match, text)


@dataclass(frozen=True, slots=True)
class _TextSet:
    """A set of texts; over the limit, only their number."""

    total: int
    texts: tuple[str, ...]

    def then(self, text: str) -> _TextSet:
        return _TextSet(self.total, tuple(each + text for each in self.texts)) if text else self

    def stripped(self) -> _TextSet:
        return _TextSet(self.total, tuple(each.strip() for each in self.texts))

    def times(self, other: _TextSet, gap: bool, limit: int) -> _TextSet:
        """Combine each text with each of the other set.

        gap: a space follows, so an empty option leaves no space before it.
        """
        total = self.total * other.total
        if total > limit:
            return _TextSet(total, ())
        pairs = product(self.texts, other.texts)
        return _TextSet(total, tuple((a if b or not gap else a.rstrip()) + b for a, b in pairs))


_NOTHING = _TextSet(1, ("",))


@dataclass(slots=True)
class _Group:
    """A brace that is not closed yet.

    before: the texts up to it. options: the finished ones. starts: where each option starts,
    the open one included. literal: the parts of its text, as they are shown if it is no choice.
    """

    before: _TextSet
    start: int
    brace: str
    starts: list[int]
    options: list[_TextSet] = field(default_factory=list[_TextSet])
    literal: list[str] = field(default_factory=list[str])
    child: tuple[int, int] | None = None
    """Start and end of the group that stands alone in it, if it is its first."""

    def text(self) -> str:
        return self.brace + "".join(self.literal)


class _Expansion:
    """The state of one call of `permutations`."""

    def __init__(self, prompt: str, limit: int) -> None:
        self._prompt = prompt
        self._limit = limit
        self._groups: list[_Group] = []
        self._current = _NOTHING
        self._last = 0
        self._chosen = False
        self._separated = False
        self._ignored: list[str] = []
        self._formula_end = -2  # of no formula
        self._spans = iter([*_text_spans(prompt), (len(prompt), len(prompt))])
        self._span = next(self._spans)

    def read(self, match: re.Match[str]) -> int | None:
        sign, at, slashes = match[2], match.start(2), len(match[1])
        if sign not in _OPENING + _CLOSING and not self._groups:
            self._separated = True
            return None
        if slashes % 2 == 0 and self._is_text(at):
            return None
        self._add(self._prompt[self._last : match.start()] + "\\" * (slashes // 2))
        self._last = match.end()
        if slashes % 2:
            self._add(sign)
        elif sign in _OPENING:
            self._groups.append(_Group(self._current, at, sign, [at + 1]))
            self._current = _NOTHING
        elif not self._groups:
            if self._separated and not _EMOTICON.match(self._prompt, at):
                return at
            self._add(sign)
        elif sign in _CLOSING:
            self._close(at, sign)
        else:
            group = self._groups[-1]
            group.options.append(self._current)
            group.starts.append(at + 1)
            group.literal.append(sign)
            self._current = _NOTHING
        return None

    def finish(self) -> Permutations | int:
        self._add(self._prompt[self._last :])
        for group in self._groups:
            open_choice = group.options and not self._is_literal(group, len(self._prompt))
            if open_choice and not _EMOTICON.match(self._prompt, group.start):
                return group.start
        while self._groups:
            group = self._groups.pop()
            self._keep(group, "")
        whole = self._current.stripped() if self._chosen else self._current
        texts = whole.texts if whole.total <= self._limit else ()
        return Permutations(texts, whole.total, tuple(dict.fromkeys(self._ignored)))

    def _is_text(self, at: int) -> bool:
        while self._span[1] < at:
            self._span = next(self._spans)
        return self._span[0] <= at

    def _add(self, text: str) -> None:
        self._current = self._current.then(text)
        if self._groups:
            self._groups[-1].literal.append(text)

    def _close(self, at: int, sign: str) -> None:
        group = self._groups.pop()
        options = [*group.options, self._current]
        no_choice = len(options) == 1 or not any(
            text.strip() for each in options for text in each.texts or ("x",)
        )
        if no_choice or self._is_literal(group, at):
            if no_choice and self._is_literal(group, at):
                group.options = [_NOTHING]  # not even the groups in it are choices
            self._keep(group, sign)
        else:
            self._choose(group, options, at)
            if self._groups:
                self._groups[-1].literal.append(group.text() + sign)
        if self._groups and self._groups[-1].start + 1 == group.start:
            self._groups[-1].child = (group.start, at)

    def _keep(self, group: _Group, closing: str) -> None:
        """Continue with the text of a group that is no choice."""
        literal = group.text() + closing
        if group.options:
            self._current = group.before.then(literal)
        else:
            inner = group.before.then(group.brace).times(self._current, False, self._limit)
            self._current = inner.then(closing)
        if self._groups:
            self._groups[-1].literal.append(literal)

    def _choose(self, group: _Group, options: list[_TextSet], at: int) -> None:
        after = self._prompt[at + 1 : at + 2]
        gap = not after or after.isspace() or after in ",.;，。；}｝"
        plain = [self._without_picks(each).stripped() for each in options]
        self._current = group.before.times(_union(plain, self._limit), gap, self._limit)
        self._chosen = True

    def _without_picks(self, option: _TextSet) -> _TextSet:
        texts: list[str] = []
        for text in option.texts:
            pick = _PICK.match(text)
            if pick is not None:
                self._ignored.append(pick[0].strip())
            texts.append(text[pick.end() :] if pick else text)
        return _TextSet(option.total, tuple(texts))

    def _is_literal(self, group: _Group, end: int) -> bool:
        """Whether nothing in this group is a choice. end: of its content."""
        if group.child == (group.start + 1, end - 1):
            return True  # {{a}}: a template, or NovelAI's emphasis
        before = self._prompt[max(0, group.start - _COMMAND_CHARS) : group.start]
        if _BEFORE_TEXT.search(before) or group.start == self._formula_end + 1:
            self._formula_end = end
            return True
        return self._is_object(group, end)

    def _is_object(self, group: _Group, end: int) -> bool:
        """Whether it is JSON, or something like it: `{"a": 1, "b": 2}`, `{a: x, b: y}`."""
        first = visible(self._prompt[group.starts[0] : end])
        if _QUOTED_KEY.match(first) is not None:
            return True
        keys = [_BARE_KEY.match(self._prompt, start, end) for start in group.starts]
        while (
            keys
            and keys[-1] is None
            and not self._prompt[group.starts[len(keys) - 1] : end].strip()
        ):
            keys.pop()  # a comma at the end
        names = [each[1] for each in keys if each is not None]
        return len(names) == len(keys) == len(set(names)) and bool(names)


def _text_spans(prompt: str) -> Iterator[tuple[int, int]]:
    """Yield, in order and without overlaps, the spans in which no sign is special."""
    spans = [*quotations(prompt)]
    for pattern in (_CODE, _FORMULA):
        spans += [(match.start(), match.end() - 1) for match in pattern.finditer(prompt)]
    end = -1
    for span in sorted(spans):
        if span[1] > end:
            yield max(span[0], end + 1), span[1]
            end = span[1]


def _union(options: list[_TextSet], limit: int) -> _TextSet:
    total = sum(each.total for each in options)
    fits = total <= limit
    return _TextSet(total, tuple(text for each in options for text in each.texts) if fits else ())
