"""Reports from members, and the verdicts of moderators on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

from bot.accounts.permissions import Action, Actor, Permissions
from bot.moderation.blocks import BlockService
from bot.moderation.typed_reason import checked_reason
from bot.pictures.deletion import DeletionService
from bot.request.outcomes import (
    NotAllowed,
    NotReported,
    OwnPicture,
    Refused,
    ReportDecided,
    ReportedBefore,
    UnknownPicture,
)
from storage import audit_draft
from storage.errors import IllegalTransition, UnknownRow
from storage.history import History
from storage.log_channels import LogChannels
from storage.log_entries import LogEvent
from storage.reports import Reports
from storage.types import AlreadyReported, Case, StoredPicture, Verdict

CASES_LISTED = 10
"""The maximum number of open reports in a list for a moderator."""
BACKFILL_LIMIT = 100
"""The maximum number of open reports posted to a newly chosen channel."""


@dataclass(frozen=True, slots=True)
class ReportFiled:
    """A report was stored. channel_id: where moderators see it, None if there is no channel yet."""

    picture_id: int
    channel_id: int | None


@dataclass(frozen=True, slots=True)
class OpenReports:
    """The oldest reports without a verdict. more: there are others. channel_id: see ReportFiled."""

    cases: tuple[Case, ...]
    more: bool
    channel_id: int | None


class ReportService:
    """Checks permissions first in every call by a moderator; everyone sees only their own server.

    changed(picture_id): called when the report card of this picture is out of date. written(): a
    verdict is to be sent to reporters.
    """

    def __init__(
        self,
        *,
        reports: Reports,
        channels: LogChannels,
        history: History,
        deletion: DeletionService,
        blocks: BlockService,
        permissions: Permissions,
        changed: Callable[[int], object],
        written: Callable[[], object] = lambda: None,
    ) -> None:
        self._reports = reports
        self._channels = channels
        self._history = history
        self._deletion = deletion
        self._blocks = blocks
        self._permissions = permissions
        self._changed = changed
        self._written = written
        # The effects of a verdict come before the verdict itself, so two on the same server must
        # not run side by side. A lock exists as long as somebody holds it or waits for it.
        self._decision_locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    # For members

    async def reportable(self, actor: Actor, picture_id: int) -> StoredPicture | Refused:
        """Return a picture that this member may report: public, on this server, not their own."""
        picture = await self._history.get(picture_id)
        if picture is None or picture.place.guild_id != actor.guild_id:
            return Refused(UnknownPicture(str(picture_id)))
        if picture.place.user_id == actor.user_id:
            return Refused(OwnPicture(picture_id))
        if picture.private:
            return Refused(UnknownPicture(str(picture_id)))
        case = await self._reports.open_for(picture_id)
        if case is not None and any(each.by == actor.user_id for each in case.reports):
            return Refused(ReportedBefore(picture_id))
        return picture

    async def report(self, actor: Actor, picture_id: int, reason: str) -> ReportFiled | Refused:
        """Store a report, even if the server has no reports channel yet. reason: may be ""."""
        picture = await self.reportable(actor, picture_id)
        if isinstance(picture, Refused):
            return picture
        checked = checked_reason(reason)
        if isinstance(checked, Refused):
            return checked
        try:
            filed = await self._reports.file(picture_id, actor.user_id, checked, actor.own_locale)
        except UnknownRow:  # erased meanwhile
            return Refused(UnknownPicture(str(picture_id)))
        if isinstance(filed, AlreadyReported):
            return Refused(ReportedBefore(picture_id))
        self._changed(picture_id)
        return ReportFiled(picture_id, await self._channel_of(actor.guild_id))

    # For moderators

    async def open_cases(self, actor: Actor) -> OpenReports | Refused:
        """Return the server's oldest reports without a verdict."""
        if (refused := self.refusal(actor, Action.JUDGE)) is not None:
            return refused
        cases = await self._reports.open(actor.guild_id, CASES_LISTED + 1)
        channel_id = await self._channel_of(actor.guild_id)
        return OpenReports(tuple(cases[:CASES_LISTED]), len(cases) > CASES_LISTED, channel_id)

    async def case(self, actor: Actor, picture_id: int) -> Case | Refused:
        """Return a picture's newest report, with its verdict if there is one."""
        if (refused := self.refusal(actor, Action.JUDGE)) is not None:
            return refused
        case = await self._reports.last_for(picture_id)
        if case is None or case.guild_id != actor.guild_id:
            return Refused(NotReported(picture_id))
        return case

    async def decide(
        self,
        actor: Actor,
        picture_id: int,
        verdict: Verdict,
        *,
        reason: str = "",
        told: str = "",
        out_of_reach: bool = False,
    ) -> Case | Refused:
        """Decide a picture's open report, once; later verdicts are refused with the first one.

        DELETED deletes the picture and all others of the same job; BLOCKED also blocks its
        requester. After a crash in between, the report is still open and can be decided again.
        told: the reason that everybody who reported it gets by direct message; "" sends nothing.
        reason, out_of_reach: of a block, as for `BlockService.block`.
        """
        checked = checked_reason(told)
        if isinstance(checked, Refused):
            return checked
        needed = Action.BLOCK if verdict is Verdict.BLOCKED else Action.JUDGE
        if (refused := self.refusal(actor, needed)) is not None:
            return refused
        async with self._decision_locks.setdefault(actor.guild_id, asyncio.Lock()):
            case = await self.case(actor, picture_id)
            if isinstance(case, Refused):
                return case
            if case.verdict is not None:
                self._changed(picture_id)  # its card should not have buttons any more
                return Refused(ReportDecided(case))
            audit_draft.concerns(case.user_id)
            if verdict is Verdict.BLOCKED:
                blocked = await self._blocks.block(
                    actor, case.user_id, reason, out_of_reach=out_of_reach
                )
                if isinstance(blocked, Refused):
                    return blocked
            refused = await self._apply_verdict(actor, case, verdict)
            if refused is not None:
                return refused
            try:
                decided = await self._reports.resolve(picture_id, actor.user_id, verdict, checked)
            except IllegalTransition:  # decided by another process
                last = await self.case(actor, picture_id)
                return last if isinstance(last, Refused) else Refused(ReportDecided(last))
        self._changed(picture_id)
        if checked is not None:
            self._written()
        return decided

    async def _apply_verdict(self, actor: Actor, case: Case, verdict: Verdict) -> Refused | None:
        """Delete what a verdict deletes; idempotent."""
        if verdict is Verdict.DISMISSED:
            return None
        erased = await self._deletion.erase_all(actor, case.picture_id)
        if not isinstance(erased, Refused):
            for picture in erased:
                if picture.id != case.picture_id:
                    self._changed(picture.id)
        # The requester may have deleted it first, which is just as good.
        elif not isinstance(erased.reason, UnknownPicture):
            return erased
        return None

    async def show_open(self, guild_id: int, channel_id: int | None) -> int:
        """Show the open reports in a channel that was just chosen; None: in none.

        Returns how many there are, up to BACKFILL_LIMIT. Raises StorageError.
        """
        waiting = await self._reports.open(guild_id, BACKFILL_LIMIT)
        for case in waiting if channel_id is not None else ():
            if case.card is None or case.card.channel_id != channel_id:
                self._changed(case.picture_id)
        return len(waiting)

    def refusal(self, actor: Actor, action: Action) -> Refused | None:
        """Return a refusal if this actor may not do this here, else None."""
        return None if self._permissions.allows(actor, action) else Refused(NotAllowed(action))

    async def _channel_of(self, guild_id: int) -> int | None:
        channel = await self._channels.of(guild_id, LogEvent.REPORTS)
        return None if channel is None else channel.channel_id
