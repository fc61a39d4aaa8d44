"""Read the text in which Stable Diffusion web UIs keep how a picture was made. Pure.

    a red house
    Negative prompt: night, snow
    Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 12345, Size: 512x768

People paste it as a prompt, on lines or on the one line that Discord makes of them, and programs
embed it in files. A prompt that merely contains such words is left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.request.prompt.flag_dashes import find_flags

MAX_CHARS: Final = 100_000
"""Longer texts are not read. Chosen by hand: the longest real ones list dozens of resources."""
MAX_SETTINGS: Final = 200
"""Chosen by hand, far above what any program writes."""
_MIN_KNOWN: Final = 3
"""Known settings that make a list of settings; as many as the web UI itself asks for."""


@dataclass(frozen=True, slots=True)
class ParametersText:
    """The parts of such a text. settings: by name, as written. flags: what follows it, "" if
    nothing does."""

    prompt: str
    negative: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    flags: str = ""

    def value(self, name: str) -> str:
        """Return the value of a setting, whatever the case of its name; "" if it is not there."""
        wanted = name.lower()
        return next((value for key, value in self.settings if key.lower() == wanted), "")

    @property
    def seed(self) -> int | None:
        """The seed, None if there is none or it is no number."""
        found = self.value("Seed")
        return int(found) if _INTEGER.fullmatch(found) else None

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels, None if they are not there."""
        match = _SIZE.fullmatch(self.value("Size"))
        return (int(match[1]), int(match[2])) if match else None

    @property
    def others(self) -> tuple[str, ...]:
        """The names of all settings but seed and size, in order."""
        names = (key for key, _ in self.settings if key.lower() not in ("seed", "size"))
        return tuple(dict.fromkeys(names))


_Settings = tuple[tuple[str, str], ...]
_INTEGER = re.compile(r"-?\d{1,20}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,12}(?:[.,]\d{0,12})?", re.ASCII)
_SIZE = re.compile(r"0*([1-9]\d{0,4})(?:px)?\s*[xX×*]\s*0*([1-9]\d{0,4})(?: ?px)?", re.ASCII)
_ANYTHING = re.compile(r".*", re.DOTALL)
_KNOWN: Final[Mapping[str, re.Pattern[str]]] = {
    "steps": re.compile(r"\d{1,4}", re.ASCII),
    "seed": _INTEGER,
    "size": _SIZE,
    "cfg scale": _NUMBER,
    "cfg": _NUMBER,
    "guidance": _NUMBER,
    "distilled cfg scale": _NUMBER,
    "clip skip": _NUMBER,
    "denoising strength": _NUMBER,
    "sampler": _ANYTHING,
    "schedule type": _ANYTHING,
    "scheduler": _ANYTHING,
    "model": _ANYTHING,
    "model hash": _ANYTHING,
    "version": _ANYTHING,
}
"""The settings by which a list of them is recognised, in lower case, with their values' form."""
_CHINESE: Final[Mapping[str, str]] = {
    name: setting
    for setting, names in {
        "Steps": "步数 步數 采样步数 採樣步數 迭代步数 迭代步數",
        "Seed": "种子 種子 随机种子 隨機種子",
        "Size": "尺寸 图片尺寸 圖片尺寸",
        "Sampler": "采样器 採樣器 采样方法 採樣方法",
        "Model": "模型",
    }.items()
    for name in names.split()
}
"""The same settings as Chinese programs and pages name them."""
_NAMES = "|".join(map(re.escape, [*_KNOWN, *_CHINESE]))
_APART = r"(?<![^\s,.;，。；!?！？])"
# Some pages take the line breaks out without a trace: "snowSteps: 20".
_GLUED = r"(?<=[a-z\d)\]>])"
_NAMES_STEPS = re.compile(
    "|".join(["steps", *(name for name, setting in _CHINESE.items() if setting == "Steps")]),
    re.IGNORECASE,
)
_OPENER = re.compile(rf"(?:{_APART}(?:{_NAMES})|{_GLUED}(?-i:Steps))\s*[:：]", re.IGNORECASE)
_KEY = re.compile(r"\s*([^\W\d_][\w \-/.+()]{0,60}?)\s*[:：]\s*")
_QUOTED = re.compile(r'"(?:\\.|[^\\"])*"', re.DOTALL)
_PLAIN = re.compile(r"[^,，\n]*")
_COMMA = re.compile(r"\s*[,，]\s*|\s*\n\s*")
_NEGATIVE_LINE = re.compile(
    r"^[ \t]*(?:Negative prompt|(?:[负負][面向]|反向)提示[词詞])\s*[:：]",
    re.IGNORECASE | re.MULTILINE,
)
_NEGATIVE_INLINE = re.compile(rf"(?:{_APART}|{_GLUED})Negative prompt\s*[:：]")
_NEGATIVE_ANY_CASE = re.compile(rf"{_APART}Negative prompt\s*[:：]", re.IGNORECASE)
_NEGATIVE_CHINESE = re.compile(r"(?:[负負][面向]|反向)提示[词詞]\s*[:：]")
_LABEL = re.compile(r"\A\s*(?:positive )?prompt\s*[:：]", re.IGNORECASE)
# Above the text in the tab of the web UI that shows it, and copied with it.
_HEADING = re.compile(r"\A\s*parameters\s*[:：]?\s+", re.IGNORECASE)
# Where the prompt itself has a label, as chat programs write it, so has the negative one.
_LABELLED = re.compile(
    r"\A\s*(?:\*\*|__)?(?:(?:positive |image )?prompt|positive|(?:正向|正面)?提示[词詞]|正面)"
    r"(?:\*\*|__)?\s*[:：](?:\*\*|__)?",
    re.IGNORECASE,
)
_NEGATIVE_LABELLED = re.compile(
    r"(?:\*\*|__)?(?:(?<![\w-])negative(?: prompt)?|(?:[负負][面向]|反向)提示[词詞]|[负負]面)"
    r"(?:\*\*|__)?\s*[:：](?:\*\*|__)?",
    re.IGNORECASE,
)
# Settings that stood on lines of their own lose what parted them on one line. Only as programs
# write their names: the "steps" of "Hires steps" are no setting by themselves.
_PARTED = re.compile(
    r"(?<![,，\s])\s+(?=(?:Sampler|Schedule type|CFG scale|Seed|Size|Model hash|Model|Clip skip|"
    r"Denoising strength|Version)\s*[:：])"
)
_FIRST = re.compile(r"(?<!\S)Steps\s*[:：]")
_MOST_TRIED = 5  # places where such a list may begin; chosen by hand
_ESCAPED = re.compile(rf"\\(?=(?:{_NAMES})\s*[:：])", re.IGNORECASE)


