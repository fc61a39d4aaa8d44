"""Read the values of flags as people write them: numbers, ratios, sizes, styles. Pure."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from engine.diffusion.families import Speed
from engine.prompts import EnhancementLevel, PictureStyle
from engine.sizing import ASPECTS

SOFT = ",;，；、"
"""Punctuation between flags that has no meaning."""


@dataclass(frozen=True, slots=True)
class ParsedValue:
    """A value that was read; text[end:] belongs to the prompt.

    option: the option that it sets, "" for the flag's own.
    """

    value: object
    end: int
    option: str = ""


@dataclass(frozen=True, slots=True)
class InvalidValue:
    """A text that is not a valid value of the flag.

    value: as written, "" if missing. expected: examples.
    """

    value: str
    expected: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


ValueReader = Callable[[str], ParsedValue | InvalidValue]
"""Reads a value at the beginning of the text up to the next flag."""


_QUOTES = "\"'“”‘’„«»"
_TOKEN = re.compile(r"\s*([^\s，。；、！？]+)")
_NUMBER = re.compile(r"\d{1,12}(?:[.,]\d{0,30})?(?:e[+-]?\d{1,3})?|[.,]\d{1,30}", re.IGNORECASE)
_INTEGER = re.compile(r"\d{1,12}")
_PAIR = re.compile(
    rf"\s*[{_QUOTES}]?(\d{{1,5}})\s*([:：∶/／xXｘ×✕*])\s*(\d{{1,5}})(?![A-Za-z\d:：]|\.\d)[{_QUOTES}]?"
)
_QUALITIES = {0.25: Speed.FAST, 0.5: Speed.FAST, 1: Speed.STANDARD, 2: Speed.FINE, 4: Speed.FINE}
"""The values of Midjourney's --quality, each with the speed that comes closest."""
_SPEEDS = ("0.5", "1", "2", *(each.value for each in Speed))


def _token(text: str) -> tuple[str, int]:
    """Return the first word without the quotation marks and the comma around it, and its end."""
    match = _TOKEN.match(text)
    if match is None:
        return "", 0
    core = match[1].rstrip(",;.!?" + _QUOTES)
    end = match.start(1) + len(core)
    while end < match.end() and text[end] in _QUOTES:
        end += 1
    return core.lstrip(_QUOTES), end


def _to_number(word: str) -> float | None:
    plain = unicodedata.normalize("NFKC", word)
    return float(plain.replace(",", ".")) if _NUMBER.fullmatch(plain) else None


def integer(low: int, high: int) -> ValueReader:
    """Read a whole number within these bounds."""

    def read(text: str) -> ParsedValue | InvalidValue:
        word, end = _token(text)
        plain = unicodedata.normalize("NFKC", word)
        if _INTEGER.fullmatch(plain) and low <= int(plain) <= high:
            return ParsedValue(int(plain), end)
        return InvalidValue(word, low=low, high=high)

    return read


def number(low: float, high: float, scale: Callable[[float], float] = float) -> ValueReader:
    """Read a number within these bounds. scale: converts it to the option's value."""

    def read(text: str) -> ParsedValue | InvalidValue:
        word, end = _token(text)
        number = _to_number(word)
        if number is None or not low <= number <= high:
            return InvalidValue(word, low=low, high=high)
        return ParsedValue(scale(number), end)

    return read


def optional(usual: float, read: ValueReader) -> ValueReader:
    """Read a number that may be left out: words after the flag belong to the prompt."""
    return lambda text: ParsedValue(usual, 0) if _to_number(_token(text)[0]) is None else read(text)


def one_of(kind: type[StrEnum]) -> ValueReader:
    """Read one value of a closed list."""
    choices = {each.value: each for each in kind}

    def read(text: str) -> ParsedValue | InvalidValue:
        word, end = _token(text)
        plain = unicodedata.normalize("NFKC", word).lower()
        if plain in choices:
            return ParsedValue(choices[plain], end)
        return InvalidValue(word, tuple(choices))

    return read


def quality(text: str) -> ParsedValue | InvalidValue:
    """Read a speed by its name, or as one of Midjourney's numbers, such as 0.5, 1 and 2."""
    word, end = _token(text)
    named = {each.value: each for each in Speed}.get(word.lower())
    number = _to_number(word)
    speed = named or (None if number is None else _QUALITIES.get(number))
    return InvalidValue(word, _SPEEDS) if speed is None else ParsedValue(speed, end)


