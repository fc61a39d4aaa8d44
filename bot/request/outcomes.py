"""Results of the application services, as data; `bot.wording.rejections` has the sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.request.notes import Note
from bot.request.reasons.administration import AdministrationReason
from bot.request.reasons.filters import FilterReason
from bot.request.reasons.flags import (
    FlagError,
    FlagErrorKind,
)
from bot.request.reasons.jobs import (
    JobFinished,
    JobReason,
    NothingToCancel,
    UnknownJob,
)
from bot.request.reasons.limits import (
    LimitReason,
    QueueIsFull,
    QuotaSpent,
    ShuttingDown,
    StorageUnavailable,
)
from bot.request.reasons.lists import (
    ChannelClosed,
    EmptyPeriod,
    ExportRunning,
    ListGone,
    ListReason,
    NotADay,
)
from bot.request.reasons.loras import LoraReason
from bot.request.reasons.models import ModelReason
from bot.request.reasons.moderation import (
    Blocked,
    ModerationReason,
    NotAllowed,
    NotBlockable,
    NotBlocked,
    NotErasable,
    NotReported,
    OwnPicture,
    ReasonTooLong,
    ReportDecided,
    ReportedBefore,
)
from bot.request.reasons.operation import OperationReason
from bot.request.reasons.pictures import (
    FileRemoved,
    InputGone,
    NoPictures,
    NothingToBlend,
    NotOwner,
    OriginalDeleted,
    PictureAddress,
    PictureReason,
    StagedPictureGone,
    UnknownPicture,
    Unreachable,
    UnusableUpload,
)
from bot.request.reasons.presets import PresetReason
from bot.request.reasons.proposals import (
    ManyPermutations,
    NothingKnown,
    OnePromptOnly,
    ProposalClosed,
    ProposalReason,
    TooManyPermutations,
)
from bot.request.reasons.quotas import QuotaReason
from bot.request.reasons.rules import RuleReason
from bot.request.reasons.values import (
    BadAspect,
    BadSize,
    EmptyPrompt,
    FeatureUnsupported,
    NegativeUnsupported,
    OutOfRange,
    PresetContradicted,
    Quantity,
    RegionUnused,
    SizeTooLarge,
    StrengthWithoutImage,
    TextField,
    TextTooLong,
    TooManyTokens,
    ValueReason,
)
from engine.types import ImageRequest
from storage.cancelled_painting import CancelledJob
from storage.types import DeliveryMode

__all__ = [
    "Accepted",
    "BadAspect",
    "BadSize",
    "Blocked",
    "ChannelClosed",
    "EmptyPeriod",
    "EmptyPrompt",
    "ExportRunning",
    "FeatureUnsupported",
    "FileRemoved",
    "FlagError",
    "FlagErrorKind",
    "FlagProblem",
    "InputGone",
    "JobFinished",
    "JobsCancelled",
    "ListGone",
    "ManyPermutations",
    "NegativeUnsupported",
    "NoPictures",
    "NotADay",
    "NotAllowed",
    "NotBlockable",
    "NotBlocked",
    "NotErasable",
    "NotOwner",
    "NotReported",
    "NothingKnown",
    "NothingToBlend",
    "NothingToCancel",
    "OnePromptOnly",
    "OriginalDeleted",
    "OutOfRange",
    "OwnPicture",
    "PictureAddress",
    "PresetContradicted",
    "ProposalClosed",
    "Quantity",
    "QueueIsFull",
    "QuotaSpent",
    "Reason",
    "ReasonTooLong",
    "Refused",
    "RegionUnused",
    "ReportDecided",
    "ReportedBefore",
    "ResolvedRequest",
    "ShuttingDown",
    "SizeTooLarge",
    "StagedPictureGone",
    "StorageUnavailable",
    "StrengthWithoutImage",
    "TextField",
    "TextTooLong",
    "TooManyPermutations",
    "TooManyTokens",
    "UnknownJob",
    "UnknownPicture",
    "Unreachable",
    "UnusableUpload",
]


@dataclass(frozen=True, slots=True)
class FlagProblem:
    """Flags in the prompt that cannot be obeyed, all of them, in their order.

    errors: those that can be told from the text. reasons: why the values of others are refused.
    options: those that the flags set.
    """

    errors: tuple[FlagError, ...]
    reasons: tuple[Reason, ...] = ()
    options: frozenset[str] = frozenset()


Reason = (
    ValueReason
    | FilterReason
    | FlagProblem
    | ListReason
    | LoraReason
    | ModelReason
    | PresetReason
    | ProposalReason
    | QuotaReason
    | RuleReason
    | LimitReason
    | JobReason
    | PictureReason
    | ModerationReason
    | AdministrationReason
    | OperationReason
)


@dataclass(frozen=True, slots=True)
class Refused:
    """The request was refused; nothing was charged and nothing changed.

    retry_at: when it would succeed, if that is known.
    """

    reason: Reason
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ResolvedRequest:
    """A fully specified request. added: words that enhancement appended to the prompt, or ""."""

    request: ImageRequest
    added: str = ""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job is in the database and in the queue.

    ahead: jobs that are processed before it, including the one on the GPU. ready_at: when the
    picture is expected, None if unknown. private: visible to the requester alone. pictures: how
    many. spoiler: they are hidden until clicked. delivery: where the requester wants them. paused:
    nothing is painted until the bot's owners let painting go on.
    """

    job_id: int
    resolved: ResolvedRequest
    ahead: int
    ready_at: datetime | None
    private: bool = False
    pictures: int = 1
    spoiler: bool = False
    delivery: DeliveryMode = DeliveryMode.CHANNEL
    paused: bool = False


@dataclass(frozen=True, slots=True)
class JobsCancelled:
    """These jobs, at least one, are cancelled, and refunded unless they say otherwise.

    free_s: how many seconds of painting a member may cancel free within the window of their quota.
    """

    jobs: tuple[CancelledJob, ...]
    free_s: float
