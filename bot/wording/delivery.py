"""Sentences about delivery settings and fallbacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.accounts.delivery_settings import EffectiveSetting, SettingsOverview, SettingsScope, Source
from bot.delivery.cards import FallbackNote
from bot.delivery.copies import CopyResult
from bot.delivery.messenger import Obstacle
from bot.i18n import LANGUAGES, Words
from bot.wording.names import command_link
from bot.wording.permissions import permission_names
from storage.types import DeliveryMode

T = TypeVar("T")
_THREADS = ("create_public_threads", "send_messages_in_threads")


@dataclass(frozen=True, slots=True)
class SettingLines:
    """The settings in effect for a member in a channel, each with where it comes from, as lines.

    remarks: why a choice of the member's has no effect, if one has none.
    """

    heading: str
    delivery: str
    spoiler: str
    quiet: str
    remarks: tuple[str, ...]


def settings_overview(settings: SettingsOverview, say: Words) -> str:
    """Describe the settings in effect for a member in a channel, and where each comes from."""
    lines = setting_lines(settings, say)
    return "\n".join(
        [lines.heading, lines.delivery, lines.spoiler, lines.quiet, *map(_small, lines.remarks)]
    )


def setting_lines(settings: SettingsOverview, say: Words) -> SettingLines:
    """Return the description of `settings_overview` line by line."""
    head = say("Your settings in {channel}", channel=f"<#{settings.channel_id}>")
    remarks: list[str] = []
    wants_direct = settings.delivery.own_choice is DeliveryMode.DIRECT
    if wants_direct and not settings.direct_messages:
        remarks.append(_direct_messages_off(say))
    elif settings.delivery.own_choice is not None or settings.spoiler.own_choice is not None:
        remarks.append(say("You can show less than the moderators allow, but not more."))
    return SettingLines(
        heading=f"**{head}**",
        delivery=_user_line(say("Delivery"), settings.delivery, _mode_name, say),
        spoiler=_user_line(say("Spoiler"), settings.spoiler, _on_off, say),
        quiet=_user_line(say("Quiet (no previews)"), settings.quiet, _on_off, say),
        remarks=tuple(remarks),
    )


def settings_scope(chosen: SettingsScope, say: Words) -> str:
    """Describe the settings that moderators chose for a server or a channel."""
    head = say("Settings for this server")
    if chosen.channel_id is not None:
        head = say("Settings for {channel}", channel=f"<#{chosen.channel_id}>")
    lines = [
        f"**{head}**",
        _scope_line(say("Delivery"), chosen.delivery, _mode_name, say),
        _scope_line(say("Spoiler"), chosen.spoiler, _on_off, say),
        _scope_line(say("Quiet (no previews)"), chosen.quiet, _on_off, say),
    ]
    if chosen.channel_id is None:
        lines.append(_scope_line(say("Language"), chosen.language, _language_name, say))
        lines.append(_scope_line(say("Time zone"), chosen.timezone, _zone_name, say))
    if chosen.delivery is DeliveryMode.DIRECT and not chosen.direct_messages:
        lines.append(_small(_direct_messages_off(say)))
    return "\n".join(lines)


def copy_result(result: CopyResult, say: Words) -> str:
    """Return the answer to somebody who asked for a copy by direct message."""
    return {
        CopyResult.SENT: say("I sent you a copy by direct message."),
        CopyResult.CLOSED: say(
            "I cannot send you direct messages: you do not accept them from members of this "
            "server. You can change that in the server's privacy settings."
        ),
        CopyResult.LATER: say(
            "The copy could not be sent right now. Please try again in a minute."
        ),
        CopyResult.OFF: _direct_messages_off(say),
    }[result]


def fallback_reason(gone: FallbackNote, say: Words) -> str:
    """Why pictures are not where the requester wanted them."""
    if gone.preferred is DeliveryMode.DIRECT:
        if gone.reason == Obstacle.FORBIDDEN:
            return say("Posted here because you do not accept direct messages from me.")
        return say("Posted here because it could not be sent to you by direct message.")
    match gone.reason:
        case Obstacle.FULL:
            return say(
                "Posted here because this server has as many open threads as Discord allows."
            )
        case Obstacle.FORBIDDEN:
            return say(
                "Posted here because I am not allowed to open or use threads in this "
                "channel: I need the permissions {names}.",
                names=permission_names(_THREADS, say),
            )
        case Obstacle.MESSAGE_GONE:
            return say("Posted here because you had no thread in this channel yet.")
        case Obstacle.ARCHIVED:
            return say("Posted here because your thread is locked.")
        case _:
            return say("Posted here because your thread could not be used.")


def sent_directly(reason: str | None, person: str, say: Words) -> str:
    """Say that a result was sent by direct message, and why. reason: as in SentCard."""
    if reason is None:
        return say("Sent to {person} by direct message.", person=person)
    if reason == Obstacle.FORBIDDEN:
        return say(
            "I am not allowed to post pictures here, so I sent this one to {person} by direct "
            "message.",
            person=person,
        )
    return say(
        "I could not show this picture here, so I sent it to {person} by direct message.",
        person=person,
    )


def kept_reason(reason: str, say: Words) -> str:
    """Say that a picture could not be shown and where it is. reason: an Obstacle's value or ""."""
    history = command_link("history", say)
    match reason:
        case Obstacle.FORBIDDEN:
            return say(
                "Your picture is ready, but I am not allowed to post it here. Use {history} to "
                "see it.",
                history=history,
            )
        case Obstacle.TOO_LARGE:
            return say(
                "Your picture is ready, but its file is too large to be posted here. Use "
                "{history} to see it.",
                history=history,
            )
        case _:
            return say(
                "Your picture is ready, but it could not be posted here. Use {history} to see it.",
                history=history,
            )


def _scope_line(name: str, value: T | None, label: Callable[[T, Words], str], say: Words) -> str:
    text = say("not set") if value is None else label(value, say)
    return say("{name}: {value}", name=name, value=text)


def _user_line(
    name: str, setting: EffectiveSetting[T], label: Callable[[T, Words], str], say: Words
) -> str:
    source = {
        Source.DEFAULT: say("the bot's default"),
        Source.SERVER: say("set for this server"),
        Source.CHANNEL: say("set for this channel"),
        Source.USER: say("your choice"),
    }[setting.source]
    if setting.own_choice is not None:
        choice = label(setting.own_choice, say)
        source = say("{source}; you chose: {choice}", source=source, choice=choice)
    value = label(setting.value, say)
    return say("{name}: {value} ({source})", name=name, value=value, source=source)


def _mode_name(mode: DeliveryMode, say: Words) -> str:
    match mode:
        case DeliveryMode.CHANNEL:
            return say("in the channel")
        case DeliveryMode.THREAD:
            return say("in a personal thread")
        case DeliveryMode.DIRECT:
            return say("by direct message")


def _language_name(locale: str, say: Words) -> str:
    return LANGUAGES.get(locale, locale)


def _zone_name(zone: str, say: Words) -> str:
    return zone


def _on_off(on: bool, say: Words) -> str:
    return say("on") if on else say("off")


def _direct_messages_off(say: Words) -> str:
    return say("The bot's owner has turned off direct messages.")


def _small(text: str) -> str:
    return f"-# {text}"
