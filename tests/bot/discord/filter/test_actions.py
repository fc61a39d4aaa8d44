"""What rules do other than refuse: a spoiler, a report, a direct message; also after a restart."""

from __future__ import annotations

import dataclasses
from typing import Any

from engine.diffusion.families import Z_IMAGE_TURBO
from engine.renderer import Outcome
from engine.types import Painted
from tests.bot.discord.direct_messages import shown_directly
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.images import PHOTO
from tests.bot.discord.painting import paint, picture_messages
from tests.bot.discord.reports import (
    delete_reported,
    gallery_items,
    reports_channel,
    reports_shown,
)
from tests.fakes import ScriptedRenderer


async def rule(harness: BotHarness, action: str, name: str, **patterns: str) -> None:
    """Make a rule with this action."""
    await harness.admin.slash(harness.channel, "admin filter add", rule=name, **patterns)
    await harness.admin.slash(harness.channel, "admin filter set", rule=name, action=action)


def pending(harness: BotHarness) -> list[tuple[Any, ...]]:
    """Return what is stored about unfinished jobs."""
    return harness.rows("SELECT * FROM job_filters")


async def test_a_spoiler_hides_the_picture(harness: BotHarness) -> None:
    """The picture is behind a spoiler, and the member is told why; another one is not."""
    await rule(harness, "spoiler", "hidden", words="cat")
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a cat")
    assert "Because of words in the prompt: it is hidden behind a spoiler." in str(
        harness.env.http_requests
    )
    await harness.settled()
    assert not result.ephemeral
    assert harness.message_with_picture().attachments[0].filename.startswith("SPOILER_")
    await paint(harness, prompt="a fox")
    assert not harness.message_with_picture().attachments[0].filename.startswith("SPOILER_")
    assert pending(harness) == []


async def test_a_direct_message_keeps_it_out_of_the_channel(harness: BotHarness) -> None:
    """Nobody in the channel sees the request or the picture, which comes by direct message."""
    await rule(harness, "direct", "alone", words="cat")
    before = len(harness.channel.history())
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a cat")
    await harness.settled()
    assert result.ephemeral and len(harness.channel.history()) == before
    assert len([each for each in shown_directly(harness) if each.attachments]) == 1
    assert harness.rows("SELECT private, delivery FROM jobs") == [(1, "direct")]


async def test_closed_direct_messages_do_not_lead_to_the_channel(harness: BotHarness) -> None:
    """Of a request from a picture, whose answer everybody sees, the result is only in /history
    then."""
    await rule(harness, "direct", "alone", words="cat")
    harness.env.inject_error("POST", "/users/@me/channels", status=403, code=50007)
    await harness.alice.slash(harness.channel, "imagine", prompt="a cat", picture=PHOTO)
    await harness.settled()
    assert picture_messages(harness) == []
    assert harness.rows("SELECT state FROM deliveries") == [("kept",)]
    assert harness.charged() == 1


async def test_a_report_goes_to_the_moderators(harness: BotHarness) -> None:
    """The picture is painted and reported with what was found, once for all pictures of a
    request; a verdict on it works as on any other."""
    channel = await reports_channel(harness)
    await rule(harness, "report", "watch", words="cat, dog")
    await paint(harness, prompt="a cat and a dog", count=2)
    await reports_shown(harness)
    (card,) = channel.history()
    text = harness.texts(card)
    assert "The filter" in text and "watch: cat, dog" in text and len(gallery_items(card)) == 1
    assert harness.rows("SELECT user_id, reason FROM reports") == [(0, "watch: cat, dog")]
    await delete_reported(harness, harness.moderator, card)
    assert harness.rows("SELECT count(*) FROM pictures WHERE deleted_at IS NULL") == [(0,)]


async def test_a_private_picture_is_reported_without_being_shown(harness: BotHarness) -> None:
    """Moderators read what was asked for; the picture stays with its requester."""
    channel = await reports_channel(harness)
    await rule(harness, "report", "watch", words="cat")
    await paint(harness, prompt="a cat", private=True)
    await reports_shown(harness)
    (card,) = channel.history()
    assert not gallery_items(card) and not card.attachments
    assert "The picture is private" in harness.texts(card)


