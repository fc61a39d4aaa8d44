"""Deliver finished results exactly once: durable and retried, over a Messenger."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.delivery import routes
from bot.delivery.cards import KeptCard
from bot.delivery.keyed_worker import KeyedWorker
from bot.delivery.messenger import (
    REPLY_TOKEN_LIFE,
    Address,
    AnsweredElsewhere,
    Messenger,
    Obstacle,
    TemporaryFailure,
    Undeliverable,
)
from bot.delivery.progress import ProgressUpdater
from bot.delivery.result_cards import ResultCards
from bot.delivery.sender import ResultSender, RoutePlan, TooOld
from bot.delivery.status_messages import StatusEditor, StatusNotes
from bot.delivery.user_threads import UserThreads
from bot.retry import Sleep
from engine.types import request_from_json
from storage.deliveries import Deliveries
from storage.errors import IllegalTransition, StorageError
from storage.types import Clock, Delivery, Job, JobState, PendingDelivery, Route

log = structlog.get_logger(__name__)

STATUS_WAIT_S = 30.0
"""How long a result waits to learn which message is its job's status message."""
FIRST_RESPONSE_LIMIT = timedelta(seconds=3)
"""Discord accepts the first response to a command within this time."""
EARLIER_EDITS_S = 5.0
"""How long an edit that a killed process had sent may still be on its way. Nothing of an earlier
process is delivered sooner after the start: such an edit would cover the result. Chosen by hand."""
MAX_CONCURRENT = 4
"""The maximum number of deliveries in progress; discord.py handles Discord's rate limits."""


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """How long results are worth sending, and whether users may be sent direct messages."""

    max_age: timedelta = timedelta(hours=24)
    direct_messages: bool = True


class NeverAnswered(Exception):
    """The job's command was never answered, so its requester does not expect a result."""


