"""Sample pictures of models: the files that the owner named, made small for a list."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog
from PIL import Image

from bot.pictures.thumbnails import THUMBNAIL_SIDE_PX
from bot.request.models import OfferedModel

log = structlog.get_logger(__name__)

MAX_FILE_BYTES: Final = 20 * 2**20
MAX_SAMPLE_PIXELS: Final = 20_000_000
"""Of a sample picture: far more than a list can show. Chosen by hand, like its bytes."""
_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_QUALITY: Final = 80


class ModelSamples:
    """Small JPEGs of sample pictures, each made once and kept."""

    def __init__(self) -> None:
        self._kept: dict[Path, bytes | None] = {}

    async def of(self, models: Iterable[OfferedModel]) -> dict[str, bytes]:
        """Return the picture of each model by its name, without those that have none that can be
        read; why not is logged once."""
        found: dict[str, bytes] = {}
        for model in models:
            if model.sample is None:
                continue
            if model.sample not in self._kept:
                self._kept[model.sample] = await asyncio.to_thread(_read, model.name, model.sample)
            data = self._kept[model.sample]
            if data is not None:
                found[model.name] = data
        return found


def _read(name: str, file: Path) -> bytes | None:
    try:
        return small_sample(file)
    except Exception as error:  # a damaged file makes the library raise nearly anything
        log.warning("no sample picture", model=name, file=str(file), detail=str(error)[:200])
        return None


def small_sample(file: Path) -> bytes:
    """Return a picture file as a JPEG of at most THUMBNAIL_SIDE_PX. Blocking.

    Raises OSError, or nearly anything else, if it is none, damaged or too large.
    """
    if file.stat().st_size > MAX_FILE_BYTES:
        raise OSError(f"it is larger than {MAX_FILE_BYTES // 2**20} MiB")
    with Image.open(file, formats=_FORMATS) as image:
        if image.width * image.height > MAX_SAMPLE_PIXELS:
            raise OSError(f"it has more than {MAX_SAMPLE_PIXELS // 10**6} megapixels")
        side_px = (THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX)
        image.thumbnail(side_px, Image.Resampling.LANCZOS)
        out = io.BytesIO()
        image.convert("RGB").save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
