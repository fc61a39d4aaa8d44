"""Read the texts in EXIF metadata, whatever type their writer gave them. Pure; never raises."""

from __future__ import annotations

import struct
from typing import Final

TEXT_TAGS: Final = {
    0x010E: "imagedescription",
    0x010F: "make",
    0x0110: "model",
    0x0131: "software",
    0x927C: "makernote",
    0x9286: "usercomment",
    0x9C9C: "xpcomment",
}
"""The tags in which programs keep a picture's recipe, with the keywords they get here."""
MAX_TEXT_BYTES: Final = 4 * 2**20
"""Of one text. Chosen by hand: the graph of a large ComfyUI workflow has a tenth of that."""
_SUB_FOLDERS: Final = (0x8769, 0x014A)
_MAX_FOLDERS: Final = 8
_MAX_ENTRIES: Final = 500
_BYTES_PER_VALUE: Final = {1: 1, 2: 1, 7: 1, 129: 1}
"""The types of texts: BYTE, ASCII, UNDEFINED and EXIF 3's UTF-8."""
_HEADER: Final = b"Exif\0\0"
_CHARSET_BYTES: Final = 8


def exif_texts(data: bytes) -> dict[str, str]:
    """Return the texts by keyword. data: from the TIFF header on, or from "Exif" before it."""
    data = data.removeprefix(_HEADER)
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return {}
    found: dict[str, str] = {}
    waiting, seen = [int(struct.unpack_from(f"{order}I", data, 4)[0])], set[int]()
    while waiting and len(seen) < _MAX_FOLDERS:
        at = waiting.pop(0)
        if at in seen or not 8 <= at <= len(data) - 2:
            continue
        seen.add(at)
        (count,) = struct.unpack_from(f"{order}H", data, at)
        for number in range(min(count, _MAX_ENTRIES)):
            entry = at + 2 + 12 * number
            if entry + 12 > len(data):
                break
            tag, kind, length, value = struct.unpack_from(f"{order}HHII", data, entry)
            if tag in _SUB_FOLDERS:
                waiting.append(value)
            elif tag in TEXT_TAGS and TEXT_TAGS[tag] not in found and kind in _BYTES_PER_VALUE:
                start = entry + 8 if length <= 4 else value
                raw = data[start : start + min(length, MAX_TEXT_BYTES)]
                text = _text(tag, raw, order)
                if text:
                    found[TEXT_TAGS[tag]] = text
    return found


def _text(tag: int, raw: bytes, order: str) -> str:
    name = TEXT_TAGS[tag]
    if name == "xpcomment":
        text = raw.decode("utf-16-le", "replace")
    elif name == "usercomment":
        text = decode_user_comment(raw, order)
    else:
        text = plain_text(raw)
    return text.strip("\0").strip()


def decode_user_comment(raw: bytes, order: str = ">") -> str:
    """Decode a user comment: eight bytes that name its encoding, and the text.

    order: ">" or "<", the byte order of the whole. "UNICODE" means UTF-16 in no particular order:
    the web UI writes big-endian, others that of the file, so the text itself decides.
    """
    charset, body = raw[:_CHARSET_BYTES].rstrip(b"\0 ").upper(), raw[_CHARSET_BYTES:]
    match charset:
        case b"UNICODE":
            return _utf_16(body, order)
        case b"ASCII" | b"":
            return plain_text(body) if len(raw) >= _CHARSET_BYTES else ""
        case b"JIS":
            return body.decode("iso2022_jp", "replace")
        case _:  # written without the eight bytes
            return plain_text(raw)


def plain_text(raw: bytes) -> str:
    """Decode UTF-8, which is what programs mean; UTF-16 and Latin-1 where it is not."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or raw[:64].count(0) * 3 > min(len(raw), 64) > 8:
        return _utf_16(raw, ">")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _utf_16(raw: bytes, order: str) -> str:
    if raw[:2] == b"\xff\xfe":
        return raw[2:].decode("utf-16-le", "replace")
    if raw[:2] == b"\xfe\xff":
        return raw[2:].decode("utf-16-be", "replace")
    # ASCII within it has a zero on one side. Sets of characters without ASCII are not written:
    # every text of settings has "Steps" in it.
    high, low = raw[::2].count(0), raw[1::2].count(0)
    big = order == ">" if high == low else high > low
    if not high and not low and _is_utf_8(raw):  # UTF-8 behind a wrong name
        return raw.decode("utf-8")
    return raw.decode("utf-16-be" if big else "utf-16-le", "replace")


def _is_utf_8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
