"""The enums and frozen dataclasses that go into and out of storage."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from storage.quota_windows import DEFAULT_ZONE, CalendarDay, Rolling, Window

Clock = Callable[[], datetime]
"""Returns the current time as an aware datetime in UTC."""

NONCE_LIMIT_CHARS = 25
"""Discord's limit for a message nonce."""

REASON_LIMIT_CHARS = 500
"""Limit for the reason of a report or block. Chosen by hand."""

NOTE_LIMIT_CHARS = 500
"""Limit for a note on a picture. Chosen by hand."""


FILTER_USER_ID = 0
"""Who reports what a filter found: nobody on Discord."""


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


class JobState(StrEnum):
    """State of a job; lifecycle.py defines the allowed transitions."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    PAINTING = "painting"
    PAINTED = "painted"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


class DeliveryState(StrEnum):
    """State of a delivery: pending, or completed in one of three ways."""

    PENDING = "pending"
    DELIVERED = "delivered"
    KEPT = "kept"
    DROPPED = "dropped"


class Route(StrEnum):
    """How a result is delivered.

    By editing the status message; with a new message in the channel or in the requester's thread;
    through the interaction token, which alone can change a response that only the requester sees;
    or by direct message.
    """

    EDIT = "edit"
    POST = "post"
    THREAD = "thread"
    REPLY = "reply"
    DIRECT = "direct"


class PolicySource(StrEnum):
    """The origin of a quota policy, lowest precedence first."""

    CONFIG = "config"
    SERVER = "server"
    ROLE = "role"
    USER = "user"


class DeliveryMode(StrEnum):
    """The place where results are shown: the channel, the user's own thread, or direct messages."""

    CHANNEL = "channel"
    THREAD = "thread"
    DIRECT = "direct"


class Verdict(StrEnum):
    """Moderators' verdict on a reported picture: removed, its owner blocked, or dismissed."""

    DELETED = "deleted"
    BLOCKED = "blocked"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Place:
    """The origin of a job and the user it belongs to; all zero for the command line."""

    guild_id: int
    channel_id: int
    user_id: int


COMMAND_LINE = Place(guild_id=0, channel_id=0, user_id=0)


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What a server's filter has to do about a job once it is painted.

    `exempt`: the rules that do not concern it. `report`: why its first picture is reported to the
    moderators, None if it is not.
    """

    exempt: tuple[int, ...] = ()
    report: str | None = None


@dataclass(frozen=True, slots=True)
class ShownResult:
    """How the pictures of a job are shown because of what was found in them.

    `spoiler`: hidden until clicked. `direct`: by direct message and never in the channel, where
    their request was visible. `reports`: for each picture, why it is reported; None if it is not.
    """

    spoiler: bool = False
    direct: bool = False
    reports: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be accepted; `request` is JSON that storage never reads.

    `reply_token` gives access to the command's response for as long as Discord allows. `private`:
    only the requester may see it. `upload_limit_bytes`: the largest file that Discord accepts where
    the command was used, None if unknown. `inputs`: the hashes of its input images, whose files are
    already on disk. `delivery`, `spoiler` and `quiet`: the requester's effective settings there.
    `locale`: the language of what everybody reads, `own_locale`: of what the requester alone does,
    "" if unknown. `role_ids`: the requester's roles. `weight`: how many pictures each of its
    pictures counts as, on servers that weigh. `filter`: None if its server has no rules.
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
    own_locale: str = ""
    role_ids: frozenset[int] = frozenset()
    weight: int = 1
    filter: JobFilter | None = None

    def __post_init__(self) -> None:
        if self.pictures < 1:
            raise ValueError(f"a job must have at least one picture, not {self.pictures}")
        if self.weight < 1:
            raise ValueError(f"a picture counts as one at least, not as {self.weight}")


@dataclass(frozen=True, slots=True)
class Job:
    """A job as stored in the database."""

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
    own_locale: str = ""

    def locale_for(self, *, private: bool) -> str:
        """Return the language of a message about it. private: only its requester reads it."""
        return self.own_locale or self.locale if private else self.locale


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A finished picture whose file is already on disk.

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
    """A picture as stored in the database; `prompt`, `private` and `spoiler` come from its job.

    `on_disk` is False once retention has removed the file; the recipe can paint it again. `note`:
    what its owner wrote on it, for themselves alone.
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
    spoiler: bool = False
    favourite: bool = False
    on_disk: bool = True
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """The state of delivering a job's result.

    `message_id` is the message that shows the job while it is queued and in progress,
    `result_message_id` the one with the result. `attempted_at` is the first attempt on `route`
    since it was last known that no earlier one had arrived. `thread_id` is the thread used for the
    attempt, on Route.THREAD; while it is None, nothing was sent there. `fallback_reason` is why the
    place the requester wanted was unavailable. `reply_token` finds the message, and for minutes
    changes it even where the bot has no access; it is kept until the delivery is completed.
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
    """A finished job that has not been delivered; no pictures unless it was painted."""

    delivery: Delivery
    job: Job
    pictures: tuple[StoredPicture, ...]


class Cost(NamedTuple):
    """What a job asks for. weight: how many pictures each counts as, on servers that weigh."""

    pictures: int
    weight: int = 1


@dataclass(frozen=True, slots=True)
class QuotaPolicy:
    """At most `pictures` within any `hours`, or (None) within each calendar day of the time `zone`.

    `pictures` is None if there is no limit. `role_id`: the role for which it was set.
    """

    pictures: int | None
    hours: int | None
    source: PolicySource
    role_id: int | None = None
    zone: str = DEFAULT_ZONE

    @property
    def window(self) -> Window:
        """The window in which pictures count."""
        return CalendarDay(self.zone) if self.hours is None else Rolling(self.hours)


@dataclass(frozen=True, slots=True)
class QuotaStatus:
    """One user's quota at one instant.

    `remaining`: None if there is no limit. `next_return_at` is when the next used picture becomes
    available again; None if none is used. `granted`: what is left of grants, which is taken once
    nothing of the quota remains.
    """

    policy: QuotaPolicy
    used: int
    remaining: int | None
    next_return_at: datetime | None
    granted: int = 0

    @property
    def available(self) -> int | None:
        """What can be painted now; None if there is no limit."""
        return None if self.remaining is None else self.remaining + self.granted


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What all users of a server together may be charged: `pictures` within any `hours`.

    It counts by whole hours of the clock: what is charged in one counts until the one that begins
    `hours` later.
    """

    pictures: int
    hours: int


