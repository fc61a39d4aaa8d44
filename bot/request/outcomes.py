"""Results of the application services, as data; `bot.wording.rejections` has the sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from bot.request.notes import LimitedModel, Note
from bot.request.params import GenerationParams
from engine.errors import Scope
from engine.types import ImageRequest
from engine.uploads import UploadRefused
from storage.cancelled_painting import CancelledJob
from storage.types import Case, DeliveryMode

TextField = Literal["prompt", "negative", "search"]
"""The texts whose length is limited."""

Quantity = Literal[
    "seed",
    "steps",
    "guidance",
    "pictures",
    "hours",
    "count",
    "strength",
    "variety",
    "variation",
    "refine",
]
"""The numbers that have bounds."""


@dataclass(frozen=True, slots=True)
class EmptyPrompt:
    """The prompt is empty after cleaning."""


@dataclass(frozen=True, slots=True)
class TextTooLong:
    """A text is too long. what: "prompt", "negative" or "search"."""

    what: TextField
    chars: int
    limit_chars: int


@dataclass(frozen=True, slots=True)
class NegativeUnsupported:
    """A negative prompt for a model on which none acts."""


@dataclass(frozen=True, slots=True)
class TooManyTokens:
    """The prompt, with the words that enhancement added, has more tokens than the model reads."""

    tokens: int
    limit_tokens: int


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """A number outside its bounds, or something that is not a number. what: seed, steps, …"""

    what: Quantity
    value: object
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BadSize:
    """A size that the model cannot generate."""

    width_px: int
    height_px: int
    min_side_px: int
    max_side_px: int
    grid_px: int


@dataclass(frozen=True, slots=True)
class SizeTooLarge:
    """More pixels than the model generates in one piece.

    The advised size can be upscaled afterwards. upscaled: the request was for an upscaling.
    """

    width_px: int
    height_px: int
    advised_width_px: int
    advised_height_px: int
    upscaled: bool


class FlagErrorKind(StrEnum):
    """What is wrong with a flag."""

    UNKNOWN = "unknown"
    UNSUPPORTED = "unsupported"
    """Midjourney has it, and here there is nothing that it could do."""
    MISSING = "missing"
    """Its value is not there."""
    BAD_VALUE = "bad_value"
    TWICE = "twice"
    """Given twice, or beside another flag that decides the same thing."""
    UNBALANCED = "unbalanced"
    """A brace without its counterpart."""
    PROSE = "prose"
    """Words after a dash that may be a flag or prose."""


@dataclass(frozen=True, slots=True)
class FlagError:
    """A flag of a text that cannot be obeyed, as it was written ("—Ar").

    value: as written, "" where there is none; with UNBALANCED the words around the brace that
    `flag` holds. expected: values it takes, or examples of them; with TWICE the flag that was
    there before. low, high: bounds of a number. suggestion: a flag to take instead, "" for none.
    """

    kind: FlagErrorKind
    flag: str
    value: str = ""
    expected: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class FlagProblem:
    """Flags in the prompt that cannot be obeyed, all of them, in their order.

    errors: those that can be told from the text. reasons: why the values of others are refused.
    options: those that the flags set.
    """

    errors: tuple[FlagError, ...]
    reasons: tuple[Reason, ...] = ()
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ManyPermutations:
    """A prompt with `total` permutations, which need confirmation first.

    params: as given, with braces. count: pictures of each permutation. parent_id: the picture that
    they are remixed from.
    """

    total: int
    params: GenerationParams
    count: int
    private: bool
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class OnePromptOnly:
    """A prompt with `total` permutations where only one prompt is allowed."""

    total: int


@dataclass(frozen=True, slots=True)
class TooManyPermutations:
    """A prompt with more permutations than are allowed at once."""

    total: int
    limit: int


@dataclass(frozen=True, slots=True)
class ProposalClosed:
    """The proposal cannot be answered any more.

    answered: it was answered before; otherwise it has expired or belongs to somebody else.
    """

    answered: bool


@dataclass(frozen=True, slots=True)
class NothingKnown:
    """A prompt with nothing in it that the model knows, which needs confirmation first.

    params: without flags. count, private, parent_id: as for a job. model: what it knows. examples:
    prompts that it paints well.
    """

    params: GenerationParams
    count: int
    private: bool
    model: LimitedModel
    examples: tuple[str, ...]
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class BadAspect:
    """Not an aspect ratio, or more extreme than the model supports."""

    text: str
    offered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueueIsFull:
    """The queue has no place for `requested` more jobs.

    waiting: jobs that count against `limit`. scope: whether it is the limit of the whole queue, of
    this user or of this server.
    """

    waiting: int
    limit: int
    scope: Scope
    requested: int = 1


@dataclass(frozen=True, slots=True)
class QuotaSpent:
    """`used` of `limit` pictures in `hours` hours are used; `requested` more do not fit."""

    used: int
    limit: int
    hours: int
    requested: int = 1


@dataclass(frozen=True, slots=True)
class ShuttingDown:
    """The bot is shutting down."""


@dataclass(frozen=True, slots=True)
class StorageUnavailable:
    """The disk or the database cannot be written to at the moment."""


@dataclass(frozen=True, slots=True)
class UnknownJob:
    """There is no job with this number on this server."""

    job: str


@dataclass(frozen=True, slots=True)
class JobFinished:
    """The job has already finished."""


@dataclass(frozen=True, slots=True)
class NothingToCancel:
    """The member has no unfinished job on this server."""


@dataclass(frozen=True, slots=True)
class FileRemoved:
    """The picture's file was removed to save space; its recipe is still stored."""

    picture_id: int
    seed: int


