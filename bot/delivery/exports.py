"""A member's pictures and their recipes as numbered zips, each small enough to be sent."""

from __future__ import annotations

import asyncio
import json
import tempfile
import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from bot.accounts.permissions import Actor
from bot.delivery.attachments import fit_to_limit
from bot.delivery.messenger import Undeliverable
from bot.request.outcomes import ExportRunning, Refused
from storage import folders
from storage.errors import UnsafePath
from storage.files import PictureFiles
from storage.history import History
from storage.search import PictureQuery
from storage.types import StoredPicture

MAX_PARTS: Final = 10
"""Zips of one export: a command can be answered for minutes only. Chosen by hand."""
_BATCH: Final = 50
"""Pictures that are looked up at a time."""
_ENTRY_BYTES: Final = 30 + 46
"""What a zip adds to every file, beside its name twice."""
_END_BYTES: Final = 22
_RECIPE_ROOM_BYTES: Final = 64 * 2**10
"""Left for the recipe beside a picture that has to be made smaller."""


@dataclass(frozen=True, slots=True)
class ExportPart:
    """One zip. file: at its start, gone when the next part is made. ids: of its pictures, newest
    first. smaller: those that are not as they were painted, because one alone was too large.
    without_file: those of which only the recipe is left."""

    number: int
    file: IO[bytes]
    ids: tuple[int, ...]
    smaller: tuple[int, ...] = ()
    without_file: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The file name."""
        return f"zimagine-export-{self.number}.zip"


class Export:
    """One export, from the newest picture on. rest_id: after the last part, the id before which
    the pictures are that did not fit; None if there are none."""

    def __init__(
        self,
        history: History,
        files: PictureFiles,
        folder: Path,
        actor: Actor,
        wanted: PictureQuery,
        before_id: int | None,
        limit_bytes: int,
    ) -> None:
        self._history = history
        self._files = files
        self._folder = folder
        self._owner = (actor.user_id, actor.guild_id)
        self._wanted = wanted
        self._before_id = before_id
        self._limit_bytes = limit_bytes
        self.rest_id: int | None = None

    async def parts(self) -> AsyncIterator[ExportPart]:
        """Yield the zips one after the other; only one is on the disk at a time, and it has no
        name there, so that nothing is left behind, whatever happens. Raises StorageError."""
        waiting: list[StoredPicture] = []
        last_id = 0
        for number in range(1, MAX_PARTS + 1):
            waiting = await self._filled(waiting)
            if not waiting:
                return
            part = await asyncio.to_thread(self._pack, number, waiting)
            with part.file:
                yield part
            waiting, last_id = waiting[len(part.ids) :], part.ids[-1]
        if await self._filled(waiting):
            self.rest_id = last_id

    async def _filled(self, waiting: list[StoredPicture]) -> list[StoredPicture]:
        """Return the pictures to be packed next, enough for a part or all that are left."""
        if len(waiting) >= _BATCH:
            return waiting
        found = await self._history.find(*self._owner, self._wanted, self._before_id, _BATCH)
        if found:
            self._before_id = found[-1].id
        return [*waiting, *found]

    def _pack(self, number: int, pictures: Sequence[StoredPicture]) -> ExportPart:
        """Return a zip of as many of these as fit, at least one. Blocking."""
        ids: list[int] = []
        smaller: list[int] = []
        without: list[int] = []
        try:
            file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 the caller closes it
        except OSError as error:
            raise folders.unusable(self._folder, error) from error
        try:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                room = self._limit_bytes - _END_BYTES
                for picture in pictures:
                    entries, changed = self._entries(picture)
                    size = sum(_ENTRY_BYTES + 2 * len(name) + len(data) for name, data in entries)
                    if ids and size > room:
                        break
                    for name, data in entries:
                        archive.writestr(_info(name, picture), data)
                    room -= size
                    ids.append(picture.id)
                    smaller += [picture.id] if changed else []
                    without += [picture.id] if len(entries) == 1 else []
            file.seek(0)
        except BaseException as error:
            file.close()
            if isinstance(error, OSError):
                raise folders.unusable(self._folder, error) from error
            raise
        return ExportPart(number, file, tuple(ids), tuple(smaller), tuple(without))

    def _entries(self, picture: StoredPicture) -> tuple[list[tuple[str, bytes]], bool]:
        """Return the files for a picture, its own first, and whether that was made smaller."""
        name = picture.file.rpartition("/")[2]
        recipe = (f"{name.rpartition('.')[0]}.json", _described(picture))
        try:
            data = self._files.path(picture.file).read_bytes()
        except (OSError, UnsafePath):
            return [recipe], False
        limit_bytes = self._limit_bytes - _END_BYTES - _RECIPE_ROOM_BYTES
        try:
            fitted_name, fitted = fit_to_limit(data, name, limit_bytes)
        except (Undeliverable, OSError):
            return [recipe], False
        return [(fitted_name, fitted), recipe], fitted is not data


class ExportService:
    """Starts exports, one at a time for each member. folder: where zips are made."""

    def __init__(self, history: History, files: PictureFiles, folder: Path) -> None:
        self._history = history
        self._files = files
        self._folder = folder
        self._running: set[tuple[int, int]] = set()

    def begin(
        self, actor: Actor, wanted: PictureQuery, before_id: int | None, limit_bytes: int
    ) -> Export | Refused:
        """Return an export of what is wanted; call `end` after it, whatever became of it."""
        if (actor.user_id, actor.guild_id) in self._running:
            return Refused(ExportRunning())
        self._running.add((actor.user_id, actor.guild_id))
        return Export(
            self._history, self._files, self._folder, actor, wanted, before_id, limit_bytes
        )

    def end(self, actor: Actor) -> None:
        """Let the member start another one."""
        self._running.discard((actor.user_id, actor.guild_id))


def _described(picture: StoredPicture) -> bytes:
    """Return everything that is known of a picture, as JSON."""
    try:
        recipe: Any = json.loads(picture.recipe)
    except ValueError:
        recipe = picture.recipe
    known = {
        "picture": picture.id,
        "prompt": picture.prompt,
        "seed": picture.seed,
        "painted_at": picture.painted_at.isoformat(),
        "sha256": picture.sha256,
        "favourite": picture.favourite,
        "private": picture.private,
        "note": picture.note,
        "recipe": recipe,
    }
    text = json.dumps(known, ensure_ascii=False, indent=2)
    return f"{text}\n".encode(errors="replace")


def _info(name: str, picture: StoredPicture) -> zipfile.ZipInfo:
    """Return an entry dated like its picture; zips begin with the year 1980."""
    moment = picture.painted_at.timetuple()[:6]
    return zipfile.ZipInfo(name, max(moment, (1980, 1, 1, 0, 0, 0)))
