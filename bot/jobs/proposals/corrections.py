"""Corrections: keep a request whose prompt has flags that cannot be obeyed until it is answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import lru_cache

import structlog
from pydantic import TypeAdapter, ValidationError

from bot.accounts.permissions import Actor
from bot.jobs.admission import ACCEPT_LIMIT_S, AdmissionService
from bot.request.outcomes import FlagProblem, ProposalClosed, Refused, StorageUnavailable
from bot.request.pending import PendingRequest
from bot.request.prompt.flags import without_flags
from engine.prompts import visible
from storage.errors import StorageError
from storage.proposals import Proposals, ProposalState
from storage.types import Place

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredCorrection:
    """A refused request as it is stored. without: its prompt without the flags that were wrong."""

    request: PendingRequest
    without: str


@dataclass(frozen=True, slots=True)
class Correction:
    """An answer to a refused request. prompt: as typed. paintable: words are left without flags."""

    proposal_id: int
    problem: FlagProblem
    prompt: str
    paintable: bool


class CorrectionService:
    """Offer to correct a prompt or to paint it without its wrong flags; painted at most once.

    Like proposals of permutations they live in the database, so their buttons work after a restart.
    """

    def __init__(self, *, admission: AdmissionService, proposals: Proposals) -> None:
        self._admission = admission
        self._proposals = proposals

    async def offer(
        self, actor: Actor, request: PendingRequest, problem: FlagProblem
    ) -> Correction | Refused:
        """Store the request; nothing is charged or reserved for it."""
        prompt = visible(request.params.prompt)
        without = await asyncio.to_thread(without_flags, prompt, problem)
        stored = StoredCorrection(request.with_prompt(prompt), without)
        place = Place(actor.guild_id, actor.channel_id, actor.user_id)
        try:
            async with asyncio.timeout(ACCEPT_LIMIT_S):
                proposal = await self._proposals.ask(place, _adapter().dump_json(stored).decode())
        except TimeoutError:
            log.warning("the database took too long")
            return Refused(StorageUnavailable())
        except StorageError as error:
            self._admission.storage_failed(error)
            return Refused(StorageUnavailable())
        return Correction(proposal.id, problem, prompt, bool(without.strip()))

    async def find(self, actor: Actor, proposal_id: int) -> StoredCorrection | Refused:
        """Return the request, if it is the actor's and was not painted yet."""
        try:
            found = await self._proposals.get(proposal_id)
        except StorageError as error:
            self._admission.storage_failed(error)
            return Refused(StorageUnavailable())
        own = (actor.guild_id, actor.user_id)
        if found is None or (found.place.guild_id, found.place.user_id) != own:
            return Refused(ProposalClosed(answered=False))
        if found.state is not ProposalState.OPEN:
            return Refused(ProposalClosed(found.state is ProposalState.TAKEN))
        try:
            return _adapter().validate_json(found.batch)
        except ValidationError as error:  # another version wrote it, or it is another question
            log.warning("correction not read", proposal=proposal_id, detail=str(error)[:200])
            return Refused(ProposalClosed(answered=False))


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[StoredCorrection]:
    return TypeAdapter(StoredCorrection)
