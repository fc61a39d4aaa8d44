"""Fixtures for tests of the bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.bot.delivery_harness import DeliveryHarness
from tests.databases import place_new_database


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[DeliveryHarness]:
    """A delivery on a fresh database."""
    place_new_database(tmp_path / "zimagine.db")
    async with await Database.open(tmp_path / "zimagine.db") as db:
        yield DeliveryHarness(db, tmp_path)
