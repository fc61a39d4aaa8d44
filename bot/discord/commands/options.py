"""Autocomplete suggestions and fixed choices for command options."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Any, Final, Optional, TypeVar

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str

from bot.discord.interaction.responses import Interaction, actor_of
from bot.discord.interaction.services import Services
from bot.i18n import words
from bot.request.models import OfferedModel
from bot.request.options import OPTIONS
from bot.request.outcomes import Refused
from bot.request.prompt.apply_flags import model_named
from bot.request.values.loras import LoraChoice, split_last
from bot.wording.labels import choice_label
from engine.diffusion.families import Family
from engine.diffusion.lora.shelf import LoraInfo
from engine.prompts import EnhancementLevel
from engine.sizing import ASPECTS

CHOICE_CHARS = 100
CHOICES = 25


class _ChannelsOf(app_commands.Transformer):
    """Takes channels of some types, and no others that the library has the same class for: its
    class of forums stands for media channels too, which Discord's description does not know."""

    def __init__(self, *types: discord.ChannelType) -> None:
        self._types = list(types)

    @property
    def type(self) -> discord.AppCommandOptionType:
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        return self._types

    async def transform(self, interaction: Interaction, value: Any, /) -> Any:
        found = value.resolve()
        if found is None or found.type not in self._types:
            raise app_commands.TransformerError(value, self.type, self)
        return found


_RULED: Final = (
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
)
_Channel = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.ForumChannel
RuledChannel = app_commands.Transform[_Channel, _ChannelsOf(*_RULED)]
"""A channel for which admins choose something; it holds in its threads, and in a forum's posts."""
RuledPlace = app_commands.Transform[
    _Channel | discord.CategoryChannel, _ChannelsOf(*_RULED, discord.ChannelType.category)
]
"""The same, or a category, whose channels it then holds in."""
Callback = TypeVar("Callback", bound=Callable[..., Any])


