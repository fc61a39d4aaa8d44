"""Picture files, with thumbnails: written completely or not at all, and never outside their folder.

A thumbnail lies below data_dir/thumbnails as its picture lies below data_dir/pictures, and is
removed with it.
"""

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
_THUMBNAILS: Final = "thumbnails"
_THUMBNAIL_SUFFIX: Final = ".jpg"
"""Follows the whole name of the picture, so that no two pictures share a thumbnail."""
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
    """The files below data_dir/pictures, by year and month, and their thumbnails. Every method
    blocks."""

    def __init__(self, data_dir: Path, *, clock: Clock = utc_now) -> None:
        self._data_dir = Path(data_dir).absolute()
        self._clock = clock

    def write(self, name: str, data: bytes) -> WrittenFile:
        """Write a picture so that after a crash either all of it exists or nothing.

        When this returns, the file survives a power cut. An existing file with this name is
        replaced, and its thumbnail removed. Raises UnsafePath if the name is not a plain file
        name, DiskFull or DataFolderUnusable.
        """
        _check_name(name)
        now = self._clock()
        file = PurePosixPath(_FOLDER, f"{now:%Y}", f"{now:%m}", name)
        target = self._data_dir / file
        _unlink(self._data_dir / thumbnail_file(str(file)))
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
        """Remove a file and its thumbnail; missing ones are fine."""
        _unlink(self.path(file))
        # Afterwards: whoever is writing it now looks for the picture once it is written.
        _unlink(self.thumbnail_path(file))

    def remove_all(self, files: Sequence[str]) -> None:
        """Remove files so that they stay removed after a power cut; missing ones are fine.

        A path that is not that of a picture is skipped: the bot has no file there.
        """
        parents = set[Path]()
        for file in files:
            with contextlib.suppress(UnsafePath):
                self.remove(file)
                parents |= {self.path(file).parent, self.thumbnail_path(file).parent}
        for parent in parents:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                folders.sync_folder(parent)

    def thumbnail_path(self, file: str) -> Path:
        """Return where the thumbnail of a picture is, or would be; UnsafePath as in path()."""
        self.path(file)
        return self._data_dir / thumbnail_file(file)

    def read_thumbnail(self, file: str) -> bytes | None:
        """Return the thumbnail of a picture; None without one, or without the picture.

        Raises UnsafePath and DataFolderUnusable.
        """
        path = self.thumbnail_path(file)
        try:
            return path.read_bytes() if self.path(file).is_file() else None
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise folders.unusable(path, error) from error

    def write_thumbnail(self, file: str, data: bytes) -> None:
        """Keep the thumbnail of a picture, as write() does; nothing if the picture is gone.

        Raises UnsafePath, DiskFull or DataFolderUnusable.
        """
        path = self.thumbnail_path(file)
        try:
            make_folders(self._data_dir, path.parent)
            write_whole(path, data)
        except OSError as error:
            raise folders.unusable(path, error) from error
        if not self.path(file).is_file():  # it may have been removed meanwhile
            _unlink(path)

    def thumbnail_size(self, file: str) -> int:
        """Return the size of a picture's thumbnail in bytes, 0 without one."""
        with contextlib.suppress(OSError, UnsafePath):
            return self.thumbnail_path(file).stat().st_size
        return 0

    def thumbnail_sizes(self) -> dict[str, int]:
        """Return the size of every thumbnail in bytes by the file of its picture, also of one that
        has no picture; walks all folders."""
        return {
            _FOLDER + file.removeprefix(_THUMBNAILS).removesuffix(_THUMBNAIL_SUFFIX): size_bytes
            for file, size_bytes in self._sizes_in(_THUMBNAILS).items()
            if file.endswith(_THUMBNAIL_SUFFIX)
        }

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
        for folder in (_FOLDER, _THUMBNAILS):
            for leftover in (self._data_dir / folder).glob(f"*/*/.*{UNFINISHED}"):
                with contextlib.suppress(FileNotFoundError):
                    if is_old(leftover.stat().st_mtime, now, min_age_s):
                        found.append(leftover)
        return found

    def sizes(self) -> dict[str, int]:
        """Return every finished picture with its size in bytes; walks all folders."""
        return self._sizes_in(_FOLDER)

    def _sizes_in(self, folder: str) -> dict[str, int]:
        found: dict[str, int] = {}
        root = self._data_dir / folder
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
        folders.replace(unfinished, target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    folders.sync_folder(target.parent)


def thumbnail_file(file: str) -> str:
    """Return the path of a picture's thumbnail relative to the data folder; pure.

    Raises UnsafePath if the file is not below the folder of pictures.
    """
    folder, *inside = PurePosixPath(file).parts or [""]
    if folder != _FOLDER:
        raise UnsafePath(file, "it is outside the pictures folder")
    return f"{PurePosixPath(_THUMBNAILS, *inside)}{_THUMBNAIL_SUFFIX}"


def _unlink(path: Path) -> None:
    """Remove a file; a missing one is fine. Raises DataFolderUnusable."""
    try:
        path.unlink(missing_ok=True)
    except NotADirectoryError:
        return
    except OSError as error:
        raise folders.unusable(path, error) from error


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
