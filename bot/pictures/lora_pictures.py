"""The sample pictures that lie beside LoRAs, small enough for a list."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog
from PIL import Image

from bot.pictures.thumbnails import QUALITY, THUMBNAIL_SIDE_PX
from bot.request.loras import LoraCatalog
from engine.errors import EngineError
from engine.uploads import UploadLimits, decode

log = structlog.get_logger(__name__)

LIMITS: Final = UploadLimits(bytes=20 * 2**20, pixels=20_000_000)
"""Of a sample picture: several times what programs that paint them write. Chosen by hand."""
KEPT: Final = 256
"""In memory, at 4 to 20 KB each. Chosen by hand."""

_Stamp = tuple[Path, int, int]


class LoraPictures:
    """A cache of thumbnails, by path, size and time of the files; nothing is written to the disk.

    A file that cannot be shown is left out with a line in the log, once until it changes.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[_Stamp | str, bytes | None]] = {}
        self._making = asyncio.Lock()

    async def of(self, names: Iterable[str], catalog: LoraCatalog) -> dict[str, bytes]:
        """Return the JPEG of each LoRA that has a sample picture, by its name. catalog: theirs."""
        # One after another: a large picture takes ten times its size in memory while it is decoded.
        async with self._making:
            return await asyncio.to_thread(self._all, tuple(names), catalog)

    def _all(self, names: tuple[str, ...], catalog: LoraCatalog) -> dict[str, bytes]:
        found = {name: self._thumbnail(name, catalog) for name in names}
        return {name: data for name, data in found.items() if data is not None}

    def _thumbnail(self, name: str, catalog: LoraCatalog) -> bytes | None:
        try:
            path = catalog.picture(name)
            if path is None:
                return None
            about = path.stat()
        except (EngineError, OSError) as error:
            return self._keep(name, str(error), None, problem=str(error))
        stamp = (path, about.st_size, about.st_mtime_ns)
        known = self._kept.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            return self._keep(name, stamp, _thumbnail(path))
        except Exception as error:  # a damaged file makes the library raise nearly anything
            return self._keep(name, stamp, None, problem=f"{path.name}: {error}")

    def _keep(
        self, name: str, stamp: _Stamp | str, data: bytes | None, *, problem: str = ""
    ) -> bytes | None:
        known = self._kept.pop(name, None)
        if problem and (known is None or known[0] != stamp):
            log.warning("no sample picture of a LoRA", lora=name, detail=problem[:200])
        while len(self._kept) >= KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[name] = (stamp, data)
        return data


def _thumbnail(path: Path) -> bytes:
    """Return a picture file as a small JPEG. Raises OSError, UploadRefused."""
    with path.open("rb") as file:
        raster = decode(file.read(LIMITS.bytes + 1), LIMITS).raster
    image = Image.frombytes("RGB", (raster.width_px, raster.height_px), raster.rgb)
    image.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
