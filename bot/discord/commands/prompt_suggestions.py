"""What is suggested while a member types a prompt: how it is read, recent prompts, presets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from discord import app_commands
from discord.app_commands import Choice

from bot.discord.commands.options import CHOICE_CHARS, CHOICES, cut
from bot.discord.interaction.responses import Interaction, actor_of, words_of
from bot.discord.interaction.services import Services
from bot.request.outcomes import Refused
from bot.request.params import MAX_LINE_CHARS
from bot.wording.prompt_analysis import reading_line
from engine.prompts import analyse, visible
from storage.types import StoredPicture

_PRESETS: Final = 5
"""Presets among the suggestions; the rest are recent prompts. Chosen by hand."""
_STANDS_FOR: Final = "\u2063#"
"""Begins what stands for the prompt of a picture that is longer than the value of a choice may be.
Nobody types an invisible separator."""


def suggest_prompts(command: app_commands.Command[Any, ..., None], services: Services) -> None:
    """Suggest prompts from memory, and say how the one that is being typed is read."""

    async def prompts(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        typed, actor = visible(current).strip(), actor_of(interaction)
        choices: list[Choice[str]] = []
        # A longer one does not fit into a choice, and choosing its beginning would lose the rest.
        if 0 < len(typed) <= CHOICE_CHARS:
            line = reading_line(analyse(typed), len(typed), MAX_LINE_CHARS, words_of(interaction))
            choices.append(Choice(name=cut(line), value=typed))
        choices += _with_presets(
            typed, [each.name for each in await services.presets.listed(actor)]
        )
        choices += _recent(typed, await services.gallery.recent(actor))
        return choices[:CHOICES]

    command.autocomplete("prompt")(prompts)


async def chosen_prompt(interaction: Interaction, services: Services, prompt: str) -> str | Refused:
    """Return a prompt, or the one that a choice stands for."""
    number = prompt.removeprefix(_STANDS_FOR)
    if number == prompt or not number.isdecimal():
        return prompt
    return await services.gallery.prompt_of(actor_of(interaction), int(number))


def _recent(typed: str, pictures: list[StoredPicture]) -> Iterator[Choice[str]]:
    """Yield the prompts of pictures that have the typed text, each once, newest first."""
    needle, seen = typed.casefold(), set[str]()
    for each in pictures:
        if each.prompt in seen or needle not in each.prompt.casefold() or each.prompt == typed:
            continue
        seen.add(each.prompt)
        fits = len(each.prompt) <= CHOICE_CHARS
        value = each.prompt if fits else f"{_STANDS_FOR}{each.id}"
        yield Choice(name=cut(f"↺ {each.prompt}"), value=value)


def _with_presets(typed: str, names: list[str]) -> Iterator[Choice[str]]:
    """Yield what is typed with each of the presets, where that fits."""
    if not typed or "--preset" in typed:
        return
    for name in names[:_PRESETS]:
        flag = f'--preset "{name}"' if " " in name else f"--preset {name}"
        line = f"{typed} {flag}"
        if len(line) <= CHOICE_CHARS:
            yield Choice(name=line, value=line)
