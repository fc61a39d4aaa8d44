"""Which transitions jobs and deliveries allow; pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from storage.errors import IllegalTransition
from storage.types import DeliveryState, JobState

MAX_ATTEMPTS: Final = 2
"""One retry: a job that crashes the process must not cause a crash loop."""

LIVE: Final = frozenset({JobState.ACCEPTED, JobState.QUEUED, JobState.PAINTING})
TERMINAL: Final = frozenset(JobState) - LIVE

_ENDS_WITHOUT_PICTURE: Final = frozenset({JobState.CANCELLED, JobState.FAILED, JobState.EXPIRED})

JOB_STEPS: Final[Mapping[JobState, frozenset[JobState]]] = MappingProxyType(
    {
        JobState.ACCEPTED: frozenset({JobState.QUEUED}) | _ENDS_WITHOUT_PICTURE,
        JobState.QUEUED: frozenset({JobState.PAINTING}) | _ENDS_WITHOUT_PICTURE,
        JobState.PAINTING: frozenset({JobState.PAINTED, JobState.QUEUED}) | _ENDS_WITHOUT_PICTURE,
        JobState.PAINTED: frozenset(),  # but see Jobs.disowned
        JobState.CANCELLED: frozenset(),
        JobState.FAILED: frozenset(),
        JobState.EXPIRED: frozenset(),
    }
)

DELIVERY_STEPS: Final[Mapping[DeliveryState, frozenset[DeliveryState]]] = MappingProxyType(
    {
        DeliveryState.PENDING: frozenset(DeliveryState) - {DeliveryState.PENDING},
        DeliveryState.DELIVERED: frozenset(),
        DeliveryState.KEPT: frozenset(),
        DeliveryState.DROPPED: frozenset(),
    }
)


def check_job_step(job_id: int, from_: JobState, to: JobState, *, attempts: int) -> None:
    """Raise IllegalTransition unless the job may take this step after that many attempts."""
    spent = from_ is JobState.PAINTING and to is JobState.QUEUED and attempts >= MAX_ATTEMPTS
    if spent or to not in JOB_STEPS[from_]:
        raise IllegalTransition("job", job_id, from_, to)


def check_delivery_step(job_id: int, from_: DeliveryState, to: DeliveryState) -> None:
    """Raise IllegalTransition unless the delivery of the job may take this step."""
    if to not in DELIVERY_STEPS[from_]:
        raise IllegalTransition("delivery", job_id, from_, to)