@dataclass(frozen=True, slots=True)
class OriginalDeleted:
    """The picture was enlarged from one that was deleted, so there is nothing to paint again.

    original_id: None if it is unknown.
    """

    picture_id: int
    original_id: int | None


@dataclass(frozen=True, slots=True)
class InputGone:
    """A source image of the request no longer exists."""


@dataclass(frozen=True, slots=True)
class NoPictures:
    """The member has no picture yet that could be used."""


@dataclass(frozen=True, slots=True)
class UnknownPicture:
    """The picture does not exist (any more), or belongs to another server."""

    picture: str


@dataclass(frozen=True, slots=True)
class NotOwner:
    """Only the owner of a picture can mark it as a favourite."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The actor lacks a permission. what: the value of an Action."""

    what: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """The moderators of this server have blocked the member. reason: as they gave it, if at all."""

    reason: str | None


@dataclass(frozen=True, slots=True)
class OwnPicture:
    """Members cannot report their own pictures."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class ReportedBefore:
    """The member has already reported the picture, and the report is still open."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class ReasonTooLong:
    """The reason of a report or a block is too long."""

    chars: int
    limit_chars: int


@dataclass(frozen=True, slots=True)
class NotReported:
    """The picture has never been reported on this server."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class ReportDecided:
    """The report has already been decided. case: says by whom and how."""

    case: Case


@dataclass(frozen=True, slots=True)
class NotBlockable:
    """A moderator cannot block themselves or an owner of the bot."""

    user_id: int


@dataclass(frozen=True, slots=True)
class NotBlocked:
    """The user is not blocked."""

    user_id: int


@dataclass(frozen=True, slots=True)
class UnusableUpload:
    """A given picture cannot be used as a source image. number: which of `total`, from 1."""

    refused: UploadRefused
    number: int = 1
    total: int = 1


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A given picture could not be downloaded."""


@dataclass(frozen=True, slots=True)
class StagedPictureGone:
    """A staged picture no longer exists."""


@dataclass(frozen=True, slots=True)
class PictureAddress:
    """The prompt begins with an address from which no picture is taken."""

    address: str


@dataclass(frozen=True, slots=True)
class StrengthWithoutImage:
    """A strength was given without a source image."""


@dataclass(frozen=True, slots=True)
class PresetContradicted:
    """A number and a name for another number were given: 12 steps and the speed "fast", which is 4.

    option: of the number. preset_option: of the name. preset: the name. means: its number here.
    """

    option: Literal["steps", "guidance"]
    value: float
    preset_option: Literal["speed", "strict"]
    preset: str
    means: float


@dataclass(frozen=True, slots=True)
class RegionUnused:
    """A region was given where none is repainted. masked: there is a mask instead."""

    masked: bool = False


Reason = (
    EmptyPrompt
    | TextTooLong
    | NegativeUnsupported
    | TooManyTokens
    | OutOfRange
    | BadSize
    | SizeTooLarge
    | BadAspect
    | FlagProblem
    | ManyPermutations
    | NothingKnown
    | OnePromptOnly
    | TooManyPermutations
    | ProposalClosed
    | QueueIsFull
    | QuotaSpent
    | ShuttingDown
    | StorageUnavailable
    | UnknownJob
    | JobFinished
    | NothingToCancel
    | FileRemoved
    | OriginalDeleted
    | InputGone
    | NoPictures
    | UnknownPicture
    | NotOwner
    | NotAllowed
    | Blocked
    | OwnPicture
    | ReportedBefore
    | ReasonTooLong
    | NotReported
    | ReportDecided
    | NotBlockable
    | NotBlocked
    | UnusableUpload
    | Unreachable
    | StagedPictureGone
    | PictureAddress
    | StrengthWithoutImage
    | PresetContradicted
    | RegionUnused
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
    many. spoiler: they are hidden until clicked. delivery: where the requester wants them.
    """

    job_id: int
    resolved: ResolvedRequest
    ahead: int
    ready_at: datetime | None
    private: bool = False
    pictures: int = 1
    spoiler: bool = False
    delivery: DeliveryMode = DeliveryMode.CHANNEL


@dataclass(frozen=True, slots=True)
class JobsCancelled:
    """These jobs, at least one, are cancelled, and refunded unless they say otherwise.

    free_s: how many seconds of painting a member may cancel free within the window of their quota.
    """

    jobs: tuple[CancelledJob, ...]
    free_s: float
