"""What the bot's owners have to know of, without words."""

from __future__ import annotations

from dataclasses import dataclass

from storage.errors import DatabaseCorrupt, DataFolderUnusable, DiskFull


@dataclass(frozen=True, slots=True)
class AnotherCopy:
    """Another copy of the bot answers with the same token."""

    def __str__(self) -> str:
        return "another copy of this bot answers with the same token"


OwnerAlert = DiskFull | DataFolderUnusable | DatabaseCorrupt | AnotherCopy
