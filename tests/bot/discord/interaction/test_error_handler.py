"""The central error handler in situations that the tests of commands do not reach."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest
from structlog.testing import capture_logs

from bot.discord.interaction.error_handler import explain
from bot.discord.interaction.other_copies import OtherCopies
from storage.errors import StorageError

NOTICES = {40060: [], 50083: [], 10062: [], 10003: [], 10004: [], 50013: ["told"]}


@pytest.mark.parametrize("code", NOTICES)
async def test_what_discord_refuses_is_not_always_an_error(code: int) -> None:
    """A response that was already given, or that nobody can see any more, is no error; any other
    refusal is shown and logged."""
    notices: list[str] = []

    async def send(*_: object, **__: object) -> None:
        notices.append("told")

    response = SimpleNamespace(send_message=send, is_done=lambda: False)
    kind = discord.InteractionType.component
    interaction = SimpleNamespace(
        id=5, locale="en-US", response=response, type=kind, client=None, guild_id=None
    )
    services = SimpleNamespace(other_copies=OtherCopies(lambda *_: None))
    refused = SimpleNamespace(status=400, reason="Bad Request")
    error = discord.HTTPException(cast(Any, refused), {"code": code, "message": "no"})
    with capture_logs() as logged:
        await explain(cast(Any, interaction), error, cast(Any, services))
    assert notices == NOTICES[code]
    assert [each["log_level"] for each in logged] == ["error" if NOTICES[code] else "warning"]


async def test_a_typed_prompt_is_given_back() -> None:
    """After an unexpected error, the prompt of a form is in the notice: Discord has discarded the
    form."""
    notices: list[str] = []

    async def send(text: str, **_: object) -> None:
        notices.append(text)

    field = {"custom_id": "prompt", "value": "a very long thought"}
    interaction = SimpleNamespace(
        id=5,
        locale="en-US",
        response=SimpleNamespace(send_message=send, is_done=lambda: False),
        type=discord.InteractionType.modal_submit,
        client=None,
        guild_id=None,
        data={"components": [{"components": [field]}]},
    )
    for error in (ValueError(), StorageError("full")):
        await explain(cast(Any, interaction), error, cast(Any, SimpleNamespace()))
    assert len(notices) == 2 and all("a very long thought" in each for each in notices)
