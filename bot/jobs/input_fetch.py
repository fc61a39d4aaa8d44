"""The pictures that a request starts from, out of the data folder."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from engine import uploads
from engine.errors import InputMissing
from engine.types import ImageRequest, Raster
from storage.errors import StorageError
from storage.inputs import Inputs


def input_loader(
    inputs: Inputs, request: ImageRequest
) -> Callable[[], Awaitable[tuple[Raster, ...]]]:
    """A call that reads them when their job's turn has come. It raises InputMissing where one is
    gone or is not what it was."""

    async def fetch() -> tuple[Raster, ...]:
        return tuple([await _one(inputs, sha256) for sha256 in request.inputs])

    return fetch


async def _one(inputs: Inputs, sha256: str) -> Raster:
    try:
        data = await inputs.read(sha256)
        upload = await asyncio.to_thread(uploads.reopen, data, sha256)
    except (StorageError, uploads.UploadRefused) as error:
        raise InputMissing(sha256) from error
    return upload.raster
