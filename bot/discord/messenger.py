"""The Messenger over discord.py: by channel and message id, never by interaction token."""

from __future__ import annotations

import asyncio
import dataclasses
import io
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import discord
from discord.webhook.async_ import async_context
from PIL import Image

from bot.delivery.attachments import contact_sheet
from bot.delivery.cards import Card, CaseCard, FailureCard, PaintingCard, PictureCard
from bot.delivery.messenger import Address, Obstacle, TemporaryFailure, Undeliverable
from bot.delivery.previews import PREVIEW_NAME
from bot.discord.interaction.rest import THREAD_ARCHIVED, remove_message
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.jobs import card_layout, job_line
from bot.i18n import words
from bot.pictures.filenames import attachment_name, is_picture_of

T = TypeVar("T")

UPLOAD_LIMIT_BYTES = 10 * 2**20
"""What every server allows; a boosted one's own limit is used where it is known."""
_SMALLER = (
    ("WEBP", "webp", 90, 1),
    ("JPEG", "jpg", 85, 1),
    ("JPEG", "jpg", 60, 1),
    ("JPEG", "jpg", 80, 2),
    ("JPEG", "jpg", 80, 4),
)
"""Forms to try in turn: format, ending, quality, and by what both sides are divided."""

_OBSTACLES = {
    10003: Obstacle.CHANNEL_GONE,
    10004: Obstacle.CHANNEL_GONE,
    10008: Obstacle.MESSAGE_GONE,
    10015: Obstacle.MESSAGE_GONE,  # an interaction's token that Discord knows no more
    50027: Obstacle.MESSAGE_GONE,
    THREAD_ARCHIVED: Obstacle.ARCHIVED,
    **dict.fromkeys((160006, 160007), Obstacle.FULL),
    40005: Obstacle.TOO_LARGE,
    **dict.fromkeys((50001, 50005, 50007, 50013, 160005), Obstacle.FORBIDDEN),
}
_HAS_THREAD = 160004
_THREAD_NAME_CHARS = 100
_THREAD_REST_MIN = 1440
"""After a day without a message Discord puts a thread away; the next picture brings it back."""
_SEARCHED_MESSAGES = 5000
_SEARCHED_CASES = 500
"""So many of the newest messages in the channel of reports are looked through for a card."""
_CLOCKS_APART = timedelta(minutes=5)
"""How far Discord's clock and ours may be apart."""
_TRY_LIFE = timedelta(minutes=10)
"""After so long a request that was sent arrives no more."""


