"""What flags look like in a text, which there are, and how the value of each is read. Pure."""

from __future__ import annotations

import difflib
import re
import string
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bot.request.outcomes import FlagError, FlagErrorKind
from bot.request.resolve import MAX_REFINE
from bot.request.style_names import STYLE_NAMES, parse_style
from engine.diffusion.families import MAX_GUIDANCE, MAX_STEPS, Speed
from engine.prompts import EnhancementLevel
from engine.sizing import ASPECTS
from engine.types import MAX_SEED

MAX_REPEAT = 40
DEFAULT_REFINE = 0.25
"""What --refine means without a number."""


@dataclass(frozen=True, slots=True)
class ParsedValue:
    """What was read; text[end:] belongs to no flag. field: where it is not the flag's own."""

    value: object
    end: int
    field: str = ""


@dataclass(frozen=True, slots=True)
class InvalidValue:
    """No value of this flag, and what would be one. value: as written, "" if there is none."""

    value: str
    expected: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


ValueReader = Callable[[str], ParsedValue | InvalidValue]
"""Reads a value off the beginning of the text up to the next flag."""


@dataclass(frozen=True, slots=True)
class FlagSpec:
    """A flag that is obeyed. field: of `Flagged`."""

    field: str
    read: ValueReader


_QUOTES = "\"'“”‘’„«»"
_TOKEN = re.compile(r"\s*([^\s，。；、！？]+)")
_NUMBER = re.compile(r"\d{1,12}(?:[.,]\d{0,30})?(?:e[+-]?\d{1,3})?|[.,]\d{1,30}", re.IGNORECASE)
_INTEGER = re.compile(r"\d{1,12}")
_PAIR = re.compile(
    rf"\s*[{_QUOTES}]?(\d{{1,5}})\s*([:：∶/／xXｘ×✕*])\s*(\d{{1,5}})(?![A-Za-z\d:：]|\.\d)[{_QUOTES}]?"
)


def _token(text: str) -> tuple[str, int]:
    """The first word, without quotation marks around it and the comma after it, and its end."""
    match = _TOKEN.match(text)
    if match is None:
        return "", 0
    core = match[1].rstrip(",;.!?" + _QUOTES)
    end = match.start(1) + len(core)
    while end < match.end() and text[end] in _QUOTES:
        end += 1
    return core.lstrip(_QUOTES), end


def _as_number(word: str) -> float | None:
    plain = unicodedata.normalize("NFKC", word)
    return float(plain.replace(",", ".")) if _NUMBER.fullmatch(plain) else None


def _integer(low: int, high: int) -> ValueReader:
    def read(text: str) -> ParsedValue | InvalidValue:
        word, end = _token(text)
        plain = unicodedata.normalize("NFKC", word)
        if _INTEGER.fullmatch(plain) and low <= int(plain) <= high:
            return ParsedValue(int(plain), end)
        return InvalidValue(word, low=low, high=high)

    return read


def _number(low: float, high: float, scale: Callable[[float], float] = float) -> ValueReader:
    def read(text: str) -> ParsedValue | InvalidValue:
        word, end = _token(text)
        number = _as_number(word)
        if number is None or not low <= number <= high:
            return InvalidValue(word, low=low, high=high)
        return ParsedValue(scale(number), end)

    return read


def _optional(usual: float, read: ValueReader) -> ValueReader:
    """A number that may be left out: whatever is no number is no value of it."""
    return lambda text: ParsedValue(usual, 0) if _as_number(_token(text)[0]) is None else read(text)


def _choice(choices: Mapping[str, object], expected: tuple[str, ...]) -> ValueReader:
    def read(text: str) -> ParsedValue | InvalidValue:
        word, end = _token(text)
        plain = unicodedata.normalize("NFKC", word).lower()
        return (
            ParsedValue(choices[plain], end) if plain in choices else InvalidValue(word, expected)
        )

    return read


