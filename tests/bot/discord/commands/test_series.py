"""One wish of several pictures: one message, one numbered sheet, one charge of as many."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import discord
import pytest
from PIL import Image

from bot.accounts.permissions import Person
from bot.delivery.cards import PictureCard, ShownPicture
from bot.discord.views.jobs import card_layout
from bot.i18n import words
from bot.jobs import completion
from bot.pictures.filenames import picture_name
from bot.request.outcomes import OutOfRange, Refused
from bot.request.params import Wish
from engine.encode import inscription
from engine.errors import NonFinite
from engine.series import series
from engine.types import Painted
from storage import consistency
from storage.errors import DiskFull
from tests.bot.discord.conftest import World, open_world
from tests.fakes import ScriptedRenderer, a_request, fake_recipe, gradient


async def wish(world: World, **options: Any) -> Any:
    """Ask for pictures and wait for them; the message that shows them."""
    asked = {"prompt": "a lake", "seed": 5, "count": 3, "enhance": "off"} | options
    result = await world.alice.slash(world.channel, "imagine", **asked)
    await world.settled()
    return world.message(result.response.id)


def files(world: World) -> list[str]:
    """The names of all picture files on the disk."""
    folder = world.settings.storage.data_dir / "pictures"
    return sorted(path.name for path in folder.rglob("*.png"))


def sound(world: World) -> bool:
    """Whether rows, ledger and files agree."""
    return consistency.check(world.settings.storage.data_dir, hashes=True).wrong() == []


def buttons(message: Any) -> list[str]:
    return [each.label for each in message.components[-1].children]


async def test_three_pictures_are_one_message(world: World):
    """One attachment, three rows, three files, three charged; text and alt text name them all."""
    message = await wish(world)
    assert [each.filename for each in message.attachments] == ["zimagine-1-sheet.png"]
    text = world.texts(message)
    assert "seeds 5…7" in text and "pictures #1…#3" in text
    assert buttons(message) == ["Reroll all", "Delete", "More ▾"]
    assert world.rows("SELECT seed FROM pictures ORDER BY id") == [(5,), (6,), (7,)]
    assert world.rows("SELECT pictures FROM jobs") == world.rows("SELECT pictures FROM ledger")
    assert world.charged() == 3
    assert files(world) == [f"zimagine-1-{4 + n}-{n}.png" for n in (1, 2, 3)]
    request = [r for r in world.env.http_requests if r.method == "PATCH"][-1]
    (gallery,) = [c for c in request.json["components"] if c["type"] == 12]
    (item,) = gallery["items"]
    assert item["description"] == "3 numbered pictures: a lake"
    with Image.open(io.BytesIO(await message.attachments[0].read())) as sheet:
        assert sheet.width > 2 * 256 and sheet.height > 2 * 256
    assert sound(world)


async def test_each_picture_is_one_that_could_be_painted_alone(world: World):
    """Every original holds its own recipe, and the history shows each."""
    await wish(world)
    folder = world.settings.storage.data_dir
    for file, seed in world.rows("SELECT file, seed FROM pictures"):
        found = inscription((folder / file).read_bytes())
        assert found.untouched and found.recipe.request.seed == seed
    page = await world.alice.slash(world.channel, "history")
    text = world.texts(page.response.message)
    assert all(f"#{number}" in text for number in (1, 2, 3))


async def test_one_of_three_may_fail(world: World, painter: ScriptedRenderer):
    """The others are shown, two are charged, and the message says what is missing."""
    painter.flaws[6] = NonFinite("step 3")
    message = await wish(world)
    text = world.texts(message)
    assert "1 of 3 could not be painted and was not charged." in text
    assert "seeds 5, 7" in text and "pictures #1…#2" in text
    assert world.rows("SELECT state, pictures FROM jobs") == [("painted", 2)]
    assert world.charged() == 2 and sound(world)
    assert files(world) == ["zimagine-1-5-1.png", "zimagine-1-7-3.png"]


async def test_two_of_three_may_fail(world: World, painter: ScriptedRenderer):
    """A single picture is left: it is shown as it is, and the note counts the others."""
    painter.flaws |= {5: NonFinite("step 3"), 6: NonFinite("step 3")}
    message = await wish(world)
    assert [each.filename for each in message.attachments] == ["zimagine-1-7-3.png"]
    text = world.texts(message)
    assert "2 of 3 could not be painted and were not charged." in text and "seed 7" in text
    assert world.charged() == 1 and sound(world)


async def test_where_all_fail_nothing_is_charged(world: World, painter: ScriptedRenderer):
    """A job without any picture is a failed one."""
    painter.flaws |= {seed: NonFinite("step 3") for seed in (5, 6, 7)}
    message = await wish(world)
    assert "not charged" in world.texts(message) and not message.attachments
    assert world.charged() == 0 and files(world) == [] and sound(world)


async def test_progress_tells_which_picture(world: World, painter: ScriptedRenderer):
    """Steps are counted over all of them, and the number of the one in the making is said."""
    painter.hold()
    result = await world.alice.slash(world.channel, "imagine", prompt="a city", count=3)
    await world.state(1, "painting")
    painter.step(11)
    shown = world.house.services.board._shown[1]
    shown.edited_at_s -= 10
    async with asyncio.timeout(10):
        while "step 11 of 24 · picture 2 of 3" not in world.texts(
            world.message(result.response.id)
        ):
            await asyncio.sleep(0.02)
    painter.release()
    await world.settled()


async def test_cancelled_in_the_middle_nothing_is_left(world: World, painter: ScriptedRenderer):
    """Everything is refunded, and no file stays."""
    painter.hold()
    await world.alice.slash(world.channel, "imagine", prompt="a city", count=3)
    await world.state(1, "painting")
    painter.step(11)
    await world.alice.slash(world.channel, "cancel")
    painter.release()
    await world.settled()
    assert world.rows("SELECT state FROM jobs") == [("cancelled",)]
    assert world.charged() == 0 and files(world) == [] and sound(world)


async def test_more_than_is_left_is_refused_in_words(data_dir: Path):
    """Who asks for more than their quota has is told how many are left, and charged nothing."""
    painter = ScriptedRenderer()
    async with open_world(data_dir, painter.load, quota={"pictures": 4, "hours": 2}) as world:
        await wish(world)
        result = await world.alice.slash(world.channel, "imagine", prompt="more", count=2)
        assert result.ephemeral
        assert "asked for 2 pictures, and 1 of your 4" in result.response.content
        returns = int(world.clock.now.timestamp()) + 2 * 3600
        assert f"<t:{returns}:R>" in result.response.content
        assert world.charged() == 3
        await wish(world, count=1)
        assert world.charged() == 4


async def test_a_series_waits_as_one_job(data_dir: Path, painter: ScriptedRenderer):
    """The bound of what one person may have waiting counts wishes, not pictures."""
    async with open_world(data_dir, painter.load, engine={"queue_limit": 1}) as world:
        painter.hold()
        await world.alice.slash(world.channel, "imagine", prompt="one", count=4)
        await world.state(1, "painting")
        second = await world.alice.slash(world.channel, "imagine", prompt="two", count=4)
        assert not second.ephemeral
        painter.release()
        await world.settled()
        assert world.charged() == 8


async def test_the_button_rerolls_all_and_the_command_one(world: World, painter: ScriptedRenderer):
    """Reroll under the sheet paints as many with fresh seeds; /reroll with a number paints it."""
    message = await wish(world)
    await world.bob.click(message, label="Reroll all")
    await world.settled()
    again = [request.seed for request in painter.painted[3:]]
    assert again[0] != 5 and again == [(again[0] + n) % 2**32 for n in range(3)]
    assert world.rows("SELECT pictures, user_id FROM ledger WHERE job_id = 2") == [
        (3, world.bob.id)
    ]
    await world.alice.slash(world.channel, "reroll", picture="2", seed=6)
    await world.settled()
    assert [request.seed for request in painter.painted[6:]] == [6]
    assert world.charged() == 7 and sound(world)


async def test_delete_takes_all_away(world: World):
    """Message, rows and files of all of them go; who may is as for a single one."""
    message = await wish(world)
    refused = await world.bob.click(message, label="Delete")
    assert refused.ephemeral and len(files(world)) == 3
    await world.alice.click(message, label="Delete")
    assert message.id not in {each.id for each in world.channel.history()}
    assert files(world) == []
    assert world.rows("SELECT count(*) FROM pictures WHERE deleted_at IS NULL") == [(0,)]
    assert world.charged() == 3 and sound(world)


def leave(world: World, numbers: Sequence[int]) -> None:
    """Write these files of the live job as the bot does, and nothing else."""
    handle = world.house.services.painter.live(1)
    assert handle is not None
    for number in numbers:
        request = series(handle.spec.request, 3)[number - 1]
        painted = Painted(gradient(request), fake_recipe(request), 1.0)
        name = picture_name(1, request.seed, number)
        completion.write_picture(world.house.settling._files, name, painted)


@pytest.mark.parametrize("left", [(1, 2, 3), (1, 3)])
async def test_a_crash_between_files_and_database(
    world: World, painter: ScriptedRenderer, left: tuple[int, ...]
):
    """All files whole: taken over. One is missing: painted again, and nothing of the first try
    stays behind, not even where its picture fails the second time."""
    painter.hold()
    await world.alice.slash(world.channel, "imagine", prompt="one", seed=5, count=3, enhance="off")
    await world.state(1, "painting")
    leave(world, left)
    painter.release()
    await world.crash()
    painter.painted.clear()
    painter.flaws[7] = NonFinite("step 3")
    await world.start()
    await world.settled()
    whole = len(left) == 3
    assert [request.seed for request in painter.painted] == ([] if whole else [5, 6])
    assert world.charged() == len(files(world)) == (3 if whole else 2)
    assert sound(world)
    assert world.channel.last_message.attachments[0].filename == "zimagine-1-sheet.png"


async def test_a_full_disk_in_the_middle_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Where not every file can be written, none stays, and all is refunded."""
    store, written = world.house.settling._files, []
    write = store.write

    def full(name: str, data: bytes):
        if written:
            raise DiskFull(Path(name), "no space left on device")
        written.append(name)
        return write(name, data)

    monkeypatch.setattr(store, "write", full)
    message = await wish(world)
    assert "disk" in world.texts(message)
    assert written and files(world) == [] and world.charged() == 0 and sound(world)