def read_typed(text: str) -> ParametersText | None:
    """Return the parts of a text that somebody pasted as a prompt; None for any other prompt.

    It is one if it ends in a list of settings with "Steps", at least three known names, and values
    of the right form; if "Negative prompt:" begins a line of its own; or if the prompt and a
    negative prompt each have a label. Flags may follow.
    """
    if len(text) > MAX_CHARS:
        return None
    plain = _unfenced(text)
    found = _found_list(plain)
    if found is None:
        return _without_settings(plain)
    start, settings, flags = found
    head = _HEADING.sub("", plain[:start])
    negative = _NEGATIVE_LINE.search(head)
    if negative is None and "\n" not in head:  # everything is on one line
        searches = (_NEGATIVE_INLINE, _NEGATIVE_ANY_CASE, _NEGATIVE_CHINESE)
        negative = next(filter(None, (each.search(head) for each in searches)), None)
    return _split(head, negative, settings, flags)


def read_embedded(text: str) -> ParametersText:
    """Return the parts of a text that a program embedded in a file, as the web UI reads its own.

    The settings are the last line with three of them, and whatever follows the line that begins
    with "Steps:"; a line that begins with "Negative prompt:" begins the negative prompt.
    """
    plain = text[:MAX_CHARS].strip()
    settings: _Settings = ()
    end = len(plain)
    steps = list(re.finditer(r"^[ \t]*Steps[ \t]*:", plain, re.IGNORECASE | re.MULTILINE))
    starts = [match.start() for match in reversed(steps)] + [plain.rfind("\n") + 1]
    for start in starts[:10]:
        found = _pairs(plain, start).settings
        if len(found) >= _MIN_KNOWN or (found and start == starts[0] and steps):
            settings, end = found, start
            break
    head = plain[:end]
    return _split(head, _NEGATIVE_LINE.search(head), settings, "")


def escape(prompt: str) -> str:
    """Return a prompt that `unescape` turns into this one and that `read_typed` leaves alone."""
    escaped = _ESCAPED.sub(r"\\\\", prompt)
    while (found := _found_list(escaped)) is not None:
        escaped = f"{escaped[: found[0]]}\\{escaped[found[0] :]}"
    return escaped


def unescape(prompt: str) -> str:
    """Remove the backslash before the names of settings; every other one stays."""
    return _ESCAPED.sub("", prompt)


def joined_lines(lines: list[str]) -> list[str]:
    """Join the lines of each pasted text in a list of prompts, one per line otherwise."""
    joined: list[str] = []
    for line in lines:
        continues = _NEGATIVE_LINE.match(line) or (
            (found := _found_list(line)) is not None and found[0] == 0
        )
        if joined and continues:
            joined[-1] += f"\n{line}"
        else:
            joined.append(line)
    return joined


def _unfenced(text: str) -> str:
    stripped = text.strip()
    return stripped.strip("`").strip() if stripped[:1] == stripped[-1:] == "`" else stripped


def _without_settings(text: str) -> ParametersText | None:
    negative = _NEGATIVE_LINE.search(text)
    if negative is None and (label := _LABELLED.match(text)) is not None:
        negative = _NEGATIVE_LABELLED.search(text, label.end())
    if negative is None or not text[: negative.start()].strip():
        return None
    return _split(text, negative, (), "")


