"""Why a job cannot be cancelled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnknownJob:
    """There is no job with this number on this server."""

    job: str


@dataclass(frozen=True, slots=True)
class JobFinished:
    """The job has already finished. cancelled: because it was cancelled."""

    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class NothingToCancel:
    """The member has no unfinished job on this server."""


JobReason = UnknownJob | JobFinished | NothingToCancel
