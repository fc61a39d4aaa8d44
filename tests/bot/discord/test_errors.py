"""The one place where errors become words, where the commands' tests do not lead."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest
from structlog.testing import capture_logs

from bot.discord.errors import explain

SAID = {40060: [], 50013: ["told"]}


@pytest.mark.parametrize("code", SAID)
async def test_an_answer_that_arrived_at_the_first_try_is_no_error(code: int) -> None:
    """Discord says of discord.py's second try that the first one stands: nobody is told of an
    error, and none is logged; any other refusal is both."""
    told: list[str] = []

    async def send(*_: object, **__: object) -> None:
        told.append("told")

    response = SimpleNamespace(send_message=send, is_done=lambda: False)
    interaction = SimpleNamespace(id=5, locale="en-US", response=response)
    refused = SimpleNamespace(status=400, reason="Bad Request")
    error = discord.HTTPException(cast(Any, refused), {"code": code, "message": "no"})
    with capture_logs() as logged:
        await explain(cast(Any, interaction), error)
    assert told == SAID[code]
    assert [each["log_level"] for each in logged] == ["warning" if code == 40060 else "error"]
