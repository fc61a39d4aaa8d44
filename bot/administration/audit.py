"""The audit log of a server: drafts of its entries, and its pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from bot.accounts.permissions import Action, Actor, Permissions
from bot.request.outcomes import NotAllowed, Refused
from storage.audit import AuditEntry, AuditLog
from storage.audit_draft import AuditDraft
from storage.log_channels import LogChannel, LogChannels
from storage.log_entries import LogEvent, Value
from storage.types import Clock

PAGE: Final = 10
"""Entries on a page: as many fit on a phone without much scrolling. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of a server's entries, the newest first. page: from 0. older: there is another page.
    member_id: whose entries alone these are. channel: where entries are posted, if anywhere."""

    entries: tuple[AuditEntry, ...]
    page: int
    older: bool
    member_id: int | None
    channel: LogChannel | None


class AuditService:
    """Reads the log for admins."""

    def __init__(
        self,
        log: AuditLog,
        channels: LogChannels,
        permissions: Permissions,
        clock: Clock,
    ) -> None:
        self._log = log
        self._channels = channels
        self._permissions = permissions
        self._clock = clock

    def draft(
        self,
        actor: Actor,
        action: str,
        data: Mapping[str, Value],
        target_id: int | None = None,
        *,
        others_only: bool = False,
    ) -> AuditDraft:
        """Return the entry of what the running task is about to do for an actor."""
        return AuditDraft(
            actor.guild_id,
            actor.user_id,
            action,
            self._clock(),
            target_id,
            data,
            others_only,
        )

    async def page(
        self, actor: Actor, page: int = 0, member_id: int | None = None
    ) -> AuditPage | Refused:
        """Return a page of the server's entries; one that is too high is empty."""
        if (refused := self.refusal(actor, Action.SEE_AUDIT)) is not None:
            return refused
        guild_id = actor.guild_id
        found = await self._log.page(guild_id, PAGE + 1, PAGE * page, member_id)
        channel = await self._channels.of(guild_id, LogEvent.AUDIT)
        return AuditPage(found[:PAGE], page, len(found) > PAGE, member_id, channel)

    async def member_of(self, actor: Actor, mark: int) -> int | None:
        """Return the member of the log whose `member_mark` this is; None if nobody has it."""
        found = await self._log.members(actor.guild_id)
        return next((each for each in found if member_mark(each) == mark), None)

    def refusal(self, actor: Actor, action: Action) -> Refused | None:
        """Return a refusal if this actor may not do this here, else None."""
        return None if self._permissions.allows(actor, action) else Refused(NotAllowed(action))


def member_mark(user_id: int) -> int:
    """Return a number of ten digits at most that stands for a member where an id does not fit."""
    return 1 + crc32(str(user_id).encode())
