"""Sentences about requests that need a confirmation, and confirmations that are over."""

from __future__ import annotations

from typing import assert_never

from bot.i18n import Words
from bot.request.reasons.proposals import (
    ManyPermutations,
    NothingKnown,
    OnePromptOnly,
    ProposalClosed,
    ProposalReason,
    TooManyPermutations,
)
from bot.wording.knowledge import nothing_known
from bot.wording.names import command_link


def proposal_refusal(reason: ProposalReason, say: Words) -> str:
    """Refuse what needs a confirmation, choices for too many jobs, or a proposal that is closed."""
    match reason:
        case NothingKnown():
            return nothing_known(say)
        case ManyPermutations(total) | OnePromptOnly(total):
            return say(
                "The choices in braces make {total} pictures. Please ask for them one at a "
                "time. To use a literal brace, put a backslash before it.",
                total=total,
            )
        case TooManyPermutations(total, limit):
            return say(
                "The choices in braces make {total} prompts; at most {limit} can be painted "
                "at once. To use a literal brace, put a backslash before it.",
                total=total if total < 10**6 else "…",
                limit=limit,
            )
        case ProposalClosed(True):
            return say(
                "You have already pressed Paint. Use {queue} to see what is still to come.",
                queue=command_link("queue", say),
            )
        case ProposalClosed():
            return say(
                "These buttons have expired, and nothing was charged for this press. Please ask "
                "again."
            )
        case _:
            assert_never(reason)
