"""Every request of the bot is valid by Discord's own API description."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from engine.errors import NonFinite
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.marks import marked
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.painting import paint
from tests.fakes import ScriptedRenderer

pytestmark = pytest.mark.skipif(
    not DESCRIPTION.exists(), reason="Discord's API description is not at hand (../shared)"
)


@pytest.fixture(scope="module")
def api() -> ApiDescription:
    """The description, loaded once because it is a megabyte."""
    return ApiDescription()


async def use_everything(harness: BotHarness, renderer: ScriptedRenderer) -> None:
    """Use everything except what other tests already check against the description."""
    renderer.failures["broken"] = NonFinite("step 1")
    await paint(harness, prompt="@everyone **a lake** 一座湖", seed=5, guidance=3.0, negative="x")
    await harness.alice.autocomplete(harness.channel, "reroll", "picture", "lake")
    await harness.alice.slash(harness.channel, "reroll", seed=5)
    await harness.settled()
    await harness.bob.click(harness.message_with_picture(), label="Reroll")
    await harness.settled()
    await paint(harness, prompt="broken")
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="late")
    await harness.state(5, "painting")
    harness.clock.advance(60)
    renderer.release()
    await harness.settled()
    for number in range(5):
        await paint(harness, prompt=f"number {number}")
    history = await harness.alice.slash(harness.channel, "history")
    await harness.alice.click(history.response.message, label="Older")
    await harness.alice.slash(harness.channel, "quota")
    await harness.admin.slash(harness.channel, "admin quota set", who=harness.bob, pictures=0)
    await harness.admin.slash(harness.channel, "admin quota show", who=harness.bob)
    await harness.admin.slash(harness.channel, "admin quota set", pictures=99, hours=2)
    await harness.bob.slash(harness.channel, "imagine", prompt="refused")
    await harness.admin.slash(harness.channel, "admin quota clear", who=harness.bob)
    single = harness.message_with_picture()
    await use_pictures(harness, single)
    panel = await harness.more(harness.alice, single)
    await harness.alice.click(panel, label="Delete")


async def use_pictures(harness: BotHarness, single: Any) -> None:
    """Use buttons, menus, forms and copies on a single picture and on a series."""
    for label in ("Vary (subtle)", "Upscale"):
        await harness.alice.click(single, label=label)
        await harness.settled()
    panel = await harness.more(harness.alice, single)
    for label in ("Add to favourites", "Remove from favourites", "DM me a copy", "Details"):
        await harness.alice.click(panel, label=label)
    form = await harness.alice.click(panel, label="Remix")
    await harness.alice.submit_modal(form, {"prompt": "a pond", "seed": "7"})
    await harness.settled()
    await paint(harness, prompt="a lake", count=2)
    several = harness.channel.last_message
    first = min(row[0] for row in harness.rows("SELECT id FROM pictures ORDER BY id DESC LIMIT 2"))
    panel = await harness.more(harness.alice, several)
    await harness.alice.click(panel, custom_id=marked(f"z1:choose:{first}"))
    for label in ("Original", "Add to favourites", "All pictures", "Delete all", "Keep"):
        await harness.alice.click(panel, label=label)
    await harness.alice.slash(harness.channel, "remix", prompt="a hill")
    await paint(harness, prompt="a hill", style="oil", speed="fast", enhance="full", private=True)
    await harness.alice.slash(harness.channel, "explain", prompt="a photo --style ink")


async def test_every_request_is_valid(
    harness: BotHarness, renderer: ScriptedRenderer, api: ApiDescription
):
    """Commands, callbacks, edits and posts all match the description."""
    await use_everything(harness, renderer)
    checked: dict[str, int] = {}
    problems = []
    for request in harness.env.http_requests:
        route = re.sub(r"\d{5,}", "N", f"{request.method} {request.path}")
        checked[route] = checked.get(route, 0) + 1
        problems += api.problems(request.method, request.path, request.json)
    assert problems == []
    assert sum(checked.values()) > 30
    assert any("PUT" in route for route in checked) and any("PATCH" in route for route in checked)


async def test_a_wrong_request_would_be_noticed(harness: BotHarness, api: ApiDescription):
    """The check itself fails on a long label, an unknown route and a wrong type."""
    await paint(harness, prompt="a lake")
    edit = next(r for r in harness.env.http_requests if r.method == "PATCH")
    assert api.problems(edit.method, edit.path, edit.json) == []
    for spoil in (
        lambda body: body["components"][-1]["components"][0].update(label="x" * 81),
        lambda body: body.update(flags="many"),
        lambda body: body["components"].append({"type": 10}),
    ):
        body = copy.deepcopy(edit.json)
        spoil(body)
        assert api.problems(edit.method, edit.path, body)
    assert api.problems("POST", "/channels/1/nonsense", {})