class DiscordMessenger:
    """Shows cards as messages of the bot's own account."""

    def __init__(self) -> None:
        self._attached: discord.Client | None = None

    def attach(self, client: discord.Client) -> None:
        """Speak through this client from now on."""
        self._attached = client

    @property
    def _client(self) -> discord.Client:
        if self._attached is None:
            raise TemporaryFailure("not connected to Discord yet")
        return self._attached

    async def edit(self, address: Address, card: Card) -> None:
        """Replace all that a message of ours shows; through the token where there is one."""
        message_id, token = address.message_id, address.reply_token
        assert message_id is not None

        async def send(files: list[discord.File], shown: Card) -> None:
            view = card_layout(shown, words(address.locale))
            mentions = _mentions(shown)
            if token is None:
                message = self._channel(address).get_partial_message(message_id)
                await message.edit(view=view, attachments=files, allowed_mentions=mentions)
            else:
                await self._webhook(token).edit_message(
                    message_id, view=view, attachments=files, allowed_mentions=mentions
                )

        await self._with_upload(address, card, send)

    async def post(self, address: Address, card: Card, nonce: str) -> int:
        """Post a message; discord.py sends `enforce_nonce` along with the nonce."""
        channel = self._channel(address)

        async def send(files: list[discord.File], shown: Card) -> int:
            message = await channel.send(
                view=card_layout(shown, words(address.locale)),
                files=files,
                nonce=nonce,
                allowed_mentions=_mentions(shown),
            )
            return message.id

        return await self._with_upload(address, card, send)

    async def delete(self, address: Address) -> None:
        """Take a message of ours away."""
        assert address.message_id is not None
        where = (address.guild_id, address.channel_id, address.message_id)
        await _sent(remove_message(self._client, *where))

    async def application_owners(self) -> frozenset[int]:
        """Whose application this is. Raises Undeliverable or TryLater."""
        application = await _sent(self._client.application_info())
        if application.team is not None:
            return frozenset(member.id for member in application.team.members)
        return frozenset({application.owner.id})

    async def direct_channel(self, user_id: int) -> int:
        """Discord makes the channel, or says which one there is."""
        return (await _sent(self._client.create_dm(discord.Object(user_id)))).id

    async def open_thread(self, address: Address, user_id: int) -> int:
        """A message has one thread, with the message's own id: a second try finds it there."""
        message_id = address.message_id
        assert message_id is not None
        self._check_threads(address)
        name = await self._name_of(address.guild_id, user_id)
        say = words(address.locale)
        called = say("Pictures by {name}", name=name) if name else say("Pictures")
        http = self._client.http
        try:
            await _sent(
                http.start_thread_with_message(
                    address.channel_id,
                    message_id,
                    name=called[:_THREAD_NAME_CHARS],
                    auto_archive_duration=_THREAD_REST_MIN,
                )
            )
        except Undeliverable as error:
            if not isinstance(error.__cause__, discord.HTTPException):
                raise
            if error.__cause__.code != _HAS_THREAD:
                raise
        return message_id

    def _check_threads(self, address: Address) -> None:
        """No thread is opened that the bot could not write in."""
        guild = self._client.get_guild(address.guild_id)
        channel = None if guild is None else guild.get_channel(address.channel_id)
        if guild is None or guild.me is None or channel is None:  # pyright: ignore[reportUnnecessaryComparison]
            return
        if not channel.permissions_for(guild.me).send_messages_in_threads:
            raise Undeliverable(Obstacle.FORBIDDEN, "I lack Send Messages in Threads")

    async def _name_of(self, guild_id: int, user_id: int) -> str:
        """What a person is called on a server; "" where they are not there any more."""
        guild = self._client.get_guild(guild_id)
        if guild is None:
            return ""
        try:
            return (await _sent(guild.fetch_member(user_id))).display_name
        except Undeliverable:
            return ""

    async def find_post(self, address: Address, job_id: int, since: datetime) -> int | None:
        """Look through what was written there around that time."""
        number = job_line(job_id, words(address.locale))
        return await self._find(address, since, lambda message: _shows(message, job_id, number))

    async def find_status(self, address: Address, job_id: int, since: datetime) -> int | None:
        """Look for its Cancel button around that time."""
        button = custom_id(ComponentAction.CANCEL, job_id)
        return await self._find(address, since, lambda message: button in _custom_ids(message))

    async def find_case(self, address: Address, picture_id: int, since: datetime) -> int | None:
        """Look for its buttons, from the newest message on."""
        self._check_readable(address)
        return await _sent(
            self._search_back(address, custom_id(ComponentAction.DISMISS, picture_id), since)
        )

    async def _search_back(self, address: Address, button: str, since: datetime) -> int | None:
        async for message in self._channel(address).history(limit=_SEARCHED_CASES):
            if message.created_at < since - _CLOCKS_APART:
                return None
            if self._client.user == message.author and button in _custom_ids(message):
                return message.id
        return None

    async def _find(
        self, address: Address, since: datetime, wanted: Callable[[discord.Message], bool]
    ) -> int | None:
        self._check_readable(address)
        return await _sent(self._search(address, since, wanted))

    async def _search(
        self, address: Address, since: datetime, wanted: Callable[[discord.Message], bool]
    ) -> int | None:
        past = self._channel(address).history(
            limit=_SEARCHED_MESSAGES, after=since - _CLOCKS_APART, oldest_first=True
        )
        seen = 0
        async for message in past:
            seen += 1
            if message.created_at > since + _TRY_LIFE + _CLOCKS_APART:
                return None
            if self._client.user == message.author and wanted(message):
                return message.id
        if seen == _SEARCHED_MESSAGES:
            raise Undeliverable(Obstacle.UNREADABLE, f"more than {seen} messages at that time")
        return None

    def _check_readable(self, address: Address) -> None:
        """Without the right to read the past, Discord answers as if there were none."""
        guild = self._client.get_guild(address.guild_id)
        channel = None if guild is None else guild.get_channel_or_thread(address.channel_id)
        if guild is None or guild.me is None or channel is None:  # pyright: ignore[reportUnnecessaryComparison]
            return
        if not channel.permissions_for(guild.me).read_message_history:
            raise Undeliverable(Obstacle.UNREADABLE, "I lack Read Message History")

    async def find_answer(self, reply_token: str) -> int | None:
        """Ask Discord by the interaction's token which message answered it."""
        webhook = self._webhook(reply_token)
        try:
            # What Interaction.original_response does, for an interaction of another process.
            message = await async_context.get().get_original_interaction_response(
                webhook.id, reply_token, session=webhook.session
            )
        except discord.NotFound:
            return None
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise _translated(error) from error
        return int(message["id"])

    def _channel(self, address: Address) -> discord.PartialMessageable:
        guild_id = address.guild_id or None
        return self._client.get_partial_messageable(address.channel_id, guild_id=guild_id)

    def _webhook(self, reply_token: str) -> discord.Webhook:
        application_id = self._client.application_id
        if application_id is None:
            raise TemporaryFailure("not logged in yet")
        return discord.Webhook.partial(application_id, reply_token, client=self._client)

    async def _with_upload(
        self, address: Address, card: Card, send: Callable[[list[discord.File], Card], Awaitable[T]]
    ) -> T:
        """Send a card with its picture or the sheet of them, in a smaller form each time Discord
        finds it too large."""
        if isinstance(card, PaintingCard):
            return await self._with_preview(address, card, send)
        if not isinstance(card, PictureCard | CaseCard) or not card.pictures:
            return await _sent(send([], card))
        limit_bytes = self._upload_limit_bytes(address)
        whole: bytes | None = None
        while True:
            try:
                whole = whole or await asyncio.to_thread(_upload, card)
                name, data = await asyncio.to_thread(shrunk, whole, card.file_name, limit_bytes)
            except OSError as error:
                raise Undeliverable(Obstacle.REJECTED, f"the picture's file: {error}") from error
            shown = dataclasses.replace(card, file_name=name)
            try:
                return await _sent(send([discord.File(io.BytesIO(data), name)], shown))
            except Undeliverable as error:
                if error.obstacle is not Obstacle.TOO_LARGE:
                    raise
                limit_bytes = len(data) - 1

    async def _with_preview(
        self,
        address: Address,
        card: PaintingCard,
        send: Callable[[list[discord.File], Card], Awaitable[T]],
    ) -> T:
        """Send a card with its preview, or without where that is larger than what is taken."""
        preview = card.preview
        if preview is None or len(preview.data) > self._upload_limit_bytes(address):
            return await _sent(send([], dataclasses.replace(card, preview=None)))
        name = attachment_name(PREVIEW_NAME, spoiler=card.spoiler)
        return await _sent(send([discord.File(io.BytesIO(preview.data), name)], card))

    def _upload_limit_bytes(self, address: Address) -> int:
        guild = self._client.get_guild(address.guild_id)
        known = UPLOAD_LIMIT_BYTES if guild is None else guild.filesize_limit
        return known if address.upload_limit_bytes is None else address.upload_limit_bytes


