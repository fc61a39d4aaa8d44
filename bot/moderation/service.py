"""Reports from members, verdicts of moderators, and blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

from bot.accounts.permissions import Action, Actor, Permissions
from bot.jobs.cancellation import CancellationService
from bot.pictures.deletion import DeletionService
from bot.request.outcomes import (
    NotAllowed,
    NotBlockable,
    NotBlocked,
    NotReported,
    OwnPicture,
    ReasonTooLong,
    Refused,
    ReportDecided,
    ReportedBefore,
    UnknownPicture,
)
from engine.prompts import clean
from storage.blocks import Blocks
from storage.errors import IllegalTransition, UnknownRow
from storage.history import History
from storage.preferences import Preferences
from storage.reports import Reports
from storage.types import (
    REASON_LIMIT_CHARS,
    AlreadyReported,
    Block,
    Case,
    StoredPicture,
    Verdict,
)

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


@dataclass(frozen=True, slots=True)
class UserBlocked:
    """A user was blocked. cancelled: how many of their jobs were cancelled and refunded."""

    block: Block
    cancelled: int


class ModerationService:
    """Checks permissions first in every call by a moderator; everyone sees only their own server.

    changed(picture_id): called when the report card of this picture is out of date.
    """

    def __init__(
        self,
        *,
        reports: Reports,
        blocks: Blocks,
        preferences: Preferences,
        history: History,
        deletion: DeletionService,
        cancellation: CancellationService,
        permissions: Permissions,
        changed: Callable[[int], object],
    ) -> None:
        self._reports = reports
        self._blocks = blocks
        self._preferences = preferences
        self._history = history
        self._deletion = deletion
        self._cancellation = cancellation
        self._permissions = permissions
        self._changed = changed
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
        checked = _checked_reason(reason)
        if isinstance(checked, Refused):
            return checked
        try:
            filed = await self._reports.file(picture_id, actor.user_id, checked)
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
        out_of_reach: bool = False,
    ) -> Case | Refused:
        """Decide a picture's open report, once; later verdicts are refused with the first one.

        DELETED deletes the picture and all others of the same job; BLOCKED also blocks its
        requester. After a crash in between, the report is still open and can be decided again.
        reason, out_of_reach: of a block, as for `block`.
        """
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
            if verdict is Verdict.BLOCKED:
                blocked = await self.block(actor, case.user_id, reason, out_of_reach=out_of_reach)
                if isinstance(blocked, Refused):
                    return blocked
            refused = await self._apply_verdict(actor, case, verdict)
            if refused is not None:
                return refused
            try:
                decided = await self._reports.resolve(picture_id, actor.user_id, verdict)
            except IllegalTransition:  # decided by another process
                last = await self.case(actor, picture_id)
                return last if isinstance(last, Refused) else Refused(ReportDecided(last))
        self._changed(picture_id)
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

    async def block(
        self, actor: Actor, user_id: int, reason: str, *, out_of_reach: bool = False
    ) -> UserBlocked | Refused:
        """Block a user on this server and cancel their waiting jobs.

        reason: shown to the user; may be "". out_of_reach: the user's rank there protects them from
        this moderator, though not from an owner of the bot. A new block replaces an earlier one.
        """
        refused = self.block_refusal(actor, user_id, out_of_reach=out_of_reach)
        if refused is not None:
            return refused
        checked = _checked_reason(reason)
        if isinstance(checked, Refused):
            return checked
        block, jobs = await self._blocks.block_and_cancel(
            actor.guild_id, user_id, actor.user_id, checked
        )
        await self._cancellation.stop_ended(jobs)
        return UserBlocked(block, len(jobs))

    def block_refusal(
        self, actor: Actor, user_id: int, *, out_of_reach: bool = False
    ) -> Refused | None:
        """Return why this actor cannot block this user, before a reason is asked for."""
        if (refused := self.refusal(actor, Action.BLOCK)) is not None:
            return refused
        owners = self._permissions.owners
        protected = user_id in owners or (out_of_reach and actor.user_id not in owners)
        return Refused(NotBlockable(user_id)) if protected or user_id == actor.user_id else None

    async def unblock(self, actor: Actor, user_id: int) -> Refused | None:
        """Unblock a user; return None on success."""
        if (refused := self.refusal(actor, Action.BLOCK)) is not None:
            return refused
        if not await self._blocks.unblock(actor.guild_id, user_id):
            return Refused(NotBlocked(user_id))
        return None

    async def blocked(self, actor: Actor) -> list[Block] | Refused:
        """Return everybody who is blocked on this server, the latest block first."""
        if (refused := self.refusal(actor, Action.BLOCK)) is not None:
            return refused
        return await self._blocks.blocked(actor.guild_id)

    # For admins

    async def set_channel(self, actor: Actor, channel_id: int | None) -> int | Refused:
        """Choose the channel for reports and post the open ones there; None turns it off.

        Returns the number of open reports, up to BACKFILL_LIMIT.
        """
        if (refused := self.refusal(actor, Action.SET_REPORTS)) is not None:
            return refused
        guild_id = actor.guild_id
        await self._preferences.set_server(
            guild_id, by=actor.user_id, reports_channel_id=channel_id
        )
        waiting = await self._reports.open(guild_id, BACKFILL_LIMIT)
        if channel_id is not None:
            for case in waiting:
                if case.card is None or case.card.channel_id != channel_id:
                    self._changed(case.picture_id)
        return len(waiting)

    def refusal(self, actor: Actor, action: Action) -> Refused | None:
        """Return a refusal if this actor may not do this here, else None."""
        return None if self._permissions.allows(actor, action) else Refused(NotAllowed(action))

    async def _channel_of(self, guild_id: int) -> int | None:
        settings = await self._preferences.server(guild_id)
        return None if settings is None else settings.reports_channel_id


def _checked_reason(reason: str) -> str | Refused | None:
    """Return the reason without invisible characters and lone surrogates; None if it is empty."""
    cleaned = clean(reason)
    if len(cleaned) > REASON_LIMIT_CHARS:
        return Refused(ReasonTooLong(len(cleaned), REASON_LIMIT_CHARS))
    return cleaned or None
