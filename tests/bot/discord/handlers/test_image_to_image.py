"""Painting from pictures: /imagine with one, /blend, /inpaint, and bad files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.request.values.regions import Region, region_mask
from engine import uploads
from engine.types import Mode
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.images import MENU, PHOTO, input_hashes, slow_downloads
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.painting import (
    announcements,
    paint,
    painted,
    parent_ids,
    private_text,
    run_command,
    slow_reading,
)
from tests.bot.sample_pictures import a_huge_header, a_mask, a_picture, an_animation
from tests.fakes import ScriptedRenderer

# /imagine


async def test_imagine_from_a_picture(harness: BotHarness, renderer: ScriptedRenderer):
    """The result has the picture's shape, starts from its pixels, and costs one picture."""
    request = await run_command(
        harness, "imagine", prompt="a lake", picture=PHOTO, strength=0.5, private=True
    )
    assert request.mode is Mode.IMAGE and request.strength == 0.5
    assert request.width_px / request.height_px == pytest.approx(1.5, rel=0.05)
    (raster,) = renderer.inputs[-1]
    source = uploads.decode(PHOTO[1], uploads.UploadLimits())
    assert raster == uploads.fit(source.raster, request.width_px, request.height_px)
    assert input_hashes(harness) == set(request.inputs) and harness.charged() == 1
    assert harness.rows("SELECT private FROM jobs") == [(1,)]


async def test_what_else_was_asked_for_holds(harness: BotHarness):
    """Aspect, seed and count are those of the options; the strength is the default."""
    request = await run_command(
        harness, "imagine", prompt="a lake", picture=PHOTO, aspect="1:1", seed=7, count=2
    )
    assert request.width_px == request.height_px and request.strength == 0.75
    assert harness.rows("SELECT seed, pictures FROM jobs") == [(7, 2)]


async def test_flags_speak_of_the_picture_too(harness: BotHarness):
    """--iw and --strength set the strength of the picture, --ar the shape."""
    weighed = await run_command(harness, "imagine", prompt="a lake --iw 2 --ar 2:1", picture=PHOTO)
    assert weighed.strength == 0.5 and weighed.width_px > 1.9 * weighed.height_px
    said = await run_command(
        harness, "imagine", prompt="a lake --strength 0.3", picture=PHOTO, strength=0.3
    )
    assert said.strength == 0.3 and said.prompt == "a lake"
    refused = await harness.alice.slash(
        harness.channel, "imagine", prompt="a lake --strength 0.3", picture=PHOTO, strength=0.4
    )
    assert "contradict each other" in harness.texts(refused.response.message)


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
    """A strength without a picture is refused."""
    refused = await harness.alice.slash(harness.channel, "imagine", **options)
    said = harness.texts(refused.response.message)
    assert refused.ephemeral and "give a picture" in said and harness.charged() == 0


# /blend


async def test_a_blend_of_two(harness: BotHarness, renderer: ScriptedRenderer):
    """A blend without a prompt gets one; it has the first picture's shape."""
    request = await run_command(
        harness, "blend", first=PHOTO, second=("b.png", a_picture(30, 90)), strength=0.6
    )
    assert request.mode is Mode.BLEND and request.strength == 0.6
    assert request.prompt == "a harmonious blend of the pictures"
    assert request.width_px > request.height_px and len(renderer.inputs[-1]) == 2


async def test_a_blend_of_four(harness: BotHarness, renderer: ScriptedRenderer):
    """Four pictures are used in their order, and Details show how many."""
    files = [(f"{each}.png", a_picture(40, 40, each)) for each in ("red", "blue", "green", "gold")]
    names = ("first", "second", "third", "fourth")
    options: dict[str, Any] = dict(zip(names, files, strict=True))
    request = await run_command(harness, "blend", **options, prompt="a house", aspect="16:9")
    size = (request.width_px, request.height_px)
    assert renderer.inputs[-1] == tuple(
        uploads.fit(uploads.decode(data, uploads.UploadLimits()).raster, *size) for _, data in files
    )
    shown = await harness.bob.slash(harness.channel, "recipe", picture="1")
    assert "4 pictures, strength 0.8" in harness.texts(shown.response.message)


async def test_one_bad_picture_of_several_is_numbered(harness: BotHarness):
    """The refusal names which of several pictures is bad."""
    refused = await harness.alice.slash(
        harness.channel, "blend", first=PHOTO, second=("b.png", b"a poem"), third=PHOTO
    )
    assert private_text(refused).startswith("Picture 2: ")
    assert harness.charged() == 0 and input_hashes(harness) == set()


# /inpaint


