"""The Messenger port over discord.py.

Messages are addressed by channel and message id, and ephemeral ones by their interaction token.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeVar

import aiohttp
import discord
from discord import ui
from discord.webhook.async_ import async_context

from bot.delivery.attachments import PREVIEW_NAME, fit_to_limit, numbered_sheet
from bot.delivery.cards import (
    Card,
    CaseCard,
    FailureCard,
    PaintingCard,
    PictureCard,
    ReminderCard,
    StarCard,
)
from bot.delivery.messenger import (
    Address,
    AnsweredElsewhere,
    Obstacle,
    ServerMember,
    TemporaryFailure,
    Undeliverable,
)
from bot.discord.interaction.audience import everybody_reads
from bot.discord.interaction.command_links import linking_words
from bot.discord.interaction.error_codes import ErrorCode
from bot.discord.interaction.messages import file_names, may_answer, walk_components
from bot.discord.interaction.rest import remove_message
from bot.discord.views.attachments import attached
from bot.discord.views.custom_ids import ComponentAction, parse
from bot.discord.views.jobs import card_layout, job_line
from bot.i18n import Words, words
from bot.pictures.filenames import attachment_name, is_picture_of
from storage.types import NONCE_LIMIT_CHARS

T = TypeVar("T")
NamedFile = tuple[str, bytes]
Button = tuple[ComponentAction, int]
"""What a button does, and to which row."""

UPLOAD_LIMIT_BYTES = 10 * 2**20
"""The limit of every server; the actual one is used where it is known, since boosts raise it."""
_OBSTACLES: dict[int, Obstacle] = {
    ErrorCode.UNKNOWN_CHANNEL: Obstacle.CHANNEL_GONE,
    ErrorCode.UNKNOWN_GUILD: Obstacle.CHANNEL_GONE,
    ErrorCode.UNKNOWN_MESSAGE: Obstacle.MESSAGE_GONE,
    ErrorCode.UNKNOWN_WEBHOOK: Obstacle.MESSAGE_GONE,
    ErrorCode.INVALID_WEBHOOK_TOKEN: Obstacle.MESSAGE_GONE,
    ErrorCode.THREAD_ARCHIVED: Obstacle.ARCHIVED,
    ErrorCode.TOO_MANY_ACTIVE_THREADS: Obstacle.FULL,
    ErrorCode.TOO_MANY_ACTIVE_ANNOUNCEMENT_THREADS: Obstacle.FULL,
    ErrorCode.REQUEST_TOO_LARGE: Obstacle.TOO_LARGE,
    ErrorCode.MISSING_ACCESS: Obstacle.FORBIDDEN,
    ErrorCode.CANNOT_EDIT_OTHERS_MESSAGE: Obstacle.FORBIDDEN,
    ErrorCode.CANNOT_MESSAGE_USER: Obstacle.FORBIDDEN,
    ErrorCode.MISSING_PERMISSIONS: Obstacle.FORBIDDEN,
    ErrorCode.THREAD_LOCKED: Obstacle.FORBIDDEN,
}
_THREAD_NAME_CHARS = 100
_THREAD_ARCHIVE_MIN = 1440
"""Discord archives a thread after a day without messages; the next picture reopens it."""
_MESSAGE_SEARCH_LIMIT = 5000
"""How many messages from around the time of a post are searched for it."""
_CARD_SEARCH_LIMIT = 500
"""How many of the newest messages in a channel are searched for a card."""
_MAX_CLOCK_SKEW = timedelta(minutes=5)
"""The maximum difference between Discord's clock and ours."""
_REQUEST_LIFE = timedelta(minutes=10)
"""A request that was sent longer ago than this does not arrive any more."""


