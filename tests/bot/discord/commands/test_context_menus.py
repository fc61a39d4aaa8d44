"""Apps → Paint from this: the context menu, its form, and which pictures it may use."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest

from bot.discord.handlers.image_to_image import first_picture_source
from bot.request.input_sources import UrlSource
from engine.types import Mode
from tests.bot.discord.forms import form_fields
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.images import MENU, PHOTO, input_hashes, slow_downloads
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import paint, painted, parent_ids, private_text
from tests.bot.sample_pictures import a_pale_logo, a_picture


async def test_paint_from_a_picture_of_ours(harness: BotHarness):
    """Anyone can paint from a public picture at their own cost; the form survives a restart."""
    await paint(harness, prompt="a lake", seed=5)
    form = await harness.bob.context_menu(harness.channel, MENU, harness.message_with_picture())
    assert form.modal["custom_id"] == marked("z1:from:1")
    assert form_fields(form) == {"prompt": None, "strength": "0.75"}
    await harness.stop()
    await harness.start()
    await harness.bob.submit_modal(form, {"prompt": "a pond", "strength": "60 %"})
    await harness.settled()
    request = painted(harness)[1]
    assert (request.mode, request.strength, request.prompt) == (Mode.IMAGE, 0.6, "a pond")
    assert parent_ids(harness) == [None, 1]
    assert harness.rows("SELECT user_id FROM ledger WHERE job_id = 2") == [(harness.bob.id,)]


async def test_one_of_several_is_chosen_in_the_form(harness: BotHarness):
    """Only pictures of the message can be chosen; a forged choice is unknown."""
    await paint(harness, prompt="a lake", seed=5, count=3)
    message = harness.message_with_picture()
    await paint(harness, prompt="a hill")
    for chosen, parent in (("2", 2), ("1", 1)):
        form = await harness.bob.context_menu(harness.channel, MENU, message)
        await harness.bob.submit_modal(form, {"prompt": "a pond", "picture": [chosen]})
        await harness.settled()
        assert parent_ids(harness)[-1] == parent
    form = await harness.bob.context_menu(harness.channel, MENU, message)
    label = form._interaction.modal["components"][0]["component"]
    label["options"].append({"label": "x", "value": "4"})
    refused = await harness.bob.submit_modal(form, {"prompt": "a pond", "picture": ["4"]})
    assert "no picture" in private_text(refused) and harness.charged() == 6


async def test_the_form_says_how_much_of_a_long_picture_is_cut_off(harness: BotHarness):
    """A picture is fitted before the form opens, so the form says what is lost, and only then."""
    for picture, cut in ((("long.png", a_picture(1200, 100)), True), (PHOTO, False)):
        sent = await harness.bob.send(harness.channel, "look", attachments=[picture])
        form = await harness.alice.context_menu(harness.channel, MENU, sent)
        assert ("83 % of it is cut off" in str(form.modal["components"])) is cut


@pytest.mark.parametrize("restarted", [False, True])
async def test_the_result_says_what_became_of_a_staged_picture(
    harness: BotHarness, restarted: bool
):
    """What was cut off and what the picture was laid on stands below the result too, as it does
    below that of /imagine with the same picture."""
    file = ("logo.png", a_pale_logo(1200, 100))
    command = await harness.alice.slash(
        harness.channel, "imagine", prompt="a pond", picture=file, private=True
    )
    await harness.settled()
    sent = await harness.bob.send(harness.channel, "look", attachments=[file])
    form = await harness.alice.context_menu(harness.channel, MENU, sent)
    assert len(form.modal["custom_id"]) <= 100
    if restarted:
        await harness.stop()
        await harness.start()
    await harness.alice.submit_modal(form, {"prompt": "a pond"})
    await harness.settled()
    for message in (command.response.message, harness.message_with_picture()):
        said = harness.texts(message)
        assert "83 % of it is cut off" in said and "it was put on black" in said
    first, second = painted(harness)
    assert first.source_changes == second.source_changes != ()


@pytest.mark.parametrize("restarted", [False, True])
async def test_paint_from_anybodys_picture(harness: BotHarness, restarted: bool):
    """Another user's picture is staged before the form opens, so the message may be deleted."""
    sent = await harness.bob.send(
        harness.channel, "look", attachments=[("notes.txt", b"milk"), PHOTO]
    )
    form = await harness.alice.context_menu(harness.channel, MENU, sent)
    (sha256,) = input_hashes(harness)
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
    """Flags work in the form; a staged picture is fitted to another shape."""
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
    """A refusal of a form is ephemeral and costs nothing."""
    message = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    form = await harness.alice.context_menu(harness.channel, MENU, message)
    refused = await harness.alice.submit_modal(form, sent)
    assert refused.ephemeral and said in harness.texts(refused.response.message)
    assert harness.charged() == 0


