"""Painting from pictures: /imagine with one, /blend, /inpaint, and what comes of bad files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import discord
import pytest

from bot.discord.handlers import image_to_image
from engine import uploads
from engine.types import Mode
from storage.inputs import InputFiles
from tests.bot.discord.commands.test_imagine import painted
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import BotHarness, open_harness
from tests.bot.discord.handlers.test_variations import (
    announcements,
    parents,
    read_slowly,
    whispered,
)
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.sample_pictures import a_huge_header, a_mask, a_picture, an_animation
from tests.fakes import ScriptedRenderer

MENU = "Paint from this"
PHOTO = ("photo.jpg", a_picture(600, 400, form="JPEG"))


async def began(harness: BotHarness, command: str, **options: Any) -> Any:
    """Use a command to its end; the request that was painted."""
    result = await harness.alice.slash(harness.channel, command, **options)
    await harness.settled()
    assert not result.followups, whispered(result)
    return painted(harness)[-1]


def kept_files(harness: BotHarness) -> set[str]:
    """The hashes of the pictures that lie in the data folder to be painted from."""
    return {each.sha256 for each in InputFiles(harness.settings.storage.data_dir).found()}


# /imagine


async def test_imagine_from_a_picture(harness: BotHarness, renderer: ScriptedRenderer):
    """It has the picture's shape, begins with its pixels, and costs one picture."""
    request = await began(
        harness, "imagine", prompt="a lake", picture=PHOTO, strength=0.5, private=True
    )
    assert request.mode is Mode.IMAGE and request.strength == 0.5
    assert request.width_px / request.height_px == pytest.approx(1.5, rel=0.05)
    (raster,) = renderer.inputs[-1]
    source = uploads.decode(PHOTO[1], uploads.UploadLimits())
    assert raster == uploads.fit(source.raster, request.width_px, request.height_px)
    assert kept_files(harness) == set(request.inputs) and harness.charged() == 1
    assert harness.rows("SELECT private FROM jobs") == [(1,)]


async def test_what_else_was_asked_for_holds(harness: BotHarness):
    """Aspect, seed and count are the options', the strength is the usual one."""
    request = await began(
        harness, "imagine", prompt="a lake", picture=PHOTO, aspect="1:1", seed=7, count=2
    )
    assert request.width_px == request.height_px and request.strength == 0.75
    assert harness.rows("SELECT seed, pictures FROM jobs") == [(7, 2)]


async def test_flags_speak_of_the_picture_too(harness: BotHarness):
    """--iw and --strength are its strength, --ar its shape."""
    weighed = await began(harness, "imagine", prompt="a lake --iw 2 --ar 2:1", picture=PHOTO)
    assert weighed.strength == 0.5 and weighed.width_px > 1.9 * weighed.height_px
    said = await began(
        harness, "imagine", prompt="a lake --strength 0.3", picture=PHOTO, strength=0.3
    )
    assert said.strength == 0.3 and said.prompt == "a lake"
    refused = await harness.alice.slash(
        harness.channel, "imagine", prompt="a lake --strength 0.3", picture=PHOTO, strength=0.4
    )
    assert "contradict each other" in whispered(refused)


@pytest.mark.parametrize(
    "options",
    [
        {"prompt": "a lake", "strength": 0.5},
        {"prompt": "a lake --strength 0.5"},
        {"prompt": "a lake --iw 2"},
    ],
    ids=str,
)
async def test_strength_needs_a_picture(harness: BotHarness, options: dict[str, Any]):
    """Without one it is refused, for nothing would come of it."""
    refused = await harness.alice.slash(harness.channel, "imagine", **options)
    assert "give a picture" in whispered(refused) and harness.charged() == 0


# /blend


async def test_a_blend_of_two(harness: BotHarness, renderer: ScriptedRenderer):
    """Without words it gets some; its shape is the first picture's."""
    request = await began(
        harness, "blend", first=PHOTO, second=("b.png", a_picture(30, 90)), strength=0.6
    )
    assert request.mode is Mode.BLEND and request.strength == 0.6
    assert request.prompt == "a harmonious mixture of the pictures"
    assert request.width_px > request.height_px and len(renderer.inputs[-1]) == 2


