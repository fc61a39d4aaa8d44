"""Uploaded pictures, decoded with limits; only their pixels are kept.

UploadRefused         base: a code, and the data that a sentence about it needs
├── UploadTooLarge    more bytes than the limit
├── TooManyPixels     more pixels than the limit by its header; nothing was decoded
├── BadFormat         anything known, but not PNG, JPEG or WebP
└── NotAPicture       not a picture, or a damaged one
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from engine.errors import EngineError
from engine.file_formats import FileKind, format_of
from engine.layers import Layers, layers, orientation, transparency
from engine.png import pixels_sha256
from engine.types import Ground, Raster, SourceChange, SourceChangeKind


class UploadRefused(EngineError):
    """The upload cannot be used; `data` is what a sentence about it needs."""

    code = "upload_refused"

    def __init__(self, sentence: str, data: Mapping[str, int | str]) -> None:
        super().__init__(sentence)
        self.data = data


class UploadTooLarge(UploadRefused):
    """The file has `size_bytes` bytes where `limit_bytes` are allowed."""

    code = "upload_too_large"

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        data = {"size_bytes": size_bytes, "limit_bytes": limit_bytes}
        super().__init__(f"the file has {size_bytes} bytes, the limit is {limit_bytes}", data)
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class TooManyPixels(UploadRefused):
    """The picture has `width_px` × `height_px` pixels where `limit_pixels` are allowed in total."""

    code = "upload_too_many_pixels"

    def __init__(self, width_px: int, height_px: int, limit_pixels: int) -> None:
        data = {"width_px": width_px, "height_px": height_px, "limit_pixels": limit_pixels}
        super().__init__(f"{width_px}×{height_px} pixels, the limit is {limit_pixels}", data)
        self.width_px = width_px
        self.height_px = height_px
        self.limit_pixels = limit_pixels


class BadFormat(UploadRefused):
    """The file's format ("GIF", "MP4") is not accepted; `kind` is what it holds."""

    code = "upload_bad_format"

    def __init__(self, format: str, kind: FileKind = FileKind.PICTURE) -> None:
        super().__init__(f"{format} is none of {', '.join(FORMATS)}", {"format": format})
        self.format = format
        self.kind = kind


class NotAPicture(UploadRefused):
    """The file is not a picture, or it is damaged: `detail` is a technical sentence."""

    code = "upload_not_a_picture"

    def __init__(self, detail: str) -> None:
        super().__init__(f"this is not a sound picture: {detail}", {"detail": detail})
        self.detail = detail


FORMATS: Final = ("PNG", "JPEG", "WebP")
"""The accepted formats, recognised by content; a file name or a declared type is ignored."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Limits of an upload: bytes of the file, pixels of its first frame."""

    bytes: int = 25 * 2**20
    pixels: int = 50_000_000


@dataclass(frozen=True, slots=True)
class Upload:
    """A decoded picture; `sha256` is of its pixels and size, independent of the file.

    changes: what decoding made of the file that its sender may not expect.
    """

    raster: Raster
    sha256: str
    changes: tuple[SourceChange, ...] = ()

    @classmethod
    def of(cls, raster: Raster, changes: tuple[SourceChange, ...] = ()) -> Upload:
        """Make an upload of pixels that were changed since, for instance by fit(). Blocking."""
        return cls(raster, pixels_sha256(raster), changes)


def decode(data: bytes, limits: UploadLimits, *, on_white: bool = False) -> Upload:
    """Decode a picture: its first frame, upright, in 8-bit sRGB, on a ground. Blocking.

    The ground of transparent parts is white, unless a white picture would be lost on it. on_white:
    it is white even then, as it was before there was a choice.

    Raises an UploadRefused, whatever the bytes are. 50 megapixels take 1.2 GB while decoding.
    """
    with _loaded(data, limits) as image:
        flat, ground = layers(image).flattened(on_white=on_white)
        raster = _raster(flat)
        changes = tuple(_changes(image, ground))
    return Upload.of(raster, changes)


def decode_layers(data: bytes, limits: UploadLimits) -> Layers:
    """Decode a picture as decode() does, but keep its colours and transparency apart. Blocking."""
    with _loaded(data, limits) as image:
        return layers(image)


def orientation_of(data: bytes, limits: UploadLimits) -> int:
    """Return the EXIF orientation of a picture, 1 to 8. Raises as decode() does. Blocking."""
    with _loaded(data, limits) as image:
        return orientation(image)


def stored_pixels(data: bytes, limits: UploadLimits) -> NDArray[np.uint8] | None:
    """Return the first frame of a picture exactly as it is stored (height × width × 3 or 4).

    None if its pixels are of any other kind. Raises as decode() does. Blocking.
    """
    with _loaded(data, limits) as image:
        return np.asarray(image) if image.mode in ("RGB", "RGBA") else None


def holes(data: bytes, limits: UploadLimits) -> Image.Image | None:
    """Return where a picture that decode() accepts is transparent (L, 255 = clear).

    None where it has no transparency. Raises as decode() does. Blocking.
    """
    with _loaded(data, limits) as image:
        alpha = transparency(image)
        return None if alpha is None else ImageOps.invert(alpha)


@contextmanager
def _loaded(data: bytes, limits: UploadLimits) -> Iterator[ImageFile]:
    """Open and load a picture; whatever goes wrong with it is raised as an UploadRefused."""
    if len(data) > limits.bytes:
        raise UploadTooLarge(len(data), limits.bytes)
    try:
        with _open(data, limits.pixels) as image:
            image.load()
            yield image
    except (UploadRefused, MemoryError):  # out of memory says nothing about the picture
        raise
    except Exception as error:  # a damaged file makes the library raise nearly anything
        raise NotAPicture(str(error) or type(error).__name__) from None


