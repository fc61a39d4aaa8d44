"""What the buttons and commands do with an enlarged picture, and the line to copy of any result."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.discord.views.custom_ids import ComponentAction, custom_id
from engine.types import Mode
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.images import PHOTO
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import (
    alice_as_actor,
    last_row_labels,
    paint,
    painted,
    parent_ids,
    private_text,
    response_text,
    run_command,
)
from tests.bot.sample_pictures import a_mask, a_picture


async def enlarge(harness: BotHarness, **options: Any) -> Any:
    """Paint a picture, enlarge it, and return the message with the large one."""
    await paint(harness, **{"prompt": "a lake", "seed": 5} | options)
    await harness.alice.click(harness.message_with_picture(), label="Upscale")
    await harness.settled()
    return harness.message_with_picture()


async def test_reroll_and_vary_start_from_the_picture_before(harness: BotHarness):
    """Under an enlarged picture Reroll paints the picture before it anew, and Vary varies that: at
    its size, from noise, not from the pixels of the large one."""
    message = await enlarge(harness, aspect="3:2")
    assert "Upscaled ×2 from #1" in harness.texts(message)
    await harness.bob.click(message, label="Reroll")
    await harness.settled()
    assert "Reroll of #1" in harness.texts(harness.message_with_picture())
    await harness.bob.click(message, label="Vary (strong)")
    await harness.settled()
    assert "Variation (strong) of #1" in harness.texts(harness.message_with_picture())
    first, large, again, *varied = painted(harness)
    assert large.width_px == 2 * first.width_px and len(varied) == 4
    for each in (again, *varied):
        assert (each.mode, each.inputs) == (Mode.TEXT, ())
        assert (each.width_px, each.height_px) == (first.width_px, first.height_px)
    assert again.seed != 5 and {each.seed for each in varied} == {5}
    assert parent_ids(harness) == [None, 1, 1, 1] and harness.charged() == 1 + 1 + 1 + 4


async def test_the_commands_do_the_same(harness: BotHarness):
    """/reroll and /vary act on the picture before it was enlarged; with the picture's own seed
    /reroll, like "Paint it again", paints the large one once more."""
    await enlarge(harness)
    for command in ("reroll", "vary"):
        await harness.alice.slash(harness.channel, command, picture="2")
        await harness.settled()
        assert painted(harness)[-1].mode is Mode.TEXT
    await harness.alice.slash(harness.channel, "reroll", picture="2", seed=77)
    await harness.settled()
    assert painted(harness)[-1].mode is Mode.TEXT and painted(harness)[-1].seed == 77
    large = painted(harness)[1]
    await harness.alice.slash(harness.channel, "reroll", picture="2", seed=5)
    await harness.settled()
    assert painted(harness)[-1] == large
    assert "Repeat of #2" in harness.texts(harness.message_with_picture())
    details = await harness.alice.slash(harness.channel, "recipe", picture="2")
    await harness.alice.click(details.response.message, label="Paint it again")
    await harness.settled()
    assert painted(harness)[-1] == large


async def test_one_of_four_enlarged(harness: BotHarness):
    """Reroll under the enlarged third of four pictures paints one picture, not four."""
    await paint(harness, prompt="a lake", seed=5, count=4)
    await harness.alice.click(harness.message_with_picture(), label="Upscale 3")
    await harness.settled()
    await harness.alice.click(harness.message_with_picture(), label="Reroll")
    await harness.settled()
    assert "Reroll of #3" in harness.texts(harness.message_with_picture())
    assert harness.charged() == 4 + 1 + 1


async def test_over_several_generations(harness: BotHarness):
    """A picture that was enlarged twice is rerolled and varied as it was at first."""
    message = await enlarge(harness, prompt="a lake --size 128x128")
    assert "Upscale" in last_row_labels(message)
    await harness.alice.click(message, label="Upscale")
    await harness.settled()
    message = harness.message_with_picture()
    assert painted(harness)[-1].width_px == 512 and "Upscale" not in last_row_labels(message)
    for label in ("Reroll", "Vary (subtle)"):
        await harness.alice.click(message, label=label)
        await harness.settled()
        last = painted(harness)[-1]
        assert (last.mode, last.width_px) == (Mode.TEXT, 128)
    form = await harness.alice.click(await harness.more(harness.alice, message), label="Remix")
    await harness.alice.submit_modal(form, {"prompt": "a pond"})
    await harness.settled()
    assert painted(harness)[-1].width_px == 128
    assert "Remix of #3" in harness.texts(harness.message_with_picture())


async def test_where_the_picture_before_was_deleted_that_is_said(harness: BotHarness):
    """Without the picture before, Reroll and Vary say so and charge nothing; the buttons are not
    offered any more; a remix, which needs only settings, and the exact repeat still work."""
    message = await enlarge(harness)
    await harness.app.services.deletion.erase_all(alice_as_actor(harness), 1)
    for label in ("Reroll", "Vary (subtle)", "Vary (strong)"):
        refused = await harness.bob.click(message, label=label)
        assert "#2 was enlarged from #1, which has been deleted" in private_text(refused)
    for command in ("reroll", "vary"):
        refused = await harness.alice.slash(harness.channel, command, picture="2")
        assert "deleted" in private_text(refused)
    assert harness.charged() == 2
    history = await harness.alice.slash(harness.channel, "history")
    shown = await harness.alice.click(history.response.message, custom_id=marked("z1:show:2"))
    assert last_row_labels(shown.response.message) == ["Details", "More ▾"]
    form = await harness.alice.slash(harness.channel, "remix", picture="2")
    await harness.alice.submit_modal(form, {"prompt": "a pond"})
    await harness.settled()
    assert (painted(harness)[-1].mode, painted(harness)[-1].width_px) == (Mode.TEXT, 256)
    await harness.alice.slash(harness.channel, "reroll", picture="2", seed=5)
    await harness.settled()
    assert painted(harness)[-1].mode is Mode.UPSCALE


# The line to copy


async def make_text(harness: BotHarness) -> None:
    """Paint from words alone, with every setting that a flag can name."""
    prompt = "a {red, blue} “lake” @everyone ``` --refine 0.2 --chaos 30 --strict"
    await paint(harness, prompt=prompt.replace("{", "\\{").replace("}", "\\}"), negative="fog")


async def make_series(harness: BotHarness) -> None:
    """Paint several."""
    await paint(harness, prompt="a lake", count=3)


async def make_long(harness: BotHarness) -> None:
    """Paint the longest prompt."""
    await paint(harness, prompt="lake " * 400)


async def make_image(harness: BotHarness) -> None:
    """Paint from an uploaded picture."""
    await paint(harness, prompt="a lake", picture=PHOTO, strength=0.4)


async def make_blend(harness: BotHarness) -> None:
    """Paint from two pictures."""
    second = ("b.png", a_picture(30, 90))
    await run_command(harness, "blend", first=PHOTO, second=second, prompt="a house")


async def make_part(harness: BotHarness) -> None:
    """Repaint a part of a picture."""
    mask = ("mask.png", a_mask(60, 40))
    await run_command(harness, "inpaint", picture=PHOTO, mask=mask, prompt="a red boat")


async def make_variation(harness: BotHarness) -> None:
    """Vary a picture."""
    await paint(harness, prompt="a lake")
    await harness.alice.click(harness.message_with_picture(), label="Vary (subtle)")
    await harness.settled()


async def make_upscale(harness: BotHarness) -> None:
    """Enlarge a picture."""
    await enlarge(harness, aspect="16:9")


async def make_upscale_of_image(harness: BotHarness) -> None:
    """Enlarge a picture that was painted from another one."""
    await enlarge(harness, picture=PHOTO)


async def make_reroll(harness: BotHarness) -> None:
    """Reroll a picture."""
    await paint(harness, prompt="a lake")
    await harness.alice.click(harness.message_with_picture(), label="Reroll")
    await harness.settled()


async def make_remix(harness: BotHarness) -> None:
    """Remix a picture."""
    await paint(harness, prompt="a lake", enhance="full", speed="fine")
    form = await harness.alice.slash(harness.channel, "remix")
    await harness.alice.submit_modal(form, {"prompt": "a pond"})
    await harness.settled()


KINDS = [value for name, value in list(globals().items()) if name.startswith("make_")]


async def line_shown(harness: BotHarness, shown: Any) -> str:
    """Return the line that Details show, from the code block or from the file."""
    message = shown.response.message
    if message.attachments:
        return (await message.attachments[0].read()).decode()
    found = re.search(r"```\n(.*)\n```", harness.texts(message), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("make", KINDS)
async def test_every_line_to_copy_is_accepted(harness: BotHarness, make: Any):
    """What Details and /recipe show to copy, of whatever kind of result, /imagine takes when it is
    pasted, and paints the same prompt with the same seed."""
    await make(harness)
    ((newest,),) = harness.rows("SELECT max(id) FROM pictures")
    (original,) = painted(harness)[-1:]
    message = harness.message_with_picture()
    details = custom_id(ComponentAction.DETAILS, newest)
    choose = custom_id(ComponentAction.CHOOSE_PICTURE, newest)
    panel = await harness.more(harness.alice, message)
    if details not in str(panel.components):
        await harness.alice.click(panel, custom_id=choose)
    by_button = await harness.alice.click(panel, custom_id=details)
    by_command = await harness.alice.slash(harness.channel, "recipe", picture=str(newest))
    line = await line_shown(harness, by_button)
    assert line == await line_shown(harness, by_command)
    pasted = await harness.alice.slash(harness.channel, "imagine", prompt=line)
    assert not pasted.ephemeral, response_text(harness, pasted)
    await harness.settled()
    again = painted(harness)[-1]
    assert (again.prompt, again.seed) == (original.prompt, original.seed)
    assert again.effective_prompt == original.effective_prompt
    assert again.mode is Mode.TEXT