async def test_a_part_is_painted_anew(harness: BotHarness, renderer: ScriptedRenderer):
    """The mask is the second input and white in the same places."""
    request = await run_command(
        harness,
        "inpaint",
        prompt="a tree",
        picture=("a.png", a_picture()),
        mask=("m.png", a_mask()),
    )
    assert request.mode is Mode.INPAINT and request.strength == 1.0
    mask = renderer.inputs[-1][1]
    assert set(mask.rgb[:3]) == {0} and set(mask.rgb[-3:]) == {255}


def layers() -> dict[str, bytes]:
    """Return masks of the right half of a_picture(), each drawn in another way."""
    right = (24, 0, 48, 32)
    strokes = Image.new("RGBA", (48, 32), (0, 0, 0, 0))
    strokes.paste((255, 255, 255, 255), right)
    page = Image.new("RGBA", (48, 32), (0, 0, 0, 255))
    page.paste((0, 0, 0, 0), right)
    copy = Image.open(io.BytesIO(a_picture()))
    copy.paste((0, 90, 255), right)
    drawn = {"strokes": strokes, "a page with a hole": page, "a copy with strokes": copy}
    files: dict[str, bytes] = {"a copy with a hole": a_picture(clear=right)}
    for name, image in drawn.items():
        out = io.BytesIO()
        image.save(out, "PNG")
        files[name] = out.getvalue()
    return files


@pytest.mark.parametrize("drawn", layers())
async def test_masks_are_understood_however_they_are_drawn(
    harness: BotHarness, renderer: ScriptedRenderer, drawn: str
):
    """Strokes on a transparent layer, holes and scribbles mark what they cover, and no more."""
    picture, mask = ("a.png", a_picture()), ("m.png", layers()[drawn])
    await run_command(harness, "inpaint", prompt="a tree", picture=picture, mask=mask)
    found = renderer.inputs[-1][1]
    assert set(found.rgb[:3]) == {0} and set(found.rgb[-3:]) == {255}
    painted_share = found.rgb.count(255) / len(found.rgb)
    assert painted_share == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("region", Region)
async def test_a_region_is_painted_anew(
    harness: BotHarness, renderer: ScriptedRenderer, region: Region
):
    """A region needs no mask, and is offered by name."""
    request = await run_command(
        harness, "inpaint", prompt="a tree", picture=PHOTO, region=region.value
    )
    assert request.mode is Mode.INPAINT
    assert renderer.inputs[-1][1] == region_mask(region, request.width_px, request.height_px)


async def test_how_much_is_cut_off_is_said(harness: BotHarness):
    """The result of a long picture, and whatever is made of it, says how much of it is missing."""
    await run_command(harness, "imagine", prompt="a lake", picture=PHOTO)
    assert "cut off" not in harness.texts(harness.message_with_picture())
    long = ("long.png", a_picture(1200, 100))
    await run_command(harness, "imagine", prompt="a lake", picture=long)
    message = harness.message_with_picture()
    assert "83 % of it is cut off" in harness.texts(message)
    await harness.bob.click(message, label="Reroll")
    await harness.settled()
    assert "83 % of it is cut off" in harness.texts(harness.message_with_picture())


async def test_white_on_transparent_stays_visible(harness: BotHarness, renderer: ScriptedRenderer):
    """A white drawing on a transparent ground is put on black, and the result says so."""
    image = Image.new("RGBA", (96, 96), (0, 0, 0, 0))
    image.paste((255, 255, 255, 255), (30, 30, 66, 66))
    out = io.BytesIO()
    image.save(out, "PNG")
    await run_command(harness, "imagine", prompt="a logo", picture=("logo.png", out.getvalue()))
    (raster,) = renderer.inputs[-1]
    assert {0, 255} <= set(raster.rgb)
    assert "put on black" in harness.texts(harness.message_with_picture())


async def test_what_is_transparent_is_the_mask(harness: BotHarness, renderer: ScriptedRenderer):
    """Transparency in the picture serves as the mask."""
    hole = ("a.png", a_picture(clear=(24, 0, 48, 32)))
    request = await run_command(harness, "inpaint", prompt="a tree", picture=hole, strength=0.9)
    assert request.mode is Mode.INPAINT and request.strength == 0.9
    mask = renderer.inputs[-1][1]
    assert set(mask.rgb[:3]) == {0} and set(mask.rgb[-3:]) == {255}


async def test_a_painting_is_painted_over_by_its_number(harness: BotHarness):
    """The member's own pictures are suggested by number, and the result of a private one is
    private."""
    await paint(harness, prompt="hush", private=True)
    offered = await harness.alice.autocomplete(harness.channel, "inpaint", "painting", "")
    assert [each["value"] for each in offered] == ["1"]
    mask = ("m.png", a_mask(32, 32))
    await run_command(harness, "inpaint", prompt="a tree", painting="#1", mask=mask)
    assert parent_ids(harness) == [None, 1]
    assert harness.rows("SELECT private FROM jobs WHERE id = 2") == [(1,)]
    refused = await harness.bob.slash(
        harness.channel, "inpaint", prompt="a tree", painting="1", mask=mask
    )
    assert "no picture" in private_text(refused)


