"""Apps → Paint from this: the menu of a message, its form, and whose picture may be meant."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest

from bot.discord.handlers.shown_pictures import shown_picture
from bot.request.input_sources import UrlSource
from engine.types import Mode
from tests.bot.discord.commands.test_imagine import painted
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import BotHarness
from tests.bot.discord.handlers.test_image_to_image import MENU, PHOTO, kept_files, opening
from tests.bot.discord.handlers.test_variations import parents, whispered
from tests.bot.discord.views.test_modals import fields


async def test_paint_from_a_picture_of_ours(harness: BotHarness):
    """Anybody may, and pays; the form outlives the process that showed it."""
    await paint(harness, prompt="a lake", seed=5)
    form = await harness.bob.context_menu(harness.channel, MENU, harness.message_with_picture())
    assert form.modal["custom_id"] == "z1:from:1"
    assert fields(form) == {"prompt": None, "strength": "0.75"}
    await harness.stop()
    await harness.start()
    await harness.bob.submit_modal(form, {"prompt": "a pond", "strength": "60 %"})
    await harness.settled()
    request = painted(harness)[1]
    assert (request.mode, request.strength, request.prompt) == (Mode.IMAGE, 0.6, "a pond")
    assert parents(harness) == [None, 1]
    assert harness.rows("SELECT user_id FROM ledger WHERE job_id = 2") == [(harness.bob.id,)]


async def test_one_of_several_is_chosen_in_the_form(harness: BotHarness):
    """Only one of those that the message shows; a forged choice is unknown."""
    await paint(harness, prompt="a lake", seed=5, count=3)
    message = harness.message_with_picture()
    await paint(harness, prompt="a hill")
    for chosen, parent in (("2", 2), ("1", 1)):
        form = await harness.bob.context_menu(harness.channel, MENU, message)
        await harness.bob.submit_modal(form, {"prompt": "a pond", "picture": [chosen]})
        await harness.settled()
        assert parents(harness)[-1] == parent
    form = await harness.bob.context_menu(harness.channel, MENU, message)
    label = form._interaction.modal["components"][0]["component"]
    label["options"].append({"label": "x", "value": "4"})
    refused = await harness.bob.submit_modal(form, {"prompt": "a pond", "picture": ["4"]})
    assert "no picture" in whispered(refused) and harness.charged() == 6


@pytest.mark.parametrize("restarted", [False, True])
async def test_paint_from_anybodys_picture(harness: BotHarness, restarted: bool):
    """It is put aside before the form is shown, so that the message may be gone by then."""
    sent = await harness.bob.send(
        harness.channel, "look", attachments=[("notes.txt", b"milk"), PHOTO]
    )
    form = await harness.alice.context_menu(harness.channel, MENU, sent)
    (sha256,) = kept_files(harness)
    assert form.modal["custom_id"].startswith(f"z1:kept:{sha256}:")
    if restarted:
        await harness.stop()
        await harness.start()
        harness.env.backend.cdn._blobs.clear()
    await harness.alice.submit_modal(form, {"prompt": "a pond", "strength": "0,5"})
    await harness.settled()
    (request,) = painted(harness)
    assert request.inputs == (sha256,) and request.strength == 0.5
    assert request.width_px / request.height_px == pytest.approx(1.5, rel=0.05)


async def test_the_form_takes_flags(harness: BotHarness):
    """Another shape than the one that was put aside: the picture is fitted to it."""
    sent = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    form = await harness.alice.context_menu(harness.channel, MENU, sent)
    await harness.alice.submit_modal(form, {"prompt": "a pond --ar 1:1 --private", "strength": ""})
    await harness.settled()
    (request,) = painted(harness)
    assert request.width_px == request.height_px and request.strength == 0.75
    assert harness.rows("SELECT private FROM jobs") == [(1,)]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"prompt": "\u200b"}, "prompt is empty"),
        ({"prompt": "x", "strength": "much"}, "strength must be between 0.01 and 1"),
        ({"prompt": "x", "strength": "0"}, "strength must be between"),
        ({"prompt": "x", "strength": "1.01"}, "strength must be between"),
        ({"prompt": "x --iw 2", "strength": "0.2"}, "contradict each other"),
    ],
    ids=str,
)
async def test_what_the_form_cannot_mean_is_said(
    harness: BotHarness, sent: dict[str, str], said: str
):
    """A refusal is for who sent it in, and costs nothing."""
    message = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    form = await harness.alice.context_menu(harness.channel, MENU, message)
    assert said in whispered(await harness.alice.submit_modal(form, sent))
    assert harness.charged() == 0


async def test_a_form_that_is_sent_in_too_late(harness: BotHarness):
    """After hours the picture is gone: a sentence says so."""
    sent = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    form = await harness.alice.context_menu(harness.channel, MENU, sent)
    harness.clock.advance(3700)
    await harness.app.maintenance._retain()  # pyright: ignore[reportPrivateUsage]
    refused = await harness.alice.submit_modal(form, {"prompt": "a pond"})
    assert "choose it again" in whispered(refused) and harness.charged() == 0


async def test_no_picture_and_no_right(harness: BotHarness):
    """A message of words has none; a private picture is nobody else's."""
    plain = await harness.bob.send(harness.channel, "hello")
    nothing = await harness.alice.context_menu(harness.channel, MENU, plain)
    assert "no picture" in whispered(nothing)
    hushed = await harness.alice.slash(harness.channel, "imagine", prompt="hush", private=True)
    await harness.settled()
    message = hushed.response.message
    own = await harness.alice.context_menu(harness.channel, MENU, message)
    forged = await harness.bob.context_menu(harness.channel, MENU, plain)
    assert own.modal["custom_id"] == "z1:from:1" and forged.modal is None
    await harness.alice.submit_modal(own, {"prompt": "psst"})
    await harness.settled()
    assert harness.rows("SELECT private FROM jobs") == [(1,), (1,)]


def test_a_copy_at_discord_is_all_that_is_taken_of_an_embed():
    """Never the address that somebody wrote: the bot would fetch whatever stands there."""
    own = "https://images-ext-1.discordapp.net/x.png"
    elsewhere = {"url": "https://example.org/x.png"}

    def shown(*embeds: dict[str, Any]) -> UrlSource | None:
        found = [discord.Embed.from_dict(cast(Any, each)) for each in embeds]
        message = SimpleNamespace(attachments=[], embeds=found, components=[], message_snapshots=[])
        return shown_picture(cast(discord.Message, message))

    assert shown({"image": elsewhere}) is None and shown() is None
    copied = {"image": elsewhere | {"proxy_url": own}}
    assert shown({"title": "x"}, copied) == UrlSource(own)
    assert shown({"thumbnail": elsewhere | {"proxy_url": own}}) == UrlSource(own)


async def test_a_slow_picture_has_a_button_for_its_form(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """A form cannot follow an announcement; the button opens it, after a restart too."""
    sent = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    opening(harness, monkeypatch)
    shown = await harness.alice.context_menu(harness.channel, MENU, sent)
    assert shown.ephemeral and "I have the picture" in harness.texts(shown.response.message)
    await harness.stop()
    await harness.start()
    form = await harness.alice.click(shown.response.message, label=MENU)
    await harness.alice.submit_modal(form, {"prompt": "a pond"})
    await harness.settled()
    assert painted(harness)[0].inputs == tuple(kept_files(harness))
