"""Fixtures for tests of reports and blocks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.bot.moderation_harness import ModerationHarness


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[ModerationHarness]:
    """An empty database."""
    async with await Database.open(tmp_path / "data" / "zimagine.db") as db:
        yield ModerationHarness(db, tmp_path / "data")
