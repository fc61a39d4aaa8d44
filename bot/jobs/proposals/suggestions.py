"""Suggestions: ask before a prompt is painted in which the model knows nothing."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import structlog
from pydantic import TypeAdapter, ValidationError

from bot.accounts.cost_check import quota_refusal
from bot.accounts.permissions import Actor
from bot.jobs.admission import ACCEPT_LIMIT_S, AdmissionService
from bot.jobs.submission import JobSubmission
from bot.request.notes import LimitedModel
from bot.request.outcomes import (
    Accepted,
    NothingKnown,
    ProposalClosed,
    Refused,
    StorageUnavailable,
)
from bot.request.params import GenerationParams
from bot.request.resolver import RequestResolver
from storage.errors import StorageError
from storage.proposals import Proposals, ProposalState
from storage.quotas import Quotas
from storage.types import Place, QuotaExceeded, QuotaPolicy

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PendingSuggestion:
    """The subject of a proposal as it is stored: parameters without flags, and other prompts."""

    params: GenerationParams
    count: int
    private: bool
    examples: tuple[str, ...]
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question to ask. pictures: what each answer costs. examples: prompts to paint instead."""

    proposal_id: int
    prompt: str
    pictures: int
    model: LimitedModel
    examples: tuple[str, ...]


class SuggestionService:
    """Suggest other prompts; only the requester answers, as often as they like within its life.

    Suggestions live in the database, so their buttons work after a restart. A spent quota or a
    block is said at once, in place of the question.
    """

    def __init__(
        self,
        *,
        admission: AdmissionService,
        resolver: RequestResolver,
        proposals: Proposals,
        quotas: Quotas,
        fallback: Callable[[], QuotaPolicy],
    ) -> None:
        self._admission = admission
        self._resolver = resolver
        self._proposals = proposals
        self._quotas = quotas
        self._fallback = fallback

    async def propose(self, actor: Actor, unknown: NothingKnown) -> Suggestion | Refused:
        """Store the question; nothing is charged or reserved for it."""
        place = Place(actor.guild_id, actor.channel_id, actor.user_id)
        try:
            async with asyncio.timeout(ACCEPT_LIMIT_S):
                blocked = await self._admission.block_refusal(actor)
                if blocked is not None:
                    return blocked
                exceeded = await self._quotas.refusal(
                    place, self._fallback(), unknown.count, actor.role_ids, answers=True
                )
                if isinstance(exceeded, QuotaExceeded):
                    return quota_refusal(exceeded)
                return await asked_suggestion(self._proposals, place, unknown)
        except TimeoutError:
            log.warning("the database took too long")
            return Refused(StorageUnavailable())
        except StorageError as error:
            return self._storage_failed(error)

    async def paint(
        self, actor: Actor, proposal_id: int, example: int | None = None
    ) -> Accepted | Refused:
        """Accept and charge one answer. example: which of the prompts, None for the one typed."""
        try:
            pending = await self._open(actor, proposal_id)
        except StorageError as error:
            return self._storage_failed(error)
        if isinstance(pending, Refused):
            return pending
        params = pending.params
        if example is not None:
            if example >= len(pending.examples):  # a newer version had more
                return Refused(ProposalClosed(answered=False))
            prompt = pending.examples[example]
            params = dataclasses.replace(params, prompt=prompt, unknown_options=())
        pick = await self._admission.style_pick(actor)
        resolved = await self._resolver.resolve(params, pick)
        if isinstance(resolved, Refused):
            return resolved
        return await self._admission.accept(
            actor, JobSubmission(resolved, pending.count, pending.private, pending.parent_id)
        )

    async def _open(self, actor: Actor, proposal_id: int) -> PendingSuggestion | Refused:
        closed = Refused(ProposalClosed(answered=False))
        found = await self._proposals.get(proposal_id)
        if found is None or found.state is not ProposalState.OPEN:
            return closed
        place = found.place
        if (place.guild_id, place.user_id) != (actor.guild_id, actor.user_id):
            return closed
        try:
            return _from_json(found.batch)
        except ValidationError as error:  # of another kind, or another version wrote it
            log.warning("suggestion not read", proposal=proposal_id, detail=str(error)[:200])
            return closed

    def _storage_failed(self, error: StorageError) -> Refused:
        self._admission.storage_failed(error)
        return Refused(StorageUnavailable())


async def asked_suggestion(proposals: Proposals, place: Place, unknown: NothingKnown) -> Suggestion:
    """Store the question about a prompt and return it. Raises StorageError."""
    pending = PendingSuggestion(
        unknown.params, unknown.count, unknown.private, unknown.examples, unknown.parent_id
    )
    proposal = await proposals.ask(place, _to_json(pending))
    return Suggestion(
        proposal.id, unknown.params.prompt, unknown.count, unknown.model, unknown.examples
    )


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[PendingSuggestion]:
    return TypeAdapter(PendingSuggestion)


def _to_json(pending: PendingSuggestion) -> str:
    return _adapter().dump_json(pending).decode()


def _from_json(text: str) -> PendingSuggestion:
    """Raises ValidationError."""
    return _adapter().validate_json(text)
