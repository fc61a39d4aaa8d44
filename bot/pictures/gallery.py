"""Browse, search and mark a member's pictures; `deletion` deletes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.accounts.permissions import Actor
from bot.pictures.deletion import DeletionService
from bot.pictures.possible_actions import AllowedActions
from bot.pictures.recent import RecentPictures
from bot.pictures.thumbnails import Thumbnails
from bot.request.outcomes import (
    FileRemoved,
    ListGone,
    NotOwner,
    Refused,
    TextTooLong,
    UnknownPicture,
)
from engine.prompts import clean
from storage.deliveries import Deliveries
from storage.files import PictureFiles
from storage.history import History
from storage.lists import ListPage, Lists
from storage.search import PictureQuery
from storage.stars import Stars
from storage.types import NOTE_LIMIT_CHARS, Delivery, Route, StoredPicture

PAGE_PICTURES = 5
"""Pictures on a page of the gallery. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class GalleryPage:
    """A page of what a member looked for, newest first.

    query: what that is. total: how many pictures all pages have, None if that is not counted.
    newer_id, older_id: ids of the neighbouring pages (storage.lists), None if there is none.
    unseen: ids of pictures that no message shows because they could not be posted. instead: what
    was on the page that was asked for has been deleted, and this is the first page.
    """

    pictures: tuple[StoredPicture, ...]
    query: PictureQuery = field(default_factory=PictureQuery)
    total: int | None = None
    newer_id: int | None = None
    older_id: int | None = None
    unseen: frozenset[int] = frozenset()
    instead: bool = False


def in_its_place(first: GalleryPage) -> GalleryPage:
    """Return the first page as it is shown in place of one whose pictures are gone."""
    return replace(first, instead=True)


@dataclass(frozen=True, slots=True)
class Starred:
    """What became of a picture's star. own: the picture is the actor's, so that it is their
    favourite. starred: it has the actor's star now. stars: how many it has in all."""

    picture_id: int
    own: bool
    starred: bool
    stars: int


@dataclass(frozen=True, slots=True)
class MessageRef:
    """One of the bot's own messages, and the channel or thread that it is in."""

    channel_id: int
    message_id: int

    def url(self, guild_id: int) -> str:
        """Return the link to it on this server."""
        return f"https://discord.com/channels/{guild_id}/{self.channel_id}/{self.message_id}"


def message_refs(
    delivery: Delivery, direct_channel_id: int | None = None
) -> tuple[MessageRef, ...]:
    """Return the messages that show a result or its request, the result's first.

    direct_channel_id: the requester's direct messages; None leaves out what was sent there.
    """
    refs: list[MessageRef] = []
    channel_id = delivery.thread_id or delivery.channel_id
    if delivery.route is Route.DIRECT:
        channel_id = direct_channel_id
    if delivery.result_message_id is not None and channel_id is not None:
        refs.append(MessageRef(channel_id, delivery.result_message_id))
    if delivery.message_id is not None:
        refs.append(MessageRef(delivery.channel_id, delivery.message_id))
    return tuple(dict.fromkeys(refs))


@dataclass(frozen=True, slots=True)
class Totals:
    """How many pictures a member has on a server, and how many of them are favourites."""

    pictures: int
    favourites: int


