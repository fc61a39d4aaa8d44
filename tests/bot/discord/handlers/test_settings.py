"""The panel of /settings: every choice is one press, and the panel says what is in effect then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storage.errors import DiskFull
from storage.preferences import Preferences
from tests.bot.discord.delivery_settings import change_settings, direct_messages
from tests.bot.discord.fuzzer import Fuzzer
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.marks import marked
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.painting import button_rows, paint
from tests.fakes import ScriptedRenderer

PRIMARY = 1
LABELS = [
    ["In the channel", "In a personal thread", "By direct message", "Delivery: default"],
    ["Spoiler: on", "Spoiler: off", "Spoiler: default"],
    ["Quiet: on", "Quiet: off", "Quiet: default"],
]


async def open_panel(harness: BotHarness) -> Any:
    """Run /settings as Alice; return the panel that only she sees."""
    result = await harness.alice.slash(harness.channel, "settings")
    assert result.ephemeral
    return result.response


def rows(panel: Any) -> list[list[str]]:
    """Return the labels of the buttons, row by row, without the mark of the chosen one."""
    return [[each["label"].removeprefix("✓ ") for each in row] for row in button_rows(panel)]


def chosen(panel: Any) -> list[str]:
    """Return the labels that are marked as the member's own choices, by mark and colour."""
    buttons = [each for row in button_rows(panel) for each in row]
    found = [each["label"] for each in buttons if each["label"].startswith("✓ ")]
    assert found == [each["label"] for each in buttons if each["style"] == PRIMARY]
    return [each.removeprefix("✓ ") for each in found]


async def press(harness: BotHarness, panel: Any, label: str) -> str:
    """Press a button, marked or not, as Alice; return the text of the panel after it."""
    marks = [f"✓ {label}"] if label in chosen(panel) else [label]
    pressed = await harness.alice.click(panel.message, label=marks[0])
    assert pressed.response.id == panel.id and not pressed.followups
    return harness.texts(panel)


async def test_the_panel_shows_what_holds(harness: BotHarness):
    """It says what is in effect and why, has a button for each choice, and changes nothing."""
    panel = await open_panel(harness)
    text = harness.texts(panel)
    assert f"<#{harness.channel.id}>" in text and rows(panel) == LABELS
    assert "Delivery: in the channel (the bot's default)" in text
    assert chosen(panel) == ["Delivery: default", "Spoiler: default", "Quiet: default"]
    assert harness.rows("SELECT * FROM user_settings") == []


async def test_each_press_changes_one_setting(harness: BotHarness):
    """Every button sets what it says, in place; the others stay, and Default clears."""
    panel = await open_panel(harness)
    for label, line in (
        ("In a personal thread", "Delivery: in a personal thread (your choice)"),
        ("By direct message", "Delivery: by direct message (your choice)"),
        ("In the channel", "Delivery: in the channel (your choice)"),
        ("Spoiler: on", "Spoiler: on (your choice)"),
        ("Quiet: on", "Quiet (no previews): on (your choice)"),
        ("Quiet: off", "Quiet (no previews): off (your choice)"),
        ("Spoiler: off", "Spoiler: off (your choice)"),
    ):
        assert line in await press(harness, panel, label)
        assert label in chosen(panel) and len(chosen(panel)) == 3
    assert chosen(panel) == ["In the channel", "Spoiler: off", "Quiet: off"]
    for label in ("Delivery: default", "Spoiler: default", "Quiet: default"):
        assert label not in chosen(panel)
        await press(harness, panel, label)
    assert "(your choice)" not in harness.texts(panel)
    columns = "SELECT delivery, spoiler, quiet FROM user_settings"
    assert harness.rows(columns) in ([], [(None, None, None)])


async def test_a_press_is_obeyed(harness: BotHarness):
    """The next picture goes where the panel says."""
    await press(harness, await open_panel(harness), "By direct message")
    await paint(harness, prompt="a lake")
    assert len(direct_messages(harness)) == 1