def _quality(text: str) -> ParsedValue | InvalidValue:
    """A word for the speed, or Midjourney's number: half as much work, the usual, or more."""
    word, end = _token(text)
    named = {each.value: each for each in Speed}.get(word.lower())
    number = _as_number(word)
    speed = named or (None if number is None else _QUALITIES.get(number))
    return InvalidValue(word, _SPEEDS) if speed is None else ParsedValue(speed, end)


def _aspect(text: str) -> ParsedValue | InvalidValue:
    match = _PAIR.match(text)
    if match is None or not int(match[1]) or not int(match[3]):
        return InvalidValue(_token(text)[0], ASPECTS)
    return ParsedValue(f"{int(match[1])}:{int(match[3])}", match.end())


def _size(text: str) -> ParsedValue | InvalidValue:
    match = _PAIR.match(text)
    if match is None or match[2] in ":：∶/／" or not int(match[1]) or not int(match[3]):
        return InvalidValue(_token(text)[0], ("1024x768",))
    return ParsedValue((int(match[1]), int(match[3])), match.end())


def _style(text: str) -> ParsedValue | InvalidValue:
    """A style of ours, or Midjourney's raw."""
    word, end = _token(text)
    if word.lower() == "raw":
        return ParsedValue(EnhancementLevel.OFF, end, "enhance")
    found = parse_style(text)
    return InvalidValue(word, STYLE_NAMES) if found is None else ParsedValue(*found)


def _words(text: str) -> ParsedValue | InvalidValue:
    """Everything up to the next flag."""
    return (
        ParsedValue(text.strip(), len(text))
        if text.strip(SOFT + string.whitespace)
        else InvalidValue("")
    )


def _always(value: object) -> ValueReader:
    return lambda _: ParsedValue(value, 0)


_QUALITIES = {0.25: Speed.FAST, 0.5: Speed.FAST, 1: Speed.STANDARD, 2: Speed.FINE, 4: Speed.FINE}
_SPEEDS = ("0.5", "1", "2", *(each.value for each in Speed))
_LEVELS = tuple(each.value for each in EnhancementLevel)
_CHOSEN_LEVEL = _choice({each.value: each for each in EnhancementLevel}, _LEVELS)

_SUPPORTED: tuple[tuple[str, str, ValueReader], ...] = (
    ("ar aspect aspect-ratio ratio", "aspect", _aspect),
    ("size", "size", _size),
    ("seed", "seed", _integer(0, MAX_SEED)),
    ("repeat r count", "count", _integer(1, MAX_REPEAT)),
    ("no negative", "negative", _words),
    ("quality q speed", "speed", _quality),
    ("draft", "speed", _always(Speed.FAST)),
    ("steps", "steps", _integer(1, MAX_STEPS)),
    ("guidance cfg", "guidance", _number(1.0, MAX_GUIDANCE)),
    ("strict", "strict", _always(True)),
    ("chaos c", "variety", _number(0, 100, lambda share: share / 100)),
    ("variety", "variety", _number(0, 1)),
    ("refine", "refine", _optional(DEFAULT_REFINE, _number(0, MAX_REFINE))),
    ("enhance", "enhance", _CHOSEN_LEVEL),
    ("raw no-enhance", "enhance", _always(EnhancementLevel.OFF)),
    ("style", "style", _style),
    ("strength", "strength", _number(0.01, 1)),
    # The more an image weighs, the less noise is laid over it: 0 leaves nothing of it, 1 is what
    # painting from a picture takes by itself (0.75), 3 keeps the most.
    ("iw", "strength", _number(0, 3, lambda weight: 1 - weight / 4)),
    ("private stealth", "private", _always(True)),
    ("public", "private", _always(False)),
)
FLAGS: Mapping[str, FlagSpec] = {
    name: FlagSpec(field, read) for names, field, read in _SUPPORTED for name in names.split()
}

