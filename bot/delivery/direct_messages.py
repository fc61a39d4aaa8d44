"""Jobs that were requested in direct messages, by a button below a picture that was sent there."""

from __future__ import annotations

from bot.delivery.messenger import Messenger, Undeliverable
from storage.types import Place


async def is_in_direct(messenger: Messenger, place: Place) -> bool:
    """Return whether a job's channel is its requester's direct messages with the bot.

    Nothing stored says so: Discord does, which never changes that channel. Raises TemporaryFailure.
    """
    try:
        return await messenger.direct_channel(place.user_id) == place.channel_id
    except Undeliverable:  # nobody can be sent anything there; a job has no such channel either
        return False