class DiscordMessenger:
    """Shows cards as messages of the bot's own account."""

    def __init__(self) -> None:
        self._attached_client: discord.Client | None = None

    def attach(self, client: discord.Client) -> None:
        """Use this client from now on."""
        self._attached_client = client

    @property
    def _client(self) -> discord.Client:
        if self._attached_client is None:
            raise TemporaryFailure("not connected to Discord yet")
        return self._attached_client

    def _words(self, address: Address) -> Words:
        """Return the Words of what is shown there."""
        return linking_words(self._client, address.guild_id, address.locale)

    def servers(self) -> list[int]:
        """Return the servers that the bot is on, as far as Discord has said."""
        client = self._attached_client
        return [] if client is None else [each.id for each in client.guilds]

    async def edit(self, address: Address, card: Card) -> None:
        """Replace everything that a message shows, by its token if it has one."""
        message_id, token = address.message_id, address.reply_token
        assert message_id is not None

        async def send(shown: Card, file: NamedFile | None) -> None:
            view = card_layout(shown, self._words(address))
            files = [] if file is None else [attached(view, *file)]
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
        channel, nonce = self._channel(address), nonce_in(address.channel_id, nonce)

        async def send(shown: Card, file: NamedFile | None) -> int:
            view = card_layout(shown, self._words(address))
            message = await channel.send(
                view=view,
                files=[] if file is None else [attached(view, *file)],
                nonce=nonce,
                allowed_mentions=_mentions(shown),
            )
            return message.id

        return await self._with_upload(address, card, send)

    async def delete(self, address: Address) -> None:
        """Delete one of the bot's messages, by its token if it has one."""
        assert address.message_id is not None
        if address.reply_token is not None:
            webhook = self._webhook(address.reply_token)
            await _translate_errors(webhook.delete_message(address.message_id))
            return
        where = (address.guild_id, address.channel_id, address.message_id)
        await _translate_errors(remove_message(self._client, *where))

    async def application_owners(self) -> frozenset[int]:
        """Return the owners of this application. Raises Undeliverable and TemporaryFailure."""
        application = await _translate_errors(self._client.application_info())
        if application.team is not None:
            return frozenset(member.id for member in application.team.members)
        return frozenset({application.owner.id})

    async def direct_channel(self, user_id: int) -> int:
        """Return the channel, which Discord creates if there is none yet."""
        return (await _translate_errors(self._client.create_dm(discord.Object(user_id)))).id

    async def is_direct(self, channel_id: int) -> bool:
        """Look at the channel: servers' are cached. None is opened for this, unlike above."""
        channel = self._client.get_channel(channel_id)
        if channel is None:
            try:
                channel = await _translate_errors(self._client.fetch_channel(channel_id))
            except Undeliverable:
                return False
        return isinstance(channel, discord.DMChannel)

    async def open_thread(self, address: Address, user_id: int) -> int:
        """Open the thread; it gets the message's own id, so a repeated call finds it there."""
        message_id = address.message_id
        assert message_id is not None
        self._check_threads(address)
        name = await self._name_of(address.guild_id, user_id)
        say = words(address.locale)
        title = say("Pictures by {name}", name=name) if name else say("Pictures")
        http = self._client.http
        try:
            await _translate_errors(
                http.start_thread_with_message(
                    address.channel_id,
                    message_id,
                    name=title[:_THREAD_NAME_CHARS],
                    auto_archive_duration=_THREAD_ARCHIVE_MIN,
                )
            )
        except Undeliverable as error:
            if not isinstance(error.__cause__, discord.HTTPException):
                raise
            if error.__cause__.code != ErrorCode.THREAD_ALREADY_CREATED:
                raise
        return message_id

    def _check_threads(self, address: Address) -> None:
        """Raise Undeliverable if the bot could not write in a thread here."""
        guild = self._client.get_guild(address.guild_id)
        channel = None if guild is None else guild.get_channel(address.channel_id)
        if guild is None or guild.me is None or channel is None:  # pyright: ignore[reportUnnecessaryComparison]
            return
        if not channel.permissions_for(guild.me).send_messages_in_threads:
            raise Undeliverable(Obstacle.FORBIDDEN, "I lack Send Messages in Threads")

    async def _name_of(self, guild_id: int, user_id: int) -> str:
        """Return a member's display name, "" if they are not on the server any more."""
        guild = self._client.get_guild(guild_id)
        if guild is None:
            return ""
        try:
            return (await _translate_errors(guild.fetch_member(user_id))).display_name
        except Undeliverable:
            return ""

    async def find_post(self, address: Address, job_id: int, since: datetime) -> int | None:
        """Search the messages posted around that time for its files or its number."""
        number = job_line(job_id, words(address.locale))
        return await self._find(
            address, since, lambda message: _shows_result(message, job_id, number)
        )

    async def find_status(self, address: Address, job_id: int, since: datetime) -> int | None:
        """Search the messages posted around that time for its Cancel button."""
        button = (ComponentAction.CANCEL, job_id)
        return await self._find(address, since, lambda message: button in _buttons(message))

    async def find_case(self, address: Address, picture_id: int, since: datetime) -> int | None:
        """Search for its buttons, from the newest message on."""
        self._check_readable(address)
        button = (ComponentAction.DISMISS_REPORT, picture_id)
        return await _translate_errors(self._search_back(address, button, since))

    async def find_card(self, address: Address, card: Card) -> int | None:
        """Compare the texts of the newest messages with those of the card."""
        self._check_readable(address)
        shown = _lines(card_layout(card, self._words(address)).walk_children())
        return await _translate_errors(self._search_text(address, shown))

    async def _search_text(self, address: Address, lines: list[str]) -> int | None:
        async for message in self._channel(address).history(limit=_CARD_SEARCH_LIMIT):
            same = _lines(walk_components(message.components)) == lines
            if same and self._client.user == message.author:
                return message.id
        return None

    async def member(self, guild_id: int, user_id: int) -> ServerMember | None:
        """Ask Discord; the server's name is cached unless its shard is not connected yet."""
        try:
            found = await self._client.http.get_member(guild_id, user_id)
        except (discord.NotFound, discord.Forbidden):
            return None
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise TemporaryFailure(str(error)[:200] or type(error).__name__) from error
        guild = self._client.get_guild(guild_id)
        roles = frozenset({guild_id, *map(int, found["roles"])})  # everybody has the server's own
        return ServerMember("" if guild is None else guild.name, roles)

    async def everybody_reads(self, guild_id: int, shown_in: int, source_id: int) -> bool:
        """Return whether everybody who sees the one channel may read the other, as `audience`."""
        return await _translate_errors(everybody_reads(self._client, guild_id, shown_in, source_id))

    async def _search_back(self, address: Address, button: Button, since: datetime) -> int | None:
        async for message in self._channel(address).history(limit=_CARD_SEARCH_LIMIT):
            if message.created_at < since - _MAX_CLOCK_SKEW:
                return None
            if self._client.user == message.author and button in _buttons(message):
                return message.id
        return None

    async def _find(
        self, address: Address, since: datetime, wanted: Callable[[discord.Message], bool]
    ) -> int | None:
        self._check_readable(address)
        return await _translate_errors(self._search(address, since, wanted))

    async def _search_newest(
        self, address: Address, wanted: Callable[[discord.Message], bool]
    ) -> int | None:
        """Search the newest messages after the status message, whose id has Discord's own time."""
        history = self._channel(address).history(limit=_MESSAGE_SEARCH_LIMIT)
        async for message in history:
            if message.id <= (address.message_id or 0):
                return None
            if self._client.user == message.author and wanted(message):
                return message.id
        return None

    async def _search(
        self, address: Address, since: datetime, wanted: Callable[[discord.Message], bool]
    ) -> int | None:
        history = self._channel(address).history(
            limit=_MESSAGE_SEARCH_LIMIT, after=since - _MAX_CLOCK_SKEW, oldest_first=True
        )
        seen = 0
        async for message in history:
            seen += 1
            if message.created_at > since + _REQUEST_LIFE + _MAX_CLOCK_SKEW:
                return None
            if self._client.user == message.author and wanted(message):
                return message.id
        if seen == 0:  # by the machine's clock, which may have been ahead when it was posted
            return await self._search_newest(address, wanted)
        if seen == _MESSAGE_SEARCH_LIMIT:
            raise Undeliverable(Obstacle.UNREADABLE, f"more than {seen} messages at that time")
        return None

    def _check_readable(self, address: Address) -> None:
        """Raise Undeliverable if the history cannot be read; Discord would return an empty one."""
        guild = self._client.get_guild(address.guild_id)
        channel = None if guild is None else guild.get_channel_or_thread(address.channel_id)
        if guild is None or guild.me is None or channel is None:  # pyright: ignore[reportUnnecessaryComparison]
            return
        if not channel.permissions_for(guild.me).read_message_history:
            raise Undeliverable(Obstacle.UNREADABLE, "I lack Read Message History")

    async def find_answer(self, reply_token: str, job_id: int) -> int | None:
        """Ask Discord which message answered the interaction with this token, and look whose it
        is."""
        webhook = self._webhook(reply_token)
        try:
            # Like Interaction.original_response, but for an interaction of another process.
            message = await async_context.get().get_original_interaction_response(
                webhook.id, reply_token, session=webhook.session
            )
        except discord.NotFound:
            return None
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise _translate(error) from error
        if not may_answer(message, job_id):
            raise AnsweredElsewhere
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
        self,
        address: Address,
        card: Card,
        send: Callable[[Card, NamedFile | None], Awaitable[T]],
    ) -> T:
        """Send a card with its picture or sheet, smaller each time Discord finds it too large."""
        if isinstance(card, PaintingCard):
            return await self._with_preview(address, card, send)
        if not isinstance(card, PictureCard | CaseCard | StarCard) or not card.pictures:
            return await _translate_errors(send(card, None))
        limit_bytes = self._upload_limit_bytes(address)
        whole: bytes | None = None
        while True:
            try:
                whole = whole or await asyncio.to_thread(_card_file, card)
                name, data = await asyncio.to_thread(
                    fit_to_limit, whole, card.file_name, limit_bytes
                )
            except OSError as error:
                raise Undeliverable(Obstacle.REJECTED, f"the picture's file: {error}") from error
            shown = dataclasses.replace(card, file_name=name)
            try:
                return await _translate_errors(send(shown, (name, data)))
            except Undeliverable as error:
                if error.obstacle is not Obstacle.TOO_LARGE:
                    raise
                limit_bytes = len(data) - 1

    async def _with_preview(
        self,
        address: Address,
        card: PaintingCard,
        send: Callable[[Card, NamedFile | None], Awaitable[T]],
    ) -> T:
        """Send a card with its preview, or without it if it is over the upload limit."""
        preview = card.preview
        if preview is None or len(preview.data) > self._upload_limit_bytes(address):
            return await _translate_errors(send(dataclasses.replace(card, preview=None), None))
        name = attachment_name(PREVIEW_NAME, spoiler=card.spoiler)
        return await _translate_errors(send(card, (name, preview.data)))

    def _upload_limit_bytes(self, address: Address) -> int:
        guild = self._client.get_guild(address.guild_id)
        known = UPLOAD_LIMIT_BYTES if guild is None else guild.filesize_limit
        return known if address.upload_limit_bytes is None else address.upload_limit_bytes


