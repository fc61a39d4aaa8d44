"""The DiscordMessenger in situations that the tests of commands do not reach."""

from __future__ import annotations

import aiohttp
import pytest

from bot.delivery.messenger import TemporaryFailure
from bot.discord.messenger import _translate_errors  # pyright: ignore[reportPrivateUsage]


async def test_a_connection_that_has_ended_is_no_defect() -> None:
    """A request on a closed session is a temporary failure, so delivery is retried."""
    session = aiohttp.ClientSession()
    await session.close()
    with pytest.raises(TemporaryFailure, match="ended"):
        await _translate_errors(session.get("http://127.0.0.1:9/"))


async def test_other_errors_stay_what_they_are() -> None:
    """Other runtime errors are not mistaken for connection trouble."""

    async def broken() -> None:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        await _translate_errors(broken())
