"""Buttons, menus and forms of yesterday's database, pressed in today's."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.discord.views.custom_ids import MENU_ACTIONS, ComponentAction
from storage import backup
from storage.database import FILE_NAME
from storage.restore import restore
from tests.bot.discord.fuzzer import Fuzzer
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import paint

REPLACED = "my records were replaced"
UNKNOWN = "I do not recognise"
STRANGE = "0badcafe"
"""The mark of a database that is not there any more."""


def every_id(mark: str) -> Iterator[str]:
    """Yield a custom_id of each action for row 1, and a staged picture's."""
    yield from (f"z1:{action}:1{mark}" for action in ComponentAction)
    yield "z1:queue:0" + mark
    yield f"z1:kept:{'a' * 64}:{'0' * 16}{mark}"


def everything(harness: BotHarness) -> list[tuple[Any, ...]]:
    """Return all rows that a press could change."""
    tables = ("jobs", "pictures", "ledger", "proposals", "reports", "blocks", "deliveries")
    return [row for table in tables for row in harness.rows(f"SELECT * FROM {table}")]


async def says(harness: BotHarness, sending: Any) -> tuple[str, bool]:
    """Send an interaction; return the text of its only response, and whether it is private."""
    before = len(harness.env.http_requests)
    record = await sending
    sent = [
        each
        for each in harness.env.http_requests[before:]
        if str(record.id) in each.path or record.token in each.path
    ]
    assert len(sent) == 1, sent
    data = sent[0].json["data"]
    return str(data.get("content")), bool(data.get("flags", 0) & 64)


async def renew(harness: BotHarness) -> None:
    """Restart the bot with a database that was made from nothing."""
    await harness.stop()
    for each in harness.settings.storage.data_dir.glob(f"{FILE_NAME}*"):
        each.unlink()
    await harness.start()


@pytest.mark.parametrize("mark", [f":{STRANGE}", ""], ids=["marked", "of an earlier build"])
async def test_each_is_answered_and_does_nothing(harness: BotHarness, mark: str) -> None:
    """Every button, menu and form of another database gets one private sentence."""
    await paint(harness, prompt="a lake")
    fuzzer, before = Fuzzer(harness), everything(harness)
    assert before
    for custom_id in every_id(mark):
        for who in (harness.alice, harness.moderator):
            for use in (
                fuzzer.press(who, custom_id),
                fuzzer.fill_in(who, custom_id, "a boat"),
                fuzzer.press(who, custom_id, 3, value=f"z1:details:1{mark}"),
            ):
                text, private = await says(harness, use)
                assert REPLACED in text and private, custom_id
    for action in sorted(MENU_ACTIONS):
        menu = fuzzer.press(harness.alice, marked("z1:pick:1"), 3, value=f"z1:{action}:1{mark}")
        text, private = await says(harness, menu)
        assert REPLACED in text and private, action
    assert everything(harness) == before
    text, _ = await says(harness, fuzzer.press(harness.alice, "z1:nothing:1"))
    assert UNKNOWN in text
    fuzzer.answered_once()


async def test_number_one_of_yesterday_is_not_number_one_of_today(harness: BotHarness) -> None:
    """Buttons that a replaced database made are refused; those of the new one work."""
    await paint(harness, prompt="yesterday")
    old = harness.message_with_picture()
    await renew(harness)
    await paint(harness, prompt="today")
    for label in ("Reroll", "Vary (subtle)", "Upscale", "More ▾"):
        pressed = await harness.alice.click(old, label=label)
        assert pressed.ephemeral and REPLACED in pressed.response.content
    assert harness.rows("SELECT prompt FROM jobs") == [("today",)]
    await harness.alice.click(harness.message_with_picture(), label="Reroll")
    await harness.settled()
    assert harness.rows("SELECT prompt FROM jobs") == [("today",)] * 2


async def test_a_restored_backup_keeps_its_buttons(harness: BotHarness, tmp_path: Path) -> None:
    """After a restore the buttons of pictures in the backup work; later ones find nothing."""
    await paint(harness, prompt="saved")
    saved = harness.message_with_picture()
    data_dir = harness.settings.storage.data_dir
    made = await backup.back_up(data_dir / FILE_NAME, tmp_path / "saved.db")
    await paint(harness, prompt="lost")
    lost = harness.message_with_picture()
    await harness.stop()
    await restore(data_dir, made.path, clock=harness.clock)
    await harness.start()
    await paint(harness, prompt="since")
    assert harness.rows("SELECT id FROM pictures ORDER BY id") == [(1,), (3,)]
    pressed = await harness.alice.click(lost, label="Reroll")
    assert pressed.ephemeral and "since" not in pressed.response.content
    await harness.alice.click(saved, label="Reroll")
    await harness.settled()
    prompts = [row[0] for row in harness.rows("SELECT prompt FROM jobs ORDER BY id")]
    assert prompts == ["saved", "since", "saved"]


async def test_a_copied_data_folder_keeps_its_buttons(harness: BotHarness, tmp_path: Path) -> None:
    """A data folder that was moved elsewhere is the same database."""
    await paint(harness, prompt="a lake")
    message = harness.message_with_picture()
    await harness.stop()
    moved = tmp_path / "moved"
    shutil.copytree(harness.settings.storage.data_dir, moved)
    storage = harness.settings.storage.model_copy(update={"data_dir": moved})
    harness.settings = harness.settings.model_copy(update={"storage": storage})
    await harness.start()
    await harness.alice.click(message, label="Reroll")
    await harness.settled()
    with closing(sqlite3.connect(moved / FILE_NAME)) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (2,)