def suggest_pictures(
    command: app_commands.Command[Any, ..., None], services: Services, option: str = "picture"
) -> None:
    """Suggest the member's newest pictures on this server while they type in `option`."""

    async def pictures(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        stored = await services.gallery.recent(actor_of(interaction))
        return matching_choices(current, ((each.id, each.prompt) for each in stored))

    command.autocomplete(option)(pictures)


def matching_choices(text: str, rows: Iterable[tuple[int, str]]) -> list[Choice[str]]:
    """Return choices for the rows whose number or prompt contains the typed text."""
    needle = text.casefold().lstrip("#")
    choices = []
    for row_id, prompt in rows:
        label = f"#{row_id} {prompt}"
        if needle in label.casefold():
            choices.append(Choice(name=cut(label), value=str(row_id)))
    return choices[:CHOICES]


def lora_choices(head: str, found: Iterable[LoraInfo]) -> list[Choice[str]]:
    """Return LoRAs as choices. head: what was typed before the last name, which stays.

    Each is chosen by its name, with its own weight, and shown with its title and trigger words.
    """
    choices: list[Choice[str]] = []
    for each in found:
        value = head + str(LoraChoice(each.name))
        title = "" if each.title == each.name else each.title
        facts = " · ".join(filter(None, (title, ", ".join(each.trigger_words))))
        label = head + each.name + (f" ({facts})" if facts else "")
        if len(value) <= CHOICE_CHARS:
            choices.append(Choice(name=cut(label), value=value))
    return choices[:CHOICES]


def suggest_models(command: app_commands.Command[Any, ..., None], services: Services) -> None:
    """Suggest the models that the member may use here while they type in `model`."""

    async def models(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        found = await services.model_access.matching(actor_of(interaction), current)
        return model_choices(found)

    command.autocomplete("model")(models)


def suggest_loras(command: app_commands.Command[Any, ..., None], services: Services) -> None:
    """Suggest LoRAs while a member types in `lora`: those that they may use here with the model
    that the other options mean."""

    async def loras(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        model = await _model_so_far(interaction, services)
        if isinstance(model, Refused):
            return []
        head, typed = split_last(current)
        found = await services.lora_access.matching(actor_of(interaction), model, typed)
        return lora_choices(head, found)

    command.autocomplete("lora")(loras)


async def _model_so_far(interaction: Interaction, services: Services) -> OfferedModel | Refused:
    """Return the model that the options filled in so far mean: `model`, else a flag of `prompt`."""
    filled = interaction.namespace
    named: str | None = filled.model or None
    actor = actor_of(interaction)
    if named is None and filled.prompt and services.models.several:
        prompt = await services.prompt_suggestions.resolve(actor, filled.prompt)
        if not isinstance(prompt, Refused):
            named = await asyncio.to_thread(model_named, prompt)
    return await services.model_access.chosen(actor, named)


def model_choices(found: Iterable[OfferedModel], head: str = "") -> list[Choice[str]]:
    """Return models as choices, each shown with its title. head: as for `lora_choices`."""
    choices = [
        Choice(name=cut(head + each.label), value=head + each.name)
        for each in found
        if len(head + each.name) <= CHOICE_CHARS
    ]
    return choices[:CHOICES]


def cut(label: str) -> str:
    """Shorten the name of a choice to what Discord shows."""
    return label if len(label) <= CHOICE_CHARS else label[: CHOICE_CHARS - 1] + "…"


def option_descriptions(command: str = "imagine") -> dict[str, locale_str]:
    """Return the descriptions of the options of a command that the table of options has."""
    return {
        each.name: locale_str(each.description)
        for each in OPTIONS
        if each.command == command and each.description
    }


def closed_choices(families: Sequence[Family]) -> dict[str, list[Choice[str]]]:
    """Return the values of the options of /imagine that are chosen from a list.

    Only what one of these families can do is offered; the names are translated by Discord's
    clients.
    """
    speeds = dict.fromkeys(speed for each in families for speed in each.speeds)
    levels = {level for each in families for level in each.levels}
    offered = _closed_lists("imagine") | {
        "speed": speeds,
        "enhance": [each for each in EnhancementLevel if each in levels],
    }
    aspects = [Choice(name=ratio, value=ratio) for ratio in ASPECTS]
    return {"aspect": aspects, **{name: _choices(values) for name, values in offered.items()}}


def bounded(**types: Any) -> Callable[[Callback], Callback]:
    """Give optional parameters of a command bounds that are known only when it is made.

    types: by the parameter's name, such as a `Range`. discord.py reads annotations when it makes
    the command, so this has to be the innermost decorator.
    """

    def annotate(callback: Callback) -> Callback:
        optional = {name: Optional[kind] for name, kind in types.items()}  # noqa: UP045, no type
        callback.__annotations__.update(optional)
        return callback

    return annotate


def without_options(*names: str) -> Callable[[Callback], Callback]:
    """Leave parameters out of a command, which then have their defaults.

    discord.py reads the signature when it makes the command. Put it directly above `bounded`.
    """

    def leave_out(callback: Callback) -> Callback:
        signature = inspect.signature(callback)
        kept = [each for name, each in signature.parameters.items() if name not in names]
        vars(callback)["__signature__"] = signature.replace(parameters=kept)
        return callback

    return leave_out


def table_choices(command: str) -> dict[str, list[Choice[str]]]:
    """Return the values of a command's options of the table that are chosen from a list."""
    return {name: _choices(values) for name, values in _closed_lists(command).items()}


def _closed_lists(command: str) -> dict[str, Iterable[StrEnum]]:
    return {
        each.name: each.choices
        for each in OPTIONS
        if each.command == command and each.choices is not None
    }


def _choices(values: Iterable[StrEnum]) -> list[Choice[str]]:
    say = words()
    return [Choice(name=locale_str(choice_label(each, say)), value=each.value) for each in values]