def _split(
    head: str,
    negative: re.Match[str] | None,
    settings: _Settings,
    flags: str,
) -> ParametersText:
    """Split what precedes the settings; flags in the negative prompt count as behind it."""
    label = _LABELLED if negative is not None and negative.re is _NEGATIVE_LABELLED else _LABEL
    head = label.sub(lambda found: " " * len(found[0]), head, count=1)
    if negative is None:
        return ParametersText(_trimmed(head), "", settings, flags)
    words, earlier = _before_flags(head[negative.end() :])
    both = f"{earlier} {flags}".strip()
    return ParametersText(_trimmed(head[: negative.start()]), _trimmed(words), settings, both)


def _trimmed(text: str) -> str:
    """Return a part without the punctuation around it."""
    return text.strip().strip(",，").strip()


def _before_flags(text: str) -> tuple[str, str]:
    found = find_flags(text)
    if not found.flags:
        return text, ""
    start = found.flags[0].start
    return found.text[:start], found.text[start:].strip()


def _found_list(text: str) -> tuple[int, _Settings, str] | None:
    """Return what `_settings_at_end` does, also where the list has no commas."""
    found = _settings_at_end(text)
    if found is not None or len(text) > MAX_CHARS:
        return found
    for match in list(_FIRST.finditer(text))[-_MOST_TRIED:]:
        found = _settings_at_end(_PARTED.sub(", ", text[match.start() :]))
        if found is not None and found[0] == 0:
            return match.start(), found[1], found[2]
    return None


def _settings_at_end(text: str) -> tuple[int, _Settings, str] | None:
    """Return where the list of settings at the end starts, the list, and what follows it."""
    if len(text) > MAX_CHARS or not _NAMES_STEPS.search(text):
        return None
    for match in _OPENER.finditer(text):
        # Looking for flags is slow: a hostile text has thousands of places where no list begins.
        if not _names_enough(_pairs(text, match.start(), strict=True)):
            continue
        listed, flags = _before_flags(text[match.start() :])
        listed = listed.rstrip(" \t\r\n.;。；")
        found = _pairs(listed, strict=True)
        rest = listed[found.end :].rstrip().lstrip(" \t,，")
        if _names_enough(found) and rest[:1] in ("", "\n") and _has_proper_values(found.settings):
            return match.start(), found.settings, f"{rest} {flags}".strip()
    return None


@dataclass(frozen=True, slots=True)
class _List:
    """A list of settings and where it ends. repeated: a known setting comes again there."""

    settings: _Settings
    end: int
    repeated: bool = False


def _names_enough(found: _List) -> bool:
    known = {name.lower() for name, _ in found.settings} & _KNOWN.keys()
    begins = all(name.lower() in _KNOWN for name, _ in found.settings[:2])
    return not found.repeated and begins and "steps" in known and len(known) >= _MIN_KNOWN


def _has_proper_values(settings: _Settings) -> bool:
    known = ((_KNOWN[name.lower()], value) for name, value in settings if name.lower() in _KNOWN)
    return all(form.fullmatch(value) for form, value in known)


def _pairs(text: str, at: int = 0, *, strict: bool = False) -> _List:
    """Return the list of settings at this place. A part without a name continues the value before
    it, but not on another line.

    strict: end where a known setting comes for the second time. No list has one twice, and this
    keeps the search for the beginning of a list linear.
    """
    pairs: list[tuple[str, str]] = []
    known: set[str] = set()
    end = at
    for _ in range(MAX_SETTINGS):
        match = _KEY.match(text, at)
        if match is None and (not pairs or "\n" in text[end:at]):
            break
        if match is not None:
            name = match[1].strip()
            name = _CHINESE.get(name, name)
            if strict and name.lower() in known:
                return _List(tuple(pairs), end, repeated=True)
            known |= {name.lower()} & _KNOWN.keys()
            value, end = _value(text, match.end())
            pairs.append((name, value.strip()))
        else:
            value, end = _value(text, at)
            name, before = pairs[-1]
            pairs[-1] = (name, f"{before}, {value.strip()}" if value.strip() else before)
        comma = _COMMA.match(text, end)
        if comma is None:
            break
        at = comma.end()
    return _List(tuple(pairs), end)


_DECODER = json.JSONDecoder()


def _value(text: str, at: int) -> tuple[str, int]:
    """Return the value at this place and its end: quoted, JSON, or up to the next comma."""
    if text[at : at + 1] == '"' and (quoted := _QUOTED.match(text, at)):
        try:
            value = str(json.loads(quoted[0], strict=False))
        except ValueError:
            value = quoted[0][1:-1]
        return value, quoted.end()
    if text[at : at + 1] in ("{", "["):
        try:
            _, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            pass
        else:
            return text[at:end], end
    plain = _PLAIN.match(text, at)
    assert plain is not None
    return plain[0], plain.end()
