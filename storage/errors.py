"""Every error that storage raises on purpose.

    StorageError
    ├── DataFolderUnusable   the folder or the file in it cannot be used at all
    ├── DataFolderLocked     another process is using this data folder
    ├── DatabaseTooNew       written by a newer version of this program
    ├── DatabaseCorrupt      damaged, or not a database
    ├── RestoreUnfinished    a restore was interrupted and has to be run again
    ├── DatabaseBusy         another process held the write lock for too long
    ├── DatabaseClosed       used after close()
    ├── MigrationFailed      a migration was rolled back
    ├── SqliteTooOld         this Python's SQLite lacks what the schema needs
    ├── DiskFull             nothing more can be written
    ├── IllegalTransition    the lifecycle does not allow this step
    ├── UnknownRow           no row with this id
    ├── PictureMissing       the file of a picture is not on disk
    └── UnsafePath           a name or path that would leave the pictures folder

The arguments are kept as attributes; str() is one plain technical sentence. Messages for users are
worded in the front end.
"""

from pathlib import Path


class StorageError(Exception):
    """Base class of every error that storage raises on purpose."""


class DataFolderUnusable(StorageError):
    """The data folder, or the database file in it, cannot be used at all."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(path, detail)
        self.path = path
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.path} cannot be used: {self.detail}."


class DataFolderLocked(StorageError):
    """Another process is using this data folder; `pid` is None if unknown."""

    def __init__(self, path: Path, pid: int | None) -> None:
        super().__init__(path, pid)
        self.path = path
        self.pid = pid

    def __str__(self) -> str:
        holder = "another process" if self.pid is None else f"process {self.pid}"
        return f"The data folder {self.path} is in use by {holder}."


class DatabaseTooNew(StorageError):
    """The database was written by a newer version of this program."""

    def __init__(self, path: Path, found: int, supported: int) -> None:
        super().__init__(path, found, supported)
        self.path = path
        self.found = found
        self.supported = supported

    def __str__(self) -> str:
        return (
            f"{self.path} has schema version {self.found}, but this program only supports "
            f"versions up to {self.supported}."
        )


class DatabaseCorrupt(StorageError):
    """The file is damaged or not a database."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(path, detail)
        self.path = path
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.path} is damaged or not a database: {self.detail}."


class RestoreUnfinished(StorageError):
    """A restore of this database was interrupted: there is no complete database to open."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"A restore of {self.path} was interrupted: run zimagine db restore again."


class DatabaseBusy(StorageError):
    """Another process held the write lock for longer than the busy timeout."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(path, detail)
        self.path = path
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.path} stayed locked by another process: {self.detail}."


class DatabaseClosed(StorageError):
    """The database was used after close()."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path} is closed."


class MigrationFailed(StorageError):
    """Migration `number` was rolled back; the database is as it was before."""

    def __init__(self, path: Path, number: int, detail: str) -> None:
        super().__init__(path, number, detail)
        self.path = path
        self.number = number
        self.detail = detail

    def __str__(self) -> str:
        return f"Migration {self.number} of {self.path} was rolled back: {self.detail}."


class SqliteTooOld(StorageError):
    """This Python's SQLite lacks what the schema needs."""

    def __init__(self, found: str, needed: str) -> None:
        super().__init__(found, needed)
        self.found = found
        self.needed = needed

    def __str__(self) -> str:
        return f"SQLite {self.found} is too old: {self.needed} or newer is needed."


class DiskFull(StorageError):
    """Nothing more can be written; the write in progress was undone."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(path, detail)
        self.path = path
        self.detail = detail

    def __str__(self) -> str:
        return f"No space left to write {self.path}: {self.detail}."


class IllegalTransition(StorageError):
    """The lifecycle does not allow this step; `what` is "job", "delivery" and the like."""

    def __init__(self, what: str, id: int, from_: str, to: str) -> None:
        super().__init__(what, id, from_, to)
        self.what = what
        self.id = id
        self.from_ = from_
        self.to = to

    def __str__(self) -> str:
        return f"{self.what} {self.id} cannot go from {self.from_} to {self.to}."


class UnknownRow(StorageError):
    """There is no row of this kind with this id."""

    def __init__(self, kind: str, id: int) -> None:
        super().__init__(kind, id)
        self.kind = kind
        self.id = id

    def __str__(self) -> str:
        return f"There is no {self.kind} {self.id}."


class PictureMissing(StorageError):
    """The file of a picture is not on disk."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.file = file

    def __str__(self) -> str:
        return f"The picture file {self.file} is missing."


class UnsafePath(StorageError):
    """A name or path that would leave the pictures folder."""

    def __init__(self, file: str, detail: str) -> None:
        super().__init__(file, detail)
        self.file = file
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.file!r} is not a valid picture path: {self.detail}."
