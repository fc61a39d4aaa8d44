"""Hashes that are the same, or nearly so, for pictures that look the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.types import Raster
from engine.uploads import Upload, UploadLimits, decode

MAX_DISTANCE: Final = 8
"""Bits of 63 in which the same picture may differ. Of the tests' pictures, copies of low quality or
another size differ in at most 6 and other pictures in at least 13."""
_SIDE: Final = 32
_LOW: Final = 8
_FLAT: Final = 3.0
"""Standard deviation of the grey values, of 255, below which a picture shows too little: all such
pictures would be alike. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class PictureHash:
    """sha256: of the pixels. perceptual: 63 bits; None where the picture shows too little."""

    sha256: str
    perceptual: int | None

    def is_like(self, other: PictureHash) -> bool:
        """Return whether both are of the same picture, as far as one can see."""
        if self.sha256 == other.sha256:
            return True
        if self.perceptual is None or other.perceptual is None:
            return False
        return (self.perceptual ^ other.perceptual).bit_count() <= MAX_DISTANCE


def hash_of_file(data: bytes) -> PictureHash:
    """Return the hashes of a picture file. Blocking. Raises UploadRefused."""
    return hash_of(decode(data, UploadLimits()))


def hash_of(upload: Upload) -> PictureHash:
    """Return the hashes of a decoded picture. Blocking."""
    return PictureHash(upload.sha256, _perceptual(upload.raster))


def _perceptual(raster: Raster) -> int | None:
    """Return the signs of the lowest frequencies of the grey picture, around their median.

    The well-known perceptual hash by the discrete cosine transform, without its constant part.
    """
    image = Image.frombytes("RGB", (raster.width_px, raster.height_px), raster.rgb)
    small = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    grey = np.asarray(small, dtype=np.float64)
    if grey.std() < _FLAT:
        return None
    basis = _cosines()
    low = (basis @ grey @ basis.T).flatten()[1:]
    bits = low > np.median(low)
    return int("".join("1" if each else "0" for each in bits), 2)


@lru_cache(maxsize=1)
def _cosines() -> NDArray[np.float64]:
    """Return the first rows of the matrix of the discrete cosine transform."""
    frequencies, places = np.arange(_LOW)[:, None], np.arange(_SIDE)[None, :]
    return np.cos(np.pi * frequencies * (2 * places + 1) / (2 * _SIDE))