async def test_a_blend_of_four(harness: BotHarness, renderer: ScriptedRenderer):
    """All four are begun with, in their order, and Details says how many."""
    files = [(f"{each}.png", a_picture(40, 40, each)) for each in ("red", "blue", "green", "gold")]
    names = ("first", "second", "third", "fourth")
    options: dict[str, Any] = dict(zip(names, files, strict=True))
    request = await began(harness, "blend", **options, prompt="a house", aspect="16:9")
    size = (request.width_px, request.height_px)
    assert renderer.inputs[-1] == tuple(
        uploads.fit(uploads.decode(data, uploads.UploadLimits()).raster, *size) for _, data in files
    )
    shown = await harness.bob.slash(harness.channel, "recipe", picture="1")
    assert "4 pictures, strength 0.8" in harness.texts(shown.response.message)


async def test_one_bad_picture_of_several_is_numbered(harness: BotHarness):
    """Which of them is meant stands in the sentence."""
    refused = await harness.alice.slash(
        harness.channel, "blend", first=PHOTO, second=("b.png", b"a poem"), third=PHOTO
    )
    assert whispered(refused).startswith("Picture 2: ")
    assert harness.charged() == 0 and kept_files(harness) == set()


# /inpaint


async def test_a_part_is_painted_anew(harness: BotHarness, renderer: ScriptedRenderer):
    """The mask is the second input, white where it was."""
    request = await began(
        harness,
        "inpaint",
        prompt="a tree",
        picture=("a.png", a_picture()),
        mask=("m.png", a_mask()),
    )
    assert request.mode is Mode.INPAINT and request.strength == 1.0
    mask = renderer.inputs[-1][1]
    assert set(mask.rgb[:3]) == {0} and set(mask.rgb[-3:]) == {255}


async def test_what_is_transparent_is_the_mask(harness: BotHarness, renderer: ScriptedRenderer):
    """A picture with a hole needs no second file."""
    hole = ("a.png", a_picture(clear=(24, 0, 48, 32)))
    request = await began(harness, "inpaint", prompt="a tree", picture=hole, strength=0.9)
    assert request.mode is Mode.INPAINT and request.strength == 0.9
    mask = renderer.inputs[-1][1]
    assert set(mask.rgb[:3]) == {0} and set(mask.rgb[-3:]) == {255}


async def test_a_painting_is_painted_over_by_its_number(harness: BotHarness):
    """One's own, offered while one types; what is made of a private one is private."""
    await paint(harness, prompt="hush", private=True)
    offered = await harness.alice.autocomplete(harness.channel, "inpaint", "painting", "")
    assert [each["value"] for each in offered] == ["1"]
    mask = ("m.png", a_mask(32, 32))
    await began(harness, "inpaint", prompt="a tree", painting="#1", mask=mask)
    assert parents(harness) == [None, 1]
    assert harness.rows("SELECT private FROM jobs WHERE id = 2") == [(1,)]
    refused = await harness.bob.slash(
        harness.channel, "inpaint", prompt="a tree", painting="1", mask=mask
    )
    assert "no picture" in whispered(refused)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"picture": PHOTO}, "transparent"),
        ({"picture": PHOTO, "mask": ("m.png", a_mask(40, 40))}, "different shapes"),
        ({"picture": PHOTO, "mask": ("m.png", a_mask(60, 40, white=False))}, "completely black"),
        ({"picture": PHOTO, "mask": ("m.png", b"")}, "Picture 2: "),
        ({"mask": ("m.png", a_mask())}, "give either a picture"),
        ({"picture": PHOTO, "painting": "1"}, "give either a picture"),
        ({"painting": "1"}, "transparent"),
        ({"painting": "9", "mask": PHOTO}, "no picture"),
    ],
    ids=str,
)
async def test_inpaint_says_what_it_lacks(harness: BotHarness, options: dict[str, Any], said: str):
    """A sentence for the person alone, and no charge."""
    await paint(harness, prompt="a lake")
    refused = await harness.alice.slash(harness.channel, "inpaint", prompt="a tree", **options)
    assert said in whispered(refused) and harness.charged() == 1