@dataclass(frozen=True, slots=True)
class QuotaExceeded:
    """A refusal; nothing was charged.

    `requested`: what was asked for, in pictures that count. `retry_at` is the earliest instant at
    which the same request would fit; None if it never would under this policy. `ceiling`: what is
    exceeded is not the user's quota but that of their whole server, of which `server_used` is used.
    """

    status: QuotaStatus
    requested: int
    retry_at: datetime | None
    ceiling: Ceiling | None = None
    server_used: int = 0


@dataclass(frozen=True, slots=True)
class Recovery:
    """The result of a recovery: jobs to queue, in order of acceptance, and jobs that ended.

    `ended` holds those that failed and those that expired.
    """

    queued: tuple[Job, ...]
    ended: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """Files removed from disk."""

    files: int = 0
    size_bytes: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(self.files + other.files, self.size_bytes + other.size_bytes)


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """The settings of one server, channel or user, set by whom and when; None means unset.

    `spoiler`: pictures are hidden until clicked. `quiet`: no previews. `locale`: the language of
    what everybody on the server reads. `timezone`: its time zone, of the time zone database.
    `weighted`: large pictures count more than one.
    """

    delivery: DeliveryMode | None
    spoiler: bool | None
    quiet: bool | None
    set_by: int
    set_at: datetime
    locale: str | None = None
    timezone: str | None = None
    weighted: bool | None = None


@dataclass(frozen=True, slots=True)
class SettingsLevels:
    """The settings of each scope for one user in one channel; None if never set."""

    server: StoredSettings | None = None
    channel: StoredSettings | None = None
    user: StoredSettings | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One user's report of one picture."""

    id: int
    picture_id: int
    guild_id: int
    by: int
    reason: str | None
    filed_at: datetime


@dataclass(frozen=True, slots=True)
class AlreadyReported:
    """A refusal: this user's earlier report of the picture is still open."""

    report: Report


@dataclass(frozen=True, slots=True)
class Card:
    """The message that shows a case to the moderators."""

    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class Case:
    """All reports of one picture until their verdict, oldest first.

    `user_id`: the picture's owner. `picture_erased`: it is hidden from every other result. `card`
    is None until the moderator message is posted, `verdict` until the case is resolved.
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
    """A user who may not generate pictures in a server, with who decided it and why.

    until: when it ends by itself; None if somebody has to lift it.
    """

    guild_id: int
    user_id: int
    by: int
    reason: str | None
    blocked_at: datetime
    until: datetime | None = None