async def test_a_sheet_that_was_posted_is_found_again(world: World, painter: ScriptedRenderer):
    """Killed right after its post: the sheet is known by its name, and not posted twice."""
    painter.hold()
    await world.alice.slash(world.channel, "imagine", prompt="one", count=2)
    await world.state(1, "painting")
    world.clock.advance(31)
    painter.release()
    await world.settled()
    posted = world.channel.last_message.id
    await world.crash()
    world.forget_delivery()
    await world.start()
    await world.settled()
    assert world.rows("SELECT state, result_message_id FROM deliveries") == [("delivered", posted)]


async def test_a_sheet_without_a_file_is_kept(world: World, monkeypatch: pytest.MonkeyPatch):
    """Where a file is gone before it was shown, nobody tries for ever: it is kept, and said."""
    cards = world.house.services.delivery._carrier._cards
    card = cards.card

    async def lost(*args: Any, **options: Any) -> Any:
        for path in (world.settings.storage.data_dir / "pictures").rglob("*-2.png"):
            path.unlink()
        return await card(*args, **options)

    monkeypatch.setattr(cards, "card", lost)
    message = await wish(world)
    assert world.rows("SELECT state FROM deliveries") == [("kept",)]
    assert "/history" in world.texts(message)


async def test_no_picture_and_too_many_are_refused(world: World):
    """Whoever asks past Discord's own check is refused, and nothing is charged."""
    person = Person(world.alice.id, world.guild.id, world.channel.id)
    for count in (0, 5, -1):
        outcome = await world.house.services.painter.imagine(person, Wish("a lake"), count=count)
        assert isinstance(outcome, Refused)
        assert outcome.reason == OutOfRange("count", count, 1, 4)
    assert world.charged() == 0


def test_seeds_and_numbers_are_said_as_they_are():
    """A seed that all share is said once; numbers with a gap are listed."""
    path = Path("zimagine-1-5-1.png")
    shown = tuple(ShownPicture(number, 5, path) for number in (3, 5, 6))
    card = PictureCard(shown, a_request(seed=5), 77, "zimagine-1-sheet.png", 2.5, "sketch")
    texts = [
        item.content
        for item in card_layout(card, words()).walk_children()
        if isinstance(item, discord.ui.TextDisplay)
    ]
    assert "seed 5 ·" in texts[-1] and "pictures #3, #5, #6" in texts[-1]
