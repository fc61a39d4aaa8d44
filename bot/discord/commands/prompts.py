"""Suggestions while a member types a prompt, and the prompts that were chosen of them."""

from __future__ import annotations

from typing import Any

from discord import app_commands
from discord.app_commands import Choice

from bot.accounts.permissions import Actor
from bot.discord.commands.options import CHOICE_CHARS, CHOICES, cut
from bot.discord.interaction.responses import Interaction, actor_of, refuse, words_of
from bot.discord.interaction.services import Services
from bot.discord.views.markdown import replace_surrogates
from bot.i18n import Words
from bot.pictures.prompt_suggestions import PromptReading, PromptSuggestions
from bot.request.mentions.names import readable
from bot.request.outcomes import Refused
from bot.request.prompt.prompt_keys import fits, key_of
from bot.wording.names import flag_name
from bot.wording.prompt_reading import reading_line
from storage.presets import StoredPreset

_PRESETS_SHOWN = 5
"""Below earlier prompts, of which most are left. Chosen by hand."""


def suggest_prompts(
    command: app_commands.Command[Any, ..., None], services: Services, *, presets: bool = True
) -> None:
    """Suggest in `prompt` what is being typed, with how it is read, then the member's earlier
    prompts and presets. presets: whether the command paints with them.

    What is being typed comes first, so that whoever presses Enter gets their own words.
    """

    async def prompts(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        actor, say = actor_of(interaction), words_of(interaction)
        typed = services.prompt_suggestions.typed(actor, current)
        found = await services.prompt_suggestions.suggest(actor, typed)
        choices: list[Choice[str]] = []
        if found.reading is not None:
            choices.append(_typed(typed, found.reading, actor, services, say))
        usable = presets and not interaction.namespace.preset
        saved = _presets(typed, found, say) if usable else []
        earlier = [_earlier(each) for each in found.prompts]
        return [*choices, *earlier[: CHOICES - len(choices) - len(saved)], *saved]

    command.autocomplete("prompt")(prompts)


async def chosen_prompt(interaction: Interaction, services: Services, prompt: str) -> str | None:
    """Return the prompt that a member typed or chose; None if it was refused, which has been
    answered."""
    found = await services.prompt_suggestions.resolve(actor_of(interaction), prompt)
    if isinstance(found, Refused):
        await refuse(interaction, found)
        return None
    return found


def _typed(
    typed: str, reading: PromptReading, actor: Actor, services: Services, say: Words
) -> Choice[str]:
    line = _label(reading_line(reading, say))
    return Choice(name=line, value=services.prompt_suggestions.value_of(actor, typed, line))


def _earlier(prompt: str) -> Choice[str]:
    return Choice(name=_label(prompt), value=prompt if fits(prompt) else key_of(prompt))


def _presets(typed: str, found: PromptSuggestions, say: Words) -> list[Choice[str]]:
    """Return the presets that can be added to what was typed; a preset alone is no prompt."""
    typed = typed.strip()
    if not typed or "--" in typed:  # what follows may be the beginning of this flag
        return []
    choices = [_preset(typed, each, say) for each in found.presets if '"' not in each.name]
    return [each for each in choices if fits(str(each.value))][:_PRESETS_SHOWN]


def _preset(typed: str, preset: StoredPreset, say: Words) -> Choice[str]:
    name = preset.name if preset.name.isalnum() else f'"{preset.name}"'
    line = f"{typed} {flag_name('preset', say)} {name}".strip()
    return Choice(name=_label(f"{line} ({preset.line})"), value=line)


def _label(text: str) -> str:
    """Return a text as the name of a choice: on one line, without codes, in 100 characters."""
    beginning = text[: 3 * CHOICE_CHARS]  # a code is shorter as the name that stands for it
    return cut(" ".join(replace_surrogates(readable(beginning)).split()))
