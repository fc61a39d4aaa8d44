"""Permutations: ask before {braces, in a prompt} are painted, then paint all of them or none."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated
from weakref import WeakValueDictionary

import structlog
from pydantic import Field, TypeAdapter, ValidationError

from bot.accounts.cost_check import quota_refusal
from bot.accounts.permissions import Actor
from bot.accounts.presets import SettingsFiller
from bot.jobs.admission import ACCEPT_LIMIT_S, AdmissionService
from bot.jobs.generation.variations import params_like
from bot.jobs.proposals.suggestions import Suggestion, asked_suggestion
from bot.jobs.submission import JobSubmission
from bot.pictures.originals import OriginalPictures
from bot.request.knowledge import confirmation, unrecognized
from bot.request.loras import StylePick
from bot.request.outcomes import (
    Accepted,
    ManyPermutations,
    NothingKnown,
    ProposalClosed,
    Refused,
    StorageUnavailable,
)
from bot.request.params import GenerationParams, cleaned
from bot.request.prompt.apply_flags import (
    ParsedRequest,
    apply_flags_to_each,
    blame_flags,
    count_problem,
    expand_prompts,
)
from bot.request.resolver import RequestResolver
from engine.estimate import Estimator
from engine.types import ImageRequest
from storage.errors import IllegalTransition, StorageError, UnknownRow
from storage.proposals import Proposal, Proposals, ProposalState
from storage.quotas import Quotas
from storage.types import Place, QuotaExceeded, QuotaPolicy, QuotaStatus

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PendingBatch:
    """The subject of a proposal as it is stored: parameters with braces in their prompt."""

    # Open proposals in the database have it under this key.
    params: Annotated[GenerationParams, Field(alias="wish")]
    count: int | None
    private: bool
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class BatchProposal:
    """A question to ask. texts: each permutation with its flags, in order.

    quota: before anything is charged. duration_s: how long painting takes, None if unknown.
    suggestion: other prompts, if the model knows nothing in all of these; its answers are apart
    from that of the proposal. ignored: parts of the choices that do nothing, as in `Permutations`.
    extra_cost: how many pictures more these count as.
    """

    proposal_id: int
    texts: tuple[str, ...]
    pictures: int
    quota: QuotaStatus
    duration_s: float | None
    suggestion: Suggestion | None = None
    ignored: tuple[str, ...] = ()
    extra_cost: int = 0

    @property
    def cost(self) -> int:
        """How many pictures these count as."""
        return self.pictures + self.extra_cost


@dataclass(frozen=True, slots=True)
class AcceptedBatch:
    """The jobs of an accepted proposal and the prompt of each. No status message shows them."""

    jobs: tuple[Accepted, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _ParsedBatch:
    texts: tuple[str, ...]
    requests: tuple[ParsedRequest, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _ResolvedBatch:
    texts: tuple[str, ...]
    submissions: tuple[JobSubmission, ...]
    ignored: tuple[str, ...]
    unknown: NothingKnown | None
    """The question about the first prompt, if the model knows nothing in all of them."""

    @property
    def pictures(self) -> int:
        return sum(each.count for each in self.submissions)

    def duration_s(self, estimator: Estimator) -> float | None:
        """Return how long painting takes; None if it is not known."""
        works: dict[str, float] = {}
        for each in self.submissions:
            request = each.resolved.request
            works[request.model] = works.get(request.model, 0.0) + request.work * each.count
        parts = [estimator.seconds(work, model) for model, work in works.items()]
        known = [each for each in parts if each is not None]
        return sum(known) if len(known) == len(parts) else None


class PermutationService:
    """Propose the permutations of a prompt; only its requester answers, and only once.

    Proposals live in the database, so their buttons work after a restart. Whatever would keep the
    pictures from being accepted is said at once, in place of the question.
    """

    def __init__(
        self,
        *,
        admission: AdmissionService,
        resolver: RequestResolver,
        filler: SettingsFiller,
        originals: OriginalPictures,
        proposals: Proposals,
        quotas: Quotas,
        fallback: Callable[[], QuotaPolicy],
        estimator: Estimator,
    ) -> None:
        self._admission = admission
        self._resolver = resolver
        self._filler = filler
        self._originals = originals
        self._proposals = proposals
        self._quotas = quotas
        self._fallback = fallback
        self._estimator = estimator
        # One lock per proposal being answered: a second press sees how the first one ended.
        self._answering: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def propose(self, actor: Actor, many: ManyPermutations) -> BatchProposal | Refused:
        """Store the proposal; nothing is charged or reserved for it."""
        batch = PendingBatch(cleaned(many.params), many.count, many.private, many.parent_id)
        try:
            async with asyncio.timeout(ACCEPT_LIMIT_S):
                resolved = await self._resolve(actor, batch)
                if isinstance(resolved, Refused):
                    return resolved
                blocked = await self._admission.block_refusal(actor)
                refused = blocked or self._admission.check(actor, resolved.submissions)
                refused = refused or await self._admission.rule_refusal(actor, resolved.submissions)
                refused = refused or await self._admission.content_refusal(
                    actor, resolved.submissions
                )
                return refused or await self._store(actor, batch, resolved)
        except TimeoutError:
            log.warning("the database took too long")
            return Refused(StorageUnavailable())
        except StorageError as error:
            return self._storage_failed(error)

    async def accept(self, actor: Actor, proposal_id: int) -> AcceptedBatch | Refused:
        """Accept and charge every picture of the proposal, or none.

        Everything is checked again: the quota, the queue or the original may have changed.
        """
        lock = self._answering.setdefault(proposal_id, asyncio.Lock())
        async with lock:
            try:
                batch = await self._open(actor, proposal_id)
                if isinstance(batch, Refused):
                    return batch
                resolved = await self._resolve(actor, batch)
            except StorageError as error:
                return self._storage_failed(error)
            if isinstance(resolved, Refused):
                return resolved
            # No message will show the jobs, so nobody must look for one by this token.
            quiet = dataclasses.replace(actor, reply_token=None)
            jobs = await self._admission.accept_all(
                quiet, resolved.submissions, proposal_id, cost_shown=True
            )
        return jobs if isinstance(jobs, Refused) else AcceptedBatch(jobs, resolved.texts)

    async def decline(self, actor: Actor, proposal_id: int) -> Refused | None:
        """Close the proposal; None once nothing will come of it, whether it was open or not."""
        lock = self._answering.setdefault(proposal_id, asyncio.Lock())
        async with lock:
            try:
                batch = await self._open(actor, proposal_id)
                if isinstance(batch, Refused):
                    return batch if batch == Refused(ProposalClosed(answered=True)) else None
                await self._proposals.decline(proposal_id)
            except (IllegalTransition, UnknownRow):  # it expired this very moment
                return None
            except StorageError as error:
                return self._storage_failed(error)
        return None

    async def _store(
        self, actor: Actor, batch: PendingBatch, resolved: _ResolvedBatch
    ) -> BatchProposal | Refused:
        place = Place(actor.guild_id, actor.channel_id, actor.user_id)
        costs = self._admission.costs(resolved.submissions)
        exceeded = await self._quotas.refusal(
            place, self._fallback(), costs, actor.role_ids, answers=True
        )
        if isinstance(exceeded, QuotaExceeded):
            return quota_refusal(exceeded)
        quota = await self._quotas.status(
            actor.guild_id, actor.user_id, self._fallback(), actor.role_ids
        )
        proposal = await self._proposals.ask(place, _to_json(batch))
        unknown = resolved.unknown
        suggestion = None
        if unknown is not None:
            suggestion = await asked_suggestion(self._proposals, place, unknown)
        duration_s = resolved.duration_s(self._estimator)
        cost = resolved.pictures
        heavy = any(each.weight > 1 for each in costs)
        if heavy and await self._quotas.weighs(actor.guild_id):
            cost = sum(each.pictures * each.weight for each in costs)
        return BatchProposal(
            proposal.id,
            resolved.texts,
            resolved.pictures,
            quota,
            duration_s,
            suggestion,
            resolved.ignored,
            cost - resolved.pictures,
        )

    async def _open(self, actor: Actor, proposal_id: int) -> PendingBatch | Refused:
        found = await self._proposals.get(proposal_id)
        if found is None or not _is_for(actor, found):
            return Refused(ProposalClosed(answered=False))
        if found.state is not ProposalState.OPEN:
            return Refused(ProposalClosed(found.state is ProposalState.TAKEN))
        try:
            return _from_json(found.batch)
        except ValidationError as error:  # another version wrote it
            log.warning("question not read", proposal=proposal_id, detail=str(error)[:200])
            return Refused(ProposalClosed(answered=False))

    async def _resolve(self, actor: Actor, batch: PendingBatch) -> _ResolvedBatch | Refused:
        """Resolve every permutation, with new seeds where none is given."""
        original, private = None, False
        if batch.parent_id is not None:
            found = await self._originals.find(actor, str(batch.parent_id), anyones=True)
            if isinstance(found, Refused):
                return found
            original, private = await self._originals.settings_of(found), found.private
        # On another thread: up to MAX_PERMUTATIONS prompts are analysed.
        parsed = await asyncio.to_thread(_parsed, batch)
        if isinstance(parsed, Refused):
            return parsed
        requests = await self._filler.fill(actor, parsed.requests, defaults=original is None)
        if isinstance(requests, Refused):
            return requests
        parsed = dataclasses.replace(parsed, requests=requests)
        pick = await self._admission.style_pick(actor)
        return await asyncio.to_thread(self._resolve_all, batch, parsed, original, private, pick)

    def _resolve_all(
        self,
        batch: PendingBatch,
        parsed: _ParsedBatch,
        original: ImageRequest | None,
        private: bool,
        pick: StylePick,
    ) -> _ResolvedBatch | Refused:
        submissions: list[JobSubmission] = []
        for each in parsed.requests:
            submission = self._resolve_one(each, original, pick)
            if isinstance(submission, Refused):
                return submission
            submissions.append(
                dataclasses.replace(
                    submission, private=private or each.private, parent_id=batch.parent_id
                )
            )
        unknown = self._unknown(parsed.requests[0], submissions, original)
        return _ResolvedBatch(parsed.texts, tuple(submissions), parsed.ignored, unknown)

    def _unknown(
        self,
        first: ParsedRequest,
        submissions: Sequence[JobSubmission],
        original: ImageRequest | None,
    ) -> NothingKnown | None:
        """Return the question about the first prompt if nothing is known in all of them.

        Its answers are painted with the first prompt's flags.
        """
        if not all(unrecognized(each.resolved) for each in submissions):
            return None
        submission = submissions[0]
        params = first.params if original is None else params_like(first.params, original)
        if isinstance(params, Refused):
            return None
        asked = confirmation(
            dataclasses.replace(first, params=params, private=submission.private),
            submission.resolved,
            self._resolver.models.family_of(submission.resolved.request),
            submission.parent_id,
        )
        reason = None if asked is None else asked.reason
        return reason if isinstance(reason, NothingKnown) else None

    def _resolve_one(
        self, parsed: ParsedRequest, original: ImageRequest | None, pick: StylePick
    ) -> JobSubmission | Refused:
        if (problem := count_problem(parsed)) is not None:
            return problem
        params = parsed.params if original is None else params_like(parsed.params, original)
        if isinstance(params, Refused):
            return params
        resolved = self._resolver.resolve_blocking(params, pick)
        if isinstance(resolved, Refused):
            return blame_flags(resolved, parsed)
        return JobSubmission(resolved, parsed.pictures)

    def _storage_failed(self, error: StorageError) -> Refused:
        self._admission.storage_failed(error)
        return Refused(StorageUnavailable())


def _parsed(batch: PendingBatch) -> _ParsedBatch | Refused:
    """Return every permutation with its flags applied."""
    expanded = expand_prompts(batch.params.prompt)
    if isinstance(expanded, Refused):
        return expanded
    requests = apply_flags_to_each(batch.params, batch.count, batch.private)
    if isinstance(requests, Refused):
        return requests
    return _ParsedBatch(expanded.prompts, requests, expanded.ignored)


def _is_for(actor: Actor, proposal: Proposal) -> bool:
    place = proposal.place
    return (place.guild_id, place.user_id) == (actor.guild_id, actor.user_id)


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[PendingBatch]:
    return TypeAdapter(PendingBatch)


def _to_json(batch: PendingBatch) -> str:
    return _adapter().dump_json(batch, by_alias=True).decode()


def _from_json(text: str) -> PendingBatch:
    """Raises ValidationError."""
    return _adapter().validate_json(text)
