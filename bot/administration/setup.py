"""What a server's admins choose first, as its setup panel shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.accounts.permissions import Action, Actor, Permissions
from bot.request.outcomes import NotAllowed, Refused
from storage.log_channels import LogChannel, LogChannels
from storage.log_entries import LogEvent
from storage.preferences import Preferences
from storage.quotas import Quotas
from storage.types import PolicySource, QuotaPolicy


@dataclass(frozen=True, slots=True)
class SetupState:
    """The first choices of a server. reports: where they are posted, None = nowhere. language:
    None = as Discord says. quota: that of members without one of their own; its source says whether
    it was chosen. admin_roles: may do what Manage Server may."""

    reports: LogChannel | None
    language: str | None
    quota: QuotaPolicy
    admin_roles: frozenset[int] = frozenset()


class SetupService:
    """Reads the choices; each is changed by the service that its usual command uses."""

    def __init__(
        self,
        preferences: Preferences,
        quotas: Quotas,
        channels: LogChannels,
        permissions: Permissions,
        fallback: Callable[[], QuotaPolicy],
        admin_roles: Callable[[int], frozenset[int]],
    ) -> None:
        self._preferences = preferences
        self._quotas = quotas
        self._channels = channels
        self._permissions = permissions
        self._fallback = fallback
        self._admin_roles = admin_roles

    async def shown_to(self, actor: Actor) -> SetupState | Refused:
        """Return the choices of the actor's server, for admins. Raises StorageError."""
        if not self._permissions.allows(actor, Action.SET_SETTINGS):
            return Refused(NotAllowed(Action.SET_SETTINGS))
        return await self.of(actor.guild_id)

    async def of(self, guild_id: int) -> SetupState:
        """Return the choices of a server. Raises StorageError."""
        chosen = await self._preferences.server(guild_id)
        rules = await self._quotas.rules(guild_id)
        whole = [each.policy for each in rules if each.subject.source is PolicySource.SERVER]
        return SetupState(
            await self._channels.of(guild_id, LogEvent.REPORTS),
            None if chosen is None else chosen.locale,
            next(iter(whole), self._fallback()),
            self._admin_roles(guild_id),
        )
