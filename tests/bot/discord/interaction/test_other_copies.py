"""An answer of another copy of the bot is told from an earlier one of our own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import discord
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.delivery.alerts import AnotherCopy
from bot.discord.interaction import messages
from bot.discord.interaction.other_copies import OtherCopies
from bot.discord.views.custom_ids import ComponentAction, custom_id, ids_of
from storage.marks import DatabaseMark
from tests.bot.discord.harness import BotHarness
from tests.fakes import ScriptedRenderer

OURS, THEIRS = DatabaseMark("0a1b2c3d"), DatabaseMark("ffffffff")
CANCEL, REROLL = ComponentAction.CANCEL, ComponentAction.REROLL


def refusal(code: int = 40060) -> discord.HTTPException:
    """Return Discord's refusal of an answer."""
    refused = SimpleNamespace(status=400, reason="Bad Request")
    return discord.HTTPException(cast(Any, refused), {"code": code, "message": "no"})


class Owner:
    """Counts what the owner is told."""

    def __init__(self) -> None:
        self.told: list[AnotherCopy] = []

    def alert(self, alert: AnotherCopy) -> None:
        """Keep the alert."""
        self.told.append(alert)


@pytest.mark.parametrize(
    ("attempts", "error", "elsewhere"),
    [
        (1, refusal(), True),
        (2, refusal(), False),
        (5, refusal(), False),
        (0, refusal(), False),
        (1, refusal(10062), False),
        (1, OSError("reset"), False),
    ],
)
async def test_only_a_refused_first_attempt_is_proof(
    attempts: int, error: Exception, elsewhere: bool
) -> None:
    """Another copy answered if the only attempt was refused as a repetition."""
    owner = Owner()
    copies = OtherCopies(owner.alert)

    async def callback(_: web.Request) -> web.Response:
        return web.Response(status=400)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", callback)
    async with (
        TestServer(app) as server,
        aiohttp.ClientSession(trace_configs=[copies.trace()]) as session,
    ):
        for _ in range(attempts):
            await session.post(server.make_url("/api/v10/interactions/7/token/callback"))
        await session.post(server.make_url("/api/v10/interactions/8/token/callback"))
        await session.patch(server.make_url("/api/v10/webhooks/1/token/messages/@original"))
    assert copies.answered_first(7, error) is elsewhere
    assert copies.answered_first(7, error) is elsewhere
    assert len(owner.told) == int(elsewhere)


def answer(mark: DatabaseMark | None, action: ComponentAction, row_id: int) -> dict[str, Any]:
    """Return a message with one button of this database, inside a container."""
    if mark is None:
        text = f"z1:{action}:{row_id}"
    else:
        with ids_of(mark):
            text = custom_id(action, row_id)
    row = {"type": 1, "components": [{"type": 2, "custom_id": text}]}
    return {"id": "5", "content": "", "components": [{"type": 17, "components": [row]}]}


@pytest.mark.parametrize(
    ("message", "ours"),
    [
        (answer(OURS, CANCEL, 31), True),
        (answer(OURS, REROLL, 4), True),
        (answer(THEIRS, CANCEL, 31), False),
        (answer(OURS, CANCEL, 32), False),
        (answer(None, CANCEL, 31), False),
        ({"id": "5", "content": "You have used up your quota.", "components": []}, False),
        ({"id": "5", "content": "", "flags": 128, "components": []}, True),
        ({"id": "5", "components": [{"type": 2, "custom_id": "their own button"}]}, False),
        ({"id": "5"}, True),
    ],
)
def test_whose_answer_it_is(message: dict[str, Any], ours: bool) -> None:
    """An answer is ours unless it shows another database's button, another job, or a refusal."""
    with ids_of(OURS):
        assert messages.may_answer(message, 31) is ours


@pytest.mark.parametrize("painted", [False, True], ids=["waiting", "already painted"])
async def test_the_job_is_undone(
    harness: BotHarness, renderer: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch, painted: bool
) -> None:
    """If the answer turns out to be another program's, the job is refunded and shown nowhere."""
    send = discord.InteractionResponse.send_message

    async def second(self: Any, *args: Any, **kwargs: Any) -> Any:
        """Let another program answer first."""
        if painted:
            await harness.state(1, "painted")
        with ids_of(THEIRS):
            view = discord.ui.LayoutView()
            button = discord.ui.Button[Any](label="Cancel", custom_id=custom_id(CANCEL, 1))
            view.add_item(discord.ui.ActionRow(button))
            await send(self, view=view)
        self._response_type = None
        return await send(self, *args, **kwargs)

    if not painted:
        renderer.hold()
    monkeypatch.setattr(discord.InteractionResponse, "send_message", second)
    result = await harness.alice.slash(harness.channel, "imagine", prompt="one")
    renderer.release()
    await harness.settled()
    assert harness.rows("SELECT state FROM jobs") == [("cancelled",)] and harness.charged() == 0
    assert harness.rows("SELECT state FROM deliveries") == [("dropped",)]
    assert harness.rows("SELECT count(*) FROM pictures") == [(0,)]
    pictures = harness.settings.storage.data_dir / "pictures"
    assert [each for each in pictures.rglob("*.png") if each.is_file()] == []
    (message,) = harness.channel.history()
    assert message.id == result.response.id and not message.attachments
    assert THEIRS.text in str(message.components)
