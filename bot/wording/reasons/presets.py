"""Sentences about settings that cannot be kept, and presets that cannot be used."""

from __future__ import annotations

from typing import Final, assert_never

from bot.i18n import Words, paragraph
from bot.request.reasons.presets import (
    BracesInPreset,
    EmptyPreset,
    NoPresetsHere,
    NotInPreset,
    PresetLimit,
    PresetReason,
    PresetTooLong,
    UnknownPreset,
    UnknownPresetCode,
    UnnamedPreset,
)
from bot.wording.lists import listed
from bot.wording.names import command_link, flag_name

_EXAMPLE: Final = "`soft light --ar 16:9 --no text`"
_NAMES_SHOWN: Final = 5
"""Names of presets in one sentence. Chosen by hand."""


def preset_refusal(reason: PresetReason, say: Words) -> str:
    """Say what is wrong with settings or a preset, and what can be done instead."""
    match reason:
        case EmptyPreset():
            return say(
                "There is nothing to save: write words, flags or both, such as {example}.",
                example=_EXAMPLE,
            )
        case BracesInPreset():
            return say(
                "Choices in {braces} cannot be saved: a preset has one value of each.",
                braces="`{…}`",
            )
        case NotInPreset(flags):
            return say.plural(
                "{flags} belongs to one picture and cannot be saved.",
                "{flags} belong to one picture and cannot be saved.",
                len(flags),
                flags=listed(map(preset_name, flags), say),
            )
        case NoPresetsHere(name):
            return say(
                "Presets are saved on Discord, so that {flag} does nothing here: please leave it "
                "out.",
                flag=preset_name(f"{flag_name('preset', say)} {name}"),
            )
        case UnnamedPreset(limit):
            return say("A preset needs a name of 1 to {limit} characters.", limit=limit)
        case PresetTooLong(chars, limit):
            return say(
                "These settings have {chars} characters; {limit} can be saved.",
                chars=chars,
                limit=limit,
            )
        case PresetLimit(limit):
            return say(
                "You have {limit} presets, which is the limit: please delete one first.",
                limit=limit,
            )
        case UnknownPreset(name, names):
            problem = say("You have no preset {name}.", name=preset_name(name))
            if names:
                return paragraph(
                    problem,
                    say(
                        "You have: {names}.",
                        names=listed(map(preset_name, names), say, shown=_NAMES_SHOWN),
                    ),
                )
            return paragraph(
                problem,
                say("{command} saves one.", command=command_link("preset save", say)),
            )
        case UnknownPresetCode(code):
            return say(
                "No preset has the code {code}: it may be mistyped, or the preset deleted.",
                code=preset_name(code),
            )
        case _:
            assert_never(reason)


def preset_name(name: str) -> str:
    """Quote the name of a preset as inline code; a backtick would end the quotation."""
    return f"`{name.replace('`', chr(39))}`"
