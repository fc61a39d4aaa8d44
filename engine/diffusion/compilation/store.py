"""The cache of compiled blocks: a library and its description each, bounded, never half written.

A library is run as code, so only one whose checksum is that of its description is loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from engine.diffusion.compilation.calls import Accepted

FOLDER: Final = "compiled"
"""Where they are in the folder of caches."""
MOST_FILES: Final = 32
MOST_BYTES: Final = 256 * 2**20
"""Chosen by hand: a library has 1 to 3 MB, and a machine that changes nothing needs one or two."""
_LEFTOVER_S: Final = 3600.0
"""A library without a description is being written, or was left when it was: then it is older."""
_VERSION: Final = 1
_DESCRIPTION, _TRIAL, _WORK = ".block", ".trial", "work-"
_FAILURE, _FAILURE_CHARS = "failure.txt", 300
_LIMIT_BYTES: Final = 1 << 18
"""More than any description has."""
_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Stored:
    """A library in the cache, checked. speedup: as measured by an earlier process, None if not."""

    library: Path
    accepted: Accepted
    speedup: float | None


class CompiledStore:
    """A folder of compiled blocks, which several processes may use.

    Files belong to a key, of everything that decides what was compiled; a key may have several,
    for different kinds of calls. Blocks on the disk: not for the painting thread, but for `trial`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, key: str) -> list[Stored]:
        """Return what was compiled for a key. What is damaged is removed, to be compiled again.

        Left out is also what processes used for the first time and did not survive.
        """
        found: list[Stored] = []
        for path in sorted(self.folder.glob(f"{key}-*{_DESCRIPTION}")):
            library = path.with_suffix(".so")
            if _failed(library):
                continue
            try:
                found.append(_checked(library, _read(path)))
                os.utime(path)
            except _DAMAGE:
                _remove(library)
        return found

    def tried(self, key: str, kind: str) -> bool:
        """Whether two processes ended while they used the library for the first time."""
        return _failed(self.library(key, kind))

    def library(self, key: str, kind: str) -> Path:
        """Return the place of the library for a kind of calls."""
        return self.folder / f"{key}-{hashlib.sha256(kind.encode()).hexdigest()[:8]}.so"

    def write(self, made: Path, library: Path, accepted: Accepted) -> None:
        """Take a finished library into the cache: the description comes last, and at once.

        made: the library, on the same file system.
        """
        data = {
            "version": _VERSION,
            "sha256": _sha256(made),
            "kind": accepted.kind,
            "shapes": accepted.shapes,
            "ranges": accepted.ranges,
        }
        # A description of the library that was there before must not be read with this one.
        library.with_suffix(_DESCRIPTION).unlink(missing_ok=True)
        made.replace(library)
        _replace(library.with_suffix(_DESCRIPTION), data)

    def measured(self, library: Path, speedup: float) -> None:
        """Keep what was measured, for the next start."""
        path = library.with_suffix(_DESCRIPTION)
        with contextlib.suppress(*_DAMAGE):
            _replace(path, {**_read(path), "speedup": speedup})

    def failed(self, reason: str) -> None:
        """Keep what went wrong last, for whoever looks for it; "" when something went right."""
        with contextlib.suppress(OSError):
            if reason:
                self.folder.mkdir(parents=True, exist_ok=True)
                (self.folder / _FAILURE).write_text(reason, encoding="utf-8")
            else:
                (self.folder / _FAILURE).unlink(missing_ok=True)

    @property
    def failure(self) -> str:
        """What went wrong last; "" if nothing did since."""
        try:
            return (self.folder / _FAILURE).read_text(encoding="utf-8")[:_FAILURE_CHARS].strip()
        except (OSError, ValueError):
            return ""

    @contextlib.contextmanager
    def trial(self, library: Path) -> Iterator[None]:
        """Note while a library is used for the first time that it is: whatever ends the process
        meanwhile, it is not used for ever. Once may be chance."""
        mark = library.with_suffix(_TRIAL)
        with contextlib.suppress(OSError), mark.open("ab") as file:
            file.write(b"x")
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                mark.unlink(missing_ok=True)

    @contextlib.contextmanager
    def work_folder(self) -> Iterator[Path]:
        """Yield an empty folder of this process, on the same file system; removed afterwards."""
        folder = self.folder / f"{_WORK}{os.getpid()}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what was used longest ago beyond the bounds, and what was left unfinished."""
        with contextlib.suppress(OSError, ValueError):
            for folder in self.folder.glob(f"{_WORK}*"):
                if not psutil.pid_exists(int(folder.name.removeprefix(_WORK))):
                    shutil.rmtree(folder, ignore_errors=True)
            kept = sorted(self.folder.glob(f"*{_DESCRIPTION}"), key=_age)
            total_bytes = 0
            for number, path in enumerate(kept):
                library = path.with_suffix(".so")
                total_bytes += library.stat().st_size if library.exists() else 0
                if number >= MOST_FILES or total_bytes > MOST_BYTES:
                    _remove(library)
            for library in self.folder.glob("*.so"):
                if not library.with_suffix(_DESCRIPTION).exists() and _age(library) > _LEFTOVER_S:
                    _remove(library)


def _checked(library: Path, data: dict[str, Any]) -> Stored:
    """Return a library whose checksum is right. Raises one of `_DAMAGE`."""
    if data["version"] != _VERSION or data["sha256"] != _sha256(library):
        raise ValueError("not what was written")
    shapes = tuple(tuple(_dim(each) for each in shape) for shape in data["shapes"])
    ranges = {str(name): (int(low), int(high)) for name, (low, high) in data["ranges"].items()}
    if any(isinstance(dim, str) and dim not in ranges for shape in shapes for dim in shape):
        raise ValueError("a size without a range")
    speedup = data.get("speedup")
    return Stored(
        library,
        Accepted(str(data["kind"]), shapes, ranges),
        None if speedup is None else float(speedup),
    )


def _dim(value: Any) -> int | str:
    return value if isinstance(value, str) else int(value)


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        data = file.read(_LIMIT_BYTES + 1)
    if len(data) > _LIMIT_BYTES:
        raise ValueError("larger than anything that was written")
    return dict(json.loads(data))


def _replace(path: Path, data: dict[str, Any]) -> None:
    """Write a file whole: a reader finds the old one or the new one."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(json.dumps(data), encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _failed(library: Path) -> bool:
    mark = library.with_suffix(_TRIAL)
    return mark.exists() and mark.stat().st_size > 1


def _remove(library: Path) -> None:
    for suffix in (_DESCRIPTION, _TRIAL, ".so"):
        with contextlib.suppress(OSError):
            library.with_suffix(suffix).unlink(missing_ok=True)


def _age(path: Path) -> float:
    """Return the seconds since a file was used, in whichever direction the clock went."""
    return abs(time.time() - path.stat().st_mtime)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
