"""Which road a result takes to its person, and which one is left when it is closed. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bot.delivery.messenger import REPLY_TOKEN_LIFE, Obstacle
from storage.types import DeliveryMode, Job, JobState, Route

NOTIFY_AFTER: Final = timedelta(seconds=30)
"""Who waited longer has looked away: an edit notifies nobody, so a new message mentions them."""

_CHANNEL_CLOSED: Final = frozenset(
    {
        Obstacle.CHANNEL_GONE,
        Obstacle.FORBIDDEN,
        Obstacle.ARCHIVED,
        Obstacle.FULL,
        Obstacle.MESSAGE_GONE,
    }
)
"""The whole channel is closed to us, not this one message."""


def preferred_route(job: Job, *, direct_messages: bool) -> Route | None:
    """The road that the job's person chose for their pictures; None = the usual one.

    What is private never goes to a thread, where others see it.
    """
    if job.delivery is DeliveryMode.DIRECT:
        return _direct(job, direct_messages)
    thread = job.delivery is DeliveryMode.THREAD and not job.private
    return Route.THREAD if thread and job.state is JobState.PAINTED else None


def default_route(
    job: Job,
    *,
    message_id: int | None,
    has_token: bool,
    now: datetime,
    backlog: bool,
    direct_messages: bool,
) -> Route | None:
    """The road of a result that was never tried and that its person wants nowhere else; None =
    keep the result.

    message_id: of the status message, if it is known. has_token: the interaction's token is there.
    backlog: the result lay there when the bot started.
    """
    age = now - job.accepted_at
    if job.private:
        if has_token and age < REPLY_TOKEN_LIFE:
            return Route.REPLY
        return _direct(job, direct_messages)
    if message_id is None:
        return Route.POST
    if job.state is JobState.CANCELLED:
        return Route.EDIT  # somebody asked for it and knows
    if backlog and job.state is not JobState.PAINTED:
        return Route.EDIT  # an old failure is not worth a ping
    return Route.POST if age > NOTIFY_AFTER else Route.EDIT


def fallback_route(
    route: Route, obstacle: Obstacle, job: Job, *, default: Route | None, direct_messages: bool
) -> Route | None:
    """The road that is left when this one is closed for good; None = keep the result.

    Only a picture is worth a direct message, and only where the owner allows those. What is
    private never goes to a channel. usual: the road where nobody wanted another one.
    """
    direct = _direct(job, direct_messages)
    preferred = preferred_route(job, direct_messages=direct_messages)
    if route is preferred:
        # Where nobody can look whether it stands there already, it must not stand elsewhere too.
        return None if default is route or obstacle is Obstacle.UNREADABLE else default
    if preferred is Route.DIRECT:
        direct = None  # it was closed before
    match route:
        case Route.EDIT if obstacle in (
            Obstacle.MESSAGE_GONE,
            Obstacle.ARCHIVED,  # a new message opens the thread again, unless it is locked
            Obstacle.REJECTED,
        ):
            return Route.POST
        case Route.EDIT | Route.POST:
            return direct if obstacle in _CHANNEL_CLOSED else None
        case Route.REPLY:
            return direct
        case _:
            return None


def _direct(job: Job, direct_messages: bool) -> Route | None:
    return Route.DIRECT if direct_messages and job.state is JobState.PAINTED else None
