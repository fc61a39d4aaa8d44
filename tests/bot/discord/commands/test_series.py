"""Requests for several pictures: one message, one numbered contact sheet, one charge for all."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import discord
import pytest
from PIL import Image

from bot.accounts.permissions import Actor
from bot.delivery.cards import PictureCard, ShownPicture
from bot.discord.views.jobs import card_layout
from bot.i18n import words
from bot.jobs import completion
from bot.pictures.filenames import picture_name
from bot.request.outcomes import OutOfRange, Refused
from bot.request.params import GenerationParams
from engine.errors import NonFinite
from engine.png import embedded_recipe
from engine.series import series
from engine.types import Painted
from storage import consistency
from storage.errors import DiskFull
from storage.files import PictureFiles
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.painting import last_row_labels
from tests.bot.discord.previews import ProgressClock, start_painting
from tests.fakes import ScriptedRenderer, a_request, fake_recipe, gradient


async def paint_series(harness: BotHarness, **options: Any) -> Any:
    """Ask for pictures and wait for them; return the message that shows them."""
    asked = {"prompt": "a lake", "seed": 5, "count": 3, "enhance": "off"} | options
    result = await harness.alice.slash(harness.channel, "imagine", **asked)
    await harness.settled()
    return harness.message(result.response.id)


def files(harness: BotHarness) -> list[str]:
    """Return the names of all picture files."""
    folder = harness.settings.storage.data_dir / "pictures"
    return sorted(path.name for path in folder.rglob("*.png"))


def consistent(harness: BotHarness) -> bool:
    """Return whether rows, ledger and files agree."""
    return consistency.check(harness.settings.storage.data_dir, hashes=True).wrong() == []


def buttons(message: Any) -> list[str]:
    return last_row_labels(message)


async def test_three_pictures_are_one_message(harness: BotHarness):
    """Three pictures are one attachment, three rows, three files and three charges."""
    message = await paint_series(harness)
    assert [each.filename for each in message.attachments] == ["zimagine-1-sheet.png"]
    text = harness.texts(message)
    assert "seeds 5…7" in text and "pictures #1…#3" in text
    assert buttons(message) == ["Vary 1", "Vary 2", "Vary 3", "More ▾"]
    assert harness.rows("SELECT seed FROM pictures ORDER BY id") == [(5,), (6,), (7,)]
    assert harness.rows("SELECT pictures FROM jobs") == harness.rows("SELECT pictures FROM ledger")
    assert harness.charged() == 3
    assert files(harness) == [f"zimagine-1-{4 + n}-{n}.png" for n in (1, 2, 3)]
    request = [r for r in harness.env.http_requests if r.method == "PATCH"][-1]
    (gallery,) = [c for c in request.json["components"] if c["type"] == 12]
    (item,) = gallery["items"]
    assert item["description"] == (
        "3 pictures on a sheet, numbered from left to right and top to bottom: a lake"
    )
    with Image.open(io.BytesIO(await message.attachments[0].read())) as sheet:
        assert sheet.width > 3 * 256 and sheet.height > 2 * 256
    assert consistent(harness)


async def test_each_picture_is_one_that_could_be_painted_alone(harness: BotHarness):
    """Every picture of a series has its own recipe and its own entry in the history."""
    await paint_series(harness)
    folder = harness.settings.storage.data_dir
    for file, seed in harness.rows("SELECT file, seed FROM pictures"):
        found = embedded_recipe((folder / file).read_bytes())
        assert found.untouched and found.recipe.request.seed == seed
    page = await harness.alice.slash(harness.channel, "history")
    text = harness.texts(page.response.message)
    assert all(f"#{number}" in text for number in (1, 2, 3))


async def test_one_of_three_may_fail(harness: BotHarness, renderer: ScriptedRenderer):
    """If one of three fails, two are shown and charged, and the message says so."""
    renderer.flaws[6] = NonFinite("step 3")
    message = await paint_series(harness)
    text = harness.texts(message)
    assert "1 of 3 could not be painted and was not charged." in text
    assert "seeds 5, 7" in text and "pictures #1…#2" in text
    assert harness.rows("SELECT state, pictures FROM jobs") == [("painted", 2)]
    assert harness.charged() == 2 and consistent(harness)
    assert files(harness) == ["zimagine-1-5-1.png", "zimagine-1-7-3.png"]


async def test_two_of_three_may_fail(harness: BotHarness, renderer: ScriptedRenderer):
    """If two of three fail, the remaining picture is shown alone with a note."""
    renderer.flaws |= {5: NonFinite("step 3"), 6: NonFinite("step 3")}
    message = await paint_series(harness)
    assert [each.filename for each in message.attachments] == ["zimagine-1-7-3.png"]
    text = harness.texts(message)
    assert "2 of 3 could not be painted and were not charged." in text and "seed 7" in text
    assert harness.charged() == 1 and consistent(harness)


async def test_where_all_fail_nothing_is_charged(harness: BotHarness, renderer: ScriptedRenderer):
    """A series without any picture is a failed job and not charged."""
    renderer.flaws |= {seed: NonFinite("step 3") for seed in (5, 6, 7)}
    message = await paint_series(harness)
    assert "Nothing was charged" in harness.texts(message) and not message.attachments
    assert harness.charged() == 0 and files(harness) == [] and consistent(harness)


async def test_progress_tells_which_picture(harness: BotHarness, renderer: ScriptedRenderer):
    """Progress counts steps over the whole series and names the current picture."""
    clock = ProgressClock(harness)
    result = await start_painting(harness, renderer, count=3)
    await clock.edited(renderer, 11)
    shown = harness.texts(harness.message(result.response.id))
    assert "step 11 of 24 · picture 2 of 3" in shown
    renderer.release()
    await harness.settled()


async def test_cancelled_in_the_middle_nothing_is_left(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """A cancelled series is refunded completely and leaves no file."""
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="a city", count=3)
    await harness.state(1, "painting")
    renderer.step(11)
    await harness.alice.slash(harness.channel, "cancel")
    renderer.release()
    await harness.settled()
    assert harness.rows("SELECT state FROM jobs") == [("cancelled",)]
    assert harness.charged() == 0 and files(harness) == [] and consistent(harness)


async def test_more_than_is_left_is_refused_in_words(data_dir: Path):
    """A series larger than the remaining quota is refused with what is left."""
    renderer = ScriptedRenderer()
    async with open_harness(data_dir, renderer.load, quota={"pictures": 4, "hours": 2}) as harness:
        await paint_series(harness)
        result = await harness.alice.slash(harness.channel, "imagine", prompt="more", count=2)
        assert result.ephemeral
        assert "asked for 2 pictures, but only 1 of your 4" in result.response.content
        returns = int(harness.clock.now.timestamp()) + 2 * 3600
        assert f"<t:{returns}:R>" in result.response.content
        assert harness.charged() == 3
        await paint_series(harness, count=1)
        assert harness.charged() == 4


async def test_a_series_waits_as_one_job(data_dir: Path, renderer: ScriptedRenderer):
    """The limit on waiting jobs counts a series once."""
    async with open_harness(data_dir, renderer.load, engine={"queue_limit": 1}) as harness:
        renderer.hold()
        await harness.alice.slash(harness.channel, "imagine", prompt="one", count=4)
        await harness.state(1, "painting")
        second = await harness.alice.slash(harness.channel, "imagine", prompt="two", count=4)
        assert not second.ephemeral
        renderer.release()
        await harness.settled()
        assert harness.charged() == 8


async def test_the_button_rerolls_all_and_the_command_one(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """The button rerolls the whole series, /reroll with a number a single picture."""
    message = await paint_series(harness)
    await harness.bob.click(message, label="Reroll all")
    await harness.settled()
    again = [request.seed for request in renderer.painted[3:]]
    assert again[0] != 5 and again == [(again[0] + n) % 2**32 for n in range(3)]
    assert harness.rows("SELECT pictures, user_id FROM ledger WHERE job_id = 2") == [
        (3, harness.bob.id)
    ]
    await harness.alice.slash(harness.channel, "reroll", picture="2", seed=6)
    await harness.settled()
    assert [request.seed for request in renderer.painted[6:]] == [6]
    assert harness.charged() == 7 and consistent(harness)


async def test_delete_takes_all_away(harness: BotHarness):
    """Delete removes the message, rows and files of the whole series, with the usual
    permissions."""
    message = await paint_series(harness)
    assert "Delete" not in str((await harness.more(harness.bob, message)).components)
    await harness.delete(harness.alice, message)
    assert message.id not in {each.id for each in harness.channel.history()}
    assert files(harness) == []
    assert harness.rows("SELECT count(*) FROM pictures WHERE deleted_at IS NULL") == [(0,)]
    assert harness.charged() == 3 and consistent(harness)


def leave_files(harness: BotHarness, numbers: Sequence[int]) -> None:
    """Write these files of the running job as the bot does, and nothing else."""
    handle = harness.app.services.engine_jobs.handle_of(1)
    assert handle is not None
    for number in numbers:
        request = series(handle.spec.request, 3)[number - 1]
        painted = Painted(gradient(request), fake_recipe(request), 1.0)
        name = picture_name(1, request.seed, number)
        pictures = PictureFiles(harness.settings.storage.data_dir, clock=harness.clock)
        completion.write_picture(pictures, name, painted)


@pytest.mark.parametrize("left", [(1, 2, 3), (1, 3)])
async def test_a_crash_between_files_and_database(
    harness: BotHarness, renderer: ScriptedRenderer, left: tuple[int, ...]
):
    """After a crash, complete files are recovered; incomplete ones are removed and painted again,
    and no file stays even if that fails."""
    renderer.hold()
    await harness.alice.slash(
        harness.channel, "imagine", prompt="one", seed=5, count=3, enhance="off"
    )
    await harness.state(1, "painting")
    leave_files(harness, left)
    await harness.crash()
    renderer.painted.clear()
    renderer.flaws[7] = NonFinite("step 3")
    await harness.start()
    await harness.settled()
    whole = len(left) == 3
    assert [request.seed for request in renderer.painted] == ([] if whole else [5, 6])
    assert harness.charged() == len(files(harness)) == (3 if whole else 2)
    assert consistent(harness)
    assert harness.channel.last_message.attachments[0].filename == "zimagine-1-sheet.png"


async def test_a_full_disk_in_the_middle_leaves_nothing(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """If not all files can be written, none stays and everything is refunded."""
    write, written = PictureFiles.write, []

    def full(self: PictureFiles, name: str, data: bytes):
        if written:
            raise DiskFull(Path(name), "no space left on device")
        written.append(name)
        return write(self, name, data)

    monkeypatch.setattr(PictureFiles, "write", full)
    message = await paint_series(harness)
    assert "disk" in harness.texts(message)
    assert written and files(harness) == [] and harness.charged() == 0 and consistent(harness)


async def test_a_sheet_that_was_posted_is_found_again(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """After a crash, a posted contact sheet is found by its name and not posted again."""
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="one", count=2)
    await harness.state(1, "painting")
    harness.clock.advance(31)
    renderer.release()
    await harness.settled()
    posted = harness.channel.last_message.id
    await harness.crash()
    harness.forget_delivery()
    await harness.start()
    await harness.settled()
    assert harness.rows("SELECT state, result_message_id FROM deliveries") == [
        ("delivered", posted)
    ]


async def test_a_sheet_without_a_file_is_kept(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """A series whose file is gone before delivery is kept instead of retried, and the message says
    so."""
    cards = harness.app.services.delivery._sender._cards
    card = cards.card

    async def lost(*args: Any, **options: Any) -> Any:
        for path in (harness.settings.storage.data_dir / "pictures").rglob("*-2.png"):
            path.unlink()
        return await card(*args, **options)

    monkeypatch.setattr(cards, "card", lost)
    message = await paint_series(harness)
    assert harness.rows("SELECT state FROM deliveries") == [("kept",)]
    assert "/history" in harness.texts(message)


async def test_no_picture_and_too_many_are_refused(harness: BotHarness):
    """Counts outside Discord's own bounds are refused and not charged."""
    person = Actor(harness.alice.id, harness.guild.id, harness.channel.id)
    for count in (0, 5, -1):
        outcome = await harness.app.services.generation.imagine(
            person, GenerationParams("a lake"), count=count
        )
        assert isinstance(outcome, Refused)
        assert outcome.reason == OutOfRange("count", count, 1, 4)
    assert harness.charged() == 0


def test_seeds_and_numbers_are_said_as_they_are():
    """A shared seed is shown once; numbers with gaps are listed."""
    path = Path("zimagine-1-5-1.png")
    shown = tuple(ShownPicture(number, 5, path) for number in (3, 5, 6))
    card = PictureCard(shown, a_request(seed=5), 77, "zimagine-1-sheet.png", 2.5)
    texts = [
        item.content
        for item in card_layout(card, words()).walk_children()
        if isinstance(item, discord.ui.TextDisplay)
    ]
    assert "seed 5 ·" in texts[-1] and "pictures #3, #5, #6" in texts[-1]
