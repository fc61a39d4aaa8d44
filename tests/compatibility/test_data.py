"""A data folder of the build of November 2026: nothing in it is lost or misread."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.discord.views.custom_ids import ComponentAction, custom_id
from engine.png import read_png
from engine.types import Recipe
from storage import consistency
from storage.database import FILE_NAME, Database
from storage.files import PictureFiles
from storage.migrate import load_migrations
from storage.types import DeliveryMode, DeliveryState, JobState, PolicySource, Route, Verdict
from tests.bot.discord.fuzzer import Fuzzer
from tests.compatibility.contents import read_everything
from tests.compatibility.home import RECORDED_CONTENTS, Home, copied, open_home
from tests.fakes import FakeClock, ScriptedRenderer

RECORDED: dict[str, Any] = json.loads(RECORDED_CONTENTS.read_text(encoding="utf-8"))
NOW = datetime.fromisoformat(RECORDED["now"])
VERSION = 7
"""The schema version of the recording."""
ADDED = ("effective_prompt", "negative_prompt")
"""What enhancement writes into a request."""
NOT_WRITTEN_DOWN = "painted and not written down"
ENDS = {
    "begun": ("failed", 2),
    "waits": ("painted", 1),
    "bob waits": ("painted", 1),
    "painted for the first time": ("painted", 2),
    NOT_WRITTEN_DOWN: ("painted", 1),
    "queued in private": ("painted", 1),
    "queued for a thread": ("painted", 1),
    "accepted and no more": ("painted", 1),
}
"""The final state and number of attempts of each unfinished job."""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An unmodified copy of the folder."""
    return copied(tmp_path / "data")


@pytest.fixture
async def home(data_dir: Path, renderer: ScriptedRenderer) -> AsyncIterator[Home]:
    """The bot, started on the copy."""
    async with open_home(data_dir, renderer.load, NOW) as home:
        yield home
        renderer.release()


@pytest.fixture
def renderer() -> ScriptedRenderer:
    """A renderer that paints at once unless a test holds it."""
    return ScriptedRenderer()


