"""Sentences about limits: the queue, quotas, and times at which nothing is accepted."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bot.i18n import Words, paragraph
from bot.request.reasons.limits import (
    CostsMore,
    LimitReason,
    NotAccepting,
    QueueIsFull,
    QuotaSpent,
    ServerQuotaSpent,
    ShuttingDown,
    StorageUnavailable,
)
from bot.wording.moderation import When
from engine.errors import Scope


def limit_refusal(reason: LimitReason, retry_at: datetime | None, say: Words, when: When) -> str:
    """Say which limit is reached, and when to try again."""
    match reason:
        case QueueIsFull():
            return _queue_full(reason, retry_at, say, when)
        case QuotaSpent():
            return _quota_spent(reason, retry_at, say, when)
        case ServerQuotaSpent():
            return _server_quota_spent(reason, retry_at, say, when)
        case CostsMore():
            return _costs_more(reason, say)
        case ShuttingDown():
            return say("I am restarting; please try again in a minute.")
        case NotAccepting():
            return paragraph(
                say("The bot's owner lets me accept nothing new at the moment."),
                say("What already waits is still painted. Please try again later."),
            )
        case StorageUnavailable():
            return storage_unavailable(say)
        case _:
            assert_never(reason)


def _costs_more(reason: CostsMore, say: Words) -> str:
    counts = say.plural(
        "This is large or slow to paint, and counts as {n} picture.",
        "This is large or slow to paint, and counts as {n} pictures.",
        reason.cost,
    )
    if reason.available is not None:
        left = say(
            "Your quota: {left} left now, {after} afterwards.",
            left=reason.available,
            after=reason.available - reason.cost,
        )
        counts = paragraph(counts, left)
    again = say("Nothing was charged yet: to paint it, ask again within five minutes.")
    return paragraph(counts, again)


def _queue_full(reason: QueueIsFull, retry_at: datetime | None, say: Words, when: When) -> str:
    if reason.requested > 1:
        return _queue_too_full(reason, say)
    match reason.scope:
        case Scope.QUEUE:
            full = say("The queue is full: {waiting} jobs are waiting.", waiting=reason.waiting)
        case Scope.USER:
            full = say(
                "You already have {waiting} jobs waiting, the most that one member can have.",
                waiting=reason.waiting,
            )
        case Scope.SERVER:
            full = say(
                "This server already has {waiting} jobs waiting, the most that one "
                "server can have.",
                waiting=reason.waiting,
            )
    if retry_at is None:
        later = say("Nothing was charged; please try again in a few minutes.")
    else:
        later = say("Nothing was charged; a place will be free {when}.", when=when(retry_at))
    return paragraph(full, later)


def _queue_too_full(reason: QueueIsFull, say: Words) -> str:
    """Refuse a batch for which some places are free, but too few."""
    values = {
        "requested": reason.requested,
        "limit": reason.limit,
        "free": max(0, reason.limit - reason.waiting),
    }
    match reason.scope:
        case Scope.QUEUE:
            full = say(
                "{requested} jobs do not fit into the queue: {free} of its {limit} places "
                "are free.",
                **values,
            )
        case Scope.USER:
            full = say(
                "{requested} jobs are too many: one member can have {limit} waiting, and you "
                "can add {free} now.",
                **values,
            )
        case Scope.SERVER:
            full = say(
                "{requested} jobs are too many: this server can have {limit} waiting, and "
                "{free} can be added now.",
                **values,
            )
    later = say("Nothing was charged; please ask for fewer, or try again later.")
    return paragraph(full, later)


def _quota_spent(reason: QuotaSpent, retry_at: datetime | None, say: Words, when: When) -> str:
    if reason.limit == 0 and not reason.granted:
        return say("You cannot paint on this server: your quota is 0 pictures.")
    left = max(0, reason.limit - reason.used) + reason.granted
    if 0 < left < reason.requested:
        return _quota_too_small(reason, left, retry_at, say, when)
    spent = say.plural(
        "Your quota is used up: {used} of {n} picture in {window}.",
        "Your quota is used up: {used} of {n} pictures in {window}.",
        reason.limit,
        used=reason.used,
        window=window_length(reason.hours, say),
    )
    if retry_at is None:
        return spent
    return paragraph(spent, say("You can paint again {when}.", when=when(retry_at)))


def _server_quota_spent(
    reason: ServerQuotaSpent, retry_at: datetime | None, say: Words, when: When
) -> str:
    spent = say.plural(
        "The bot's owner lets this server paint {n} picture in {window}; left now: {left}.",
        "The bot's owner lets this server paint {n} pictures in {window}; left now: {left}.",
        reason.limit,
        left=max(0, reason.limit - reason.used),
        window=window_length(reason.hours, say),
    )
    if retry_at is None:
        return paragraph(spent, say("Nothing was charged."))
    later = say("Nothing was charged; you can paint that many {when}.", when=when(retry_at))
    return paragraph(spent, later)


def _quota_too_small(
    reason: QuotaSpent, left: int, retry_at: datetime | None, say: Words, when: When
) -> str:
    """Refuse a batch for which some of the quota is left, but too little."""
    if reason.granted:
        granted = say.plural(
            "You asked for {requested} pictures, but only {n} is left, {granted} of it granted on "
            "top of your quota.",
            "You asked for {requested} pictures, but only {n} are left, {granted} of them granted "
            "on top of your quota.",
            left,
            requested=reason.requested,
            granted=reason.granted,
        )
        if retry_at is None:
            return granted
        return paragraph(granted, say("You can paint that many {when}.", when=when(retry_at)))
    too_many = say.plural(
        "You asked for {requested} pictures, but only {n} of your {limit} in {window} is left.",
        "You asked for {requested} pictures, but only {n} of your {limit} in {window} are left.",
        left,
        requested=reason.requested,
        limit=reason.limit,
        window=window_length(reason.hours, say),
    )
    if retry_at is None:
        return too_many
    return paragraph(too_many, say("You can paint that many {when}.", when=when(retry_at)))


def window_length(hours: int | None, say: Words) -> str:
    """Return the length of a quota's window, to follow "in". hours: None for a calendar day."""
    if hours is None:
        return say("a calendar day")
    return say.plural("{n} hour", "{n} hours", hours)


def storage_unavailable(say: Words) -> str:
    """Say that the disk is full, or that the database cannot be written."""
    return say(
        "There is a problem with my disk, so this was not done, and nothing was charged. Please "
        "try again in a few minutes; the bot's owner has been notified."
    )
