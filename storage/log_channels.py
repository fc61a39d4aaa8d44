"""Which channel each kind of a server's events is posted in, and how far it has been told."""

from dataclasses import dataclass
from typing import Final

from storage.audit import AuditEntry, entry_of
from storage.database import Database
from storage.log_entries import LogEvent
from storage.timestamps import to_us
from storage.types import Clock

BLOCKING: Final = (
    *("admin block", "admin unblock", "moderation block", "moderation unblock", "report block"),
)
"""The actions of entries that are about who may paint."""

_ABOUT: Final = (
    "a.guild_id = c.guild_id AND a.id > c.posted_id AND (a.event = c.event OR "
    "(c.event = 'blocks' AND a.event = 'audit' AND a.action IN "
    f"({', '.join(repr(each) for each in BLOCKING)})))"
)
_UNPOSTED: Final = (
    f"SELECT a.* FROM log_channels AS c CROSS JOIN audit_log AS a ON {_ABOUT} "  # noqa: S608
    "WHERE c.guild_id = ? AND c.event = ? ORDER BY a.id LIMIT ?"
)
_BEHIND: Final = (
    "SELECT DISTINCT guild_id FROM log_channels AS c "  # noqa: S608
    f"WHERE EXISTS (SELECT 1 FROM audit_log AS a WHERE {_ABOUT}) ORDER BY guild_id"
)
_NEWEST: Final = "SELECT coalesce(max(id), 0) AS id FROM audit_log WHERE guild_id = ?"
_SELECT: Final = (
    "SELECT event, channel_id, posted_id, sending_id, locale, problem FROM log_channels "
)


@dataclass(frozen=True, slots=True)
class LogChannel:
    """Where a kind of a server's events is posted. locale: the server's language, as Discord said
    it. problem: why the newest could not be posted, None if it was."""

    event: LogEvent
    channel_id: int
    posted_id: int = 0
    sending_id: int = 0
    locale: str = "en-US"
    problem: str | None = None


class LogChannels:
    """The channels of all servers.

    A message is noted before it is posted, so that a post that is tried again after a crash has the
    same entries, and Discord can tell that it is the same one.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def of(self, guild_id: int, event: LogEvent) -> LogChannel | None:
        """Return the channel of one kind of events; None if they are not posted."""
        return {each.event: each for each in await self.all_of(guild_id)}.get(event)

    async def all_of(self, guild_id: int) -> tuple[LogChannel, ...]:
        """Return the channels of a server, in the order of their kinds."""
        rows = await self._db.fetch_all(f"{_SELECT} WHERE guild_id = ?", (guild_id,))
        found = {row["event"]: row for row in rows}
        return tuple(
            LogChannel(**{**dict(found[each]), "event": each}) for each in LogEvent if each in found
        )

    async def choose(
        self, guild_id: int, event: LogEvent, channel_id: int | None, by: int, locale: str
    ) -> None:
        """Post these events in this channel from now on, beginning with this choice; None: nowhere.

        What an earlier channel could not be told goes to the new one.
        """
        values = {"guild": guild_id, "event": event}
        async with self._db.transaction() as transaction:
            if channel_id is None:
                await transaction.execute(
                    "DELETE FROM log_channels WHERE guild_id = :guild AND event = :event", values
                )
                return
            newest = await transaction.fetch_one(_NEWEST, (guild_id,))
            assert newest is not None
            await transaction.execute(
                "INSERT INTO log_channels (guild_id, event, channel_id, posted_id, sending_id, "
                "locale, set_by, set_at) "
                "VALUES (:guild, :event, :channel, :newest, :newest, :locale, :by, :now) "
                "ON CONFLICT (guild_id, event) DO UPDATE SET channel_id = excluded.channel_id, "
                "sending_id = posted_id, locale = excluded.locale, problem = NULL, "
                "set_by = excluded.set_by, set_at = excluded.set_at",
                values
                | {"channel": channel_id, "newest": newest["id"], "locale": locale, "by": by}
                | {"now": to_us(self._clock())},
            )

    async def behind(self) -> list[int]:
        """Return the servers of which a channel has not been told everything."""
        return [row["guild_id"] for row in await self._db.fetch_all(_BEHIND)]

    async def next_message(
        self, guild_id: int, channel: LogChannel, limit: int
    ) -> list[AuditEntry]:
        """Return the oldest entries that were not posted, and note that they are being posted.

        Those of a message that may have arrived are returned as they were then. channel: as it is
        stored now.
        """
        rows = await self._db.fetch_all(_UNPOSTED, (guild_id, channel.event, limit))
        entries = [entry_of(row) for row in rows]
        begun = [each for each in entries if each.id <= channel.sending_id]
        if begun or not entries:
            return begun
        async with self._db.transaction(bookkeeping=True) as transaction:
            await transaction.execute(
                "UPDATE log_channels SET sending_id = max(posted_id, :last) "
                "WHERE guild_id = :guild AND event = :event AND channel_id = :channel",
                _values(guild_id, channel) | {"last": entries[-1].id},
            )
        return entries

    async def posted(self, guild_id: int, channel: LogChannel, last_id: int) -> None:
        """Store that everything up to this entry is posted in this channel."""
        async with self._db.transaction(bookkeeping=True) as transaction:
            await transaction.execute(
                "UPDATE log_channels SET posted_id = max(posted_id, :last), "
                "sending_id = max(sending_id, :last), problem = NULL "
                "WHERE guild_id = :guild AND event = :event AND channel_id = :channel",
                _values(guild_id, channel) | {"last": last_id},
            )

    async def set_problem(self, guild_id: int, channel: LogChannel, problem: str | None) -> bool:
        """Store why nothing can be posted in this channel, None if it can be; returns whether that
        is news. Nothing counts as posted."""
        async with self._db.transaction(bookkeeping=True) as transaction:
            changed = await transaction.execute(
                "UPDATE log_channels SET problem = :problem "
                "WHERE guild_id = :guild AND event = :event AND channel_id = :channel "
                "AND problem IS NOT :problem",
                _values(guild_id, channel) | {"problem": problem},
            )
        return changed > 0


def _values(guild_id: int, channel: LogChannel) -> dict[str, object]:
    return {"guild": guild_id, "event": channel.event, "channel": channel.channel_id}
