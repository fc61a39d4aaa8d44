"""Sentences for refusals, failed jobs and notes, the same on Discord and the command line.

Each subject has a module in `bot.wording.reasons`, named like that of its reasons in
`bot.request.reasons`.
"""

from __future__ import annotations

from typing import assert_never

from bot.i18n import Words
from bot.request.outcomes import FlagProblem, Refused
from bot.request.reasons.administration import AdministrationReason
from bot.request.reasons.filters import FilterReason
from bot.request.reasons.jobs import JobReason
from bot.request.reasons.limits import LimitReason
from bot.request.reasons.lists import ListReason
from bot.request.reasons.loras import LoraReason
from bot.request.reasons.models import ModelReason
from bot.request.reasons.moderation import ModerationReason
from bot.request.reasons.operation import OperationReason
from bot.request.reasons.pictures import PictureReason
from bot.request.reasons.presets import PresetReason
from bot.request.reasons.proposals import ProposalReason
from bot.request.reasons.quotas import QuotaReason
from bot.request.reasons.rules import RuleReason
from bot.request.reasons.values import ValueReason
from bot.wording.moderation import When
from bot.wording.notes import note_sentence
from bot.wording.reasons.administration import administration_refusal
from bot.wording.reasons.filters import filter_refusal
from bot.wording.reasons.flags import flag_problem
from bot.wording.reasons.jobs import failure_sentence, job_refusal
from bot.wording.reasons.limits import limit_refusal, storage_unavailable, window_length
from bot.wording.reasons.lists import list_refusal
from bot.wording.reasons.loras import lora_refusal
from bot.wording.reasons.models import model_refusal
from bot.wording.reasons.moderation import moderation_refusal, not_allowed
from bot.wording.reasons.operation import operation_refusal
from bot.wording.reasons.pictures import picture_refusal, upload_refusal
from bot.wording.reasons.presets import preset_refusal
from bot.wording.reasons.proposals import proposal_refusal
from bot.wording.reasons.quotas import quota_setting_refusal
from bot.wording.reasons.rules import rule_refusal
from bot.wording.reasons.values import value_refusal

__all__ = [
    "failure_sentence",
    "not_allowed",
    "note_sentence",
    "refusal",
    "storage_unavailable",
    "upload_refusal",
    "window_length",
]

_FLAGS_SHOWN = 6


def refusal(refused: Refused, say: Words, when: When) -> str:
    """Say what is wrong, and what to do or when to try again, in one or two sentences."""
    reason = refused.reason
    if isinstance(reason, FlagProblem):
        return _flag_problems(reason, say, when)
    if isinstance(reason, ValueReason):
        return value_refusal(reason, say)
    if isinstance(reason, FilterReason):
        return filter_refusal(reason, say)
    if isinstance(reason, ListReason):
        return list_refusal(reason, say)
    if isinstance(reason, LoraReason):
        return lora_refusal(reason, say)
    if isinstance(reason, ModelReason):
        return model_refusal(reason, say)
    if isinstance(reason, PresetReason):
        return preset_refusal(reason, say)
    if isinstance(reason, ProposalReason):
        return proposal_refusal(reason, say)
    if isinstance(reason, QuotaReason):
        return quota_setting_refusal(reason, say)
    if isinstance(reason, RuleReason):
        return rule_refusal(reason, refused.retry_at, say, when)
    if isinstance(reason, LimitReason):
        return limit_refusal(reason, refused.retry_at, say, when)
    if isinstance(reason, JobReason):
        return job_refusal(reason, say)
    if isinstance(reason, PictureReason):
        return picture_refusal(reason, say)
    if isinstance(reason, ModerationReason):
        return moderation_refusal(reason, refused.retry_at, say, when)
    if isinstance(reason, AdministrationReason):
        return administration_refusal(reason, say)
    if isinstance(reason, OperationReason):
        return operation_refusal(reason, say)
    assert_never(reason)


def _flag_problems(problem: FlagProblem, say: Words, when: When) -> str:
    """Name every flag that cannot be obeyed, one on each line."""
    lines = [flag_problem(each, say) for each in problem.errors]
    lines += (refusal(Refused(each), say, when) for each in problem.reasons)
    shown = lines[: _FLAGS_SHOWN + (len(lines) == _FLAGS_SHOWN + 1)]
    rest = len(lines) - len(shown)
    more = [say.plural("and {n} more", "and {n} more", rest)] if rest else []
    return "\n".join([*shown, *more])
