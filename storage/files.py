"""Picture files: written completely or not at all, and never outside their folder."""

import contextlib
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from storage import folders
from storage.errors import PictureMissing, UnsafePath
from storage.timestamps import is_old
from storage.types import Clock, utc_now

_FOLDER: Final = "pictures"
UNFINISHED: Final = ".part"
"""Suffix of unfinished files; their names also begin with a dot."""

_PLAN: Final = ".removing"
_FORBIDDEN: Final = frozenset('/\\:*?"<>|')
_NAME_LIMIT_BYTES: Final = 200
"""Leaves room for the temporary suffix within the 255 bytes that common file systems allow."""
_YEAR: Final = re.compile(r"[0-9]{4}")
_MONTH: Final = re.compile(r"[0-9]{2}")


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file on disk: its path relative to the data folder, its hash and size."""

    file: str
    sha256: str
    size_bytes: int


class PictureFiles:
    """The files below data_dir/pictures, by year and month. Every method blocks."""

    def __init__(self, data_dir: Path, *, clock: Clock = utc_now) -> None:
        self._data_dir = Path(data_dir).absolute()
        self._clock = clock

    def write(self, name: str, data: bytes) -> WrittenFile:
        """Write a picture so that after a crash either all of it exists or nothing.

        When this returns, the file survives a power cut. An existing file with this name is
        replaced. Raises UnsafePath if the name is not a plain file name, DiskFull or
        DataFolderUnusable.
        """
        _check_name(name)
        now = self._clock()
        file = PurePosixPath(_FOLDER, f"{now:%Y}", f"{now:%m}", name)
        target = self._data_dir / file
        try:
            make_folders(self._data_dir, target.parent)
            write_whole(target, data)
        except OSError as error:
            raise folders.unusable(target, error) from error
        digest = hashlib.sha256(data).hexdigest()
        return WrittenFile(file=str(file), sha256=digest, size_bytes=len(data))

    def path(self, file: str) -> Path:
        """Return the absolute path of a file named in the database; UnsafePath if outside."""
        parts = PurePosixPath(file)
        if parts.is_absolute() or ".." in parts.parts or "\\" in file or "\0" in file:
            raise UnsafePath(file, "it is not a plain relative path")
        root = (self._data_dir / _FOLDER).resolve()
        resolved = (self._data_dir / parts).resolve()  # also through symlinks
        if root not in resolved.parents:
            raise UnsafePath(file, "it leads outside the pictures folder")
        return self._data_dir / parts

    def existing(self, file: str) -> Path | None:
        """Return the absolute path of a file, or None if missing. UnsafePath as in path()."""
        path = self.path(file)
        return path if path.is_file() else None

    def find(self, name: str) -> str | None:
        """Find a finished file with exactly this name, in the newest month that has one, or None.

        Looks once per month folder, however many pictures there are. UnsafePath as in write().
        """
        _check_name(name)
        root = self._data_dir / _FOLDER
        for year in _newest_first(root, _YEAR):
            for month in _newest_first(root / year, _MONTH):
                if (root / year / month / name).is_file():
                    file = str(PurePosixPath(_FOLDER, year, month, name))
                    with contextlib.suppress(UnsafePath):  # a symlink that leads out of the folder
                        self.path(file)
                        return file
        return None

    def size(self, file: str) -> int:
        """Return the size of a file in bytes; PictureMissing if it does not exist."""
        path = self.path(file)
        try:
            return path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            raise PictureMissing(file) from None
        except OSError as error:
            raise folders.unusable(path, error) from error

    def remove(self, file: str) -> None:
        """Remove a file; a missing one is fine."""
        path = self.path(file)
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise folders.unusable(path, error) from error

    def remove_all(self, files: Sequence[str]) -> None:
        """Remove files so that they stay removed after a power cut; missing ones are fine.

        A path that is not that of a picture is skipped: the bot has no file there.
        """
        parents = set[Path]()
        for file in files:
            with contextlib.suppress(UnsafePath):
                self.remove(file)
                parents.add(self.path(file).parent)
        for parent in parents:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                folders.sync_folder(parent)

    def plan_removal(self, picture_ids: Sequence[int]) -> None:
        """Write down which pictures' files are about to be removed; an empty list clears the plan.

        After a crash, planned_removal() reads it back. It is only a hint: a half-written plan may
        name the wrong pictures. Raises DiskFull or DataFolderUnusable.
        """
        plan = self._data_dir / _FOLDER / _PLAN
        try:
            if not picture_ids:
                plan.unlink(missing_ok=True)
                return
            make_folders(self._data_dir, plan.parent)
            with plan.open("w", encoding="ascii") as stream:
                stream.write(" ".join(map(str, picture_ids)))
                stream.flush()
                os.fsync(stream.fileno())
            folders.sync_folder(plan.parent)
        except OSError as error:
            raise folders.unusable(plan, error) from error

    def planned_removal(self) -> list[int]:
        """Return the picture ids of a plan that was not completed."""
        plan = self._data_dir / _FOLDER / _PLAN
        try:
            words = plan.read_text(encoding="ascii", errors="replace").split()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise folders.unusable(plan, error) from error
        return [int(word) for word in words if re.fullmatch("[0-9]{1,18}", word)]

    def sweep(self, *, min_age_s: float = 3600.0) -> int:
        """Remove what interrupted writes left behind; returns the number of files.

        Files younger than `min_age_s` are spared, because another process may be writing them now.
        The default of an hour is far longer than any write takes; chosen by hand.
        """
        found = self.unfinished(min_age_s=min_age_s)
        for leftover in found:
            leftover.unlink(missing_ok=True)
        return len(found)

    def unfinished(self, *, min_age_s: float = 3600.0) -> list[Path]:
        """List what interrupted writes left behind, except files younger than `min_age_s`."""
        found = []
        now = self._clock()
        for leftover in (self._data_dir / _FOLDER).glob(f"*/*/.*{UNFINISHED}"):
            with contextlib.suppress(FileNotFoundError):
                if is_old(leftover.stat().st_mtime, now, min_age_s):
                    found.append(leftover)
        return found

    def sizes(self) -> dict[str, int]:
        """Return every finished file with its size in bytes; walks all folders."""
        found: dict[str, int] = {}
        root = self._data_dir / _FOLDER
        for path in root.rglob("[!.]*"):
            with contextlib.suppress(FileNotFoundError):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    found[path.relative_to(self._data_dir).as_posix()] = status.st_size
        return found


def make_folders(data_dir: Path, folder: Path) -> None:
    """Create a private folder below the data folder so that it survives a power cut.

    Raises OSError, and DataFolderUnusable for the data folder itself. Blocking.
    """
    folders.ensure(data_dir)
    missing = [folder, *folder.parents][: len(folder.relative_to(data_dir).parts)]
    for each in reversed(missing):
        if not each.is_dir():
            each.mkdir(mode=folders.PRIVATE_MODE, exist_ok=True)
            folders.sync_folder(each.parent)


def write_whole(target: Path, data: bytes) -> None:
    """Write a file that survives a power cut, or nothing at all. Raises OSError. Blocking."""
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=UNFINISHED, dir=target.parent)
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


def _newest_first(folder: Path, pattern: re.Pattern[str]) -> list[str]:
    try:
        names = [each.name for each in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise folders.unusable(folder, error) from error
    return sorted(filter(pattern.fullmatch, names), reverse=True)


def _check_name(name: str) -> None:
    if not name or name.startswith("."):
        raise UnsafePath(name, "a name must not be empty or begin with a dot")
    if any(char in _FORBIDDEN or ord(char) < ord(" ") for char in name):
        raise UnsafePath(name, "a name must not contain separators or control characters")
    if len(os.fsencode(name)) > _NAME_LIMIT_BYTES:
        raise UnsafePath(name, f"a name must not have more than {_NAME_LIMIT_BYTES} bytes")
