"""Check whether a member may paint at all: no moderator has blocked them, and no rule does."""

from __future__ import annotations

from bot.accounts.permissions import Actor
from bot.accounts.rules.check import RuleCheck
from bot.request.outcomes import Blocked, Refused
from storage.blocks import Blocks


class BlockCheck:
    """Looks up blocked members of a server. Acceptance checks again in its transaction.

    rules: None if nothing but blocks is looked at.
    """

    def __init__(self, blocks: Blocks, rules: RuleCheck | None = None) -> None:
        self._blocks = blocks
        self._rules = rules

    async def refusal(self, actor: Actor) -> Refused | None:
        """Return a refusal if the member is blocked here, to be checked before doing any work."""
        block = await self._blocks.is_blocked(actor.guild_id, actor.user_id)
        if block is not None:
            return Refused(Blocked(block.reason), block.until)
        return None if self._rules is None else await self._rules.blocked(actor)