def aspect(text: str) -> ParsedValue | InvalidValue:
    """Read a ratio such as 16:9."""
    match = _PAIR.match(text)
    if match is None or not int(match[1]) or not int(match[3]):
        return InvalidValue(_token(text)[0], ASPECTS)
    return ParsedValue(f"{int(match[1])}:{int(match[3])}", match.end())


def size(text: str) -> ParsedValue | InvalidValue:
    """Read width and height in pixels, such as 1024x768."""
    match = _PAIR.match(text)
    if match is None or match[2] in ":：∶/／" or not int(match[1]) or not int(match[3]):
        return InvalidValue(_token(text)[0], ("1024x768",))
    return ParsedValue((int(match[1]), int(match[3])), match.end())


def style(text: str) -> ParsedValue | InvalidValue:
    """Read a style by any of its names, or Midjourney's raw, which turns enhancement off."""
    word, end = _token(text)
    if word.lower() == "raw":
        return ParsedValue(EnhancementLevel.OFF, end, "enhance")
    found = parse_style(text)
    return InvalidValue(word, STYLE_NAMES) if found is None else ParsedValue(*found)


def words(text: str) -> ParsedValue | InvalidValue:
    """Read everything up to the next flag."""
    return (
        ParsedValue(text.strip(), len(text))
        if text.strip(SOFT + string.whitespace)
        else InvalidValue("")
    )


def always(value: object) -> ValueReader:
    """Return a reader of a flag that is written without a value and always means this one."""
    return lambda _: ParsedValue(value, 0)


# Styles and their synonyms

STYLE_NAMES = (*PictureStyle, "raw")
"""The values of --style, listed in the error about an invalid one."""

_SYNONYMS: dict[PictureStyle, str] = {
    PictureStyle.PHOTO: "photograph, photography, photographic, 照片, 摄影, 真实照片",
    PictureStyle.FILM: "film photo, film photography, analog, analogue, 胶片, 胶片摄影",
    PictureStyle.ANIME: "manga, 动漫, 二次元, 动漫风格",
    PictureStyle.COMIC: "comics, comic book, cartoon, 漫画, 卡通, 美式漫画",
    PictureStyle.WATERCOLOUR: (
        "watercolor, watercolour painting, watercolor painting, 水彩, 水彩画"
    ),
    PictureStyle.OIL: "oil painting, oils, 油画",
    PictureStyle.INK: "ink wash, ink painting, ink wash painting, 水墨, 水墨画, 国画",
    PictureStyle.PENCIL: "pencil drawing, pencil sketch, sketch, 铅笔, 铅笔画, 素描, 铅笔素描",
    PictureStyle.LINE_ART: "lineart, line, line drawing, 线稿",
    PictureStyle.FLAT: "flat illustration, flat vector, vector, 扁平, 扁平插画",
    PictureStyle.POSTER: "poster art, 海报, 海报风格",
    PictureStyle.PIXEL: "pixel art, pixels, 像素, 像素画",
    PictureStyle.RENDER: "3d render, render, 3d渲染, 三维, 三维渲染",
    PictureStyle.LOW_POLY: "lowpoly, 低多边形",
    PictureStyle.ISOMETRIC: "isometric view, 等距, 等距视角",
}
_SPELLINGS = [
    (name, style)
    for style, also in _SYNONYMS.items()
    for name in (style.value.replace("-", " "), *also.split(", "))
]
_STYLES = {name.replace(" ", ""): style for name, style in _SPELLINGS}
_LONGEST_STYLE = 60  # longer than every spelling
_STYLE = re.compile(
    rf"\s*[{_QUOTES}]?("
    + "|".join(
        re.escape(name).replace(r"\ ", r"[ \-_]?")
        for name, _ in sorted(_SPELLINGS, key=lambda each: -len(each[0]))
    )
    + rf")(?!\w)[{_QUOTES}]?",
    re.IGNORECASE,
)


def parse_style(text: str) -> tuple[PictureStyle, int] | None:
    """Return the style that a text begins with and where its name ends; None if there is none."""
    begins = text[:_LONGEST_STYLE]
    plain = unicodedata.normalize("NFKC", begins)
    match = _STYLE.match(plain if len(plain) == len(begins) else begins)
    if match is None:
        return None
    name = re.sub(r"[ \-_]", "", match[1].lower())
    return _STYLES[name], match.end()
