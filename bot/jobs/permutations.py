"""Choices in braces: what they would make is asked about, and painted once it is agreed to."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated
from weakref import WeakValueDictionary

import structlog
from pydantic import Field, TypeAdapter, ValidationError

from bot.accounts.permissions import Actor
from bot.jobs.generation import ACCEPT_LIMIT_S, GenerationService
from bot.jobs.submission import JobSubmission, quota_refusal
from bot.jobs.variations import params_like
from bot.request.apply_flags import ParsedRequest, apply_flags_to_each, expand_prompts
from bot.request.outcomes import (
    Accepted,
    ManyPermutations,
    OutOfRange,
    ProposalClosed,
    Refused,
    StorageUnavailable,
)
from bot.request.params import GenerationParams
from bot.request.resolve import SeedSource, resolve
from engine.prompts import clean
from engine.series import MAX_PICTURES
from engine.types import ImageRequest, Recipe
from storage.errors import IllegalTransition, StorageError, UnknownRow
from storage.proposals import Proposal, Proposals, ProposalState
from storage.quotas import Quotas
from storage.types import Place, QuotaExceeded, QuotaPolicy, QuotaStatus

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PendingBatch:
    """What a question is about, as it is stored: a wish with all its choices."""

    # Open proposals in the database have it under this key.
    params: Annotated[GenerationParams, Field(alias="wish")]
    count: int
    private: bool
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class BatchProposal:
    """A question to be asked. texts: each prompt with its flags, in order.

    quota: as it is before. duration_s: how long painting them takes, None if nothing is known.
    """

    proposal_id: int
    texts: tuple[str, ...]
    pictures: int
    quota: QuotaStatus
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class AcceptedBatch:
    """All the jobs of a question, and the prompt of each with its flags. No message shows them."""

    jobs: tuple[Accepted, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _ResolvedBatch:
    texts: tuple[str, ...]
    wanted: tuple[JobSubmission, ...]

    @property
    def pictures(self) -> int:
        return sum(each.count for each in self.wanted)

    @property
    def work(self) -> float:
        """In megapixel-steps."""
        return sum(each.resolved.request.work * each.count for each in self.wanted)


class PermutationService:
    """Asks before many pictures are painted; a question is answered once, and only by its person.

    It lives in the database, so that its buttons work after a restart. Whatever would keep its
    pictures from being accepted is said at once, instead of the question.
    """

    def __init__(
        self,
        generation: GenerationService,
        proposals: Proposals,
        quotas: Quotas,
        fallback: QuotaPolicy,
        seeds: SeedSource,
    ) -> None:
        self._generation = generation
        self._proposals = proposals
        self._quotas = quotas
        self._fallback = fallback
        self._seeds = seeds
        # Of those that are being answered: who presses twice hears of the first press's end.
        self._answering: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def propose(self, actor: Actor, many: ManyPermutations) -> BatchProposal | Refused:
        """Write down what is asked for; nothing is charged or held for it."""
        asking = PendingBatch(_cleaned(many.params), many.count, many.private, many.parent_id)
        try:
            async with asyncio.timeout(ACCEPT_LIMIT_S):
                decided = await self._decided(actor, asking)
                if isinstance(decided, Refused):
                    return decided
                barred = await self._generation.block_refusal(actor)
                refused = barred or self._generation.check(actor, decided.wanted)
                return refused or await self._asked(actor, asking, decided)
        except TimeoutError:
            log.warning("the database took too long")
            return Refused(StorageUnavailable())
        except StorageError as error:
            return self._trouble(error)

    async def accept(self, actor: Actor, proposal_id: int) -> AcceptedBatch | Refused:
        """Accept and charge everything that the question is about, or nothing of it.

        All is decided anew: the quota, the queue, or the picture it starts from may have changed.
        """
        lock = self._answering.setdefault(proposal_id, asyncio.Lock())
        async with lock:
            try:
                asking = await self._open(actor, proposal_id)
                if isinstance(asking, Refused):
                    return asking
                decided = await self._decided(actor, asking)
            except StorageError as error:
                return self._trouble(error)
            if isinstance(decided, Refused):
                return decided
            # No message will show the jobs: they are not to be looked for by this token.
            quiet = dataclasses.replace(actor, reply_token=None)
            jobs = await self._generation.accept_all(quiet, decided.wanted, proposal_id)
        return jobs if isinstance(jobs, Refused) else AcceptedBatch(jobs, decided.texts)

    async def decline(self, actor: Actor, proposal_id: int) -> Refused | None:
        """Close the question; None where nothing comes of it, if it was open or not."""
        lock = self._answering.setdefault(proposal_id, asyncio.Lock())
        async with lock:
            try:
                asking = await self._open(actor, proposal_id)
                if isinstance(asking, Refused):
                    return asking if asking == Refused(ProposalClosed(answered=True)) else None
                await self._proposals.decline(proposal_id)
            except (IllegalTransition, UnknownRow):  # this very moment too old
                return None
            except StorageError as error:
                return self._trouble(error)
        return None

    async def _asked(
        self, actor: Actor, asking: PendingBatch, decided: _ResolvedBatch
    ) -> BatchProposal | Refused:
        place = Place(actor.guild_id, actor.channel_id, actor.user_id)
        exceeded = await self._quotas.refusal(place, self._fallback, decided.pictures)
        if isinstance(exceeded, QuotaExceeded):
            return quota_refusal(exceeded)
        quota = await self._quotas.status(actor.guild_id, actor.user_id, self._fallback)
        proposal = await self._proposals.ask(place, _to_json(asking))
        duration_s = self._generation.engine.estimator.seconds(decided.work)
        return BatchProposal(proposal.id, decided.texts, decided.pictures, quota, duration_s)

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

    async def _decided(self, actor: Actor, asking: PendingBatch) -> _ResolvedBatch | Refused:
        """Every wish made precise, with seeds of its own where none is given."""
        original, private = None, False
        if asking.parent_id is not None:
            found = await self._generation.find(actor, str(asking.parent_id), anyones=True)
            if isinstance(found, Refused):
                return found
            original, private = Recipe.from_json(found.recipe).request, found.private
        # Not on the loop, as in Painter.imagine: these are up to ten prompts.
        return await asyncio.to_thread(self._all_made, asking, original, private)

    def _all_made(
        self, asking: PendingBatch, original: ImageRequest | None, private: bool
    ) -> _ResolvedBatch | Refused:
        texts = expand_prompts(asking.params.prompt)
        if isinstance(texts, Refused):
            return texts
        asked = apply_flags_to_each(asking.params, asking.count, asking.private)
        if isinstance(asked, Refused):
            return asked
        wanted: list[JobSubmission] = []
        for each in asked:
            made = self._made(each, original)
            if isinstance(made, Refused):
                return made
            own = private or each.private
            wanted.append(dataclasses.replace(made, private=own, parent_id=asking.parent_id))
        return _ResolvedBatch(texts, tuple(wanted))

    def _made(self, asked: ParsedRequest, original: ImageRequest | None) -> JobSubmission | Refused:
        if not 1 <= asked.count <= MAX_PICTURES:
            return Refused(OutOfRange("count", asked.count, 1, MAX_PICTURES))
        params = asked.params if original is None else params_like(asked.params, original)
        if isinstance(params, Refused):
            return params
        generation = self._generation
        resolved = resolve(params, generation.family, self._seeds, generation.engine.count_tokens)
        return resolved if isinstance(resolved, Refused) else JobSubmission(resolved, asked.count)

    def _trouble(self, error: StorageError) -> Refused:
        self._generation.storage_failed(error)
        return Refused(StorageUnavailable())


def _is_for(actor: Actor, proposal: Proposal) -> bool:
    place = proposal.place
    return (place.guild_id, place.user_id) == (actor.guild_id, actor.user_id)


def _cleaned(params: GenerationParams) -> GenerationParams:
    """Without what cannot be stored or seen; composing would do the same."""
    negative = None if params.negative is None else clean(params.negative)
    return dataclasses.replace(params, prompt=clean(params.prompt), negative=negative)


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[PendingBatch]:
    return TypeAdapter(PendingBatch)


def _to_json(asking: PendingBatch) -> str:
    return _adapter().dump_json(asking, by_alias=True).decode()


def _from_json(text: str) -> PendingBatch:
    """Raises ValidationError."""
    return _adapter().validate_json(text)