async def test_a_form_that_is_sent_in_too_late(harness: BotHarness):
    """A form submitted after the staged picture expired is refused with an explanation."""
    sent = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    form = await harness.alice.context_menu(harness.channel, MENU, sent)
    harness.clock.advance(3700)
    await harness.app.maintenance.apply_retention()
    refused = await harness.alice.submit_modal(form, {"prompt": "a pond"})
    assert "choose it again" in private_text(refused) and harness.charged() == 0


async def test_no_picture_and_no_right(harness: BotHarness):
    """Messages without a picture and others' private pictures are refused."""
    plain = await harness.bob.send(harness.channel, "hello")
    nothing = await harness.alice.context_menu(harness.channel, MENU, plain)
    assert "no picture" in private_text(nothing)
    hushed = await harness.alice.slash(harness.channel, "imagine", prompt="hush", private=True)
    await harness.settled()
    message = hushed.response.message
    own = await harness.alice.context_menu(harness.channel, MENU, message)
    forged = await harness.bob.context_menu(harness.channel, MENU, plain)
    assert own.modal["custom_id"] == marked("z1:from:1") and forged.modal is None
    await harness.alice.submit_modal(own, {"prompt": "psst"})
    await harness.settled()
    assert harness.rows("SELECT private FROM jobs") == [(1,), (1,)]


def test_a_copy_at_discord_is_all_that_is_taken_of_an_embed():
    """Of an embed only Discord's proxy URL is fetched, never a URL chosen by its author."""
    own = "https://images-ext-1.discordapp.net/x.png"
    elsewhere = {"url": "https://example.org/x.png"}

    def shown(*embeds: dict[str, Any]) -> UrlSource | None:
        found = [discord.Embed.from_dict(cast(Any, each)) for each in embeds]
        message = SimpleNamespace(attachments=[], embeds=found, components=[], message_snapshots=[])
        return first_picture_source(cast(discord.Message, message))

    assert shown({"image": elsewhere}) is None and shown() is None
    copied = {"image": elsewhere | {"proxy_url": own}}
    assert shown({"title": "x"}, copied) == UrlSource(own)
    assert shown({"thumbnail": elsewhere | {"proxy_url": own}}) == UrlSource(own)


async def test_a_slow_picture_has_a_button_for_its_form(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """A modal cannot follow a deferred response, so a slow picture gets a button, also after a
    restart."""
    sent = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    slow_downloads(harness, monkeypatch)
    shown = await harness.alice.context_menu(harness.channel, MENU, sent)
    assert shown.ephemeral and "I have the picture" in harness.texts(shown.response.message)
    await harness.stop()
    await harness.start()
    form = await harness.alice.click(shown.response.message, label=MENU)
    await harness.alice.submit_modal(form, {"prompt": "a pond"})
    await harness.settled()
    assert painted(harness)[0].inputs == tuple(input_hashes(harness))


async def test_a_picture_is_upscaled_and_reported_from_its_message(harness: BotHarness):
    """Apps → Upscale paints, Apps → Report opens the form; of several one is chosen first, and
    messages of others have no picture of ours."""
    await paint(harness, prompt="a lake", seed=5)
    message = harness.message_with_picture()
    await harness.bob.context_menu(harness.channel, "Upscale", message)
    await harness.settled()
    assert painted(harness)[-1].mode is Mode.UPSCALE and parent_ids(harness)[-1] == 1
    form = await harness.bob.context_menu(harness.channel, "Report", message)
    assert form.modal["custom_id"] == marked("z1:report:1")
    await paint(harness, prompt="a hill", count=2)
    several = harness.message_with_picture()
    count = len(painted(harness))
    for name in ("Upscale", "Report"):
        panel = await harness.bob.context_menu(harness.channel, name, several)
        assert panel.ephemeral and "Picture 1" in str(panel.response.message.components)
        other = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
        refused = await harness.alice.context_menu(harness.channel, name, other)
        assert "no picture of mine" in private_text(refused)
    assert len(painted(harness)) == count
