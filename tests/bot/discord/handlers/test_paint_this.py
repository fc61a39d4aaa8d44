"""Paint this below another program's recipe: paints its line for whoever reads it, as /imagine
would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import discord
import pytest

from bot.accounts.permissions import Actor
from bot.pictures.foreign.recipe import ForeignRecipe
from bot.request.outcomes import ProposalClosed, Refused
from storage import consistency
from storage.errors import DiskFull
from storage.proposals import Proposals
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import (
    last_row_labels,
    paint,
    painted,
    picture_messages,
    private_text,
)
from tests.bot.pictures.foreign.files import A1111, png_with
from tests.bot.pictures.foreign.workflows import plain
from tests.fakes import ScriptedRenderer

PAINT = "Paint this"
FILE = ("a.png", png_with(parameters=A1111))


async def inspect(harness: BotHarness, file: tuple[str, bytes] = FILE, who: Any = None) -> Any:
    """Run /recipe with a file; return the message that only the member sees."""
    result = await (who or harness.alice).slash(harness.channel, "recipe", file=file)
    assert result.ephemeral
    return result.response.message


async def press(harness: BotHarness, message: Any) -> Any:
    pressed = await harness.alice.click(message, label=PAINT)
    await harness.settled()
    return pressed


async def test_it_paints_the_line(harness: BotHarness):
    """What it paints is what the copied line paints; it is charged, and everybody sees it."""
    message = await inspect(harness)
    assert harness.charged() == 0
    assert "“Paint this” paints it at once, as </imagine:" in harness.texts(message)
    pressed = await press(harness, message)
    assert not pressed.ephemeral and harness.charged() == 1
    recipe = ForeignRecipe("A1111", "a red house, 雪地", "night, snow", 12345, (512, 768))
    await paint(harness, prompt=recipe.line(harness.app.services.models.default.family))
    first, second = painted(harness)
    assert first == second and (first.prompt, first.seed) == ("a red house, 雪地", 12345)
    assert len(picture_messages(harness)) == 2 and last_row_labels(message) == [PAINT]


async def test_below_somebody_elses_file(harness: BotHarness):
    """Apps → Recipe offers it too: it is charged to whoever presses, not to the sender."""
    sent = await harness.bob.send(harness.channel, "look", attachments=[FILE])
    result = await harness.alice.context_menu(harness.channel, "Recipe", sent)
    assert result.ephemeral
    await press(harness, result.response.message)
    assert harness.rows("SELECT user_id FROM ledger") == [(harness.alice.id,)]


async def test_a_workflow_is_painted_too(harness: BotHarness):
    """What was read from ComfyUI's workflow alone says so, and can be painted."""
    message = await inspect(harness, ("a.png", png_with(workflow=plain())))
    assert "holds only ComfyUI's workflow" in harness.texts(message)
    await press(harness, message)
    (request,) = painted(harness)
    assert (request.prompt, request.seed) == ("a red house", 5)


async def test_each_press_paints_also_after_a_restart(harness: BotHarness):
    """It can be pressed again, by a bot that was restarted since."""
    message = await inspect(harness)
    await press(harness, message)
    await harness.stop()
    await harness.start()
    await press(harness, message)
    assert harness.charged() == 2 and len(picture_messages(harness)) == 2
    assert consistency.check(harness.settings.storage.data_dir, hashes=True).wrong() == []


async def test_after_an_hour_it_is_over(harness: BotHarness):
    """It says so privately, whether its row still exists or not; the line can still be copied."""
    one, two = await inspect(harness), await inspect(harness)
    harness.clock.advance(3600)
    first = await press(harness, one)
    await harness.app.maintenance.forget_old_proposals()
    second = await press(harness, two)
    for pressed in (first, second):
        assert pressed.ephemeral and "have expired" in pressed.response.content
    assert "a red house" in harness.texts(one) and harness.charged() == 0


async def test_a_spent_quota_and_a_block_are_said(data_dir: Path, renderer: ScriptedRenderer):
    """Whatever /imagine refuses whoever asks, this refuses too, and paints nothing."""
    async with open_harness(data_dir, renderer.load, quota={"pictures": 1, "hours": 2}) as harness:
        message = await inspect(harness)
        await press(harness, message)
        spent = await press(harness, message)
        assert spent.ephemeral and "used up" in private_text(spent)
        await harness.admin.slash(harness.channel, "admin block", who=harness.alice, reason="spam")
        blocked = await press(harness, message)
        assert blocked.ephemeral and "spam" in private_text(blocked)
        assert harness.charged() == 1


async def test_where_it_may_not_post_it_says_so(harness: BotHarness):
    """Without permission to post pictures the press is refused before anything is charged."""
    denied = discord.PermissionOverwrite(attach_files=False)
    channel = harness.guild.create_text_channel(
        "no files", overwrites={harness.app.client.user: denied}
    )
    result = await harness.alice.slash(channel, "recipe", file=FILE)
    pressed = await harness.alice.click(result.response.message, label=PAINT)
    assert pressed.ephemeral and "Attach Files" in pressed.response.content
    assert harness.charged() == 0


@pytest.mark.parametrize("prompt", ["x" * 3000, "a, " * 1900, ""])
async def test_what_cannot_be_painted_has_no_button(harness: BotHarness, prompt: str):
    """A prompt that /imagine would refuse is only shown."""
    result = await harness.alice.slash(
        harness.channel, "recipe", file=("a.png", png_with(parameters=f"{prompt}\nSteps: 8"))
    )
    assert result.ephemeral and PAINT not in str(result.response.message.components)


async def test_without_the_database_the_recipe_is_still_shown(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """A full disk costs the button, not the answer."""

    async def full(*_: Any) -> Any:
        raise DiskFull(Path("zimagine.db"), "no space left")

    monkeypatch.setattr(Proposals, "ask", full)
    message = await inspect(harness)
    assert "a red house" in harness.texts(message)
    assert PAINT not in str(message.components)


async def test_nobody_else_paints_it(harness: BotHarness):
    """The button is on a message that one member sees; pressed by anybody else it does nothing."""
    message = await inspect(harness)
    assert marked("z1:explained:1") in str(message.components)
    find, over = harness.app.services.explained.find, Refused(ProposalClosed(answered=False))
    for user, guild in ((harness.bob.id, harness.guild.id), (harness.alice.id, 77)):
        assert await find(Actor(user, guild, harness.channel.id), 1) == over
