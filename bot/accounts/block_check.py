"""Check whether a member may ask for pictures at all, or is blocked, or the server is paused.

`bot.moderation` blocks, `bot.administration` pauses.
"""

from __future__ import annotations

from bot.accounts.permissions import Actor
from bot.request.outcomes import Blocked, Refused
from bot.request.reasons.administration import ServerPaused
from storage.blocks import Blocks
from storage.pauses import Pauses


class BlockCheck:
    """Looks up blocked members and paused servers. Acceptance checks again in its transaction."""

    def __init__(self, blocks: Blocks, pauses: Pauses) -> None:
        self._blocks = blocks
        self._pauses = pauses

    async def refusal(self, actor: Actor) -> Refused | None:
        """Return a refusal if the member is blocked or the server paused, to be checked before
        doing any work."""
        block = await self._blocks.is_blocked(actor.guild_id, actor.user_id)
        if block is not None:
            return Refused(Blocked(block.reason))
        pause = await self._pauses.of(actor.guild_id)
        return None if pause is None else Refused(ServerPaused(pause.reason))
