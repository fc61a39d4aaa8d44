"""/imagine, from the command to the picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import discord
import pytest
from structlog.testing import capture_logs

from engine.errors import NonFinite, OutOfMemory
from engine.png import embedded_recipe
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.painting import last_row_labels, paint, painted, response_text
from tests.bot.discord.previews import ProgressClock, start_painting
from tests.fakes import ScriptedRenderer


async def test_a_wish_becomes_a_picture_with_facts_and_buttons(harness: BotHarness):
    """The status message becomes the picture with its facts and five buttons."""
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a lake at dawn", seed=5)
    assert result.acknowledged and not result.ephemeral
    await harness.settled()
    message = harness.message(result.response.id)
    text = harness.texts(message)
    assert "a lake at dawn" in text
    assert "seed 5" in text and "256×256" in text and f"<@{harness.alice.id}>" in text
    small = [line for line in text.splitlines() if line.startswith("-# ")]
    assert len(small) == 2 and "steps" not in text and "fake" not in text
    assert [each.filename for each in message.attachments] == ["zimagine-1-5.png"]
    assert last_row_labels(message) == [
        "Reroll",
        "Vary (subtle)",
        "Vary (strong)",
        "Upscale",
        "More ▾",
    ]


async def test_the_picture_carries_alt_text_and_its_recipe(harness: BotHarness):
    """The picture has its prompt as alt text and its recipe in the PNG."""
    await harness.alice.slash(harness.channel, "imagine", prompt="a red house in the snow", seed=7)
    await harness.settled()
    requests = [r for r in harness.env.http_requests if r.method == "PATCH"]
    gallery = next(c for c in requests[-1].json["components"] if c["type"] == 12)
    assert gallery["items"][0]["description"] == "a red house in the snow"
    (attachment,) = requests[-1].json["attachments"]
    assert attachment["description"] == "a red house in the snow"
    data = await harness.channel.last_message.attachments[0].read()
    found = embedded_recipe(data)
    assert found.recipe.request.seed == 7 and found.untouched


async def test_what_was_added_is_shown_and_can_be_switched_off(harness: BotHarness):
    """Nothing is added for the embedded model unless it is asked for; Details show what was, and
    the card does not."""
    await paint(harness, prompt="a boat", seed=1)
    await paint(harness, prompt="a boat", seed=1, enhance="light")
    plain, added = painted(harness)
    assert plain.effective_prompt == "a boat" and "Crisp focus" in added.effective_prompt
    assert "Crisp focus" not in harness.texts(harness.message_with_picture())
    for number, shown in ((1, False), (2, True)):
        details = await harness.alice.slash(harness.channel, "recipe", picture=str(number))
        assert ("**Added:** Crisp focus" in response_text(harness, details)) == shown
        assert "nothing" not in response_text(harness, details)


async def test_options_reach_the_painter(harness: BotHarness):
    """Aspect, speed, guidance and negative prompt reach the renderer."""
    await harness.alice.slash(
        harness.channel,
        "imagine",
        prompt="a forest",
        aspect="16:9",
        seed=3,
        speed="fast",
        guidance=1.5,
        negative="fog",
    )
    await harness.settled()
    request = painted(harness)[0]
    assert (request.steps, request.guidance, request.negative_prompt) == (4, 1.5, "fog")
    assert request.width_px / request.height_px == pytest.approx(16 / 9, rel=0.05)


@pytest.mark.parametrize(
    "options",
    [
        {"prompt": "a sea", "negative": "ships"},
        {"prompt": "a sea --no ships"},
        {"prompt": "a sea", "negative": "ships", "guidance": 1.0},
        {"prompt": "a sea --no ships --cfg 1"},
        {"prompt": "a sea --no ships", "count": 2},
    ],
)
async def test_a_negative_prompt_raises_guidance_and_says_so(
    harness: BotHarness, options: dict[str, Any]
):
    """A negative prompt is painted with the guidance that it needs, which the first answer and the
    picture say in one line."""
    result = await harness.alice.slash(harness.channel, "imagine", **options)
    line = "-# Guidance is 1.8, so that the negative prompt works."
    assert line in harness.texts(result.response.message).splitlines()
    await harness.settled()
    assert {(each.guidance, each.negative_prompt) for each in painted(harness)} == {(1.8, "ships")}
    assert line in harness.texts(harness.message_with_picture()).splitlines()


async def test_syntax_that_does_nothing_is_named(harness: BotHarness):
    """Weights, LoRA tags and settings are named in one line, without their Markdown."""
    prompt = "a (**red**:1.3) house <lora:snow:0.8>, steps: 30"
    result = await harness.alice.slash(harness.channel, "imagine", prompt=prompt)
    text = harness.texts(result.response.message)
    (line,) = [each for each in text.splitlines() if "do nothing" in each]
    assert "lora:snow:0.8" in line and "steps: 30" in line and "red" in line
    assert "**red" not in text and harness.charged() == 1
    await harness.settled()


async def test_progress_is_shown_while_it_paints(harness: BotHarness, renderer: ScriptedRenderer):
    """After three seconds the status message shows the current step."""
    clock = ProgressClock(harness)
    result = await start_painting(harness, renderer)
    await clock.edited(renderer, 5)
    assert "step 5 of 8" in harness.texts(harness.message(result.response.id))
    renderer.release()
    await harness.settled()
    assert "step" not in harness.texts(harness.message(result.response.id)).split("8 steps")[0]


async def test_the_place_in_the_queue_is_said(harness: BotHarness, renderer: ScriptedRenderer):
    """The status message says how many pictures come first."""
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="one")
    await harness.state(1, "painting")
    second = await harness.bob.slash(harness.channel, "imagine", prompt="two")
    third = await harness.bob.slash(harness.channel, "imagine", prompt="three")
    assert "1 picture ahead of yours" in harness.texts(second.response.message)
    assert "2 pictures ahead of yours" in harness.texts(third.response.message)
    renderer.release()
    await harness.settled()


async def test_a_late_result_is_a_new_message_that_mentions(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """After 30 seconds the result is a new message that mentions its requester."""
    renderer.hold()
    status = await harness.alice.slash(harness.channel, "imagine", prompt="a slow lake")
    await harness.state(1, "painting")
    harness.clock.advance(31)
    renderer.release()
    await harness.settled()
    picture = harness.channel.last_message
    assert picture.id != status.response.id and picture.attachments
    assert harness.alice.mention in harness.texts(picture)
    post = next(r for r in harness.env.http_requests if r.path.endswith("/messages"))
    assert post.json["allowed_mentions"]["users"] == [harness.alice.id]
    assert post.json["enforce_nonce"] is True
    moved = harness.texts(harness.message(status.response.id))
    assert str(picture.id) in moved and "ready" in moved


async def test_a_full_queue_refuses_at_once_and_charges_nothing(data_dir: Path):
    """A full queue is refused ephemerally with its length, and nothing is charged."""
    renderer = ScriptedRenderer()
    renderer.hold()
    async with open_harness(data_dir, renderer.load, engine={"queue_limit": 1}) as harness:
        await harness.alice.slash(harness.channel, "imagine", prompt="one")
        await harness.state(1, "painting")
        await harness.alice.slash(harness.channel, "imagine", prompt="two")
        result = await harness.bob.slash(harness.channel, "imagine", prompt="three")
        assert result.ephemeral and "queue is full: 1" in result.response.content
        assert harness.charged() == 2
        renderer.release()
        await harness.settled()


async def test_a_spent_quota_refuses_and_says_when(data_dir: Path):
    """A used-up quota is refused ephemerally with the time when it returns."""
    renderer = ScriptedRenderer()
    async with open_harness(data_dir, renderer.load, quota={"pictures": 1, "hours": 2}) as harness:
        await harness.alice.slash(harness.channel, "imagine", prompt="one")
        await harness.settled()
        result = await harness.alice.slash(harness.channel, "imagine", prompt="two")
        assert result.ephemeral and "1 of 1 picture in 2 hours" in result.response.content
        returns = int(harness.clock.now.timestamp()) + 2 * 3600
        assert f"<t:{returns}:R>" in result.response.content
        assert harness.charged() == 1
        harness.clock.advance(2 * 3600 + 1)
        again = await harness.alice.slash(harness.channel, "imagine", prompt="two")
        assert not again.ephemeral
        await harness.settled()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"prompt": "\u200b"}, "empty"),
        ({"prompt": " \t "}, "empty"),
        ({"prompt": "\u3164\u2800"}, "empty"),
        ({"prompt": "a " * 600}, "512 tokens"),
    ],
)
async def test_bad_words_are_refused_before_anything_is_charged(
    harness: BotHarness, options: dict[str, str], word: str
):
    """Prompts that are invisible or too long are refused before anything is charged."""
    result = await harness.alice.slash(harness.channel, "imagine", **options)
    assert result.ephemeral and word in result.response.content
    assert harness.rows("SELECT * FROM jobs") == []


@pytest.mark.parametrize("lacks", ["send_messages", "attach_files", "view_channel"])
async def test_a_channel_it_may_not_post_in_is_refused_first(harness: BotHarness, lacks: str):
    """Missing permissions in the channel are named before anything is charged."""
    closed = harness.guild.create_text_channel(
        "closed",
        overwrites={
            harness.guild.me: discord.PermissionOverwrite(**{lacks: False}),
        },
    )
    result = await harness.alice.slash(closed, "imagine", prompt="a lake")
    assert result.ephemeral and "Missing permissions" in result.response.content
    assert harness.rows("SELECT * FROM jobs") == []


@pytest.mark.parametrize(
    ("error", "word"),
    [(NonFinite("step 3"), "broken"), (OutOfMemory(), "memory"), (ValueError("x"), "wrong")],
)
async def test_a_failure_is_said_and_refunded(
    harness: BotHarness, renderer: ScriptedRenderer, error: Exception, word: str
):
    """A failure is explained in the status message and refunded."""
    renderer.failures["a broken thing"] = error
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a broken thing")
    await harness.settled()
    text = harness.texts(harness.message(result.response.id))
    assert word in text and "Nothing was charged" in text
    assert harness.charged() == 0
    assert harness.rows("SELECT state FROM jobs") == [("failed",)]


@pytest.mark.parametrize(
    "prompt",
    [
        "@everyone <@1> **bold** `code` [link](https://example.org)",
        "/imagine prompt:a lake x:@everyone y:**bold** z:[link](https://example.org) seed:5",
    ],
)
async def test_words_in_a_prompt_never_ping_nor_format(harness: BotHarness, prompt: str):
    """Mentions and Markdown in a prompt are shown literally and notify nobody."""
    result = await harness.alice.slash(harness.channel, "imagine", prompt=prompt)
    await harness.settled()
    for request in harness.env.http_requests:
        if request.method in ("POST", "PATCH") and isinstance(request.json, dict):
            body = request.json.get("data", request.json)
            if "components" in body:
                assert body["allowed_mentions"]["parse"] == []
    text = harness.texts(harness.message(result.response.id))
    assert "@everyone" not in text.replace("@\u200beveryone", "")
    assert "**bold**" not in text


async def test_long_prompts_fit_the_message(harness: BotHarness):
    """2,000 characters of Markdown stay within Discord's limits, before and after painting."""
    result = await harness.alice.slash(harness.channel, "imagine", prompt="*_~`|>" * 333)
    assert not result.ephemeral
    await harness.settled()
    message = harness.channel.last_message
    assert message.attachments and len(harness.texts(message)) < 4000


