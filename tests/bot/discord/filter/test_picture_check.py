"""The owner's function looks at every picture before anybody sees it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.jobs.completion import write_picture
from bot.owner_functions import BadFunction, load_function
from bot.pictures.filenames import picture_name
from engine.renderer import Outcome
from engine.types import Painted, Raster
from storage.files import PictureFiles
from tests.bot.discord.filter import red_check
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.painting import paint, picture_messages
from tests.fakes import ScriptedRenderer, fake_recipe

COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "cyan": (0, 255, 255),
    "black": (0, 0, 0),
    "white": (255, 255, 255),
}


class ColouredRenderer(ScriptedRenderer):
    """Paints one colour, which the prompt names; the first of a series may have another one."""

    def __init__(self) -> None:
        super().__init__()
        self.coloured = 0

    def render(self, batch: Any, *, on_step: Any) -> list[Outcome]:
        """Paint the batch."""
        return [self._coloured(each) for each in super().render(batch, on_step=on_step)]

    def _coloured(self, outcome: Outcome) -> Outcome:
        if not isinstance(outcome, Painted):
            return outcome
        first, *rest = outcome.recipe.request.prompt.split()
        self.coloured += 1
        name = first if self.coloured == 1 or not rest else rest[0]
        width, height = outcome.raster.width_px, outcome.raster.height_px
        pixels = bytes(COLOURS[name]) * (width * height)
        return dataclasses.replace(outcome, raster=Raster(width, height, pixels))


@pytest.fixture
def renderer() -> ColouredRenderer:
    """Paints the colours that prompts name."""
    return ColouredRenderer()


@pytest.fixture
async def harness(data_dir: Path, renderer: ColouredRenderer) -> AsyncIterator[BotHarness]:
    """The bot with the test's function."""
    moderation = {"picture_check": f"{red_check.__name__}:look", "picture_check_s": 1.0}
    async with open_harness(data_dir, renderer.load, moderation=moderation) as opened:
        yield opened


def seen(harness: BotHarness) -> list[str]:
    """Return the names of the pictures that were shown."""
    return [each.filename for message in picture_messages(harness) for each in message.attachments]


async def test_each_verdict_has_its_effect(harness: BotHarness) -> None:
    """Red is refused and refunded with one sentence, blue hidden, green reported, cyan shown."""
    await paint(harness, prompt="red")
    assert harness.charged() == 0 and seen(harness) == []
    said = "".join(harness.texts(each) for each in harness.channel.history())
    assert "The picture was checked and is not shown. Nothing was charged." in said
    assert not list((harness.settings.storage.data_dir / "pictures").rglob("*.png"))
    await paint(harness, prompt="blue")
    assert seen(harness)[0].startswith("SPOILER_")
    await paint(harness, prompt="cyan")
    assert not seen(harness)[1].startswith("SPOILER_")
    assert harness.rows("SELECT * FROM reports") == []
    await paint(harness, prompt="green")
    assert len(seen(harness)) == 3 and harness.charged() == 3
    assert harness.rows("SELECT user_id, reason FROM reports") == [(0, "picture_check")]


async def test_one_of_several_is_refused(harness: BotHarness) -> None:
    """The others are shown, and the refused one is not charged."""
    await paint(harness, prompt="red cyan", count=2)
    assert harness.charged() == 1
    assert harness.rows("SELECT count(*) FROM pictures") == [(1,)]
    assert len(list((harness.settings.storage.data_dir / "pictures").rglob("*.png"))) == 1


@pytest.mark.parametrize("prompt", ["black", "white", "yellow"])
async def test_a_check_that_says_nothing_reports(harness: BotHarness, prompt: str) -> None:
    """After an error, a timeout or an unknown answer the picture is shown and reported."""
    await paint(harness, prompt=prompt)
    assert len(seen(harness)) == 1 and harness.charged() == 1
    assert harness.rows("SELECT reason FROM reports") == [("picture_check",)]


async def test_what_a_failure_means_is_the_owners_choice(
    data_dir: Path, renderer: ColouredRenderer
) -> None:
    """An owner for whom nothing may pass unseen has such pictures refused."""
    moderation = {
        "picture_check": f"{red_check.__name__}:look",
        "picture_check_failure": "refuse",
    }
    async with open_harness(data_dir, renderer.load, moderation=moderation) as harness:
        await paint(harness, prompt="black")
        assert seen(harness) == [] and harness.charged() == 0


async def test_pictures_found_after_a_crash_are_checked(
    harness: BotHarness, renderer: ColouredRenderer
) -> None:
    """Files that a crash left before they were recorded are checked before they are taken over."""
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="a lake", seed=5, enhance="off")
    await harness.state(1, "painting")
    handle = harness.app.services.engine_jobs.handle_of(1)
    assert handle is not None
    request = handle.spec.request
    files = PictureFiles(harness.settings.storage.data_dir, clock=harness.clock)
    red = Raster(64, 64, bytes(COLOURS["red"]) * 64 * 64)
    write_picture(files, picture_name(1, 5), Painted(red, fake_recipe(request), 1.0))
    await harness.crash()
    await harness.start()
    await harness.settled()
    assert harness.rows("SELECT state, error_code FROM jobs") == [("failed", "picture_refused")]
    assert harness.charged() == 0 and seen(harness) == []
    assert not list((harness.settings.storage.data_dir / "pictures").rglob("*.png"))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("checks", 'write it as "module:function"'),
        ("no_such_module:look", "cannot be imported"),
        (f"{red_check.__name__}:nothing", "has no function nothing"),
        (f"{red_check.__name__}:NO_FUNCTION", "has no function NO_FUNCTION"),
    ],
)
def test_a_name_that_is_no_function_is_refused(name: str, why: str) -> None:
    """The bot does not start without the check that its owner wants."""
    with pytest.raises(BadFunction, match=why):
        load_function(name)
