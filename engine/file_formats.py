"""Name the format of a file by its content: a picture, or what people send in place of one.

Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class FileKind(StrEnum):
    """What a format holds."""

    PICTURE = "picture"
    DRAWING = "drawing"
    VIDEO = "video"
    SOUND = "sound"
    WEB_PAGE = "web page"
    DOCUMENT = "document"
    ARCHIVE = "archive"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format by its usual name ("JPEG"), and what it holds."""

    name: str
    kind: FileKind = FileKind.PICTURE


PNG: Final = FileFormat("PNG")
JPEG: Final = FileFormat("JPEG")
WEBP: Final = FileFormat("WebP")

_P, _V, _S, _D, _A = (
    FileKind.PICTURE,
    FileKind.VIDEO,
    FileKind.SOUND,
    FileKind.DOCUMENT,
    FileKind.ARCHIVE,
)
_MARKS: Final = (
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"GIF87a", FileFormat("GIF")),
    (0, b"GIF89a", FileFormat("GIF")),
    (0, b"II*\0", FileFormat("TIFF")),
    (0, b"MM\0*", FileFormat("TIFF")),
    (0, b"II+\0", FileFormat("TIFF")),
    (0, b"MM\0+", FileFormat("TIFF")),
    (0, b"\0\0\1\0", FileFormat("ICO")),
    (0, b"8BPS", FileFormat("PSD")),
    (0, b"gimp xcf", FileFormat("XCF")),
    (0, b"\xff\x0a", FileFormat("JPEG XL")),
    (0, b"\0\0\0\x0cJXL ", FileFormat("JPEG XL")),
    (0, b"\0\0\0\x0cjP  ", FileFormat("JPEG 2000")),
    (0, b"\xff\x4f\xff\x51", FileFormat("JPEG 2000")),
    (0, b"\x76\x2f\x31\x01", FileFormat("OpenEXR")),
    (0, b"qoif", FileFormat("QOI")),
    (0, b"DDS ", FileFormat("DDS")),
    (0, b"#?RADIANCE", FileFormat("Radiance HDR")),
    (0, b"\x1aE\xdf\xa3", FileFormat("WebM", _V)),
    (0, b"FLV\x01", FileFormat("FLV", _V)),
    (0, b"\0\0\x01\xba", FileFormat("MPEG", _V)),
    (0, b"\0\0\x01\xb3", FileFormat("MPEG", _V)),
    (0, b"0&\xb2u\x8ef\xcf\x11", FileFormat("WMV", _V)),
    (0, b"OggS", FileFormat("Ogg", _S)),
    (0, b"fLaC", FileFormat("FLAC", _S)),
    (0, b"ID3", FileFormat("MP3", _S)),
    (0, b"\xff\xfb", FileFormat("MP3", _S)),
    (0, b"%PDF-", FileFormat("PDF", _D)),
    (0, b"%!PS", FileFormat("PostScript", _D)),
    (0, b"{\\rtf", FileFormat("RTF", _D)),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileFormat("Microsoft Office", _D)),
    (0, b"PK\3\4", FileFormat("ZIP", _A)),
    (0, b"PK\5\6", FileFormat("ZIP", _A)),
    (0, b"7z\xbc\xaf\x27\x1c", FileFormat("7z", _A)),
    (0, b"Rar!\x1a\x07", FileFormat("RAR", _A)),
    (0, b"\x1f\x8b", FileFormat("gzip", _A)),
    (0, b"\xfd7zXZ\0", FileFormat("xz", _A)),
    (0, b"(\xb5/\xfd", FileFormat("Zstandard", _A)),
    (257, b"ustar", FileFormat("tar", _A)),
)
_RIFF: Final = {
    b"WEBP": WEBP,
    b"AVI ": FileFormat("AVI", _V),
    b"WAVE": FileFormat("WAV", _S),
}
_BRANDS: Final = (
    (rb"avi[fso]", FileFormat("AVIF")),
    (rb"hei[cxms]|hev[cxms]", FileFormat("HEIC")),
    (rb"mif[12]|msf1|miaf", FileFormat("HEIF")),
    (rb"crx ", FileFormat("CR3")),
    (rb"qt  ", FileFormat("QuickTime", _V)),
    (rb"M4[AB] ", FileFormat("M4A", _S)),
    (rb"3g[gpr2-9].", FileFormat("3GP", _V)),
)
"""Brands of the ISO base media format, on which HEIC and MP4 are both built; any other is MP4."""
_ZIPPED = (
    (b"word/", FileFormat("Word", _D)),
    (b"xl/", FileFormat("Excel", _D)),
    (b"ppt/", FileFormat("PowerPoint", _D)),
    (b"mimetypeapplication/epub", FileFormat("EPUB", _D)),
    (b"mimetypeapplication/vnd.oasis", FileFormat("OpenDocument", _D)),
    (b"mimetypeimage/openraster", FileFormat("OpenRaster")),
    (b"mimetypeapplication/x-krita", FileFormat("Krita")),
)
_INNER: Final = {
    b"PK\3\4": _ZIPPED,
    b"\x1aE\xdf\xa3": ((b"matroska", FileFormat("Matroska", _V)),),
    b"OggS": ((b"theora", FileFormat("Ogg", _V)),),
}
"""Formats within another one, by what their first bytes hold."""
_HEAD_BYTES: Final = 4096
"""Enough for the comments and declarations before <svg or <html. Chosen by hand."""
_MARKUP_START = re.compile(r"\s*<[!?a-z]", re.IGNORECASE)
_JSON = re.compile(r'\s*[{[]\s*["{[]')
_SKIPPED = re.compile(r"\s*(?:<\?.*?\?>|<!--.*?-->|<!doctype[^>\[]*(?:\[.*?\]\s*)?>)", re.I | re.S)
_PAGE = re.compile(r"\s*<(?:!doctype\s+html|html|head|body|script|meta|title|div|iframe)\b", re.I)


