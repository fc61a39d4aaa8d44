"""Where a server's events are posted: its admins choose a channel for each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.accounts.permissions import Action, Actor, Permissions
from bot.moderation.reports import ReportService
from bot.request.outcomes import NotAllowed, Refused
from storage.log_channels import LogChannel, LogChannels
from storage.log_entries import LogEvent


@dataclass(frozen=True, slots=True)
class LogChannelChosen:
    """What was chosen. channel_id: None if these events are posted nowhere now. waiting: for
    reports, how many are open, up to a limit."""

    event: LogEvent
    channel_id: int | None
    waiting: int = 0


class LogChannelService:
    """Reads and changes the choices of the actor's own server.

    wake(guild): a server's channels may have entries that are not posted yet.
    """

    def __init__(
        self,
        channels: LogChannels,
        reports: ReportService,
        permissions: Permissions,
        wake: Callable[[int], object],
    ) -> None:
        self._channels = channels
        self._reports = reports
        self._permissions = permissions
        self._wake = wake

    def refusal(self, actor: Actor) -> Refused | None:
        """Return a refusal if this actor may not choose channels here, else None."""
        allowed = self._permissions.allows(actor, Action.SET_LOG)
        return None if allowed else Refused(NotAllowed(Action.SET_LOG))

    async def chosen(self, actor: Actor) -> tuple[LogChannel, ...] | Refused:
        """Return the channels that are chosen, in the order of their kinds. Raises StorageError."""
        if (refused := self.refusal(actor)) is not None:
            return refused
        return await self._channels.all_of(actor.guild_id)

    async def choose(
        self, actor: Actor, event: LogEvent, channel_id: int | None, locale: str
    ) -> LogChannelChosen | Refused:
        """Choose where these events are posted from now on; None: nowhere. Raises StorageError.

        Reports that are open already are posted there, too. locale: the server's, as Discord says.
        """
        if (refused := self.refusal(actor)) is not None:
            return refused
        await self._channels.choose(actor.guild_id, event, channel_id, actor.user_id, locale)
        self._wake(actor.guild_id)
        waiting = 0
        if event is LogEvent.REPORTS:
            waiting = await self._reports.show_open(actor.guild_id, channel_id)
        return LogChannelChosen(event, channel_id, waiting)
