"""Post a message that must not appear twice, although an earlier attempt may have arrived."""

from __future__ import annotations

from bot.delivery.cards import Card
from bot.delivery.messenger import Address, Messenger, Obstacle, Undeliverable


async def post_once(
    messenger: Messenger, address: Address, card: Card, nonce: str, *, again: bool
) -> int:
    """Post a card that names a time that no other does; returns the id of its message.

    again: an earlier attempt may have arrived, so it is looked for first. Where the history cannot
    be read, it is posted: two messages do less harm than none. Raises as `Messenger` does.
    """
    if again and (found := await _found(messenger, address, card)) is not None:
        return found
    return await messenger.post(address, card, nonce)


async def _found(messenger: Messenger, address: Address, card: Card) -> int | None:
    try:
        return await messenger.find_card(address, card)
    except Undeliverable as error:
        if error.obstacle is not Obstacle.UNREADABLE:
            raise
        return None
