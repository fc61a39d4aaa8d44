"""Browse, search and mark a member's pictures; `deletion` deletes them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.accounts.permissions import Actor
from bot.pictures.deletion import DeletionService
from bot.pictures.possible_actions import AllowedActions
from bot.pictures.recent import RecentPictures
from bot.pictures.thumbnails import Thumbnails
from bot.request.outcomes import (
    FileRemoved,
    NotOwner,
    Refused,
    TextTooLong,
    UnknownPicture,
)
from engine.prompts import clean
from storage.deliveries import Deliveries
from storage.files import PictureFiles
from storage.history import History
from storage.types import Delivery, Route, StoredPicture

PAGE_PICTURES = 5
"""Pictures on a page of the gallery. Chosen by hand."""
FOUND_PICTURES = 8
"""Pictures shown of a search's results: with a thumbnail and a button each, no more fit into
Discord's 40 components. More words narrow a search down."""
MAX_SEARCH_CHARS = 100
"""Length of a search text. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class GalleryPage:
    """A page of pictures, newest first.

    before_id: the cursor of this page, 0 for the first page. newer_id, older_id: cursors of the
    neighbouring pages, None if there is none. unseen: ids of pictures that no message shows because
    they could not be posted. favourites: pages and total are of favourites only.
    """

    pictures: tuple[StoredPicture, ...]
    total: int
    before_id: int
    newer_id: int | None
    older_id: int | None
    unseen: frozenset[int] = frozenset()
    favourites: bool = False


@dataclass(frozen=True, slots=True)
class SearchResults:
    """Results of a search, newest first.

    text: the cleaned search text, never "". more: there are further results. unseen: as for a page.
    favourites: only favourites were searched.
    """

    text: str
    pictures: tuple[StoredPicture, ...]
    more: bool
    unseen: frozenset[int] = frozenset()
    favourites: bool = False


@dataclass(frozen=True, slots=True)
class MessageRef:
    """One of the bot's own messages, and the channel or thread that it is in."""

    channel_id: int
    message_id: int


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
        deliveries: Deliveries,
        files: PictureFiles,
        recent: RecentPictures,
        thumbnails: Thumbnails,
        deletion: DeletionService,
    ) -> None:
        self._history = history
        self._deliveries = deliveries
        self._files = files
        self._recent = recent
        self._thumbnails = thumbnails
        self._deletion = deletion

    async def page(
        self, actor: Actor, before_id: int = 0, *, favourites: bool = False
    ) -> GalleryPage:
        """Return the page of pictures, or of favourites, before `before_id` (0 = the newest).

        If there are none left, the first page is returned.
        """
        owner, history = (actor.user_id, actor.guild_id), self._history
        read = history.favourites if favourites else history.page
        found = await read(*owner, before_id or None, PAGE_PICTURES + 1)
        if before_id and not found:
            return await self.page(actor, favourites=favourites)
        pictures = tuple(found[:PAGE_PICTURES])
        return GalleryPage(
            pictures=pictures,
            total=await (history.count_favourites if favourites else history.count)(*owner),
            before_id=before_id,
            newer_id=await self._newer(actor, before_id, favourites) if before_id else None,
            older_id=pictures[-1].id if len(found) > PAGE_PICTURES else None,
            unseen=await self._unseen(pictures),
            favourites=favourites,
        )

    async def _newer(self, actor: Actor, before_id: int, favourites: bool) -> int:
        """Return the cursor of the previous page; 0 = the first page."""
        read = self._history.favourites_after if favourites else self._history.after
        newer = await read(actor.user_id, actor.guild_id, before_id, PAGE_PICTURES + 1)
        return newer[-1].id if len(newer) > PAGE_PICTURES else 0

    async def search(
        self, actor: Actor, text: str | None, *, favourites: bool = False
    ) -> SearchResults | GalleryPage | Refused:
        """Return the member's newest pictures whose prompts contain every word of the text.

        An empty text returns the first page of all pictures.
        """
        cleaned = clean(text or "")
        if len(cleaned) > MAX_SEARCH_CHARS:
            return Refused(TextTooLong("search", len(cleaned), MAX_SEARCH_CHARS))
        if not cleaned:
            return await self.page(actor, favourites=favourites)
        owner, limit = (actor.user_id, actor.guild_id), FOUND_PICTURES
        found = await self._history.search(*owner, cleaned, None, limit + 1, favourites=favourites)
        pictures = tuple(found[:limit])
        unseen = await self._unseen(pictures)
        return SearchResults(cleaned, pictures, len(found) > limit, unseen, favourites)

    async def _unseen(self, pictures: Sequence[StoredPicture]) -> frozenset[int]:
        undelivered_jobs = await self._deliveries.kept_among(
            [picture.job_id for picture in pictures]
        )
        return frozenset(picture.id for picture in pictures if picture.job_id in undelivered_jobs)

    async def thumbnails(self, pictures: Sequence[StoredPicture]) -> dict[int, bytes]:
        """Return the JPEGs of pictures that the actor was shown in a list, as Thumbnails.of()."""
        return await self._thumbnails.of(pictures)

    async def prompt_of(self, actor: Actor, picture_id: int) -> str | Refused:
        """Return the prompt of a picture of the member's own."""
        picture = await self._find_visible(actor, picture_id, anyones=False)
        return picture if isinstance(picture, Refused) else picture.prompt

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
        return Refused(UnknownPicture(str(picture_id))) if marked is None else marked

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
