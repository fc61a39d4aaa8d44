"""Send one result by the first open route, and never to two places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.delivery import routes
from bot.delivery.cards import Card, MovedCard, PictureCard, SentCard
from bot.delivery.messenger import (
    REPLY_TOKEN_LIFE,
    Address,
    Messenger,
    Obstacle,
    TemporaryFailure,
    Undeliverable,
)
from bot.delivery.result_cards import ResultCards
from bot.delivery.user_threads import UserThreads
from engine.types import request_from_json
from storage.deliveries import Deliveries
from storage.errors import StorageError
from storage.types import Clock, Delivery, Job, PendingDelivery, Route

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


class ResultSender:
    """Sends results, each by the best route that is open. max_age: older results are not sent."""

    def __init__(
        self,
        messenger: Messenger,
        deliveries: Deliveries,
        cards: ResultCards,
        threads: UserThreads,
        clock: Clock,
        *,
        max_age: timedelta,
        direct_messages: bool,
    ) -> None:
        self._messenger = messenger
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
        job, route = pending.job, pending.delivery.route
        # Until the thread is known, nothing was sent to it.
        unsent = route is Route.THREAD and pending.delivery.thread_id is None
        tried = route is not None and not unsent
        route = route or self._preferred(job) or plan.default
        thread_replaced = False
        while route is not None:
            try:
                await self._send_via(route, pending, plan, tried=tried)
                return True
            except Undeliverable as error:
                if tried and error.obstacle is Obstacle.FORBIDDEN:
                    # It may have arrived where its requester still sees it: never send it a second
                    # time.
                    raise
                delivery = (
                    None
                    if thread_replaced
                    else await self._forget_deleted_thread(job.id, error.obstacle)
                )
                thread_replaced = thread_replaced or delivery is not None
                delivery = delivery or await self._switch_route(
                    route, error.obstacle, job, plan.default
                )
                if delivery is None:
                    raise
                pending, route, tried = replace(pending, delivery=delivery), delivery.route, False
        return False

    def _preferred(self, job: Job) -> Route | None:
        return routes.preferred_route(job, direct_messages=self._direct_messages)

    async def _switch_route(
        self, route: Route, obstacle: Obstacle, job: Job, default: Route | None
    ) -> Delivery | None:
        """Record the route that remains when this one is closed; None if there is none."""
        direct = self._direct_messages
        fallback = routes.fallback_route(
            route, obstacle, job, default=default, direct_messages=direct
        )
        if fallback is None:
            return None
        log.info("another road", job=job.id, obstacle=obstacle.value, road=fallback.value)
        fallback_reason = obstacle.value if route is self._preferred(job) else None
        return await self._deliveries.switch(job.id, fallback, fallback_reason)

    async def _forget_deleted_thread(self, job_id: int, obstacle: Obstacle) -> Delivery | None:
        """Record that the requester's thread was deleted, so that the next attempt opens another.

        Returns None if there was no thread, or if the obstacle is a different one.
        """
        delivery = await self._deliveries.get(job_id)
        if delivery is None or delivery.thread_id is None or obstacle is not Obstacle.CHANNEL_GONE:
            return None
        await self._threads.forget(delivery.thread_id)
        return await self._deliveries.thread_gone(job_id)

    async def _send_via(
        self, route: Route, pending: PendingDelivery, plan: RoutePlan, *, tried: bool
    ) -> None:
        """Deliver by this route. tried: an earlier attempt by it may have arrived."""
        job, status = pending.job, plan.status
        target = await self._target(route, pending, status)
        thread_id = target.channel_id if route is Route.THREAD else None
        attempt = await self._deliveries.attempt(job.id, route, thread_id)
        if route in (Route.EDIT, Route.REPLY):
            self._check_age(pending)
            if route is Route.REPLY and self._clock() - job.accepted_at > REPLY_TOKEN_LIFE:
                raise Undeliverable(Obstacle.MESSAGE_GONE, "the interaction's token is spent")
            if status.message_id is None:  # painted despite that, or the answer came too late
                raise Undeliverable(Obstacle.MESSAGE_GONE, "its command was never answered")
            await self._messenger.edit(status, await self._cards.card(pending, route))
            await self._deliveries.delivered(job.id, status.message_id)
            return
        message_id = None
        if tried and attempt.attempted_at is not None:
            message_id = await self._find_earlier_post(target, job.id, attempt.attempted_at)
        if message_id is None:
            self._check_age(pending)
            card = await self._cards.card(pending, route, mention=plan.mention(route))
            card = _as_seen_in(target.channel_id, card)
            message_id = await self._messenger.post(target, card, attempt.nonce)
        # Recorded before anything else: what was posted must never be posted again.
        await self._deliveries.delivered(job.id, message_id)
        result = replace(target, message_id=message_id)
        if (
            attempt.fallback_reason == Obstacle.MESSAGE_GONE
            and self._preferred(job) is Route.THREAD
        ):
            await self._open_thread_for_next(job, result)
        await self._replace_status(status, pending, result, route)

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
        if finished_at is not None and self._clock() - finished_at > self._max_age:
            raise TooOld

    async def _target(self, route: Route, pending: PendingDelivery, status: Address) -> Address:
        """Return the address this route leads to."""
        job = pending.job
        if route is Route.DIRECT:
            channel_id = await self._messenger.direct_channel(job.place.user_id)
            return Address(0, channel_id, None, job.locale)
        if route is Route.THREAD:
            thread_id = pending.delivery.thread_id
            if thread_id is None:
                self._check_age(pending)  # before a thread is opened in vain
                thread_id = await self._threads.thread_for(job.place, status)
            return replace(status, channel_id=thread_id, message_id=None)
        return status

    async def _replace_status(
        self, status: Address, pending: PendingDelivery, result: Address, route: Route
    ) -> None:
        """Replace the status message with a link to the result; a failure here loses nothing."""
        job = pending.job
        if status.message_id is None:
            return
        same_channel = result.channel_id == status.channel_id  # a job of direct messages
        if route is Route.DIRECT and route is not self._preferred(job) and not same_channel:
            return  # its channel is closed, or its token has expired
        request = request_from_json(job.request)
        card: MovedCard | SentCard = SentCard(request, job.place.user_id)
        if route is not Route.DIRECT or same_channel:
            assert result.message_id is not None
            card = MovedCard(request, result.guild_id, result.channel_id, result.message_id)
        try:
            await self._messenger.edit(status, card)
        except (Undeliverable, TemporaryFailure) as error:
            log.info("status message not shrunk", message=status.message_id, detail=str(error))


def _as_seen_in(channel_id: int, card: Card) -> Card:
    """Return the card without its origin if it is posted where the picture was requested."""
    if isinstance(card, PictureCard) and card.origin_id == channel_id:
        return replace(card, origin_id=0)
    return card