_NOT_HERE: tuple[tuple[str, str], ...] = (
    ("stylize stylise s", "enhance"),
    ("weird w", "chaos"),
    ("fast turbo", "speed"),
    ("width height h", "size"),
    ("sameseed", "seed"),
    ("v version niji tile stop sref sw sv cref cw oref ow profile p personalize exp video", ""),
    ("motion loop end bs relax test testp creative hd sd beta upbeta uplight upanime vibe", ""),
)
UNSUPPORTED: Mapping[str, str] = {
    name: suggestion for names, suggestion in _NOT_HERE for name in names.split()
}
"""Midjourney's flags that cannot be obeyed, and the flag here that comes closest, "" for none."""

CONFLICTS: Mapping[str, str] = {"size": "aspect", "steps": "speed", "strict": "guidance"}
"""Fields that decide what another one decides; of such a pair only one may be given."""


def unsupported_flag(segment: str) -> FlagError | None:
    """Why the flag at the beginning of a text cannot be obeyed; None if it can."""
    name, end = flag_name(segment)
    if name in FLAGS:
        return None
    if name in UNSUPPORTED:
        near = UNSUPPORTED[name]
        suggestion = f"--{near}" if near else ""
        return FlagError(FlagErrorKind.UNSUPPORTED, segment[:end], suggestion=suggestion)
    whole = _UNKNOWN.match(segment)
    written = whole[0] if whole else segment[:end]
    close = difflib.get_close_matches(name[:40], FLAGS, 1)
    return FlagError(FlagErrorKind.UNKNOWN, written, suggestion=f"--{close[0]}" if close else "")


def value_error(found: InvalidValue, written: str) -> FlagError:
    """A flag whose value is missing, or none."""
    kind = FlagErrorKind.BAD_VALUE if found.value else FlagErrorKind.MISSING
    return FlagError(kind, written, found.value, found.expected, found.low, found.high)


# How they are written

CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
SOFT = ",;，；、"
SEPARATORS = SOFT + " .!?。！？"
_IS_CJK = re.compile(rf"[{CJK}]")
_LETTER = rf"(?:(?![{CJK}])[^\W\d_])"
# A phone turns two hyphens into one dash, or into hyphens that do not break.
_HYPHENS, _DASHES = r"\-‐‑﹣－", "−–—―⸺"
_OPENER = re.compile(
    rf"(?<![\\{_HYPHENS}{_DASHES}])(\\*)"
    rf"((?:[{_HYPHENS}]{{2}}|[{_HYPHENS}]?[{_DASHES}])[{_HYPHENS}{_DASHES}]*)(?=[A-Za-zＡ-Ｚａ-ｚ])"
)
_HYPHENS_ONLY = re.compile(rf"[{_HYPHENS}]+")
_CHINESE_DASH = re.compile(r"[—―⸺]{2,}")
_FLAG = re.compile(rf"[{_HYPHENS}{_DASHES}]+({_LETTER}+(?:[{_HYPHENS}]{_LETTER}+)*)")
_FIGURE = re.compile(r"[=:＝：]?\s*\.?\d")
_UNKNOWN = re.compile(rf"[{_HYPHENS}{_DASHES}]+[\w{_HYPHENS}]+")
_INSIDE_WORDS = frozenset("_/\\=&@#%+~'’")
MARKS = re.compile(r'(?<!\\)(\\*)(["“”„«»「」『』《》])')
_CLOSING = {"“": "”", "„": "“”", "«": "»", "「": "」", "『": "』", "《": "》", '"': '"'}


