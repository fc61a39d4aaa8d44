"""The pictures of a server or of one of its channels, as far as whoever asks may read them now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from bot.accounts.permissions import Actor
from bot.pictures.gallery import PAGE_PICTURES, GalleryPage, in_its_place
from bot.request.outcomes import ChannelClosed, FileRemoved, Refused, UnknownPicture
from storage.files import PictureFiles
from storage.history import History
from storage.lists import ListPage, Lists
from storage.search import WHOLE_SERVER, PictureQuery
from storage.shown import ShownPictures
from storage.types import StoredPicture

MayRead = Callable[[int], bool]
"""Whether whoever asks may read what a channel or thread shows, here and now: age-restricted
channels count only where the answer is in one."""


class ServerGallery:
    """Shows what members may see in the channels anyway.

    Never what was delivered privately or by direct message, nor what could not be posted. A channel
    that is closed to somebody in the meantime takes its pictures out of their galleries.
    """

    def __init__(
        self, history: History, shown: ShownPictures, lists: Lists, files: PictureFiles
    ) -> None:
        self._history = history
        self._shown = shown
        self._lists = lists
        self._files = files

    async def of_server(self, actor: Actor, may_read: MayRead) -> GalleryPage:
        """Return the newest pictures of all channels that the actor may read."""
        return await self._page(actor, WHOLE_SERVER, 0, may_read)

    async def of_channel(
        self, actor: Actor, channel_id: int, may_read: MayRead
    ) -> GalleryPage | Refused:
        """Return the newest pictures of a channel or thread."""
        if not may_read(channel_id):
            return Refused(ChannelClosed())
        return await self._page(actor, channel_id, 0, may_read)

    async def turn(self, actor: Actor, page: ListPage, may_read: MayRead) -> GalleryPage | Refused:
        """Return a page that a list of the actor's led to, with what they may read of it now."""
        where = page.query.shown_in
        assert where is not None
        if where != WHOLE_SERVER and not may_read(where):
            return Refused(ChannelClosed())
        return await self._page(actor, where, page.before_id, may_read)

    async def show(
        self, actor: Actor, picture_id: int, may_read: MayRead
    ) -> tuple[StoredPicture, Path] | Refused:
        """Return a picture that is the actor's own or that they may read, and its file's path."""
        picture = await self._history.get(picture_id)
        if picture is None or not await self._visible(actor, picture, may_read):
            return Refused(UnknownPicture(str(picture_id)))
        path = await asyncio.to_thread(self._files.existing, picture.file)
        if path is None or not picture.on_disk:
            return Refused(FileRemoved(picture.id, picture.seed))
        return picture, path

    async def _visible(self, actor: Actor, picture: StoredPicture, may_read: MayRead) -> bool:
        if picture.place.guild_id != actor.guild_id:
            return False
        if picture.place.user_id == actor.user_id:
            return True
        channel_id = await self._shown.channel_of(picture.id)
        return channel_id is not None and may_read(channel_id)

    async def _page(
        self, actor: Actor, where: int, before_id: int, may_read: MayRead
    ) -> GalleryPage:
        guild_id = actor.guild_id
        channels = [where]
        if where == WHOLE_SERVER:
            channels = [each for each in await self._shown.channels(guild_id) if may_read(each)]
        found = await self._shown.page(guild_id, channels, before_id or None, PAGE_PICTURES + 1)
        if before_id and not found:
            return in_its_place(await self._page(actor, where, 0, may_read))
        pictures = tuple(found[:PAGE_PICTURES])
        newer = None
        if before_id:
            later = await self._shown.after(guild_id, channels, before_id, PAGE_PICTURES + 1)
            newer = later[-1].id if len(later) > PAGE_PICTURES else 0
        older = pictures[-1].id if len(found) > PAGE_PICTURES else None
        wanted = PictureQuery(shown_in=where)
        newer_id, older_id = await self._lists.neighbours(
            actor.user_id, guild_id, wanted, newer, older
        )
        return GalleryPage(pictures, wanted, newer_id=newer_id, older_id=older_id)
