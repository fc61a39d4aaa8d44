"""Accept jobs: a place in the queue, the quota, the row in the database, all or nothing."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta

import structlog

from bot.accounts.block_check import BlockCheck
from bot.accounts.cost_check import CostCheck, quota_refusal
from bot.accounts.delivery_settings import DeliverySettingsService, EffectiveSettings
from bot.accounts.lora_access import LoraAccess
from bot.accounts.model_access import ModelAccess
from bot.accounts.permissions import Actor
from bot.accounts.rules.check import RuleCheck, RuledRequest
from bot.jobs.completion import JobEvents
from bot.jobs.content_check import ContentCheck
from bot.jobs.engine_jobs import EngineJobs
from bot.jobs.painting_control import PaintingControl
from bot.jobs.submission import ContentDecision, ForcedDisplay, JobSubmission
from bot.request.features import feature_problem
from bot.request.loras import StylePick
from bot.request.outcomes import (
    Accepted,
    Blocked,
    InputGone,
    ProposalClosed,
    QueueIsFull,
    Reason,
    Refused,
    ResolvedRequest,
    ShuttingDown,
    StorageUnavailable,
    TooManyTokens,
    UnknownPicture,
)
from bot.request.reasons.administration import ServerPaused
from bot.request.reasons.limits import NotAccepting
from bot.request.reasons.models import ModelBroken, ModelGone
from bot.request.resolver import RequestResolver
from bot.request.weights import picture_weight
from engine.diffusion.families import Family
from engine.errors import QueueClosed, QueueFull
from engine.queue import Slot
from engine.types import ImageRequest
from storage.errors import IllegalTransition, PictureMissing, StorageError, UnknownRow
from storage.jobs import Jobs, NotAccepted
from storage.member_limits import LimitReached
from storage.pauses import Pause
from storage.proposals import ProposalState
from storage.types import Block, Clock, Cost, Job, NewJob, QuotaExceeded, QuotaPolicy

log = structlog.get_logger(__name__)

ACCEPT_LIMIT_S = 2.0
"""Discord waits three seconds for an answer: a database that takes longer is in trouble."""


_Written = tuple[Job, ...] | NotAccepted | LimitReached


class AdmissionService:
    """Accept and charge submissions, or say why not; a refusal gives everything back."""

    def __init__(
        self,
        *,
        engine_jobs: EngineJobs,
        resolver: RequestResolver,
        jobs: Jobs,
        block_check: BlockCheck,
        lora_access: LoraAccess,
        model_access: ModelAccess,
        rules: RuleCheck,
        content_check: ContentCheck,
        delivery_settings: DeliverySettingsService,
        cost_check: CostCheck,
        control: PaintingControl,
        fallback: Callable[[], QuotaPolicy],
        events: JobEvents,
        clock: Clock,
    ) -> None:
        """fallback: returns the quota of members for whom no admin has set one."""
        self._engine_jobs = engine_jobs
        self._engine = engine_jobs.engine
        self._resolver = resolver
        self._models = resolver.models
        self._jobs = jobs
        self._block_check = block_check
        self._lora_access = lora_access
        self._model_access = model_access
        self._rules = rules
        self._content_check = content_check
        self._delivery_settings = delivery_settings
        self._cost_check = cost_check
        self._control = control
        self._fallback = fallback
        self._events = events
        self._clock = clock
        self._late: set[asyncio.Task[_Written]] = set()

    async def accept(
        self, actor: Actor, submission: JobSubmission, proposal_id: int | None = None
    ) -> Accepted | Refused:
        """Put one job into the database and the queue. proposal_id: as for `accept_all`."""
        accepted = await self.accept_all(actor, (submission,), proposal_id)
        return accepted if isinstance(accepted, Refused) else accepted[0]

    async def accept_all(
        self,
        actor: Actor,
        submissions: Sequence[JobSubmission],
        proposal_id: int | None = None,
        *,
        cost_shown: bool = False,
    ) -> tuple[Accepted, ...] | Refused:
        """Accept and charge all of these jobs, or none.

        proposal_id: the proposal that they answer; it is marked as taken in the same transaction.
        cost_shown: the member was shown what they count as, where that is more than their pictures.
        """
        if not self._control.accepting:  # otherwise the cost would be asked about in vain
            return Refused(NotAccepting())
        if (refused := await self._access_refusal(actor, submissions)) is not None:
            return refused
        ruled = await self._ruled(actor, submissions)
        if isinstance(ruled, Refused):
            return await self._block_check.refusal(actor) or ruled
        decisions = await self._content_check.decide(actor, submissions)
        if isinstance(decisions, Refused):
            return await self._block_check.refusal(actor) or decisions
        if not cost_shown and (asked := await self._cost_refusal(actor, submissions)) is not None:
            return asked
        with ExitStack() as reserved:
            slots = self._reserve(actor, submissions, reserved)
            if isinstance(slots, Refused):
                return await self._block_check.refusal(actor) or slots
            until_s = asyncio.get_running_loop().time() + ACCEPT_LIMIT_S
            settings = await self._settings_of(actor, until_s)
            if isinstance(settings, Refused):
                return settings
            weights = [each.weight for each in self.costs(submissions)]
            named = zip(submissions, weights, decisions, strict=True)
            forced = ForcedDisplay(ruled.private, ruled.spoiler)
            rows = [
                each.new_job(actor, settings, decision, weight, forced)
                for each, weight, decision in named
            ]
            jobs = await self._write(rows, proposal_id, until_s, ruled)
            if isinstance(jobs, Refused):
                return jobs
            entering = zip(slots, jobs, submissions, strict=True)
            entered = [self._enter(slot, job, each) for slot, job, each in entering]
        answers = zip(jobs, submissions, decisions, entered, strict=True)
        return tuple(
            self._accepted(job, _with_note(each.resolved, decision), queued)
            for job, each, decision, queued in answers
        )

    def check(self, actor: Actor, submissions: Sequence[JobSubmission]) -> Refused | None:
        """Return why these would not be accepted at this moment, quota aside; hold nothing."""
        with ExitStack() as reserved:
            slots = self._reserve(actor, submissions, reserved)
        return slots if isinstance(slots, Refused) else None

    def costs(self, submissions: Sequence[JobSubmission]) -> list[Cost]:
        """Return what each of these is charged where pictures are weighed."""
        return [
            Cost(each.count, picture_weight(request, self._models.family_of(request)))
            for each in submissions
            for request in (each.resolved.request,)
        ]

    async def content_refusal(
        self, actor: Actor, submissions: Sequence[JobSubmission]
    ) -> Refused | None:
        """Return why the server's filter would refuse these; None if it would not."""
        decisions = await self._content_check.decide(actor, submissions)
        return decisions if isinstance(decisions, Refused) else None

    async def rule_refusal(
        self, actor: Actor, submissions: Sequence[JobSubmission]
    ) -> Refused | None:
        """Return which of the server's rules would refuse these; None if none would."""
        ruled = await self._ruled(actor, submissions)
        return ruled if isinstance(ruled, Refused) else None

    async def source_refusal(self, actor: Actor, files: Sequence[bytes]) -> Refused | None:
        """Return why nothing may be painted from these picture files; None if it may."""
        return await self._content_check.source_refusal(actor, files)

    async def style_pick(self, actor: Actor) -> StylePick:
        """Return what chooses a LoRA for this member by style words in a prompt."""
        return await self._lora_access.style_pick(actor)

    async def block_refusal(self, actor: Actor) -> Refused | None:
        """Return a refusal if the member is blocked here, to be checked before doing any work."""
        return await self._block_check.refusal(actor)

    def storage_failed(self, error: StorageError) -> None:
        """Report a storage error of a request that never became a job."""
        self._events.storage_failed(error)

    async def _cost_refusal(
        self, actor: Actor, submissions: Sequence[JobSubmission]
    ) -> Refused | None:
        """Return what these count as, if that is more than their pictures and was not shown."""
        costs = self.costs(submissions)
        if all(each.weight == 1 for each in costs):
            return None
        if (blocked := await self._block_check.refusal(actor)) is not None:
            return blocked
        prompts = [each.resolved.request.prompt for each in submissions]
        try:
            async with asyncio.timeout(ACCEPT_LIMIT_S):
                return await self._cost_check.refusal(actor, costs, prompts)
        except TimeoutError:
            log.warning("the database took too long")
        except StorageError as error:
            self._events.storage_failed(error)
        return Refused(StorageUnavailable())

    async def _access_refusal(
        self, actor: Actor, submissions: Sequence[JobSubmission]
    ) -> Refused | None:
        """Return why the member may not use a model or a LoRA of these; None if they may."""
        requests = [each.resolved.request for each in submissions]
        names = tuple(dict.fromkeys(each.model for each in requests))
        if (refused := await self._model_access.refusal(actor, names)) is not None:
            return refused
        for name in names:
            model = self._models.get(name)
            if model is None:  # while the request was a question, another configuration came
                return Refused(ModelGone(name, self._models.names))
            if self._engine.is_broken(name):
                return Refused(ModelBroken(name or model.name))
            used = [lora for each in requests if each.model == name for lora in each.loras]
            if (refused := await self._lora_access.refusal(actor, used, model)) is not None:
                return refused
        return None

    async def _ruled(
        self, actor: Actor, submissions: Sequence[JobSubmission]
    ) -> RuledRequest | Refused:
        wanted = [(each.resolved.request, each.count) for each in submissions]
        return await self._rules.decide(actor, wanted)

    def _reserve(
        self, actor: Actor, submissions: Sequence[JobSubmission], reserved: ExitStack
    ) -> list[Slot] | Refused:
        """Reserve a place in the queue for each, until `reserved` is left."""
        if not self._control.accepting:
            return Refused(NotAccepting())
        for each in submissions:
            request = each.resolved.request
            family, count = self._models.family_of(request), self._resolver.count_for(request.model)
            problem = token_problem(request, count, family)
            problem = problem or feature_problem(request, family, each.count)
            if problem is not None:
                return Refused(problem)
        slots: list[Slot] = []
        try:
            for _ in submissions:
                slot = self._engine.reserve(actor.user_id, actor.guild_id)
                slots.append(reserved.enter_context(slot))
        except QueueFull as error:
            return self._queue_full(error, actor, free=len(slots), requested=len(submissions))
        except QueueClosed:
            return Refused(ShuttingDown())
        return slots

    def _enter(self, slot: Slot, job: Job, submission: JobSubmission) -> bool:
        """Fill the slot; False where the bot shuts down at this very moment."""
        try:
            self._engine_jobs.submit(slot, job, submission.replay)
        except QueueClosed:
            # The job is in the database, and the next start queues it.
            return False
        self._events.accepted(job.id)
        return True

    def _queue_full(self, error: QueueFull, actor: Actor, *, free: int, requested: int) -> Refused:
        """free: places that were reserved before the queue was full, and are given back."""
        waiting = error.waiting - free
        reason = QueueIsFull(waiting, error.limit, error.scope, requested)
        wait_s = self._engine.place_free_s(error.scope, actor.user_id) if requested == 1 else None
        return Refused(
            reason, None if wait_s is None else self._clock() + timedelta(seconds=wait_s)
        )

    async def _settings_of(self, actor: Actor, until_s: float) -> EffectiveSettings | Refused:
        """Return where and how the member's pictures are delivered here."""
        try:
            async with asyncio.timeout_at(until_s):
                return await self._delivery_settings.of(actor)
        except TimeoutError:
            log.warning("the database took too long")
        except StorageError as error:
            self._events.storage_failed(error)
        return Refused(StorageUnavailable())

    async def _write(
        self, rows: Sequence[NewJob], proposal_id: int | None, until_s: float, ruled: RuledRequest
    ) -> tuple[Job, ...] | Refused:
        """Write the accepted jobs, in time for Discord to be answered."""
        accepting = asyncio.create_task(
            self._jobs.accept_all(rows, self._fallback(), proposal_id, ruled.limits)
        )
        try:
            left_s = max(0.0, until_s - asyncio.get_running_loop().time())
            await asyncio.wait({accepting}, timeout=left_s)
        finally:
            if not accepting.done():
                # Nothing stays accepted of a call that was cancelled, however long that takes.
                self._late.add(accepting)
                accepting.add_done_callback(self._too_late)
                accepting.cancel()
        if not accepting.done():
            log.warning("the database took too long")
            return Refused(StorageUnavailable())
        try:
            jobs = accepting.result()
        except StorageError as error:
            missing = missing_reason(error)
            if missing is None:
                self._events.storage_failed(error)
            return Refused(missing or StorageUnavailable())
        if isinstance(jobs, Block):
            return Refused(Blocked(jobs.reason), jobs.until)
        if isinstance(jobs, Pause):
            return Refused(ServerPaused(jobs.reason))
        if isinstance(jobs, LimitReached):
            return ruled.refusal(jobs)
        return quota_refusal(jobs) if isinstance(jobs, QuotaExceeded) else jobs

    def _too_late(self, accepting: asyncio.Task[_Written]) -> None:
        self._late.discard(accepting)
        if not accepting.cancelled() and (error := accepting.exception()) is not None:
            log.warning("not accepted", detail=str(error))

    def _accepted(self, job: Job, resolved: ResolvedRequest, queued: bool) -> Accepted:
        """queued: the job is in the queue; otherwise the next start queues it."""
        ahead, ready_at = 0, None
        if queued:
            ahead = (self._engine.queue.position(job.id) or 0) + (self._engine.current is not None)
            wait_s = self._engine.waiting_s(job.id)
            ready_at = None if wait_s is None else self._clock() + timedelta(seconds=wait_s)
        return Accepted(
            job.id,
            resolved,
            ahead,
            ready_at,
            job.private,
            job.pictures,
            spoiler=job.spoiler,
            delivery=job.delivery,
            paused=self._control.paused,
        )


