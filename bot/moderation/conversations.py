"""Moderators answer those who reported a picture, and they reply, without learning who wrote."""

from __future__ import annotations

from collections.abc import Callable

from bot.accounts.permissions import Action, Actor, Permissions
from bot.request.outcomes import NotAllowed, NotReported, Refused, ReportDecided
from bot.request.reasons.moderation import (
    EnoughReplies,
    MessageTooLong,
    NoDirectMessages,
    NoReporters,
    NothingWritten,
    ReportClosed,
    ReportGone,
)
from engine.prompts import clean
from storage.errors import IllegalTransition, UnknownRow
from storage.report_messages import (
    MESSAGE_LIMIT_CHARS,
    REPLIES_LIMIT,
    ReportMessages,
    TooManyReplies,
)
from storage.reports import Reports
from storage.types import Case, Report


class ConversationService:
    """Writes messages down; `AnswerSender` sends what moderators wrote, the card shows replies.

    direct_messages: whether the bot's owner lets it send any. changed(picture_id): called when the
    report card of this picture is out of date. written(): there is something to be sent.
    """

    def __init__(
        self,
        reports: Reports,
        messages: ReportMessages,
        permissions: Permissions,
        *,
        direct_messages: bool,
        changed: Callable[[int], object],
        written: Callable[[], object],
    ) -> None:
        self._reports = reports
        self._messages = messages
        self._permissions = permissions
        self._direct_messages = direct_messages
        self._changed = changed
        self._written = written

    async def reporters(self, actor: Actor, picture_id: int) -> tuple[Report, ...] | Refused:
        """Return the reports whose reporters a moderator can answer, oldest first; at least one."""
        case = await self._open_case(actor, picture_id)
        if isinstance(case, Refused):
            return case
        found = reporters_of(case)
        if not found:
            return Refused(NoReporters(picture_id))
        return found if self._direct_messages else Refused(NoDirectMessages())

    async def answer(
        self, actor: Actor, picture_id: int, text: str, report_id: int | None = None
    ) -> tuple[int, ...] | Refused:
        """Write to the reporters of a picture, or to that of one report.

        Returns the ids of the messages, which are on their way then.
        """
        found = await self.reporters(actor, picture_id)
        if isinstance(found, Refused):
            return found
        checked = _checked(text)
        if isinstance(checked, Refused):
            return checked
        try:
            ids = await self._messages.answer(picture_id, actor.user_id, checked, report_id)
        except (UnknownRow, IllegalTransition):  # decided or erased this very moment
            case = await self._open_case(actor, picture_id)
            return case if isinstance(case, Refused) else Refused(NoReporters(picture_id))
        if not ids:
            return Refused(NoReporters(picture_id))
        self._written()
        self._changed(picture_id)
        return ids

    async def repliable(self, actor: Actor, picture_id: int) -> Refused | None:
        """Return why a reporter cannot reply to the moderators; None if they can."""
        try:
            await self._messages.check_reply(picture_id, actor.user_id)
        except UnknownRow:
            return Refused(ReportGone(picture_id))
        except IllegalTransition:
            return Refused(ReportClosed(picture_id))
        return None

    async def reply(self, actor: Actor, picture_id: int, text: str) -> Refused | None:
        """Let the moderators see what a reporter replies; return why not, None on success."""
        checked = _checked(text)
        if isinstance(checked, Refused):
            return checked
        try:
            await self._messages.reply(picture_id, actor.user_id, checked)
        except UnknownRow:
            return Refused(ReportGone(picture_id))
        except IllegalTransition:
            return Refused(ReportClosed(picture_id))
        except TooManyReplies:
            return Refused(EnoughReplies(REPLIES_LIMIT))
        self._changed(picture_id)
        return None

    async def _open_case(self, actor: Actor, picture_id: int) -> Case | Refused:
        if not self._permissions.allows(actor, Action.JUDGE):
            return Refused(NotAllowed(Action.JUDGE))
        case = await self._reports.last_for(picture_id)
        if case is None or case.guild_id != actor.guild_id:
            return Refused(NotReported(picture_id))
        return case if case.verdict is None else Refused(ReportDecided(case))


def reporters_of(case: Case) -> tuple[Report, ...]:
    """Return the reports of members who can be answered: no filter's, no erased member's."""
    return tuple(each for each in case.reports if each.by > 0)


def _checked(text: str) -> str | Refused:
    cleaned = clean(text)
    if len(cleaned) > MESSAGE_LIMIT_CHARS:
        return Refused(MessageTooLong(len(cleaned), MESSAGE_LIMIT_CHARS))
    return cleaned or Refused(NothingWritten())
