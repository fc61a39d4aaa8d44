"""Preferences: what was set in which scope, by whom, and which thread is whose."""

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.database import Database
from storage.preferences import Preferences, Threads
from storage.types import DeliveryMode, SettingsLevels, StoredSettings
from tests.fakes import FakeClock
from tests.storage.fakes import START, OpenStores
from tests.storage.query_plans import plans_of, reads_all

MODERATOR = 5
LEVELS = ("server", "channel", "user")
NAMES = {
    "server": ("delivery", "spoiler", "quiet", "locale"),
    "channel": ("delivery", "spoiler", "quiet"),
    "user": ("delivery", "spoiler", "quiet"),
}
FLAGS = (None, False, True)
VALUES: dict[str, tuple[Any, ...]] = {
    "delivery": (None, *DeliveryMode),
    "spoiler": FLAGS,
    "quiet": FLAGS,
    "locale": (None, "zh-CN", "de", "es-419"),
}
UNKNOWN = [
    ("server", {"previews": True}),
    ("server", {"quiet": True, "set_by": 3}),
    ("server", {"reports_channel_id": 7}),
    ("channel", {"locale": "de"}),
]
UNFIT: list[tuple[str, dict[str, Any]]] = [
    ("server", {}),
    ("channel", {}),
    ("user", {}),
    ("server", {"delivery": "thread"}),
    ("server", {"quiet": True, "spoiler": 1}),
    ("server", {"locale": ""}),
    ("server", {"locale": "../../etc"}),
    ("server", {"locale": 5}),
    ("channel", {"quiet": "yes"}),
    ("user", {"delivery": "direct"}),
    ("user", {"spoiler": 0}),
]


@pytest.fixture
def preferences(stores: OpenStores) -> Preferences:
    return Preferences(stores.db, stores.clock)


@pytest.fixture
def threads(stores: OpenStores) -> Threads:
    return Threads(stores.db, stores.clock)


def key(level: str, guild_id: int, channel_id: int = 20, user_id: int = 30) -> tuple[int, ...]:
    return {
        "server": (guild_id,),
        "channel": (guild_id, channel_id),
        "user": (guild_id, user_id),
    }[level]


async def choose(
    preferences: Preferences, level: str, whose: Any, **changes: Any
) -> StoredSettings:
    return await getattr(preferences, f"set_{level}")(*whose, by=MODERATOR, **changes)


async def test_nobody_has_chosen_anything(preferences: Preferences) -> None:
    """Without any settings every scope is empty."""
    assert await preferences.levels(10, 20, 30) == SettingsLevels()
    assert await preferences.server(10) is None
    assert await preferences.channel(10, 20) is None
    assert await preferences.user(10, 30) is None


async def test_the_levels_of_a_place_are_read_together(preferences: Preferences) -> None:
    """The settings of server, channel and user are returned together, each from the right row."""
    server = await preferences.set_server(
        10, by=1, delivery=DeliveryMode.THREAD, spoiler=True, quiet=True, locale="de"
    )
    channel = await preferences.set_channel(10, 20, by=1, spoiler=False)
    user = await preferences.set_user(10, 30, by=30, quiet=False)
    assert await preferences.levels(10, 20, 30) == SettingsLevels(server, channel, user)
    assert await preferences.levels(10, 20, 31) == SettingsLevels(server, channel)
    assert await preferences.levels(10, 21, 30) == SettingsLevels(server, user=user)
    assert await preferences.levels(11, 20, 30) == SettingsLevels()


@st.composite
def doings(draw: st.DrawFn) -> list[tuple[str, tuple[int, ...], dict[str, Any] | None]]:
    """Draw scope, key and new settings; None clears the row."""
    found: list[tuple[str, tuple[int, ...], dict[str, Any] | None]] = []
    for _ in range(draw(st.integers(0, 12))):
        level = draw(st.sampled_from(LEVELS))
        whose = key(level, *(draw(st.integers(0, 1)) for _ in range(3)))
        changes = None
        if names := draw(st.sets(st.sampled_from(NAMES[level]))):
            changes = {name: draw(st.sampled_from(VALUES[name])) for name in sorted(names)}
        found.append((level, whose, changes))
    return found


def values_of(chosen: StoredSettings | None) -> dict[str, Any]:
    """Return what is set in a row."""
    values = {name: getattr(chosen, name, None) for name in VALUES}
    return {name: value for name, value in values.items() if value is not None}