async def test_two_panels_stay_truthful(harness: BotHarness):
    """A press on a panel that is out of date counts, and shows all that is in effect."""
    one, two = await open_panel(harness), await open_panel(harness)
    await press(harness, one, "Spoiler: on")
    assert await press(harness, two, "Quiet: on") == harness.texts(two)
    assert chosen(two) == ["Delivery: default", "Spoiler: on", "Quiet: on"]
    await press(harness, two, "Spoiler: default")
    text = await press(harness, one, "Spoiler: on")  # is already marked on this one
    assert "Spoiler: on (your choice)" in text and "on (your choice)" in text
    assert chosen(one) == ["Delivery: default", "Spoiler: on", "Quiet: on"]


async def test_the_panel_outlives_the_process(harness: BotHarness):
    """The buttons work after a restart, and again when pressed twice."""
    panel = await open_panel(harness)
    await harness.stop()
    await harness.start()
    for _ in range(2):
        assert "in a personal thread (your choice)" in await press(
            harness, panel, "In a personal thread"
        )
    assert "in a personal thread (your choice)" in await change_settings(harness)


async def test_what_moderators_decided_is_told(harness: BotHarness):
    """A choice that is overruled is marked as the own one, with what is in effect instead."""
    panel = await open_panel(harness)
    await harness.admin.slash(
        harness.channel, "admin settings channel", delivery="thread", spoiler="on"
    )
    await press(harness, panel, "In the channel")
    text = await press(harness, panel, "Spoiler: off")
    assert "in a personal thread (set for this channel; you chose: in the channel)" in text
    assert "Spoiler: on (set for this channel; you chose: off)" in text and "not more" in text
    assert chosen(panel) == ["In the channel", "Spoiler: off", "Quiet: default"]


async def test_where_direct_messages_are_off(data_dir: Path, renderer: ScriptedRenderer):
    """There is no button for them; an old choice or an old panel says why it has no effect."""
    async with open_harness(data_dir, renderer.load, jobs={"direct_messages": False}) as harness:
        panel = await open_panel(harness)
        assert "By direct message" not in rows(panel)[0] and len(rows(panel)[0]) == 3
        await Fuzzer(harness).press(
            harness.alice, marked("z1:setdelivery:3"), message=panel.message
        )
        text = harness.texts(panel)
        assert "in the channel (the bot's default; you chose: by direct message)" in text
        assert "owner has turned off" in text


@pytest.mark.parametrize("custom_id", ["z1:setdelivery:4", "z1:setspoiler:3", "z1:setquiet:99"])
async def test_what_another_version_offers_changes_nothing(harness: BotHarness, custom_id: str):
    """A value that this version does not have is refused."""
    panel = await open_panel(harness)
    record = await Fuzzer(harness).press(harness.alice, marked(custom_id), message=panel.message)
    await harness.env.settle()
    said = [r.json for r in harness.env.http_requests if str(record.id) in r.path]
    assert "I do not recognise this button" in str(said)
    assert harness.rows("SELECT * FROM user_settings") == []


async def test_a_full_disk_is_said(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """If the choice cannot be stored, that is said, and the panel stays as it is."""
    panel = await open_panel(harness)

    async def full(*_: object, **__: object) -> None:
        raise DiskFull(Path("zimagine.db"), "no space left")

    before = harness.texts(panel)
    with monkeypatch.context() as patch:
        patch.setattr(Preferences, "set_user", full)
        pressed = await harness.alice.click(panel.message, label="Spoiler: on")
    assert pressed.ephemeral and "disk" in pressed.response.content
    assert harness.texts(panel) == before
    assert "Spoiler: on (your choice)" in await press(harness, panel, "Spoiler: on")


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_every_request_is_valid(harness: BotHarness):
    """The panel and its updates are valid by Discord's description."""
    panel = await open_panel(harness)
    for row in LABELS:
        for label in row:
            await press(harness, panel, label)
    api, requests = ApiDescription(), harness.env.http_requests
    assert [p for r in requests for p in api.problems(r.method, r.path, r.json)] == []
