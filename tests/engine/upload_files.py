"""Picture files as people upload them."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from engine.types import Raster
from engine.uploads import (
    Upload,
    UploadLimits,
)

LIMITS = UploadLimits()


RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


LOSSLESS = [("PNG", {}), ("WEBP", {"lossless": True})]


KINDS = [*LOSSLESS, ("JPEG", {"quality": 95}), ("WEBP", {"quality": 90})]


def saved(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def photo(width: int = 24, height: int = 16) -> Image.Image:
    """A smooth picture without any symmetry."""
    ys, xs = np.mgrid[0:height, 0:width]
    values = np.stack([xs * 255 // width, ys * 255 // height, (xs + 2 * ys) % 256], axis=-1)
    return Image.fromarray(values.astype(np.uint8))


def pixels(upload: Upload | Raster) -> np.ndarray:
    raster = upload.raster if isinstance(upload, Upload) else upload
    shape = (raster.height_px, raster.width_px, 3)
    return np.frombuffer(raster.rgb, np.uint8).reshape(shape)


def raster_of(image: Image.Image) -> Raster:
    return Raster(image.width, image.height, image.convert("RGB").tobytes())


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, bits: int, colours: int, data: bytes, *more: bytes) -> bytes:
    """Build a PNG by hand; `data` are its rows, each with a filter byte."""
    head = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    body = (chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def transparent(mode: str) -> bytes:
    """Red on the left half, transparent on the right."""
    image = Image.new("RGBA", (8, 4), (0, 0, 255, 0))
    image.paste((255, 0, 0, 255), (0, 0, 4, 4))
    if mode == "P":
        palette = Image.new("P", (8, 4), 1)
        palette.putpalette([255, 0, 0, 0, 0, 255])
        palette.paste(0, (0, 0, 4, 4))
        return saved(palette, transparency=1)
    if mode == "RGB":
        flat = Image.new("RGB", (8, 4), BLUE)
        flat.paste(RED, (0, 0, 4, 4))
        return saved(flat, transparency=BLUE)
    return saved(image, mode, **({"lossless": True} if mode == "WEBP" else {}))


def swapped_profile() -> bytes:
    """An sRGB profile with red and blue swapped."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {}
    for number in range(int.from_bytes(profile[128:132], "big")):
        at = 132 + 12 * number
        tags[bytes(profile[at : at + 4])] = at
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)