@contextmanager
def opened(path: Path) -> Iterator[tuple[asyncio.Runner, Database]]:
    """Open a database for many examples that run one after another."""
    with asyncio.Runner() as runner:
        db = runner.run(Database.open(path))
        try:
            yield runner, db
        finally:
            runner.run(db.close())


def test_what_was_chosen_is_what_the_model_says(database_file: Path) -> None:
    """After any changes, every scope contains exactly what was set there."""
    guild_ids = itertools.count(100, 10)
    with opened(database_file) as (runner, db):
        preferences = Preferences(db, FakeClock(START))

        @settings(max_examples=60, deadline=None)
        @given(doings())
        def check(done: list[tuple[str, tuple[int, ...], dict[str, Any] | None]]) -> None:
            runner.run(agree(next(guild_ids), done))

        async def agree(
            base_id: int, done: list[tuple[str, tuple[int, ...], dict[str, Any] | None]]
        ) -> None:
            chosen: dict[tuple[str, tuple[int, ...]], dict[str, Any]] = {}
            for level, (guild_id, *rest), changes in done:
                whose = (base_id + guild_id, *rest)
                own = chosen.setdefault((level, whose), {})
                if changes is None:
                    cleared = await getattr(preferences, f"clear_{level}")(*whose, by=MODERATOR)
                    assert cleared == any(value is not None for value in own.values())
                    own.clear()
                else:
                    own |= changes
                    now = await choose(preferences, level, whose, **changes)
                    assert {name: getattr(now, name) for name in own} == own
            for guild_id, channel_id, user_id in itertools.product(range(2), repeat=3):
                place = (base_id + guild_id, channel_id, user_id)
                found = await preferences.levels(*place)
                for level in LEVELS:
                    own = chosen.get((level, key(level, *place)), {})
                    expected = {name: value for name, value in own.items() if value is not None}
                    assert values_of(getattr(found, level)) == expected

        check()


@pytest.mark.parametrize("level", LEVELS)
async def test_who_and_when_are_remembered(
    preferences: Preferences, stores: OpenStores, level: str
) -> None:
    """Each change, including clearing, stores by whom and when it was made."""
    whose = key(level, 10)
    read, clear = getattr(preferences, level), getattr(preferences, f"clear_{level}")
    assert await clear(*whose, by=9) is False
    assert await read(*whose) is None
    first = await choose(preferences, level, whose, quiet=True)
    assert (first.quiet, first.set_by, first.set_at) == (True, MODERATOR, START)
    later = stores.clock.advance(hours=1)
    setter = getattr(preferences, f"set_{level}")
    second = await setter(*whose, by=6, delivery=DeliveryMode.DIRECT)
    assert second == StoredSettings(DeliveryMode.DIRECT, None, True, 6, later)
    assert await read(*whose) == second
    latest = stores.clock.advance(hours=1)
    assert await clear(*whose, by=7) is True
    assert await read(*whose) == StoredSettings(None, None, None, 7, latest)
    stores.clock.advance(hours=1)
    assert await clear(*whose, by=8) is False
    assert await read(*whose) == StoredSettings(None, None, None, 7, latest)


@pytest.mark.parametrize(
    ("level", "changes", "error"),
    [(*each, TypeError) for each in UNKNOWN] + [(*each, ValueError) for each in UNFIT],
)
async def test_what_cannot_be_set_changes_nothing(
    preferences: Preferences, level: str, changes: dict[str, Any], error: type[Exception]
) -> None:
    """An unknown name raises TypeError, an invalid or missing value ValueError; nothing changes."""
    whose = key(level, 10)
    before = await choose(preferences, level, whose, quiet=False)
    with pytest.raises(error):
        await choose(preferences, level, whose, **changes)
    assert await getattr(preferences, level)(*whose) == before


async def test_the_languages_of_all_servers(preferences: Preferences) -> None:
    """Only servers with a language are listed; one that was unset is not."""
    await choose(preferences, "server", (1,), locale="zh-CN")
    await choose(preferences, "server", (2,), quiet=True)
    await choose(preferences, "server", (3,), locale="en-US")
    await choose(preferences, "server", (3,), locale=None)
    assert await preferences.languages() == {1: "zh-CN"}


