"""Rasters as arrays, and how far two of them differ."""

from __future__ import annotations

import numpy as np

from engine.types import Painted, Raster


def array(raster: Raster) -> np.ndarray:
    """Return height × width × 3, 0..255."""
    return np.frombuffer(raster.rgb, np.uint8).reshape(raster.height_px, raster.width_px, 3)


def difference(one: Painted | Raster, other: Painted | Raster) -> float:
    """Return the mean difference of two pictures, in levels."""
    a, b = (array(each.raster if isinstance(each, Painted) else each) for each in (one, other))
    return float(np.abs(a.astype(float) - b.astype(float)).mean())


def furthest(one: Raster, other: np.ndarray) -> int:
    """Return by how many levels of 255 the value that differs most does."""
    return int(np.abs(array(one).astype(int) - other.astype(int)).max())


def raster(pixels: np.ndarray) -> Raster:
    """Return a picture of these pixels."""
    height, width, _ = pixels.shape
    return Raster(width, height, np.ascontiguousarray(pixels, np.uint8).tobytes())
