"""Delete pictures permanently: who may, and what goes with a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bot.accounts.permissions import Action, Actor, Permissions
from bot.pictures.possible_actions import AllowedActions
from bot.pictures.recent import RecentPictures
from bot.request.outcomes import NotAllowed, Refused, UnknownPicture
from storage import audit_draft
from storage.files import PictureFiles
from storage.history import History
from storage.types import Place, StoredPicture


class DeletionService:
    """Deletes pictures of the actor's server; their requesters and moderators may."""

    def __init__(
        self,
        history: History,
        files: PictureFiles,
        recent: RecentPictures,
        permissions: Permissions,
        messages_to_remove: Callable[[], object] = lambda: None,
    ) -> None:
        """messages_to_remove(): a picture is gone that may be shown in other messages, too."""
        self._history = history
        self._files = files
        self._recent = recent
        self._permissions = permissions
        self._messages_to_remove = messages_to_remove

    async def find(self, actor: Actor, picture_id: int) -> StoredPicture | Refused:
        """Return a picture that the actor may delete: their own, or anyone's for moderators."""
        picture = await self._history.get(picture_id)
        if picture is None or picture.place.guild_id != actor.guild_id:
            return Refused(UnknownPicture(str(picture_id)))
        own = picture.place.user_id == actor.user_id
        action = Action.DELETE_OWN if own else Action.DELETE_ANY
        if not self._permissions.allows(actor, action):
            hidden = picture.private and not own
            return Refused(UnknownPicture(str(picture_id)) if hidden else NotAllowed(action))
        return picture

    async def deletable(self, actor: Actor, picture_id: int) -> AllowedActions | Refused:
        """Return the pictures that `erase_all` would delete, or why it would refuse."""
        picture = await self.find(actor, picture_id)
        if isinstance(picture, Refused):
            return picture
        own = picture.place.user_id == actor.user_id
        return AllowedActions(await self._history.of_job(picture.job_id), own, erasable=True)

    async def erase(self, actor: Actor, picture_id: int) -> StoredPicture | Refused:
        """Delete a picture permanently."""
        picture = await self.find(actor, picture_id)
        if isinstance(picture, StoredPicture):
            await self._erase([picture])
        return picture

    async def erase_all(self, actor: Actor, picture_id: int) -> tuple[StoredPicture, ...] | Refused:
        """Delete a picture and all others of its job permanently."""
        picture = await self.find(actor, picture_id)
        if isinstance(picture, Refused):
            return picture
        pictures = await self._history.of_job(picture.job_id)
        # This picture comes last: after a crash in between, the same button deletes the rest.
        await self._erase(sorted(pictures, key=lambda each: each.id == picture_id))
        return pictures

    async def _erase(self, pictures: Sequence[StoredPicture]) -> None:
        for picture in pictures:
            audit_draft.concerns(picture.place.user_id)
            await self._history.erase(picture.id)
            self._recent.forget(picture.place.user_id, picture.place.guild_id)
        self._messages_to_remove()
        await self._remove([picture.file for picture in pictures])

    async def forget(self, place: Place, files: Sequence[str]) -> None:
        """Remove pictures whose rows are gone, and their files."""
        self._recent.forget(place.user_id, place.guild_id)
        await self._remove(files)

    async def _remove(self, files: Sequence[str]) -> None:
        for file in files:
            await asyncio.to_thread(self._files.remove, file)

    async def leftover_job(self, actor: Actor, picture_id: int) -> int | None:
        """Return the job of this picture if the actor may remove messages that still show it.

        The picture was deleted, with all others of its job, and is theirs to delete; or its message
        is in their own direct messages.
        """
        job = await self._history.erased_job(picture_id)
        if job is None or job.place.guild_id != actor.guild_id:
            return None
        own = job.place.user_id == actor.user_id
        action = Action.DELETE_OWN if own else Action.DELETE_ANY
        return job.id if actor.direct or self._permissions.allows(actor, action) else None
