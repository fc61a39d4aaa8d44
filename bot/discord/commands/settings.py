"""Settings of delivery and defaults of requests: /settings for members, /admin settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.accounts.delivery_settings import SettingChange, SettingChanges
from bot.accounts.time_zones import time_zone, time_zones_like
from bot.discord.commands.options import CHOICES, RuledChannel, closed_choices
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
from bot.request.options import chosen
from bot.request.outcomes import Refused
from bot.wording import delivery as delivery_wording
from bot.wording.presets import defaults_line
from engine.series import MAX_PICTURES
from storage.types import DeliveryMode

ZoneName = Range[str, 1, 100]

_DEFAULT = "default"
_FLAGS = {"on": True, "off": False, _DEFAULT: None}
_DELIVERY = locale_str("Where pictures are delivered")
_SPOILER = locale_str("Whether pictures are hidden until clicked")
_QUIET = locale_str("On = no previews while a picture is being painted")
_USUAL: Final = {
    "aspect": locale_str("The aspect ratio where none is chosen"),
    "speed": locale_str("The speed where none is chosen"),
    "style": locale_str("The style where none is chosen"),
    "enhance": locale_str("How much is added to prompts where nothing is chosen"),
    "count": locale_str("The number of pictures where none is chosen"),
}
_UNSET_CHOICE = Choice(name=locale_str("default (clear this setting)"), value=_DEFAULT)
_DELIVERY_CHOICES = [
    Choice(name=locale_str("in the channel"), value=DeliveryMode.CHANNEL.value),
    Choice(name=locale_str("in a personal thread"), value=DeliveryMode.THREAD.value),
    Choice(name=locale_str("by direct message"), value=DeliveryMode.DIRECT.value),
    _UNSET_CHOICE,
]
_COUNTS: Final = range(1, MAX_PICTURES + 1)
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
        description=locale_str("Where and how your pictures are delivered, and your defaults")
    )
    @app_commands.describe(delivery=_DELIVERY, spoiler=_SPOILER, quiet=_QUIET, **_USUAL)
    @app_commands.choices(
        delivery=_DELIVERY_CHOICES, spoiler=_ON_OFF, quiet=_ON_OFF, **_usual_choices(services)
    )
    async def settings(
        interaction: Interaction,
        delivery: str | None = None,
        spoiler: str | None = None,
        quiet: str | None = None,
        aspect: str | None = None,
        speed: str | None = None,
        style: str | None = None,
        enhance: str | None = None,
        count: str | None = None,
    ) -> None:
        changes = _changes(delivery, spoiler, quiet)
        usual = _usual(aspect=aspect, speed=speed, style=style, enhance=enhance, count=count)
        if isinstance(usual, Refused):
            await refuse(interaction, usual)
            return
        if changes == SettingChanges() and not usual:
            await show(interaction, services)
            return
        actor = actor_of(interaction)
        # First what may be refused for its value: then nothing is changed.
        defaults = await services.request_defaults.set_own(actor, **usual)
        if isinstance(defaults, Refused):
            await refuse(interaction, defaults)
            return
        outcome = await services.delivery_settings.set_own(actor, changes)
        if isinstance(outcome, Refused):
            await refuse(interaction, outcome)
        else:
            say = words_of(interaction)
            text = delivery_wording.settings_overview(outcome, say)
            await reply_privately(interaction, f"{text}\n{defaults_line(defaults, say)}")

    return settings


def admin_settings(services: Services) -> app_commands.Group:
    """Return the group /admin settings, bound to these services."""
    settings = app_commands.Group(
        name="settings",
        description=locale_str("Where and how pictures are delivered, and defaults"),
    )
    choices = {
        "delivery": _DELIVERY_CHOICES,
        "spoiler": _ON_OFF,
        "quiet": _ON_OFF,
        **_usual_choices(services),
    }

    @settings.command(
        name="server", description=locale_str("Show or change the settings for this server")
    )
    @app_commands.describe(
        delivery=_DELIVERY,
        spoiler=_SPOILER,
        quiet=_QUIET,
        language=locale_str("The language of what everybody here can read"),
        timezone=locale_str("For the days of quotas, such as Europe/Berlin"),
        **_USUAL,
    )
    @app_commands.choices(**choices, language=_LANGUAGE_CHOICES)
    async def server(
        interaction: Interaction,
        delivery: str | None = None,
        spoiler: str | None = None,
        quiet: str | None = None,
        language: str | None = None,
        timezone: ZoneName | None = None,
        aspect: str | None = None,
        speed: str | None = None,
        style: str | None = None,
        enhance: str | None = None,
        count: str | None = None,
    ) -> None:
        refused = services.delivery_settings.shared_refusal(actor_of(interaction))
        zone = refused or await _zone(timezone)
        if isinstance(zone, Refused):
            await refuse(interaction, zone)
            return
        changes = replace(
            _changes(delivery, spoiler, quiet), language=_language(language), timezone=zone
        )
        usual = _usual(aspect=aspect, speed=speed, style=style, enhance=enhance, count=count)
        await _set_shared(interaction, services, None, changes, usual)

    @server.autocomplete("timezone")
    async def suggest_zones(interaction: Interaction, current: str) -> list[Choice[str]]:
        found = await time_zones_like(current, CHOICES - 1)
        return [*(Choice(name=name, value=name) for name in found), _UNSET_CHOICE]

    @settings.command(
        name="channel", description=locale_str("Show or change the settings for one channel")
    )
    @app_commands.describe(
        channel=locale_str("The channel (default: this one)"),
        delivery=_DELIVERY,
        spoiler=_SPOILER,
        quiet=_QUIET,
        **_USUAL,
    )
    @app_commands.choices(**choices)
    async def channel_(
        interaction: Interaction,
        channel: RuledChannel | None = None,
        delivery: str | None = None,
        spoiler: str | None = None,
        quiet: str | None = None,
        aspect: str | None = None,
        speed: str | None = None,
        style: str | None = None,
        enhance: str | None = None,
        count: str | None = None,
    ) -> None:
        actor = actor_of(interaction)
        here = actor.channel_id if actor.parent_id is None else actor.parent_id
        changes = _changes(delivery, spoiler, quiet)
        usual = _usual(aspect=aspect, speed=speed, style=style, enhance=enhance, count=count)
        channel_id = here if channel is None else channel.id
        await _set_shared(interaction, services, channel_id, changes, usual)

    return settings


async def _set_shared(
    interaction: Interaction,
    services: Services,
    channel_id: int | None,
    changes: SettingChanges,
    usual: dict[str, Any] | Refused,
) -> None:
    """Change and show the settings of the server, or (channel_id) of one of its channels."""
    actor, settings = actor_of(interaction), services.delivery_settings
    usual = settings.shared_refusal(actor) or usual
    if isinstance(usual, Refused):
        await refuse(interaction, usual)
        return
    defaults = await services.request_defaults.set_shared(actor, channel_id, **usual)
    if isinstance(defaults, Refused):
        await refuse(interaction, defaults)
        return
    scope = (
        await settings.set_server(actor, changes)
        if channel_id is None
        else await settings.set_channel(actor, changes, channel_id)
    )
    if isinstance(scope, Refused):
        await refuse(interaction, scope)
    else:
        say = words_of(interaction)
        text = delivery_wording.settings_scope(scope, say)
        await reply_privately(interaction, f"{text}\n{defaults_line(defaults, say)}")


def _usual_choices(services: Services) -> dict[str, list[Choice[str]]]:
    """Return what the defaults of requests are chosen from."""
    closed = closed_choices([each.family for each in services.models.models])
    counts = [Choice(name=str(number), value=str(number)) for number in _COUNTS]
    offered: dict[str, Sequence[Choice[str]]] = {**closed, "count": counts}
    return {name: [*offered[name], _UNSET_CHOICE] for name in _USUAL}


def _usual(**typed: str | None) -> dict[str, Any] | Refused:
    """Return the defaults that the options change, None for one that is taken back."""
    found: dict[str, Any] = {}
    for name, text in typed.items():
        if text is None:
            continue
        value: object = int(text) if name == "count" and text in map(str, _COUNTS) else text
        value = None if text == _DEFAULT else chosen(name, value)
        if isinstance(value, Refused):
            return value
        found[name] = value
    return found


def _changes(delivery: str | None, spoiler: str | None, quiet: str | None) -> SettingChanges:
    """Return the changes that the options ask for; values outside the choices change nothing."""
    modes = {mode.value: mode for mode in DeliveryMode}
    return SettingChanges(
        SettingChange(modes.get(delivery)) if delivery in modes or delivery == _DEFAULT else None,
        SettingChange(_FLAGS[spoiler]) if spoiler in _FLAGS else None,
        SettingChange(_FLAGS[quiet]) if quiet in _FLAGS else None,
    )


async def _zone(typed: str | None) -> SettingChange[str] | Refused | None:
    """Return the change that the option asks for."""
    if typed is None or typed == _DEFAULT:
        return None if typed is None else SettingChange(None)
    found = await time_zone(typed)
    return found if isinstance(found, Refused) else SettingChange(found)


def _language(locale: str | None) -> SettingChange[str] | None:
    """Return the change that the option asks for; a value outside the choices changes nothing."""
    if locale == _DEFAULT:
        return SettingChange(None)
    return SettingChange(locale) if locale in LANGUAGES else None