def nonce_in(channel_id: int, nonce: str) -> str:
    """Return what stands for this nonce in this channel.

    Discord compares the nonces of all messages of one author: with the same one in another channel
    it would answer with the message in the first channel, and post nothing.
    """
    return sha256(f"{channel_id} {nonce}".encode()).hexdigest()[:NONCE_LIMIT_CHARS]


async def owners_of(messenger: DiscordMessenger, named: frozenset[int]) -> frozenset[int]:
    """Return the owners named in the settings, else those of the application."""
    return named or await messenger.application_owners()


async def _translate_errors(call: Awaitable[T]) -> T:
    """Await the call, and translate its errors into those of the Messenger."""
    try:
        return await call
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        raise _translate(error) from error
    except RuntimeError as error:
        if str(error) != "Session is closed":  # aiohttp has no exception of its own for it
            raise
        raise TemporaryFailure("the connection to Discord has ended") from error


def _shows_result(message: discord.Message, job_id: int, number: str) -> bool:
    """Return whether a message shows this job's result, by its files' names or the job's number."""
    texts: list[str] = []
    for component in walk_components(message.components):
        if isinstance(component, discord.TextDisplay):
            texts += component.content.splitlines()
    return any(is_picture_of(job_id, name) for name in file_names(message)) or number in texts


