"""What holds where several chose: moderators over defaults, people within what moderators let."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.accounts.delivery_settings import (
    Change,
    Changes,
    Held,
    Level,
    Preferences,
    Setting,
    Settings,
    Source,
    settle,
)
from bot.accounts.permissions import Action, Person, Rights
from bot.request.outcomes import NotAllowed, Refused
from storage import preferences as stored
from storage.database import Database
from storage.types import Chosen, DeliveryMode, Levels
from tests.fakes import EPOCH, FakeClock

CHANNEL, THREAD, DIRECT = DeliveryMode.CHANNEL, DeliveryMode.THREAD, DeliveryMode.DIRECT
ALICE = Person(user_id=3, guild_id=1, channel_id=2)
ADMIN = Person(user_id=4, guild_id=1, channel_id=2, manages_server=True)
FLAGS = st.sampled_from([None, False, True])


def chosen(
    delivery: DeliveryMode | None = None, spoiler: bool | None = None, quiet: bool | None = None
) -> Chosen:
    """Choices of one level."""
    return Chosen(delivery, spoiler, quiet, None, 9, EPOCH)


ANY = st.none() | st.builds(
    chosen, delivery=st.sampled_from([None, *DeliveryMode]), spoiler=FLAGS, quiet=FLAGS
)
LEVELS = st.builds(Levels, server=ANY, channel=ANY, user=ANY)


@pytest.fixture
async def preferences(tmp_path: Path) -> AsyncIterator[Preferences]:
    """The use case on a fresh database."""
    async with await Database.open(tmp_path / "zimagine.db") as db:
        yield Preferences(stored.Preferences(db, FakeClock()), Rights())


def held(settings: Settings) -> Held:
    """The values alone."""
    return Held(settings.delivery.value, settings.spoiler.value, settings.quiet.value)


def test_without_any_choice_the_defaults_hold():
    """In the channel, in the open, with previews."""
    assert held(settle(Levels(), 2)) == Held(CHANNEL, False, False)


@given(LEVELS)
def test_a_person_never_shows_more_than_moderators_let_them(levels: Levels):
    """With any own choice a picture is at least as withdrawn, and as hidden, as without one."""
    own, others = settle(levels, 2), settle(replace(levels, user=None), 2)
    order = [CHANNEL, THREAD, DIRECT]
    assert order.index(own.delivery.value) >= order.index(others.delivery.value)
    assert own.spoiler.value >= others.spoiler.value


@given(LEVELS)
def test_what_holds_has_a_source_that_chose_it(levels: Levels):
    """The level that is named chose just that value, and a wish is told only where it fails."""
    settings = settle(levels, 2)
    for name in ("delivery", "spoiler", "quiet"):
        setting = getattr(settings, name)
        level = getattr(levels, setting.source.value, None)
        default = getattr(Held(), name)
        assert setting.value == (default if level is None else getattr(level, name))
        wish = None if levels.user is None else getattr(levels.user, name)
        assert setting.wish == (None if setting.source is Source.USER else wish)
        assert setting.wish is None or setting.wish != setting.value


@given(LEVELS)
def test_the_channel_goes_before_the_server(levels: Levels):
    """A channel's choice hides the server's, each setting for itself."""
    alone = settle(Levels(channel=levels.channel), 2)
    both = settle(replace(levels, user=None), 2)
    for name in ("delivery", "spoiler", "quiet"):
        if levels.channel is not None and getattr(levels.channel, name) is not None:
            assert getattr(both, name) == getattr(alone, name)


@given(LEVELS)
def test_where_the_owner_forbids_it_nobody_is_written_to(levels: Levels):
    """No choice of direct messages holds, at whatever level."""
    settings = settle(levels, 2, direct_messages=False)
    assert settings.delivery.value is not DIRECT and not settings.direct_messages


@pytest.mark.parametrize(
    ("moderators", "own", "holds"),
    [
        (None, THREAD, THREAD),
        (None, DIRECT, DIRECT),
        (CHANNEL, THREAD, THREAD),
        (THREAD, CHANNEL, THREAD),
        (THREAD, DIRECT, DIRECT),
        (DIRECT, THREAD, DIRECT),
    ],
)
def test_of_two_ways_the_one_that_fewer_see_holds(
    moderators: DeliveryMode | None, own: DeliveryMode, holds: DeliveryMode
):
    """A person may withdraw their pictures, and not bring them back into the channel."""
    levels = Levels(channel=chosen(moderators), user=chosen(own))
    assert settle(levels, 2).delivery.value is holds


def test_a_spoiler_of_moderators_stays():
    """A person can hide what is in the open, and not uncover what is hidden."""
    hidden = settle(Levels(channel=chosen(spoiler=True), user=chosen(spoiler=False)), 2)
    assert hidden.spoiler == Setting(True, Source.CHANNEL, wish=False)
    own = settle(Levels(channel=chosen(spoiler=False), user=chosen(spoiler=True)), 2)
    assert own.spoiler == Setting(True, Source.USER)


def test_previews_are_a_persons_own_affair():
    """Quiet or not, a person's choice goes before everybody else's."""
    for moderators, own in itertools.product((None, False, True), (False, True)):
        levels = Levels(server=chosen(quiet=moderators), user=chosen(quiet=own))
        assert settle(levels, 2).quiet == Setting(own, Source.USER)


async def test_what_is_set_holds_and_can_be_taken_back(preferences: Preferences):
    """A choice holds from the next wish on, until it is taken back."""
    await preferences.set_own(ALICE, Changes(Change(THREAD), Change(True), Change(True)))
    assert await preferences.of(ALICE) == Held(THREAD, True, True)
    assert await preferences.of(ADMIN) == Held()
    outcome = await preferences.set_own(ALICE, Changes(delivery=Change(None)))
    assert isinstance(outcome, Settings) and outcome.delivery == Setting(CHANNEL, Source.DEFAULT)
    assert await preferences.of(ALICE) == Held(CHANNEL, True, True)


async def test_nothing_to_change_changes_nothing(preferences: Preferences):
    """Without a change everybody is shown what holds."""
    assert await preferences.set_own(ALICE, Changes()) == await preferences.own(ALICE)
    assert await preferences.set_server(ADMIN, Changes()) == Level(None)
    assert await preferences.set_channel(ADMIN, Changes()) == Level(2)


async def test_in_a_thread_its_channel_counts(preferences: Preferences):
    """Settings of a channel hold in its threads, and a wish made in a thread stays there."""
    inside = replace(ALICE, channel_id=55, parent_id=2)
    await preferences.set_channel(ADMIN, Changes(Change(THREAD), Change(True)))
    assert await preferences.of(ALICE) == Held(THREAD, True)
    assert await preferences.of(inside) == Held(CHANNEL, True)
    await preferences.set_own(ALICE, Changes(Change(DIRECT)))
    assert (await preferences.of(inside)).delivery is DIRECT
    in_thread = replace(ADMIN, channel_id=55, parent_id=2)
    assert await preferences.set_channel(in_thread, Changes()) == Level(2, THREAD, True)


async def test_another_channel_can_be_named(preferences: Preferences):
    """An admin sets a channel from anywhere on its server."""
    level = await preferences.set_channel(ADMIN, Changes(spoiler=Change(True)), 77)
    assert level == Level(77, spoiler=True)
    assert (await preferences.of(replace(ALICE, channel_id=77))).spoiler
    assert not (await preferences.of(ALICE)).spoiler


@pytest.mark.parametrize("moderator", [False, True])
async def test_members_set_nothing_for_others(preferences: Preferences, moderator: bool):
    """Neither do moderators without the right to manage the server; nothing is written."""
    person = replace(ALICE, manages_messages=moderator)
    refused = Refused(NotAllowed(Action.SET_SETTINGS))
    changes = Changes(Change(DIRECT), Change(True))
    assert await preferences.set_server(person, changes) == refused
    assert await preferences.set_channel(person, changes) == refused
    assert await preferences.set_channel(person, Changes()) == refused
    assert await preferences.of(person) == Held()


async def test_servers_do_not_know_each_other(preferences: Preferences):
    """What a person or an admin sets holds on that server alone."""
    await preferences.set_own(ALICE, Changes(Change(DIRECT)))
    await preferences.set_server(ADMIN, Changes(spoiler=Change(True)))
    assert await preferences.of(replace(ALICE, guild_id=8)) == Held()