@pytest.fixture
def rows(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """The recorded tables."""
    with closing(sqlite3.connect(data_dir / FILE_NAME)) as connection:
        yield connection


def column(rows: sqlite3.Connection, sql: str) -> set[Any]:
    """Return the distinct values of one column."""
    return {row[0] for row in rows.execute(sql)}


def test_every_table_has_a_row(rows: sqlite3.Connection) -> None:
    """Every table of the recorded schema has at least one row."""
    assert rows.execute("PRAGMA user_version").fetchone() == (VERSION,)
    tables = column(rows, "SELECT name FROM sqlite_master WHERE type = 'table'")
    empty = {name for name in tables if not rows.execute(f"SELECT 1 FROM {name}").fetchone()}
    assert len(tables) > 15 and empty == set()


def test_every_state_and_way_is_there(rows: sqlite3.Connection) -> None:
    """Every job state, delivery state, delivery route and delivery mode occurs."""
    assert column(rows, "SELECT state FROM jobs") == set(JobState)
    assert column(rows, "SELECT delivery FROM jobs") == set(DeliveryMode)
    assert column(rows, "SELECT state FROM deliveries") == set(DeliveryState)
    assert column(rows, "SELECT road FROM deliveries") == {*Route, None}
    for state in ("pending", "delivered"):
        tried = f"SELECT road FROM deliveries WHERE state = '{state}' AND road NOT NULL"
        assert column(rows, tried) == set(Route)
    assert column(rows, "SELECT verdict FROM cases") == {*Verdict, None}
    assert column(rows, "SELECT state FROM proposals") == {"open", "taken", "declined"}
    assert column(rows, "SELECT json_extract(request, '$.mode') FROM jobs") == {
        "text",
        "image",
        "inpaint",
        "blend",
        "upscale",
    }


async def test_nothing_is_wrong_with_it(data_dir: Path) -> None:
    """Before the upgrade the consistency check finds only that, and after it one file without a
    row, which the next start recovers."""
    old = consistency.FindingKind.OLD_SCHEMA
    assert found(consistency.check(data_dir)) == {old: [f"{VERSION} of {len(load_migrations())}"]}
    await (await Database.open(data_dir / FILE_NAME)).close()
    report = consistency.check(data_dir, hashes=True)
    (job_id,) = [each["id"] for each in RECORDED["jobs"] if each["prompt"] == NOT_WRITTEN_DOWN]
    orphan = f"pictures/2026/01/zimagine-{job_id}-60.png"
    assert report.wrong() == [] and found(report) == {consistency.FindingKind.ORPHAN: [orphan]}
    assert report.pictures == report.files - 1 > 30


def found(report: consistency.ConsistencyReport) -> dict[consistency.FindingKind, list[str]]:
    """Return everything that a check remarked."""
    return {kind: list(finding.examples) for kind, finding in report.findings.items()}


async def test_all_that_it_says_is_read(data_dir: Path) -> None:
    """Jobs, pictures, favourites, searches, quotas, settings, reports and blocks read as
    recorded."""
    clock = FakeClock(NOW)
    async with await Database.open(data_dir / FILE_NAME, check=True) as db:
        said = await read_everything(db, clock, RECORDED["ids"])
    for part, value in said.items():
        assert value == RECORDED[part], part
    sources = {each["quota"]["policy"]["source"] for each in said["people"].values()}
    assert sources == {PolicySource.USER, PolicySource.SERVER}


def test_every_picture_carries_the_recipe_of_its_row(
    data_dir: Path, rows: sqlite3.Connection
) -> None:
    """Every file holds the recipe of its row, and the recipe matches the pixels."""
    files = PictureFiles(data_dir, clock=FakeClock(NOW))
    kept = "SELECT file, recipe FROM pictures WHERE deleted_at IS NULL AND file_removed_at IS NULL"
    found = rows.execute(kept).fetchall()
    for file, recipe in found:
        inscribed = read_png(files.path(file))
        assert inscribed.untouched and inscribed.recipe == Recipe.from_json(recipe), file
    assert len(found) > 30


async def test_what_was_not_over_is_painted(home: Home, renderer: ScriptedRenderer) -> None:
    """Every waiting job is painted, interrupted ones once more, and none a third time."""
    await home.settled()
    live = {each["prompt"] for each in RECORDED["jobs"] if each["finished_at"] is None}
    assert live == set(ENDS)
    states = {
        prompt: (state, attempts)
        for prompt, state, attempts in home.rows("SELECT prompt, state, attempts FROM jobs")
        if prompt in live
    }
    assert states == ENDS
    assert home.rows("SELECT error_code FROM jobs WHERE prompt = 'begun'") == [("crashed",)]
    painted = {each.prompt for each in renderer.painted}
    # The job whose file was already there was recovered.
    assert painted == live - {"begun", NOT_WRITTEN_DOWN}
    assert consistency.check(home.settings.storage.data_dir, hashes=True).wrong() == []


async def test_what_was_not_told_is_told(home: Home) -> None:
    """Every pending result is delivered, and each of its pictures is shown once."""
    pending = {each["job_id"] for each in RECORDED["deliveries"] if each["state"] == "pending"}
    await home.settled()
    ends = dict(home.rows("SELECT job_id, state FROM deliveries"))
    assert {ends[each] for each in pending} == {"delivered"}
    shown = Counter(
        attachment["filename"].removeprefix("SPOILER_")
        for messages in home.env.backend.messages.values()
        for message in messages.values()
        for attachment in message.attachments
    )
    due = {
        Path(file).name
        for job_id, file in home.rows("SELECT job_id, file FROM pictures")
        if job_id in pending
    }
    assert len(due) > 15 and {name: shown[name] for name in due} == dict.fromkeys(due, 1)


def asked(request: str) -> dict[str, Any]:
    """Return a request without what enhancement adds: the embedded model's default is now off."""
    texts = json.loads(request)
    return {name: texts[name] for name in texts if name not in ADDED}


async def test_open_questions_make_what_they_asked_about(home: Home) -> None:
    """Paint on an open proposal accepts exactly the recorded requests; other proposals accept
    nothing."""
    await home.settled()
    fuzzer = Fuzzer(home)
    panel = (await home.alice.slash(home.channel, "queue")).response.message
    newest = "SELECT max(id) FROM jobs"
    (first,) = home.rows(newest)
    for question in RECORDED["proposals"]:
        before = home.rows(newest)[0][0]
        pressed = custom_id(ComponentAction.ACCEPT_PROPOSAL, question["id"])
        await fuzzer.press(home.alice, pressed, message=panel)
        await home.settled()
        sql = "SELECT request, pictures, private, parent_picture_id FROM jobs WHERE id > ?"
        made = [[asked(row[0]), *row[1:]] for row in home.rows(f"{sql} ORDER BY id", before)]
        recorded = RECORDED["taken"].get(str(question["id"]), [])
        taken = [[asked(row[0]), *row[1:]] for row in recorded]
        assert made == taken, question["wish"]
        assert bool(made) == (question["state"] == "open")
    assert len(RECORDED["taken"]) == 5
    assert home.rows("SELECT DISTINCT state FROM jobs WHERE id > ?", *first) == [("painted",)]