async def test_everything_painted_is_charged_once(harness: BotHarness):
    """Ten concurrent requests of two members give ten pictures, ten charges and ten deliveries."""
    for number in range(5):
        await harness.alice.slash(harness.channel, "imagine", prompt=f"a{number}")
        await harness.bob.slash(harness.channel, "imagine", prompt=f"b{number}")
    await harness.settled()
    assert harness.charged() == 10
    assert harness.rows("SELECT count(*) FROM deliveries WHERE state = 'delivered'") == [(10,)]
    assert len({r.prompt for r in painted(harness)}) == 10


async def test_flags_in_the_prompt_are_obeyed(harness: BotHarness):
    """Flags work like options, even with a phone's long dash, and are removed from the prompt."""
    await harness.alice.slash(
        harness.channel, "imagine", prompt="a lake —seed 5 --repeat 2 --ar 2:1"
    )
    await harness.settled()
    first, second = painted(harness)
    assert (first.prompt, first.seed, second.seed) == ("a lake", 5, 6)
    assert first.width_px > first.height_px and harness.charged() == 2


async def test_a_bad_flag_is_quoted_and_costs_nothing(harness: BotHarness):
    """A mistyped flag is named ephemerally, and nothing is charged."""
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a lake --sed 5")
    said = harness.texts(result.response.message)
    assert result.ephemeral and "`--sed`" in said and "`--seed`" in said
    assert harness.charged() == 0 and painted(harness) == []


