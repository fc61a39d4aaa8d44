"""Thumbnails of stored pictures, made when these are painted, or at the first look, and kept."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from typing import Final

import structlog
from PIL import Image

from engine.types import Raster
from storage.errors import StorageError
from storage.files import PictureFiles
from storage.types import StoredPicture

log = structlog.get_logger(__name__)

THUMBNAIL_SIDE_PX: Final = 256
"""The longest side, sharp on the dense display of a phone. Chosen by hand."""
MADE_AT_ONCE: Final = 2
"""Pictures decoded at the same time, each with all of its pixels in memory. Chosen by hand."""
QUALITY: Final = 80
_DRAFT: Final = 2.0
"""Whole pixels are averaged down to this many times the size first, which is fast."""
_BEGIN: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
"""The first and the last bytes of a whole JPEG."""


class Thumbnails:
    """Reads the thumbnails beside the pictures, and makes those that are missing.

    That is so for pictures of earlier versions, and where the disk was full. They lie below the
    data folder and go with their pictures (storage.files).
    """

    def __init__(self, files: PictureFiles) -> None:
        self._files = files
        self._making = asyncio.Semaphore(MADE_AT_ONCE)

    async def of(self, pictures: Sequence[StoredPicture]) -> dict[int, bytes]:
        """Return the JPEG of each picture by its id, without those whose file is gone or damaged.

        Making one that is missing takes 20 ms at 512×512 and 150 ms at 2048×2048 on two cores: a
        PNG has to be decoded as a whole.
        """
        there = [each for each in pictures if each.on_disk]
        found = await asyncio.to_thread(self._kept, there)
        missing = [each for each in there if each.id not in found]
        made = await asyncio.gather(*map(self._made, missing))
        found |= {
            picture.id: data
            for picture, data in zip(missing, made, strict=True)
            if data is not None
        }
        return found

    def _kept(self, pictures: Sequence[StoredPicture]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for picture in pictures:
            try:
                data = self._files.read_thumbnail(picture.file)
            except StorageError as error:
                log.warning("thumbnail not read", file=picture.file, detail=str(error))
                continue
            if data is not None and data.startswith(_BEGIN) and data.endswith(_END):
                found[picture.id] = data
        return found

    async def _made(self, picture: StoredPicture) -> bytes | None:
        async with self._making:
            return await asyncio.to_thread(self._make, picture.file)

    def _make(self, file: str) -> bytes | None:
        try:
            data = make_thumbnail(self._files.path(file).read_bytes())
        except FileNotFoundError:
            return None
        except Exception as error:  # a damaged file makes the library raise nearly anything
            log.warning("no thumbnail", file=file, detail=str(error)[:200])
            return None
        _keep(self._files, file, data)
        return data


def keep_thumbnail(files: PictureFiles, file: str, raster: Raster) -> None:
    """Make and keep the thumbnail of a picture that was just written. Blocking.

    Never raises: what cannot be kept now is made at the first look.
    """
    try:
        image = Image.frombytes("RGB", (raster.width_px, raster.height_px), raster.rgb)
        data = _thumbnail(image)
    except Exception as error:
        log.warning("no thumbnail", file=file, detail=str(error)[:200])
        return
    _keep(files, file, data)


def make_thumbnail(data: bytes) -> bytes:
    """Return a stored picture as a JPEG of at most THUMBNAIL_SIDE_PX. Blocking.

    data: a PNG. Raises OSError, or nearly anything else, if it is none or damaged.
    """
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        return _thumbnail(image)


def _thumbnail(image: Image.Image) -> bytes:
    side_px = (THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX)
    image.thumbnail(side_px, Image.Resampling.LANCZOS, reducing_gap=_DRAFT)
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _keep(files: PictureFiles, file: str, data: bytes) -> None:
    try:
        files.write_thumbnail(file, data)
    except StorageError as error:
        log.warning("thumbnail not kept", file=file, detail=str(error))
