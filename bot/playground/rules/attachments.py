"""Rules for the files of a message, and for references to them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.playground.errors import ENTITY_TOO_LARGE, Form, Path
from bot.playground.rules.grammar import (
    ATTACHMENT,
    Field,
    boolean,
    known,
    list_of,
    number,
    object_with,
    objects,
    required,
    snowflake,
    text,
)

MAX_FILES: Final = 10
MAX_REQUEST_BYTES: Final = 25 * 2**20

ATTACHMENTS: Final[Field] = list_of(
    object_with(
        {
            "id": required(snowflake()),
            "filename": text(1, 1024),
            "title": text(high=1024),
            "description": text(high=1024),
            "duration_secs": number(0, 2**31 - 1),
            "waveform": text(high=400),
            "is_spoiler": boolean(),
            "is_remix": boolean(),
            # discord.py sends all of these for an attachment that an edit keeps.
            **known("content_type", "size", "url", "proxy_url", "height", "width", "flags"),
            **known("ephemeral", "placeholder", "placeholder_version", "spoiler"),
        }
    ),
    high=MAX_FILES,
)

_FIELD_NAME: Final = re.compile(r"files\[(\d{1,4})\]")
_SHOWING: Final = ("image", "thumbnail", "media", "file")
"""Components whose `url` may be an upload; other schemes are refused."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file of a multipart request. field: its part's name, `files[0]`. size: in bytes."""

    field: str
    filename: str
    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Files:
    """The files that a message will have. names: cleaned, as references use them."""

    names: frozenset[str]
    count: int


def clean_filename(name: str) -> str:
    """Return a file name as Discord stores it: no spaces, no unusual characters."""
    return _UNSAFE.sub("", "_".join(name.split())).strip("._")


def check_sizes(body: Any, uploads: Sequence[UploadedFile], limit_bytes: int) -> None:
    """Raise ApiError 40005 if a file, or all of them together, are too large."""
    total = sum(each.size for each in uploads) + len(json.dumps(body, ensure_ascii=False).encode())
    if total > MAX_REQUEST_BYTES or any(each.size > limit_bytes for each in uploads):
        raise ENTITY_TOO_LARGE.error()


def check_files(
    form: Form, body: Mapping[str, Any], uploads: Sequence[UploadedFile], before: Mapping[str, Any]
) -> Files:
    """Return the files that a message will have; adds listed files that do not exist to the form.

    before: the current message in Discord's JSON; empty for a new one.
    """
    fresh = {_number(each.field) or f"#{i}": each.filename for i, each in enumerate(uploads)}
    kept = {str(each.get("id")): each for _, each in objects(before.get("attachments"))}
    names: list[str] = []
    listed: set[str] = set()
    for position, entry in objects(body.get("attachments")):
        path: Path = ("attachments", position)
        key = str(entry.get("id"))
        if key in listed:
            message = "The set already contains this value"
            form.add((*path, "id"), "SET_TYPE_ALREADY_CONTAINS_VALUE", message)
        elif key in fresh:
            names.append(str(entry.get("filename") or fresh[key]))
        elif key in kept:
            names.append(str(kept[key].get("filename")))
        elif entry.get("id") is not None:
            form.add(path, "ATTACHMENT_NOT_FOUND", "Attachment data not found")
        listed.add(key)
    names += [name for key, name in fresh.items() if key not in listed]
    if "attachments" not in body:
        names += [str(each.get("filename")) for each in kept.values()]
    return Files(frozenset(clean_filename(each) for each in names), len(names))


def check_references(form: Form, body: Mapping[str, Any], files: Files) -> None:
    """Add to the form every `attachment://name` in embeds and components without a file."""
    for part in ("embeds", "components"):
        for path, url in _references(body.get(part), (part,)):
            if clean_filename(url.removeprefix(ATTACHMENT)) not in files.names:
                message = f'The referenced attachment ("{url}") was not found'
                form.add(path, "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", message)


def _references(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, list):
        for position, each in enumerate(value):
            yield from _references(each, (*path, position))
    elif isinstance(value, Mapping):
        for name, each in value.items():
            here = (*path, name)
            shown = name == "icon_url" or (name == "url" and path[-1] in _SHOWING)
            if shown and isinstance(each, str) and each.startswith(ATTACHMENT):
                yield here, each
            else:
                yield from _references(each, here)


def _number(field: str) -> str:
    """Return the number in the name of a file's part; empty for a part with another name."""
    match = _FIELD_NAME.fullmatch(field)
    return str(int(match[1])) if match else ""
