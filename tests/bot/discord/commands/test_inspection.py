"""/queue, /explain, /recipe, Details and the context menus."""

from __future__ import annotations

import io
from typing import Any

import discord
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot.accounts.permissions import Actor
from bot.discord.views.inspection import (
    BLOCK_LIMIT,
    TEXT_LIMIT,
    details_panel,
    explanation_layout,
    foreign_panel,
)
from bot.i18n import words
from bot.pictures.foreign.recipe import ForeignRecipe
from bot.pictures.inspection import ForeignDetails, PictureDetails, PromptExplanation
from bot.request.outcomes import Accepted
from bot.request.params import GenerationParams
from engine.diffusion.families import Z_IMAGE_TURBO
from engine.loras import MAX_LORAS, LoraFile, LoraUse
from engine.prompts import MAX_PROMPT_CHARS, EnhancementLevel, analyse, enhance
from engine.types import Adaptation, Mend
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.marks import marked
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.painting import paint, painted, response_text
from tests.bot.pictures.foreign.files import (
    USER_COMMENT,
    exif,
    jpeg,
    png,
    png_with,
    text_chunk,
    user_comment,
    z_image_graph,
)
from tests.fakes import ScriptedRenderer, a_request, fake_recipe


def file_of(harness: BotHarness, picture_id: int = 1) -> tuple[str, bytes]:
    """Return the name and content of a picture's file."""
    ((file,),) = harness.rows("SELECT file FROM pictures WHERE id = ?", picture_id)
    path = harness.settings.storage.data_dir / file
    return path.name, path.read_bytes()


def press(message: Any, custom_id: str) -> dict[str, Any]:
    """Return the arguments that press one button of a message."""
    assert custom_id in str(message.components)
    return {"custom_id": custom_id}


# /queue


async def test_the_queue_with_cancel(harness: BotHarness, renderer: ScriptedRenderer):
    """/queue shows the member's own jobs with position and Cancel, and no prompts of others."""
    nothing = await harness.alice.slash(harness.channel, "queue")
    assert "nothing in the queue" in response_text(
        harness, nothing
    ) and "The queue is empty" in response_text(harness, nothing)
    await paint(harness, prompt="first")  # the speed is known from here on
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="a **red** boat")
    await harness.state(2, "painting")
    await harness.bob.slash(harness.channel, "imagine", prompt="bob's secret")
    for number in range(6):
        await harness.alice.slash(harness.channel, "imagine", prompt=f"wish {number}")
    shown = await harness.alice.slash(harness.channel, "queue")
    text = response_text(harness, shown)
    assert shown.ephemeral and "bob" not in text
    assert "a \\*\\*red\\*\\* boat" in text and "being painted" in text and "and 2 more" in text
    assert "7 jobs are waiting" in text and "from 2 people" in text
    assert text.count(":R>") == 6  # five jobs, and the time when all are done
    message = shown.response.message
    await harness.alice.click(message, **press(message, marked("z1:unqueue:4")))
    assert harness.rows("SELECT state FROM jobs WHERE id = 4") == [("cancelled",)]
    assert "Cancelled and not charged: “wish 0”" in response_text(harness, shown)
    await harness.alice.click(message, label="Refresh")
    again = response_text(harness, shown)
    assert "wish 0" not in again and "and 1 more" in again and "6 jobs are waiting" in again
    renderer.release()
    await harness.settled()


