"""What a use case answers: data; the words are made in `bot.wording.rejections`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from bot.request.notes import Note
from bot.request.params import GenerationParams
from engine.errors import Scope
from engine.types import ImageRequest
from engine.uploads import UploadRefused
from storage.types import Case, DeliveryMode, Job

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
    """Nothing is left of the prompt after cleaning."""


@dataclass(frozen=True, slots=True)
class TextTooLong:
    """A text with more characters than are read."""

    what: TextField
    chars: int
    limit_chars: int


@dataclass(frozen=True, slots=True)
class TooManyTokens:
    """The prompt, with what enhancement added, has more tokens than the model reads."""

    tokens: int
    limit_tokens: int


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """A number outside its bounds, or text that is not a number."""

    what: Quantity
    value: object
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BadSize:
    """A size the model cannot paint."""

    width_px: int
    height_px: int
    min_side_px: int
    max_side_px: int
    grid_px: int


@dataclass(frozen=True, slots=True)
class SizeTooLarge:
    """More pixels than the model paints in one piece; the advised size can be enlarged after."""

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


@dataclass(frozen=True, slots=True)
class FlagError:
    """The first flag of a text that cannot be obeyed, as it was written ("—Ar").

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
    """A flag in the prompt that cannot be obeyed."""

    error: FlagError


@dataclass(frozen=True, slots=True)
class ManyPermutations:
    """Choices in braces that make `total` wishes: they are asked about first.

    The wish as it was given, its pictures for each choice, for whose eyes, and the picture that
    it is to be painted from.
    """

    total: int
    params: GenerationParams
    count: int
    private: bool
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class OnePromptOnly:
    """Choices in braces that make `total` wishes, where only one can be asked for at a time."""

    total: int


@dataclass(frozen=True, slots=True)
class TooManyPermutations:
    """Choices in braces that make more wishes than may be asked for at once."""

    total: int
    limit: int


@dataclass(frozen=True, slots=True)
class ProposalClosed:
    """The question was answered before; or (not answered) it is too old, or somebody else's."""

    answered: bool


@dataclass(frozen=True, slots=True)
class BadAspect:
    """Not an aspect ratio, or longer than what the model paints."""

    text: str
    offered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueueIsFull:
    """`waiting` jobs hold the `limit` places that everybody, this person or this server has, or so
    many of them that `requested` more do not fit."""

    waiting: int
    limit: int
    scope: Scope
    requested: int = 1


@dataclass(frozen=True, slots=True)
class QuotaSpent:
    """used of limit pictures in the last `hours` hours are used up; `requested` more do not fit."""

    used: int
    limit: int
    hours: int
    requested: int = 1


@dataclass(frozen=True, slots=True)
class ShuttingDown:
    """The bot is shutting down."""


@dataclass(frozen=True, slots=True)
class StorageUnavailable:
    """The disk or the database does not take anything at the moment."""


@dataclass(frozen=True, slots=True)
class UnknownJob:
    """No job of this number was ever given here."""

    job: str


@dataclass(frozen=True, slots=True)
class JobFinished:
    """There is nothing left to cancel."""


@dataclass(frozen=True, slots=True)
class NothingToCancel:
    """The person has no job that waits or is painted here."""


@dataclass(frozen=True, slots=True)
class FileRemoved:
    """The picture's file was removed to save space; its recipe is there."""

    picture_id: int
    seed: int


@dataclass(frozen=True, slots=True)
class InputGone:
    """A picture that this would start from is not there any more."""


@dataclass(frozen=True, slots=True)
class NoPictures:
    """There is no picture to start from."""


@dataclass(frozen=True, slots=True)
class UnknownPicture:
    """The picture is not there (any more), or belongs to another server."""

    picture: str


@dataclass(frozen=True, slots=True)
class NotOwner:
    """Only the person a picture belongs to can mark it as a favourite."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The person lacks the right. what: an Action's value."""

    what: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """The moderators of this server have blocked the person. reason: theirs, if they gave one."""

    reason: str | None


@dataclass(frozen=True, slots=True)
class OwnPicture:
    """Nobody reports a picture of their own."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class ReportedBefore:
    """The person's earlier report of the picture still waits for its verdict."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class ReasonTooLong:
    """The reason of a report or a block."""

    chars: int
    limit_chars: int


@dataclass(frozen=True, slots=True)
class NotReported:
    """The picture was never reported here."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class ReportDecided:
    """Somebody has decided already: the case says who and what."""

    case: Case


@dataclass(frozen=True, slots=True)
class NotBlockable:
    """Oneself, or an owner of the bot."""

    user_id: int


@dataclass(frozen=True, slots=True)
class NotBlocked:
    """There is no block to take off."""

    user_id: int


@dataclass(frozen=True, slots=True)
class UnusableUpload:
    """A picture that was given cannot be painted from. number: which of `total`, from 1."""

    refused: UploadRefused
    number: int = 1
    total: int = 1


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A picture that was given could not be fetched."""


@dataclass(frozen=True, slots=True)
class StagedPictureGone:
    """A picture that was put aside is not there any more."""


@dataclass(frozen=True, slots=True)
class StrengthWithoutImage:
    """A strength was given, and no picture that it could be about."""


Reason = (
    EmptyPrompt
    | TextTooLong
    | TooManyTokens
    | OutOfRange
    | BadSize
    | SizeTooLarge
    | BadAspect
    | FlagProblem
    | ManyPermutations
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
    | StrengthWithoutImage
)


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was charged and nothing happened. retry_at: when it would work, if that is known."""

    reason: Reason
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ResolvedRequest:
    """A wish made precise. added: what enhancement appended to the prompt, "" for nothing."""

    request: ImageRequest
    added: str = ""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job is in the database and in the queue.

    ahead: jobs that are painted before it, the one on the GPU included.
    ready_at: when the picture is expected; None if nothing is known yet. private: for nobody
    else's eyes. pictures: how many. spoiler: they are hidden until clicked. delivery: where its
    person wants them.
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
    """These jobs are cancelled and refunded; at least one."""

    jobs: tuple[Job, ...]