def _changes(image: ImageFile, ground: Ground) -> Iterator[SourceChange]:
    if ground is not Ground.WHITE:
        yield SourceChange(SourceChangeKind.GROUND, ground)
    if getattr(image, "is_animated", False):
        yield SourceChange(SourceChangeKind.FIRST_FRAME)


def reopen(data: bytes, sha256: str) -> Upload:
    """Read back what canonical() wrote; NotAPicture unless the pixels are the same. Blocking."""
    # The limits were applied when it was sent, and may be narrower by now.
    upload = decode(data, UploadLimits(len(data), len(data) * _MOST_PIXELS_PER_BYTE))
    if upload.sha256 != sha256:
        raise NotAPicture(f"its pixels have the hash {upload.sha256}, not {sha256}")
    return upload


def canonical(upload: Upload) -> bytes:
    """Return a PNG of these pixels and nothing else, always the same bytes. Blocking."""
    out = io.BytesIO()
    _image(upload.raster).save(out, "PNG", compress_level=_COMPRESS_LEVEL)
    return out.getvalue()


def fit(raster: Raster, width_px: int, height_px: int) -> Raster:
    """Return the picture in exactly this size: scaled to cover it, then cropped to the centre.

    Raises ValueError for a size below 1. Blocking.
    """
    return _raster(_fitted(_image(raster), width_px, height_px, Image.Resampling.LANCZOS))


def mask_of(raster: Raster, width_px: int, height_px: int) -> bytes:
    """Return where to repaint, fitted as fit() does: height_px × width_px bytes, 255 = yes, 0 = no.

    This is the luminance of the picture: white is repainted, black kept, grey in between. Raises
    ValueError for a size below 1. Blocking.
    """
    # Not Lanczos: it rings, and would repaint slightly where the mask is black.
    grey = _image(raster).convert("L")
    return _fitted(grey, width_px, height_px, Image.Resampling.BILINEAR).tobytes()


_COMPRESS_LEVEL: Final = 1
"""Measured at 24 megapixels: level 6 takes four times as long, for a file an eighth smaller."""

_MOST_PIXELS_PER_BYTE: Final = 344
"""The most that Deflate can make of one byte is 1032 bytes, and a pixel has three."""

_MOST_SCANS: Final = 100
"""Chosen by hand: a progressive JPEG has about ten; previews and further pictures count apart."""

_OPENERS: Final[Mapping[str, type[ImageFile]]] = {
    "PNG": PngImageFile,
    "JPEG": JpegImageFile,
    "WebP": WebPImageFile,
}


def _open(data: bytes, limit_pixels: int) -> ImageFile:
    """Open the picture with only its header decoded, and apply the limit to it."""
    name = _format_of(data)
    # WebP's decoder allocates its canvas as soon as it is opened.
    if name == "WebP":
        _check_pixels(webp_size(data), limit_pixels)
    # Each scan goes over all pixels again: small files would take minutes.
    if name == "JPEG" and (scans := data.count(b"\xff\xda")) > _MOST_SCANS:
        raise NotAPicture(f"it has {scans} scans")
    # Not Image.open(): it would warn or refuse by a limit of the whole process, report no size, and
    # pass a JPEG with several pictures to yet another parser.
    image = _OPENERS[name](io.BytesIO(data))
    try:
        _check_pixels(image.size, limit_pixels)
    except BaseException:
        image.close()
        raise
    return image


def _format_of(data: bytes) -> str:
    found = format_of(data)
    if found is None:
        raise NotAPicture("it begins like no picture" if data else "it is empty")
    if found.name not in _OPENERS:
        raise BadFormat(found.name, found.kind)
    return found.name


def webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height of a WebP's canvas in pixels, from its first chunk.

    Raises NotAPicture if it says none.
    """
    kind, head = data[12:16], data[20:30]
    if len(head) == 10:
        if kind == b"VP8X":
            width, height = (int.from_bytes(head[at : at + 3], "little") for at in (4, 7))
            return width + 1, height + 1
        if kind == b"VP8L" and head[0] == 0x2F:
            bits = int.from_bytes(head[1:5], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        if kind == b"VP8 " and head[3:6] == b"\x9d\x01\x2a":
            width, height = struct.unpack("<HH", head[6:10])
            return width & 0x3FFF, height & 0x3FFF
    raise NotAPicture("its header says no size")


def _check_pixels(size: tuple[int, int], limit_pixels: int) -> None:
    width_px, height_px = size
    if width_px < 1 or height_px < 1:
        raise NotAPicture(f"it has {width_px}×{height_px} pixels")
    if width_px * height_px > limit_pixels:
        raise TooManyPixels(width_px, height_px, limit_pixels)


def _fitted(
    image: Image.Image, width_px: int, height_px: int, resampling: Image.Resampling
) -> Image.Image:
    if width_px < 1 or height_px < 1:
        raise ValueError(f"{width_px}×{height_px} is no size of a picture")
    return ImageOps.fit(image, (width_px, height_px), resampling)


def _image(raster: Raster) -> Image.Image:
    return Image.frombytes("RGB", (raster.width_px, raster.height_px), raster.rgb)


def _raster(image: Image.Image) -> Raster:
    return Raster(image.width, image.height, image.tobytes())