async def test_who_may_cancel_anyones_sees_what_is_next(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """Only admins see the next jobs of others with Cancel."""
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
    await harness.state(1, "painting")
    await harness.bob.slash(harness.channel, "imagine", prompt="hush", private=True)
    for person in (harness.alice, harness.moderator):
        text = response_text(harness, await person.slash(harness.channel, "queue"))
        assert "others" not in text and "hush" not in text
    shown = await harness.admin.slash(harness.channel, "queue")
    text = response_text(harness, shown)
    assert "a lake" in text and "(private)" in text and "hush" not in text
    message = shown.response.message
    await harness.admin.click(message, **press(message, marked("z1:unqueue:2")))
    assert harness.rows("SELECT state FROM jobs WHERE id = 2") == [("cancelled",)]
    renderer.release()
    await harness.settled()


# /explain


async def test_explaining_a_prompt(harness: BotHarness):
    """/explain shows what was parsed, the length, advice and additions, and charges nothing."""
    result = await harness.alice.slash(
        harness.channel, "explain", prompt="an oil painting of a fox at dusk, 8k, --ar 16:9"
    )
    text = response_text(harness, result)
    assert result.ephemeral and harness.rows("SELECT * FROM jobs") == []
    assert "oil painting" in text and "dusk" in text and "of 512" in text
    assert "8k" in text and "Advice" in text and "What would be added" in text
    refused = await harness.alice.slash(harness.channel, "explain", prompt="\u200b")
    assert "empty" in refused.response.content


# Details and /recipe


async def test_everything_about_a_picture(harness: BotHarness):
    """Details show prompt, numbers, model, plan, parent and a line to copy, and paint it again."""
    await paint(
        harness, prompt="a `lake` @everyone", seed=5, speed="fast", guidance=2.0, negative="fog"
    )
    await harness.alice.slash(harness.channel, "reroll", seed=5)
    await harness.settled()
    shown = await harness.bob.slash(harness.channel, "recipe", picture="#2")
    text = response_text(harness, shown)
    assert shown.ephemeral and shown.response.message.attachments == []
    for part in (
        "Picture #2", f"<@{harness.alice.id}>", "**Negative prompt:** fog", "**Seed:** 5",
        "**Steps:** 4", "**Guidance:** 2", "**Model:** fake",
        "**Memory plan:** resident", "Repeat of #1", "--seed 5", "--no fog",
    ):  # fmt: skip
        assert part in text, part
    assert "LoRA" not in text and "(none)" not in text
    await harness.bob.click(shown.response.message, label="Paint it again")
    await harness.settled()
    first, _, third = painted(harness)
    assert first == third
    assert harness.rows("SELECT user_id FROM jobs WHERE id = 3") == [(harness.bob.id,)]


async def test_numbers_do_not_open_what_is_hidden(harness: BotHarness):
    """Others' private pictures, and those in channels that a member cannot see, are unknown."""
    see, blind = (discord.PermissionOverwrite(view_channel=each) for each in (True, False))
    everyone = harness.guild.default_role
    hidden = harness.guild.create_text_channel(
        "hidden", overwrites={everyone: blind, harness.alice: see}
    )
    other = harness.guild.create_text_channel("other")
    await paint(harness, prompt="open")
    await harness.alice.slash(harness.channel, "imagine", prompt="hush", private=True)
    await harness.settled()
    person = Actor(harness.alice.id, harness.guild.id, hidden.id)
    accepted = await harness.app.services.generation.imagine(person, GenerationParams("psst"))
    assert isinstance(accepted, Accepted)
    await harness.state(3, "painted")
    seen = await harness.bob.slash(other, "recipe", picture="1")
    assert "open" in response_text(harness, seen)
    for number in ("2", "3", "4"):
        refused = await harness.bob.slash(other, "recipe", picture=number)
        assert refused.ephemeral and "There is no picture" in refused.response.content
    for number, prompt in (("2", "hush"), ("3", "psst")):
        own = await harness.alice.slash(other, "recipe", picture=number)
        assert prompt in response_text(harness, own)
    harness.app.services.delivery.status_unknown(3)
    await harness.settled()


async def test_a_file_tells_its_recipe(harness: BotHarness):
    """A member's own file leads to its picture; giving a number and a file is refused."""
    await paint(harness, prompt="a lake", seed=5)
    file = file_of(harness)
    shown = await harness.alice.slash(harness.channel, "recipe", file=file)
    text = response_text(harness, shown)
    assert shown.ephemeral and "Picture #1" in text and "unmodified" in text
    assert "z1:again:1" in str(shown.response.message.components)
    both = await harness.alice.slash(harness.channel, "recipe", file=file, picture="1")
    assert "not both" in both.response.content
    last = await harness.alice.slash(harness.channel, "recipe")
    assert "Picture #1" in response_text(harness, last)


async def test_a_file_whose_picture_is_not_here_still_tells(harness: BotHarness):
    """A file of a deleted or foreign picture shows its recipe and line, without a button."""
    await paint(harness, prompt="a lake", seed=5)
    file = file_of(harness)
    panel = await harness.more(harness.alice, harness.message_with_picture())
    await harness.alice.click(panel, label="Delete")
    await harness.alice.click(panel, label="Delete")
    shown = await harness.alice.slash(harness.channel, "recipe", file=file)
    text = response_text(harness, shown)
    assert "The recipe in this file" in text and "--seed 5" in text
    assert "z1:again" not in str(shown.response.message.components)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("JPEG", "format is JPEG"),
        ("PNG", "no recipe"),
        ("workflow", "Another program (ComfyUI)"),
        ("MP4", "video (MP4)"),
        ("HTML", "web page (HTML)"),
        ("", "I can read"),
    ],
)
async def test_other_files_are_refused_politely(harness: BotHarness, form: str, said: str):
    """Files without a recipe, of whatever kind, are refused with a helpful sentence."""
    others = {"": b"a poem", "MP4": b"\0\0\0\x18ftypisom\0\0\0\0isom", "HTML": b"<!DOCTYPE html>"}
    data = others.get(form)
    if data is None:
        image, out, info = Image.new("RGB", (8, 8), "red"), io.BytesIO(), PngInfo()
        if form == "workflow":
            info.add_text("workflow", "{}")
        image.save(out, "JPEG" if form == "JPEG" else "PNG", pnginfo=info)
        data = out.getvalue()
    result = await harness.alice.slash(harness.channel, "recipe", file=("x.png", data))
    assert result.ephemeral and said in result.response.content


