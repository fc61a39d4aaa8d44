"""What one does with a picture: vary, upscale, favourite, a copy, its original; for single
pictures and one of several, by button, menu and command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.accounts.permissions import Person
from bot.discord.handlers import variations
from bot.request.resolve import STRONG, SUBTLE
from engine import uploads
from engine.types import Mode
from tests.bot.discord.commands.test_imagine import painted
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import World, open_world
from tests.fakes import ScriptedRenderer

SINGLE = ["Reroll", "Vary (subtle)", "Vary (strong)", "Upscale", "More ▾"]


def labels(message: Any) -> list[str]:
    """The buttons of the last row."""
    return [each.label for each in message.components[-1].children]


def parents(world: World) -> list[Any]:
    """What each job was painted from."""
    return [row[0] for row in world.rows("SELECT parent_picture_id FROM jobs ORDER BY id")]


def picture_file(world: World, picture_id: int = 1) -> Path:
    """Where a picture lies on the disk."""
    ((file,),) = world.rows("SELECT file FROM pictures WHERE id = ?", picture_id)
    return world.settings.storage.data_dir / file


def whispered(result: Any) -> str:
    """What an interaction said to its person alone, also where an answer was announced before."""
    said = result.followups[-1] if result.followups else result.response
    assert said.ephemeral
    return said.content


async def private_picture(world: World) -> Any:
    """A private picture of Alice's; the message that she alone sees."""
    result = await world.alice.slash(world.channel, "imagine", prompt="hush", private=True)
    await world.settled()
    return result.response.message


async def test_five_buttons_are_in_sight(world: World):
    """A single picture has five and no more; what else can be done is behind More."""
    await paint(world, prompt="a lake")
    message = world.message_with_picture()
    assert labels(message) == SINGLE
    own = await world.more(world.alice, message)
    assert labels(own) == ["Remix", "Details", "Make it a favourite", "Copy to me by DM", "Delete"]
    others = ["Remix", "Details", "Copy to me by DM"]
    assert labels(await world.more(world.bob, message)) == [*others, "Report"]
    by_moderator = labels(await world.more(world.moderator, message))
    assert by_moderator == [*others, "Delete", "Report"]


@pytest.mark.parametrize(
    ("label", "amount"), [("Vary (subtle)", SUBTLE), ("Vary (strong)", STRONG)]
)
async def test_anyone_varies_a_public_picture_and_pays(world: World, label: str, amount: float):
    """After a restart too: the same request with its noise turned, charged to who pressed."""
    await paint(world, prompt="a lake", seed=5)
    message = world.message_with_picture()
    await world.stop()
    await world.start()
    result = await world.bob.click(message, label=label)
    await world.settled()
    first, varied = painted(world)
    assert not result.ephemeral and varied.seed == 5 and varied.prompt == "a lake"
    assert [each.amount for each in varied.variations] == [amount] and not first.variations
    assert parents(world) == [None, 1]
    assert world.rows("SELECT user_id FROM ledger WHERE job_id = 2") == [(world.bob.id,)]


async def test_upscaling_starts_from_the_pictures_own_pixels(
    world: World, painter: ScriptedRenderer
):
    """After a restart too: twice the size, from what lies on the disk, by and for whoever asks."""
    await paint(world, prompt="a lake", seed=5)
    message = world.message_with_picture()
    await world.stop()
    await world.start()
    await world.bob.click(message, label="Upscale")
    await world.settled()
    first, large = painted(world)
    source = uploads.decode(picture_file(world).read_bytes(), uploads.Limits())
    assert large.mode is Mode.UPSCALE and large.inputs == (source.sha256,)
    assert (large.width_px, large.height_px) == (2 * first.width_px, 2 * first.height_px)
    assert painter.inputs[-1] == (source.raster,)
    assert world.rows("SELECT user_id FROM ledger WHERE job_id = 2") == [(world.bob.id,)]
    assert parents(world) == [None, 1] and labels(world.message_with_picture()) == SINGLE