def _with_note(resolved: ResolvedRequest, decision: ContentDecision) -> ResolvedRequest:
    """Return the request with a note on what the server's rules do about it."""
    if (note := decision.note) is None:
        return resolved
    return dataclasses.replace(resolved, notes=(*resolved.notes, note))


def missing_reason(error: StorageError) -> Reason | None:
    """Return what the jobs need that is no longer there; None for a disk in trouble."""
    match error:
        case IllegalTransition():
            return ProposalClosed(error.from_ == ProposalState.TAKEN)
        case UnknownRow(kind="proposal"):
            return ProposalClosed(answered=False)
        case UnknownRow():  # somebody deleted the original this very moment
            return UnknownPicture(str(error.id))
        case PictureMissing():
            return InputGone()
        case _:
            return None


def token_problem(
    request: ImageRequest, count: Callable[[str], int | None], family: Family
) -> TooManyTokens | None:
    """Return the problem if the model would not read all of the request's words.

    count: answers None before the model is loaded; then the renderer finds out.
    """
    read = (request.effective_prompt, request.negative_prompt if request.guidance > 1 else "")
    for text in filter(None, read):
        tokens = count(text)
        if tokens is not None and tokens > family.max_tokens:
            return TooManyTokens(tokens, family.max_tokens)
    return None