@pytest.mark.parametrize("way", ["command", "menu"])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "ComfyUI"])
async def test_another_programs_picture(harness: BotHarness, way: str, form: str):
    """What another program wrote is shown, marked as such, with a line that paints it here."""
    text = "a <@123> cat\nNegative prompt: fog\nSteps: 20, Seed: 5, Size: 256x192, Model: x"
    comment = user_comment(text, b"UNICODE", "utf-16-be")
    name, data = {
        "PNG": ("x.png", png(text_chunk("parameters", text))),
        "JPEG": ("x.jpg", jpeg(exif({USER_COMMENT: comment}))),
        "ComfyUI": ("x.png", png_with(prompt=z_image_graph())),
    }[form]
    if way == "command":
        shown = await harness.alice.slash(harness.channel, "recipe", file=(name, data))
    else:
        sent = await harness.bob.send(harness.channel, "look", attachments=[(name, data)])
        shown = await harness.alice.context_menu(harness.channel, "Recipe", sent)
    answer = response_text(harness, shown)
    assert shown.ephemeral and "Made by another program" in answer
    line = answer.partition("```\n")[2].partition("\n```")[0]
    assert line
    await harness.alice.slash(harness.channel, "imagine", prompt=line)
    await harness.settled()
    request = painted(harness)[0]
    if form == "ComfyUI":
        assert "ComfyUI" in answer and "became" in answer and "seed" in answer
        assert (request.prompt, request.negative_prompt) == ("a red house, 雪地", "")
        assert request.width_px > request.height_px
    else:
        assert "A1111" in answer and "Steps, Model" in answer
        assert (request.negative_prompt, request.seed) == ("fog", 5)
        assert (request.width_px, request.height_px) == (256, 192)


# Context menus


async def test_recipe_of_a_message(harness: BotHarness):
    """Recipe works on the bot's pictures for everyone; other pictures of a series are one press
    away."""
    await paint(harness, prompt="a lake", count=3)
    message = harness.message_with_picture()
    shown = await harness.bob.context_menu(harness.channel, "Recipe", message)
    assert shown.ephemeral and "Picture #1" in response_text(harness, shown)
    answer = shown.response.message
    third = await harness.bob.click(answer, **press(answer, marked("z1:details:3")))
    assert third.ephemeral and "Picture #3" in response_text(harness, third)


async def test_reroll_of_a_message(harness: BotHarness):
    """Reroll in the menu works like the button: fresh seed, charged to whoever uses it."""
    await paint(harness, prompt="a lake", seed=5)
    await harness.bob.context_menu(harness.channel, "Reroll", harness.message_with_picture())
    await harness.settled()
    assert [each.prompt for each in painted(harness)] == ["a lake", "a lake"]
    assert painted(harness)[1].seed != 5
    assert harness.rows("SELECT user_id FROM jobs WHERE id = 2") == [(harness.bob.id,)]


async def test_other_peoples_messages(harness: BotHarness):
    """A picture file posted by somebody else leads to its picture; a message without files is
    refused."""
    await paint(harness, prompt="a lake", seed=5)
    sent = await harness.bob.send(harness.channel, "look", attachments=[file_of(harness)])
    plain = await harness.bob.send(harness.channel, "hello")
    for menu in ("Recipe", "Reroll"):
        shown = await harness.bob.context_menu(harness.channel, menu, sent)
        assert shown.ephemeral and "Picture #1" in response_text(harness, shown)
        nothing = await harness.bob.context_menu(harness.channel, menu, plain)
        assert nothing.ephemeral and "no picture of mine" in nothing.response.content
    assert harness.rows("SELECT count(*) FROM jobs") == [(1,)]


