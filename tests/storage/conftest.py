"""Fixtures of the tests of storage."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.storage.fakes import Stores


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "zimagine.db"


@pytest.fixture
async def stores(database_file: Path) -> AsyncIterator[Stores]:
    opened = await Stores.open(database_file)
    yield opened
    await opened.db.close()
