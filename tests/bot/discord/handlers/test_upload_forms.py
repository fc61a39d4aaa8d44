"""Repaint part and Blend, behind More: forms that take files and a choice of the part."""

from __future__ import annotations

from typing import Any

import pytest

from bot.jobs.generation import image_to_image
from bot.request.values.regions import Region, region_mask
from engine.types import Mode
from engine.uploads import UploadLimits
from tests.bot.discord.forms import form_fields
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.images import PHOTO
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.painting import paint, painted, parent_ids, picture_file, private_text
from tests.bot.sample_pictures import a_mask, a_picture
from tests.fakes import ScriptedRenderer

TYPED = {"prompt": "a lake with a red boat", "strength": "0.9"}


async def opened(harness: BotHarness, label: str) -> Any:
    """Paint a picture, press this button behind More, and return the form."""
    await paint(harness, prompt="a lake --ar 3:2")
    return await press(harness, label)


async def press(harness: BotHarness, label: str) -> Any:
    """Press a button behind More of the newest picture."""
    panel = await harness.more(harness.alice, harness.message_with_picture())
    return await harness.alice.click(panel, label=label)


async def sent(harness: BotHarness, form: Any, **values: Any) -> Any:
    """Submit a form; return the answer once everything is painted."""
    answer = await harness.alice.submit_modal(form, TYPED | values)
    await harness.settled()
    return answer


def mask_file(harness: BotHarness) -> tuple[str, bytes]:
    """Return a mask of the right half, of the shape of the picture that was painted."""
    first = painted(harness)[0]
    return "mask.png", a_mask(first.width_px, first.height_px)


async def test_a_part_is_chosen_from_a_list(harness: BotHarness, renderer: ScriptedRenderer):
    """The form has the picture's prompt, and a chosen part is repainted as the prompt says."""
    form = await opened(harness, "Repaint part")
    assert form_fields(form)["prompt"] == "a lake" and form_fields(form)["strength"] == "1"
    await sent(harness, form, region="left")
    request = painted(harness)[-1]
    assert request.mode is Mode.INPAINT and request.strength == 0.9
    assert request.prompt == TYPED["prompt"] and parent_ids(harness) == [None, 1]
    size = (request.width_px, request.height_px)
    assert renderer.inputs[-1][1] == region_mask(Region.LEFT, *size)


async def test_a_part_is_marked_by_a_file(harness: BotHarness, renderer: ScriptedRenderer):
    """A mask in the form says what is repainted, also after a restart."""
    form = await opened(harness, "Repaint part")
    await harness.stop()
    await harness.start()
    await sent(harness, form, mask=mask_file(harness))
    mask = renderer.inputs[-1][1]
    assert painted(harness)[-1].mode is Mode.INPAINT
    assert set(mask.rgb[:3]) == {0} and set(mask.rgb[-3:]) == {255}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "What should be repainted?"),
        ({"region": "left", "mask": "a mask"}, "The mask already says what to repaint"),
        ({"mask": ("mask.png", b"a poem")}, "Picture 2: "),
        ({"mask": ("mask.png", a_picture(48, 480))}, "different aspect ratios"),
        ({"region": "left", "strength": "7"}, "0.01"),
        ({"region": "left", "prompt": "a lake with a red boat --foo 3"}, "--foo"),
    ],
    ids=["neither", "both", "no picture", "another shape", "strength", "flag"],
)
async def test_a_refusal_keeps_what_was_typed(
    harness: BotHarness, values: dict[str, Any], said: str
):
    """What cannot be painted is refused in one sentence, with the prompt to copy, and costs
    nothing."""
    form = await opened(harness, "Repaint part")
    if values.get("mask") == "a mask":
        values = values | {"mask": mask_file(harness)}
    answer = await sent(harness, form, **values)
    text = harness.texts(answer.response.message or answer.followups[-1].message)
    assert said in text and TYPED["prompt"] in text and answer.ephemeral
    assert len(painted(harness)) == 1 and harness.charged() == 1


async def test_a_blend_with_files(harness: BotHarness, renderer: ScriptedRenderer):
    """A picture is blended with one to three files, in its own shape."""
    form = await opened(harness, "Blend")
    files = [PHOTO, ("b.png", a_picture(30, 90))]
    await sent(harness, form, others=files)
    request = painted(harness)[-1]
    assert request.mode is Mode.BLEND and len(renderer.inputs[-1]) == 3
    assert request.width_px > request.height_px and parent_ids(harness) == [None, 1]
    await harness.alice.submit_modal(await press(harness, "Blend"), {"others": PHOTO, "prompt": ""})
    await harness.settled()
    assert painted(harness)[-1].prompt == "a harmonious blend of the pictures"


async def test_a_blend_with_what_is_no_picture(harness: BotHarness):
    """The file is named by its number, and the prompt is given back."""
    form = await opened(harness, "Blend")
    answer = await sent(harness, form, others=[PHOTO, ("b.png", b"a poem")])
    text = harness.texts(answer.response.message)
    assert text.startswith("Picture 3: ") and TYPED["prompt"] in text
    assert harness.charged() == 1


async def test_too_large_a_file_is_not_read(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """A file that Discord declares as too large is refused before it is fetched."""
    form = await opened(harness, "Blend")
    monkeypatch.setattr(image_to_image, "LIMITS", UploadLimits(bytes=10))
    answer = await sent(harness, form, others=PHOTO)
    text = harness.texts(answer.response.message)
    assert "the limit is" in text and TYPED["prompt"] in text


async def test_a_picture_that_is_gone(harness: BotHarness):
    """A picture deleted since the form was opened is refused, with the prompt; one without its
    file offers neither button."""
    form = await opened(harness, "Blend")
    await harness.delete(harness.alice, harness.message_with_picture())
    answer = await sent(harness, form, others=PHOTO)
    text = harness.texts(answer.response.message)
    assert "There is no picture" in text and TYPED["prompt"] in text


async def test_without_the_file_there_is_no_button(harness: BotHarness):
    """Where the file was removed to save space, neither could work."""
    await paint(harness, prompt="a lake")
    picture_file(harness).unlink()
    async with harness.app.stores.db.transaction() as transaction:
        await transaction.execute("UPDATE pictures SET file_removed_at = 1")
    panel = await harness.more(harness.alice, harness.message_with_picture())
    assert "Remix" in str(panel.components)
    assert "Repaint part" not in str(panel.components) and "Blend" not in str(panel.components)


async def test_a_blocked_member_gets_no_form(harness: BotHarness):
    """Who may not paint is told so before anything is typed."""
    await paint(harness, prompt="a lake")
    await harness.app.stores.blocks.block(harness.guild.id, harness.alice.id, 1, "spam")
    answer = await press(harness, "Repaint part")
    assert answer.modal is None and "spam" in private_text(answer)


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_every_request_is_valid(harness: BotHarness):
    """The forms are valid by Discord's description."""
    await opened(harness, "Repaint part")
    await press(harness, "Blend")
    api, requests = ApiDescription(), harness.env.http_requests
    assert [p for r in requests for p in api.problems(r.method, r.path, r.json)] == []