async def owners_of(messenger: DiscordMessenger, named: frozenset[int]) -> frozenset[int]:
    """Those that the settings name, else those whose application the bot is."""
    return named or await messenger.application_owners()


async def _sent(call: Awaitable[T]) -> T:
    """The call's result, or its error in the terms of the Messenger."""
    try:
        return await call
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        raise _translated(error) from error
    except RuntimeError as error:
        if str(error) != "Session is closed":  # aiohttp has no kind of its own for it
            raise
        raise TemporaryFailure("the connection to Discord has ended") from error


def _shows(message: discord.Message, job_id: int, number: str) -> bool:
    """Whether a message of ours shows this job's result: by its files' names, or its number."""
    names = [each.filename for each in message.attachments]
    texts: list[str] = []
    for component in _parts(message.components):
        if isinstance(component, discord.MediaGalleryComponent):
            names += [urlsplit(item.media.url).path.rpartition("/")[2] for item in component.items]
        elif isinstance(component, discord.TextDisplay):
            texts += component.content.splitlines()
    return any(is_picture_of(job_id, name) for name in names) or number in texts


def _custom_ids(message: discord.Message) -> set[str | None]:
    parts = _parts(message.components)
    return {part.custom_id for part in parts if isinstance(part, discord.Button)}


def _parts(components: Iterable[Any]) -> Iterator[Any]:
    for component in components:
        yield component
        yield from _parts(getattr(component, "children", ()))


