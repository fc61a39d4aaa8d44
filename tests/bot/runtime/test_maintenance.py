"""Maintenance is done when it is due, no error ends it, and the owner is alerted."""

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

from bot.delivery.alerts import BackupFailed, LittleSpace, OwnerAlert
from bot.i18n import words
from bot.runtime.maintenance import (
    GIB_BYTES,
    MIN_FREE_BYTES,
    ROUND_INTERVAL_S,
    Maintenance,
    Schedule,
    free_bytes,
)
from bot.settings import StorageSection
from bot.wording.alerts import alert_sentence
from storage import backup
from storage.backup import nightlies
from storage.database import Database
from storage.errors import DataFolderUnusable
from storage.retention import Removed
from tests.fakes import FakeClock

START = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)


class RoundsOver(BaseException):
    """The test has seen enough rounds."""


class FakeRetention:
    """Records the limits it was called with; fails on demand."""

    def __init__(self) -> None:
        self.asked: list[tuple[int | None, int | None]] = []
        self.error: Exception | None = None

    async def apply(self, keep_days: int | None, limit_bytes: int | None) -> Removed:
        self.asked.append((keep_days, limit_bytes))
        if self.error is not None:
            raise self.error
        return Removed(2, 300)


class MaintenanceHarness:
    """Maintenance over a real database, with waits that take no time."""

    def __init__(self, data_dir: Path, **settings: Any) -> None:
        self.clock = FakeClock(START)
        self.retention = FakeRetention()
        self.alerts: list[OwnerAlert] = []
        self.free = 100 * GIB_BYTES
        self.data_dir = data_dir
        self.rounds = 0
        self.dated_back = 0
        self.blocks_forgotten = 0
        self.alert: Callable[[OwnerAlert], Awaitable[None]] = self.record_alert
        self.sleep: Callable[[float], Awaitable[Any]] = self.next_round
        self.sweep_proposals: Callable[[], Awaitable[int]] = self.sweep_nothing
        self.maintenance = Maintenance(
            lambda: StorageSection(data_dir=data_dir, **settings),
            self.retention,  # pyright: ignore[reportArgumentType]
            alert_owner=lambda alert: self.alert(alert),
            clock=self.clock,
            sleep=lambda seconds: self.sleep(seconds),
            free=lambda _: self.free,
            sweep_proposals=lambda: self.sweep_proposals(),
            date_back=self.date_back,
            sweep_blocks=self.forget_block,
        )

    async def date_back(self) -> int:
        self.dated_back += 1
        return 0

    async def forget_block(self) -> int:
        self.blocks_forgotten += 1
        return 1

    async def record_alert(self, alert: OwnerAlert) -> None:
        self.alerts.append(alert)

    async def sweep_nothing(self) -> int:
        return 0

    async def next_round(self, seconds: float) -> None:
        if not self.rounds:
            raise RoundsOver
        self.rounds -= 1
        self.clock.advance(seconds=seconds)

    async def run_for(self, **span: float) -> None:
        self.rounds = int(timedelta(**span).total_seconds() / ROUND_INTERVAL_S)
        with pytest.raises(RoundsOver):
            await self.maintenance.run()

    def backups(self) -> list[str]:
        return [f"{each.made_at:%d %H:%M}" for each in reversed(nightlies(self.data_dir))]


