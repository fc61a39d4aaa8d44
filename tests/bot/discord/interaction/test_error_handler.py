"""The central error handler in situations that the tests of commands do not reach."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest
from structlog.testing import capture_logs

from bot.discord.interaction.error_handler import explain
from bot.discord.interaction.other_copies import OtherCopies

NOTICES = {40060: [], 50083: [], 10062: [], 10003: [], 10004: [], 50013: ["told"]}


@pytest.mark.parametrize("code", NOTICES)
async def test_what_discord_refuses_is_not_always_an_error(code: int) -> None:
    """A response that was already given, or that nobody can see any more, is no error; any other
    refusal is shown and logged."""
    notices: list[str] = []

    async def send(*_: object, **__: object) -> None:
        notices.append("told")

    response = SimpleNamespace(send_message=send, is_done=lambda: False)
    interaction = SimpleNamespace(id=5, locale="en-US", response=response)
    services = SimpleNamespace(other_copies=OtherCopies(lambda *_: None))
    refused = SimpleNamespace(status=400, reason="Bad Request")
    error = discord.HTTPException(cast(Any, refused), {"code": code, "message": "no"})
    with capture_logs() as logged:
        await explain(cast(Any, interaction), error, cast(Any, services))
    assert notices == NOTICES[code]
    assert [each["log_level"] for each in logged] == ["error" if NOTICES[code] else "warning"]
