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
from tests.bot.discord.conftest import World, open_world
from tests.bot.discord.handlers.test_variations import (
    announcements,
    parents,
    read_slowly,
    whispered,
)
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.pictures import a_huge_header, a_mask, a_picture, an_animation
from tests.fakes import ScriptedRenderer

MENU = "Paint from this"
PHOTO = ("photo.jpg", a_picture(600, 400, form="JPEG"))


async def began(world: World, command: str, **options: Any) -> Any:
    """Use a command to its end; the request that was painted."""
    result = await world.alice.slash(world.channel, command, **options)
    await world.settled()
    assert not result.followups, whispered(result)
    return painted(world)[-1]


def kept_files(world: World) -> set[str]:
    """The hashes of the pictures that lie in the data folder to be painted from."""
    return {each.sha256 for each in InputFiles(world.settings.storage.data_dir).found()}


# /imagine


async def test_imagine_from_a_picture(world: World, painter: ScriptedRenderer):
    """It has the picture's shape, begins with its pixels, and costs one picture."""
    request = await began(
        world, "imagine", prompt="a lake", picture=PHOTO, strength=0.5, private=True
    )
    assert request.mode is Mode.IMAGE and request.strength == 0.5
    assert request.width_px / request.height_px == pytest.approx(1.5, rel=0.05)
    (raster,) = painter.inputs[-1]
    source = uploads.decode(PHOTO[1], uploads.Limits())
    assert raster == uploads.fit(source.raster, request.width_px, request.height_px)
    assert kept_files(world) == set(request.inputs) and world.charged() == 1
    assert world.rows("SELECT private FROM jobs") == [(1,)]


async def test_what_else_was_asked_for_holds(world: World):
    """Aspect, seed and count are the options', the strength is the usual one."""
    request = await began(
        world, "imagine", prompt="a lake", picture=PHOTO, aspect="1:1", seed=7, count=2
    )
    assert request.width_px == request.height_px and request.strength == 0.75
    assert world.rows("SELECT seed, pictures FROM jobs") == [(7, 2)]


async def test_flags_speak_of_the_picture_too(world: World):
    """--iw and --strength are its strength, --ar its shape."""
    weighed = await began(world, "imagine", prompt="a lake --iw 2 --ar 2:1", picture=PHOTO)
    assert weighed.strength == 0.5 and weighed.width_px > 1.9 * weighed.height_px
    said = await began(
        world, "imagine", prompt="a lake --strength 0.3", picture=PHOTO, strength=0.3
    )
    assert said.strength == 0.3 and said.prompt == "a lake"
    refused = await world.alice.slash(
        world.channel, "imagine", prompt="a lake --strength 0.3", picture=PHOTO, strength=0.4
    )
    assert "different things" in whispered(refused)


@pytest.mark.parametrize(
    "options",
    [
        {"prompt": "a lake", "strength": 0.5},
        {"prompt": "a lake --strength 0.5"},
        {"prompt": "a lake --iw 2"},
    ],
    ids=str,
)
async def test_strength_needs_a_picture(world: World, options: dict[str, Any]):
    """Without one it is refused, for nothing would come of it."""
    refused = await world.alice.slash(world.channel, "imagine", **options)
    assert "give a picture" in whispered(refused) and world.charged() == 0


# /blend


async def test_a_blend_of_two(world: World, painter: ScriptedRenderer):
    """Without words it gets some; its shape is the first picture's."""
    request = await began(
        world, "blend", first=PHOTO, second=("b.png", a_picture(30, 90)), strength=0.6
    )
    assert request.mode is Mode.BLEND and request.strength == 0.6
    assert request.prompt == "a harmonious mixture of the pictures"
    assert request.width_px > request.height_px and len(painter.inputs[-1]) == 2


