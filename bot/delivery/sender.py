"""Send one result by the first open route, and never to two places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.delivery import routes
from bot.delivery.cards import Card, MovedCard, PictureCard, SentCard
from bot.delivery.messenger import (
    Address,
    Messenger,
    Obstacle,
    TemporaryFailure,
    Undeliverable,
)
from bot.delivery.result_cards import ResultCards, fallback_note
from bot.delivery.status_messages import StatusEditor, StatusNotes, token_lives
from bot.delivery.user_threads import UserThreads
from engine.types import request_from_json
from storage.deliveries import Deliveries
from storage.errors import IllegalTransition, StorageError
from storage.types import Clock, Delivery, DeliveryMode, Job, JobState, PendingDelivery, Route

log = structlog.get_logger(__name__)

NONCE_LIFE = timedelta(seconds=60)
"""The minimum time for which Discord rejects a second message with the same nonce."""


class TooOld(Exception):
    """The result is too old to be worth sending."""


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """How a result may be delivered.

    status: the status message. default: the route without the requester's own choice, or None.
    mention(route): whether the message notifies the requester; called right before it is sent.
    """

    status: Address
    default: Route | None
    mention: Callable[[Route], bool]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What is sent now, and by which route.

    uncertain: an earlier attempt by the same route may have arrived. closed_by: why the result is
    not shown where it was requested, "" if a crash lost that; only of meaning on Route.DIRECT.
    """

    pending: PendingDelivery
    route: Route
    uncertain: bool
    closed_by: str = ""

    def may_be_shown(self, obstacle: Obstacle) -> bool:
        """Return whether an earlier attempt may be where its requester still sees it.

        A forbidden place cannot be searched, nor be relied on to stay as it was found: what was
        sent before may still be on its way. Nobody searches for an edit, which an archived thread
        keeps.
        """
        if not self.uncertain:
            return False
        return obstacle is Obstacle.FORBIDDEN or (
            obstacle is Obstacle.ARCHIVED and self.route is Route.EDIT
        )


