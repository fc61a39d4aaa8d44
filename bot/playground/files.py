"""The files of messages, on disk, by attachment id."""

from __future__ import annotations

import contextlib
import io
import mimetypes
import re
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from bot.playground.model import Attachment

_UNSAFE: Final = re.compile(r"[^\w.\-]+", re.ASCII)
_SPOILER: Final = "SPOILER_"
REPLACED_KEPT: Final = 64
"""Replaced files are kept until every page has seen the edit. Chosen by hand."""


class FileStore:
    """Stores uploaded files. The folder is created for the first one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._replaced: deque[int] = deque()
        self._sizes: dict[int, int] = {}

    @property
    def total_bytes(self) -> int:
        """How much all files take."""
        return sum(list(self._sizes.values()))  # a copy, as another thread may add one

    def adopt(self, attachment: Attachment) -> None:
        """Count a file that is there from before a restart."""
        self._sizes[attachment.id] = attachment.size

    def keep_only(self, attachments: Iterable[Attachment]) -> None:
        """Remove every other file (blocking); one that cannot be removed is left."""
        kept = {str(each.id) for each in attachments}
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if path.name not in kept:
                    with contextlib.suppress(OSError):
                        path.unlink()

    def put(
        self, number: int, filename: str, data: bytes, *, description: str | None = None
    ) -> Attachment:
        """Store a file under an id (blocking: it writes)."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / str(number)).write_bytes(data)
        self._sizes[number] = len(data)
        name = _UNSAFE.sub("_", filename).strip("_") or "file"
        content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        width, height = _size(data) if content_type.startswith("image/") else (None, None)
        return Attachment(
            id=number,
            filename=name,
            size=len(data),
            content_type=content_type,
            description=description,
            width=width,
            height=height,
            spoiler=name.startswith(_SPOILER),
        )

    def path(self, number: int) -> Path:
        """Return where the file of an id is, or would be."""
        return self._folder / str(number)

    def replace(self, number: int) -> None:
        """Remove a file that an edit replaced, but not at once: a page may be fetching it."""
        self._replaced.append(number)
        while len(self._replaced) > REPLACED_KEPT:
            self.remove(self._replaced.popleft())

    def remove(self, number: int) -> None:
        """Remove a file; a missing one is fine, and one that is open on Windows is left."""
        self._sizes.pop(number, None)
        with contextlib.suppress(PermissionError):
            self.path(number).unlink(missing_ok=True)


def _size(data: bytes) -> tuple[int | None, int | None]:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError):
        return None, None
