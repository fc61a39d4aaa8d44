"""Pause a server: its requests are refused until an admin resumes it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.accounts.permissions import Action, Actor, Permissions
from bot.jobs.active import ActiveJobs
from bot.moderation.typed_reason import checked_reason
from bot.request.outcomes import NotAllowed, Refused
from bot.request.reasons.administration import NotPaused
from storage.pauses import Pause, Pauses


@dataclass(frozen=True, slots=True)
class PauseBegun:
    """A server was paused. unfinished: jobs that were accepted before, which are still painted."""

    pause: Pause
    unfinished: int


class PauseService:
    """Pauses and resumes the actor's own server.

    Requests are refused rather than held: whoever asks for a picture expects to know at once, and a
    held one would fill the queue, count against quotas and expire.
    """

    def __init__(self, pauses: Pauses, active: ActiveJobs, permissions: Permissions) -> None:
        self._pauses = pauses
        self._active = active
        self._permissions = permissions

    async def pause(self, actor: Actor, reason: str) -> PauseBegun | Refused:
        """Refuse requests of this server from now on. reason: shown to its members; may be ""."""
        if (refused := self._refusal(actor)) is not None:
            return refused
        checked = checked_reason(reason)
        if isinstance(checked, Refused):
            return checked
        pause = await self._pauses.pause(actor.guild_id, actor.user_id, checked)
        here = [
            each
            for each in self._active
            if each.row.place.guild_id == actor.guild_id and not each.finished
        ]
        return PauseBegun(pause, len(here))

    async def resume(self, actor: Actor) -> Refused | None:
        """Accept requests again; return None on success."""
        if (refused := self._refusal(actor)) is not None:
            return refused
        return None if await self._pauses.resume(actor.guild_id) else Refused(NotPaused())

    def _refusal(self, actor: Actor) -> Refused | None:
        allowed = self._permissions.allows(actor, Action.PAUSE)
        return None if allowed else Refused(NotAllowed(Action.PAUSE))
