"""Sentences about presets, and about the defaults of requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.accounts.presets import SavedPreset
from bot.i18n import Words, paragraph
from bot.request.presets import PresetSettings, settings_line
from bot.wording.names import command_link, command_name, flag_name, option_name
from bot.wording.reasons.presets import preset_name
from storage.presets import StoredPreset

_LIST_CHARS: Final = 1700
"""Of the presets in one message, which holds 2,000 characters."""
_LINE_CHARS: Final = 60
"""Of each one's settings in the list. Chosen by hand."""


def saved(outcome: SavedPreset, say: Words) -> str:
    """Say that a preset was saved, how to use it and how to share it."""
    name = preset_name(outcome.preset.name)
    done = (
        say("Preset {name} replaced.", name=name)
        if outcome.replaced
        else say("Preset {name} saved.", name=name)
    )
    use = say(
        "Choose it in the option {option} of {command}, or write {flag}.",
        option=option_name("preset", say),
        command=command_link("imagine", say),
        flag=f"`{flag_name('preset', say)} {_quoted(outcome.preset.name)}`",
    )
    return f"{paragraph(done, use)}\n{shown(outcome.preset, say)}"


def shown(preset: StoredPreset, say: Words) -> str:
    """Show a preset with the code to share it."""
    share = say(
        "Others copy it with {command}.",
        command=f"`{command_name('preset copy', say)} {say.name('code')}:{preset.code}`",
    )
    return f"**{preset_name(preset.name)}**\n```\n{_code(preset.line)}\n```\n{share}"


def deleted(preset: StoredPreset, say: Words) -> str:
    """Say that a preset is gone, with what it was, so that it can be saved again."""
    gone = say("Preset {name} deleted. It was:", name=preset_name(preset.name))
    return f"{gone}\n```\n{_code(preset.line)}\n```"


def listed(presets: Sequence[StoredPreset], say: Words) -> str:
    """List a member's presets with their codes, as many as fit into a message."""
    if not presets:
        return say(
            "You have no presets yet. {command} saves words and flags by a name.",
            command=command_link("preset save", say),
        )
    lines: list[str] = []
    for each in presets:
        line = f"- {preset_name(each.name)} · `{each.code}` · {preset_name(_short(each.line))}"
        if sum(map(len, lines)) + len(line) > _LIST_CHARS:
            break
        lines.append(line)
    head = say.plural("Your preset:", "Your {n} presets:", len(presets))
    if rest := len(presets) - len(lines):
        lines.append(say.plural("and {n} more", "and {n} more", rest))
    return "\n".join([f"**{head}**", *lines])


def defaults_line(settings: PresetSettings, say: Words) -> str:
    """Name the defaults of requests, as the flags that would set them."""
    line = settings_line(settings)
    shown = f"`{line}`" if line else say("none")
    return say("Defaults for {command}: {flags}", command=command_link("imagine", say), flags=shown)


def _short(line: str) -> str:
    return line if len(line) <= _LINE_CHARS else f"{line[: _LINE_CHARS - 1]}…"


def _code(text: str) -> str:
    return text.replace("```", "'''")


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name
