"""Read the values of flags as people write them: numbers, ratios, sizes, styles. Pure."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final, cast

from bot.request.values.regions import Region
from bot.request.values.style_names import QUOTES, STYLE_NAMES, parse_style
from engine.diffusion.families import Speed
from engine.prompts import EnhancementLevel
from engine.sizing import ASPECTS, parse_size

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


_BRACKETS = "([{（［【〔｛<＜*`)]}）］】〕｝>＞"
_TOKEN = re.compile(r"\s*([^\s，。；、！？]+)")
_NUMBER = re.compile(r"\d{1,12}(?:[.,]\d{0,30})?(?:e[+-]?\d{1,3})?|[.,]\d{1,30}", re.IGNORECASE)
_INTEGER = re.compile(r"\d{1,12}")
_AROUND = rf"[{re.escape(QUOTES + _BRACKETS)}]{{0,3}}"
_SIDE = r"(\d{1,5}(?:[.．]\d{1,4})?)"
# "1024x768 pixel art" goes on after the size, and so does "1024x768像素画".
_UNIT = r"(?:\s?px(?!\w)|(?:pixels?|像素)(?!\w)|\s(?:pixels|像素)(?=\s*(?:$|[,.;，。；、])))?"
_SIDE_END = r"(?![A-Za-z\d:：]|\.\d)"
_COLONS, _SLASHES = ":：∶︰﹕꞉", "/／⁄∕"
# Among them letters that look like an x, and the asterisk as it is written within Markdown.
_PAIR = re.compile(
    rf"\s*(?P<around>{_AROUND}){_SIDE}(?:\s?(?:px|pixels?|像素))?\s*"
    rf"([{_COLONS}{_SLASHES}xXｘＸхХχΧ×✕✖⨯╳*＊‐‑–—−～~-]|\\\*|比|乘以?|to|by)"
    rf"\s*{_SIDE}{_UNIT}{_SIDE_END}",
    re.IGNORECASE,
)
_TWO_SIDES = re.compile(
    rf"\s*(\d{{3,5}})(?:px)?(?:\s*[,，、;；]\s*|\s+)(\d{{3,5}}){_UNIT}{_SIDE_END}"
)
_TWO_NUMBERS = re.compile(r"\s*(\d{1,2})(?:\s*[,，、]\s*|\s+)(\d{1,2})(?=[\s,.;，。；、]*\Z)")
_RATIO_ALONE = re.compile(rf"\s*(?P<around>{_AROUND})(\d\.\d{{1,4}})(?![\w:：]|\.\d)")
_NOT_OF_SIZES = frozenset({*_COLONS, *_SLASHES, *"‐‑–—−～~-比", "to"})
SHAPES = {
    "1:1": "square 方形 方图 方圖 正方形",
    "3:2": "landscape horizontal 横版 橫版 横图 橫圖 横屏 橫屏 横向 橫向 横",
    "2:3": "portrait vertical 竖版 豎版 直版 竖图 豎圖 竖屏 豎屏 竖向 纵向 縱向 竖",
    "16:9": "wide widescreen 宽屏 寬屏",
    "9:16": "tall 手机壁纸 手機桌布",
}
"""Shapes by name, which are values of --ar and flags themselves. 3:2 and 2:3, as other image models
have for landscape and portrait; chosen by hand."""
_NAMED_ASPECTS = {name: ratio for ratio, names in SHAPES.items() for name in names.split()}
_REGIONS = {
    name: region
    for region, names in {
        Region.LEFT: "left 左 左边 左邊 左侧 左側 左半 左半边 左半邊",
        Region.RIGHT: "right 右 右边 右邊 右侧 右側 右半 右半边 右半邊",
        Region.TOP: "top upper up 上 上边 上邊 上方 上半 上部 顶部 頂部",
        Region.BOTTOM: "bottom lower down 下 下边 下邊 下方 下半 下部 底部",
        Region.CENTRE: "centre center middle 中 中间 中間 中央 中心",
        Region.BACKGROUND: "background bg 背景",
    }.items()
    for name in names.split()
}
_HALF = re.compile(r"\s+(?:half|side|part)(?!\w)", re.IGNORECASE)
_TIMES = re.compile(r"\s*(?:[xX×](\d{1,4})|(\d{1,4})[xX×])(?!\w)")
_TRUTH = re.compile(r"\s*(?:(true)|false)(?=\s*(?:$|[,.;，。；、]))", re.IGNORECASE)
_RANDOM = frozenset({"-1", "−1", "random", "rand", "any", "随机", "隨機"})
_OTHER_NAMES = {
    "low": "fast", "normal": "standard", "medium": "standard", "high": "fine", "none": "off",
    "快": "fast", "快速": "fast", "标准": "standard", "標準": "standard", "精细": "fine",
    "精細": "fine", "高": "fine", "关": "off", "关闭": "off", "關閉": "off", "轻": "light",
    "轻微": "light", "完整": "full", "智能": "smart",
}  # fmt: skip
_MAX_SIDE = 10_000
_QUALITIES = {0.25: Speed.FAST, 0.5: Speed.FAST, 1: Speed.STANDARD, 2: Speed.FINE, 4: Speed.FINE}
"""The values of Midjourney's --quality, each with the speed that comes closest."""
_SPEEDS = ("0.5", "1", "2", *(each.value for each in Speed))