def unescape_match(match: re.Match[str]) -> str:
    """Backslashes and a sign, without the backslashes that were there for the sign."""
    return "\\" * (len(match[1]) // 2) + match[2]


def escape_match(match: re.Match[str]) -> str:
    """Backslashes and a sign, such that `halved` gives them back."""
    return match[1] * 2 + "\\" + match[2]


@dataclass(frozen=True, slots=True)
class FoundFlags:
    """A text without the backslashes that take flags' meaning, and where its flags begin."""

    text: str
    image_to_image: tuple[int, ...]


def find_flags(text: str) -> FoundFlags:
    """Find the beginnings of flags. Never raises."""
    pieces: list[str] = []
    image_to_image: list[int] = []
    last = length = 0
    for match in _openers(text):
        slashes = len(match[1])
        pieces.append(text[last : match.start()] + "\\" * (slashes // 2))
        length += len(pieces[-1])
        last = match.end(1)
        if slashes % 2 == 0:
            image_to_image.append(length)
    return FoundFlags("".join(pieces) + text[last:], tuple(image_to_image))


def escape_flags(text: str) -> str:
    """The text with backslashes such that `opened` finds it without any flag."""
    pieces: list[str] = []
    last = 0
    for match in _openers(text):
        pieces += text[last : match.start()], escape_match(match)
        last = match.end()
    return "".join(pieces) + text[last:]


def flag_name(segment: str) -> tuple[str, int]:
    """The name of the flag at the beginning of a text, in plain small letters, and its end."""
    match = _FLAG.match(segment)
    if match is None:
        return "", 0
    plain = unicodedata.normalize("NFKC", match[1]).lower()
    return re.sub(rf"[{_HYPHENS}]", "-", plain), match.end()


def _openers(text: str) -> Iterator[re.Match[str]]:
    """What would be flags without their backslashes."""
    quoted = iter([*_quotations(text), (len(text), len(text))])
    start, end = next(quoted)
    for match in _OPENER.finditer(text):
        while end < match.start(2):
            start, end = next(quoted)
        if match.start(2) < start and _begins_word(text, match):
            yield match


def _begins_word(text: str, match: re.Match[str]) -> bool:
    before = text[match.start() - 1] if match.start() else " "
    if before.isspace():
        # In Chinese a long dash may stand before any word.
        return _CHINESE_DASH.fullmatch(match[2]) is None or _is_known(text[match.start(2) :])
    if _is_latin(before) or before in _INSIDE_WORDS or unicodedata.combining(before):
        return False
    # After a sign or where no spaces are written: 海报——AI时代, “Go”—Bob; but 猫——ar 16:9.
    hyphens = _HYPHENS_ONLY.fullmatch(match[2]) is not None
    return hyphens or _is_known(text[match.start(2) :], with_figure=True)


def _is_known(text: str, *, with_figure: bool = False) -> bool:
    name, end = flag_name(text)
    figure = not with_figure or _FIGURE.match(text, end) is not None
    return figure and (name in FLAGS or name in UNSUPPORTED)


def _is_latin(character: str) -> bool:
    return character.isalnum() and _IS_CJK.match(character) is None


def _quotations(text: str) -> Iterator[tuple[int, int]]:
    """Where quotation marks open and close; one without its counterpart quotes nothing."""
    marks = [
        (match.start(2), match[2])
        for match in MARKS.finditer(text)
        if len(match[1]) % 2 == 0 and not _is_inches(text, match.start(2))
    ]
    places: dict[str, list[int]] = {}
    for at, mark in reversed(marks):
        places.setdefault(mark, []).append(at)  # the next one last
    end = -1
    for at, mark in marks:
        opens = mark in _CLOSING and not (mark == '"' and _is_latin(text[at - 1 : at]))
        if at > end and opens:
            closing = [_next(places.get(each, []), at) for each in _CLOSING[mark]]
            nearest = min((each for each in closing if each is not None), default=None)
            if nearest is not None:
                end = nearest
                yield at, end


def _is_inches(text: str, at: int) -> bool:
    """Whether a mark stands within a word: 5"x7"."""
    sides = text[at - 1 : at], text[at + 1 : at + 2]
    return text[at] == '"' and all(map(_is_latin, sides))


def _next(places: list[int], at: int) -> int | None:
    while places and places[-1] <= at:
        places.pop()
    return places[-1] if places else None