@pytest.mark.parametrize(
    "row",
    [
        "server_settings VALUES (1, 'email', NULL, NULL, 1, 1, NULL, NULL, NULL)",
        "server_settings VALUES (1, NULL, 2, NULL, 1, 1, NULL, NULL, NULL)",
        "server_settings VALUES (1, NULL, NULL, NULL, 1, 1, '', NULL, NULL)",
        "server_settings VALUES (1, NULL, NULL, NULL, 1, 1, NULL, '', NULL)",
        "server_settings VALUES (1, NULL, NULL, NULL, 1, 1, NULL, NULL, 2)",
        "channel_settings VALUES (1, 2, NULL, NULL, 7, 1, 1)",
        "user_settings VALUES (1, 2, 'email', NULL, NULL, 1, 1)",
        "user_settings VALUES (1, 2, NULL, 2, NULL, 1, 1)",
    ],
)
async def test_no_hand_written_row_is_unknown(stores: OpenStores, row: str) -> None:
    """The database itself refuses values that a scope must not have."""
    with pytest.raises(sqlite3.IntegrityError):
        async with stores.db.transaction() as transaction:
            await transaction.execute(f"INSERT INTO {row}")


@pytest.mark.parametrize("analysed", [False, True], ids=["as created", "after ANALYZE"])
async def test_settings_are_looked_up_by_key(
    stores: OpenStores, preferences: Preferences, monkeypatch: pytest.MonkeyPatch, analysed: bool
) -> None:
    """Settings are read in one statement with three key lookups; changes scan no table."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
    async with stores.db.transaction() as transaction:
        for sql in (
            "INSERT INTO server_settings SELECT i, NULL, 1, 0, 1, 1, NULL, NULL, NULL FROM n",
            "INSERT INTO channel_settings SELECT i % 50, i, NULL, 1, 0, 1, 1 FROM n",
            "INSERT INTO user_settings SELECT i % 50, i, NULL, 1, 1, 1, 1 FROM n",
            "INSERT INTO threads SELECT i, i % 50, i % 7, i, 1 FROM n",
        ):
            await transaction.execute(numbers + sql)
        if analysed:
            await transaction.execute("ANALYZE")
    (plan,) = await plans_of(stores, monkeypatch, preferences.levels(10, 20, 30))
    assert plan.count("SEARCH") == 3 and "SCAN" not in plan, plan

    async def life() -> None:
        for level in LEVELS:
            await choose(preferences, level, key(level, 10), quiet=True)
            await getattr(preferences, f"clear_{level}")(*key(level, 10), by=1)
            await getattr(preferences, level)(*key(level, 10))
        threads = Threads(stores.db, stores.clock)
        await threads.remember_thread(10, 20, 30, 9999)
        await threads.thread_of(10, 20, 30)
        await threads.forget_thread(9999)

    plans = await plans_of(stores, monkeypatch, life())
    # SELECT and UPDATE for each scope; for a thread a SELECT before and after, which is the same,
    # once on each connection, and DELETE.
    assert len(plans) == 2 * len(LEVELS) + 2, plans
    assert not any(map(reads_all, plans)), plans


async def test_a_thread_belongs_to_one_person_in_one_channel(threads: Threads) -> None:
    """A stored thread is found for its user in its channel only."""
    assert await threads.thread_of(10, 20, 30) is None
    assert await threads.remember_thread(10, 20, 30, 900) == 900
    assert await threads.remember_thread(10, 20, 31, 901) == 901
    assert await threads.thread_of(10, 20, 30) == 900
    assert await threads.thread_of(10, 20, 31) == 901
    assert await threads.thread_of(10, 21, 30) is None
    assert await threads.thread_of(11, 20, 30) is None
    with pytest.raises(ValueError, match="900"):
        await threads.remember_thread(10, 20, 32, 900)
    assert await threads.thread_of(10, 20, 32) is None


async def test_of_two_threads_made_at_once_the_first_counts(threads: Threads) -> None:
    """Of two threads created at once the first wins; another can follow once it is forgotten."""
    held = await asyncio.gather(*(threads.remember_thread(10, 20, 30, 900 + i) for i in range(3)))
    assert len(set(held)) == 1 and held[0] in (900, 901, 902)
    assert await threads.forget_thread(held[0]) is True
    assert await threads.forget_thread(held[0]) is False
    assert await threads.thread_of(10, 20, 30) is None
    assert await threads.remember_thread(10, 20, 30, 950) == 950