async def test_an_enlarged_picture_is_not_enlarged_again(world: World):
    """What would be too large is refused in words, before anything is read."""
    await paint(world, prompt="a lake")
    await world.alice.click(world.message_with_picture(), label="Upscale")
    await world.settled()
    again = await world.alice.click(world.message_with_picture(), label="Upscale")
    assert again.ephemeral and "larger than a picture can be enlarged" in again.response.content
    assert world.charged() == 2


async def test_a_removed_file_is_said(world: World):
    """Upscale, Original and the copy need the file; where it is gone, a sentence says so."""
    await paint(world, prompt="a lake", seed=5, count=2)
    message = world.message_with_picture()
    picture_file(world, 1).unlink()
    picture_file(world, 2).write_bytes(b"damaged")
    for value in ("z1:upscale:1", "z1:original:1", "z1:upscale:2"):
        result = await world.alice.select(message, [value])
        assert "was removed to save space" in whispered(result), value
    copied = await world.alice.select(await world.more(world.alice, message), ["z1:copy:1"])
    assert "was removed" in whispered(copied)
    assert world.charged() == 2


async def test_private_stays_private(world: World):
    """What is made of a private picture is its person's alone; others do not reach it."""
    message = await private_picture(world)
    for label in ("Vary (subtle)", "Upscale"):
        result = await world.alice.click(message, label=label)
        await world.settled()
        assert result.ephemeral
    form = await world.alice.click(await world.more(world.alice, message), label="Remix")
    await world.alice.submit_modal(form, {"prompt": "psst"})
    await world.settled()
    assert world.rows("SELECT private FROM jobs") == [(1,)] * 4
    assert world.channel.history() == []
    for command in ("vary", "upscale", "remix"):
        refused = await world.bob.slash(world.channel, command, picture="1")
        assert refused.ephemeral and "no picture" in refused.response.content


async def test_a_private_picture_is_deleted_from_its_panel(world: World):
    """The picture goes; of its message, which only its person can dismiss, a sentence speaks."""
    message = await private_picture(world)
    file = picture_file(world)
    shown = await world.alice.click(message, label="More ▾")
    world.env.inject_error("DELETE", "/channels/*/messages/*", status=404, code=10008)
    await world.alice.click(shown.response.message, label="Delete")
    assert "delete the message yourself" in world.texts(shown.response.message)
    assert not file.exists()


