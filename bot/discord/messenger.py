"""The Messenger over discord.py: by channel and message id, never by interaction token."""

from __future__ import annotations

import asyncio
import dataclasses
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import aiohttp
import discord
from discord.webhook.async_ import async_context
from PIL import Image

from bot.cards import Card, FailureCard, PictureCard
from bot.discord.present import card_layout
from bot.i18n import words
from bot.messenger import Address, Obstacle, TryLater, Undeliverable

T = TypeVar("T")

UPLOAD_LIMIT_BYTES = 10 * 2**20
"""What every server allows; a boosted one's own limit is used where it is known."""
WEBP_QUALITY = 90
JPEG_QUALITY = 85

_GONE = {10003: Obstacle.CHANNEL_GONE, 10008: Obstacle.MESSAGE_GONE, 10004: Obstacle.CHANNEL_GONE}
_FORBIDDEN = {50001, 50013, 160005, 50083, 50005}
_TOO_LARGE = {40005}


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
            raise TryLater("not connected to Discord yet")
        return self._attached

    async def edit(self, address: Address, card: Card) -> None:
        """Replace all that a message of ours shows."""
        assert address.message_id is not None
        channel = self._channel(address)
        message = channel.get_partial_message(address.message_id)

        async def send(files: list[discord.File], shown: Card) -> None:
            await message.edit(
                view=card_layout(shown, words(address.locale)),
                attachments=files,
                allowed_mentions=_mentions(shown),
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

    async def find_answer(self, reply_token: str) -> int | None:
        """Ask Discord by the interaction's token which message answered it."""
        application_id = self._client.application_id
        if application_id is None:
            raise TryLater("not logged in yet")
        webhook = discord.Webhook.partial(application_id, reply_token, client=self._client)
        try:
            # What Interaction.original_response does, for an interaction of another process.
            message = await async_context.get().get_original_interaction_response(
                application_id, reply_token, session=webhook.session
            )
        except discord.NotFound:
            return None
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise _translated(error) from error
        return int(message["id"])

    def _channel(self, address: Address) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(address.channel_id, guild_id=address.guild_id)

    async def _with_upload(
        self, address: Address, card: Card, send: Callable[[list[discord.File], Card], Awaitable[T]]
    ) -> T:
        """Send a card with its picture, in a smaller form each time Discord finds it too large."""
        if not isinstance(card, PictureCard):
            return await _sent(send([], card))
        guild = self._client.get_guild(address.guild_id)
        limit_bytes = UPLOAD_LIMIT_BYTES if guild is None else guild.filesize_limit
        while True:
            try:
                name, data = await asyncio.to_thread(
                    fitting, card.path, card.file_name, limit_bytes
                )
            except OSError as error:
                raise Undeliverable(Obstacle.REJECTED, f"the picture's file: {error}") from error
            shown = dataclasses.replace(card, file_name=name)
            try:
                return await _sent(send([discord.File(io.BytesIO(data), name)], shown))
            except Undeliverable as error:
                if error.obstacle is not Obstacle.TOO_LARGE:
                    raise
                limit_bytes = len(data) - 1


async def _sent(call: Awaitable[T]) -> T:
    """The call's result, or its error in the terms of the Messenger."""
    try:
        return await call
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        raise _translated(error) from error


def fitting(path: Path, name: str, limit_bytes: int) -> tuple[str, bytes]:
    """The file as it is if it fits, else as WebP, else as JPEG (blocking).

    Returns the name and the bytes. Raises OSError if the file is gone, Undeliverable if nothing
    fits.
    """
    data = path.read_bytes()
    if len(data) <= limit_bytes:
        return name, data
    stem = name.rpartition(".")[0]
    with Image.open(io.BytesIO(data)) as image:
        for form, ending, quality in (
            ("WEBP", "webp", WEBP_QUALITY),
            ("JPEG", "jpg", JPEG_QUALITY),
        ):
            out = io.BytesIO()
            image.convert("RGB").save(out, form, quality=quality)
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


def _translated(error: Exception) -> Undeliverable | TryLater:
    if not isinstance(error, discord.HTTPException):
        return TryLater(f"{type(error).__name__}: {error}")
    detail = f"{error.status} {error.code} {error.text}"[:200]
    if error.code in _GONE:
        return Undeliverable(_GONE[error.code], detail)
    if error.code in _TOO_LARGE or error.status == 413:
        return Undeliverable(Obstacle.TOO_LARGE, detail)
    if error.code in _FORBIDDEN or error.status == 403:
        return Undeliverable(Obstacle.FORBIDDEN, detail)
    if error.status == 404:
        return Undeliverable(Obstacle.MESSAGE_GONE, detail)
    # 401 is the bot's token, not this message: with a new one it will arrive.
    if error.status == 400:
        return Undeliverable(Obstacle.REJECTED, detail)
    return TryLater(detail)
