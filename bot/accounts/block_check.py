"""Check whether a member may ask for pictures at all: blocks, paused servers, and rules.

`bot.moderation` blocks, `bot.administration` pauses.
"""

from __future__ import annotations

from bot.accounts.permissions import Actor
from bot.accounts.rules.check import RuleCheck
from bot.request.outcomes import Blocked, Refused
from bot.request.reasons.administration import ServerPaused
from storage.blocks import Blocks
from storage.pauses import Pauses


class BlockCheck:
    """Looks up blocked members and paused servers. Acceptance checks again in its transaction.

    rules: None if only those are looked at.
    """

    def __init__(self, blocks: Blocks, pauses: Pauses, rules: RuleCheck | None = None) -> None:
        self._blocks = blocks
        self._pauses = pauses
        self._rules = rules

    async def refusal(self, actor: Actor) -> Refused | None:
        """Return a refusal if the member is blocked or the server paused, to be checked before
        doing any work."""
        block = await self._blocks.is_blocked(actor.guild_id, actor.user_id)
        if block is not None:
            return Refused(Blocked(block.reason), block.until)
        pause = await self._pauses.of(actor.guild_id)
        if pause is not None:
            return Refused(ServerPaused(pause.reason))
        return None if self._rules is None else await self._rules.blocked(actor)
