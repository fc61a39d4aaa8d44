"""Files are named for what they are, by their content alone."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.file_formats import FileFormat, FileKind, format_of
from engine.uploads import BadFormat, UploadLimits, decode


def saved(form: str) -> bytes:
    """Return a small picture in one of Pillow's formats."""
    out = io.BytesIO()
    Image.new("RGB", (16, 16)).save(out, form)
    return out.getvalue()


def zipped(name: str, content: str = "x") -> bytes:
    """Return an archive with one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def box(brand: bytes, *others: bytes) -> bytes:
    """Return the beginning of a file of the ISO base media format."""
    brands = brand + b"\0\0\0\0" + b"".join(others)
    return (8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands + b"\0\0\0\x08mdat"


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        *((saved(form), form if form != "WEBP" else "WebP", "picture")
          for form in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "ICO", "QOI", "DDS")),
        (saved("PPM"), "PNM", "picture"),
        (box(b"avif", b"mif1"), "AVIF", "picture"),
        (box(b"avis"), "AVIF", "picture"),
        (box(b"mif1", b"avif", b"miaf"), "AVIF", "picture"),
        (box(b"heic", b"mif1"), "HEIC", "picture"),
        (box(b"mif1", b"heic"), "HEIC", "picture"),
        (box(b"mif1"), "HEIF", "picture"),
        (b"\xff\x0a1", "JPEG XL", "picture"),
        (b"8BPS\0\1", "PSD", "picture"),
        (box(b"isom", b"iso2", b"mp41"), "MP4", "video"),
        (box(b"mp42"), "MP4", "video"),
        (box(b"avc1"), "MP4", "video"),
        (box(b"qt  "), "QuickTime", "video"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\x82\x84webm", "WebM", "video"),
        (b"\x1aE\xdf\xa3\xa3B\x86\x81\1B\x82\x88matroska", "Matroska", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "AVI", "video"),
        (b"RIFF\0\0\0\0WAVEfmt ", "WAV", "sound"),
        (b"ID3\4", "MP3", "sound"),
        (b"OggS\0\2", "Ogg", "sound"),
        (SVG, "SVG", "drawing"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- by hand -->\n' + SVG, "SVG", "drawing"),
        (b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x"><svg/>', "SVG", "drawing"),
        (b"  \n<svg:svg xmlns:svg='x'/>", "SVG", "drawing"),
        ('<?xml version="1.0" encoding="UTF-16"?><svg/>'.encode("utf-16"), "SVG", "drawing"),
        (b"<!DOCTYPE html><html><body>no</body></html>", "HTML", "web page"),
        (b"\n\n<html>", "HTML", "web page"),
        (b"<!-- saved from x --><HTML>", "HTML", "web page"),
        (b"<!DOCTYPE HTML PUBLIC '-//W3C//DTD HTML 4.01//EN'>", "HTML", "web page"),
        (b"<!doctype html><!-- <svg> --><body><svg/></body>", "HTML", "web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "XML", "text"),
        (b'{"3": {"class_type": "KSampler"}}', "JSON", "text"),
        (b"%PDF-1.7", "PDF", "document"),
        (zipped("a.png"), "ZIP", "archive"),
        (zipped("word/document.xml"), "Word", "document"),
        (zipped("mimetype", "image/openraster"), "OpenRaster", "picture"),
        (b"7z\xbc\xaf\x27\x1c\0", "7z", "archive"),
        (b"Rar!\x1a\x07\1", "RAR", "archive"),
        (b"\x1f\x8b\x08", "gzip", "archive"),
    ],
)  # fmt: skip
def test_every_format_is_named(data: bytes, name: str, kind: str):
    """Pictures, films, drawings, pages, documents and archives are told apart; as an input
    picture they are refused by that name."""
    assert format_of(data) == FileFormat(name, FileKind(kind))
    if name not in ("PNG", "JPEG", "WebP"):
        with pytest.raises(BadFormat) as refused:
            decode(data, UploadLimits())
        assert (refused.value.format, refused.value.kind) == (name, kind)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"a poem",
        b"BMW is a car",
        b"MZ\x90\0",
        b"\0" * 40,
        b"1 < 2",
        b"<3 you",
        b"P2 cars",
    ],
)
def test_other_bytes_have_no_name(data: bytes):
    """Plain text and unknown bytes are not mistaken for a format."""
    assert format_of(data) is None


@given(st.binary(max_size=300))
def test_no_bytes_are_a_crash(data: bytes):
    """Whatever the bytes are, there is a name or none."""
    for start in (b"", b"\0\0\0\x40ftyp", b"<", b"PK\3\4", b"\xff\xfe", b"<!doctype"):
        format_of(start + data)
