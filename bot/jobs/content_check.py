"""What decides, by the rules of a server, whether a request may be painted and its pictures shown.

`bot.moderation.filter` decides it; jobs only know these questions and their answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.accounts.permissions import Actor
from bot.jobs.submission import JobSubmission
from bot.request.outcomes import Refused


@dataclass(frozen=True, slots=True)
class ContentDecision:
    """How a request that may be painted is shown.

    spoiler: hidden until clicked. direct: by direct message. report: why its pictures are reported
    to the moderators, None if they are not. exempt: the rules that do not concern it.
    """

    spoiler: bool = False
    direct: bool = False
    report: str | None = None
    exempt: tuple[int, ...] = ()


class ContentCheck(Protocol):
    """Checks requests before they are charged."""

    async def decide(
        self, actor: Actor, submissions: Sequence[JobSubmission]
    ) -> tuple[ContentDecision, ...] | Refused:
        """Return the decision on each of these requests, or why they are refused together."""
        ...
