"""Samples of what admins run their server with."""

from __future__ import annotations

from dataclasses import replace

from bot.administration.audit import PAGE, AuditPage
from bot.administration.cancelling import CancelQuestion, WaitingCancelled, WaitingJobs
from bot.administration.log_channels import LogChannelChosen
from bot.administration.pauses import PauseBegun
from bot.administration.server_status import REPORTS_COUNTED, ServerStatus
from bot.administration.setup import SetupState
from bot.delivery.cards import AuditCard
from bot.discord.views.administration import (
    audit_layout,
    cancel_layout,
    posted_layout,
    server_status_layout,
)
from bot.discord.views.jobs import card_layout
from bot.discord.views.log_channels import log_layout
from bot.discord.views.setup import setup_layout
from bot.i18n import Words
from bot.wording import administration as wording
from bot.wording.audit import EVENTS, FORMER, SENTENCES
from bot.wording.knowledge import prompt_ideas
from bot.wording.log_channels import channel_chosen
from engine.diffusion.families import Z_IMAGE
from storage.audit import AuditEntry
from storage.log_channels import LogChannel
from storage.log_entries import LogEvent, Value
from storage.pauses import Pause
from storage.types import PolicySource, QuotaPolicy
from tests.bot.discord.views.samples.data import ALICE, BOB, CHANNEL, EPOCH, GUILD, Sample

_QUOTA = QuotaPolicy(50, 24, PolicySource.CONFIG)
_PER_DAY = QuotaPolicy(20, None, PolicySource.SERVER)
_CLOSED = LogChannel(LogEvent.AUDIT, CHANNEL, 5, 6, "en-US", "forbidden")
_REPORTS = LogChannel(LogEvent.REPORTS, CHANNEL)
_EVERY = tuple(LogChannel(each, CHANNEL) for each in LogEvent if each is not LogEvent.AUDIT)
_NEW = SetupState(None, None, _QUOTA)
_CHOSEN = SetupState(
    replace(_REPORTS, problem="forbidden"), "zh-CN", _PER_DAY, frozenset({ALICE, BOB})
)
_QUIET = ServerStatus(
    waiting=0,
    people=0,
    painting=0,
    pause=None,
    quota=_QUOTA,
    own_quotas=0,
    rules=0,
    pictures=0,
    reports=0,
    blocked=0,
    language=None,
    timezone=None,
    channels=(),
)
_BUSY = replace(
    _QUIET,
    waiting=123,
    people=45,
    painting=1,
    quota=_PER_DAY,
    own_quotas=67,
    rules=8,
    pictures=9,
    reports=REPORTS_COUNTED + 1,
    blocked=10,
    language="zh-CN",
    timezone="Asia/Shanghai",
    channels=(_REPORTS, _CLOSED, *_EVERY[1:]),
)
_MISSING = ("send_messages", "attach_files")


def _entry(number: int, action: str, words: str, target_id: int | None = BOB) -> AuditEntry:
    data = {
        "reason": words[:200],
        "pictures": 500,
        "weighted": True,
        "channel": {"channel": CHANNEL},
    }
    return AuditEntry(number, GUILD, ALICE, action, target_id, data, EPOCH)


def _happened(words: str) -> dict[str, Value]:
    card = {"guild": GUILD, "channel": CHANNEL, "message": EPOCH.year}
    return {"rule": words[:80], "words": words[:80], "limit": 20, "job": 7, "message": card}


def _log_chosen(say: Words) -> str:
    """Return the longest outcome of a choice."""
    done = LogChannelChosen(LogEvent.REPORTS, CHANNEL, 3)
    return channel_chosen(done, say, public=True)


def _entries(words: str, actions: list[str]) -> tuple[AuditEntry, ...]:
    return tuple(_entry(number, action, words) for number, action in enumerate(actions, 1))


def _page(words: str) -> AuditPage:
    entries = _entries(words, list(SENTENCES)[:PAGE])
    return AuditPage(entries, 3, older=True, member_id=ALICE, channel=_CLOSED)


def _ideas(say: Words) -> tuple[str, ...]:
    return prompt_ideas(Z_IMAGE, say)


ADMINISTRATION: dict[str, Sample] = {
    "audit": lambda say, words: audit_layout(_page(words), say),
    "audit-rest": lambda say, words: audit_layout(
        AuditPage(_entries(words, list(SENTENCES)[PAGE:][:PAGE]), 0, True, None, None), say
    ),
    "audit-none": lambda say, _: audit_layout(AuditPage((), 0, False, None, None), say),
    "audit-posted": lambda say, words: posted_layout(
        (
            AuditEntry(1, GUILD, 0, "jobs cancel", None, {"jobs": 3, "pictures": 4}, EPOCH),
            _entry(2, "admin unheard of", words, None),
        ),
        say,
    ),
    "audit-card": lambda say, words: card_layout(
        AuditCard(_entries(words, list(SENTENCES)[2 * PAGE :][:PAGE])), say
    ),
    "server-status": lambda say, _: server_status_layout(_QUIET, (), say),
    "server-status-busy": lambda say, words: server_status_layout(
        replace(_BUSY, pause=Pause(GUILD, words[:500], ALICE, EPOCH)), _MISSING, say
    ),
    "server-status-paused": lambda say, _: server_status_layout(
        replace(_QUIET, pause=Pause(GUILD, None, 0, EPOCH)), (), say
    ),
    "audit-events": lambda say, words: posted_layout(
        tuple(
            AuditEntry(number, GUILD, ALICE, action, None, _happened(words), EPOCH)
            for number, action in enumerate(EVENTS, 1)
        ),
        say,
    ),
    "audit-former": lambda say, words: posted_layout(_entries(words, list(FORMER)), say),
    "log": lambda say, _: log_layout((), None, say),
    "log-chosen": lambda say, _: log_layout(
        (_CLOSED, *_EVERY), LogEvent.FILTER, say, _log_chosen(say)
    ),
    "setup": lambda say, _: setup_layout(_NEW, _ideas(say), say),
    "setup-chosen": lambda say, _: setup_layout(_CHOSEN, _ideas(say), say, say("Saved.")),
    "pause": lambda say, _: wording.pause_begun(
        PauseBegun(Pause(GUILD, None, ALICE, EPOCH), 0), say
    ),
    "pause-with-jobs": lambda say, _: wording.pause_begun(
        PauseBegun(Pause(GUILD, None, ALICE, EPOCH), 12), say
    ),
    "cancel-member-question": lambda say, _: cancel_layout(
        CancelQuestion(7, BOB, WaitingJobs(1, 4, 1)), say
    ),
    "cancel-all-question": lambda say, _: cancel_layout(
        CancelQuestion(7, None, WaitingJobs(123, 456, 78), spared=2), say
    ),
    "cancel-all-done": lambda say, _: wording.waiting_cancelled(
        WaitingCancelled(None, WaitingJobs(123, 456, 78), spared=1), say
    ),
}