class ResultSender:
    """Sends results, each by the best route that is open. max_age: older results are not sent."""

    def __init__(
        self,
        messenger: Messenger,
        editor: StatusEditor,
        notes: StatusNotes,
        deliveries: Deliveries,
        cards: ResultCards,
        threads: UserThreads,
        clock: Clock,
        *,
        max_age: Callable[[], timedelta],
        direct_messages: Callable[[], bool],
    ) -> None:
        self._messenger = messenger
        self._editor = editor
        self._notes = notes
        self._deliveries = deliveries
        self._cards = cards
        self._threads = threads
        self._clock = clock
        self._max_age = max_age
        self._direct_messages = direct_messages

    async def send(self, pending: PendingDelivery, plan: RoutePlan) -> bool:
        """Deliver the result; return False if there was no route at all.

        Raises Undeliverable if all routes are closed, TooOld, and TemporaryFailure and StorageError
        if it has to be tried again.
        """
        attempt = self._first_attempt(pending, plan)
        if attempt is None:
            return False
        taken: set[Route] = set()
        thread_replaced = False
        while True:
            taken.add(attempt.route)
            try:
                await self._send_via(attempt, plan)
                return True
            except Undeliverable as error:
                if attempt.may_be_shown(error.obstacle):
                    raise  # never send it a second time
                job = attempt.pending.job
                delivery = (
                    None
                    if thread_replaced
                    else await self._forget_deleted_thread(job.id, error.obstacle)
                )
                thread_replaced = thread_replaced or delivery is not None
                delivery = delivery or await self._switch_route(
                    attempt.route, error.obstacle, job, plan, taken
                )
                if delivery is None:
                    raise
                assert delivery.route is not None
                attempt = _Attempt(
                    replace(attempt.pending, delivery=delivery),
                    delivery.route,
                    uncertain=False,
                    closed_by=error.obstacle.value,
                )

    def _first_attempt(self, pending: PendingDelivery, plan: RoutePlan) -> _Attempt | None:
        """Return the attempt by the route that was begun, else by the best one."""
        job, delivery = pending.job, pending.delivery
        route = delivery.route or self._preferred(job) or plan.default
        if route is None:
            return None
        # Until the thread is known, nothing was sent to it.
        unsent = delivery.route is Route.THREAD and delivery.thread_id is None
        wanted_here = job.delivery is DeliveryMode.CHANNEL
        return _Attempt(
            pending,
            route,
            uncertain=delivery.route is not None and not unsent,
            closed_by=(delivery.fallback_reason or "") if wanted_here else "",
        )

    def _preferred(self, job: Job) -> Route | None:
        return routes.preferred_route(job, direct_messages=self._direct_messages())

    async def _switch_route(
        self, route: Route, obstacle: Obstacle, job: Job, plan: RoutePlan, taken: set[Route]
    ) -> Delivery | None:
        """Record the route that remains when this one is closed; None if there is none."""
        fallback = routes.fallback_route(
            route,
            obstacle,
            job,
            default=plan.default,
            direct_messages=self._direct_messages(),
            editable=self._may_be_edited(plan.status, job),
            taken=taken,
        )
        if fallback is None:
            return None
        log.info("route closed", job=job.id, obstacle=obstacle.value, next_route=fallback.value)
        wanted_here = job.delivery is DeliveryMode.CHANNEL and fallback is Route.DIRECT
        closed = wanted_here or route is self._preferred(job)
        return await self._deliveries.switch(job.id, fallback, obstacle.value if closed else None)

    def _may_be_edited(self, status: Address, job: Job) -> bool:
        """Return whether the status message may accept what the channel does not.

        A picture takes the same permissions either way, so that only the token can help; text can
        still be edited where the bot may not write any more.
        """
        if status.message_id is None:
            return False
        return token_lives(status, self._clock()) or job.state is not JobState.PAINTED

    async def _forget_deleted_thread(self, job_id: int, obstacle: Obstacle) -> Delivery | None:
        """Record that the requester's thread was deleted, so that the next attempt opens another.

        Returns None if there was no thread, or if the obstacle is a different one.
        """
        delivery = await self._deliveries.get(job_id)
        if delivery is None or delivery.thread_id is None or obstacle is not Obstacle.CHANNEL_GONE:
            return None
        await self._threads.forget(delivery.thread_id)
        return await self._deliveries.thread_gone(job_id)

    async def _send_via(self, attempt: _Attempt, plan: RoutePlan) -> None:
        """Deliver by the attempt's route."""
        pending, route, status = attempt.pending, attempt.route, plan.status
        job = pending.job
        target = await self._target(route, pending, status)
        thread_id = target.channel_id if route is Route.THREAD else None
        begun = await self._deliveries.attempt(job.id, route, thread_id)
        if route in (Route.EDIT, Route.REPLY):
            self._check_age(pending)
            if status.message_id is None:  # painted despite that, or the answer came too late
                raise Undeliverable(Obstacle.MESSAGE_GONE, "its command was never answered")
            await self._editor.edit(status, await self._cards.card(pending, route))
            await self._deliveries.delivered(job.id, status.message_id)
            return
        message_id = None
        if attempt.uncertain and begun.attempted_at is not None:
            message_id = await self._find_earlier_post(target, job.id, begun.attempted_at)
        if message_id is None:
            self._check_age(pending)
            card = await self._cards.card(pending, route, mention=plan.mention(route))
            card = _as_seen_in(target.channel_id, card)
            message_id = await self._messenger.post(target, card, begun.nonce)
        # Recorded before anything else: what was posted must never be posted again.
        try:
            await self._deliveries.delivered(job.id, message_id)
        except IllegalTransition:
            # Erased in this very moment: nobody else knows of the message.
            await self._take_down(replace(target, message_id=message_id))
            raise
        result = replace(target, message_id=message_id)
        if begun.fallback_reason == Obstacle.MESSAGE_GONE and self._preferred(job) is Route.THREAD:
            await self._open_thread_for_next(job, result)
        await self._replace_status(status, attempt, result)

    async def _take_down(self, message: Address) -> None:
        try:
            await self._messenger.delete(replace(message, reply_token=None))
        except (Undeliverable, TemporaryFailure) as error:
            log.warning("message of an erased result not deleted", detail=str(error))

    async def _open_thread_for_next(self, job: Job, result: Address) -> None:
        """Open the requester's thread under this picture, for the pictures that follow."""
        try:
            await self._threads.thread_for(job.place, result)
        except (Undeliverable, TemporaryFailure, StorageError) as error:
            log.info("thread not begun", job=job.id, detail=str(error))

    async def _find_earlier_post(self, target: Address, job_id: int, since: datetime) -> int | None:
        """Return the message that an earlier attempt posted, or None."""
        try:
            message_id = await self._messenger.find_post(target, job_id, since)
        except Undeliverable as error:
            # abs: an attempt from the far future, made while the clock was ahead, has no known age.
            if error.obstacle is Obstacle.UNREADABLE and abs(self._clock() - since) < NONCE_LIFE:
                return None  # the nonce still prevents a second post
            raise
        if message_id is None:
            await self._deliveries.missed(job_id)
        else:
            log.info("found posted before", job=job_id, message=message_id)
        return message_id

    def _check_age(self, pending: PendingDelivery) -> None:
        finished_at = pending.job.finished_at
        if finished_at is not None and self._clock() - finished_at > self._max_age():
            raise TooOld

    async def _target(self, route: Route, pending: PendingDelivery, status: Address) -> Address:
        """Return the address this route leads to."""
        job = pending.job
        if route is Route.DIRECT:
            channel_id = await self._messenger.direct_channel(job.place.user_id)
            return Address(0, channel_id, None, job.locale_for(private=True))
        if route is Route.THREAD:
            thread_id = pending.delivery.thread_id
            if thread_id is None:
                self._check_age(pending)  # before a thread is opened in vain
                thread_id = await self._threads.thread_for(job.place, status)
            return replace(status, channel_id=thread_id, message_id=None)
        return status

    async def _replace_status(self, status: Address, attempt: _Attempt, result: Address) -> None:
        """Let the status message say where the result is; a failure here loses nothing."""
        job = attempt.pending.job
        request = request_from_json(job.request)
        assert result.message_id is not None
        if attempt.route is Route.DIRECT and result.channel_id != status.channel_id:
            wanted = self._preferred(job) is Route.DIRECT
            card = SentCard(request, job.place.user_id, None if wanted else attempt.closed_by)
        else:
            if attempt.route is Route.DIRECT:
                # It was requested in direct messages, although its token was taken for valid: the
                # status message is no ephemeral one, so that the bot may edit it on its own.
                status = replace(status, guild_id=0, ephemeral=False)
            where = (result.guild_id, result.channel_id, result.message_id)
            card = MovedCard(request, *where, fallback_note(attempt.pending))
        await self._notes.write(job.id, status, card)


def _as_seen_in(channel_id: int, card: Card) -> Card:
    """Return the card without its origin if it is posted where the picture was requested."""
    if isinstance(card, PictureCard) and card.origin_id == channel_id:
        return replace(card, origin_id=0)
    return card