class DeliveryWorker:
    """Delivers finished jobs from the database to Discord.

    A command calls `expect_status` when its job is accepted, then `status_posted` with the message
    that answers it, or `status_unknown`. The route (see routes.py) is recorded before the first
    attempt and kept until it is closed, and before a message is posted a second time, Discord is
    asked whether the first one exists. So no crash shows a result twice.
    """

    def __init__(
        self,
        *,
        messenger: Messenger,
        editor: StatusEditor,
        progress_updater: ProgressUpdater,
        deliveries: Deliveries,
        cards: ResultCards,
        threads: UserThreads,
        clock: Clock,
        policy: Callable[[], DeliveryPolicy] = DeliveryPolicy,
        on_storage_error: Callable[[StorageError], object] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._messenger = messenger
        self._progress_updater = progress_updater
        self._deliveries = deliveries
        self._disown: Callable[[int], Awaitable[object]] = deliveries.dropped
        self._notes = StatusNotes(editor, sleep)
        self._sender = ResultSender(
            messenger,
            editor,
            self._notes,
            deliveries,
            cards,
            threads,
            clock,
            max_age=lambda: policy().max_age,
            direct_messages=lambda: policy().direct_messages,
        )
        self._clock = clock
        self._policy = policy
        self._on_storage_error = on_storage_error
        self._sleep = sleep
        # Results that were waiting at the start; each requester is notified once, not once per
        # result.
        self._backlog: set[int] = set()
        self._notified_users: set[int] = set()
        self._awaited_statuses: dict[int, asyncio.Event] = {}
        self._own: set[int] = set()  # accepted by this process and not delivered yet
        self._earlier_arrived = asyncio.Event()
        self._earlier_arrived.set()
        self._worker = KeyedWorker(
            self._deliver,
            name="delivery",
            limit=MAX_CONCURRENT,
            retry_on=(TemporaryFailure, StorageError),
            on_retry=self._on_retry,
            on_end=self._on_end,
            prepare=self._prepare,
            sleep=sleep,
        )

    def attach(self, disown: Callable[[int], Awaitable[object]]) -> None:
        """Undo with this each painted job that another copy of the bot turns out to have answered.

        Otherwise it is only dropped.
        """
        self._disown = disown

    async def status_message(
        self, job_id: int, *, accepted_at: datetime | None = None
    ) -> int | None:
        """Return the job's status message; asks Discord if a crash kept it from being recorded.

        accepted_at: None means just now. Returns None if the message is unknown or no longer known.
        Raises NeverAnswered, AnsweredElsewhere, Undeliverable and TemporaryFailure.
        """
        delivery = await self._deliveries.get(job_id)
        if delivery is None or delivery.message_id is not None or delivery.reply_token is None:
            return None if delivery is None else delivery.message_id
        age = timedelta() if accepted_at is None else self._clock() - accepted_at
        age = max(age, timedelta())  # the clock may have been ahead when it was accepted
        if age > REPLY_TOKEN_LIFE:
            return None
        message_id = await self._messenger.find_answer(delivery.reply_token, job_id)
        if message_id is None and age < FIRST_RESPONSE_LIMIT:
            # The first response, perhaps of a process that was killed, may still be in flight.
            await self._sleep((FIRST_RESPONSE_LIMIT - age).total_seconds())
            message_id = await self._messenger.find_answer(delivery.reply_token, job_id)
        if message_id is None:
            raise NeverAnswered
        await self.status_posted(job_id, message_id)
        return message_id

    async def status_address(self, job: Job) -> Address | None:
        """Return the recorded status message of a job, and how to reach it; None if unknown."""
        delivery = await self._deliveries.get(job.id)
        if delivery is None or delivery.message_id is None:
            return None
        in_direct = await self._seems_in_direct(job)
        return _status_address(job, delivery, delivery.message_id, in_direct=in_direct)

    def expect_status(self, job_id: int) -> None:
        """Announce that the answer to the job's command is being sent, and will be known soon."""
        self._own.add(job_id)
        self._awaited_statuses[job_id] = asyncio.Event()

    async def status_posted(
        self, job_id: int, message_id: int, *, reply_token: str | None = None
    ) -> None:
        """Record the job's status message. reply_token: as for `Deliveries.placed`."""
        try:
            await self._deliveries.placed(job_id, message_id, reply_token=reply_token)
        finally:
            self.status_unknown(job_id)

    def status_unknown(self, job_id: int) -> None:
        """Announce that nothing more will be heard of the status message."""
        if (event := self._awaited_statuses.pop(job_id, None)) is not None:
            event.set()

    def wake(self, job_id: int) -> None:
        """Deliver the result of a job that has ended."""
        self._worker.wake(job_id)

    async def run(self) -> None:
        """Deliver until cancelled, beginning with what the last process left undelivered."""
        # One wait for all, so that results keep their order.
        self._earlier_arrived.clear()
        waiting = asyncio.create_task(self._wait_for_earlier(), name="earlier edits")
        try:
            for pending in await self._deliveries.pending():
                self._backlog.add(pending.job.id)
                self.wake(pending.job.id)
            await self._worker.run()
        finally:
            waiting.cancel()
            await self._notes.stop()

    async def _wait_for_earlier(self) -> None:
        if EARLIER_EDITS_S > 0:
            await self._sleep(EARLIER_EDITS_S)
        self._earlier_arrived.set()

    async def drain(self, limit_s: float) -> None:
        """Give running deliveries `limit_s` to finish. The rest, and all jobs woken from now on,
        are delivered at the next start."""
        await self._worker.drain(limit_s)
        await self._notes.stop()

    @property
    def busy(self) -> bool:
        """Whether any delivery is running."""
        return self._worker.busy

    def _on_end(self, job_id: int, error: BaseException | None) -> None:
        self._backlog.discard(job_id)
        self._own.discard(job_id)
        if error is not None:
            log.error("delivery broke off", job=job_id, exc_info=error)

    async def _prepare(self, job_id: int) -> None:
        """Wait until the status message is known and nothing can cover the result, then stop its
        progress updates."""
        if job_id not in self._own:
            await self._earlier_arrived.wait()
        if (status_known := self._awaited_statuses.get(job_id)) is not None:
            try:
                async with asyncio.timeout(STATUS_WAIT_S):
                    await status_known.wait()
            except TimeoutError:
                self.status_unknown(job_id)
        await self._progress_updater.stop_tracking(job_id)

    def _on_retry(self, job_id: int, error: Exception, wait_s: float | None) -> None:
        if isinstance(error, StorageError):
            self._on_storage_error(error)
        log.warning("delivery delayed", job=job_id, wait_s=wait_s, detail=str(error))

    async def _deliver(self, job_id: int) -> None:
        """Deliver the job's result. Raises TemporaryFailure and StorageError to be tried again."""
        while True:
            try:
                await self._deliver_once(job_id)
                return
            except IllegalTransition:
                # The picture was erased meanwhile; the next look finds nothing left to deliver.
                log.info("erased while it was delivered", job=job_id)

    async def _deliver_once(self, job_id: int) -> None:
        pending = await self._deliveries.pending_for(job_id)
        if pending is None:
            return
        try:
            await self._send(pending)
        except Undeliverable as error:
            log.warning("not deliverable", job=job_id, obstacle=error.obstacle.value)
            await self._keep_in_history(pending, str(error), error.obstacle)
        except AnsweredElsewhere:
            log.warning("not delivered: another copy of the bot answered", job=job_id)
            # Only what was painted is still charged.
            painted = pending.job.state is JobState.PAINTED
            await (self._disown(job_id) if painted else self._deliveries.dropped(job_id))
        except TooOld:
            log.info("too old to be sent", job=job_id)
            await self._keep_in_history(pending, "too old to be sent", old=True)
        except (TemporaryFailure, StorageError):
            raise
        except Exception as error:
            # A bug in this program: retrying would not help.
            log.error("delivery broke off", job=job_id, exc_info=error)
            await self._keep_in_history(pending, f"internal: {type(error).__name__}")

    async def _send(self, pending: PendingDelivery) -> None:
        job = pending.job
        message_id = await self._status_message_id(pending)
        if message_id is None and job.state is JobState.CANCELLED:
            message_id = await self._find_unrecorded_status(pending)
            if message_id is None:
                # The requester never saw an answer, so there is nothing to correct.
                await self._deliveries.dropped(job.id)
                return
        in_direct = await self._is_in_direct(pending)
        default = routes.default_route(
            job,
            message_id=message_id,
            has_token=pending.delivery.reply_token is not None,
            now=self._clock(),
            backlog=job.id in self._backlog,
            direct_messages=self._policy().direct_messages,
            in_direct=in_direct,
        )
        plan = RoutePlan(
            _status_address(job, pending.delivery, message_id, in_direct=in_direct),
            default,
            partial(self._should_mention, pending),
        )
        if not await self._sender.send(pending, plan):
            await self._keep_in_history(pending, "nobody could be told")

    async def _status_message_id(self, pending: PendingDelivery) -> int | None:
        """Return the status message, if it is known or can still be looked up."""
        job = pending.job
        if pending.delivery.message_id is not None:
            return pending.delivery.message_id
        with contextlib.suppress(NeverAnswered, Undeliverable):
            return await self.status_message(job.id, accepted_at=job.accepted_at)
        return None

    async def _find_unrecorded_status(self, pending: PendingDelivery) -> int | None:
        """Look for a status message that Discord reported as too late: its first attempt may have
        arrived although the response to it was lost."""
        job = pending.job
        if job.private or _has_no_status(pending):
            return None
        with contextlib.suppress(Undeliverable):
            message_id = await self._messenger.find_status(
                _status_address(job, pending.delivery, None), job.id, job.accepted_at
            )
            if message_id is not None:
                await self.status_posted(job.id, message_id)
            return message_id
        return None

    async def _is_in_direct(self, pending: PendingDelivery) -> bool:
        """Whether a private job that took a while was requested in direct messages.

        At first an edit by the token is all that is needed. Raises TemporaryFailure.
        """
        job = pending.job
        if not job.private or self._clock() - job.accepted_at <= routes.NOTIFY_AFTER:
            return False
        return await self._messenger.is_direct(job.place.channel_id)

    async def _seems_in_direct(self, job: Job) -> bool:
        """Whether a job was requested in direct messages, as far as Discord says so now."""
        with contextlib.suppress(TemporaryFailure):
            return job.private and await self._messenger.is_direct(job.place.channel_id)
        return False

    async def _keep_in_history(
        self,
        pending: PendingDelivery,
        why: str,
        obstacle: Obstacle | None = None,
        *,
        old: bool = False,
    ) -> None:
        """Keep the result in the history only, and say so on the status message if possible."""
        job = pending.job
        kept = await self._deliveries.kept(job.id, why)
        painted = job.state is JobState.PAINTED
        reason = "" if obstacle is None else obstacle.value
        in_direct = await self._seems_in_direct(job)
        request = request_from_json(job.request)
        card = KeptCard(request, job.place.user_id, painted, old, reason, direct=in_direct)
        # `kept` has no token any more.
        status = _status_address(job, pending.delivery, kept.message_id, in_direct=in_direct)
        await self._notes.write(job.id, status, card)

    def _should_mention(self, pending: PendingDelivery, route: Route) -> bool:
        job = pending.job
        waited_long = self._clock() - job.accepted_at > routes.NOTIFY_AFTER
        if route is not Route.POST and not (route is Route.THREAD and waited_long):
            return False
        if _has_no_status(pending) and not waited_long:
            return False
        if job.id not in self._backlog:
            return True
        first = job.place.user_id not in self._notified_users
        self._notified_users.add(job.place.user_id)
        return first


def _has_no_status(pending: PendingDelivery) -> bool:
    """Whether the job never had a status message, so that its result is its first message."""
    return pending.delivery.message_id is None and pending.delivery.reply_token is None


def _status_address(
    job: Job, delivery: Delivery, message_id: int | None, *, in_direct: bool = False
) -> Address:
    """Return the status message of a job, with everything by which it can be reached.

    in_direct: it is in direct messages, where no status message is ephemeral.
    """
    return Address(
        0 if in_direct else job.place.guild_id,
        job.place.channel_id,
        message_id,
        job.locale_for(private=job.private or in_direct),
        reply_token=delivery.reply_token,
        upload_limit_bytes=delivery.upload_limit_bytes,
        token_since=job.accepted_at,
        ephemeral=job.private and not in_direct,
    )