def _buttons(message: discord.Message) -> set[Button | None]:
    """Return the actions and row ids of a message's buttons, if they are of our database."""
    parts = walk_components(message.components)
    return {parse(part.custom_id or "") for part in parts if isinstance(part, discord.Button)}


def _lines(parts: Iterable[object]) -> list[str]:
    """Return the lines of all texts of a layout or of a message, as Discord may have trimmed
    them."""
    texts = [
        part.content for part in parts if isinstance(part, discord.TextDisplay | ui.TextDisplay)
    ]
    return [line.strip() for text in texts for line in text.strip().splitlines()]


def _card_file(card: PictureCard | CaseCard | StarCard) -> bytes:
    """Return the file of a card, its picture or a sheet of several (blocking). Raises OSError."""
    paths = [each.path for each in card.pictures]
    return numbered_sheet(paths) if len(paths) > 1 else paths[0].read_bytes()


def _mentions(card: Card) -> discord.AllowedMentions:
    """Allow a late result or a reminder to notify its requester, and never anybody else."""
    match card:
        case PictureCard(mention=True) | FailureCard(mention=True) | ReminderCard(direct=False):
            requester = discord.Object(card.requester_id)
            return discord.AllowedMentions(everyone=False, roles=False, users=[requester])
        case _:
            return discord.AllowedMentions.none()


def _translate(error: Exception) -> Undeliverable | TemporaryFailure:
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
    # 401 is about the bot's token, not this message, which will arrive with a new one.
    if error.status == 400:
        return Undeliverable(Obstacle.REJECTED, detail)
    return TemporaryFailure(detail)