async def test_where_reading_breaks_off_nothing_is_charged(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """An answer that cannot even be announced takes its job back."""
    read_slowly(monkeypatch)
    await paint(world, prompt="a lake")
    world.env.inject_error("POST", "/interactions/*/callback", status=404, code=10062)
    await world.alice.click(world.message_with_picture(), label="Upscale")
    await world.settled()
    assert world.charged() == 1 and len(painted(world)) == 1


async def test_one_of_several(world: World):
    """The menu enlarges, varies, shows and explains each picture by its number."""
    await paint(world, prompt="a lake", seed=5, count=3)
    message = world.message_with_picture()
    assert labels(message) == ["Reroll all", "Delete", "More ▾"]
    await world.stop()
    await world.start()
    (menu,) = message.components[-2].children
    assert [each.label for each in menu.options] == [
        f"{what} {n}" for what in ("Upscale", "Vary", "Original", "Details") for n in (1, 2, 3)
    ]
    original = await world.bob.select(message, ["z1:original:2"])
    assert original.ephemeral
    (file,) = original.response.message.attachments
    assert await file.read() == picture_file(world, 2).read_bytes()
    details = await world.bob.select(message, ["z1:details:3"])
    assert details.ephemeral and "**Seed:** 7" in world.texts(details.response.message)
    await world.bob.select(message, ["z1:strong:2"])
    await world.settled()
    await world.bob.select(message, ["z1:upscale:3"])
    await world.settled()
    varied, large = painted(world)[-2:]
    assert (varied.seed, large.seed) == (6, 7) and large.mode is Mode.UPSCALE
    assert parents(world) == [None, 2, 3] and world.charged() == 5


async def test_more_for_several(world: World):
    """Its panel names each picture: remix, copy and, for their person, favourites."""
    await paint(world, prompt="a lake", count=2)
    message = world.message_with_picture()
    shown = await world.alice.click(message, label="More ▾")
    await world.alice.select(shown.response.message, ["z1:favour:2"])
    assert "your favourites: 2" in world.texts(shown.response.message)
    assert world.rows("SELECT id FROM pictures WHERE favourite_at IS NOT NULL") == [(2,)]
    await world.alice.select(shown.response.message, ["z1:unfavour:2"])
    assert "favourites" not in world.texts(shown.response.message)
    (menu,) = (await world.more(world.bob, message)).components[-1].children
    assert not [each for each in menu.options if "favourite" in each.label]
    form = await world.bob.select(await world.more(world.bob, message), ["z1:remix:2"])
    assert form.modal is not None and form.modal["custom_id"] == "z1:remix:2"


async def test_favourites_are_ones_own(world: World):
    """The panel shows the mark and takes it off; another person is told why they cannot."""
    await paint(world, prompt="a lake")
    message = world.message_with_picture()
    shown = await world.alice.click(message, label="More ▾")
    await world.alice.click(shown.response.message, label="Make it a favourite")
    assert "your favourite" in world.texts(shown.response.message)
    outcome = await press_forged(world, world.bob, "z1:unfavour:1")
    assert outcome.ephemeral and "somebody else" in outcome.response.content
    assert world.rows("SELECT favourite_at IS NULL FROM pictures") == [(0,)]
    await world.stop()
    await world.start()
    await world.alice.click(shown.response.message, label="No favourite any more")
    assert world.rows("SELECT favourite_at IS NULL FROM pictures") == [(1,)]


async def press_forged(world: World, who: Any, custom_id: str) -> Any:
    """Press a button that stands on no message of this person's."""
    stored = world.env.backend.get_message(world.channel.id, world.message_with_picture().id)
    before = stored.components
    button = {"type": 2, "style": 2, "label": "x", "custom_id": custom_id, "id": 99}
    stored.components = [{"type": 1, "id": 98, "components": [button]}]
    try:
        return await who.click(world.message_with_picture(), custom_id=custom_id)
    finally:
        stored.components = before


async def test_a_copy_by_direct_message(world: World):
    """Anyone gets one of a public picture, with its place; Discord drops a second press's nonce."""
    await paint(world, prompt="a lake", seed=5)
    panel = await world.more(world.bob, world.message_with_picture())
    result = await world.bob.click(panel, label="Copy to me by DM")
    assert result.ephemeral and "sent you a copy" in result.response.content
    sent = next(r for r in world.env.http_requests if r.json and "nonce" in r.json)
    assert sent.json["nonce"] == "copy1" and sent.json["enforce_nonce"]
    (copy,) = world.bob.user.dm_channel.history()
    assert copy.attachments[0].filename == picture_file(world).name
    assert f"<#{world.channel.id}>" in world.texts(copy)


async def test_closed_direct_messages_are_said(world: World):
    """Whoever takes none is told what to change; a lost connection is another sentence."""
    await paint(world, prompt="a lake")
    panel = await world.more(world.bob, world.message_with_picture())
    world.env.inject_error("POST", "/users/@me/channels", status=403, code=50007)
    closed = await world.bob.click(panel, label="Copy to me by DM")
    assert closed.ephemeral and "no direct messages" in closed.response.content
    world.env.inject_error("POST", "/users/@me/channels", status=400, code=50035)
    later = await world.bob.click(panel, label="Copy to me by DM")
    assert "try again" in later.response.content


async def test_the_commands_find_ones_own_pictures(world: World):
    """/vary and /upscale take one's last picture or a number; nothing is charged where none is."""
    for command in ("vary", "upscale", "remix"):
        nothing = await world.alice.slash(world.channel, command)
        assert nothing.ephemeral and "/imagine" in nothing.response.content
    await paint(world, prompt="a lake", seed=5)
    offered = await world.alice.autocomplete(world.channel, "vary", "picture", "")
    assert [each["value"] for each in offered] == ["1"]
    await world.alice.slash(world.channel, "vary", strength="subtle")
    await world.settled()
    await world.alice.slash(world.channel, "upscale", picture="#1")
    await world.settled()
    assert painted(world)[1].variations[0].amount == SUBTLE
    assert painted(world)[2].mode is Mode.UPSCALE
    refused = await world.bob.slash(world.channel, "upscale", picture="1")
    assert refused.ephemeral and "no picture" in refused.response.content
    assert world.charged() == 3


async def test_deleted_pictures_are_gone_for_every_button(world: World):
    """Panels and messages may be older than the deletion: a sentence, and no charge."""
    await paint(world, prompt="a lake", count=2)
    message = world.message_with_picture()
    await paint(world, prompt="a hill")
    single = world.message_with_picture()
    panel = await world.more(world.bob, single)
    for picture_id in (1, 3):
        await world.house.services.album.erase_all(person(world), picture_id)
    presses = [
        *[await world.bob.click(single, label=label) for label in SINGLE],
        *[await world.bob.click(panel, label=each) for each in ("Remix", "Details")],
        await world.bob.click(message, label="More ▾"),
        await world.bob.select(message, ["z1:original:2"]),
    ]
    for result in presses:
        assert result.ephemeral and "no picture" in result.response.content
    assert world.charged() == 3


def person(world: World) -> Person:
    """Alice, as the studio knows her."""
    return Person(world.alice.id, world.guild.id, world.channel.id)


def read_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if reading a picture took longer than anybody waits for an answer."""

    async def not_soon(_accepting: Any) -> bool:
        return False

    monkeypatch.setattr(variations, "_soon", not_soon)


def announcements(world: World) -> int:
    """How many answers were announced before they came."""
    bodies = [r.json for r in world.env.http_requests if r.path.endswith("/callback")]
    return sum(body["type"] == 5 for body in bodies)


@pytest.mark.parametrize("announced", [False, True])
async def test_refusals_leave_no_public_trace(
    data_dir: Path, announced: bool, monkeypatch: pytest.MonkeyPatch
):
    """A spent quota is said to its person alone, also where the answer had been announced."""
    if announced:
        read_slowly(monkeypatch)
    painter = ScriptedRenderer()
    settings = {"quota": {"pictures": 1, "hours": 1}}
    async with open_world(data_dir, painter.load, **settings) as world:
        await paint(world, prompt="a lake")
        message = world.message_with_picture()
        before = len(world.channel.history())
        for label in ("Vary (subtle)", "Upscale"):
            result = await world.alice.click(message, label=label)
            assert "quota is used up" in whispered(result)
            assert len(result.followups) == (announced and label == "Upscale")
        assert len(world.channel.history()) == before and world.charged() == 1


async def test_an_announced_answer_becomes_the_picture(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Where reading takes long, the announcement is the message that shows the job."""
    read_slowly(monkeypatch)
    await paint(world, prompt="a lake")
    result = await world.alice.slash(world.channel, "upscale")
    await world.settled()
    assert announcements(world) == 1 and not result.ephemeral
    assert world.message(result.response.id).attachments
    message = await private_picture(world)
    hushed = await world.alice.click(message, label="Upscale")
    await world.settled()
    assert announcements(world) == 2
    assert hushed.ephemeral and hushed.response.message.attachments
    assert len(world.channel.history()) == 2


async def test_a_full_queue_and_a_stopping_bot_are_said(data_dir: Path):
    """Neither is charged; both are answered."""
    painter = ScriptedRenderer()
    async with open_world(data_dir, painter.load, engine={"queue_limit": 1}) as world:
        await paint(world, prompt="a lake")
        message = world.message_with_picture()
        painter.hold()
        await world.alice.click(message, label="Vary (subtle)")
        await world.state(2, "painting")
        await world.alice.click(message, label="Vary (strong)")
        for label in ("Vary (subtle)", "Upscale"):
            assert "queue is full" in whispered(await world.bob.click(message, label=label))
        painter.release()
        await world.settled()
        world.house.engine.queue.close()
        for label in ("Vary (subtle)", "Upscale"):
            assert "restarting" in whispered(await world.bob.click(message, label=label))
        assert world.charged() == 3
