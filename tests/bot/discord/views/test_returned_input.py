"""A refused form does not take what was typed with it."""

from __future__ import annotations

import pytest

from bot.discord.views.returned_input import WORDS_LIMIT
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import BotHarness
from tests.bot.discord.views.test_modals import remix


async def test_the_words_come_back_to_be_copied(harness: BotHarness):
    """Below the refusal they stand as typed, in a block, and ping nobody."""
    await paint(harness, prompt="a lake")
    typed = "a *pond* for @everyone --nonsense 3"
    result = await harness.alice.submit_modal(
        await remix(harness, harness.alice), {"prompt": typed}
    )
    said = result.response.content
    assert result.ephemeral and said.startswith("There is no flag `--nonsense`.")
    assert said.endswith("```\na *pond* for @\u200beveryone --nonsense 3\n```")
    assert result.response.message.attachments == []
    assert harness.charged() == 1


@pytest.mark.parametrize("typed", ["word " * (WORDS_LIMIT // 4), "a ``` cat"])
async def test_words_that_fit_no_block_come_in_a_file(harness: BotHarness, typed: str):
    """Long words, and those that would end the block, are in a text file, whole."""
    await paint(harness, prompt="a lake")
    sent = {"prompt": typed, "seed": "no number"}
    result = await harness.alice.submit_modal(await remix(harness, harness.alice), sent)
    assert result.ephemeral and "The seed must be between" in result.response.content
    (file,) = result.response.message.attachments
    assert file.filename == "prompt.txt"
    assert (await file.read()).decode() == typed.strip()


async def test_nothing_to_give_back(harness: BotHarness):
    """A refused command, which one can call up again, and an empty form say why and no more."""
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a cat --nonsense")
    assert result.response.content == "There is no flag `--nonsense`."
    await paint(harness, prompt="a lake")
    sent = {"prompt": " \u200b "}
    result = await harness.alice.submit_modal(await remix(harness, harness.alice), sent)
    assert "prompt is empty" in result.response.content
