"""Picture files: written whole or not at all, and never outside their folder."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from storage import folders
from storage.errors import PictureMissing, UnsafePath
from storage.types import Clock, utc_now

_FOLDER: Final = "pictures"
_UNFINISHED: Final = ".part"
_FORBIDDEN: Final = frozenset('/\\:*?"<>|')
_NAME_LIMIT_BYTES: Final = 200


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that is on the disk: its path relative to the data folder, and its hash."""

    file: str
    sha256: str


class PictureFiles:
    """The files below data_dir/pictures, by year and month. Every method blocks."""

    def __init__(self, data_dir: Path, *, clock: Clock = utc_now) -> None:
        self._data_dir = Path(data_dir).absolute()
        self._clock = clock

    def write(self, name: str, data: bytes) -> WrittenFile:
        """Write a picture so that after a crash there is all of it or nothing.

        When this returns, the file survives a power cut; one of the same name was replaced.
        Raises UnsafePath for a name that is not a plain one, DiskFull or DataFolderUnusable.
        """
        _check_name(name)
        now = self._clock()
        file = PurePosixPath(_FOLDER, f"{now:%Y}", f"{now:%m}", name)
        target = self._data_dir / file
        try:
            self._make_folders(target.parent)
            _write_whole(target, data)
        except OSError as error:
            raise folders.unusable(target, error) from error
        return WrittenFile(file=str(file), sha256=hashlib.sha256(data).hexdigest())

    def path(self, file: str) -> Path:
        """The absolute path of a file as the database names it; UnsafePath outside pictures/."""
        parts = PurePosixPath(file)
        if parts.is_absolute() or ".." in parts.parts or "\\" in file or "\0" in file:
            raise UnsafePath(file, "it is not a plain relative path")
        root = (self._data_dir / _FOLDER).resolve()
        resolved = (self._data_dir / parts).resolve()  # also where links lead
        if root not in resolved.parents:
            raise UnsafePath(file, "it leads out of the pictures folder")
        return self._data_dir / parts

    def read(self, file: str) -> bytes:
        """The content of a file; PictureMissing when it is not there."""
        path = self.path(file)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise PictureMissing(file) from None
        except OSError as error:
            raise folders.unusable(path, error) from error

    def remove(self, file: str) -> None:
        """Remove a file; a missing one is as good."""
        path = self.path(file)
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise folders.unusable(path, error) from error

    def sweep(self, *, min_age_s: float = 3600.0) -> int:
        """Remove what interrupted writes left behind; returns how many files that were.

        Younger files are spared: another process may be writing one at this moment.
        """
        removed = 0
        latest = self._clock().timestamp() - min_age_s
        for leftover in (self._data_dir / _FOLDER).glob(f"*/*/.*{_UNFINISHED}"):
            try:
                if leftover.stat().st_mtime <= latest:
                    leftover.unlink()
                    removed += 1
            except FileNotFoundError:
                continue
        return removed

    def _make_folders(self, folder: Path) -> None:
        folders.make_private(self._data_dir)
        missing = [folder, *folder.parents][: len(folder.relative_to(self._data_dir).parts)]
        for each in reversed(missing):
            if not each.is_dir():
                each.mkdir(mode=folders.PRIVATE_MODE, exist_ok=True)
                folders.sync_folder(each.parent)


def _check_name(name: str) -> None:
    if not name or name.startswith("."):
        raise UnsafePath(name, "a name is not empty and does not begin with a dot")
    if any(char in _FORBIDDEN or ord(char) < ord(" ") for char in name):
        raise UnsafePath(name, "a name has no separators and no control characters")
    if len(os.fsencode(name)) > _NAME_LIMIT_BYTES:
        raise UnsafePath(name, f"a name has at most {_NAME_LIMIT_BYTES} bytes")


def _write_whole(target: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=_UNFINISHED, dir=target.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    folders.sync_folder(target.parent)
