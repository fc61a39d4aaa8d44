"""Sentences about lists and searches that cannot be shown."""

from __future__ import annotations

from typing import assert_never

from bot.i18n import Words
from bot.request.reasons.lists import (
    ChannelClosed,
    EmptyPeriod,
    ExportRunning,
    ListGone,
    ListReason,
    NotADay,
)
from bot.wording.names import command_link

_TEXT_CHARS = 30


def list_refusal(reason: ListReason, say: Words) -> str:
    """Say why a list cannot be shown, and what to do instead."""
    match reason:
        case ListGone():
            return say(
                "This list is too old, so I no longer know its pages. Please use {history}.",
                history=command_link("history", say),
            )
        case ChannelClosed():
            return say(
                "You cannot see the pictures of that channel here: you may not read it, or it is "
                "age-restricted and this channel is not."
            )
        case NotADay(text, first, last):
            return say(
                "{text} is not a day that I know: please write it like 2026-03-31, or only the "
                "month (2026-03) or the year, between {first} and {last}.",
                text=f"“{text[:_TEXT_CHARS]}”",
                first=first.isoformat(),
                last=last.isoformat(),
            )
        case EmptyPeriod(since, until):
            return say(
                "There is no day from {since} to {until}: the first is after the last.",
                since=since.isoformat(),
                until=until.isoformat(),
            )
        case ExportRunning():
            return say("Your last export is still being made. Please wait until it is there.")
        case _:
            assert_never(reason)
