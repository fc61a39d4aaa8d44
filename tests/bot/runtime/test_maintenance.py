"""Housekeeping: what is due is done, nothing ends it, and its owner hears of trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.runtime.maintenance import (
    FREE_FLOOR_BYTES,
    GIB_BYTES,
    ROUND_S,
    Maintenance,
    Schedule,
    free_bytes,
)
from bot.settings import StorageSection
from storage import backup
from storage.backup import nightlies
from storage.database import Database
from storage.errors import DataFolderUnusable
from storage.retention import Removed
from tests.fakes import FakeClock

START = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)


class Enough(BaseException):
    """The test has seen enough rounds."""


class FakeRetention:
    """Remembers what it was asked for; fails when told."""

    def __init__(self) -> None:
        self.asked: list[tuple[int | None, int | None]] = []
        self.error: Exception | None = None

    async def apply(self, keep_days: int | None, limit_bytes: int | None) -> Removed:
        self.asked.append((keep_days, limit_bytes))
        if self.error is not None:
            raise self.error
        return Removed(2, 300)


class Household:
    """Housekeeping over a real database, whose nights pass at once."""

    def __init__(self, data_dir: Path, **settings: Any) -> None:
        self.clock = FakeClock(START)
        self.retention = FakeRetention()
        self.told: list[tuple[str, str]] = []
        self.free = 100 * GIB_BYTES
        self.data_dir = data_dir
        self.rounds = 0
        self.every_round: Callable[[], Any] = lambda: None
        self.housekeeping = Maintenance(
            StorageSection(data_dir=data_dir, **settings),
            self.retention,  # pyright: ignore[reportArgumentType]
            tell_owner=self.tell,
            clock=self.clock,
            sleep=self.sleep,
            free=lambda _: self.free,
        )

    async def tell(self, kind: str, sentence: str) -> None:
        self.told.append((kind, sentence))

    async def sleep(self, seconds: float) -> None:
        if not self.rounds:
            raise Enough
        self.rounds -= 1
        self.every_round()
        self.clock.advance(seconds=seconds)

    async def live(self, **span: float) -> None:
        self.rounds = int(timedelta(**span).total_seconds() / ROUND_S)
        with pytest.raises(Enough):
            await self.housekeeping.run()

    def backups(self) -> list[str]:
        return [f"{each.made_at:%d %H:%M}" for each in reversed(nightlies(self.data_dir))]


@pytest.fixture
async def data_dir(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "zimagine.db"
    await (await Database.open(path)).close()
    return path.parent


async def test_a_backup_each_night(data_dir: Path):
    """Soon after the first start there is a backup, then one each night; so many are kept."""
    app = Household(data_dir, backups=3)
    await app.live(minutes=10)
    assert app.backups() == ["20 14:15"]
    await app.live(days=2)
    assert app.backups() == ["20 14:15", "21 03:05", "22 03:05"]
    await app.live(days=2)
    assert app.backups() == ["22 03:05", "23 03:05", "24 03:05"]
    assert app.told == []


async def test_a_start_soon_after_a_backup_makes_none(data_dir: Path):
    """A bot that is started often makes no more backups for it."""
    backup.nightly_path(data_dir, START - timedelta(hours=9)).touch()
    app = Household(data_dir)
    await app.live(hours=2)
    assert app.backups() == ["20 05:05"]


async def test_no_backups_when_told(data_dir: Path):
    """With backups = 0 none are made and none are removed."""
    backup.nightly_path(data_dir, START - timedelta(days=20)).touch()
    app = Household(data_dir, backups=0)
    await app.live(days=1)
    assert len(app.backups()) == 1


async def test_a_failed_backup_is_told_and_tried_again(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    """A failure is told with its reason and tried again each hour; the old backups stay."""
    app = Household(data_dir, backups=1)
    backup.nightly_path(data_dir, START - timedelta(days=20)).touch()

    async def fail(*_: Any) -> None:
        raise DataFolderUnusable(data_dir, "no\nroom")

    with monkeypatch.context() as patch:
        patch.setattr(backup, "back_up", fail)
        with capture_logs() as logs:
            await app.live(minutes=130)
    assert [kind for kind, _ in app.told] == ["backup"] * 3
    assert "no room" in app.told[0][1] and "\n" not in app.told[0][1]
    failed = [entry for entry in logs if entry["event"] == "housekeeping failed"]
    assert [(entry["what"], "\n" in entry["error"]) for entry in failed] == [("backup", False)] * 3
    assert len(app.backups()) == 1
    await app.live(minutes=60)
    assert app.backups() == ["20 17:15"]


async def test_a_backup_from_the_future_is_no_excuse(data_dir: Path):
    """A backup that a wrong clock dated keeps no other from being made."""
    backup.nightly_path(data_dir, START + timedelta(days=900)).touch()
    app = Household(data_dir, backups=2)
    await app.live(hours=3)
    assert "20 14:15" in app.backups() and len(app.backups()) == 2


async def test_retention_each_hour_with_the_settings(data_dir: Path):
    """Retention runs soon after the start and then once an hour, with days and bytes."""
    app = Household(data_dir, keep_days=30, limit_gib=0.5)
    with capture_logs() as logs:
        await app.live(hours=3)
    assert app.retention.asked == [(30, GIB_BYTES // 2)] * 3
    assert {"files": 2, "size_bytes": 300}.items() <= logs[0].items()
    app = Household(data_dir)
    await app.live(minutes=10)
    assert app.retention.asked == [(None, None)]


async def test_an_error_ends_nothing(data_dir: Path):
    """Whatever fails is one line in the log, and everything else goes on."""
    app = Household(data_dir)
    app.retention.error = RuntimeError("two\nlines")
    app.free = 0

    async def unreachable(kind: str, sentence: str) -> None:
        raise OSError("no network")

    app.housekeeping._tell_owner = unreachable
    with capture_logs() as logs:
        await app.live(hours=2)
    lines = {(entry["what"], entry["error"]) for entry in logs if "what" in entry}
    assert lines == {("retention", "two lines"), ("disk", "no network")}
    assert len(app.retention.asked) == 2 and app.backups() == ["20 14:15"]


async def test_little_room_is_told_at_once_and_again(data_dir: Path):
    """Below the floor the owner hears of it each round, from the first moment; at it nothing."""
    app = Household(data_dir)
    app.free = FREE_FLOOR_BYTES
    await app.live(minutes=30)
    assert app.told == []
    app.free -= 1
    await app.live(minutes=20)
    assert [kind for kind, _ in app.told] == ["disk"] * 3
    assert "1023 MiB" in app.told[0][1] and str(data_dir) in app.told[0][1]


async def test_it_ends_when_it_is_cancelled(data_dir: Path):
    """The bot's stop ends the loop."""
    app = Household(data_dir)
    waiting: Callable[[float], Awaitable[Any]] = asyncio.sleep
    app.housekeeping._sleep = waiting
    task = asyncio.create_task(app.housekeeping.run())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_free_bytes_is_that_of_the_disk(tmp_path: Path):
    """A real folder has some room, in bytes."""
    assert free_bytes(tmp_path) > 0


INSTANTS = st.datetimes(
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001 hypothesis wants them naive
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(now=INSTANTS, hour=st.integers(0, 23), age_s=st.floats(0, 3 * 86400))
def test_due_is_once_a_day_and_never_later_than_a_day(now: datetime, hour: int, age_s: float):
    """A backup is due once the newest is a day old, or on a new day from its hour on."""
    schedule = Schedule(hour)
    newest_at = now - timedelta(seconds=age_s)
    due = schedule.due(now, newest_at)
    assert schedule.due(now, None)
    if age_s > 86400:
        assert due
    elif newest_at.date() == now.date() or now.hour < hour:
        assert not due
    else:
        assert due


async def test_old_questions_are_forgotten_every_round(data_dir: Path):
    """Ten minutes after the start, and again in each round; an error in it ends nothing."""
    app, swept = Household(data_dir), list[int]()

    async def sweep() -> int:
        swept.append(1)
        if len(swept) == 2:
            raise DataFolderUnusable(data_dir, "a test")
        return 3

    app.housekeeping._sweep_questions = sweep
    with capture_logs() as logs:
        await app.live(minutes=30)
    assert len(swept) == 3
    assert [each["count"] for each in logs if each["event"] == "questions forgotten"] == [3, 3]
