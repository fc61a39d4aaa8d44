"""Words that link to every command that can be run, with ids of the greatest length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from discord import app_commands

from bot.discord.command_sync import ids_of_runnable
from bot.discord.commands.admin import admin_commands
from bot.discord.commands.generate import generate_commands
from bot.discord.commands.help import MemberCommand, help_commands
from bot.discord.commands.image_to_image import image_to_image_commands
from bot.discord.commands.inspection import inspection_commands
from bot.discord.commands.me import me_command
from bot.discord.commands.moderation import moderator_commands
from bot.discord.commands.presets import preset_commands
from bot.discord.commands.privacy import privacy_commands
from bot.discord.commands.settings import settings_command
from bot.i18n import Words, words
from tests.bot.discord.views.samples.data import NO_SERVICES

_ID = 1234567890123456789
MEMBERS: tuple[MemberCommand, ...] = (
    *generate_commands(NO_SERVICES),
    *image_to_image_commands(NO_SERVICES),
    *inspection_commands(NO_SERVICES),
    settings_command(NO_SERVICES),
    preset_commands(NO_SERVICES),
    me_command(NO_SERVICES),
    privacy_commands(NO_SERVICES),
    *help_commands(NO_SERVICES, list),
)


def linked(locale: str = "en") -> Words:
    """Return the Words of a locale as they are once the commands are registered."""
    return with_links(words(locale))


def with_links(say: Words) -> Words:
    """Return these Words as they are once the commands are registered."""
    roots = [*MEMBERS, admin_commands(NO_SERVICES), moderator_commands(NO_SERVICES)]
    ids = {each.name: _ID for each in roots}
    return say.linking(ids_of_runnable(_walk(roots), ids))


def _walk(commands: Any) -> Iterator[app_commands.Command[Any, ..., Any] | app_commands.Group]:
    for each in commands:
        yield each
        if isinstance(each, app_commands.Group):
            yield from each.walk_commands()