def _token(text: str) -> tuple[str, int]:
    """Return the first word without quotation marks, brackets and the comma around it, and its end.

    A bracket after it is part of it only where one is before it.
    """
    match = _TOKEN.match(text)
    if match is None:
        return "", 0
    core = match[1].rstrip(",;.!?" + QUOTES + _BRACKETS)
    end = match.start(1) + len(core)
    word = core.lstrip(QUOTES + _BRACKETS)
    inside = QUOTES if len(word) == len(core) else QUOTES + _BRACKETS
    while word and end < match.end() and text[end] in inside:
        end += 1
    return word, end


def _to_number(word: str, high: float = 0) -> float | None:
    """Return a number, also as a percentage of 1 or 100. high: its upper bound, 0 for neither."""
    plain = unicodedata.normalize("NFKC", word)
    percentage = high in (1, 100) and plain.endswith("%")
    if not _NUMBER.fullmatch(plain.removesuffix("%") if percentage else plain):
        return None
    found = float(plain.removesuffix("%").replace(",", "."))
    return found / 100 if percentage and high == 1 else found


def integer(low: int, high: int) -> ValueReader:
    """Read a whole number within these bounds."""

    def read(text: str) -> ParsedValue | InvalidValue:
        word, end = _token(text)
        plain = unicodedata.normalize("NFKC", word)
        if _INTEGER.fullmatch(plain) and low <= int(plain) <= high:
            return ParsedValue(int(plain), end)
        return InvalidValue(word, low=low, high=high)

    return read


def times(low: int, high: int) -> ValueReader:
    """Read how many times: a whole number within these bounds, also as x3 and 3×."""
    whole = integer(low, high)

    def read(text: str) -> ParsedValue | InvalidValue:
        match = _TIMES.match(text)
        if match is None or not low <= int(match[1] or match[2]) <= high:
            return whole(text)
        return ParsedValue(int(match[1] or match[2]), match.end())

    return read


def seed(low: int, high: int) -> ValueReader:
    """Read a whole number within these bounds, or -1 or "random" as None: any seed."""
    whole = integer(low, high)

    def read(text: str) -> ParsedValue | InvalidValue:
        word, end = _token(text)
        return ParsedValue(None, end) if is_random(word) else whole(text)

    return read


def is_random(word: str) -> bool:
    """Return whether a word asks for any seed, as -1 does in other programs."""
    return unicodedata.normalize("NFKC", word).lower() in _RANDOM


def number(low: float, high: float, scale: Callable[[float], float] = float) -> ValueReader:
    """Read a number within these bounds. scale: converts it to the option's value."""

    def read(text: str) -> ParsedValue | InvalidValue:
        word, end = _token(text)
        number = _to_number(word, 1 if high <= 1 else high)
        if number is None or not low <= number <= high:
            return InvalidValue(word, low=low, high=high)
        return ParsedValue(scale(number), end)

    return read


def optional(usual: float, read: ValueReader) -> ValueReader:
    """Read a number that may be left out: words after the flag belong to the prompt."""

    def read_one(text: str) -> ParsedValue | InvalidValue:
        return ParsedValue(usual, 0) if _to_number(_token(text)[0], 1) is None else read(text)

    return read_one


def one_of(kind: type[StrEnum]) -> ValueReader:
    """Read one value of a closed list."""
    choices = {each.value: each for each in kind}

    def read(text: str) -> ParsedValue | InvalidValue:
        word, end = _token(text)
        plain = unicodedata.normalize("NFKC", word).lower()
        plain = _OTHER_NAMES.get(plain, plain)
        if plain in choices:
            return ParsedValue(choices[plain], end)
        return InvalidValue(word, tuple(choices))

    return read


def quality(text: str) -> ParsedValue | InvalidValue:
    """Read a speed by its name, or as one of Midjourney's numbers, such as 0.5, 1 and 2."""
    word, end = _token(text)
    name = unicodedata.normalize("NFKC", word).lower()
    named = {each.value: each for each in Speed}.get(_OTHER_NAMES.get(name, name))
    number = _to_number(word)
    speed = named or (None if number is None else _QUALITIES.get(number))
    return InvalidValue(word, _SPEEDS) if speed is None else ParsedValue(speed, end)


