"""Tell the dashes that begin a flag from those that are punctuation. Pure.

Two hyphens directly before a letter, at the beginning of a word, always begin a flag; so does the
dash that a phone makes of them. Any other dash begins one only where the name of a known flag and
a value of it follow: `-- ar 16:9`, `-ar 16:9`, `house--ar 16:9`. Where that could be prose as well
(`a street — no cars`), it is a question.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from bot.request.prompt.flag_names import (
    DASHES,
    FLAGS,
    HYPHENS,
    UNSUPPORTED,
    flag_name,
    similar_chinese,
)
from bot.request.quotations import CJK, is_cjk, is_spaced, quotations
from bot.request.values.flag_values import ParsedValue

_OPENER = re.compile(
    rf"(?<![\\{HYPHENS}{DASHES}])(\\*)([{HYPHENS}{DASHES}]+)([^\S\n]{{0,3}})"
    rf"(?=[A-Za-zＡ-Ｚａ-ｚ{CJK}]|\d{{1,2}}[:：]\d|\d{{3,4}}[xX×]\d{{3}})"
)
_DOUBLE = re.compile(rf"(?:[{HYPHENS}]{{2}}|[{HYPHENS}]?[{DASHES}])")
_HYPHENS_ONLY = re.compile(rf"[{HYPHENS}]+")
_CHINESE_DASH = re.compile(r"[—―⸺─]{2,}")
_EQUALS = re.compile(r"[=:＝：]")
_DIGIT = re.compile(r"[=:＝：]?\s*\.?\d")
# Whether or not the flag after it is escaped: escaping one must not change what another one is.
_ENDS = re.compile(rf"\s*(?:$|[,.;:!?，。；：！？、)]|\\*[{HYPHENS}{DASHES}])")
# With the backslash that may mark the end of a prompt before its flags.
_VALUE_ENDS = re.compile(
    rf"(?:^|\\*\s+)\\*(?:[{HYPHENS}]{{2}}|[{HYPHENS}]?[{DASHES}])[A-Za-z{CJK}]|\\+\s*$"
)
_INSIDE_WORDS = frozenset("_/\\=&@#%+~'’")
_ADDRESS = re.compile(r"\S*(?:://|www\.)\S*", re.IGNORECASE)
_WORDS = "negative"
_VALUE_CHARS = 200
"""How far a value is looked for behind the name of a flag. Chosen by hand, above the longest."""


@dataclass(frozen=True, slots=True)
class FoundFlag:
    """Where a flag starts. asked: it may be prose as well, so whoever wrote it is asked."""

    start: int
    asked: bool = False


@dataclass(frozen=True, slots=True)
class FoundFlags:
    """A text with its escaped flags unescaped, and its real flags in order."""

    text: str
    flags: tuple[FoundFlag, ...]


def find_flags(text: str) -> FoundFlags:
    """Find where flags start. Never raises."""
    parts: list[str] = []
    found: list[FoundFlag] = []
    last = length = 0
    for opener, asked in _openers(text):
        slashes = len(opener[1])
        parts.append(text[last : opener.start()] + "\\" * (slashes // 2))
        length += len(parts[-1])
        last = opener.end(1)
        if slashes % 2 == 0:
            found.append(FoundFlag(length, asked))
    return FoundFlags("".join(parts) + text[last:], tuple(found))


def written_flags(text: str) -> tuple[FoundFlag, ...]:
    """Return the flags of a text by their offsets in it as it is, with its backslashes."""
    return tuple(
        FoundFlag(opener.start(2), asked)
        for opener, asked in _openers(text)
        if len(opener[1]) % 2 == 0
    )


def escape_flags(text: str) -> str:
    """Escape a text so that `find_flags` finds no flag in it."""
    parts: list[str] = []
    last = 0
    for opener, _ in _openers(text):
        parts += text[last : opener.start()], opener[1] * 2 + "\\"
        last = opener.start(2)
    return "".join(parts) + text[last:]


def _openers(text: str) -> Iterator[tuple[re.Match[str], bool]]:
    """Yield the start of every flag, escaped ones included, and whether it is a question."""
    quoted = iter([*quotations(text), (len(text), len(text))])
    start, end = next(quoted)
    for match in _OPENER.finditer(text):
        while end < match.start(2):
            start, end = next(quoted)
        if match.start(2) >= start:
            continue
        opener = _Opener(text, match)
        if opener.is_flag():
            yield match, False
        elif opener.is_question():
            yield match, True


class _Opener:
    """A dash before a word, and what stands around it."""

    def __init__(self, text: str, match: re.Match[str]) -> None:
        self._text = text
        self._at = match.start(2)
        self.before = text[match.start() - 1] if match.start() else " "
        self.dashes = match[2]
        self.spaced = bool(match[3])
        self.double = _DOUBLE.match(match[2]) is not None
        self.hyphens = _HYPHENS_ONLY.fullmatch(match[2]) is not None
        self.chinese = is_cjk(text[match.end()])
        self.nameless = text[match.end()].isdigit()
        rest = text[self._at :]
        name, end = flag_name(rest)
        self.name = name
        self.rest = rest[end:]

    @property
    def known(self) -> bool:
        return self.name in FLAGS or self.name in UNSUPPORTED

    @property
    def after_space(self) -> bool:
        return self.before.isspace()

    @property
    def glued(self) -> bool:
        """Whether it follows a word without a space, in a script that has spaces."""
        return is_spaced(self.before) or unicodedata.combining(self.before) != 0

    def is_flag(self) -> bool:
        if self.nameless:
            return bool(self.name) and self._is_strict()
        if self.chinese:
            return self._is_chinese_flag()
        return self._is_strict() or self._has_clear_value()

    def is_question(self) -> bool:
        if self.name not in FLAGS or self.before in _INSIDE_WORDS or self._in_address():
            return False
        if self.nameless:
            return False
        option, reader = FLAGS[self.name]
        value = reader(self._value_text())
        if not isinstance(value, ParsedValue):
            return False
        if option == _WORDS:
            return self._could_deny()
        if value.end:
            return self._stands_alone()
        ends = _ENDS.match(self.rest) is not None
        if not self.double:
            return self.after_space and not self.spaced
        return ends and self.hyphens and (self.after_space or not self.spaced)

    def _is_strict(self) -> bool:
        """Whether it is written as a flag, so that it is refused if there is none of this name."""
        if self.spaced or not self.double:
            return False
        if self.after_space:
            # In Chinese, a long dash may precede any word.
            return _CHINESE_DASH.fullmatch(self.dashes) is None or self.known
        if self.glued or self.before in _INSIDE_WORDS:
            return False
        # After punctuation, or in scripts without spaces: 海报——AI时代, “Go”—Bob; 猫——ar 16:9.
        return self.hyphens or (self.known and _DIGIT.match(self.rest) is not None)

    def _has_clear_value(self) -> bool:
        """Whether a known flag and a value follow that make no sense as words."""
        if not self.known or not self._stands_alone():
            return False
        if self.name in UNSUPPORTED:
            attached = not self.spaced or self.name in {"v", "s"}
            attached = attached or (self.double and len(self.name) > 1)
            return attached and _DIGIT.match(self.rest) is not None
        option, reader = FLAGS[self.name]
        text = self._value_text()
        value = reader(text)
        if option == _WORDS or not isinstance(value, ParsedValue) or not value.end:
            return False
        if any(map(str.isdigit, text[: value.end])):
            return len(self.name) > 1 or not self.spaced or self.double
        return not self.spaced and self.hyphens

    def _is_chinese_flag(self) -> bool:
        if self.before in _INSIDE_WORDS or (self.glued and not self.double):
            return False
        if not self.name:
            return (
                self.double
                and self.hyphens
                and not (self.spaced or self.glued)
                and bool(similar_chinese(self._text[self._at :])[1])
            )
        if self.double and self.hyphens and not self.spaced:
            return not self._in_address()
        option, reader = FLAGS[self.name]
        text = self._value_text()
        value = reader(text)
        if not isinstance(value, ParsedValue):
            return False
        ends = _ENDS.match(self.rest) is not None
        if option == _WORDS:
            return self.after_space and bool(re.match(r"[\s=:＝：]", self.rest))
        return (ends and self.after_space) if not value.end else self._stands_alone()

    def _stands_alone(self) -> bool:
        """Whether it is no hyphen within a word, a path or an address."""
        if self.before in _INSIDE_WORDS or self._in_address():
            return False
        return self.double if self.glued else True

    def _could_deny(self) -> bool:
        """Whether "no" after this dash could be the flag: not in 'a street—no cars'."""
        if self.after_space:
            return self.spaced or not self.double
        return self.glued and self.double and self.hyphens and not self.spaced

    def _value_text(self) -> str:
        equals = _EQUALS.match(self.rest)
        begin = equals.end() if equals else 0
        text = self.rest[begin : begin + _VALUE_CHARS]
        following = _VALUE_ENDS.search(text)
        return text[: following.start()] if following else text

    def _in_address(self) -> bool:
        if self.after_space:
            return False
        word = self._text[: self._at].rsplit(None, 1)
        return bool(word) and _ADDRESS.match(word[-1]) is not None
