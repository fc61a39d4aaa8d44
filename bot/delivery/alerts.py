"""What the bot's owners have to know of, without words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from storage.errors import DatabaseCorrupt, DataFolderUnusable, DiskFull


@dataclass(frozen=True, slots=True)
class AnotherCopy:
    """Another copy of the bot answers with the same token."""

    def __str__(self) -> str:
        return "another copy of this bot answers with the same token"


@dataclass(frozen=True, slots=True)
class LittleSpace:
    """Hardly anything is free on the disk of the data folder. free_bytes: how much is."""

    folder: Path
    free_bytes: int

    def __str__(self) -> str:
        return f"only {self.free_bytes} bytes are free on the disk of {self.folder}"


@dataclass(frozen=True, slots=True)
class BackupFailed:
    """The nightly backup failed. detail: why, as one line without a full stop."""

    detail: str

    def __str__(self) -> str:
        return f"the nightly backup failed: {self.detail}"


@dataclass(frozen=True, slots=True)
class ErasureUnfinished:
    """What was erased is still in files or backups. detail: why, without a full stop."""

    detail: str

    def __str__(self) -> str:
        return f"what was erased is still in files or backups: {self.detail}"


@dataclass(frozen=True, slots=True)
class RestartNeeded:
    """The configuration file says of some settings what only holds after a restart."""

    settings: tuple[str, ...]

    def __str__(self) -> str:
        return f"a restart is needed for {', '.join(self.settings)}"


@dataclass(frozen=True, slots=True)
class SettingsRefused:
    """A changed configuration file is wrong. problem: a sentence that names the setting."""

    problem: str

    def __str__(self) -> str:
        return f"the settings were not reloaded: {self.problem}"


class Drained:
    """Everything is painted that was accepted before the owners let nothing more be accepted."""

    def __str__(self) -> str:
        return "all that waited is painted; nothing new is accepted"


@dataclass(frozen=True, slots=True)
class AnnouncementSent:
    """On how many servers an announcement was posted, refused, or perhaps not posted."""

    posted: int
    refused: int
    unsure: int

    def __str__(self) -> str:
        return f"announced on {self.posted}, refused on {self.refused}, unsure of {self.unsure}"


OwnerAlert = (
    RestartNeeded
    | SettingsRefused
    | ErasureUnfinished
    | AnotherCopy
    | LittleSpace
    | BackupFailed
    | DiskFull
    | DataFolderUnusable
    | DatabaseCorrupt
    | Drained
    | AnnouncementSent
)
