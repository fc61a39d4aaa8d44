"""Delivery settings: /settings for members, /admin settings for admins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str

from bot.accounts.delivery_settings import SettingChange, SettingChanges, SettingsScope
from bot.discord.handlers.settings import show
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.i18n import LANGUAGES
from bot.request.outcomes import Refused
from bot.wording import delivery as delivery_wording
from storage.types import DeliveryMode

Channel = discord.TextChannel | discord.VoiceChannel | discord.StageChannel

_DEFAULT = "default"
_FLAGS = {"on": True, "off": False, _DEFAULT: None}
_DELIVERY = locale_str("Where pictures are delivered")
_SPOILER = locale_str("Whether pictures are hidden until clicked")
_QUIET = locale_str("On = no previews while a picture is being painted")
_UNSET_CHOICE = Choice(name=locale_str("default (clear this setting)"), value=_DEFAULT)
_DELIVERY_CHOICES = [
    Choice(name=locale_str("in the channel"), value=DeliveryMode.CHANNEL.value),
    Choice(name=locale_str("in a personal thread"), value=DeliveryMode.THREAD.value),
    Choice(name=locale_str("by direct message"), value=DeliveryMode.DIRECT.value),
    _UNSET_CHOICE,
]
_ON_OFF = [
    Choice(name=locale_str("on"), value="on"),
    Choice(name=locale_str("off"), value="off"),
    _UNSET_CHOICE,
]


_LANGUAGE_CHOICES = [
    *(Choice(name=name, value=locale) for locale, name in LANGUAGES.items()),
    _UNSET_CHOICE,
]


def settings_command(services: Services) -> app_commands.Command[Any, ..., None]:
    """Return /settings, bound to these services."""

    @app_commands.command(
        description=locale_str("Where and how your pictures are delivered on this server")
    )
    @app_commands.describe(delivery=_DELIVERY, spoiler=_SPOILER, quiet=_QUIET)
    @app_commands.choices(delivery=_DELIVERY_CHOICES, spoiler=_ON_OFF, quiet=_ON_OFF)
    async def settings(
        interaction: Interaction,
        delivery: str | None = None,
        spoiler: str | None = None,
        quiet: str | None = None,
    ) -> None:
        changes = _changes(delivery, spoiler, quiet)
        if changes == SettingChanges():
            await show(interaction, services)
            return
        outcome = await services.delivery_settings.set_own(actor_of(interaction), changes)
        if isinstance(outcome, Refused):
            await refuse(interaction, outcome)
        else:
            await reply_privately(
                interaction, delivery_wording.settings_overview(outcome, words_of(interaction))
            )

    return settings


def admin_settings(services: Services) -> app_commands.Group:
    """Return the group /admin settings, bound to these services."""
    settings = app_commands.Group(
        name="settings", description=locale_str("Where and how pictures are delivered")
    )

    @settings.command(
        name="server", description=locale_str("Show or change the settings for this server")
    )
    @app_commands.describe(
        delivery=_DELIVERY,
        spoiler=_SPOILER,
        quiet=_QUIET,
        language=locale_str("The language of what everybody here can read"),
    )
    @app_commands.choices(
        delivery=_DELIVERY_CHOICES, spoiler=_ON_OFF, quiet=_ON_OFF, language=_LANGUAGE_CHOICES
    )
    async def server(
        interaction: Interaction,
        delivery: str | None = None,
        spoiler: str | None = None,
        quiet: str | None = None,
        language: str | None = None,
    ) -> None:
        changes = replace(_changes(delivery, spoiler, quiet), language=_language(language))
        outcome = await services.delivery_settings.set_server(actor_of(interaction), changes)
        await _show(interaction, outcome)

    @settings.command(
        name="channel", description=locale_str("Show or change the settings for one channel")
    )
    @app_commands.describe(
        channel=locale_str("The channel (default: this one)"),
        delivery=_DELIVERY,
        spoiler=_SPOILER,
        quiet=_QUIET,
    )
    @app_commands.choices(delivery=_DELIVERY_CHOICES, spoiler=_ON_OFF, quiet=_ON_OFF)
    async def channel_(
        interaction: Interaction,
        channel: Channel | None = None,
        delivery: str | None = None,
        spoiler: str | None = None,
        quiet: str | None = None,
    ) -> None:
        changes = _changes(delivery, spoiler, quiet)
        channel_id = None if channel is None else channel.id
        actor = actor_of(interaction)
        await _show(
            interaction, await services.delivery_settings.set_channel(actor, changes, channel_id)
        )

    return settings


def _changes(delivery: str | None, spoiler: str | None, quiet: str | None) -> SettingChanges:
    """Return the changes that the options ask for; values outside the choices change nothing."""
    modes = {mode.value: mode for mode in DeliveryMode}
    return SettingChanges(
        SettingChange(modes.get(delivery)) if delivery in modes or delivery == _DEFAULT else None,
        SettingChange(_FLAGS[spoiler]) if spoiler in _FLAGS else None,
        SettingChange(_FLAGS[quiet]) if quiet in _FLAGS else None,
    )


def _language(chosen: str | None) -> SettingChange[str] | None:
    """Return the change that the option asks for; a value outside the choices changes nothing."""
    if chosen == _DEFAULT:
        return SettingChange(None)
    return SettingChange(chosen) if chosen in LANGUAGES else None


async def _show(interaction: Interaction, outcome: SettingsScope | Refused) -> None:
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
    else:
        await reply_privately(
            interaction, delivery_wording.settings_scope(outcome, words_of(interaction))
        )