async def test_a_blend_of_four(world: World, painter: ScriptedRenderer):
    """All four are begun with, in their order, and Details says how many."""
    files = [(f"{each}.png", a_picture(40, 40, each)) for each in ("red", "blue", "green", "gold")]
    names = ("first", "second", "third", "fourth")
    options: dict[str, Any] = dict(zip(names, files, strict=True))
    request = await began(world, "blend", **options, prompt="a house", aspect="16:9")
    size = (request.width_px, request.height_px)
    assert painter.inputs[-1] == tuple(
        uploads.fit(uploads.decode(data, uploads.Limits()).raster, *size) for _, data in files
    )
    shown = await world.bob.slash(world.channel, "recipe", picture="1")
    assert "4 pictures, strength 0.8" in world.texts(shown.response.message)


async def test_one_bad_picture_of_several_is_numbered(world: World):
    """Which of them is meant stands in the sentence."""
    refused = await world.alice.slash(
        world.channel, "blend", first=PHOTO, second=("b.png", b"a poem"), third=PHOTO
    )
    assert whispered(refused).startswith("Picture 2: ")
    assert world.charged() == 0 and kept_files(world) == set()


# /inpaint


async def test_a_part_is_painted_anew(world: World, painter: ScriptedRenderer):
    """The mask is the second input, white where it was."""
    request = await began(
        world,
        "inpaint",
        prompt="a tree",
        picture=("a.png", a_picture()),
        mask=("m.png", a_mask()),
    )
    assert request.mode is Mode.INPAINT and request.strength == 1.0
    mask = painter.inputs[-1][1]
    assert set(mask.rgb[:3]) == {0} and set(mask.rgb[-3:]) == {255}


async def test_what_is_transparent_is_the_mask(world: World, painter: ScriptedRenderer):
    """A picture with a hole needs no second file."""
    hole = ("a.png", a_picture(clear=(24, 0, 48, 32)))
    request = await began(world, "inpaint", prompt="a tree", picture=hole, strength=0.9)
    assert request.mode is Mode.INPAINT and request.strength == 0.9
    mask = painter.inputs[-1][1]
    assert set(mask.rgb[:3]) == {0} and set(mask.rgb[-3:]) == {255}


async def test_a_painting_is_painted_over_by_its_number(world: World):
    """One's own, offered while one types; what is made of a private one is private."""
    await paint(world, prompt="hush", private=True)
    offered = await world.alice.autocomplete(world.channel, "inpaint", "painting", "")
    assert [each["value"] for each in offered] == ["1"]
    mask = ("m.png", a_mask(32, 32))
    await began(world, "inpaint", prompt="a tree", painting="#1", mask=mask)
    assert parents(world) == [None, 1]
    assert world.rows("SELECT private FROM jobs WHERE id = 2") == [(1,)]
    refused = await world.bob.slash(
        world.channel, "inpaint", prompt="a tree", painting="1", mask=mask
    )
    assert "no picture" in whispered(refused)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"picture": PHOTO}, "transparent"),
        ({"picture": PHOTO, "mask": ("m.png", a_mask(40, 40))}, "another shape"),
        ({"picture": PHOTO, "mask": ("m.png", a_mask(60, 40, white=False))}, "black all over"),
        ({"picture": PHOTO, "mask": ("m.png", b"")}, "Picture 2: "),
        ({"mask": ("m.png", a_mask())}, "give a picture"),
        ({"picture": PHOTO, "painting": "1"}, "give a picture"),
        ({"painting": "1"}, "transparent"),
        ({"painting": "9", "mask": PHOTO}, "no picture"),
    ],
    ids=str,
)
async def test_inpaint_says_what_it_lacks(world: World, options: dict[str, Any], said: str):
    """A sentence for the person alone, and no charge."""
    await paint(world, prompt="a lake")
    refused = await world.alice.slash(world.channel, "inpaint", prompt="a tree", **options)
    assert said in whispered(refused) and world.charged() == 1


# Files that are none


