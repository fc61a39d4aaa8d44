"""Send somebody a copy of a picture by direct message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

import structlog

from bot.delivery.cards import PictureCard, ShownPicture
from bot.delivery.messenger import Address, Messenger, Obstacle, TemporaryFailure, Undeliverable
from bot.pictures.filenames import attachment_name
from bot.pictures.possible_actions import ActionChecker
from engine.types import Recipe
from storage.types import StoredPicture

log = structlog.get_logger(__name__)


class CopyResult(StrEnum):
    """The outcome of sending a copy."""

    SENT = "sent"
    CLOSED = "closed"
    """The user does not accept direct messages from the bot."""
    LATER = "later"
    OFF = "off"
    """The bot's owner does not allow direct messages."""


class CopySender:
    """Sends pictures by direct message, with the buttons of a picture shown on its own.

    direct_messages: returns whether the bot may send any.
    """

    def __init__(
        self, messenger: Messenger, actions: ActionChecker, *, direct_messages: Callable[[], bool]
    ) -> None:
        self._messenger = messenger
        self._actions = actions
        self._direct_messages = direct_messages

    async def send(
        self, user_id: int, picture: StoredPicture, path: Path, locale: str
    ) -> CopyResult:
        """Send a picture that this user may see. path: its file. locale: the user's language."""
        if not self._direct_messages():
            return CopyResult.OFF
        recipe = Recipe.from_json(picture.recipe)
        possible = await self._actions.possible(picture)
        card = PictureCard(
            pictures=(ShownPicture(picture.id, picture.seed, path, possible),),
            request=recipe.request,
            requester_id=picture.place.user_id,
            file_name=attachment_name(path.name, spoiler=picture.spoiler),
            duration_s=picture.duration_s,
            direct=True,
            origin_id=picture.place.channel_id,
            alone=True,
            spoiler=picture.spoiler,
        )
        try:
            channel_id = await self._messenger.direct_channel(user_id)
            if channel_id == picture.place.channel_id:
                card = replace(card, origin_id=0)
            # The nonce is the same every time, so that pressing the button twice sends one copy.
            await self._messenger.post(
                Address(0, channel_id, locale=locale), card, f"copy{picture.id}"
            )
        except Undeliverable as error:
            log.info("copy not delivered", picture=picture.id, obstacle=error.obstacle)
            closed = error.obstacle is Obstacle.FORBIDDEN
            return CopyResult.CLOSED if closed else CopyResult.LATER
        except TemporaryFailure as error:
            log.warning("copy not sent", picture=picture.id, detail=str(error))
            return CopyResult.LATER
        return CopyResult.SENT
