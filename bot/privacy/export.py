"""Everything that is stored of a member, as zips of JSON files."""

from __future__ import annotations

import asyncio
import json
import tempfile
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from storage import folders
from storage.erasure.export import PersonalData

_ROOM: Final = 0.5
"""A zip that is this full takes no further file: 200 rows, compressed, never fill the rest. Chosen
by hand."""


@dataclass(frozen=True, slots=True)
class DataPart:
    """One zip. file: at its start, gone when the next part is made. rows: in it."""

    number: int
    file: IO[bytes]
    rows: int

    @property
    def name(self) -> str:
        """The file name."""
        return f"zimagine-data-{self.number}.zip"


class DataExport:
    """Packs rows as they are stored. folder: where zips are made, without a name there."""

    def __init__(self, personal_data: PersonalData, folder: Path) -> None:
        self._personal_data = personal_data
        self._folder = folder

    async def parts(self, user_id: int, limit_bytes: int) -> AsyncIterator[DataPart]:
        """Yield the zips one after the other, at least one. Raises StorageError."""
        number, rows, files = 1, 0, dict[str, int]()
        file, archive = await asyncio.to_thread(self._begin)
        try:
            async for table, batch in self._personal_data.rows(user_id):
                files[table] = files.get(table, 0) + 1
                name = f"{table}-{files[table]}.json"
                await asyncio.to_thread(_add, archive, name, batch)
                rows += len(batch)
                if file.tell() > limit_bytes * _ROOM:
                    yield await asyncio.to_thread(_end, number, file, archive, rows)
                    file.close()
                    number, rows = number + 1, 0
                    file, archive = await asyncio.to_thread(self._begin)
            if rows or number == 1:
                yield await asyncio.to_thread(_end, number, file, archive, rows)
        finally:
            archive.close()
            file.close()

    def _begin(self) -> tuple[IO[bytes], zipfile.ZipFile]:
        try:
            file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 the caller closes it
        except OSError as error:
            raise folders.unusable(self._folder, error) from error
        return file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)


def _add(archive: zipfile.ZipFile, name: str, rows: list[dict[str, Any]]) -> None:
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    archive.writestr(name, f"{text}\n".encode(errors="replace"))


def _end(number: int, file: IO[bytes], archive: zipfile.ZipFile, rows: int) -> DataPart:
    archive.close()
    file.seek(0)
    return DataPart(number, file, rows)
