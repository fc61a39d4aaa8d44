"""The content of the bot's messages as data, without any layout."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.delivery.alerts import OwnerAlert
from bot.pictures.origins import Origin
from bot.pictures.possible_actions import EVERYTHING, PossibleActions
from bot.request.notes import Note
from bot.request.summary import DEFAULTS, RequestSummary
from engine.types import ImageRequest
from storage.audit import AuditEntry
from storage.report_messages import ReportMessage
from storage.types import Case, DeliveryMode, StoredPicture


@dataclass(frozen=True, slots=True)
class ModelLoading:
    """Another model is being loaded. seconds: of the whole loading, None if not known."""

    model: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class WaitingCard:
    """A job in the queue.

    ahead: the number of jobs before it. loading: the model is still being loaded. model_loading:
    this job is next, and its model is being loaded. spoiler: the job's pictures and previews are
    hidden until clicked. paused: nothing is painted until the bot's owners let painting go on.
    """

    job_id: int
    request: ImageRequest
    requester_id: int
    ahead: int
    ready_at: datetime | None
    notes: tuple[Note, ...] = ()
    loading: bool = False
    asked: RequestSummary = DEFAULTS
    spoiler: bool = False
    model_loading: ModelLoading | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """A small JPEG of the picture as it looked after `step`."""

    data: bytes
    step: int


@dataclass(frozen=True, slots=True)
class PaintingCard:
    """A job on the GPU: `step` of `steps` done, counted over all its `pictures`.

    preview: of the picture being painted; None if there is none yet or none is wanted.
    """

    job_id: int
    request: ImageRequest
    requester_id: int
    step: int
    steps: int
    notes: tuple[Note, ...] = ()
    pictures: int = 1
    asked: RequestSummary = DEFAULTS
    spoiler: bool = False
    preview: Preview | None = None

    @property
    def number(self) -> int:
        """The number of the picture being painted, from 1."""
        return number_at(self.step, self.steps, self.pictures)


def number_at(step: int, steps: int, pictures: int) -> int:
    """Return which picture, from 1, a step belongs to; steps are counted over all pictures."""
    return max(1, math.ceil(step * pictures / steps))


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """One of the pictures in a message. path: the PNG on disk. possible: its actions."""

    id: int
    seed: int
    path: Path
    possible: PossibleActions = EVERYTHING


@dataclass(frozen=True, slots=True)
class FallbackNote:
    """Why pictures are not where their requester wanted them. reason: an Obstacle's value."""

    preferred: DeliveryMode
    reason: str


@dataclass(frozen=True, slots=True)
class PictureCard:
    """A finished picture, or several on one numbered sheet in the order of their numbers.

    request: of the first picture. origin: what they are, None if they were made from words alone.
    file_name: the name of the attachment, picture or sheet.
    duration_s: of all pictures together. mention: the message notifies the requester. direct: it is
    a direct message, because the requester wants it so, the job is private, or origin_id, the
    channel in which it was requested, is closed to the bot; origin_id is 0 if it was requested in
    the direct messages themselves. alone: a copy of one picture, without the others of its job.
    spoiler: hidden until clicked. fallback: why the pictures are not where the requester wanted
    them.
    """

    pictures: tuple[ShownPicture, ...]
    request: ImageRequest
    requester_id: int
    file_name: str
    duration_s: float
    origin: Origin | None = None
    notes: tuple[Note, ...] = ()
    mention: bool = False
    direct: bool = False
    origin_id: int = 0
    alone: bool = False
    spoiler: bool = False
    fallback: FallbackNote | None = None


@dataclass(frozen=True, slots=True)
class FailureCard:
    """A job that ended without a picture and was refunded. code: the error's code."""

    job_id: int
    request: ImageRequest
    requester_id: int
    state: str
    code: str
    detail: str
    mention: bool = False


@dataclass(frozen=True, slots=True)
class KeptCard:
    """A result that was not shown.

    painted: it is in the history. old: it came too late to be sent. reason: why it could not be
    shown, an Obstacle's value. direct: its status message is in direct messages, where no command
    works.
    """

    request: ImageRequest
    requester_id: int
    painted: bool
    old: bool = False
    reason: str = ""
    direct: bool = False


@dataclass(frozen=True, slots=True)
class AlertCard:
    """An alert to one of the bot's owners."""

    alert: OwnerAlert


ANNOUNCEMENT_CHARS: Final = 3000
"""The longest announcement. Chosen by hand: a message has room for 4000 with what is around it."""


@dataclass(frozen=True, slots=True)
class AnnouncementCard:
    """What the bot's owners announce on servers that want it."""

    text: str


@dataclass(frozen=True, slots=True)
class MovedCard:
    """The status message of a job whose result is in another message, with a link to it.

    guild_id: 0 for direct messages. fallback: why that is not where the requester wanted it.
    """

    request: ImageRequest
    guild_id: int
    channel_id: int
    message_id: int
    fallback: FallbackNote | None = None


@dataclass(frozen=True, slots=True)
class CaseCard:
    """A reported picture, shown to moderators.

    picture: None once it is erased. pictures: the reported one, empty if its file is gone.
    file_name: the name of the attachment. url: the link to the message that shows it, "" if
    unknown. series: how many pictures the same job made. locale: the language of that job.
    messages: between moderators and reporters, oldest first.
    """

    case: Case
    picture: StoredPicture | None = None
    pictures: tuple[ShownPicture, ...] = ()
    file_name: str = ""
    url: str = ""
    series: int = 1
    locale: str = "en-US"
    messages: tuple[ReportMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class ReporterCard:
    """What moderators wrote to somebody who reported a picture, whom it names none of them.

    server: its name, "" if unknown.
    """

    message: ReportMessage
    server: str


@dataclass(frozen=True, slots=True)
class ReminderCard:
    """Tells a member that their quota on a server has returned, as they asked at `asked_at`.

    server: its name, "" if unknown. direct: it is a direct message; elsewhere it mentions them.
    """

    requester_id: int
    server: str
    asked_at: datetime
    direct: bool = True


@dataclass(frozen=True, slots=True)
class SentCard:
    """The status message of a job whose result was sent to its requester by direct message.

    reason: why it could not be shown where it was requested, an Obstacle's value or "" if that is
    not known any more; None if the requester wanted it by direct message.
    """

    request: ImageRequest
    requester_id: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class StarCard:
    """A picture with many stars, shown once more. pictures: itself. file_name: the name of the
    attachment. url: the link to the message that it was made for."""

    picture: StoredPicture
    pictures: tuple[ShownPicture, ...]
    file_name: str
    url: str


@dataclass(frozen=True, slots=True)
class AuditCard:
    """Entries of a server's audit log, the oldest first."""

    entries: tuple[AuditEntry, ...]


Card = (
    WaitingCard
    | PaintingCard
    | PictureCard
    | FailureCard
    | KeptCard
    | MovedCard
    | SentCard
    | AlertCard
    | AnnouncementCard
    | CaseCard
    | AuditCard
    | StarCard
    | ReminderCard
    | ReporterCard
)
