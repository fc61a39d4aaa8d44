"""Every combination of routes and obstacles ends, and private results are never public."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest

from bot.delivery import routes
from bot.delivery.messenger import Obstacle
from storage.types import DeliveryMode, Job, JobState, Place, Route
from tests.fakes import EPOCH

ENDS = (JobState.PAINTED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED)


def a_job(
    state: JobState, *, private: bool = False, delivery: DeliveryMode = DeliveryMode.CHANNEL
) -> Job:
    """Return a finished job."""
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
        delivery=delivery,
    )


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("delivery", DeliveryMode)
def test_every_way_ends_and_no_private_one_is_public(
    state: JobState, private: bool, delivery: DeliveryMode
):
    """Whatever is closed, no route is taken twice and private results stay private."""
    job = a_job(state, private=private, delivery=delivery)
    flags = (False, True)
    for message_id, token, late_s, backlog, direct, there, editable in itertools.product(
        (None, 5), flags, (1, 40, 3600), flags, flags, flags, flags
    ):
        usual = routes.default_route(
            job,
            message_id=message_id,
            has_token=token,
            now=EPOCH + timedelta(seconds=late_s),
            backlog=backlog,
            direct_messages=direct,
            in_direct=there,
        )
        route = routes.preferred_route(job, direct_messages=direct) or usual
        fall_back = partial(
            routes.fallback_route,
            job=job,
            default=usual,
            direct_messages=direct,
            editable=editable,
        )
        for taken in walks(route, fall_back):
            assert len(set(taken)) == len(taken) <= 4
            # In direct messages the status message is nobody else's either.
            public = {Route.POST, Route.THREAD} | (set() if there else {Route.EDIT})
            assert not private or not public & set(taken)
            assert direct or Route.DIRECT not in taken
            assert state is JobState.PAINTED or not {Route.DIRECT, Route.THREAD} & set(taken)
            assert delivery is DeliveryMode.THREAD or Route.THREAD not in taken


def walks(
    route: Route | None, fall_back: Callable[..., Route | None], before: tuple[Route, ...] = ()
) -> Iterator[tuple[Route, ...]]:
    """Yield the routes that are taken until nothing is left, whatever is in the way of each."""
    if route is None or len(before) > 4:
        yield before
        return
    taken = (*before, route)
    # Most obstacles lead to the same next route: what follows is walked once.
    for following in {fall_back(route, obstacle, taken=set(taken)) for obstacle in Obstacle}:
        yield from walks(following, fall_back, taken)


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("direct", [False, True])
def test_a_late_result_of_direct_messages(state: JobState, direct: bool):
    """Once the token has expired, a picture is sent there anew, if the owner allows that; anything
    else is edited in, which on a server could not be shown at all."""
    job, now = a_job(state, private=True), EPOCH + timedelta(hours=1)
    for there, message_id in itertools.product((False, True), (None, 5)):
        route = routes.default_route(
            job,
            message_id=message_id,
            has_token=True,
            now=now,
            backlog=False,
            direct_messages=direct,
            in_direct=there,
        )
        edited = Route.EDIT if there and message_id is not None else None
        expected = Route.DIRECT if direct and state is JobState.PAINTED else edited
        assert route is expected


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("direct", [False, True])
def test_who_waited_long_in_direct_messages_is_notified(state: JobState, direct: bool):
    """After thirty seconds a picture is sent there anew; all else, and on a server, is edited."""
    job = a_job(state, private=True)
    for there, late_s in itertools.product((False, True), (30, 31)):
        route = routes.default_route(
            job,
            message_id=5,
            has_token=True,
            now=EPOCH + timedelta(seconds=late_s),
            backlog=False,
            direct_messages=direct,
            in_direct=there,
        )
        anew = there and late_s > 30 and direct and state is JobState.PAINTED
        assert route is (Route.DIRECT if anew else Route.REPLY)


def test_who_waited_long_is_notified():
    """Up to thirty seconds the status message is edited; after that there is a new message."""
    job = a_job(JobState.PAINTED)
    for late_s, route in ((30, Route.EDIT), (31, Route.POST)):
        now = EPOCH + timedelta(seconds=late_s)
        assert route is routes.default_route(
            job, message_id=5, has_token=False, now=now, backlog=False, direct_messages=True
        )


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("delivery", DeliveryMode)
@pytest.mark.parametrize("direct", [False, True])
def test_only_pictures_go_where_their_person_wants_them(
    state: JobState, private: bool, delivery: DeliveryMode, direct: bool
):
    """Failures go to the default route, private results never to a thread, and nothing to direct
    messages if the owner forbids them."""
    job = a_job(state, private=private, delivery=delivery)
    expected = None
    if state is JobState.PAINTED and delivery is DeliveryMode.THREAD and not private:
        expected = Route.THREAD
    if state is JobState.PAINTED and delivery is DeliveryMode.DIRECT and direct:
        expected = Route.DIRECT
    assert routes.preferred_route(job, direct_messages=direct) is expected


@pytest.mark.parametrize("delivery", [DeliveryMode.THREAD, DeliveryMode.DIRECT])
@pytest.mark.parametrize("usual", [Route.EDIT, Route.POST])
def test_where_the_wanted_road_is_closed_the_usual_one_is_left(
    delivery: DeliveryMode, usual: Route
):
    """Unless nobody can tell whether the picture has already arrived there: then it is kept."""
    job = a_job(JobState.PAINTED, delivery=delivery)
    wanted = routes.preferred_route(job, direct_messages=True)
    assert wanted is not None
    for obstacle in Obstacle:
        left = routes.fallback_route(wanted, obstacle, job, default=usual, direct_messages=True)
        assert left is (None if obstacle is Obstacle.UNREADABLE else usual)


def test_who_is_closed_to_direct_messages_is_not_written_to_in_the_end():
    """After a refused direct message, a closed channel leaves no route."""
    job = a_job(JobState.PAINTED, delivery=DeliveryMode.DIRECT)
    for route in (Route.EDIT, Route.POST, Route.REPLY):
        left = routes.fallback_route(
            route, Obstacle.FORBIDDEN, job, default=Route.EDIT, direct_messages=True
        )
        assert left is None


@pytest.mark.parametrize("state", ENDS)
def test_what_a_channel_refuses_is_edited_in(state: JobState):
    """A refused post leaves the status message, if that may accept it; never a second time."""
    job = a_job(state)
    for obstacle in Obstacle:
        closed = obstacle not in (Obstacle.UNREADABLE, Obstacle.TOO_LARGE, Obstacle.REJECTED)
        for editable, taken in itertools.product((False, True), ({Route.POST}, set(Route))):
            left = routes.fallback_route(
                Route.POST,
                obstacle,
                job,
                default=Route.POST,
                direct_messages=False,
                editable=editable,
                taken=taken,
            )
            expected = closed and editable and Route.EDIT not in taken
            assert left is (Route.EDIT if expected else None)


def test_a_post_that_was_refused_is_not_tried_again_after_the_edit():
    """An edit that follows a refused post leaves only the direct message."""
    job = a_job(JobState.PAINTED)
    for obstacle in (Obstacle.ARCHIVED, Obstacle.MESSAGE_GONE):
        left = routes.fallback_route(
            Route.EDIT,
            obstacle,
            job,
            default=Route.POST,
            direct_messages=True,
            taken={Route.POST, Route.EDIT},
        )
        assert left is Route.DIRECT
