"""The styles: what is done to a finished drawing."""

from typing import Final

import numpy as np
from PIL import Image, ImageFilter

_PIXEL_PX: Final = 4
"""Side of the squares of pixel art: half a latent, so that the autoencoder keeps their edges."""
_PIXEL_LEVELS: Final = 6
_LUMINANCE: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def restyled(pixels: np.ndarray, style: str, rng: np.random.Generator) -> np.ndarray:
    """Return a drawing (uint8, height × width × 3) in another style; "painting" leaves it alone."""
    match style:
        case "pixel":
            return _pixel_art(pixels)
        case "pencil":
            return _pencil(pixels)
        case "watercolour":
            return _watercolour(pixels, rng)
        case "neon":
            return _neon(pixels)
        case _:
            return pixels


def _pixel_art(pixels: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(pixels)
    small = picture.resize(
        (picture.width // _PIXEL_PX, picture.height // _PIXEL_PX), Image.Resampling.BOX
    )
    step = 255 / (_PIXEL_LEVELS - 1)
    few = np.round(np.asarray(small) / step) * step
    return few.astype(np.uint8).repeat(_PIXEL_PX, axis=0).repeat(_PIXEL_PX, axis=1)


def _blurred(values: np.ndarray, radius: float) -> np.ndarray:
    """Return an array in 0..1 (height × width, or × 3) blurred by a radius in px."""
    picture = Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255


def _edges(values: np.ndarray) -> np.ndarray:
    """Return how much neighbours differ, 0..1, for an array of height × width × channels."""
    across = np.abs(np.roll(values, -1, axis=1) - np.roll(values, 1, axis=1))
    down = np.abs(np.roll(values, -1, axis=0) - np.roll(values, 1, axis=0))
    for rows in (slice(0, 1), slice(-1, None)):
        across[:, rows], down[rows] = 0, 0
    return np.clip((across + down).max(axis=-1), 0, 1)


def _pencil(pixels: np.ndarray) -> np.ndarray:
    """Draw dark lines where colours meet, and hatch what is dark."""
    values = pixels.astype(np.float32) / 255
    grey = _blurred(values @ _LUMINANCE, 1.0)
    lines = np.clip(_edges(values) * 2.2 - 0.1, 0, 1)
    rows, columns = np.indices(grey.shape)
    hatch = (((rows + columns) % 6) < 2).astype(np.float32)
    shade = 0.22 * np.clip(0.9 - grey, 0, 1) + 0.20 * hatch * np.clip(0.62 - grey, 0, 1)
    paper = np.clip(0.97 - shade - 0.82 * lines, 0, 1)
    return (paper[..., None] * np.array([255, 253, 247])).astype(np.uint8)


def _watercolour(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Thin the colours, let them pool at edges, and leave a ragged margin of paper."""
    values = pixels.astype(np.float32) / 255
    soft = (
        np.asarray(Image.fromarray(pixels).filter(ImageFilter.MedianFilter(5)), dtype=np.float32)
        / 255
    )
    pooled = _blurred(_edges(values), 1.2)
    height, width = pooled.shape
    coarse = rng.uniform(0, 1, (max(2, height // 28), max(2, width // 28)))
    blotches = (
        np.asarray(
            Image.fromarray((coarse * 255).astype(np.uint8)).resize(
                (width, height), Image.Resampling.BICUBIC
            ),
            dtype=np.float32,
        )
        / 255
    )
    thin = 1 - (1 - soft) * (0.62 + 0.26 * blotches[..., None])
    thin = thin - 0.18 * pooled[..., None]
    y = np.minimum(np.arange(height), np.arange(height)[::-1])[:, None]
    x = np.minimum(np.arange(width), np.arange(width)[::-1])[None]
    margin = np.clip((np.minimum(y, x) - 6 - 12 * blotches) / 5, 0, 1)[..., None]
    paper = np.array([0.99, 0.98, 0.95])
    return (np.clip(paper + (thin - paper) * margin, 0, 1) * 255).astype(np.uint8)


def _neon(pixels: np.ndarray) -> np.ndarray:
    """Leave the dark, and let the outlines glow in the brightest form of their colours."""
    values = pixels.astype(np.float32) / 255
    smooth = _blurred(values, 0.8)
    strength = np.clip(_edges(smooth) * 1.9 - 0.12, 0, 1)[..., None]
    around = (
        np.asarray(Image.fromarray(pixels).filter(ImageFilter.MaxFilter(5)), dtype=np.float32) / 255
    )
    low, high = around.min(axis=-1, keepdims=True), around.max(axis=-1, keepdims=True)
    vivid = np.clip((around - 0.75 * low) / np.maximum(high - 0.75 * low, 0.08), 0, 1)
    lines = vivid * strength
    glow = _blurred(lines, 5.0) * 1.3
    ground = np.array([0.05, 0.02, 0.12]) + 0.10 * values
    return (np.clip(ground + lines + glow, 0, 1) * 255).astype(np.uint8)
