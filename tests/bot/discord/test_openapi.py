"""Every request of the bot is one that Discord's own API description allows."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from engine.errors import NonFinite
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import World
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.fakes import ScriptedRenderer

pytestmark = pytest.mark.skipif(
    not DESCRIPTION.exists(), reason="Discord's API description is not at hand (../shared)"
)


@pytest.fixture(scope="module")
def api() -> ApiDescription:
    """Read once: it is a megabyte."""
    return ApiDescription()


async def use_everything(world: World, painter: ScriptedRenderer) -> None:
    """Commands, buttons, kinds of messages and refusals, but those whose own tests look here."""
    painter.failures["broken"] = NonFinite("step 1")
    await paint(world, prompt="@everyone **a lake** 一座湖", seed=5, guidance=3.0, negative="x")
    await world.alice.autocomplete(world.channel, "reroll", "picture", "lake")
    await world.alice.slash(world.channel, "reroll", seed=5)
    await world.settled()
    await world.bob.click(world.message_with_picture(), label="Reroll")
    await world.settled()
    await paint(world, prompt="broken")
    painter.hold()
    await world.alice.slash(world.channel, "imagine", prompt="late")
    await world.state(5, "painting")
    world.clock.advance(60)
    painter.release()
    await world.settled()
    for number in range(5):
        await paint(world, prompt=f"number {number}")
    history = await world.alice.slash(world.channel, "history")
    await world.alice.click(history.response.message, label="Older")
    await world.alice.slash(world.channel, "quota")
    await world.admin.slash(world.channel, "admin quota set", who=world.bob, pictures=0)
    await world.admin.slash(world.channel, "admin quota show", who=world.bob)
    await world.admin.slash(world.channel, "admin quota default", pictures=99, hours=2)
    await world.bob.slash(world.channel, "imagine", prompt="refused")
    await world.admin.slash(world.channel, "admin quota clear", who=world.bob)
    single = world.message_with_picture()
    await use_pictures(world, single)
    panel = await world.more(world.alice, single)
    await world.alice.click(panel, label="Delete")


async def use_pictures(world: World, single: Any) -> None:
    """What can be done with one picture and with one of several: buttons, menus, forms, copies."""
    for label in ("Vary (subtle)", "Upscale"):
        await world.alice.click(single, label=label)
        await world.settled()
    panel = await world.more(world.alice, single)
    for label in ("Make it a favourite", "No favourite any more", "Copy to me by DM", "Details"):
        await world.alice.click(panel, label=label)
    form = await world.alice.click(panel, label="Remix")
    await world.alice.submit_modal(form, {"prompt": "a pond", "seed": "7"})
    await world.settled()
    await paint(world, prompt="a lake", count=2)
    several = world.channel.last_message
    first = min(row[0] for row in world.rows("SELECT id FROM pictures ORDER BY id DESC LIMIT 2"))
    await world.alice.select(several, [f"z1:original:{first}"])
    panel = await world.more(world.alice, several)
    await world.alice.select(panel, [f"z1:favour:{first}"])
    await world.alice.slash(world.channel, "remix", prompt="a hill")
    await paint(world, prompt="a hill", style="oil", speed="fast", enhance="full", private=True)
    await world.alice.slash(world.channel, "explain", prompt="a photo --style ink")


async def test_every_request_is_valid(world: World, painter: ScriptedRenderer, api: ApiDescription):
    """Commands, callbacks, edits and posts: no body breaks the description."""
    await use_everything(world, painter)
    checked: dict[str, int] = {}
    problems = []
    for request in world.env.http_requests:
        route = re.sub(r"\d{5,}", "N", f"{request.method} {request.path}")
        checked[route] = checked.get(route, 0) + 1
        problems += api.problems(request.method, request.path, request.json)
    assert problems == []
    assert sum(checked.values()) > 30
    assert any("PUT" in route for route in checked) and any("PATCH" in route for route in checked)


async def test_a_wrong_request_would_be_noticed(world: World, api: ApiDescription):
    """The check can fail: a long label, an unknown route, a text for a number."""
    await paint(world, prompt="a lake")
    edit = next(r for r in world.env.http_requests if r.method == "PATCH")
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
