"""Find the picture that a reroll, a variation or an image to image request starts from."""

from __future__ import annotations

import dataclasses

from bot.accounts.block_check import BlockCheck
from bot.accounts.permissions import Actor
from bot.pictures.lineage import Lineage
from bot.request.outcomes import NoPictures, OriginalDeleted, Refused, UnknownPicture
from bot.request.values.ids import parse_id
from engine.types import ImageRequest, Mode
from storage.history import History
from storage.types import StoredPicture


class OriginalPictures:
    """Look pictures up for members who may start from them."""

    def __init__(self, history: History, block_check: BlockCheck, lineage: Lineage) -> None:
        self._history = history
        self._block_check = block_check
        self._lineage = lineage

    async def find(
        self, actor: Actor, picture: str | None, *, anyones: bool = False
    ) -> StoredPicture | Refused:
        """Return a picture of this server. picture: its id; None = the member's last one here.

        anyones: True where the member sees the picture in front of them. An id that was merely
        typed finds their own pictures only, or people could read each other's prompts by counting.
        """
        if (refused := await self._block_check.refusal(actor)) is not None:
            return refused
        if picture is None:
            latest = await self._history.latest(actor.user_id, actor.guild_id)
            return Refused(NoPictures()) if latest is None else latest
        picture_id = parse_id(picture)
        found = None if picture_id is None else await self._history.get(picture_id)
        if found is None or found.place.guild_id != actor.guild_id:
            return Refused(UnknownPicture(picture))
        own = found.place.user_id == actor.user_id
        return found if own or (anyones and not found.private) else Refused(UnknownPicture(picture))

    async def before_upscale(self, picture: StoredPicture) -> StoredPicture | Refused:
        """Return what was enlarged into this picture, the picture itself if nothing was.

        Painting an enlarged picture again would start from its pixels and change next to nothing.
        Refused if what was enlarged has been deleted.
        """
        before = await self._lineage.before_upscale(picture)
        if before.picture is None:
            return Refused(OriginalDeleted(picture.id, before.picture_id))
        return before.picture

    async def settings_of(self, picture: StoredPicture) -> ImageRequest:
        """Return the request whose settings a remix takes over: that before any enlarging.

        They are still known if that picture was deleted; its source images are not.
        """
        before = await self._lineage.before_upscale(picture)
        if before.picture is None and before.request.mode is not Mode.UPSCALE:
            return dataclasses.replace(before.request, mode=Mode.TEXT, inputs=(), strength=1.0)
        return before.request
