"""The list of pictures that nothing is painted from on a server."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from bot.accounts.permissions import Action, Actor, Permissions
from bot.jobs.submission import JobSubmission
from bot.moderation.filter.picture_hash import PictureHash, hash_of_file
from bot.request.outcomes import (
    FileRemoved,
    NotAllowed,
    Refused,
    StorageUnavailable,
    UnknownPicture,
    UnusableUpload,
)
from bot.request.reasons.filters import PictureFiltered, PictureNotListed, TooManyListed
from bot.request.values.ids import parse_id
from engine.uploads import UploadRefused
from storage.errors import PictureMissing, StorageError
from storage.files import PictureFiles
from storage.filter_pictures import (
    MAX_FILTER_PICTURES,
    FilterPicture,
    FilterPictures,
    TooManyPictures,
)
from storage.history import History
from storage.inputs import Inputs
from storage.types import StoredPicture

log = structlog.get_logger(__name__)

_HASHES_KEPT: Final = 512
"""Hashes of inputs and pictures that are kept in memory. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class PictureListed:
    """A picture was put on the list, or (removed) taken off. known: it was there already."""

    listed: int
    removed: bool = False
    known: bool = False


class PictureFilter:
    """Compares what requests start from with the list of their server, and changes the list."""

    def __init__(
        self,
        listed: FilterPictures,
        *,
        history: History,
        files: PictureFiles,
        inputs: Inputs,
        permissions: Permissions,
    ) -> None:
        self._listed = listed
        self._history = history
        self._files = files
        self._inputs = inputs
        self._permissions = permissions
        self._hashes: OrderedDict[str, PictureHash] = OrderedDict()
        # Decoding fifty megapixels takes more than a gigabyte.
        self._decoding = asyncio.Lock()

    async def refusal(self, actor: Actor, submissions: Sequence[JobSubmission]) -> Refused | None:
        """Return why nothing may be painted from the inputs or the original of these requests."""
        inputs = {sha for each in submissions for sha in each.resolved.request.inputs}
        parents = {each.parent_id for each in submissions if each.parent_id is not None}
        if not inputs and not parents:
            return None
        try:
            if not (listed := await self._listed.of(actor.guild_id)):
                return None
            if parents & {each.picture_id for each in listed}:
                return Refused(PictureFiltered())
            found = [await self._hash_of_input(each) for each in sorted(inputs)]
            found += [await self._hash_of_picture(each) for each in sorted(parents)]
        except StorageError as error:
            log.warning("the list of pictures was not read", detail=str(error))
            return Refused(StorageUnavailable())
        return _refusal(listed, found)

    async def source_refusal(self, actor: Actor, files: Sequence[bytes]) -> Refused | None:
        """Return why nothing may be painted from these files, before they are cut to a size."""
        try:
            listed = await self._listed.of(actor.guild_id)
        except StorageError as error:
            log.warning("the list of pictures was not read", detail=str(error))
            return Refused(StorageUnavailable())
        if not listed:
            return None
        return _refusal(listed, [await self._hashed(each) for each in files])

    def admin_refusal(self, actor: Actor) -> Refused | None:
        """Return why the actor may not change the list; None if they may."""
        allowed = self._permissions.allows(actor, Action.SET_FILTER)
        return None if allowed else Refused(NotAllowed(Action.SET_FILTER))

    async def change_by_id(
        self, actor: Actor, picture: str, *, remove: bool
    ) -> PictureListed | Refused:
        """Put one of the server's pictures on the list, by its number, or take it off."""
        if (refused := self.admin_refusal(actor)) is not None:
            return refused
        try:
            picture_id = parse_id(picture)
            found = None if picture_id is None else await self._history.get(picture_id)
            if found is None or found.place.guild_id != actor.guild_id:
                return Refused(UnknownPicture(picture))
            hashed = await self._hash_of_picture(found.id)
        except StorageError as error:
            log.warning("the picture was not read", detail=str(error))
            return Refused(StorageUnavailable())
        if hashed is None:
            return Refused(FileRemoved(found.id, found.seed))
        return await self._change(actor, hashed, found, remove=remove)

    async def change_by_file(
        self, actor: Actor, data: bytes, *, remove: bool
    ) -> PictureListed | Refused:
        """Put the picture of a file on the list, or take it off."""
        if (refused := self.admin_refusal(actor)) is not None:
            return refused
        try:
            async with self._decoding:
                hashed = await asyncio.to_thread(hash_of_file, data)
        except UploadRefused as refused_file:
            return Refused(UnusableUpload(refused_file))
        return await self._change(actor, hashed, None, remove=remove)

    async def _change(
        self, actor: Actor, hashed: PictureHash, picture: StoredPicture | None, *, remove: bool
    ) -> PictureListed | Refused:
        perceptual = None if hashed.perceptual is None else f"{hashed.perceptual:016x}"
        picture_id = None if picture is None else picture.id
        try:
            if remove:
                listed = await self._listed.of(actor.guild_id)
                alike = [each.sha256 for each in listed if _hash(each).is_like(hashed)]
                if not await self._listed.remove(actor.guild_id, alike):
                    return Refused(PictureNotListed())
                return PictureListed(len(await self._listed.of(actor.guild_id)), removed=True)
            new = await self._listed.add(
                actor.guild_id, FilterPicture(hashed.sha256, perceptual, picture_id), actor.user_id
            )
            return PictureListed(len(await self._listed.of(actor.guild_id)), known=not new)
        except TooManyPictures:
            return Refused(TooManyListed(MAX_FILTER_PICTURES))
        except StorageError as error:
            log.warning("the list of pictures was not changed", detail=str(error))
            return Refused(StorageUnavailable())

    async def _hash_of_input(self, sha256: str) -> PictureHash | None:
        if (known := self._hashes.get(sha256)) is not None:
            return known
        try:
            data = await self._inputs.read(sha256)
        except PictureMissing:  # accepting says so
            return None
        return self._kept(sha256, await self._hashed(data))

    async def _hash_of_picture(self, picture_id: int) -> PictureHash | None:
        """Return the hashes of one of the bot's pictures; None if its file is gone."""
        picture = await self._history.get(picture_id)
        if picture is None:
            return None
        if (known := self._hashes.get(picture.sha256)) is not None:
            return known
        path = await asyncio.to_thread(self._files.existing, picture.file)
        try:
            data = b"" if path is None else await asyncio.to_thread(Path.read_bytes, path)
        except OSError:
            return None
        return self._kept(picture.sha256, await self._hashed(data))

    async def _hashed(self, data: bytes) -> PictureHash | None:
        """Return the hashes of a file; None if it is no picture, of which others say so."""
        try:
            async with self._decoding:
                return await asyncio.to_thread(hash_of_file, data)
        except UploadRefused:
            return None

    def _kept(self, key: str, hashed: PictureHash | None) -> PictureHash | None:
        if hashed is not None:
            self._hashes[key] = hashed
            while len(self._hashes) > _HASHES_KEPT:
                self._hashes.popitem(last=False)
        return hashed


def _refusal(
    listed: Iterable[FilterPicture], found: Iterable[PictureHash | None]
) -> Refused | None:
    known, given = [_hash(each) for each in listed], [each for each in found if each is not None]
    alike = any(one.is_like(other) for one in given for other in known)
    return Refused(PictureFiltered()) if alike else None


def _hash(listed: FilterPicture) -> PictureHash:
    digits = listed.perceptual
    return PictureHash(listed.sha256, None if digits is None else int(digits, 16))