def aspect(text: str) -> ParsedValue | InvalidValue:
    """Read a ratio such as 16:9, 16-9, 1.91:1 and 1.5, or a shape such as portrait. Two numbers
    without a sign between them are one where nothing follows that they could belong to."""
    word, end = _token(text)
    named = _NAMED_ASPECTS.get(unicodedata.normalize("NFKC", word).lower())
    if named is not None:
        return ParsedValue(named, end)
    two = _TWO_NUMBERS.match(text)
    if two is not None and (spaced := _whole_ratio(two[1], two[2])) is not None:
        return ParsedValue(spaced, two.end())
    pair = _PAIR.match(text)
    found = pair or _RATIO_ALONE.match(text)
    ratio = None if found is None else _whole_ratio(found[2], pair[4] if pair else "1")
    if found is None or ratio is None:
        return InvalidValue(word, ASPECTS)
    return ParsedValue(ratio, _end_around(found))


def _whole_ratio(*sides: str) -> str | None:
    """Return a ratio in whole numbers; None if a side is 0."""
    width, height = (Fraction(unicodedata.normalize("NFKC", side)) for side in sides)
    if not width or not height:
        return None
    if width.denominator == height.denominator == 1:
        return f"{width}:{height}"
    ratio = (width / height).limit_denominator(_MAX_SIDE)
    return f"{ratio.numerator}:{ratio.denominator}"


def plain_aspect(text: str) -> str:
    """Return an option's aspect ratio as "16:9", or as it is if it is not understood."""
    found = aspect(text)
    understood = isinstance(found, ParsedValue) and not text[found.end :].strip()
    return str(found.value) if understood else text


def size(text: str) -> ParsedValue | InvalidValue:
    """Read width and height in pixels, such as 1024x768, 1024 × 768px and 1024, 768."""
    two = _TWO_SIDES.match(text)
    if two is not None:
        return ParsedValue((int(two[1]), int(two[2])), two.end())
    match = _PAIR.match(text)
    if (
        match is None
        or match[3].lower() in _NOT_OF_SIZES
        or not all(map(_is_side, (match[2], match[4])))
    ):
        return InvalidValue(_token(text)[0], ("1024x768",))
    return ParsedValue((int(match[2]), int(match[4])), _end_around(match))


def plain_size(text: str) -> tuple[int, int]:
    """Return an option's (width_px, height_px). Raises ValueError with a sentence."""
    found = size(text)
    if not isinstance(found, ParsedValue) or text[found.end :].strip():
        return parse_size(text)
    width_px, height_px = cast("tuple[int, int]", found.value)
    return width_px, height_px


def region(text: str) -> ParsedValue | InvalidValue:
    """Read a part of a picture by any of its names."""
    word, end = _token(text)
    plain = unicodedata.normalize("NFKC", word).lower()
    found = _REGIONS.get(plain)
    if found is None:
        return InvalidValue(word, tuple(Region))
    second, second_end = _token(text[end:])
    if second.lower() in _REGIONS:  # a corner, which is no region
        return InvalidValue(text[: end + second_end].strip(), tuple(Region))
    half = _HALF.match(text, end)
    return ParsedValue(found, half.end() if half else end)


def _end_around(match: re.Match[str]) -> int:
    """Return where a value ends with the quotation marks and brackets that it stands in."""
    end, closing = match.end(), QUOTES + (_BRACKETS if match["around"] else "")
    while match.string[end : end + 1] and match.string[end] in closing:
        end += 1
    return end


def _is_side(digits: str) -> bool:
    return digits.isdecimal() and int(digits) > 0


RANDOM_STYLES: Final = frozenset({"random", "surprise", "随机", "隨機"})


def style(text: str) -> ParsedValue | InvalidValue:
    """Read a style by any of its names; "random"; or Midjourney's raw, which is no enhancement."""
    word, end = _token(text)
    if word.lower() in RANDOM_STYLES:
        return ParsedValue(True, end, "random_style")
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


def always(value: object, otherwise: object = None) -> ValueReader:
    """Return a reader of a flag that is written without a value and means this one.

    "true" behind it changes nothing. otherwise: what "false" means, None if nothing.
    """

    def read(text: str) -> ParsedValue | InvalidValue:
        truth = _TRUTH.match(text)
        if truth is None:
            return ParsedValue(value, 0)
        if truth[1]:
            return ParsedValue(value, truth.end())
        word = truth[0].strip()
        return InvalidValue(word) if otherwise is None else ParsedValue(otherwise, truth.end())

    return read
