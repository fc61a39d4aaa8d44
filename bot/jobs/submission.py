"""What is handed to be accepted: a wish made precise, as one job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.accounts.delivery_settings import EffectiveSettings
from bot.accounts.permissions import Actor
from bot.request.outcomes import (
    InputGone,
    ProposalClosed,
    QuotaSpent,
    Reason,
    Refused,
    ResolvedRequest,
    TooManyTokens,
    UnknownPicture,
)
from engine.diffusion.families import Family
from engine.types import Conditions, ImageRequest, request_to_json
from storage.errors import IllegalTransition, PictureMissing, StorageError, UnknownRow
from storage.proposals import ProposalState
from storage.types import NewJob, Place, QuotaExceeded


@dataclass(frozen=True, slots=True)
class JobSubmission:
    """A job to be accepted. parent_id: the picture that it is painted from. replay: the conditions
    to repeat."""

    resolved: ResolvedRequest
    count: int = 1
    private: bool = False
    parent_id: int | None = None
    replay: Conditions | None = None

    def new_job(self, actor: Actor, held: EffectiveSettings) -> NewJob:
        """The job as storage takes it. held: where and how its person wants it to be shown."""
        request = self.resolved.request
        return NewJob(
            place=Place(actor.guild_id, actor.channel_id, actor.user_id),
            request=request_to_json(request),
            prompt=request.prompt,
            seed=request.seed,
            pictures=self.count,
            parent_picture_id=self.parent_id,
            locale=actor.locale_for(private=self.private),
            private=self.private,
            upload_limit_bytes=actor.upload_limit_bytes,
            reply_token=actor.reply_token,
            inputs=request.inputs,
            delivery=held.delivery,
            spoiler=held.spoiler,
            quiet=held.quiet,
        )


def quota_refusal(exceeded: QuotaExceeded) -> Refused:
    """A refusal of the ledger's as an answer."""
    used, policy = exceeded.status.used, exceeded.status.policy
    reason = QuotaSpent(used, policy.pictures, policy.hours, exceeded.requested)
    return Refused(reason, exceeded.retry_at)


def missing_reason(error: StorageError) -> Reason | None:
    """What the jobs need and is not there any more; None for a disk in trouble."""
    match error:
        case IllegalTransition():
            return ProposalClosed(error.from_ == ProposalState.TAKEN)
        case UnknownRow(kind="proposal"):
            return ProposalClosed(answered=False)
        case UnknownRow():  # somebody deleted the original this very moment
            return UnknownPicture(str(error.id))
        case PictureMissing():
            return InputGone()
        case _:
            return None


def token_problem(
    request: ImageRequest, count: Callable[[str], int | None], family: Family
) -> TooManyTokens | None:
    """Whether the model would not read all of it. count: None before the model is loaded, which is
    when the painter finds out."""
    read = (request.effective_prompt, request.negative_prompt if request.guidance > 1 else "")
    for text in filter(None, read):
        tokens = count(text)
        if tokens is not None and tokens > family.max_tokens:
            return TooManyTokens(tokens, family.max_tokens)
    return None
