"""Sentences about what admins of a server decided for everybody, and what they cannot do."""

from __future__ import annotations

from typing import assert_never

from bot.i18n import Words
from bot.request.reasons.administration import (
    AdministrationReason,
    NobodyWaits,
    NotCancellable,
    NotPaused,
    ServerPaused,
)


def administration_refusal(reason: AdministrationReason, say: Words) -> str:
    """Say why a request is refused on a paused server, or why an admin's command does nothing."""
    match reason:
        case ServerPaused(None):
            return say("The admins of this server have paused painting here.")
        case ServerPaused(why):
            return say(
                "The admins of this server have paused painting here: {reason}", reason=f"“{why}”"
            )
        case NotPaused():
            return say("Painting is not paused on this server.")
        case NobodyWaits(spared=spared) if spared:
            return say.plural(
                "Nothing was cancelled: {n} job waits, of somebody whose highest role is not "
                "below yours.",
                "Nothing was cancelled: {n} jobs wait, all of members whose highest roles are not "
                "below yours.",
                spared,
            )
        case NobodyWaits(None):
            return say("No job is waiting on this server.")
        case NobodyWaits():
            return say("This member has no job waiting on this server.")
        case NotCancellable():
            return say(
                "You cannot cancel the jobs of an owner of the bot, or of anybody whose highest "
                "role is not below yours."
            )
        case _:
            assert_never(reason)
