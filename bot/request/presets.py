"""Settings that a request takes from elsewhere where it leaves them open. Pure.

They are written as a line of words and flags, like a prompt: `soft light --ar 16:9 --no text`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.request.options import PARAMS
from bot.request.outcomes import FlagError, FlagProblem, Refused
from bot.request.params import GenerationParams
from bot.request.prompt.apply_flags import ParsedRequest, conflicting
from bot.request.prompt.flag_line import line_with_flags
from bot.request.prompt.flags import parse_expanded
from bot.request.prompt.permutations import permutations
from bot.request.reasons.presets import BracesInPreset, EmptyPreset, NotInPreset, PresetTooLong
from bot.request.values.loras import LoraChoice, written
from engine import prompts

MAX_PRESET_CHARS: Final = 1000
"""Of a line of settings: an answer shows it whole. Chosen by hand."""

_OF_ONE_PICTURE: Final = frozenset({"region", "strength", "private", "preset"})
_SHAPE: Final = frozenset({"aspect", "size"})
_OPEN: Final = {each.name: each.default for each in dataclasses.fields(GenerationParams)}


@dataclass(frozen=True, slots=True)
class PresetSettings:
    """Words that are added to a prompt, and values by option name."""

    words: str = ""
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def without(self, names: Collection[str]) -> PresetSettings:
        """Return the settings without these options."""
        kept = {name: value for name, value in self.given.items() if name not in names}
        return PresetSettings(self.words, kept)


def read_settings(line: str) -> PresetSettings | Refused:
    """Read a line of settings; refused with everything in it that cannot be obeyed or kept."""
    if len(line) > MAX_PRESET_CHARS:
        return Refused(PresetTooLong(len(line), MAX_PRESET_CHARS))
    expanded = permutations(line, 1)
    if isinstance(expanded, FlagError):
        return Refused(FlagProblem((expanded,)))
    if expanded.total > 1:
        return Refused(BracesInPreset())
    parsed = parse_expanded(expanded.prompts[0])
    if isinstance(parsed, FlagProblem):
        return Refused(parsed)
    if unkept := sorted(parsed.given.keys() & _OF_ONE_PICTURE):
        return Refused(NotInPreset(tuple(f"--{name}" for name in unkept)))
    words = prompts.clean(parsed.prompt)
    if not words and not parsed.given:
        return Refused(EmptyPreset())
    return PresetSettings(words, parsed.given)


def settings_line(settings: PresetSettings) -> str:
    """Write settings as a line that `read_settings` reads; "" for none."""
    given = dict(settings.given)
    negative = given.pop("negative", "")
    return line_with_flags(settings.words, (_flag(*each) for each in given.items()), negative)


def filled(parsed: ParsedRequest, settings: PresetSettings) -> tuple[ParsedRequest, frozenset[str]]:
    """Return a request with these settings where it leaves them open, and which it took.

    An option is not taken where one is given that decides the same thing, and no shape where
    source images have one.
    """
    params, count = parsed.params, parsed.count
    closed = _SHAPE if params.start is not None else frozenset[str]()
    taken = {
        name: value
        for name, value in settings.given.items()
        if name in PARAMS
        and name not in closed
        and all(_is_open(params, each) for each in (name, *conflicting(name)))
    }
    words = prompts.with_words(params.prompt, (settings.words,)) if settings.words else None
    names = frozenset(taken)
    if count is None and "count" in settings.given:
        count, names = settings.given["count"], names | {"count"}
    params = dataclasses.replace(params, prompt=words or params.prompt, **taken)
    return dataclasses.replace(parsed, params=params, count=count), names


def _is_open(params: GenerationParams, name: str) -> bool:
    return name not in _OPEN or getattr(params, name) == _OPEN[name]


def _flag(name: str, value: object) -> str:
    """Return one option as the flag that sets it."""
    match value:
        case True:
            return "--style random" if name == "random_style" else f"--{name}"
        case (LoraChoice(), *_):
            return f"--{name} {written(value)}"
        case (width_px, height_px):
            return f"--{name} {width_px}x{height_px}"
        case float():
            return f"--{name} {value:g}"
        case _:
            return f"--{name} {value}"
