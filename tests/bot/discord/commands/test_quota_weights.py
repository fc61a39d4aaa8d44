"""/admin quota weights: what large pictures count as is shown before it is charged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import paint

LARGE = {"prompt": "a lake --steps 20"}
"""Two and a half times as many steps as are usual, which count as three pictures."""


async def admin(harness: BotHarness, command: str, **options: Any) -> str:
    """Return the answer to a command of an admin, which only they see."""
    result = await harness.admin.slash(harness.channel, f"admin quota {command}", **options)
    assert result.ephemeral
    return result.response.content


async def asked(harness: BotHarness, who: Any = None, **options: Any) -> str:
    """Ask for a picture that is refused, and return why."""
    result = await (who or harness.alice).slash(harness.channel, "imagine", **options)
    assert result.ephemeral
    return result.response.content


async def used(harness: BotHarness) -> str:
    text = (await harness.alice.slash(harness.channel, "quota")).response.content
    return text.splitlines()[1]


async def test_nothing_weighs_until_an_admin_says_so(harness: BotHarness):
    """Without the setting every picture counts as one, however large it is."""
    assert "Every picture counts as one" in await admin(harness, "weights")
    await paint(harness, **LARGE)
    assert await used(harness) == "Used: 1. Left: 49."


async def test_the_cost_is_shown_before_it_is_charged(harness: BotHarness):
    """A large picture is painted when it is asked for again, at the cost that was shown."""
    assert "more than one" in await admin(harness, "weights", weighted=True)
    told = await asked(harness, **LARGE)
    assert "counts as 3 pictures. Your quota: 50 left now, 47 afterwards." in told
    assert harness.charged() == 0
    assert "counts as 6 pictures" in await asked(harness, **LARGE, count=2)
    assert "counts as 3 pictures" in await asked(harness, harness.bob, **LARGE)
    await paint(harness, **LARGE)
    assert await used(harness) == "Used: 3. Left: 47."
    assert "counts as 3 pictures" in await asked(harness, **LARGE)
    await paint(harness, prompt="a lake")
    assert await used(harness) == "Used: 4. Left: 46."
    await admin(harness, "weights", weighted=False)
    await paint(harness, **LARGE)
    assert await used(harness) == "Used: 5. Left: 45."


async def test_what_does_not_fit_is_not_offered(harness: BotHarness):
    """A large picture beyond the quota is refused at once, and so it is when asked again."""
    await admin(harness, "weights", weighted=True)
    await admin(harness, "set", pictures=2)
    for _ in range(2):
        assert "You asked for 3 pictures, but only 2" in await asked(harness, **LARGE)
    assert harness.charged() == 0


async def test_a_restart_asks_again(harness: BotHarness):
    """What was shown is forgotten with the process, and the setting is not."""
    await admin(harness, "weights", weighted=True)
    await asked(harness, **LARGE)
    await harness.stop()
    await harness.start()
    assert "counts as 3 pictures" in await asked(harness, **LARGE)


async def test_a_question_about_choices_says_what_they_count_as(harness: BotHarness):
    """Where choices in braces are asked about anyway, the question shows the cost, once."""
    await admin(harness, "weights", weighted=True)
    many = {"prompt": "a {red, blue, green, grey, white} lake --steps 20"}
    result = await harness.alice.slash(harness.channel, "imagine", **many)
    text = harness.texts(result.response.message)
    assert "They count as 15 pictures. Your quota: 50 left now, 35 afterwards." in text.replace(
        "\n", " "
    )
    await harness.alice.click(result.response.message, label="Paint 5 pictures")
    await harness.settled()
    assert await used(harness) == "Used: 15. Left: 35."


@pytest.mark.parametrize("painted", [1, 0])
async def test_a_refund_gives_the_whole_cost_back(harness: BotHarness, painted: int):
    """A large picture that fails costs nothing of what it counts as."""
    await admin(harness, "weights", weighted=True)
    await asked(harness, **LARGE)
    if not painted:
        harness.renderer.hold()
    result = await harness.alice.slash(harness.channel, "imagine", **LARGE)
    if not painted:
        await harness.alice.click(result.response.message, label="Cancel")
        harness.renderer.release()
    await harness.settled()
    assert await used(harness) == f"Used: {3 * painted}. Left: {50 - 3 * painted}."
