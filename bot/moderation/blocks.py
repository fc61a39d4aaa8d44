"""Block members from painting, and unblock them."""

from __future__ import annotations

from dataclasses import dataclass

from bot.accounts.permissions import Action, Actor, Permissions
from bot.jobs.cancellation import CancellationService
from bot.moderation.durations import MAX_DAYS, read_duration
from bot.moderation.typed_reason import checked_reason
from bot.request.outcomes import NotAllowed, NotBlockable, NotBlocked, Refused
from bot.request.reasons.moderation import UnknownDuration
from storage.blocks import Blocks
from storage.types import Block, Clock


@dataclass(frozen=True, slots=True)
class UserBlocked:
    """A user was blocked. cancelled: how many of their jobs were cancelled and refunded."""

    block: Block
    cancelled: int


class BlockService:
    """Blocks members on the moderator's own server; checks permissions first in every call."""

    def __init__(
        self,
        blocks: Blocks,
        cancellation: CancellationService,
        permissions: Permissions,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._blocks = blocks
        self._cancellation = cancellation
        self._permissions = permissions

    async def block(
        self,
        actor: Actor,
        user_id: int,
        reason: str,
        *,
        out_of_reach: bool = False,
        duration: str | None = None,
    ) -> UserBlocked | Refused:
        """Block a user on this server and cancel their waiting jobs.

        reason: shown to the user; may be "". duration: after which the block ends, as it is typed;
        None for as long as nobody lifts it. out_of_reach: the user's rank there protects them from
        this moderator, though not from an owner of the bot. A new block replaces an earlier one.
        """
        refused = self.block_refusal(actor, user_id, out_of_reach=out_of_reach)
        if refused is not None:
            return refused
        checked = checked_reason(reason)
        if isinstance(checked, Refused):
            return checked
        lasting = None if duration is None else read_duration(duration)
        if duration is not None and lasting is None:
            return Refused(UnknownDuration(duration, MAX_DAYS))
        until = None if lasting is None else self._clock() + lasting
        block, jobs = await self._blocks.block_and_cancel(
            actor.guild_id, user_id, actor.user_id, checked, until
        )
        await self._cancellation.stop_ended(jobs)
        return UserBlocked(block, len(jobs))

    def block_refusal(
        self, actor: Actor, user_id: int, *, out_of_reach: bool = False
    ) -> Refused | None:
        """Return why this actor cannot block this user, before a reason is asked for."""
        if (refused := self._refusal(actor)) is not None:
            return refused
        owners = self._permissions.owners
        protected = user_id in owners or (out_of_reach and actor.user_id not in owners)
        return Refused(NotBlockable(user_id)) if protected or user_id == actor.user_id else None

    async def unblock(self, actor: Actor, user_id: int) -> Refused | None:
        """Unblock a user; return None on success."""
        if (refused := self._refusal(actor)) is not None:
            return refused
        if not await self._blocks.unblock(actor.guild_id, user_id):
            return Refused(NotBlocked(user_id))
        return None

    async def blocked(self, actor: Actor) -> list[Block] | Refused:
        """Return everybody who is blocked on this server, the latest block first."""
        if (refused := self._refusal(actor)) is not None:
            return refused
        return await self._blocks.blocked(actor.guild_id)

    def _refusal(self, actor: Actor) -> Refused | None:
        """Return a refusal if this actor may block nobody here, else None."""
        allowed = self._permissions.allows(actor, Action.BLOCK)
        return None if allowed else Refused(NotAllowed(Action.BLOCK))
