"""Check whether moderators have blocked a member from painting; `bot.moderation` blocks them."""

from __future__ import annotations

from bot.accounts.permissions import Actor
from bot.request.outcomes import Blocked, Refused
from storage.blocks import Blocks


class BlockCheck:
    """Looks up blocked members of a server. Acceptance checks again in its transaction."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks

    async def refusal(self, actor: Actor) -> Refused | None:
        """Return a refusal if the member is blocked here, to be checked before doing any work."""
        block = await self._blocks.is_blocked(actor.guild_id, actor.user_id)
        return None if block is None else Refused(Blocked(block.reason))