LACKING: list[tuple[str, dict[str, Any], str]] = [
    ("nothing is transparent", {"picture": PHOTO}, "transparent"),
    (
        "another shape",
        {"picture": PHOTO, "mask": ("m.png", a_mask(40, 40))},
        "different aspect ratios",
    ),
    (
        "on its side",
        {"picture": PHOTO, "mask": ("m.png", a_mask(40, 60))},
        "lies on its side",
    ),
    (
        "all black",
        {"picture": PHOTO, "mask": ("m.png", a_mask(60, 40, white=False))},
        "completely black",
    ),
    ("an empty mask", {"picture": PHOTO, "mask": ("m.png", b"")}, "Picture 2: "),
    ("a copy", {"picture": PHOTO, "mask": PHOTO}, "same as the picture"),
    ("all grey", {"picture": PHOTO, "mask": ("m.png", a_picture(60, 40, "gray"))}, "cannot tell"),
    (
        "mask and region",
        {"picture": PHOTO, "mask": ("m.png", a_mask(60, 40)), "region": "left"},
        "or a region",
    ),
    ("no picture", {"mask": ("m.png", a_mask())}, "give either a picture"),
    ("picture and painting", {"picture": PHOTO, "painting": "1"}, "give either a picture"),
    ("a painting alone", {"painting": "1"}, "transparent"),
    ("an unknown painting", {"painting": "9", "mask": PHOTO}, "no picture"),
]


@pytest.mark.parametrize(
    ("options", "said"), [each[1:] for each in LACKING], ids=[each[0] for each in LACKING]
)
async def test_inpaint_says_what_it_lacks(harness: BotHarness, options: dict[str, Any], said: str):
    """Missing or invalid inputs of /inpaint are explained ephemerally and not charged."""
    await paint(harness, prompt="a lake")
    refused = await harness.alice.slash(harness.channel, "inpaint", prompt="a tree", **options)
    assert said in private_text(refused) and harness.charged() == 1


# Bad files


BAD = [
    (("x.png", b"a poem"), "cannot be read as a picture"),
    (("x.png", a_huge_header()), "megapixels"),
    (("x.png", a_picture(200, 200)[:-40]), "damaged"),
    (("x.gif", an_animation()), "GIF pictures are not supported"),
    (("x.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isom"), "This is a video (MP4), not a picture."),
    (("x.png", b"<!DOCTYPE html><html>"), "This is a web page (HTML)"),
    (("x.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "vector drawing (SVG)"),
    (("x.png", b""), "cannot be read as a picture"),
]


@pytest.mark.parametrize(("file", "said"), BAD, ids=[said for _, said in BAD])
async def test_bad_files_are_refused_in_words(
    harness: BotHarness, file: tuple[str, bytes], said: str
):
    """Files are judged by content, by command and by context menu; the refusal is ephemeral."""
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="a lake", picture=file)
    assert said in private_text(refused)
    sent = await harness.bob.send(harness.channel, "look", attachments=[file])
    assert said in private_text(await harness.alice.context_menu(harness.channel, MENU, sent))
    assert harness.charged() == 0 and input_hashes(harness) == set()
    assert len(harness.channel.history()) == 1


async def test_what_is_too_large_is_not_even_fetched(harness: BotHarness):
    """Too large a declared size, a used-up quota or an invalid prompt is refused before
    downloading."""
    large = ("x.png", bytes(uploads.UploadLimits().bytes + 1))
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="a lake", picture=large)
    assert "the limit is 25 MiB" in private_text(refused)
    sent = await harness.bob.send(harness.channel, "look", attachments=[large])
    assert "25 MiB" in private_text(await harness.alice.context_menu(harness.channel, MENU, sent))
    for prompt in ("\u200b", "a lake --seed x", "a lake --ar 99:1"):
        await harness.alice.slash(harness.channel, "imagine", prompt=prompt, picture=PHOTO)
    await harness.admin.slash(harness.channel, "admin quota set", who=harness.alice, pictures=0)
    spent = await harness.alice.slash(harness.channel, "imagine", prompt="a lake", picture=PHOTO)
    assert "quota is 0" in private_text(spent)
    sent = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    assert "quota is 0" in private_text(
        await harness.alice.context_menu(harness.channel, MENU, sent)
    )
    assert harness.fetched == [] and harness.charged() == 0


