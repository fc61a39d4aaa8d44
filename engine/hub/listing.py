"""A model's files as a hub lists them, none of which can leave the folder it is put into."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from engine.hub.errors import Hub, ListingRefused

MAX_FILES: Final = 10_000
"""Files in one listing; chosen by hand: a model has some thirty."""
_MAX_NAME_BYTES: Final = 255
"""The limit for one part of a path on every usual file system."""
_MAX_SIZE_BYTES: Final = 1 << 45
"""32 TiB, far beyond any model; chosen by hand, so that sums stay meaningful."""
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows takes for devices."""
_HEX: Final = {"sha256": re.compile(r"[0-9a-f]{64}"), "git": re.compile(r"[0-9a-f]{40}")}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a model. path: with slashes.

    Files that are fetched have one of the checksums: `storable` sees to it. git_sha1: of the file
    as git stores it, which is what Hugging Face knows of small files.
    """

    path: str
    size_bytes: int
    sha256: str | None = None
    git_sha1: str | None = None

    @property
    def blob_id(self) -> str:
        """What the cache calls its contents, as Hugging Face's own client does."""
        blob = self.sha256 or self.git_sha1
        assert blob is not None
        return blob

    def hasher(self) -> hashlib._Hash:
        """Start the checksum that its contents must have."""
        if self.sha256 is not None:
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size_bytes}\0".encode(), usedforsecurity=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """All files of a model at one commit. commit: 40 hex digits; asked_for: the hub's revision."""

    hub: Hub
    host: str
    model: str
    asked_for: str
    commit: str
    files: tuple[RemoteFile, ...]

    def by_path(self) -> dict[str, RemoteFile]:
        """The files by their paths."""
        return {file.path: file for file in self.files}


def checked_file(
    host: str, path: object, size: object, sha256: object, git_sha1: object = None
) -> RemoteFile:
    """Return a file from the fields of a listing. Raises ListingRefused for anything unsafe."""
    if not isinstance(path, str):
        raise ListingRefused(host, None, "names a file by something that is no text")
    if reason := unsafe(path):
        raise ListingRefused(host, path, reason)
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_SIZE_BYTES:
        raise ListingRefused(host, path, f"has the size {size!r}")
    return RemoteFile(
        path, size, _hex(host, path, "sha256", sha256), _hex(host, path, "git", git_sha1)
    )


def unsafe(path: str) -> str | None:
    """Return why a path from a listing is not used, or None if it stays inside any folder."""
    if not path or not path.isprintable():
        return "is empty or has control characters"
    if "\\" in path or ":" in path:
        return "has a backslash or a colon"
    if path.startswith("/"):
        return "is an absolute path"
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "leads out of the model's folder"
    if any(len(part.encode("utf-8", "replace")) > _MAX_NAME_BYTES for part in parts):
        return "is too long"
    if any(_RESERVED.fullmatch(part) or part.endswith((" ", ".")) for part in parts):
        return "is a name that Windows cannot store"
    return None


def storable(host: str, files: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    """Return files that are to be fetched, sorted by path.

    Raises ListingRefused if one has no checksum, if two of them would be one on a disk that ignores
    capitals, or if one is the folder of another.
    """
    found = sorted(files, key=lambda file: file.path)
    lower = {file.path.lower() for file in found}
    if len(lower) != len(found):
        raise ListingRefused(host, None, "names a file twice")
    for file in found:
        if file.sha256 is None and file.git_sha1 is None:
            raise ListingRefused(host, file.path, "has no checksum")
        parents = file.path.lower().split("/")[:-1]
        if any("/".join(parents[: end + 1]) in lower for end in range(len(parents))):
            raise ListingRefused(host, file.path, "lies below another file")
    return tuple(found)


def _hex(host: str, path: str, kind: str, value: object) -> str | None:
    if value is None or value == "":
        return None
    text = value.lower() if isinstance(value, str) else ""
    if not _HEX[kind].fullmatch(text):
        raise ListingRefused(host, path, "has a checksum that is none")
    return text