# Files that are none


BAD = [
    (("x.png", b"a poem"), "cannot be read as a picture"),
    (("x.png", a_huge_header()), "megapixels"),
    (("x.png", a_picture(200, 200)[:-40]), "damaged"),
    (("x.gif", an_animation()), "GIF pictures are not supported"),
    (("x.png", b""), "cannot be read as a picture"),
]


@pytest.mark.parametrize(("file", "said"), BAD, ids=[said for _, said in BAD])
async def test_bad_files_are_refused_in_words(
    harness: BotHarness, file: tuple[str, bytes], said: str
):
    """By content, whatever they are called: by command and by menu, for one person's eyes."""
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="a lake", picture=file)
    assert said in whispered(refused)
    sent = await harness.bob.send(harness.channel, "look", attachments=[file])
    assert said in whispered(await harness.alice.context_menu(harness.channel, MENU, sent))
    assert harness.charged() == 0 and kept_files(harness) == set()
    assert len(harness.channel.history()) == 1


async def test_what_is_too_large_is_not_even_fetched(harness: BotHarness):
    """Its declared size is enough; so is a spent quota, or a prompt that cannot be painted."""
    large = ("x.png", bytes(uploads.UploadLimits().bytes + 1))
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="a lake", picture=large)
    assert "limit is 25 MiB" in whispered(refused)
    sent = await harness.bob.send(harness.channel, "look", attachments=[large])
    assert "25 MiB" in whispered(await harness.alice.context_menu(harness.channel, MENU, sent))
    for prompt in ("\u200b", "a lake --seed x", "a lake --ar 99:1"):
        await harness.alice.slash(harness.channel, "imagine", prompt=prompt, picture=PHOTO)
    await harness.admin.slash(harness.channel, "admin quota set", who=harness.alice, pictures=0)
    spent = await harness.alice.slash(harness.channel, "imagine", prompt="a lake", picture=PHOTO)
    assert "quota is 0" in whispered(spent)
    sent = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    assert "quota is 0" in whispered(await harness.alice.context_menu(harness.channel, MENU, sent))
    assert harness.fetched == [] and harness.charged() == 0


