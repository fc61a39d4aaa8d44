"""What decides, by the rules of a server, whether a request may be painted and its pictures shown.

`bot.moderation.filter` decides it; jobs only know these questions and their answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.accounts.permissions import Actor
from bot.jobs.submission import ContentDecision, JobSubmission
from bot.request.outcomes import Refused
from engine.types import ImageRequest
from storage.types import Job


class ResultRefusal(StrEnum):
    """Why a painted picture is not shown: error codes of jobs."""

    PROMPT = "filtered"
    PICTURE = "picture_refused"


@dataclass(frozen=True, slots=True)
class FinishedPicture:
    """A picture before it is stored. request: as it was painted. png: the whole file."""

    request: ImageRequest
    png: bytes


@dataclass(frozen=True, slots=True)
class ResultDecision:
    """What becomes of a painted picture.

    refused: None if it is shown. spoiler, direct: as `ContentDecision`. report: why it is reported
    to the moderators, None if it is not.
    """

    refused: ResultRefusal | None = None
    spoiler: bool = False
    direct: bool = False
    report: str | None = None


class ContentCheck(Protocol):
    """Checks requests before they are charged."""

    async def decide(
        self, actor: Actor, submissions: Sequence[JobSubmission]
    ) -> tuple[ContentDecision, ...] | Refused:
        """Return the decision on each of these requests, or why they are refused together."""
        ...

    async def source_refusal(self, actor: Actor, files: Sequence[bytes]) -> Refused | None:
        """Return why nothing may be painted from these picture files; None if it may."""
        ...


class ResultCheck(Protocol):
    """Checks what was painted before anybody sees it."""

    async def judge(
        self, job: Job, pictures: Sequence[FinishedPicture]
    ) -> tuple[ResultDecision, ...]:
        """Return the decision on each picture. Raises StorageError; then it is asked again."""
        ...
