"""How much was painted of late on all servers, and what failed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage import rows
from storage.database import Database
from storage.timestamps import from_us, to_us
from storage.types import Clock, Job


@dataclass(frozen=True, slots=True)
class PaintedWork:
    """Pictures of jobs that were finished within a time, and the mean of what one took."""

    pictures: int
    mean_s: float | None


@dataclass(frozen=True, slots=True)
class FailedWork:
    """Jobs that failed with one error. detail: of the newest."""

    code: str
    jobs: int
    detail: str
    newest_at: datetime


class RecentWork:
    """Reads only what was finished within the time that is asked for, without what was erased."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def painted(self, within: timedelta) -> PaintedWork:
        """Return what was painted within this time."""
        row = await self._db.fetch_one(
            "SELECT count(*) AS pictures, avg(p.duration_s) AS mean_s "
            "FROM jobs AS j INDEXED BY jobs_with_words CROSS JOIN pictures AS p ON p.job_id = j.id "
            "WHERE j.state = 'painted' AND j.request <> '{}' "
            "AND j.finished_at > ? AND j.finished_at <= ?",
            self._span(within),
        )
        assert row is not None
        return PaintedWork(row["pictures"], row["mean_s"])

    async def failed(self, within: timedelta) -> tuple[FailedWork, ...]:
        """Return what failed within this time by error, the newest error first."""
        found = await self._db.fetch_all(
            # With one max(), SQLite takes the other columns from the row that has it.
            "SELECT error_code, error_detail, count(*) AS jobs, max(finished_at) AS newest_at "
            "FROM jobs INDEXED BY jobs_with_words WHERE state = 'failed' AND request <> '{}' "
            "AND finished_at > ? AND finished_at <= ? "
            "GROUP BY error_code ORDER BY newest_at DESC, error_code",
            self._span(within),
        )
        return tuple(
            FailedWork(
                row["error_code"] or "",
                row["jobs"],
                row["error_detail"] or "",
                from_us(row["newest_at"]),
            )
            for row in found
        )

    async def last_of(self, user_id: int, guild_id: int) -> Job | None:
        """Return the newest request of a user on a server."""
        row = await self._db.fetch_one(
            "SELECT * FROM jobs INDEXED BY jobs_of_person WHERE user_id = ? AND guild_id = ? "
            "ORDER BY id DESC LIMIT 1",
            (user_id, guild_id),
        )
        return None if row is None else rows.job(row)

    def _span(self, within: timedelta) -> tuple[int, int]:
        now = self._clock()
        return to_us(now - within), to_us(now)
