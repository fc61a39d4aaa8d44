"""Everything about a server at a glance, for its admins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.accounts.permissions import Action, Actor, Permissions
from bot.jobs.active import ActiveJobs
from bot.request.outcomes import NotAllowed, Refused
from engine.service import Engine
from storage.blocks import Blocks
from storage.filter_pictures import FilterPictures
from storage.filters import Filters
from storage.log_channels import LogChannel, LogChannels
from storage.pauses import Pause, Pauses
from storage.preferences import Preferences
from storage.quotas import Quotas
from storage.reports import Reports
from storage.types import PolicySource, QuotaPolicy

REPORTS_COUNTED: Final = 100
"""More open reports than this are only said to be more. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """A server as its admins run it.

    waiting, people, painting: jobs of this server. quota: what holds for members without one of
    their own; own_quotas: how many members and roles have one. rules, pictures: of the filter.
    reports: open ones, at most REPORTS_COUNTED + 1. language: None = as Discord says. channels:
    where its events are posted.
    """

    waiting: int
    people: int
    painting: int
    pause: Pause | None
    quota: QuotaPolicy
    own_quotas: int
    rules: int
    pictures: int
    reports: int
    blocked: int
    language: str | None
    timezone: str | None
    channels: tuple[LogChannel, ...]


class ServerStatusService:
    """Reads the state of the actor's own server."""

    def __init__(
        self,
        *,
        engine: Engine,
        active: ActiveJobs,
        permissions: Permissions,
        fallback: Callable[[], QuotaPolicy],
        pauses: Pauses,
        quotas: Quotas,
        filters: Filters,
        filter_pictures: FilterPictures,
        reports: Reports,
        blocks: Blocks,
        preferences: Preferences,
        channels: LogChannels,
    ) -> None:
        self._engine = engine
        self._active = active
        self._permissions = permissions
        self._fallback = fallback
        self._pauses = pauses
        self._quotas = quotas
        self._filters = filters
        self._filter_pictures = filter_pictures
        self._reports = reports
        self._blocks = blocks
        self._preferences = preferences
        self._channels = channels

    async def of(self, actor: Actor) -> ServerStatus | Refused:
        """Return the state of the actor's server, for admins. Raises StorageError."""
        if not self._permissions.allows(actor, Action.SEE_SERVER):
            return Refused(NotAllowed(Action.SEE_SERVER))
        guild_id = actor.guild_id
        here = [
            each
            for each in self._active
            if each.row.place.guild_id == guild_id and not each.finished
        ]
        waiting = [each for each in here if self._engine.queue.get(each.row.id) is not None]
        rules = await self._quotas.rules(guild_id)
        whole = [each.policy for each in rules if each.subject.source is PolicySource.SERVER]
        chosen = await self._preferences.server(guild_id)
        return ServerStatus(
            waiting=len(waiting),
            people=len({each.row.place.user_id for each in waiting}),
            painting=len(here) - len(waiting),
            pause=await self._pauses.of(guild_id),
            quota=next(iter(whole), self._fallback()),
            own_quotas=len(rules) - len(whole),
            rules=len((await self._filters.of(guild_id)).rules),
            pictures=len(await self._filter_pictures.of(guild_id)),
            reports=len(await self._reports.open(guild_id, REPORTS_COUNTED + 1)),
            blocked=len(await self._blocks.blocked(guild_id)),
            language=None if chosen is None else chosen.locale,
            timezone=None if chosen is None else chosen.timezone,
            channels=await self._channels.all_of(guild_id),
        )
