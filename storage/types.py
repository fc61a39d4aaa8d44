"""What storage takes and hands out: enums and frozen dataclasses, never rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

Clock = Callable[[], datetime]
"""Answers the present instant as an aware datetime in UTC."""

NONCE_LIMIT_CHARS = 25
"""Discord takes no longer nonce with a message."""

REASON_LIMIT_CHARS = 500
"""Of a report and of a block."""


def utc_now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


class JobState(StrEnum):
    """Where a job is in its life; lifecycle.py says which steps are allowed."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    PAINTING = "painting"
    PAINTED = "painted"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


class DeliveryState(StrEnum):
    """Where a delivery is: pending, or settled in one of three ways."""

    PENDING = "pending"
    DELIVERED = "delivered"
    KEPT = "kept"
    DROPPED = "dropped"


class Route(StrEnum):
    """How a result reaches its person.

    By editing the status message, by a new message in the channel or in a thread of its person's,
    through the interaction's token (which alone can change what only its person sees), or by a
    direct message.
    """

    EDIT = "edit"
    POST = "post"
    THREAD = "thread"
    REPLY = "reply"
    DIRECT = "direct"


class PolicySource(StrEnum):
    """Who decided a quota policy, the weakest first."""

    CONFIG = "config"
    SERVER = "server"
    USER = "user"


class DeliveryMode(StrEnum):
    """Where results are shown: in the channel, in a thread of their person's, or directly."""

    CHANNEL = "channel"
    THREAD = "thread"
    DIRECT = "direct"


class Verdict(StrEnum):
    """What moderators made of a reported picture: removed, its person blocked, or nothing."""

    DELETED = "deleted"
    BLOCKED = "blocked"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job comes from and whom it belongs to; all zero for the command line."""

    guild_id: int
    channel_id: int
    user_id: int


COMMAND_LINE = Place(guild_id=0, channel_id=0, user_id=0)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be accepted; `request` is JSON that storage never reads.

    `reply_token` finds the message that answers the command for as long as Discord lets it.
    `private`: nobody but its person may see it. `upload_limit_bytes`: the largest file that
    Discord takes where the command was given; None where it did not say. `inputs`: the hashes of
    the pictures that it starts from, whose files are on the disk already. `delivery`, `spoiler`
    and `quiet`: what holds for its person there.
    """

    place: Place
    request: str
    prompt: str
    seed: int
    pictures: int = 1
    parent_picture_id: int | None = None
    locale: str = "en-US"
    private: bool = False
    upload_limit_bytes: int | None = None
    reply_token: str | None = field(default=None, repr=False)
    inputs: tuple[str, ...] = ()
    delivery: DeliveryMode = DeliveryMode.CHANNEL
    spoiler: bool = False
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.pictures < 1:
            raise ValueError(f"a job takes at least one picture, not {self.pictures}")


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands in the database."""

    id: int
    place: Place
    state: JobState
    request: str
    prompt: str
    seed: int
    pictures: int
    attempts: int
    parent_picture_id: int | None
    locale: str
    private: bool
    accepted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error_code: str | None
    error_detail: str | None
    delivery: DeliveryMode = DeliveryMode.CHANNEL
    spoiler: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A painted picture whose file is already on the disk.

    `file` is relative to the data folder; `recipe` is JSON that storage never reads.
    """

    file: str
    sha256: str
    recipe: str
    seed: int
    width_px: int
    height_px: int
    duration_s: float
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture as it stands in the database; `prompt` and `private` are its job's.

    `on_disk` is False once retention has removed the file; the recipe paints it again.
    """

    id: int
    job_id: int
    place: Place
    file: str
    sha256: str
    recipe: str
    prompt: str
    seed: int
    width_px: int
    height_px: int
    duration_s: float
    painted_at: datetime
    private: bool = False
    favourite: bool = False
    on_disk: bool = True


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far the result of a job is on its way.

    `message_id` is the message that shows the job while it waits and is painted,
    `result_message_id` the one that carried the result. `attempted_at` is the first try on `road`
    since it was last known that no earlier one had arrived. `thread_id` is the thread that it was
    tried in, on Road.THREAD; while it is None nothing was sent there. `detour` is why the way that
    its person wanted was closed. `reply_token` is there until `message_id` is known; for a private
    job until it is settled.
    """

    job_id: int
    state: DeliveryState
    channel_id: int
    message_id: int | None
    route: Route | None
    nonce: str
    attempted_at: datetime | None
    settled_at: datetime | None
    result_message_id: int | None
    detail: str | None
    upload_limit_bytes: int | None = None
    reply_token: str | None = field(default=None, repr=False)
    thread_id: int | None = None
    fallback_reason: str | None = None


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """A finished job whose person has not been told; no pictures unless it was painted."""

    delivery: Delivery
    job: Job
    pictures: tuple[StoredPicture, ...]


@dataclass(frozen=True, slots=True)
class QuotaPolicy:
    """At most `pictures` within any `hours`."""

    pictures: int
    hours: int
    source: PolicySource


@dataclass(frozen=True, slots=True)
class QuotaStatus:
    """One person's allowance at one instant.

    `next_return_at` is when the next used picture comes back; None when none is used.
    """

    policy: QuotaPolicy
    used: int
    remaining: int
    next_return_at: datetime | None


@dataclass(frozen=True, slots=True)
class QuotaExceeded:
    """A refusal; nothing was written.

    `retry_at` is the earliest instant at which the same request would fit; None when it never
    would under this policy.
    """

    status: QuotaStatus
    requested: int
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a start found: jobs to queue, in the order of their acceptance, and jobs given up.

    `ended` holds those that were failed and those that expired.
    """

    queued: tuple[Job, ...]
    ended: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """What was taken off the disk."""

    files: int = 0
    size_bytes: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(self.files + other.files, self.size_bytes + other.size_bytes)


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """What was chosen for one server, channel or user, by whom and when; None: nothing.

    `spoiler`: pictures are hidden until they are clicked. `quiet`: no previews. Reports go to
    `reports_channel_id`.
    """

    delivery: DeliveryMode | None
    spoiler: bool | None
    quiet: bool | None
    reports_channel_id: int | None
    set_by: int
    set_at: datetime


@dataclass(frozen=True, slots=True)
class SettingsLevels:
    """What was chosen at each level for one person in one channel; None: nothing ever."""

    server: StoredSettings | None = None
    channel: StoredSettings | None = None
    user: StoredSettings | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One person's report of one picture."""

    id: int
    picture_id: int
    guild_id: int
    by: int
    reason: str | None
    filed_at: datetime


@dataclass(frozen=True, slots=True)
class AlreadyReported:
    """A refusal: this person's earlier report of the picture is still open."""

    report: Report


@dataclass(frozen=True, slots=True)
class Card:
    """The message that shows a case to the moderators."""

    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class Case:
    """All reports of one picture until their verdict, the oldest first.

    `user_id`: whose picture it is. `picture_erased`: it is gone from every other answer. `card`
    is None until the moderators' message is posted, `verdict` until the case is resolved.
    """

    id: int
    picture_id: int
    guild_id: int
    user_id: int
    opened_at: datetime
    picture_erased: bool
    card: Card | None
    verdict: Verdict | None
    resolved_by: int | None
    resolved_at: datetime | None
    reports: tuple[Report, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Somebody who may not paint in a server, by whose decision and why."""

    guild_id: int
    user_id: int
    by: int
    reason: str | None
    blocked_at: datetime
