"""A copy of a picture by direct message, for the person who asks and nobody else."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import structlog

from bot.delivery.cards import PictureCard, ShownPicture
from bot.delivery.messenger import Address, Messenger, Obstacle, TemporaryFailure, Undeliverable
from bot.i18n import Words
from engine.types import Recipe
from storage.types import StoredPicture

log = structlog.get_logger(__name__)


class CopyResult(StrEnum):
    """What became of a copy."""

    SENT = "sent"
    CLOSED = "closed"
    """The person takes no direct messages of the bot."""
    LATER = "later"


class CopySender:
    """Sends pictures to somebody's direct messages."""

    def __init__(self, messenger: Messenger) -> None:
        self._messenger = messenger

    async def send(
        self, user_id: int, picture: StoredPicture, path: Path, locale: str
    ) -> CopyResult:
        """Post a picture there that the person may see. path: of its file. locale: their own."""
        recipe = Recipe.from_json(picture.recipe)
        card = PictureCard(
            pictures=(ShownPicture(picture.id, picture.seed, path),),
            request=recipe.request,
            requester_id=picture.place.user_id,
            file_name=path.name,
            duration_s=picture.duration_s,
            model=recipe.model,
            direct=True,
            origin_id=picture.place.channel_id,
        )
        try:
            channel_id = await self._messenger.direct_channel(user_id)
            # The same nonce each time: who presses twice gets one copy.
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


def sentence(copied: CopyResult, say: Words) -> str:
    """What became of a copy, in words."""
    return {
        CopyResult.SENT: say("I sent you a copy by direct message."),
        CopyResult.CLOSED: say(
            "I cannot send you direct messages: you do not accept them from members of this "
            "server. You can change that in the server's privacy settings."
        ),
        CopyResult.LATER: say("The copy could not be sent just now. Please try again in a minute."),
    }[copied]
