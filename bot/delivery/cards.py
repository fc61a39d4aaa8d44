"""What a message of ours shows, as data. `bot.discord.views.jobs` makes layouts of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.request.notes import Note
from bot.request.summary import DEFAULTS, RequestSummary
from engine.types import ImageRequest
from storage.types import Case, DeliveryMode, StoredPicture


@dataclass(frozen=True, slots=True)
class WaitingCard:
    """A job in the queue. ahead: jobs before it. loading: the model is not there yet.

    spoiler: whatever is shown of its pictures, here and later, is hidden until it is clicked.
    """

    job_id: int
    request: ImageRequest
    requester_id: int
    ahead: int
    ready_at: datetime | None
    added: str = ""
    notes: tuple[Note, ...] = ()
    loading: bool = False
    asked: RequestSummary = DEFAULTS
    spoiler: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What a picture will be, as it looked after `step`: a small JPEG."""

    data: bytes
    step: int


@dataclass(frozen=True, slots=True)
class PaintingCard:
    """A job on the GPU: `step` of `steps` done, over all its `pictures`.

    preview: of the picture in the making; None where there is none, or none is wanted.
    """

    job_id: int
    request: ImageRequest
    requester_id: int
    step: int
    steps: int
    added: str = ""
    notes: tuple[Note, ...] = ()
    pictures: int = 1
    asked: RequestSummary = DEFAULTS
    spoiler: bool = False
    preview: Preview | None = None

    @property
    def number(self) -> int:
        """Which of its pictures is in the making, from 1 on."""
        return number_at(self.step, self.steps, self.pictures)


def number_at(step: int, steps: int, pictures: int) -> int:
    """To which picture, from 1 on, a step belongs that is counted over all of them."""
    return max(1, math.ceil(step * pictures / steps))


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """One of the pictures of a message. path: the PNG on disk."""

    id: int
    seed: int
    path: Path


@dataclass(frozen=True, slots=True)
class FallbackNote:
    """Pictures are not where their person wants them. why: the obstacle that closed the way."""

    preferred: DeliveryMode
    reason: str


@dataclass(frozen=True, slots=True)
class PictureCard:
    """A finished picture, or several on one numbered sheet, in the order of their numbers.

    request: of the first. file_name: what Discord shows the picture or the sheet as. duration_s:
    of all together. mention: True where the message has to notify its person. direct: it is a
    direct message, because the channel it was asked for in, origin_id, is closed to us, it is
    private, or its person wants it so. spoiler: hidden until it is clicked. detour: why it is not
    where its person wanted it.
    """

    pictures: tuple[ShownPicture, ...]
    request: ImageRequest
    requester_id: int
    file_name: str
    duration_s: float
    model: str
    added: str = ""
    notes: tuple[Note, ...] = ()
    mention: bool = False
    direct: bool = False
    origin_id: int = 0
    spoiler: bool = False
    fallback: FallbackNote | None = None


@dataclass(frozen=True, slots=True)
class FailureCard:
    """A job that ended without a picture; what it took was given back. code: an error's code."""

    job_id: int
    request: ImageRequest
    requester_id: int
    state: str
    code: str
    detail: str
    mention: bool = False


@dataclass(frozen=True, slots=True)
class KeptCard:
    """A result that is not shown. painted: it is in its person's history. old: it came too late."""

    request: ImageRequest
    requester_id: int
    painted: bool
    old: bool = False


@dataclass(frozen=True, slots=True)
class NoticeCard:
    """A sentence for the bot's owner."""

    text: str


@dataclass(frozen=True, slots=True)
class MovedCard:
    """The status message after its result got a message of its own."""

    request: ImageRequest
    guild_id: int
    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class CaseCard:
    """A reported picture, for the moderators' eyes.

    picture: None once it is erased. pictures: itself, empty without a file; file_name: what
    Discord shows it as. url: of the message that shows it, "" where none is known. series: how
    many were painted with it. locale: of its server.
    """

    case: Case
    picture: StoredPicture | None = None
    pictures: tuple[ShownPicture, ...] = ()
    file_name: str = ""
    url: str = ""
    series: int = 1
    locale: str = "en-US"


@dataclass(frozen=True, slots=True)
class SentCard:
    """The status message after its result went to its person's direct messages."""

    request: ImageRequest
    requester_id: int


Card = (
    WaitingCard
    | PaintingCard
    | PictureCard
    | FailureCard
    | KeptCard
    | MovedCard
    | SentCard
    | NoticeCard
    | CaseCard
)
