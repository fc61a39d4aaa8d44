"""Actions on single pictures and on those of a series: vary, upscale, favourite, copy, original; by
button, menu and command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.request.resolve import STRONG, SUBTLE
from engine import uploads
from engine.types import Mode
from tests.bot.discord.delivery_settings import change_settings
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import (
    alice_as_actor,
    announcements,
    last_row_labels,
    paint,
    painted,
    parent_ids,
    picture_file,
    private_picture,
    private_text,
    response_text,
    slow_reading,
)
from tests.fakes import ScriptedRenderer

SINGLE = ["Reroll", "Vary (subtle)", "Vary (strong)", "Upscale", "More ▾"]


async def test_five_buttons_are_in_sight(harness: BotHarness):
    """A single picture has five buttons and its star; the rest is behind More."""
    await paint(harness, prompt="a lake")
    message = harness.message_with_picture()
    assert last_row_labels(message) == SINGLE
    own = await harness.more(harness.alice, message)
    assert last_row_labels(own) == [
        "Remix",
        "Details",
        "Add to favourites",
        "DM me a copy",
        "Delete",
    ]
    others = ["Remix", "Details", "DM me a copy"]
    assert last_row_labels(await harness.more(harness.bob, message)) == [*others, "Report"]
    by_moderator = last_row_labels(await harness.more(harness.moderator, message))
    assert by_moderator == [*others, "Delete", "Report"]


@pytest.mark.parametrize(
    ("label", "amount"), [("Vary (subtle)", SUBTLE), ("Vary (strong)", STRONG)]
)
async def test_anyone_varies_a_public_picture_and_pays(
    harness: BotHarness, label: str, amount: float
):
    """Anyone can vary a public picture at their own cost, also after a restart."""
    await paint(harness, prompt="a lake", seed=5)
    message = harness.message_with_picture()
    await harness.stop()
    await harness.start()
    result = await harness.bob.click(message, label=label)
    await harness.settled()
    first, *varied = painted(harness)
    assert not result.ephemeral and len(varied) == 4 and not first.variations
    assert {(each.seed, each.prompt) for each in varied} == {(5, "a lake")}
    assert [[one.amount for one in each.variations] for each in varied] == [[amount]] * 4
    assert len({each.variations for each in varied}) == 4
    assert parent_ids(harness) == [None, 1]
    ledger = harness.rows("SELECT user_id, pictures FROM ledger WHERE job_id = 2")
    assert ledger == [(harness.bob.id, 4)]


async def test_upscaling_starts_from_the_pictures_own_pixels(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """Upscaling starts from the stored pixels and doubles the size, also after a restart."""
    await paint(harness, prompt="a lake", seed=5)
    message = harness.message_with_picture()
    await harness.stop()
    await harness.start()
    await harness.bob.click(message, label="Upscale")
    await harness.settled()
    first, large = painted(harness)
    source = uploads.decode(picture_file(harness).read_bytes(), uploads.UploadLimits())
    assert large.mode is Mode.UPSCALE and large.inputs == (source.sha256,)
    assert (large.width_px, large.height_px) == (2 * first.width_px, 2 * first.height_px)
    assert renderer.inputs[-1] == (source.raster,)
    assert harness.rows("SELECT user_id FROM ledger WHERE job_id = 2") == [(harness.bob.id,)]
    assert parent_ids(harness) == [None, 1]


async def test_an_enlarged_picture_is_not_enlarged_again(harness: BotHarness):
    """Where a picture would become too large, Upscale is not offered, and the command is refused
    before the file is read."""
    await paint(harness, prompt="a lake")
    await harness.alice.click(harness.message_with_picture(), label="Upscale")
    await harness.settled()
    without = [label for label in SINGLE if label != "Upscale"]
    assert last_row_labels(harness.message_with_picture()) == without
    again = await harness.alice.slash(harness.channel, "upscale")
    assert again.ephemeral and "larger than any picture can be upscaled" in again.response.content
    history = await harness.alice.slash(harness.channel, "history")
    shown = await harness.alice.click(history.response.message, custom_id=marked("z1:show:2"))
    offered = ["Vary (subtle)", "Vary (strong)", "Details", "More ▾"]
    assert last_row_labels(shown.response.message) == offered
    assert harness.charged() == 2


async def test_a_removed_file_is_said(harness: BotHarness):
    """Upscale, Original and Copy explain that the file has been removed."""
    await paint(harness, prompt="a lake", seed=5, count=2)
    message = harness.message_with_picture()
    picture_file(harness, 1).unlink()
    picture_file(harness, 2).write_bytes(b"damaged")
    panel = await harness.more(harness.alice, message)
    await harness.alice.click(panel, label="Picture 1")
    for on, label in ((message, "Upscale 1"), (panel, "Original"), (message, "Upscale 2")):
        result = await harness.alice.click(on, label=label)
        assert "was removed to save space" in private_text(result), label
    copied = await harness.alice.click(panel, label="DM me a copy")
    assert "was removed" in private_text(copied)
    assert harness.charged() == 2


async def test_private_stays_private(harness: BotHarness):
    """Results of private pictures are private, and nobody else can use such pictures."""
    message = await private_picture(harness)
    for label in ("Vary (subtle)", "Upscale"):
        result = await harness.alice.click(message, label=label)
        await harness.settled()
        assert result.ephemeral
    form = await harness.alice.click(await harness.more(harness.alice, message), label="Remix")
    await harness.alice.submit_modal(form, {"prompt": "psst"})
    await harness.settled()
    assert harness.rows("SELECT private FROM jobs") == [(1,)] * 4
    assert harness.channel.history() == []
    for command in ("vary", "upscale", "remix"):
        refused = await harness.bob.slash(harness.channel, command, picture="1")
        assert refused.ephemeral and "no picture" in refused.response.content


async def test_a_private_picture_is_deleted_from_its_panel(harness: BotHarness):
    """A private picture can be deleted, and the reply asks to dismiss its message."""
    message = await private_picture(harness)
    file = picture_file(harness)
    harness.env.inject_error("DELETE", "/channels/*/messages/*", status=404, code=10008)
    panel = await harness.delete(harness.alice, message)
    assert "delete the message yourself" in harness.texts(panel)
    assert not file.exists()


async def test_where_reading_breaks_off_nothing_is_charged(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """If the response cannot even be deferred, the job is withdrawn."""
    slow_reading(monkeypatch)
    await paint(harness, prompt="a lake")
    harness.env.inject_error("POST", "/interactions/*/callback", status=404, code=10062)
    await harness.alice.click(harness.message_with_picture(), label="Upscale")
    await harness.settled()
    assert harness.charged() == 1 and len(painted(harness)) == 1


async def test_one_of_several(harness: BotHarness):
    """Buttons upscale, vary, show and explain each picture by its number."""
    await paint(harness, prompt="a lake", seed=5, count=3)
    message = harness.message_with_picture()
    rows = [[each.label for each in row.children] for row in message.components[-3:]]
    assert rows == [
        ["Upscale 1", "Upscale 2", "Upscale 3", "Reroll all"],
        ["Vary 1", "Vary 2", "Vary 3", "More ▾"],
        ["Favourite 1", "Favourite 2", "Favourite 3"],
    ]
    await harness.stop()
    await harness.start()
    panel = await harness.more(harness.bob, message)
    assert last_row_labels(panel) == ["Picture 1", "Picture 2", "Picture 3"]
    await harness.bob.click(panel, label="Picture 2")
    original = await harness.bob.click(panel, label="Original")
    assert original.ephemeral
    (file,) = original.response.message.attachments
    assert await file.read() == picture_file(harness, 2).read_bytes()
    await harness.bob.click(panel, label="All pictures")
    await harness.bob.click(panel, label="Picture 3")
    details = await harness.bob.click(panel, label="Details")
    assert details.ephemeral and "**Seed:** 7" in harness.texts(details.response.message)
    await harness.bob.click(message, label="Vary 2")
    await harness.settled()
    await harness.bob.click(message, label="Upscale 3")
    await harness.settled()
    *varied, large = painted(harness)[3:]
    assert {each.seed for each in varied} == {6} and large.seed == 7
    assert large.mode is Mode.UPSCALE
    assert parent_ids(harness) == [None, 2, 3] and harness.charged() == 3 + 4 + 1


@pytest.mark.parametrize("label", ["Upscale 2", "Vary 1", "Reroll all"])
async def test_the_same_choice_works_twice_in_a_row(harness: BotHarness, label: str):
    """Whatever was pressed last can be pressed again at once: there is no menu that remembers."""
    await paint(harness, prompt="a lake", seed=5, count=2)
    message = harness.message_with_picture()
    assert not [row for row in message.components[-2:] if row.children[0].type.name != "button"]
    for _ in range(2):
        pressed = await harness.alice.click(message, label=label)
        assert not pressed.ephemeral
        await harness.settled()
    assert len(harness.rows("SELECT 1 FROM jobs")) == 3


async def test_more_for_several(harness: BotHarness):
    """The panel of a series offers remix and copy of each picture, and favourites to its author,
    which can be set and removed again and again."""
    await paint(harness, prompt="a lake", count=2)
    message = harness.message_with_picture()
    opened = await harness.alice.click(message, label="More ▾")
    panel = opened.response.message
    await harness.alice.click(panel, label="Picture 2")
    for _ in range(2):
        await harness.alice.click(panel, label="Add to favourites")
        assert "your favourites: 2" in response_text(harness, opened)
        assert harness.rows("SELECT id FROM pictures WHERE favourite_at IS NOT NULL") == [(2,)]
        await harness.alice.click(panel, label="Remove from favourites")
        assert "favourites" not in response_text(harness, opened)
    theirs = await harness.bob.click(message, label="More ▾")
    await harness.bob.click(theirs.response.message, label="Picture 2")
    shown = str(theirs.response.message.components)
    assert "favourite" not in shown and "Report" in shown
    form = await harness.bob.click(theirs.response.message, label="Remix")
    assert form.modal is not None and form.modal["custom_id"] == marked("z1:remix:2")


async def test_favourites_are_ones_own(harness: BotHarness):
    """The panel marks and unmarks favourites; other members are refused with the reason."""
    await paint(harness, prompt="a lake")
    message = harness.message_with_picture()
    shown = await harness.alice.click(message, label="More ▾")
    await harness.alice.click(shown.response.message, label="Add to favourites")
    assert "your favourite" in harness.texts(shown.response.message)
    outcome = await press_forged(harness, harness.bob, marked("z1:unfavour:1"))
    assert outcome.ephemeral and "someone else" in outcome.response.content
    assert harness.rows("SELECT favourite_at IS NULL FROM pictures") == [(0,)]
    await harness.stop()
    await harness.start()
    await harness.alice.click(shown.response.message, label="Remove from favourites")
    assert harness.rows("SELECT favourite_at IS NULL FROM pictures") == [(1,)]


async def press_forged(harness: BotHarness, who: Any, custom_id: str) -> Any:
    """Press a button that is on no message this member sees."""
    stored = harness.env.backend.get_message(harness.channel.id, harness.message_with_picture().id)
    before = stored.components
    button = {"type": 2, "style": 2, "label": "x", "custom_id": custom_id, "id": 99}
    stored.components = [{"type": 1, "id": 98, "components": [button]}]
    try:
        return await who.click(harness.message_with_picture(), custom_id=custom_id)
    finally:
        stored.components = before


async def test_a_copy_by_direct_message(harness: BotHarness):
    """Anyone gets a copy of a public picture with a link; the nonce of a second press is
    dropped."""
    await paint(harness, prompt="a lake", seed=5)
    panel = await harness.more(harness.bob, harness.message_with_picture())
    result = await harness.bob.click(panel, label="DM me a copy")
    assert result.ephemeral and "sent you a copy" in result.response.content
    sent = next(r for r in harness.env.http_requests if r.json and "nonce" in r.json)
    assert sent.json["nonce"] and sent.json["enforce_nonce"]
    (copy,) = harness.bob.user.dm_channel.history()
    assert copy.attachments[0].filename == picture_file(harness).name
    assert f"<#{harness.channel.id}>" in harness.texts(copy)


async def test_a_copy_of_a_spoiler_is_one(harness: BotHarness):
    """What was hidden until clicked is hidden in the direct messages, too."""
    await change_settings(harness, spoiler="on")
    await paint(harness, prompt="a lake")
    panel = await harness.more(harness.bob, harness.message_with_picture())
    await harness.bob.click(panel, label="DM me a copy")
    (copy,) = harness.bob.user.dm_channel.history()
    assert copy.attachments[0].filename.startswith("SPOILER_zimagine-1-")
    assert '"spoiler": true' in json.dumps([each.to_dict() for each in copy.components])


async def test_each_of_several_members_gets_a_copy(harness: BotHarness):
    """Discord compares the nonces of all that the bot posts, so each member's copy has its own,
    which stays the same when they press again."""
    await paint(harness, prompt="a lake")
    for who in (harness.bob, harness.moderator, harness.bob):
        panel = await harness.more(who, harness.message_with_picture())
        await who.click(panel, label="DM me a copy")
    sent = [r.json["nonce"] for r in harness.env.http_requests if r.json and "nonce" in r.json]
    assert len(sent) == 3 and sent[0] == sent[2] != sent[1] and len(sent[0]) <= 25


async def test_no_copy_where_the_owner_allows_no_direct_messages(
    data_dir: Path, renderer: ScriptedRenderer
):
    """If the owner has turned direct messages off, no copy is sent, and the member is told why."""
    async with open_harness(data_dir, renderer.load, jobs={"direct_messages": False}) as harness:
        await paint(harness, prompt="a lake")
        panel = await harness.more(harness.bob, harness.message_with_picture())
        result = await harness.bob.click(panel, label="DM me a copy")
        assert "The bot's owner has turned off direct messages." in private_text(result)
        assert not any(r.path.endswith("/users/@me/channels") for r in harness.env.http_requests)


async def test_closed_direct_messages_are_said(harness: BotHarness):
    """Closed DMs and a lost connection are explained with different sentences."""
    await paint(harness, prompt="a lake")
    panel = await harness.more(harness.bob, harness.message_with_picture())
    harness.env.inject_error("POST", "/users/@me/channels", status=403, code=50007)
    closed = await harness.bob.click(panel, label="DM me a copy")
    assert closed.ephemeral and "cannot send you direct messages" in closed.response.content
    harness.env.inject_error("POST", "/users/@me/channels", status=400, code=50035)
    later = await harness.bob.click(panel, label="DM me a copy")
    assert "try again" in later.response.content


async def test_the_commands_find_ones_own_pictures(harness: BotHarness):
    """/vary and /upscale use the last picture or a given number; without one nothing is charged."""
    for command in ("vary", "upscale", "remix"):
        nothing = await harness.alice.slash(harness.channel, command)
        assert nothing.ephemeral and "/imagine" in nothing.response.content
    await paint(harness, prompt="a lake", seed=5)
    offered = await harness.alice.autocomplete(harness.channel, "vary", "picture", "")
    assert [each["value"] for each in offered] == ["1"]
    await harness.alice.slash(harness.channel, "vary", strength="subtle", count=1)
    await harness.settled()
    await harness.alice.slash(harness.channel, "upscale", picture="#1")
    await harness.settled()
    assert painted(harness)[1].variations[0].amount == SUBTLE
    assert painted(harness)[2].mode is Mode.UPSCALE
    refused = await harness.bob.slash(harness.channel, "upscale", picture="1")
    assert refused.ephemeral and "no picture" in refused.response.content
    assert harness.charged() == 3


async def test_deleted_pictures_are_gone_for_every_button(harness: BotHarness):
    """Every button on an old message refuses a deleted picture and charges nothing."""
    await paint(harness, prompt="a lake", count=2)
    message = harness.message_with_picture()
    await paint(harness, prompt="a hill")
    single = harness.message_with_picture()
    panel = await harness.more(harness.bob, single)
    for picture_id in (1, 3):
        await harness.app.services.deletion.erase_all(alice_as_actor(harness), picture_id)
    presses = [
        *[await harness.bob.click(single, label=label) for label in SINGLE],
        *[await harness.bob.click(panel, label=each) for each in ("Remix", "Details")],
        await harness.bob.click(message, label="More ▾"),
        *[await harness.bob.click(message, label=each) for each in ("Vary 2", "Upscale 1")],
    ]
    for result in presses:
        assert result.ephemeral and "no picture" in result.response.content
    assert harness.charged() == 3


@pytest.mark.parametrize("announced", [False, True])
async def test_refusals_leave_no_public_trace(
    data_dir: Path, announced: bool, monkeypatch: pytest.MonkeyPatch
):
    """A used-up quota is refused ephemerally, also after a deferred response."""
    if announced:
        slow_reading(monkeypatch)
    renderer = ScriptedRenderer()
    quota = {"pictures": 1, "hours": 1}
    async with open_harness(data_dir, renderer.load, quota=quota) as harness:
        await paint(harness, prompt="a lake")
        message = harness.message_with_picture()
        before = len(harness.channel.history())
        for label in ("Vary (subtle)", "Upscale"):
            result = await harness.alice.click(message, label=label)
            assert "quota is used up" in private_text(result)
            assert len(result.followups) == (announced and label == "Upscale")
        assert len(harness.channel.history()) == before and harness.charged() == 1


async def test_an_announced_answer_becomes_the_picture(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """A deferred response becomes the status message."""
    slow_reading(monkeypatch)
    await paint(harness, prompt="a lake")
    result = await harness.alice.slash(harness.channel, "upscale")
    await harness.settled()
    assert announcements(harness) == 1 and not result.ephemeral
    assert harness.message(result.response.id).attachments
    message = await private_picture(harness)
    hushed = await harness.alice.click(message, label="Upscale")
    await harness.settled()
    assert announcements(harness) == 2
    assert hushed.ephemeral and hushed.response.message.attachments
    assert len(harness.channel.history()) == 2


async def test_a_full_queue_and_a_stopping_bot_are_said(data_dir: Path):
    """A full queue and a shutdown are explained and not charged."""
    renderer = ScriptedRenderer()
    async with open_harness(data_dir, renderer.load, engine={"queue_limit": 1}) as harness:
        await paint(harness, prompt="a lake")
        message = harness.message_with_picture()
        renderer.hold()
        await harness.alice.click(message, label="Vary (subtle)")
        await harness.state(2, "painting")
        await harness.alice.click(message, label="Vary (strong)")
        for label in ("Vary (subtle)", "Upscale"):
            assert "queue is full" in private_text(await harness.bob.click(message, label=label))
        renderer.release()
        await harness.settled()
        harness.app.engine.queue.close()
        for label in ("Vary (subtle)", "Upscale"):
            assert "restarting" in private_text(await harness.bob.click(message, label=label))
        assert harness.charged() == 1 + 4 + 4