def _upload(card: PictureCard | CaseCard) -> bytes:
    """What a card shows: its picture, or the sheet of several (blocking). Raises OSError."""
    paths = [each.path for each in card.pictures]
    return contact_sheet(paths) if len(paths) > 1 else paths[0].read_bytes()


def fitting(path: Path, name: str, limit_bytes: int) -> tuple[str, bytes]:
    """The file as it is if it fits, else as WebP, else as JPEG, at last a smaller one (blocking).

    Returns the name and the bytes. Raises OSError if the file is gone, Undeliverable if nothing
    fits.
    """
    return shrunk(path.read_bytes(), name, limit_bytes)


def shrunk(data: bytes, name: str, limit_bytes: int) -> tuple[str, bytes]:
    """The same for a file that is in memory; raises Undeliverable, and OSError for no picture."""
    if len(data) <= limit_bytes:
        return name, data
    stem = name.rpartition(".")[0]
    with Image.open(io.BytesIO(data)) as image:
        whole = image.convert("RGB")
    for form, ending, quality, share in _SMALLER:
        size = (max(1, whole.width // share), max(1, whole.height // share))
        out = io.BytesIO()
        (whole if share == 1 else whole.resize(size)).save(out, form, quality=quality)
        if out.tell() <= limit_bytes:
            return f"{stem}.{ending}", out.getvalue()
    raise Undeliverable(Obstacle.TOO_LARGE, f"no form of {name} is under {limit_bytes} bytes")


def _mentions(card: Card) -> discord.AllowedMentions:
    """Nobody is ever notified but the one requester, and only by a late result."""
    if isinstance(card, PictureCard | FailureCard) and card.mention:
        return discord.AllowedMentions(
            everyone=False, roles=False, users=[discord.Object(card.requester_id)]
        )
    return discord.AllowedMentions.none()


def _translated(error: Exception) -> Undeliverable | TemporaryFailure:
    if not isinstance(error, discord.HTTPException):
        return TemporaryFailure(f"{type(error).__name__}: {error}")
    detail = f"{error.status} {error.code} {error.text}"[:200]
    if error.code in _OBSTACLES:
        return Undeliverable(_OBSTACLES[error.code], detail)
    if error.status == 413:
        return Undeliverable(Obstacle.TOO_LARGE, detail)
    if error.status == 403:
        return Undeliverable(Obstacle.FORBIDDEN, detail)
    if error.status == 404:
        return Undeliverable(Obstacle.MESSAGE_GONE, detail)
    # 401 is the bot's token, not this message: with a new one it will arrive.
    if error.status == 400:
        return Undeliverable(Obstacle.REJECTED, detail)
    return TemporaryFailure(detail)
