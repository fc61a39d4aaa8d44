"""What storage takes and hands out: enums and frozen dataclasses, never rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

Clock = Callable[[], datetime]
"""Answers the present instant as an aware datetime in UTC."""

NONCE_LIMIT_CHARS = 25
"""Discord takes no longer nonce with a message."""


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


class Road(StrEnum):
    """How a result reaches its person: by editing a message, or by posting a new one."""

    EDIT = "edit"
    POST = "post"


class PolicySource(StrEnum):
    """Who decided a quota policy, the weakest first."""

    CONFIG = "config"
    SERVER = "server"
    USER = "user"


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
    """

    place: Place
    request: str
    prompt: str
    seed: int
    pictures: int = 1
    parent_picture_id: int | None = None
    locale: str = "en-US"
    reply_token: str | None = field(default=None, repr=False)

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
    accepted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error_code: str | None
    error_detail: str | None


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


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture as it stands in the database; `prompt` is its job's."""

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


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far the result of a job is on its way.

    `message_id` is the message that shows the job while it waits and is painted,
    `result_message_id` the one that carried the result, `attempted_at` the first try on `road`.
    `reply_token` is there until `message_id` is known.
    """

    job_id: int
    state: DeliveryState
    channel_id: int
    message_id: int | None
    road: Road | None
    nonce: str
    attempted_at: datetime | None
    settled_at: datetime | None
    result_message_id: int | None
    detail: str | None
    reply_token: str | None = field(default=None, repr=False)


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
    """What a start found: jobs to queue, in the order of their acceptance, and jobs given up."""

    queued: tuple[Job, ...]
    failed: tuple[Job, ...]
