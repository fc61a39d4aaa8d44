"""Sentences on what only the bot's owners do, and was not done."""

from __future__ import annotations

from typing import assert_never

from bot.i18n import Words, paragraph
from bot.request.reasons.operation import (
    AnnouncementEmpty,
    EngineEnds,
    ModelFailed,
    NoAnnouncementChannels,
    NothingToRetry,
    OperationReason,
    OwnersOnly,
    OwnersUnknown,
    ServerUnknown,
)
from bot.wording.names import command_link

_TYPED_CHARS = 60


def operation_refusal(reason: OperationReason, say: Words) -> str:
    """Say why nothing was done."""
    match reason:
        case OwnersOnly():
            return say("Only the bot's owners can do this.")
        case OwnersUnknown():
            return say("Discord did not tell me who my owners are. Please try again in a moment.")
        case EngineEnds():
            return say("I am shutting down, so the model was left alone.")
        case ModelFailed(model, detail):
            return say(
                "The model {model} could not be loaded: {detail}.", model=model, detail=detail
            )
        case NothingToRetry():
            return paragraph(
                say("No model has failed to load in the last ten minutes."),
                say(
                    "If the only model or the GPU fails, I exit, and whatever started me starts me "
                    "again; waiting jobs are kept."
                ),
            )
        case ServerUnknown(typed):
            return say("I am on no server {server}.", server=f"“{typed[:_TYPED_CHARS]}”")
        case NoAnnouncementChannels():
            return say(
                "No server has chosen a channel for announcements. Admins do so with {command}.",
                command=command_link("admin log", say),
            )
        case AnnouncementEmpty():
            return say("The announcement is empty.")
        case _:
            assert_never(reason)
