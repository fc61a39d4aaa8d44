"""Which road a result takes: every combination has an end, and private ones never a public one."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from bot import roads
from bot.messenger import Obstacle
from storage.types import Job, JobState, Place, Road
from tests.fakes import EPOCH

ENDS = (JobState.PAINTED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED)


def a_job(state: JobState, *, private: bool) -> Job:
    """A finished job."""
    return Job(
        id=1,
        place=Place(1, 2, 3),
        state=state,
        request="{}",
        prompt="a lake",
        seed=1,
        pictures=1,
        attempts=1,
        parent_picture_id=None,
        locale="en-US",
        private=private,
        accepted_at=EPOCH,
        started_at=EPOCH,
        finished_at=EPOCH,
        error_code=None,
        error_detail=None,
    )


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("private", [False, True])
def test_every_way_ends_and_no_private_one_is_public(state: JobState, private: bool):
    """Whatever is closed in whatever order, no road is taken twice, and private stays private."""
    job = a_job(state, private=private)
    flags = (False, True)
    for message_id, token, late_s, backlog, direct in itertools.product(
        (None, 5), flags, (1, 40, 3600), flags, flags
    ):
        road = roads.first(
            job,
            message_id=message_id,
            has_token=token,
            now=EPOCH + timedelta(seconds=late_s),
            backlog=backlog,
            direct_messages=direct,
        )
        for obstacles in itertools.product(Obstacle, repeat=3):
            taken, now = [], road
            for obstacle in obstacles:
                if now is None:
                    break
                taken.append(now)
                now = roads.after(now, obstacle, job, direct_messages=direct)
            assert now is None and len(set(taken)) == len(taken)
            assert not private or not {Road.EDIT, Road.POST} & set(taken)
            assert direct or Road.DIRECT not in taken
            assert state is JobState.PAINTED or Road.DIRECT not in taken


def test_who_waited_long_is_notified():
    """Up to thirty seconds the answer becomes the picture; after that there is a new message."""
    job = a_job(JobState.PAINTED, private=False)
    for late_s, road in ((30, Road.EDIT), (31, Road.POST)):
        now = EPOCH + timedelta(seconds=late_s)
        assert road is roads.first(
            job, message_id=5, has_token=False, now=now, backlog=False, direct_messages=True
        )
