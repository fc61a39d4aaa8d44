"""Entries of a server's log, written in the transaction of what they are about."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from storage.timestamps import to_us

Value = str | int | float | bool | Mapping[str, int]
"""What was chosen; a channel or a role by its id, as {"channel": 5} or {"role": 6}, and a message
as {"guild": 1, "channel": 5, "message": 7}, which no typed text can be taken for."""
REPEATED_WITHIN: Final = timedelta(minutes=10)
"""A request that is refused again within this time, for the same reason, is no event of its own:
somebody who keeps trying must not fill a channel. Chosen by hand."""
FILTER_CODES: Final = frozenset({"filtered", "picture_refused"})
"""The error codes of jobs whose pictures a filter refused."""

_INSERT: Final = (
    "INSERT INTO audit_log (guild_id, event, actor_id, action, target_id, data, done_at) "
)
_POSTED: Final = "EXISTS (SELECT 1 FROM log_channels WHERE guild_id = :guild AND event = :event)"
_REPEATED: Final = (
    "SELECT 1 FROM audit_log WHERE guild_id = :guild AND event = :event AND actor_id = :actor "
    "AND action = :action AND data = :data AND done_at BETWEEN :since AND :now"
)


class LogEvent(StrEnum):
    """A kind of events of a server, each posted in a channel of its own choice.

    AUDIT is all that admins and moderators do, BLOCKS the part of it that is about who may paint.
    """

    REPORTS = "reports"
    AUDIT = "audit"
    BLOCKS = "blocks"
    FILTER = "filter"
    QUOTA = "quota"
    FAILURES = "failures"
    ERASURES = "erasures"
    ANNOUNCEMENTS = "announcements"


class Writes(Protocol):
    """A transaction. logged(guild_id): to be called with each entry."""

    async def execute(self, sql: str, parameters: Any = ()) -> int: ...

    def logged(self, guild_id: int) -> None: ...


async def add(
    transaction: Writes,
    guild_id: int,
    actor_id: int,
    action: str,
    done_at: datetime,
    target_id: int | None,
    data: Mapping[str, Value],
) -> None:
    """Write what an admin or moderator did."""
    await transaction.execute(
        f"{_INSERT} VALUES (?, 'audit', ?, ?, ?, ?, ?)",
        (guild_id, actor_id, action, target_id, _json(data), to_us(done_at)),
    )
    transaction.logged(guild_id)


async def note(
    transaction: Writes,
    guild_id: int,
    event: LogEvent,
    action: str,
    now: datetime,
    *,
    actor_id: int = 0,
    data: Mapping[str, Value] | None = None,
    once: bool = False,
) -> None:
    """Write an event, if the server has a channel for its kind.

    actor_id: the member that it is about, 0 for nobody. once: not again within REPEATED_WITHIN.
    """
    values = {
        "guild": guild_id,
        "event": event,
        "actor": actor_id,
        "action": action,
        "data": _json(data or {}),
        "now": to_us(now),
        "since": to_us(now - REPEATED_WITHIN),
    }
    sql = f"{_INSERT} SELECT :guild, :event, :actor, :action, NULL, :data, :now WHERE {_POSTED}"
    if once:
        sql += f" AND NOT EXISTS ({_REPEATED})"
    if await transaction.execute(sql, values):
        transaction.logged(guild_id)


def _json(data: Mapping[str, Value]) -> str:
    return json.dumps(data, ensure_ascii=False)
