"""Fixtures of the tests of storage."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.storage.fakes import Shelf


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "zimagine.db"


@pytest.fixture
async def shelf(database_file: Path) -> AsyncIterator[Shelf]:
    opened = await Shelf.open(database_file)
    yield opened
    await opened.db.close()
