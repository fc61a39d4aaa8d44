"""Where a server shows pictures that gathered enough stars."""

from __future__ import annotations

from typing import Final

from bot.accounts.permissions import Action, Actor, Permissions
from bot.request.outcomes import NotAllowed, Refused
from storage.star_posts import StarChannel, StarChannels

DEFAULT_STARS: Final = 5
MAX_STARS: Final = 100
"""Stars that a picture needs. Both chosen by hand."""


class StarChannelService:
    """Chooses the channel. Without one, nothing is shown again."""

    def __init__(self, channels: StarChannels, permissions: Permissions) -> None:
        self._channels = channels
        self._permissions = permissions

    def refusal(self, actor: Actor) -> Refused | None:
        """Return a refusal if this actor may not choose it, else None."""
        allowed = self._permissions.allows(actor, Action.SET_SETTINGS)
        return None if allowed else Refused(NotAllowed(Action.SET_SETTINGS))

    async def choose(
        self, actor: Actor, channel_id: int | None, stars: int | None, locale: str
    ) -> StarChannel | Refused | None:
        """Show pictures with so many stars there from now on, and return what holds now.

        channel_id: None = nowhere. stars: None = as before, at first DEFAULT_STARS. locale: the
        server's, as Discord says.
        """
        if (refused := self.refusal(actor)) is not None:
            return refused
        chosen = None
        if channel_id is not None:
            before = await self._channels.of(actor.guild_id)
            usual = DEFAULT_STARS if before is None else before.stars
            chosen = StarChannel(channel_id, usual if stars is None else stars)
        await self._channels.choose(actor.guild_id, chosen, by=actor.user_id, locale=locale)
        return chosen