async def test_a_report_survives_a_crash(harness: BotHarness, renderer: ScriptedRenderer) -> None:
    """A job that waits for a restart is reported when it is painted, if the rule is gone or not."""
    await rule(harness, "report", "watch", words="cat")
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="a cat")
    assert len(pending(harness)) == 1
    await harness.admin.slash(harness.channel, "admin filter remove", rule="watch")
    await harness.crash()
    await harness.start()
    renderer.release()
    await harness.settled()
    assert harness.rows("SELECT reason FROM reports") == [("watch: cat",)]
    assert pending(harness) == []


async def test_a_cancelled_job_is_not_reported(
    harness: BotHarness, renderer: ScriptedRenderer
) -> None:
    """Nothing is left of what was to be done about it."""
    await rule(harness, "report", "watch", words="cat")
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="a cat")
    await harness.alice.slash(harness.channel, "cancel")
    renderer.release()
    await harness.settled()
    assert harness.rows("SELECT * FROM reports") == [] == pending(harness)


async def test_a_refusal_comes_before_everything(harness: BotHarness) -> None:
    """Where one rule refuses, no other one acts."""
    await rule(harness, "report", "watch", words="cat")
    await rule(harness, "refuse", "never", words="naked cat")
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a naked cat")
    assert result.ephemeral and harness.charged() == 0 and pending(harness) == []


class ExpandingRenderer(ScriptedRenderer):
    """Writes the prompt anew while it paints, as a model's text encoder does."""

    def render(self, batch: Any, *, on_step: Any) -> list[Outcome]:
        """Paint the batch."""
        return [self._expanded(each) for each in super().render(batch, on_step=on_step)]

    def _expanded(self, outcome: Outcome) -> Outcome:
        if not isinstance(outcome, Painted) or not outcome.recipe.request.expand:
            return outcome
        text = f"{outcome.recipe.request.prompt}, beside a huge cat"
        request = dataclasses.replace(outcome.recipe.request, effective_prompt=text, expand=False)
        recipe = dataclasses.replace(outcome.recipe, request=request)
        return dataclasses.replace(outcome, recipe=recipe)


async def test_what_a_model_writes_while_it_paints_is_checked(data_dir: Any) -> None:
    """Words that only the expanded prompt has: refused and refunded, hidden, reported or sent by
    direct message; not for an exempt role."""
    renderer = ExpandingRenderer()
    async with open_harness(data_dir, renderer.load, family=Z_IMAGE_TURBO) as harness:
        smart = {"prompt": "a red fox", "enhance": "smart"}
        await rule(harness, "refuse", "words", words="cat")
        await paint(harness, **smart)
        assert harness.charged() == 0 and picture_messages(harness) == []
        assert "was expanded to has words" in "".join(
            harness.texts(each) for each in harness.channel.history()
        )
        role = harness.guild.create_role("artists")
        bob = harness.guild.add_member(harness.env.create_user("artist"), roles=[role])
        await harness.admin.slash(
            harness.channel, "admin filter set", rule="words", role=role, action="report"
        )
        await paint(harness, bob, **smart)
        assert harness.charged() == 1 and harness.rows("SELECT * FROM reports") == []
        await paint(harness, **smart)
        assert harness.rows("SELECT reason FROM reports") == [("words: cat",)]
        await harness.admin.slash(
            harness.channel, "admin filter set", rule="words", action="spoiler"
        )
        await paint(harness, **smart)
        assert harness.message_with_picture().attachments[0].filename.startswith("SPOILER_")
        await harness.admin.slash(
            harness.channel, "admin filter set", rule="words", action="direct"
        )
        before = len(picture_messages(harness))
        await paint(harness, **smart)
        assert len(picture_messages(harness)) == before
        assert len([each for each in shown_directly(harness) if each.attachments]) == 1
