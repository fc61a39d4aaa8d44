"""Stored source images are read back unchanged, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.jobs.engine_jobs import input_loader
from engine.errors import InputMissing
from engine.types import Mode, Raster
from engine.uploads import Upload, canonical
from storage.database import Database
from storage.inputs import Inputs
from storage.types import utc_now
from tests.fakes import a_request

PICTURE = Upload.of(Raster(2, 2, bytes(range(12))))
REQUEST = a_request(mode=Mode.IMAGE, inputs=(PICTURE.sha256,), strength=0.5)


@pytest.fixture
async def inputs(tmp_path: Path) -> AsyncIterator[Inputs]:
    """Open an empty input store."""
    async with await Database.open(tmp_path / "data" / "zimagine.db") as db:
        yield Inputs(db, utc_now)


async def test_the_same_pixels_come_back(inputs: Inputs) -> None:
    """The renderer gets exactly the stored pixels."""
    await inputs.write(canonical(PICTURE), PICTURE.sha256)
    assert await input_loader(inputs, REQUEST)() == (PICTURE.raster,)
    assert await input_loader(inputs, a_request())() == ()


async def test_what_is_gone_is_said(inputs: Inputs) -> None:
    """A missing file is an error that names its hash."""
    with pytest.raises(InputMissing) as caught:
        await input_loader(inputs, REQUEST)()
    assert caught.value.sha256 == PICTURE.sha256


async def test_another_picture_is_not_taken_for_it(inputs: Inputs) -> None:
    """A file whose pixels were modified counts as missing."""
    other = Upload.of(Raster(2, 2, bytes(12)))
    await inputs.write(canonical(other), PICTURE.sha256)
    with pytest.raises(InputMissing):
        await input_loader(inputs, REQUEST)()