PASTED = (
    "a forest\nNegative prompt: fog, people\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 123, Size: 256x192, Model hash: 0a1b2c"
)


async def test_a_long_pasted_text_fits(harness: BotHarness):
    """A text of which the prompt is short enough is taken, however long the rest of it is; a prompt
    that is too long is refused with its limit."""
    negative = ", ".join(["blurry"] * 200)
    resources = ", ".join(f'Resource {number}: "x, y"' for number in range(80))
    prompt = f"a forest Negative prompt: {negative} Steps: 20, Sampler: x, Seed: 9, {resources}"
    assert 2000 < len(prompt) < 4000
    await harness.alice.slash(harness.channel, "imagine", prompt=prompt, guidance=1.5)
    await harness.settled()
    request = painted(harness)[0]
    assert (request.prompt, request.negative_prompt, request.seed) == ("a forest", negative, 9)
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="long " * 500)
    assert refused.ephemeral and "the limit is 2000" in refused.response.content


@pytest.mark.parametrize("gap", ["\n", " "])
async def test_another_programs_text_is_taken_apart(harness: BotHarness, gap: str):
    """A pasted text paints its prompt with its seed and size, and the reply says what was not
    taken."""
    prompt = PASTED.replace("\n", gap)
    result = await harness.alice.slash(harness.channel, "imagine", prompt=prompt, guidance=1.5)
    text = harness.texts(result.response.message)
    assert "copied from another program" in text and "Not taken: Steps, Sampler" in text
    await harness.settled()
    request = painted(harness)[0]
    assert (request.prompt, request.negative_prompt) == ("a forest", "fog, people")
    assert (request.seed, request.width_px, request.height_px) == (123, 256, 192)


@pytest.mark.parametrize("code", [10062, 10003, 10004])
async def test_a_request_whose_answer_nobody_can_see_is_undone(harness: BotHarness, code: int):
    """If the channel is deleted before the answer, or the answer is too late, nothing is painted or
    charged, and it counts as no failure of the bot."""
    harness.env.inject_error("POST", "/interactions/*/callback", status=404, code=code)
    with capture_logs() as logged:
        await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
        await harness.settled()
    assert harness.charged() == 0 and painted(harness) == []
    assert [each for each in logged if each["log_level"] == "error"] == []
