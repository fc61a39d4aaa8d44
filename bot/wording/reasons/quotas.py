"""Sentences about quotas, grants and time zones that cannot be set."""

from __future__ import annotations

from typing import assert_never

from bot.i18n import Words
from bot.request.reasons.quotas import (
    ExpiryPassed,
    NoAmount,
    OptionsExclude,
    QuotaReason,
    RoleGone,
    TooManyGrants,
    UnknownTimezone,
)
from bot.wording.names import option_name

_TEXT_CHARS = 40


def quota_setting_refusal(reason: QuotaReason, say: Words) -> str:
    """Say why nothing was set, and what to do instead."""
    match reason:
        case NoAmount():
            return say(
                "Please say how many with {pictures}, or use {limit}.",
                pictures=option_name("pictures", say),
                limit=option_name("limit", say),
            )
        case OptionsExclude(first, second):
            return say(
                "{first} and {second} exclude each other; please use one of them.",
                first=option_name(first, say),
                second=option_name(second, say),
            )
        case RoleGone():
            return say("That role or member does not exist any more, so nothing was changed.")
        case UnknownTimezone(text):
            return say(
                "I know no time zone {text}; please choose one of those that {option} suggests, "
                "such as Europe/Berlin.",
                text=f"“{' '.join(text[:_TEXT_CHARS].split())}”",
                option=option_name("timezone", say),
            )
        case TooManyGrants(limit):
            return say.plural(
                "This member already has {n} grant with pictures left, the most that one can have.",
                "This member already has {n} grants with pictures left, the most that one can "
                "have.",
                limit,
            )
        case ExpiryPassed(day):
            return say("The day {day} is over, so nothing was granted.", day=day.isoformat())
        case _:
            assert_never(reason)
