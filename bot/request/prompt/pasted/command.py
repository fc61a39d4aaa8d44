"""A command with its options that was pasted as a prompt, as Discord's client copies it. Pure.

    /imagine prompt:a red house aspect:16:9 seed:5
    /作画 提示词:一座红房子 比例:16:9 种子:5

Its options become flags. Without the command in front, such words are part of the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.request.options import OPTIONS, Option
from bot.request.prompt.pasted.parameters_text import read_typed
from bot.request.prompt.pasted.wrapping import unwrapped
from bot.request.quotations import CJK, quotations
from bot.request.values.flag_values import SOFT, ParsedValue, ValueReader
from engine.prompts import visible

MAX_UNKNOWN: Final = 5
"""Unknown options that are remembered for a note. Chosen by hand, like the length of each."""
_UNKNOWN_CHARS: Final = 40
_PROMPT = frozenset({"prompt", "提示词", "提示詞"})
_PICTURE = frozenset({"picture", "图片", "圖片"})
# Other bots' commands are copied in the same form: /dream prompt:…, /image create prompt:….
_COMMAND = re.compile(
    r"\s*(?:[/!]imagine\b(?:\s*prompt\s*[:：]|\s+prompt\b)?|imagine\s+prompt\s*[:：]"
    r"|[/!]作[画畫](?:\s*提示[词詞]\s*[:：]|(?!\w))"
    r"|/[a-z][\w-]{0,31}(?: [a-z][\w-]{0,31}){0,2}"
    r"(?:\s+prompt\s*[:：]|(?=\s+(?:[\w-]{1,32}:\S+\s+){1,8}prompt\s*[:：])))\s*",
    re.IGNORECASE,
)
_ENDS_IN_PROMPT = re.compile(r"(?:prompt|提示[词詞])\s*[:：]?\s*\Z", re.IGNORECASE)
_LABEL_OF_ALL = re.compile(
    r"\s*(?:(?:\*\*|__)?(?:(?:image |positive )?prompt|(?:正向|正面)?提示[词詞])"
    r"(?:\*\*|__)?[:：](?:\*\*|__)?\s*)+",
    re.IGNORECASE,
)
"""What chat programs write before a prompt."""
_ADDRESS = re.compile(r"<?https?://[^\s<>]+>?", re.IGNORECASE)
_YES = re.compile(r"(?:true|yes|on|是|真|开|開)(?!\w)", re.IGNORECASE)
_NO = re.compile(r"(?:false|no|off|否|假|关|關)(?!\w)", re.IGNORECASE)
# What is chosen from a list is copied as it is labelled: "full: also adds what the prompt implies".
_LABEL = re.compile(r"([^\W_]+)(?:: |：).*", re.DOTALL)
_SHORT_NAME_CHARS = 2
"""Flags as short as "no" and "ar" are words of a prompt wherever no dashes stand before them."""


@dataclass(frozen=True, slots=True)
class PastedCommand:
    """What a command was pasted with. text: its prompt with its options as flags behind it.

    unknown: what looks like an option and is none, as written; it is still part of the text.
    """

    text: str
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Named:
    """A name that an option is written with. exact: nothing else is called so."""

    option: Option | None
    read: ValueReader | None = None
    exact: bool = True


def _names() -> dict[str, _Named]:
    names = dict.fromkeys(_PROMPT | _PICTURE, _Named(None))
    for option in OPTIONS:
        if not option.description:
            continue
        for flag in option.flags[:1] if option.kind is bool else option.flags:
            if option.kind is not bool and option.name not in flag.names:
                continue
            for name in flag.names:
                exact = name == option.name or not name.isascii()
                if exact or len(name) > _SHORT_NAME_CHARS:
                    names[name] = _Named(option, flag.read, exact)
    return names


_NAMES = _names()
_WRITTEN = "|".join(each.replace("-", "[-_ ]") for each in sorted(_NAMES, key=len, reverse=True))
_KNOWN = re.compile(rf"(?:\A|(?<=[\s{SOFT}]))({_WRITTEN})[:：](?!:|//)", re.IGNORECASE)
_LIKE_OPTION = re.compile(rf"(?:\A|(?<=\s))([a-z][\w-]{{0,31}}|[{CJK}]{{1,8}}):(?=[^\s:/])")


def read_command(prompt: str) -> PastedCommand | None:
    """Return what a pasted command says; None for a prompt without a command in front."""
    rest = visible(prompt)
    first = _COMMAND.match(rest)
    if first is None:
        return None
    found = first
    while (again := _COMMAND.match(rest, found.end())) is not None:
        found = again
    rest = rest[found.end() :]
    if read_typed(rest) is not None:  # another program's text, which has names of its own
        return PastedCommand(rest)
    return _Reader(rest, prompted=_ENDS_IN_PROMPT.search(found[0]) is not None).read()


def without_command(prompt: str) -> str:
    """Return a prompt without what a paste has around it: a command, a code block, a quotation.

    The options behind a command become flags. Any other prompt is returned as it is.
    """
    plain, before = prompt, None
    while plain != before:
        before, plain = plain, unwrapped(plain)
        found = read_command(plain)
        shown = visible(plain)
        label = _LABEL_OF_ALL.match(shown)
        if found is not None:
            plain = found.text
        elif label is not None and read_typed(shown) is None:
            plain = shown[label.end() :]
    return plain


def unknown_options(prompt: str) -> tuple[str, ...]:
    """Return what looks like an option of a pasted command and is none."""
    found = read_command(unwrapped(prompt))
    return () if found is None else found.unknown


class _Reader:
    """Reads what stands behind the command. prompted: the name of the prompt has been read."""

    def __init__(self, text: str, *, prompted: bool) -> None:
        self._text = text
        self._prompted = prompted
        self._addresses: list[str] = []
        self._words: list[str] = []
        self._flags: list[str] = []
        self._unknown: list[str] = []
        self._taken = False

    def read(self) -> PastedCommand:
        places = self._places()
        ends = [*(each.start() for each in places), len(self._text)]
        self._words.append(self._text[: ends[0]])
        for place, end in zip(places, ends[1:], strict=True):
            value = self._text[place.end() : end]
            if self._take(place, value):
                self._taken = True
                continue
            self._words.append(self._text[place.start() : end])
            if place[1].lower() not in _PROMPT and self._is_as_copied(place, value):
                self._unknown.append(_short(f"{place[1]}:{_first(value)}"))
        unknown = tuple(dict.fromkeys(self._unknown))[:MAX_UNKNOWN]
        if not self._taken:
            return PastedCommand(self._text, unknown)
        first, *others = self._words
        words = [first.strip(), *(each.strip().lstrip(f"{SOFT} \n") for each in others)]
        text = " ".join(filter(None, words)).rstrip(f"{SOFT} \n")
        return PastedCommand(
            " ".join(filter(None, (*self._addresses, text, *self._flags))), unknown
        )

    def _places(self) -> list[re.Match[str]]:
        """Return where options are named, outside of quotations and braces, in order."""
        found = {each.start(): each for each in _LIKE_OPTION.finditer(self._text)}
        found |= {each.start(): each for each in _KNOWN.finditer(self._text)}
        hidden = [*quotations(self._text), *_braced(self._text)]
        return [
            found[at]
            for at in sorted(found)
            if not any(start <= at <= end for start, end in hidden)
        ]

    def _take(self, place: re.Match[str], value: str) -> bool:
        """Take one option, or return False for words that only look like one."""
        named = _NAMES.get(re.sub("[_ ]", "-", place[1].lower()))
        if named is None:
            return False
        if named.option is None:
            is_prompt = place[1].lower() in _PROMPT
            return self._take_prompt(value) if is_prompt else self._picture(value)
        if named.option.kind is bool:
            return self._take_answer(named.option, value)
        assert named.read is not None
        choices = next(_braced(value), None)
        if choices is not None and not value[: choices[0]].strip():  # expanded later
            self._flags.append(f"--{named.option.name} {value[: choices[1] + 1].strip()}")
            self._words.append(value[choices[1] + 1 :])
            return True
        label = _LABEL.match(value)
        chosen = label is not None and named.option.choices and named.read(label[1])
        if label is not None and isinstance(chosen, ParsedValue):
            value = label[1]
        found = named.read(value)
        if isinstance(found, ParsedValue):
            end = found.end
        elif named.exact and found.value and self._is_as_copied(place, value):
            end = value.find(found.value) + len(found.value)
        else:
            return False
        self._flags.append(f"--{named.option.name} {value[:end].strip()}")
        self._words.append(value[end:])
        return True

    def _is_as_copied(self, place: re.Match[str], value: str) -> bool:
        """Whether it is written as Discord copies it, so that its value is wrong, not prose."""
        apart = not place.start() or self._text[place.start() - 1].isspace()
        return apart and place[0].endswith(":") and bool(value) and not value[0].isspace()

    def _take_prompt(self, value: str) -> bool:
        if self._prompted or any(each.strip(f"{SOFT} \n") for each in self._words):
            return False
        self._prompted = True
        self._words.append(value)
        return True

    def _picture(self, value: str) -> bool:
        address = _ADDRESS.match(value.lstrip())
        if address is None:
            return False
        self._addresses.append(address[0])
        self._words.append(value.lstrip()[address.end() :])
        return True

    def _take_answer(self, option: Option, value: str) -> bool:
        plain = value.lstrip()
        yes = _YES.match(plain)
        answer = yes or _NO.match(plain)
        if answer is None:
            return False
        self._flags += [f"--{option.name}"] if yes else []
        self._words.append(plain[answer.end() :])
        return True


def _braced(text: str) -> Iterator[tuple[int, int]]:
    """Yield where braces open and close, without those in others."""
    depth = start = 0
    for at, character in enumerate(text):
        if character in "{｛":
            start, depth = (start, depth + 1) if depth else (at, 1)
        elif character in "}｝" and depth:
            depth -= 1
            if not depth:
                yield start, at


def _first(value: str) -> str:
    return value.split(maxsplit=1)[0] if value.strip() else ""


def _short(text: str) -> str:
    return text if len(text) <= _UNKNOWN_CHARS else f"{text[:_UNKNOWN_CHARS]}…"