BAD = [
    (("x.png", b"a poem"), "no picture that can be read"),
    (("x.png", a_huge_header()), "megapixels"),
    (("x.png", a_picture(200, 200)[:-40]), "damaged"),
    (("x.gif", an_animation()), "GIF pictures are not taken"),
    (("x.png", b""), "no picture that can be read"),
]


@pytest.mark.parametrize(("file", "said"), BAD, ids=[said for _, said in BAD])
async def test_bad_files_are_refused_in_words(world: World, file: tuple[str, bytes], said: str):
    """By content, whatever they are called: by command and by menu, for one person's eyes."""
    refused = await world.alice.slash(world.channel, "imagine", prompt="a lake", picture=file)
    assert said in whispered(refused)
    sent = await world.bob.send(world.channel, "look", attachments=[file])
    assert said in whispered(await world.alice.context_menu(world.channel, MENU, sent))
    assert world.charged() == 0 and kept_files(world) == set()
    assert len(world.channel.history()) == 1


async def test_what_is_too_large_is_not_even_fetched(world: World):
    """Its declared size is enough; so is a spent quota, or a prompt that cannot be painted."""
    large = ("x.png", bytes(uploads.Limits().bytes + 1))
    refused = await world.alice.slash(world.channel, "imagine", prompt="a lake", picture=large)
    assert "at most 25 MiB" in whispered(refused)
    sent = await world.bob.send(world.channel, "look", attachments=[large])
    assert "25 MiB" in whispered(await world.alice.context_menu(world.channel, MENU, sent))
    for prompt in ("\u200b", "a lake --seed x", "a lake --ar 99:1"):
        await world.alice.slash(world.channel, "imagine", prompt=prompt, picture=PHOTO)
    await world.admin.slash(world.channel, "admin quota set", who=world.alice, pictures=0)
    spent = await world.alice.slash(world.channel, "imagine", prompt="a lake", picture=PHOTO)
    assert "quota is 0" in whispered(spent)
    sent = await world.bob.send(world.channel, "look", attachments=[PHOTO])
    assert "quota is 0" in whispered(await world.alice.context_menu(world.channel, MENU, sent))
    assert world.fetched == [] and world.charged() == 0


async def test_a_file_that_is_gone(world: World, monkeypatch: pytest.MonkeyPatch):
    """404 at Discord's: a sentence, and no charge."""
    sent = await world.bob.send(world.channel, "look", attachments=[PHOTO])
    monkeypatch.setattr(world.env.backend.cdn, "get", lambda _url: None)
    for refused in (
        await world.alice.slash(world.channel, "imagine", prompt="a lake", picture=PHOTO),
        await world.alice.context_menu(world.channel, MENU, sent),
    ):
        assert "could not fetch" in whispered(refused)
    assert world.charged() == 0


# What takes long