def format_of(data: bytes) -> FileFormat | None:
    """Return the format of a file; None if it begins like nothing known. Never raises."""
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12])
    if data[4:8] == b"ftyp":
        return _iso_media(data)
    for offset, mark, found in _MARKS:
        if data.startswith(mark, offset):
            head = data[:_HEAD_BYTES]
            return next((each for inner, each in _INNER.get(mark, ()) if inner in head), found)
    if data[:2] == b"BM" and len(data) > 14 and data[6:10] == b"\0\0\0\0":
        return FileFormat("BMP")
    if re.match(rb"P[1-6]\s+[#\d]", data):
        return FileFormat("PNM")
    return _written(data[:_HEAD_BYTES])


def _iso_media(data: bytes) -> FileFormat:
    brands = data[8:12], *(data[at : at + 4] for at in range(16, min(data[3], 64), 4))
    for pattern, found in _BRANDS:
        if re.fullmatch(pattern, brands[0], re.DOTALL):
            # HEIF is the container; the other brands tell what is in it.
            if found.name == "HEIF":
                return next((each for each in map(_heif, brands) if each), found)
            return found
    return FileFormat("MP4", FileKind.VIDEO)


def _heif(brand: bytes) -> FileFormat | None:
    return next((found for pattern, found in _BRANDS[:2] if re.fullmatch(pattern, brand)), None)


def _written(head: bytes) -> FileFormat | None:
    """Recognise markup and JSON. Plain text has no mark of its own and counts as nothing known."""
    text = _decoded(head)
    if text is None:
        return None
    if _MARKUP_START.match(text):
        return _markup(text)
    return FileFormat("JSON", FileKind.TEXT) if _JSON.match(text) else None


def _markup(text: str) -> FileFormat:
    while not _PAGE.match(text) and (skipped := _SKIPPED.match(text)):
        if re.match(r"\s*<!doctype\s+svg", skipped[0], re.IGNORECASE):
            return FileFormat("SVG", FileKind.DRAWING)
        text = text[skipped.end() :]
    if re.match(r"\s*<(?:\w+:)?svg\b", text, re.IGNORECASE):
        return FileFormat("SVG", FileKind.DRAWING)
    if _PAGE.match(text) or re.search(r"<(?:html|body|head)\b", text, re.IGNORECASE):
        return FileFormat("HTML", FileKind.WEB_PAGE)
    return FileFormat("XML", FileKind.TEXT)


def _decoded(head: bytes) -> str | None:
    """Return the beginning of a text in UTF-8 or UTF-16; None if it is neither."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig")):
        if head.startswith(mark):
            for end in range(len(head), max(len(head) - 4, -1), -1):  # a character may be cut off
                try:
                    return head[:end].decode(encoding)
                except UnicodeDecodeError:
                    continue
            return None
    return None