class Gallery:
    """Reads and marks pictures of the actor's server.

    Members see only their own pictures. With `anyones` they also see other members' public ones,
    for cases in which such a picture is already in front of them.
    """

    def __init__(
        self,
        history: History,
        lists: Lists,
        stars: Stars,
        deliveries: Deliveries,
        files: PictureFiles,
        recent: RecentPictures,
        thumbnails: Thumbnails,
        deletion: DeletionService,
        starred: Callable[[int], object] = lambda _picture_id: None,
    ) -> None:
        """starred(picture_id): a picture got a star."""
        self._history = history
        self._lists = lists
        self._stars = stars
        self._deliveries = deliveries
        self._files = files
        self._recent = recent
        self._thumbnails = thumbnails
        self._deletion = deletion
        self._starred = starred

    async def find(self, actor: Actor, wanted: PictureQuery) -> GalleryPage:
        """Return the first page of what a member looks for among their pictures on this server."""
        return await self._page(actor, wanted, 0)

    async def list_page(self, actor: Actor, page_id: int) -> ListPage | Refused:
        """Return a page that one of the actor's lists led to, however long ago."""
        page = await self._lists.get(page_id)
        if page is None or (page.user_id, page.guild_id) != (actor.user_id, actor.guild_id):
            return Refused(ListGone())
        return page

    async def turn(self, actor: Actor, page: ListPage) -> GalleryPage:
        """Return what is on that page now."""
        return await self._page(actor, page.query, page.before_id)

    async def page(
        self, actor: Actor, before_id: int = 0, *, favourites: bool = False
    ) -> GalleryPage:
        """Return the page of pictures, or of favourites, before `before_id` (0 = the newest)."""
        return await self._page(actor, PictureQuery(favourites=favourites), before_id)

    async def _page(self, actor: Actor, wanted: PictureQuery, before_id: int) -> GalleryPage:
        owner = (actor.user_id, actor.guild_id)
        found = await self._history.find(*owner, wanted, before_id or None, PAGE_PICTURES + 1)
        if before_id and not found:
            return in_its_place(await self._page(actor, wanted, 0))
        pictures = tuple(found[:PAGE_PICTURES])
        newer = await self._newer(actor, wanted, before_id) if before_id else None
        older = pictures[-1].id if len(found) > PAGE_PICTURES else None
        newer_id, older_id = await self._lists.neighbours(*owner, wanted, newer, older)
        return GalleryPage(
            pictures=pictures,
            query=wanted,
            total=await self._total(actor, wanted),
            newer_id=newer_id,
            older_id=older_id,
            unseen=await self._unseen(pictures),
        )

    async def _total(self, actor: Actor, wanted: PictureQuery) -> int | None:
        if wanted.indexed:  # all that is found would have to be read
            return None
        count = self._history.count_favourites if wanted.favourites else self._history.count
        return await count(actor.user_id, actor.guild_id)

    async def _newer(self, actor: Actor, wanted: PictureQuery, before_id: int) -> int:
        """Return the cursor of the previous page; 0 = the first page."""
        newer = await self._history.find_after(
            actor.user_id, actor.guild_id, wanted, before_id, PAGE_PICTURES + 1
        )
        return newer[-1].id if len(newer) > PAGE_PICTURES else 0

    async def _unseen(self, pictures: Sequence[StoredPicture]) -> frozenset[int]:
        undelivered_jobs = await self._deliveries.kept_among(
            [picture.job_id for picture in pictures]
        )
        return frozenset(picture.id for picture in pictures if picture.job_id in undelivered_jobs)

    async def thumbnails(self, pictures: Sequence[StoredPicture]) -> dict[int, bytes]:
        """Return the JPEGs of pictures that the actor was shown in a list, as Thumbnails.of()."""
        return await self._thumbnails.of(pictures)

    async def totals(self, actor: Actor) -> Totals:
        """Return how many pictures and favourites a member has on this server."""
        return Totals(
            await self._history.count(actor.user_id, actor.guild_id),
            await self._history.count_favourites(actor.user_id, actor.guild_id),
        )

    async def recent(self, actor: Actor) -> list[StoredPicture]:
        """Return the member's newest pictures, from memory."""
        return await self._recent.of(actor.user_id, actor.guild_id)

    async def show(
        self, actor: Actor, picture_id: int, *, anyones: bool = False
    ) -> tuple[StoredPicture, Path] | Refused:
        """Return a picture and the path of its file."""
        picture = await self._find_visible(actor, picture_id, anyones=anyones)
        if isinstance(picture, Refused):
            return picture
        path = await asyncio.to_thread(self._files.existing, picture.file)
        if path is None or not picture.on_disk:
            return Refused(FileRemoved(picture.id, picture.seed))
        return picture, path

    async def allowed_actions(self, actor: Actor, picture_id: int) -> AllowedActions | Refused:
        """Return what the actor may do with a visible picture and the others of its job."""
        picture = await self._find_visible(actor, picture_id, anyones=True)
        if isinstance(picture, Refused):
            return picture
        return AllowedActions(
            pictures=await self._history.of_job(picture.job_id),
            own=picture.place.user_id == actor.user_id,
            erasable=isinstance(await self._deletion.find(actor, picture_id), StoredPicture),
        )

    async def set_favourite(
        self, actor: Actor, picture_id: int, *, favourite: bool
    ) -> StoredPicture | Refused:
        """Mark one of the actor's own pictures as a favourite, or remove the mark."""
        picture = await self._find_visible(actor, picture_id, anyones=True)
        if isinstance(picture, Refused):
            return picture
        mark = self._history.favour if favourite else self._history.unfavour
        if picture.place.user_id != actor.user_id:
            return Refused(NotOwner(picture_id))
        marked = await mark(picture_id, actor.user_id)
        if favourite:
            self._starred(picture_id)
        return Refused(UnknownPicture(str(picture_id))) if marked is None else marked

    async def star(self, actor: Actor, picture_id: int) -> Starred | Refused:
        """Give a picture in front of the actor their star, or take it back.

        The star of its owner is the mark as a favourite.
        """
        picture = await self._find_visible(actor, picture_id, anyones=True)
        if isinstance(picture, Refused):
            return picture
        own = picture.place.user_id == actor.user_id
        if own:
            mark = self._history.unfavour if picture.favourite else self._history.favour
            starred = await mark(picture_id, actor.user_id) is not None and not picture.favourite
        else:
            starred = await self._stars.toggle(picture_id, actor.user_id)
        if starred:
            self._starred(picture_id)
        return Starred(picture_id, own, starred, await self._stars.count(picture_id))

    async def note_of(self, actor: Actor, picture_id: int) -> str | Refused:
        """Return the actor's note on one of their own pictures, "" if there is none."""
        picture = await self._find_own(actor, picture_id)
        return picture if isinstance(picture, Refused) else picture.note or ""

    async def write_note(self, actor: Actor, picture_id: int, text: str) -> str | Refused:
        """Put a note on one of the actor's own pictures, and return it as it is kept.

        A text without visible characters removes it.
        """
        picture, note = await self._find_own(actor, picture_id), clean(text)
        if isinstance(picture, Refused):
            return picture
        if len(note) > NOTE_LIMIT_CHARS:
            return Refused(TextTooLong("note", len(note), NOTE_LIMIT_CHARS))
        if await self._history.write_note(picture_id, actor.user_id, note or None) is None:
            return Refused(UnknownPicture(str(picture_id)))
        self._recent.forget(actor.user_id, actor.guild_id)
        return note

    async def _find_own(self, actor: Actor, picture_id: int) -> StoredPicture | Refused:
        picture = await self._find_visible(actor, picture_id, anyones=True)
        if isinstance(picture, Refused) or picture.place.user_id == actor.user_id:
            return picture
        return Refused(NotOwner(picture_id))

    async def messages_of(
        self, picture: StoredPicture, direct_channel_id: int | None = None
    ) -> tuple[MessageRef, ...]:
        """Return the messages about a picture, as `message_refs` lists them."""
        delivery = await self._deliveries.get(picture.job_id)
        return () if delivery is None else message_refs(delivery, direct_channel_id)

    async def sent_directly(self, picture: StoredPicture) -> bool:
        """Return whether a picture was sent to its requester by direct message."""
        delivery = await self._deliveries.get(picture.job_id)
        return delivery is not None and delivery.route is Route.DIRECT

    async def _find_visible(
        self, actor: Actor, picture_id: int, *, anyones: bool
    ) -> StoredPicture | Refused:
        picture = await self._history.get(picture_id)
        if picture is not None and picture.place.guild_id == actor.guild_id:
            own = picture.place.user_id == actor.user_id
            if own or (anyones and not picture.private):
                return picture
        return Refused(UnknownPicture(str(picture_id)))
