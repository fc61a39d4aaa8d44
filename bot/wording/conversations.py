"""Sentences about what moderators and reporters write each other."""

from __future__ import annotations

from collections.abc import Sequence

from bot.i18n import Words
from storage.report_messages import MessageKind, MessageState, ReportMessage
from storage.types import Verdict


def heading(message: ReportMessage, server: str, say: Words) -> str:
    """Say who writes to a reporter, and about what. server: its name, "" if unknown."""
    values = {
        "server": server or say("the server where you reported it"),
        "id": message.picture_id,
    }
    if message.kind is MessageKind.ANSWER:
        return say(
            "The moderators of {server} write to you about picture #{id}, which you reported:",
            **values,
        )
    if message.verdict is Verdict.DISMISSED:
        return say(
            "The moderators of {server} have found nothing wrong with picture #{id}, which you "
            "reported. Their reason:",
            **values,
        )
    return say(
        "The moderators of {server} have deleted picture #{id}, which you reported. Their reason:",
        **values,
    )


def state_sentence(state: MessageState, say: Words) -> str:
    """Say to moderators what became of one message."""
    match state:
        case MessageState.WAITING:
            return say("It is on its way.")
        case MessageState.DELIVERED:
            return say("It has been delivered.")
        case MessageState.REFUSED:
            return say("It was not delivered: they take no direct messages from me.")
        case MessageState.LEFT:
            return say("It was not delivered: they are no longer on this server.")


def answers_sent(states: Sequence[MessageState], say: Words) -> str:
    """Say to a moderator what became of what they just wrote, to each reporter."""
    delivered = states.count(MessageState.DELIVERED)
    lines = []
    if delivered:
        lines.append(
            say.plural(
                "Delivered to {n} reporter, who does not learn who wrote it.",
                "Delivered to {n} reporters, who do not learn who wrote it.",
                delivered,
            )
        )
    if refused := states.count(MessageState.REFUSED):
        lines.append(
            say.plural(
                "Not delivered to {n} reporter, who takes no direct messages from me.",
                "Not delivered to {n} reporters, who take no direct messages from me.",
                refused,
            )
        )
    if left := states.count(MessageState.LEFT):
        lines.append(
            say.plural(
                "Not delivered to {n} reporter, who is no longer on this server.",
                "Not delivered to {n} reporters, who are no longer on this server.",
                left,
            )
        )
    if MessageState.WAITING in states:
        lines.append(say("It is on its way; the report says when it has been delivered."))
    return "\n".join(lines) or say("Nobody is left who could be answered.")


def reply_sent(picture_id: int, say: Words) -> str:
    """Confirm a reply to its reporter."""
    return say("The moderators can now see your reply about picture #{id}.", id=picture_id)
