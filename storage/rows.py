"""Converts rows into dataclasses."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from storage.timestamps import from_us, from_us_or_none
from storage.types import (
    Delivery,
    DeliveryMode,
    DeliveryState,
    Job,
    JobState,
    Place,
    Route,
    StoredPicture,
)

JOB_COLUMNS: Final = (
    *("id", "guild_id", "channel_id", "user_id", "state", "request", "prompt", "seed", "pictures"),
    *("attempts", "parent_picture_id", "locale", "private", "accepted_at", "started_at"),
    *("finished_at", "error_code", "error_detail", "delivery", "spoiler", "quiet"),
    "own_locale",
)

DELIVERY_COLUMNS: Final = (
    *("job_id", "state", "channel_id", "message_id", "road", "nonce", "attempted_at"),
    *("settled_at", "result_message_id", "detail", "upload_limit_bytes", "reply_token"),
    *("thread_id", "detour"),
)

PICTURE_COLUMNS: Final = (
    *("id", "job_id", "guild_id", "user_id", "file", "sha256", "recipe", "seed", "width_px"),
    *("height_px", "duration_s", "painted_at", "favourite_at", "file_removed_at"),
    "note",
)
"""Columns of the table itself; channel, prompt and private come from the job."""


def columns(names: Sequence[str], table: str, prefix: str) -> str:
    """Return result columns for these names of one table, each renamed with the prefix."""
    return ", ".join(f"{table}.{name} AS {prefix}{name}" for name in names)


def place(row: sqlite3.Row, prefix: str = "") -> Place:
    """Read a place from a row."""
    return Place(
        guild_id=row[f"{prefix}guild_id"],
        channel_id=row[f"{prefix}channel_id"],
        user_id=row[f"{prefix}user_id"],
    )


def job(row: sqlite3.Row, prefix: str = "") -> Job:
    """Read a job from its columns."""
    return Job(
        id=row[f"{prefix}id"],
        place=place(row, prefix),
        state=JobState(row[f"{prefix}state"]),
        request=row[f"{prefix}request"],
        prompt=row[f"{prefix}prompt"],
        seed=row[f"{prefix}seed"],
        pictures=row[f"{prefix}pictures"],
        attempts=row[f"{prefix}attempts"],
        parent_picture_id=row[f"{prefix}parent_picture_id"],
        locale=row[f"{prefix}locale"],
        private=bool(row[f"{prefix}private"]),
        accepted_at=from_us(row[f"{prefix}accepted_at"]),
        started_at=from_us_or_none(row[f"{prefix}started_at"]),
        finished_at=from_us_or_none(row[f"{prefix}finished_at"]),
        error_code=row[f"{prefix}error_code"],
        error_detail=row[f"{prefix}error_detail"],
        delivery=DeliveryMode(row[f"{prefix}delivery"]),
        spoiler=bool(row[f"{prefix}spoiler"]),
        quiet=bool(row[f"{prefix}quiet"]),
        own_locale=row[f"{prefix}own_locale"],
    )


def delivery(row: sqlite3.Row, prefix: str = "") -> Delivery:
    """Read a delivery from its columns."""
    route = row[f"{prefix}road"]
    return Delivery(
        job_id=row[f"{prefix}job_id"],
        state=DeliveryState(row[f"{prefix}state"]),
        channel_id=row[f"{prefix}channel_id"],
        message_id=row[f"{prefix}message_id"],
        route=None if route is None else Route(route),
        nonce=row[f"{prefix}nonce"],
        attempted_at=from_us_or_none(row[f"{prefix}attempted_at"]),
        settled_at=from_us_or_none(row[f"{prefix}settled_at"]),
        result_message_id=row[f"{prefix}result_message_id"],
        detail=row[f"{prefix}detail"],
        upload_limit_bytes=row[f"{prefix}upload_limit_bytes"],
        reply_token=row[f"{prefix}reply_token"],
        thread_id=row[f"{prefix}thread_id"],
        fallback_reason=row[f"{prefix}detour"],
    )


def picture(row: sqlite3.Row, prefix: str = "") -> StoredPicture:
    """Read a picture from its columns and its job's channel_id, prompt, private and spoiler."""
    return StoredPicture(
        id=row[f"{prefix}id"],
        job_id=row[f"{prefix}job_id"],
        place=place(row, prefix),
        file=row[f"{prefix}file"],
        sha256=row[f"{prefix}sha256"],
        recipe=row[f"{prefix}recipe"],
        prompt=row[f"{prefix}prompt"],
        seed=row[f"{prefix}seed"],
        width_px=row[f"{prefix}width_px"],
        height_px=row[f"{prefix}height_px"],
        duration_s=row[f"{prefix}duration_s"],
        painted_at=from_us(row[f"{prefix}painted_at"]),
        private=bool(row[f"{prefix}private"]),
        spoiler=bool(row[f"{prefix}spoiler"]),
        favourite=row[f"{prefix}favourite_at"] is not None,
        on_disk=row[f"{prefix}file_removed_at"] is None,
        note=row[f"{prefix}note"],
    )