def opening(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads wait until their interaction is announced."""

    async def not_soon(_keeping: Any) -> bool:
        return False

    world.gate.clear()
    defer = discord.InteractionResponse.defer

    async def announced(*args: Any, **options: Any) -> Any:
        done = await defer(*args, **options)
        world.gate.set()
        return done

    monkeypatch.setattr(discord.InteractionResponse, "defer", announced)
    monkeypatch.setattr(image_to_image, "_soon", not_soon)
    read_slowly(monkeypatch)


@pytest.mark.parametrize("private", [False, True])
async def test_a_slow_download_is_announced(
    world: World, monkeypatch: pytest.MonkeyPatch, private: bool
):
    """The announcement, as private as the wish, becomes the message that shows the job."""
    opening(world, monkeypatch)
    result = await world.alice.slash(
        world.channel, "imagine", prompt="a lake", picture=PHOTO, private=private
    )
    await world.settled()
    assert announcements(world) == 1 and result.ephemeral is private
    assert result.response.message.attachments and world.charged() == 1


async def test_a_slow_refusal_leaves_no_public_trace(world: World, monkeypatch: pytest.MonkeyPatch):
    """Announced or not, what is wrong with a file is said to one person."""
    opening(world, monkeypatch)
    file = ("x.png", b"a poem")
    refused = await world.alice.slash(world.channel, "imagine", prompt="a lake", picture=file)
    assert "no picture that can be read" in whispered(refused)
    assert announcements(world) == 1 and world.channel.history() == []


async def test_where_nobody_can_be_told_nothing_is_charged(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """An answer that cannot even be announced takes its job back."""
    sent = await world.bob.send(world.channel, "look", attachments=[PHOTO])
    form = await world.alice.context_menu(world.channel, MENU, sent)
    read_slowly(monkeypatch)
    world.env.inject_error("POST", "/interactions/*/callback", status=404, code=10062)
    await world.alice.submit_modal(form, {"prompt": "a lake"})
    await world.settled()
    assert world.charged() == 0 and painted(world) == []


# What is made of such pictures, and what stays of their inputs


async def test_everything_goes_on_from_it(world: World):
    """Reroll, vary, upscale and remix after a restart; Details says what it began with."""
    await began(world, "imagine", prompt="a lake", picture=PHOTO, strength=0.4, seed=5)
    message = world.message_with_picture()
    await world.stop()
    await world.start()
    for label in ("Reroll", "Vary (strong)", "Upscale"):
        await world.bob.click(message, label=label)
        await world.settled()
    form = await world.bob.click(await world.more(world.bob, message), label="Remix")
    await world.bob.submit_modal(form, {"prompt": "a pond"})
    await world.settled()
    first, again, varied, large, remixed = painted(world)
    for request in (again, varied, remixed):
        assert (request.mode, request.inputs, request.strength) == (Mode.IMAGE, first.inputs, 0.4)
    assert again.seed != 5 and varied.variations and remixed.prompt == "a pond"
    assert large.mode is Mode.UPSCALE and large.width_px == 2 * first.width_px
    shown = await world.bob.slash(world.channel, "recipe", picture="1")
    assert "**Begun with:** a picture, strength 0.4" in world.texts(shown.response.message)
    exact = await world.bob.click(shown.response.message, label="Paint it again")
    await world.settled()
    assert not exact.followups and painted(world)[-1] == first


async def test_inputs_go_when_nobody_needs_them(world: World, painter: ScriptedRenderer):
    """Of a cancelled wish and of one that was refused late: within hours; a picture keeps its."""
    kept = await began(world, "imagine", prompt="a lake", picture=PHOTO)
    painter.hold()
    other = ("b.png", a_picture(50, 50, "blue"))
    await world.alice.slash(world.channel, "imagine", prompt="a hill", picture=other)
    await world.state(2, "painting")
    await world.alice.slash(world.channel, "cancel")
    long_prompt = "a b " * 400  # more tokens than the model reads, which is counted at the end
    third = ("c.png", a_picture(50, 50, "green"))
    refused = await world.alice.slash(world.channel, "imagine", prompt=long_prompt, picture=third)
    assert "too long" in whispered(refused)
    painter.release()
    await world.settled()
    assert len(kept_files(world)) >= 2
    world.clock.advance(3700)
    await world.house.housekeeping._retain()  # pyright: ignore[reportPrivateUsage]
    assert kept_files(world) == set(kept.inputs) and world.charged() == 1


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_every_request_is_valid(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    """Commands, forms, buttons and refusals: no body breaks Discord's description."""
    api = ApiDescription()
    async with open_world(data_dir, ScriptedRenderer().load) as world:
        await began(world, "imagine", prompt="a lake", picture=PHOTO, count=2)
        sent = await world.bob.send(world.channel, "look", attachments=[PHOTO])
        for message in (world.message_with_picture(), sent):
            form = await world.alice.context_menu(world.channel, MENU, message)
            await world.alice.submit_modal(form, {"prompt": "a pond"})
        await world.settled()
        opening(world, monkeypatch)
        await world.alice.context_menu(world.channel, MENU, sent)
        requests = world.env.http_requests
        assert [p for r in requests for p in api.problems(r.method, r.path, r.json)] == []
