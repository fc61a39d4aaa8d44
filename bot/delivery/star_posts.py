"""Show pictures that gathered enough stars in the channel that their server chose, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog

from bot.accounts.server_languages import ServerLanguages
from bot.delivery.cards import ShownPicture, StarCard
from bot.delivery.durable_notifier import DurableNotifier
from bot.delivery.messenger import Address, Messenger, Undeliverable
from bot.pictures.filenames import attachment_name
from bot.pictures.gallery import message_refs
from bot.retry import Sleep
from storage.deliveries import Deliveries
from storage.errors import StorageError
from storage.files import PictureFiles
from storage.star_posts import DueStarPost, StarPosts

log = structlog.get_logger(__name__)

LOOK_BACK: Final = timedelta(days=1)
"""Stars that were given within this time before a start are counted again, in case of a crash."""

EverybodyReads = Callable[[int, int, int], Awaitable[bool]]
"""Whether everybody on a server (the first id) who sees one channel may read what is shown in
another; raises TemporaryFailure."""


class StarPoster(DurableNotifier):
    """Posts what is due, as the database has it when it is posted.

    Its keys are pictures. A post is stored before it is sent. Before it is sent a second time,
    Discord is asked whether the first one arrived; where that cannot be found out, there is none
    rather than two. Who may read the channel that a picture was made for is asked right before it
    is shown elsewhere.
    """

    def __init__(
        self,
        *,
        messenger: Messenger,
        posts: StarPosts,
        deliveries: Deliveries,
        files: PictureFiles,
        languages: ServerLanguages,
        everybody_reads: EverybodyReads,
        on_storage_error: Callable[[StorageError], object] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__("star", on_storage_error=on_storage_error, sleep=sleep)
        self._messenger = messenger
        self._posts = posts
        self._deliveries = deliveries
        self._files = files
        self._languages = languages
        self._everybody_reads = everybody_reads

    async def _left(self) -> list[int]:
        return await self._posts.unfinished(LOOK_BACK)

    async def _post(self, key: int) -> None:
        due = await self._posts.due(key)
        card = None if due is None else await self._card(due)
        if due is None or card is None:
            return
        guild_id = due.picture.place.guild_id
        locale = self._languages.of(guild_id, due.locale)
        address = Address(guild_id, due.channel_id, locale=locale)
        try:
            message_id = await self._arrived(address, card, due)
            if message_id is None:
                message_id = await self._send(address, card, due)
        except Undeliverable as error:
            log.warning(
                "a starred picture cannot be shown",
                guild=guild_id,
                channel=due.channel_id,
                detail=str(error),
            )
            if due.begun_at is None:  # otherwise an earlier attempt may have arrived
                await self._posts.failed(key)
            return
        if message_id is not None:
            await self._posts.posted(key, message_id)

    async def _arrived(self, address: Address, card: StarCard, due: DueStarPost) -> int | None:
        """Return the message of an earlier attempt, None if there is none."""
        if due.begun_at is None:
            return None
        return await self._messenger.find_card(address, card)

    async def _send(self, address: Address, card: StarCard, due: DueStarPost) -> int | None:
        """Post a picture; return None if it must not be shown there."""
        picture_id = due.picture.id
        if not await self._everybody_reads(address.guild_id, due.channel_id, due.shown_in):
            await self._posts.failed(picture_id)
            return None
        if due.begun_at is None and not await self._posts.begin(picture_id):
            return None
        return await self._messenger.post(address, card, f"star{picture_id}")

    async def _card(self, due: DueStarPost) -> StarCard | None:
        """Return the card; None if the picture's file or its message is gone."""
        picture = due.picture
        delivery = await self._deliveries.get(picture.job_id)
        refs = () if delivery is None else message_refs(delivery)
        path = await asyncio.to_thread(self._files.existing, picture.file)
        if not refs or path is None or not picture.on_disk:
            return None
        return StarCard(
            picture=picture,
            pictures=(ShownPicture(picture.id, picture.seed, path),),
            file_name=attachment_name(picture.file.rpartition("/")[2], spoiler=picture.spoiler),
            url=refs[0].url(picture.place.guild_id),
        )