async def test_a_file_that_is_gone(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """A file that Discord no longer has is explained and not charged."""
    sent = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    monkeypatch.setattr(harness.env.backend.cdn, "get", lambda _url: None)
    for refused in (
        await harness.alice.slash(harness.channel, "imagine", prompt="a lake", picture=PHOTO),
        await harness.alice.context_menu(harness.channel, MENU, sent),
    ):
        assert "could not download" in private_text(refused)
    assert harness.charged() == 0


# Slow downloads


@pytest.mark.parametrize("private", [False, True])
async def test_a_slow_download_is_announced(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch, private: bool
):
    """A deferred response is as private as the request and becomes the status message."""
    slow_downloads(harness, monkeypatch)
    result = await harness.alice.slash(
        harness.channel, "imagine", prompt="a lake", picture=PHOTO, private=private
    )
    await harness.settled()
    assert announcements(harness) == 1 and result.ephemeral is private
    assert result.response.message.attachments and harness.charged() == 1


async def test_a_slow_refusal_leaves_no_public_trace(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """A refusal is ephemeral even if the response was deferred publicly."""
    slow_downloads(harness, monkeypatch)
    file = ("x.png", b"a poem")
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="a lake", picture=file)
    assert "cannot be read as a picture" in private_text(refused)
    assert announcements(harness) == 1 and harness.channel.history() == []


async def test_where_nobody_can_be_told_nothing_is_charged(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """If the response cannot even be deferred, the job is withdrawn."""
    sent = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    form = await harness.alice.context_menu(harness.channel, MENU, sent)
    slow_reading(monkeypatch)
    harness.env.inject_error("POST", "/interactions/*/callback", status=404, code=10062)
    await harness.alice.submit_modal(form, {"prompt": "a lake"})
    await harness.settled()
    assert harness.charged() == 0 and painted(harness) == []


# Further use of such pictures, and of their inputs


async def test_everything_goes_on_from_it(harness: BotHarness):
    """Reroll, vary, upscale and remix work after a restart; Details name the input."""
    await run_command(harness, "imagine", prompt="a lake", picture=PHOTO, strength=0.4, seed=5)
    message = harness.message_with_picture()
    await harness.stop()
    await harness.start()
    for label in ("Reroll", "Vary (strong)", "Upscale"):
        await harness.bob.click(message, label=label)
        await harness.settled()
    form = await harness.bob.click(await harness.more(harness.bob, message), label="Remix")
    await harness.bob.submit_modal(form, {"prompt": "a pond"})
    await harness.settled()
    first, again, *varied, large, remixed = painted(harness)
    assert len(varied) == 4
    for request in (again, *varied, remixed):
        assert (request.mode, request.inputs, request.strength) == (Mode.IMAGE, first.inputs, 0.4)
    assert again.seed != 5 and all(each.variations for each in varied)
    assert remixed.prompt == "a pond"
    assert large.mode is Mode.UPSCALE and large.width_px == 2 * first.width_px
    shown = await harness.bob.slash(harness.channel, "recipe", picture="1")
    assert "**Source image:** a picture, strength 0.4" in harness.texts(shown.response.message)
    exact = await harness.bob.click(shown.response.message, label="Paint it again")
    await harness.settled()
    assert not exact.followups and painted(harness)[-1] == first


async def test_inputs_go_when_nobody_needs_them(harness: BotHarness, renderer: ScriptedRenderer):
    """Inputs of cancelled and refused requests are removed within hours; a picture keeps its
    inputs."""
    kept = await run_command(harness, "imagine", prompt="a lake", picture=PHOTO)
    renderer.hold()
    other = ("b.png", a_picture(50, 50, "blue"))
    await harness.alice.slash(harness.channel, "imagine", prompt="a hill", picture=other)
    await harness.state(2, "painting")
    await harness.alice.slash(harness.channel, "cancel")
    long_prompt = "a b " * 400  # more tokens than the model reads, which is checked last
    third = ("c.png", a_picture(50, 50, "green"))
    refused = await harness.alice.slash(
        harness.channel, "imagine", prompt=long_prompt, picture=third
    )
    assert "too long" in private_text(refused)
    renderer.release()
    await harness.settled()
    assert len(input_hashes(harness)) >= 2
    harness.clock.advance(3700)
    await harness.app.maintenance.apply_retention()
    assert input_hashes(harness) == set(kept.inputs) and harness.charged() == 1


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_every_request_is_valid(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    """Commands, forms, buttons and refusals are valid by Discord's description."""
    api = ApiDescription()
    async with open_harness(data_dir, ScriptedRenderer().load) as harness:
        await run_command(harness, "imagine", prompt="a lake", picture=PHOTO, count=2)
        sent = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
        for message in (harness.message_with_picture(), sent):
            form = await harness.alice.context_menu(harness.channel, MENU, message)
            await harness.alice.submit_modal(form, {"prompt": "a pond"})
        await harness.settled()
        slow_downloads(harness, monkeypatch)
        await harness.alice.context_menu(harness.channel, MENU, sent)
        requests = harness.env.http_requests
        assert [p for r in requests for p in api.problems(r.method, r.path, r.json)] == []
