"""Explained requests: keep what /explain was asked about, so that one press paints it."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import structlog
from pydantic import TypeAdapter, ValidationError

from bot.accounts.permissions import Actor
from bot.jobs.admission import AdmissionService, token_problem
from bot.jobs.submission import JobSubmission
from bot.request.outcomes import (
    ManyPermutations,
    ProposalClosed,
    Refused,
    ResolvedRequest,
    StorageUnavailable,
)
from bot.request.params import GenerationParams
from bot.request.pending import PendingRequest
from bot.request.prompt.apply_flags import count_problem
from bot.request.resolver import RequestResolver
from engine.prompts import visible
from storage.errors import StorageError
from storage.proposals import Proposals, ProposalState
from storage.types import Place

log = structlog.get_logger(__name__)

KEEP_LIMIT_S: Final = 1.0
"""A slower database costs the button, not the answer. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class StoredExplanation:
    """An explained request as it is stored. The name of its field tells it from other proposals."""

    explained: PendingRequest


class ExplainedRequests:
    """Requests that only their requester paints, as often as they like within their life.

    Like suggestions they are proposals in the database, so their buttons work after a restart.
    """

    def __init__(
        self, *, admission: AdmissionService, resolver: RequestResolver, proposals: Proposals
    ) -> None:
        self._admission = admission
        self._resolver = resolver
        self._proposals = proposals

    async def refusal(self, actor: Actor, prompt: str) -> Refused | None:
        """Return why /imagine would refuse a prompt, with all that is wrong in it.

        The server's filter is asked for the actor, where they are. A prompt that is only too long
        for the model is explained all the same, with that advice.
        """
        found = await self._parsed(PendingRequest(GenerationParams(visible(prompt))))
        if found is None or isinstance(found, Refused):
            return found
        return await self._admission.content_refusal(actor, [JobSubmission(found)])

    async def keep(self, actor: Actor, prompt: str) -> int | None:
        """Return the id under which a prompt is kept; nothing is charged or reserved for it.

        None if /imagine would refuse it, whoever asks, or if it cannot be stored.
        """
        request = PendingRequest(GenerationParams(visible(prompt)))
        if not await self._is_paintable(request):
            return None
        text = _adapter().dump_json(StoredExplanation(request)).decode()
        place = Place(actor.guild_id, actor.channel_id, actor.user_id)
        try:
            async with asyncio.timeout(KEEP_LIMIT_S):
                return (await self._proposals.ask(place, text)).id
        except TimeoutError:
            log.warning("the database took too long")
        except StorageError as error:
            self._admission.storage_failed(error)
        return None

    async def find(self, actor: Actor, proposal_id: int) -> PendingRequest | Refused:
        """Return a request of the actor's that was kept."""
        closed = Refused(ProposalClosed(answered=False))
        try:
            found = await self._proposals.get(proposal_id)
        except StorageError as error:
            self._admission.storage_failed(error)
            return Refused(StorageUnavailable())
        if found is None or found.state is not ProposalState.OPEN:
            return closed
        if (found.place.guild_id, found.place.user_id) != (actor.guild_id, actor.user_id):
            return closed
        try:
            return _adapter().validate_json(found.batch).explained
        except ValidationError as error:  # of another kind, or another version wrote it
            log.warning("request not read", proposal=proposal_id, detail=str(error)[:200])
            return closed

    async def _is_paintable(self, request: PendingRequest) -> bool:
        """Return whether the prompt itself is in order, as far as that is known without a model."""
        resolved = await self._parsed(request)
        if resolved is None or isinstance(resolved, Refused):
            return resolved is None
        painted = resolved.request
        count = self._resolver.count_for(painted.model)
        return token_problem(painted, count, self._resolver.models.family_of(painted)) is None

    async def _parsed(self, request: PendingRequest) -> ResolvedRequest | Refused | None:
        """Return what would be painted; None of several prompts: those after the first are checked
        when they are asked about."""
        parsed = await self._resolver.parse(request.params, request.count, request.private)
        if isinstance(parsed, Refused):
            return None if isinstance(parsed.reason, ManyPermutations) else parsed
        params = dataclasses.replace(parsed.params, preset=None)  # filled in when it is painted
        return count_problem(parsed) or await self._resolver.resolve(params)


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[StoredExplanation]:
    return TypeAdapter(StoredExplanation)
