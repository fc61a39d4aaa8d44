"""Reports, verdicts and blocks, as cases of the table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.delivery.cards import CaseCard, ShownPicture
from bot.discord.views.markdown import quoted, when
from bot.discord.views.moderation import (
    BLOCKS_SHOWN,
    REPORTS_SHOWN,
    blocked_layout,
    report_layout,
    reports_layout,
)
from bot.i18n import Words
from bot.moderation.service import CASES_SHOWN, OpenReports, ReportFiled, UserBlocked
from bot.wording import moderation
from storage.types import REASON_LIMIT_CHARS, Block, Verdict
from storage.types import Case as ReportedCase
from storage.types import Report as FiledReport
from tests.bot.discord.views.layouts_samples import (
    ALICE,
    BOB,
    CHANNEL,
    GUILD,
    MODERATOR,
    SOON,
    Case,
    Shown,
    a_picture,
    card_case,
)
from tests.fakes import EPOCH

URL = f"https://discord.com/channels/{GUILD}/{CHANNEL}/{7 * 10**17}"


def _case(words: str, reports: int = 1, picture_id: int = 31, **changes: Any) -> ReportedCase:
    """A case as storage hands it out; one in four reports has no reason."""
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
    return _case(words, verdict=verdict, resolved_by=MODERATOR, resolved_at=SOON)


def _card(reports: int = 1, *, file: bool = True, **changes: Any) -> Case:
    def card(words: str) -> CaseCard:
        pictures = (ShownPicture(31, 5, Path("x.png")),) if file else ()
        name = "SPOILER_reported-31.png" if file else ""
        case = _case(words, reports)
        return CaseCard(case, a_picture(31, words), pictures, name, URL, **changes)

    return card_case(card)


def _verdict(verdict: Verdict) -> Case:
    """As it stands where it was pressed."""
    return lambda say, words: report_layout(CaseCard(_decided(words, verdict)), say)


def _open(count: int, *, more: bool = False, channel: bool = True, erased: bool = False) -> Case:
    def shown(say: Words, words: str) -> Shown:
        cases = tuple(_case(words, 1 + n % 4, 31 + n, picture_erased=erased) for n in range(count))
        return reports_layout(OpenReports(cases, more, CHANNEL if channel else None), say)

    return shown


def _block(number: int, words: str | None) -> Block:
    reason = words and words[:REASON_LIMIT_CHARS]
    return Block(GUILD, ALICE + number, MODERATOR, reason, EPOCH)


def _blocked(count: int) -> Case:
    """Every third of them without a reason."""

    def shown(say: Words, words: str) -> Shown:
        reasons = [None if n % 3 == 1 else words for n in range(count)]
        return blocked_layout([_block(n, each) for n, each in enumerate(reasons)], say)

    return shown


def _shut_out(cancelled: int, *, told: bool) -> Case:
    def shown(say: Words, words: str) -> Shown:
        done = UserBlocked(_block(0, words if told else None), cancelled)
        reason = quoted(words, REASON_LIMIT_CHARS) if told else None
        return moderation.user_blocked(done, reason, say)

    return shown


def _text(make: Callable[[Words], str]) -> Case:
    return lambda say, _: make(say)


MODERATION: dict[str, Case] = {
    "case": _card(),
    "case-unexplained": card_case(
        lambda words: CaseCard(_case("", 1), a_picture(31, words), url=URL)
    ),
    "case-series": _card(2, series=4),
    "case-many": _card(REPORTS_SHOWN + 4),
    "case-no-file": _card(file=False),
    "case-erased": card_case(lambda words: CaseCard(_case(words, 3, picture_erased=True))),
    **{f"case-{verdict}": _verdict(verdict) for verdict in Verdict},
    "cases-none": _open(0),
    "cases-nowhere": _open(0, channel=False),
    "cases-one": _open(1, erased=True),
    "cases-many": _open(CASES_SHOWN, more=True),
    "blocked-nobody": _blocked(0),
    "blocked-one": _blocked(1),
    "blocked-many": _blocked(BLOCKS_SHOWN + 5),
    "block": _shut_out(0, told=False),
    "block-told": _shut_out(3, told=True),
    "report-filed": _text(lambda say: moderation.report_filed(ReportFiled(31, CHANNEL), say)),
    "report-nowhere": _text(lambda say: moderation.report_filed(ReportFiled(31, None), say)),
    "verdict-too-late": lambda say, words: moderation.already_decided(
        _decided(words, Verdict.BLOCKED), say, when
    ),
}
