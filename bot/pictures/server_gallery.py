"""The pictures of a server or of one of its channels, as far as whoever asks may read them now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from itertools import compress
from pathlib import Path
from typing import Final, Protocol

import structlog

from bot.accounts.permissions import Actor
from bot.pictures.gallery import PAGE_PICTURES, GalleryPage, in_its_place
from bot.request.outcomes import ChannelClosed, FileRemoved, Refused, UnknownPicture
from storage.files import PictureFiles
from storage.history import History
from storage.lists import ListPage, Lists
from storage.search import WHOLE_SERVER, PictureQuery
from storage.shown import ShownPictures
from storage.types import StoredPicture

log = structlog.get_logger(__name__)

LOOKUPS: Final = 30
"""How many threads Discord is asked about for one page. Those that are left then are not shown.
Chosen by hand: asked in parts, they take about a second."""


class ReadableChannels(Protocol):
    """Which channels and threads whoever asks may read, here and now: age-restricted ones count
    only where the answer is in one."""

    def known(self, channel_id: int) -> bool | None:
        """Return whether they may read a channel; None if Discord has to be asked."""
        ...

    async def ask(self, channel_id: int) -> bool:
        """Return whether they may read a channel; False too if Discord does not say."""
        ...


class _Channels:
    """The channels of one page: those that may be read, and those that nobody asked about yet."""

    def __init__(self, readable: ReadableChannels, channel_ids: Collection[int]) -> None:
        known = {each: readable.known(each) for each in channel_ids}
        self._readable = readable
        self._open = [each for each in channel_ids if known[each]]
        self._unknown = {each for each in channel_ids if known[each] is None}
        self._left = LOOKUPS

    @property
    def possible(self) -> list[int]:
        """Return the channels whose pictures may be shown, as far as is known."""
        return [*self._open, *self._unknown]

    async def settle(self, channel_ids: Collection[int]) -> bool:
        """Ask about those of these that are unknown; False if there are none."""
        asked = [each for each in dict.fromkeys(channel_ids) if each in self._unknown]
        if not asked:
            return False
        if len(asked) > self._left:
            log.warning("too many threads to ask about", left_out=len(self._unknown))
            self._unknown = set()
            return True
        self._left -= len(asked)
        self._unknown -= set(asked)
        answers = await asyncio.gather(*map(self._readable.ask, asked))
        self._open += compress(asked, answers)
        return True


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

    async def find(
        self, actor: Actor, wanted: PictureQuery, where: int, readable: ReadableChannels
    ) -> GalleryPage | Refused:
        """Return the newest pictures of a channel or thread, or of the WHOLE_SERVER, that are what
        is wanted."""
        return await self._checked_page(actor, replace(wanted, shown_in=where), 0, readable)

    async def turn(
        self, actor: Actor, page: ListPage, readable: ReadableChannels
    ) -> GalleryPage | Refused:
        """Return a page that a list of the actor's led to, with what they may read of it now."""
        return await self._checked_page(actor, page.query, page.before_id, readable)

    async def show(
        self, actor: Actor, picture_id: int, readable: ReadableChannels
    ) -> tuple[StoredPicture, Path] | Refused:
        """Return a picture that is the actor's own or that they may read, and its file's path."""
        picture = await self._history.get(picture_id)
        if picture is None or not await self._visible(actor, picture, readable):
            return Refused(UnknownPicture(str(picture_id)))
        path = await asyncio.to_thread(self._files.existing, picture.file)
        if path is None or not picture.on_disk:
            return Refused(FileRemoved(picture.id, picture.seed))
        return picture, path

    async def _visible(
        self, actor: Actor, picture: StoredPicture, readable: ReadableChannels
    ) -> bool:
        if picture.place.guild_id != actor.guild_id:
            return False
        if picture.place.user_id == actor.user_id:
            return True
        channel_id = await self._shown.channel_of(picture.id)
        if channel_id is None:
            return False
        known = readable.known(channel_id)
        return await readable.ask(channel_id) if known is None else known

    async def _checked_page(
        self, actor: Actor, wanted: PictureQuery, before_id: int, readable: ReadableChannels
    ) -> GalleryPage | Refused:
        where = wanted.shown_in
        assert where is not None
        ids = await self._shown.channels(actor.guild_id) if where == WHOLE_SERVER else [where]
        channels = _Channels(readable, ids)
        if where != WHOLE_SERVER:
            await channels.settle(ids)
            if not channels.possible:
                return Refused(ChannelClosed())
        return await self._page(actor, wanted, before_id, channels)

    async def _page(
        self, actor: Actor, wanted: PictureQuery, before_id: int, channels: _Channels
    ) -> GalleryPage:
        guild_id, limit = actor.guild_id, PAGE_PICTURES + 1
        found = await self._readable(
            channels,
            lambda ids: self._shown.find(guild_id, ids, wanted, before_id or None, limit),
        )
        if before_id and not found:
            return in_its_place(await self._page(actor, wanted, 0, channels))
        pictures = tuple(found[:PAGE_PICTURES])
        newer = None
        if before_id:
            later = await self._readable(
                channels,
                lambda ids: self._shown.find_after(guild_id, ids, wanted, before_id, limit),
            )
            newer = later[-1].id if len(later) > PAGE_PICTURES else 0
        older = pictures[-1].id if len(found) > PAGE_PICTURES else None
        newer_id, older_id = await self._lists.neighbours(
            actor.user_id, guild_id, wanted, newer, older
        )
        return GalleryPage(pictures, wanted, newer_id=newer_id, older_id=older_id)

    async def _readable(
        self,
        channels: _Channels,
        find: Callable[[list[int]], Awaitable[Sequence[StoredPicture]]],
    ) -> Sequence[StoredPicture]:
        """Find pictures of readable channels; Discord is asked only about those that are found."""
        while True:
            found = await find(channels.possible)
            shown_in = await self._shown.channels_of([each.id for each in found])
            if not await channels.settle(shown_in.values()):
                return found
