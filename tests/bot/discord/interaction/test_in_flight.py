"""A restart leaves no interaction unanswered."""

from __future__ import annotations

import asyncio

import pytest

from bot.accounts.permissions import Actor
from bot.accounts.quota_settings import QuotaService
from bot.discord.interaction.in_flight import InFlightInteractions
from storage.types import QuotaStatus
from tests.bot.discord.harness import BotHarness


async def test_a_stop_waits_for_those_who_are_being_answered(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """A command that came just before the stop is answered before the client closes."""
    asked, go_on = asyncio.Event(), asyncio.Event()
    own = QuotaService.own

    async def slow(self: QuotaService, person: Actor) -> QuotaStatus:
        asked.set()
        await go_on.wait()
        return await own(self, person)

    monkeypatch.setattr(QuotaService, "own", slow)
    asking = asyncio.create_task(harness.alice.slash(harness.channel, "quota"))
    await asked.wait()
    client = harness.app.client
    stopping = asyncio.create_task(harness.stop())
    await asyncio.sleep(0.1)
    assert not stopping.done() and not client.is_closed()
    go_on.set()
    assert "Your quota" in harness.texts((await asking).response.message)
    await stopping
    assert client.is_closed()
    await harness.start()


async def test_what_takes_too_long_is_cancelled():
    """A stop cancels responses that take too long and waits until they have ended."""
    in_flight, ended = InFlightInteractions(), asyncio.Event()

    async def answer() -> None:
        in_flight.begin()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    task = asyncio.create_task(answer())
    await asyncio.sleep(0)
    await in_flight.finish(0.01)
    assert ended.is_set() and task.cancelled()
    await in_flight.finish(0.01)  # nothing is in flight