# Requests and limits


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_every_request_is_valid(harness: BotHarness, renderer: ScriptedRenderer):
    """Panels, menus, files and deferred responses are valid by Discord's description."""
    api = ApiDescription()
    await paint(harness, prompt="a ```lake``` <@123456789012345678>", seed=5)
    await harness.alice.slash(harness.channel, "recipe")
    await harness.alice.slash(harness.channel, "recipe", file=file_of(harness))
    await harness.alice.slash(harness.channel, "recipe", file=("x.png", b""))
    await harness.alice.context_menu(harness.channel, "Recipe", harness.message_with_picture())
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="b")
    queue = await harness.admin.slash(harness.channel, "queue")
    await harness.admin.click(queue.response.message, label="Refresh")
    await harness.alice.slash(harness.channel, "explain", prompt="a lake")
    renderer.release()
    await harness.settled()
    requests = harness.env.http_requests
    assert [p for r in requests for p in api.problems(r.method, r.path, r.json)] == []


async def test_commands_are_synced_once(harness: BotHarness):
    """A restart with unchanged commands and menus registers nothing."""

    def syncs() -> int:
        return sum(r.method == "PUT" for r in harness.env.http_requests)

    before = syncs()
    await harness.stop()
    await harness.start()
    assert before >= 1 and syncs() == before


@pytest.mark.parametrize("letter", ["a", "*", "@here ", "😀", "`", "湖", "{a, b} --ar "])
@pytest.mark.parametrize("chars", [300, 900, MAX_PROMPT_CHARS, 100_000])
def test_the_longest_foreign_texts_fit(letter: str, chars: int):
    """Whatever another program wrote, its panel has at most 4000 characters."""
    text = (letter * chars)[:chars].strip()
    recipe = ForeignRecipe("ComfyUI", text, text, 2**63, (1, 99_999), ("steps",) * 12)
    line, size = recipe.line(Z_IMAGE_TURBO), recipe.size_here(Z_IMAGE_TURBO)
    panel = foreign_panel(ForeignDetails(recipe, line, size), words())
    texts = [
        each.content for each in panel.view.children if isinstance(each, discord.ui.TextDisplay)
    ]
    assert sum(map(len, texts)) <= TEXT_LIMIT
    assert (panel.file is not None) == (len(line) > BLOCK_LIMIT or "```" in line)


@pytest.mark.parametrize("letter", ["a", "*", "@here ", "😀", "`", "湖"])
def test_the_longest_texts_fit(letter: str):
    """Whatever the prompt, a panel has at most 4000 characters and the line to copy is complete."""
    say = words()
    prompt = (letter * MAX_PROMPT_CHARS)[:MAX_PROMPT_CHARS]
    loras = tuple(LoraUse(letter * 900 + str(n), 0.8) for n in range(MAX_LORAS))
    request = a_request(
        prompt, effective_prompt=prompt + prompt, negative_prompt=prompt, loras=loras
    )
    recipe = fake_recipe(request)
    mends = tuple(Adaptation(mend, "step 1", letter * 900) for mend in Mend)
    object.__setattr__(recipe, "adaptations", mends)
    object.__setattr__(recipe, "loras", tuple(LoraFile(e.name, "0a" * 32) for e in loras))
    line = f"{prompt} --seed 7"
    panel = details_panel(PictureDetails(recipe, line), say)
    texts = [
        each.content for each in panel.view.children if isinstance(each, discord.ui.TextDisplay)
    ]
    assert 0 < sum(map(len, texts)) <= TEXT_LIMIT and len(line) > BLOCK_LIMIT
    assert panel.file is not None and panel.file[1].decode() == line
    enhanced = enhance(
        prompt,
        negative="",
        level=EnhancementLevel.FULL,
        style=Z_IMAGE_TURBO.style,
        negative_works=True,
    )
    explained = PromptExplanation(prompt, analyse(prompt), enhanced, EnhancementLevel.FULL, 512)
    parts = explanation_layout(explained, say).children
    shown = [each.content for each in parts if isinstance(each, discord.ui.TextDisplay)]
    assert len(shown) == len(parts) and sum(map(len, shown)) <= TEXT_LIMIT
