"""Decide by which route a result is delivered, and by which one if that is closed. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Final

from bot.delivery.messenger import REPLY_TOKEN_LIFE, Obstacle
from storage.types import DeliveryMode, Job, JobState, Route

NOTIFY_AFTER: Final = timedelta(seconds=30)
"""After this wait a new message mentions the requester, because an edit would notify nobody."""

_CHANNEL_CLOSED: Final = frozenset(
    {
        Obstacle.CHANNEL_GONE,
        Obstacle.FORBIDDEN,
        Obstacle.ARCHIVED,
        Obstacle.FULL,
        Obstacle.MESSAGE_GONE,
    }
)
"""The whole channel is closed to the bot, not just one message."""
_EDIT_REFUSED: Final = frozenset(
    {
        Obstacle.MESSAGE_GONE,
        Obstacle.ARCHIVED,  # a new message reopens the thread, unless it is locked
        Obstacle.REJECTED,
    }
)
"""The message cannot be edited, but the channel may accept a new one."""


def preferred_route(job: Job, *, direct_messages: bool) -> Route | None:
    """Return the route that the requester chose for their pictures, or None for the default one.

    Private results never go to a thread, where others could see them.
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
    in_direct: bool = False,
) -> Route | None:
    """Return the default route of a result that was not tried yet, or None to keep it undelivered.

    message_id: the status message, if known. has_token: the interaction's token is known. backlog:
    the result was already waiting when the bot started. in_direct: it was requested in direct
    messages, where the bot can edit the status message without a token.
    """
    age = now - job.accepted_at
    if job.private:
        direct = _direct(job, direct_messages)
        anew = in_direct and direct is not None and age > NOTIFY_AFTER
        if has_token and age < REPLY_TOKEN_LIFE and not anew:
            return Route.REPLY
        return Route.EDIT if direct is None and in_direct and message_id is not None else direct
    if message_id is None:
        return Route.POST
    if job.state is JobState.CANCELLED:
        return Route.EDIT  # whoever cancelled it knows already
    if backlog and job.state is not JobState.PAINTED:
        return Route.EDIT  # an old failure is not worth a notification
    return Route.POST if age > NOTIFY_AFTER else Route.EDIT


def fallback_route(
    route: Route,
    obstacle: Obstacle,
    job: Job,
    *,
    default: Route | None,
    direct_messages: bool,
    editable: bool = False,
    taken: AbstractSet[Route] = frozenset(),
) -> Route | None:
    """Return the route that remains when this one is closed for good, or None to keep the result.

    Only pictures are sent by direct message, and only if the owner allows it. Private results never
    go to a channel. default: the route without the requester's own choice. editable: the status
    message may accept the result although the channel accepts no new message. taken: the routes
    that were closed before.
    """
    direct = _direct(job, direct_messages)
    preferred = preferred_route(job, direct_messages=direct_messages)
    if route is preferred:
        # It may have arrived by the preferred route; if nobody can check, it must not be sent
        # again.
        return None if default is route or obstacle is Obstacle.UNREADABLE else default
    if preferred is Route.DIRECT:
        direct = None  # it was closed before
    match route:
        case Route.EDIT if job.private:
            return None  # in direct messages, where there is no other way left
        case Route.EDIT if obstacle in _EDIT_REFUSED and Route.POST not in taken:
            return Route.POST
        case Route.POST if obstacle in _CHANNEL_CLOSED and editable and Route.EDIT not in taken:
            return Route.EDIT
        case Route.EDIT | Route.POST:
            return direct if obstacle in _CHANNEL_CLOSED else None
        case Route.REPLY:
            return None if Route.DIRECT in taken else direct
        case Route.DIRECT if job.private and editable and obstacle is not Obstacle.UNREADABLE:
            return None if Route.REPLY in taken else Route.REPLY
        case _:
            return None


def _direct(job: Job, direct_messages: bool) -> Route | None:
    return Route.DIRECT if direct_messages and job.state is JobState.PAINTED else None
