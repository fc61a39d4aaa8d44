"""What is known of a model's files in the cache: whose checksum was right, and when.

Hashing Z-Image-Turbo's files takes most of a minute, so it is done once; a file whose size or time
of change differs afterwards is hashed again.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_VERSION: Final = 1
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Manifest:
    """The facts about one model, kept in a file beside its blobs.

    verified: by blob, the size and the time of change (ns) at which its checksum was right.
    snapshots: by commit, the files of the model by path, as blobs.
    """

    file: Path
    verified: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    snapshots: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    @classmethod
    def read(cls, file: Path) -> Manifest:
        """Read it; one that is missing or damaged is empty, so that everything is hashed again."""
        try:
            stored = json.loads(file.read_text(encoding="utf-8"))
            return cls(file, _verified(stored), _snapshots(stored))
        except (FileNotFoundError, NotADirectoryError):
            return cls(file)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            _log.warning("%s cannot be read (%s): files are checked again", file, error)
            return cls(file)

    def write(self) -> None:
        """Replace the file in one step. Raises OSError."""
        stored = {
            "version": _VERSION,
            "verified": self.verified,
            "snapshots": self.snapshots,
        }
        self.file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.file.with_suffix(".tmp")
        with fresh.open("w", encoding="utf-8") as out:
            json.dump(stored, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self.file)

    def is_verified(self, blob: str, path: Path) -> bool:
        """Whether a file is still the one whose checksum was right."""
        try:
            found = path.stat()
        except OSError:
            return False
        return self.verified.get(blob) == (found.st_size, found.st_mtime_ns)

    def remember(self, blob: str, path: Path) -> None:
        """Note that a file's checksum is right. Raises OSError."""
        found = path.stat()
        self.verified[blob] = (found.st_size, found.st_mtime_ns)


def _verified(stored: Any) -> dict[str, tuple[int, int]]:
    if stored["version"] != _VERSION:
        raise ValueError(f"version {stored['version']!r}")
    return {str(blob): (int(size), int(time)) for blob, (size, time) in stored["verified"].items()}


def _snapshots(stored: Any) -> dict[str, dict[str, str]]:
    return {
        str(commit): {str(path): str(blob) for path, blob in files.items()}
        for commit, files in stored["snapshots"].items()
    }
