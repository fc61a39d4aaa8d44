"""Samples of reports, verdicts and blocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.delivery.cards import CaseCard, ReporterCard, ShownPicture
from bot.discord.views.conversations import reporter_layout
from bot.discord.views.markdown import quoted, timestamp
from bot.discord.views.modals import answer_form, reply_form, verdict_form
from bot.discord.views.moderation import (
    BLOCKS_SHOWN,
    REPORTS_SHOWN,
    blocked_layout,
    report_layout,
    reported_deletion_layout,
    reports_layout,
)
from bot.i18n import Words
from bot.moderation.blocks import UserBlocked
from bot.moderation.reports import CASES_LISTED, OpenReports, ReportFiled
from bot.wording import conversations, moderation
from storage.report_messages import MESSAGE_LIMIT_CHARS, MessageKind, MessageState, ReportMessage
from storage.types import REASON_LIMIT_CHARS, Block, Verdict
from storage.types import Case as ReportedCase
from storage.types import Report as FiledReport
from tests.bot.discord.views.samples.data import (
    ALICE,
    BOB,
    CHANNEL,
    GUILD,
    MODERATOR,
    READY_AT,
    Sample,
    Shown,
    a_picture,
    card_sample,
)
from tests.fakes import EPOCH

URL = f"https://discord.com/channels/{GUILD}/{CHANNEL}/{7 * 10**17}"


def _case(words: str, reports: int = 1, picture_id: int = 31, **changes: Any) -> ReportedCase:
    """Return a report as storage returns it; every fourth has no reason."""
    filed = tuple(
        FiledReport(
            n,
            picture_id,
            GUILD,
            BOB + n,
            None if n % 4 == 3 else words[:REASON_LIMIT_CHARS] or None,
            EPOCH + timedelta(minutes=n),
        )
        for n in range(reports)
    )
    plain: dict[str, Any] = {
        "picture_id": picture_id,
        "guild_id": GUILD,
        "user_id": ALICE,
        "opened_at": EPOCH,
        "picture_erased": False,
        "card": None,
        "verdict": None,
        "resolved_by": None,
        "resolved_at": None,
        "reports": filed,
    }
    return ReportedCase(5, **plain | changes)


def _decided(words: str, verdict: Verdict) -> ReportedCase:
    return _case(words, verdict=verdict, resolved_by=MODERATOR, resolved_at=READY_AT)


def _card(reports: int = 1, *, file: bool = True, **changes: Any) -> Sample:
    def card(words: str) -> CaseCard:
        pictures = (ShownPicture(31, 5, Path("x.png")),) if file else ()
        name = "SPOILER_reported-31.png" if file else ""
        case = _case(words, reports)
        return CaseCard(case, a_picture(31, words), pictures, name, URL, **changes)

    return card_sample(card)


def _message(
    words: str,
    kind: MessageKind = MessageKind.ANSWER,
    state: MessageState = MessageState.DELIVERED,
    verdict: Verdict | None = None,
    *,
    erased: bool = False,
) -> ReportMessage:
    return ReportMessage(
        id=1,
        report_id=1,
        picture_id=31,
        guild_id=GUILD,
        kind=kind,
        reporter_id=BOB,
        moderator_id=None if kind is MessageKind.REPLY else MODERATOR,
        text=words[:MESSAGE_LIMIT_CHARS] or "?",
        locale=None,
        state=state,
        written_at=EPOCH,
        attempted_at=None,
        picture_erased=erased,
        verdict=verdict,
    )


def _talked_about(words: str) -> CaseCard:
    """Return a card with more messages than it shows, of every kind and state."""
    kinds = (MessageKind.ANSWER, MessageKind.REPLY)
    states = tuple(_message(words, state=each) for each in MessageState)
    messages = tuple(_message(words, each) for each in kinds * 4) + states
    pictures = (ShownPicture(31, 5, Path("x.png")),)
    return CaseCard(
        _case(words, REPORTS_SHOWN + 4),
        a_picture(31, words),
        pictures,
        "SPOILER_reported-31.png",
        URL,
        series=4,
        messages=messages,
    )


def _to_reporter(server: str = "Painters", **changes: Any) -> Sample:
    def shown(say: Words, words: str) -> Shown:
        return reporter_layout(ReporterCard(_message(words, **changes), server and words), say)

    return shown


def _verdict(verdict: Verdict) -> Sample:
    """Return the sample of a decided report, as it replaces the pressed buttons."""
    return lambda say, words: report_layout(CaseCard(_decided(words, verdict)), say)


def _asked_back(series: int) -> Sample:
    """Return the question before a reported picture is deleted."""

    def shown(say: Words, words: str) -> Shown:
        card = CaseCard(_case(words), a_picture(31, words), series=series)
        return reported_deletion_layout(card, say)

    return shown


def _open_reports(
    count: int, *, more: bool = False, channel: bool = True, erased: bool = False
) -> Sample:
    def shown(say: Words, words: str) -> Shown:
        cases = tuple(_case(words, 1 + n % 4, 31 + n, picture_erased=erased) for n in range(count))
        return reports_layout(OpenReports(cases, more, CHANNEL if channel else None), say)

    return shown


def _block(number: int, words: str | None) -> Block:
    reason = words and words[:REASON_LIMIT_CHARS]
    return Block(GUILD, ALICE + number, MODERATOR, reason, EPOCH)


def _blocked(count: int) -> Sample:
    """Return blocks, every third without a reason."""

    def shown(say: Words, words: str) -> Shown:
        reasons = [None if n % 3 == 1 else words for n in range(count)]
        return blocked_layout([_block(n, each) for n, each in enumerate(reasons)], say)

    return shown


def _user_blocked(cancelled: int, *, with_reason: bool) -> Sample:
    def shown(say: Words, words: str) -> Shown:
        done = UserBlocked(_block(0, words if with_reason else None), cancelled)
        reason = quoted(words, REASON_LIMIT_CHARS) if with_reason else None
        return moderation.user_blocked(done, reason, say, timestamp)

    return shown


def _text(make: Callable[[Words], str]) -> Sample:
    return lambda say, _: make(say)


MODERATION: dict[str, Sample] = {
    "case": _card(),
    "case-unexplained": card_sample(
        lambda words: CaseCard(_case("", 1), a_picture(31, words), url=URL)
    ),
    "case-series": _card(2, series=4),
    "case-many": _card(REPORTS_SHOWN + 4),
    "case-no-file": _card(file=False),
    "case-erased": card_sample(lambda words: CaseCard(_case(words, 3, picture_erased=True))),
    "case-written": card_sample(_talked_about),
    "reporter-answer": _to_reporter(),
    "reporter-answer-erased": _to_reporter("", erased=True),
    "reporter-deleted": _to_reporter(kind=MessageKind.VERDICT, verdict=Verdict.DELETED),
    "reporter-dismissed": _to_reporter(kind=MessageKind.VERDICT, verdict=Verdict.DISMISSED),
    "answers-sent": _text(lambda say: conversations.answers_sent(tuple(MessageState) * 2, say)),
    "answers-none": _text(lambda say: conversations.answers_sent((), say)),
    "reply-sent": _text(lambda say: conversations.reply_sent(31, say)),
    "verdict-form": lambda say, _: verdict_form(31, say),
    "answer-form": lambda say, words: answer_form(31, _case(words, 1).reports, say),
    "answer-form-many": lambda say, words: answer_form(31, _case(words, 30).reports, say),
    "reply-form": lambda say, _: reply_form(31, say),
    "case-delete": _asked_back(1),
    "case-delete-series": _asked_back(4),
    **{f"case-{verdict}": _verdict(verdict) for verdict in Verdict},
    "cases-none": _open_reports(0),
    "cases-nowhere": _open_reports(0, channel=False),
    "cases-one": _open_reports(1, erased=True),
    "cases-many": _open_reports(CASES_LISTED, more=True),
    "blocked-nobody": _blocked(0),
    "blocked-one": _blocked(1),
    "blocked-many": _blocked(BLOCKS_SHOWN + 5),
    "block": _user_blocked(0, with_reason=False),
    "block-told": _user_blocked(3, with_reason=True),
    "report-filed": _text(lambda say: moderation.report_filed(ReportFiled(31, CHANNEL), say)),
    "report-nowhere": _text(lambda say: moderation.report_filed(ReportFiled(31, None), say)),
    "verdict-too-late": lambda say, words: moderation.already_decided(
        _decided(words, Verdict.BLOCKED), say, timestamp
    ),
}