async def test_a_file_that_is_gone(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """404 at Discord's: a sentence, and no charge."""
    sent = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    monkeypatch.setattr(harness.env.backend.cdn, "get", lambda _url: None)
    for refused in (
        await harness.alice.slash(harness.channel, "imagine", prompt="a lake", picture=PHOTO),
        await harness.alice.context_menu(harness.channel, MENU, sent),
    ):
        assert "could not download" in whispered(refused)
    assert harness.charged() == 0


# What takes long


def opening(harness: BotHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads wait until their interaction is announced."""

    async def not_soon(_keeping: Any) -> bool:
        return False

    harness.gate.clear()
    defer = discord.InteractionResponse.defer

    async def announced(*args: Any, **options: Any) -> Any:
        done = await defer(*args, **options)
        harness.gate.set()
        return done

    monkeypatch.setattr(discord.InteractionResponse, "defer", announced)
    monkeypatch.setattr(image_to_image, "_soon", not_soon)
    read_slowly(monkeypatch)


@pytest.mark.parametrize("private", [False, True])
async def test_a_slow_download_is_announced(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch, private: bool
):
    """The announcement, as private as the wish, becomes the message that shows the job."""
    opening(harness, monkeypatch)
    result = await harness.alice.slash(
        harness.channel, "imagine", prompt="a lake", picture=PHOTO, private=private
    )
    await harness.settled()
    assert announcements(harness) == 1 and result.ephemeral is private
    assert result.response.message.attachments and harness.charged() == 1


async def test_a_slow_refusal_leaves_no_public_trace(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """Announced or not, what is wrong with a file is said to one person."""
    opening(harness, monkeypatch)
    file = ("x.png", b"a poem")
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="a lake", picture=file)
    assert "cannot be read as a picture" in whispered(refused)
    assert announcements(harness) == 1 and harness.channel.history() == []


async def test_where_nobody_can_be_told_nothing_is_charged(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """An answer that cannot even be announced takes its job back."""
    sent = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    form = await harness.alice.context_menu(harness.channel, MENU, sent)
    read_slowly(monkeypatch)
    harness.env.inject_error("POST", "/interactions/*/callback", status=404, code=10062)
    await harness.alice.submit_modal(form, {"prompt": "a lake"})
    await harness.settled()
    assert harness.charged() == 0 and painted(harness) == []


# What is made of such pictures, and what stays of their inputs


async def test_everything_goes_on_from_it(harness: BotHarness):
    """Reroll, vary, upscale and remix after a restart; Details says what it began with."""
    await began(harness, "imagine", prompt="a lake", picture=PHOTO, strength=0.4, seed=5)
    message = harness.message_with_picture()
    await harness.stop()
    await harness.start()
    for label in ("Reroll", "Vary (strong)", "Upscale"):
        await harness.bob.click(message, label=label)
        await harness.settled()
    form = await harness.bob.click(await harness.more(harness.bob, message), label="Remix")
    await harness.bob.submit_modal(form, {"prompt": "a pond"})
    await harness.settled()
    first, again, varied, large, remixed = painted(harness)
    for request in (again, varied, remixed):
        assert (request.mode, request.inputs, request.strength) == (Mode.IMAGE, first.inputs, 0.4)
    assert again.seed != 5 and varied.variations and remixed.prompt == "a pond"
    assert large.mode is Mode.UPSCALE and large.width_px == 2 * first.width_px
    shown = await harness.bob.slash(harness.channel, "recipe", picture="1")
    assert "**Source image:** a picture, strength 0.4" in harness.texts(shown.response.message)
    exact = await harness.bob.click(shown.response.message, label="Paint it again")
    await harness.settled()
    assert not exact.followups and painted(harness)[-1] == first


async def test_inputs_go_when_nobody_needs_them(harness: BotHarness, renderer: ScriptedRenderer):
    """Of a cancelled wish and of one that was refused late: within hours; a picture keeps its."""
    kept = await began(harness, "imagine", prompt="a lake", picture=PHOTO)
    renderer.hold()
    other = ("b.png", a_picture(50, 50, "blue"))
    await harness.alice.slash(harness.channel, "imagine", prompt="a hill", picture=other)
    await harness.state(2, "painting")
    await harness.alice.slash(harness.channel, "cancel")
    long_prompt = "a b " * 400  # more tokens than the model reads, which is counted at the end
    third = ("c.png", a_picture(50, 50, "green"))
    refused = await harness.alice.slash(
        harness.channel, "imagine", prompt=long_prompt, picture=third
    )
    assert "too long" in whispered(refused)
    renderer.release()
    await harness.settled()
    assert len(kept_files(harness)) >= 2
    harness.clock.advance(3700)
    await harness.app.maintenance._retain()  # pyright: ignore[reportPrivateUsage]
    assert kept_files(harness) == set(kept.inputs) and harness.charged() == 1


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_every_request_is_valid(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    """Commands, forms, buttons and refusals: no body breaks Discord's description."""
    api = ApiDescription()
    async with open_harness(data_dir, ScriptedRenderer().load) as harness:
        await began(harness, "imagine", prompt="a lake", picture=PHOTO, count=2)
        sent = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
        for message in (harness.message_with_picture(), sent):
            form = await harness.alice.context_menu(harness.channel, MENU, message)
            await harness.alice.submit_modal(form, {"prompt": "a pond"})
        await harness.settled()
        opening(harness, monkeypatch)
        await harness.alice.context_menu(harness.channel, MENU, sent)
        requests = harness.env.http_requests
        assert [p for r in requests for p in api.problems(r.method, r.path, r.json)] == []
