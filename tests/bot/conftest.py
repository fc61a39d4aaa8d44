"""Fixtures for tests of the bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.bot.delivery_harness import DeliveryHarness


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[DeliveryHarness]:
    """A delivery on a fresh database."""
    async with await Database.open(tmp_path / "zimagine.db") as db:
        yield DeliveryHarness(db, tmp_path)