@pytest.fixture
async def data_dir(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "zimagine.db"
    await (await Database.open(path)).close()
    return path.parent


async def test_a_backup_each_night(data_dir: Path):
    """There is a backup soon after the first start and then every night; old ones are removed."""
    harness = MaintenanceHarness(data_dir, backups=3)
    await harness.run_for(minutes=10)
    assert harness.backups() == ["20 14:15"]
    await harness.run_for(days=2)
    assert harness.backups() == ["20 14:15", "21 03:05", "22 03:05"]
    await harness.run_for(days=2)
    assert harness.backups() == ["22 03:05", "23 03:05", "24 03:05"]
    assert harness.alerts == []


async def test_ended_blocks_are_forgotten_in_every_round(data_dir: Path):
    """They do not wait for a moderator's next decision."""
    harness = MaintenanceHarness(data_dir)
    await harness.run_for(minutes=30)
    assert harness.blocks_forgotten == 3


async def test_a_start_soon_after_a_backup_makes_none(data_dir: Path):
    """Frequent restarts cause no additional backups."""
    backup.nightly_path(data_dir, START - timedelta(hours=9)).touch()
    harness = MaintenanceHarness(data_dir)
    await harness.run_for(hours=2)
    assert harness.backups() == ["20 05:05"]


async def test_no_backups_when_told(data_dir: Path):
    """With backups = 0, none are made and none are removed."""
    backup.nightly_path(data_dir, START - timedelta(days=20)).touch()
    harness = MaintenanceHarness(data_dir, backups=0)
    await harness.run_for(days=1)
    assert len(harness.backups()) == 1


async def test_a_failed_backup_is_told_and_tried_again(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    """A failed backup is reported with its reason and retried every hour; old backups are kept."""
    harness = MaintenanceHarness(data_dir, backups=1)
    backup.nightly_path(data_dir, START - timedelta(days=20)).touch()

    async def fail(*_: Any) -> None:
        raise DataFolderUnusable(data_dir, "no\nroom")

    with monkeypatch.context() as patch:
        patch.setattr(backup, "back_up", fail)
        with capture_logs() as logs:
            await harness.run_for(minutes=130)
    detail = str(DataFolderUnusable(data_dir, "no room")).rstrip(".")
    assert harness.alerts == [BackupFailed(detail)] * 3
    failed = [entry for entry in logs if entry["event"] == "housekeeping failed"]
    assert [(entry["what"], "\n" in entry["error"]) for entry in failed] == [("backup", False)] * 3
    assert len(harness.backups()) == 1
    await harness.run_for(minutes=60)
    assert harness.backups() == ["20 17:15"]


async def test_a_backup_from_the_future_is_no_excuse(data_dir: Path):
    """A backup dated in the future does not keep others from being made."""
    backup.nightly_path(data_dir, START + timedelta(days=900)).touch()
    harness = MaintenanceHarness(data_dir, backups=2)
    await harness.run_for(hours=3)
    assert "20 14:15" in harness.backups() and len(harness.backups()) == 2


async def test_retention_each_hour_with_the_settings(data_dir: Path):
    """Retention runs soon after the start and then hourly, with the configured limits."""
    harness = MaintenanceHarness(data_dir, keep_days=30, limit_gib=0.5)
    with capture_logs() as logs:
        await harness.run_for(hours=3)
    assert harness.retention.asked == [(30, GIB_BYTES // 2)] * 3
    assert {"files": 2, "size_bytes": 300}.items() <= logs[0].items()
    harness = MaintenanceHarness(data_dir)
    await harness.run_for(minutes=10)
    assert harness.retention.asked == [(None, None)]


async def test_an_error_ends_nothing(data_dir: Path):
    """Every failure is one line in the log, and the other tasks go on."""
    harness = MaintenanceHarness(data_dir)
    harness.retention.error = RuntimeError("two\nlines")
    harness.free = 0

    async def unreachable(alert: OwnerAlert) -> None:
        raise OSError("no network")

    harness.alert = unreachable
    with capture_logs() as logs:
        await harness.run_for(hours=2)
    lines = {(entry["what"], entry["error"]) for entry in logs if "what" in entry}
    assert lines == {("retention", "two lines"), ("disk", "no network")}
    assert len(harness.retention.asked) == 2 and harness.backups() == ["20 14:15"]


async def test_little_room_is_told_at_once_and_again(data_dir: Path):
    """Below the minimum, and only there, the owner is alerted in every round from the first."""
    harness = MaintenanceHarness(data_dir)
    harness.free = MIN_FREE_BYTES
    await harness.run_for(minutes=30)
    assert harness.alerts == []
    harness.free -= 1
    await harness.run_for(minutes=20)
    assert harness.alerts == [LittleSpace(data_dir, MIN_FREE_BYTES - 1)] * 3
    said = alert_sentence(harness.alerts[0], words())
    assert "1023 MiB" in said and str(data_dir) in said


async def test_it_ends_when_it_is_cancelled(data_dir: Path):
    """Cancelling the task ends the loop."""
    harness = MaintenanceHarness(data_dir)
    harness.sleep = asyncio.sleep
    task = asyncio.create_task(harness.maintenance.run())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_free_bytes_is_that_of_the_disk(tmp_path: Path):
    """The free space of a real folder is positive."""
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
    """Old proposals are deleted in every round, and an error does not end that."""
    harness, swept = MaintenanceHarness(data_dir), list[int]()

    async def sweep() -> int:
        swept.append(1)
        if len(swept) == 2:
            raise DataFolderUnusable(data_dir, "a test")
        return 3

    harness.sweep_proposals = sweep
    with capture_logs() as logs:
        await harness.run_for(minutes=30)
    assert len(swept) == 3
    assert [each["count"] for each in logs if each["event"] == "questions forgotten"] == [3, 3]


async def test_a_clock_set_back_holds_nothing_up(data_dir: Path):
    """After a clock that was a year ahead, retention is applied again within the hour."""
    harness = MaintenanceHarness(data_dir)
    harness.clock.advance(days=365)
    await harness.run_for(minutes=10)
    asked = len(harness.retention.asked)
    harness.clock.advance(days=-365)
    await harness.run_for(minutes=10)
    assert len(harness.retention.asked) == asked + 1
    assert harness.dated_back == 4, "before each round, the first included"
