"""Cancel the waiting jobs of a member, or of everybody on a server, after a question."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from bot.accounts.permissions import Action, Actor, Permissions
from bot.jobs.active import ActiveJob, ActiveJobs
from bot.jobs.cancellation import CancellationService
from bot.request.outcomes import NotAllowed, ProposalClosed, Refused
from bot.request.reasons.administration import NobodyWaits, NotCancellable
from engine.service import Engine
from storage import audit_draft
from storage.errors import IllegalTransition, UnknownRow
from storage.jobs import Jobs
from storage.proposals import Proposals
from storage.types import Place

_QUESTION: Final = "cancel"
_EVERYBODY: Final = 0


@dataclass(frozen=True, slots=True)
class WaitingJobs:
    """Jobs that wait. people: how many members asked for them."""

    jobs: int
    pictures: int
    people: int


@dataclass(frozen=True, slots=True)
class CancelQuestion:
    """What would be cancelled. user_id: whose, None = everybody's. spared: how many jobs are left
    alone because their members rank as high."""

    id: int
    user_id: int | None
    waiting: WaitingJobs
    spared: int = 0


@dataclass(frozen=True, slots=True)
class WaitingCancelled:
    """What was cancelled and refunded. user_id: as of the question."""

    user_id: int | None
    waiting: WaitingJobs
    spared: int = 0


class WaitingJobsService:
    """Cancels jobs that wait, never one that is being painted; all of them are refunded.

    protected, in every call: members whose rank protects them from this actor, though not from an
    owner of the bot.
    """

    def __init__(
        self,
        engine: Engine,
        active: ActiveJobs,
        jobs: Jobs,
        proposals: Proposals,
        cancellation: CancellationService,
        permissions: Permissions,
    ) -> None:
        self._engine = engine
        self._active = active
        self._jobs = jobs
        self._proposals = proposals
        self._cancellation = cancellation
        self._permissions = permissions

    def refusal(self, actor: Actor) -> Refused | None:
        """Return a refusal if this actor may cancel nobody's jobs here, else None."""
        allowed = self._permissions.allows(actor, Action.CANCEL_ANY)
        return None if allowed else Refused(NotAllowed(Action.CANCEL_ANY))

    def requesters(self, actor: Actor, user_id: int | None) -> frozenset[int]:
        """Return whose ranks matter before these jobs are cancelled: a member's, or everybody's
        who has a job that waits, without the actor's own."""
        if user_id is not None:
            return frozenset({user_id}) - {actor.user_id}
        everybody = frozenset(each.row.place.user_id for each in self._waiting(actor, None))
        return everybody - {actor.user_id}

    async def ask(
        self, actor: Actor, user_id: int | None, protected: Collection[int]
    ) -> CancelQuestion | Refused:
        """Ask back before anything is cancelled. user_id: whose jobs, None = everybody's."""
        found = self._cancellable(actor, user_id, protected)
        if isinstance(found, Refused):
            return found
        place = Place(actor.guild_id, actor.channel_id, actor.user_id)
        question = json.dumps({_QUESTION: _EVERYBODY if user_id is None else user_id})
        asked = await self._proposals.ask(place, question)
        return CancelQuestion(asked.id, user_id, *_counted(found, self._waiting(actor, user_id)))

    async def asked_about(self, actor: Actor, question_id: int) -> tuple[int | None] | Refused:
        """Return whom the actor's question is about; refused if it cannot be answered any more."""
        question = await self._proposals.get(question_id)
        own = question is not None and (
            (question.place.user_id, question.place.guild_id) == (actor.user_id, actor.guild_id)
        )
        user_id = json.loads(question.batch).get(_QUESTION) if question and own else None
        if not isinstance(user_id, int):
            return Refused(ProposalClosed(answered=False))
        return (None if user_id == _EVERYBODY else user_id,)

    async def cancel(
        self, actor: Actor, question_id: int, protected: Collection[int]
    ) -> WaitingCancelled | Refused:
        """Cancel what waits now, as the question said. Raises StorageError."""
        about = await self.asked_about(actor, question_id)
        if isinstance(about, Refused):
            return about
        (user_id,) = about
        found = self._cancellable(actor, user_id, protected)
        if isinstance(found, Refused):
            return found
        try:
            await self._proposals.decline(question_id)  # it has been answered
        except (IllegalTransition, UnknownRow):
            return Refused(ProposalClosed(answered=True))
        _, spared = _counted(found, self._waiting(actor, user_id))
        if user_id is not None:
            audit_draft.concerns(user_id)
        ended = await self._jobs.cancelled_waiting(each.row.id for each in found)
        await self._cancellation.stop_ended(ended)
        if not ended:
            return Refused(NobodyWaits(user_id))
        gone = {each.id for each in ended}
        waiting, _ = _counted([each for each in found if each.row.id in gone], found)
        return WaitingCancelled(user_id, waiting, spared)

    def _cancellable(
        self, actor: Actor, user_id: int | None, protected: Collection[int]
    ) -> list[ActiveJob] | Refused:
        if (refused := self.refusal(actor)) is not None:
            return refused
        owners = self._permissions.owners
        spared = frozenset[int]() if actor.user_id in owners else owners | frozenset(protected)
        spared -= {actor.user_id}
        if user_id in spared:
            return Refused(NotCancellable(user_id))
        waiting = self._waiting(actor, user_id)
        found = [each for each in waiting if each.row.place.user_id not in spared]
        return found or Refused(NobodyWaits(user_id, spared=len(waiting)))

    def _waiting(self, actor: Actor, user_id: int | None) -> list[ActiveJob]:
        return [
            each
            for each in self._active
            if each.row.place.guild_id == actor.guild_id
            and user_id in (None, each.row.place.user_id)
            and not each.finished
            and self._engine.queue.get(each.row.id) is not None
        ]


def _counted(found: list[ActiveJob], every: list[ActiveJob]) -> tuple[WaitingJobs, int]:
    """Return how much jobs are, and how many others there are of all of them."""
    people = {each.row.place.user_id for each in found}
    pictures = sum(each.row.pictures for each in found)
    return WaitingJobs(len(found), pictures, len(people)), len(every) - len(found)
