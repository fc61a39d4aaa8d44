"""Thumbnails of stored pictures, made when they are asked for and kept in memory."""

from __future__ import annotations

import asyncio
import io
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import structlog
from PIL import Image

from storage.errors import UnsafePath
from storage.files import PictureFiles
from storage.types import StoredPicture

log = structlog.get_logger(__name__)

THUMBNAIL_SIDE_PX: Final = 256
"""The longest side, sharp on the dense display of a phone. Chosen by hand."""
KEPT_THUMBNAILS: Final = 512
"""In memory, at 4 to 20 KB each. Chosen by hand."""
MADE_AT_ONCE: Final = 2
"""Pictures decoded at the same time, each with all of its pixels in memory. Chosen by hand."""
QUALITY: Final = 80
_DRAFT: Final = 2.0
"""Whole pixels are averaged down to this many times the size first, which is fast."""


class Thumbnails:
    """A cache of thumbnails, least recently used first out. Nothing is written to the disk.

    So whatever retention or a member deletes leaves no thumbnail behind.
    """

    def __init__(self, files: PictureFiles) -> None:
        self._files = files
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._wanted: set[str] = set()
        self._making = asyncio.Semaphore(MADE_AT_ONCE)

    async def of(self, pictures: Sequence[StoredPicture]) -> dict[int, bytes]:
        """Return the JPEG of each picture by its id, without those whose file is gone or damaged.

        One that is not kept takes 20 ms at 512×512 and 150 ms at 2048×2048 on two cores: a PNG
        has to be decoded as a whole.
        """
        made = await asyncio.gather(*map(self._thumbnail, pictures))
        return {
            picture.id: data
            for picture, data in zip(pictures, made, strict=True)
            if data is not None
        }

    def forget(self, files: Sequence[str]) -> None:
        """Drop the thumbnails of these files, also those that are being made."""
        for file in files:
            self._kept.pop(file, None)
            self._wanted.discard(file)

    async def _thumbnail(self, picture: StoredPicture) -> bytes | None:
        file = picture.file
        if not picture.on_disk:
            return None
        async with self._making:
            if file in self._kept:
                self._kept.move_to_end(file)
                return self._kept[file]
            self._wanted.add(file)
            data = await asyncio.to_thread(self._make, file)
        if data is not None and file in self._wanted:
            self._kept[file] = data
            while len(self._kept) > KEPT_THUMBNAILS:
                self._kept.popitem(last=False)
        self._wanted.discard(file)
        return data

    def _make(self, file: str) -> bytes | None:
        try:
            return make_thumbnail(self._files.path(file).read_bytes())
        except (FileNotFoundError, UnsafePath):
            return None
        except Exception as error:  # a damaged file makes the library raise nearly anything
            log.warning("no thumbnail", file=file, detail=str(error)[:200])
            return None


def make_thumbnail(data: bytes) -> bytes:
    """Return a stored picture as a JPEG of at most THUMBNAIL_SIDE_PX. Blocking.

    data: a PNG. Raises OSError, or nearly anything else, if it is none or damaged.
    """
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        side_px = (THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX)
        image.thumbnail(side_px, Image.Resampling.LANCZOS, reducing_gap=_DRAFT)
        out = io.BytesIO()
        image.convert("RGB").save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
