"""The precedence of delivery settings, and who may change them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.accounts.delivery_settings import (
    DeliverySettingsService,
    EffectiveSetting,
    EffectiveSettings,
    SettingChange,
    SettingChanges,
    SettingsOverview,
    SettingsScope,
    Source,
    resolve_settings,
)
from bot.accounts.permissions import Action, Actor, Permissions
from bot.accounts.server_languages import ServerLanguages
from bot.request.outcomes import NotAllowed, Refused
from storage import preferences as stored
from storage.database import Database
from storage.types import DeliveryMode, SettingsLevels, StoredSettings
from tests.fakes import EPOCH, FakeClock

CHANNEL, THREAD, DIRECT = DeliveryMode.CHANNEL, DeliveryMode.THREAD, DeliveryMode.DIRECT
ALICE = Actor(user_id=3, guild_id=1, channel_id=2)
ADMIN = Actor(user_id=4, guild_id=1, channel_id=2, manages_server=True)
FLAGS = st.sampled_from([None, False, True])


def choices(
    delivery: DeliveryMode | None = None, spoiler: bool | None = None, quiet: bool | None = None
) -> StoredSettings:
    """Return the stored choices of one level."""
    return StoredSettings(delivery, spoiler, quiet, 9, EPOCH)


ANY = st.none() | st.builds(
    choices, delivery=st.sampled_from([None, *DeliveryMode]), spoiler=FLAGS, quiet=FLAGS
)
LEVELS = st.builds(SettingsLevels, server=ANY, channel=ANY, user=ANY)


@pytest.fixture
async def preferences(tmp_path: Path) -> AsyncIterator[DeliverySettingsService]:
    """Open the service on an empty database."""
    async with await Database.open(tmp_path / "zimagine.db") as db:
        settings = stored.Preferences(db, FakeClock())
        yield DeliverySettingsService(settings, Permissions(), ServerLanguages(settings))


def values(settings: SettingsOverview) -> EffectiveSettings:
    """Return the values without their sources."""
    return EffectiveSettings(settings.delivery.value, settings.spoiler.value, settings.quiet.value)


def test_without_any_choice_the_defaults_hold():
    """The defaults are delivery in the channel, no spoiler, and previews."""
    assert values(resolve_settings(SettingsLevels(), 2)) == EffectiveSettings(CHANNEL, False, False)


@given(LEVELS)
def test_a_person_never_shows_more_than_moderators_let_them(levels: SettingsLevels):
    """A member's choice never makes a picture more visible than the channel and server settings."""
    own, others = resolve_settings(levels, 2), resolve_settings(replace(levels, user=None), 2)
    order = [CHANNEL, THREAD, DIRECT]
    assert order.index(own.delivery.value) >= order.index(others.delivery.value)
    assert own.spoiler.value >= others.spoiler.value


@given(LEVELS)
def test_what_holds_has_a_source_that_chose_it(levels: SettingsLevels):
    """The source of a setting chose that value; the member's choice is reported only if
    overruled."""
    settings = resolve_settings(levels, 2)
    for name in ("delivery", "spoiler", "quiet"):
        setting = getattr(settings, name)
        level = getattr(levels, setting.source.value, None)
        default = getattr(EffectiveSettings(), name)
        assert setting.value == (default if level is None else getattr(level, name))
        own_choice = None if levels.user is None else getattr(levels.user, name)
        assert setting.own_choice == (None if setting.source is Source.USER else own_choice)
        assert setting.own_choice is None or setting.own_choice != setting.value


@given(LEVELS, st.booleans())
def test_what_one_chose_is_known(levels: SettingsLevels, direct_messages: bool):
    """The member's own choice is told, whether it is in effect, overruled or not allowed."""
    settings = resolve_settings(levels, 2, direct_messages=direct_messages)
    for name in ("delivery", "spoiler", "quiet"):
        own_choice = None if levels.user is None else getattr(levels.user, name)
        assert getattr(settings, name).chosen == own_choice


@given(LEVELS)
def test_the_channel_goes_before_the_server(levels: SettingsLevels):
    """A channel's choice overrides the server's, for each setting separately."""
    alone = resolve_settings(SettingsLevels(channel=levels.channel), 2)
    both = resolve_settings(replace(levels, user=None), 2)
    for name in ("delivery", "spoiler", "quiet"):
        if levels.channel is not None and getattr(levels.channel, name) is not None:
            assert getattr(both, name) == getattr(alone, name)


@given(LEVELS)
def test_where_the_owner_forbids_it_nobody_is_written_to(levels: SettingsLevels):
    """If the owner forbids direct messages, no level can choose them."""
    settings = resolve_settings(levels, 2, direct_messages=False)
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
    """A member may make their pictures more private, but not more public."""
    levels = SettingsLevels(channel=choices(moderators), user=choices(own))
    assert resolve_settings(levels, 2).delivery.value is holds


def test_a_spoiler_of_moderators_stays():
    """A member can add a spoiler, but cannot remove one set for the channel or server."""
    hidden = resolve_settings(
        SettingsLevels(channel=choices(spoiler=True), user=choices(spoiler=False)), 2
    )
    assert hidden.spoiler == EffectiveSetting(True, Source.CHANNEL, own_choice=False)
    own = resolve_settings(
        SettingsLevels(channel=choices(spoiler=False), user=choices(spoiler=True)), 2
    )
    assert own.spoiler == EffectiveSetting(True, Source.USER)


def test_previews_are_a_persons_own_affair():
    """A member's choice of previews overrides all others."""
    for moderators, own in itertools.product((None, False, True), (False, True)):
        levels = SettingsLevels(server=choices(quiet=moderators), user=choices(quiet=own))
        assert resolve_settings(levels, 2).quiet == EffectiveSetting(own, Source.USER)


async def test_what_is_set_holds_and_can_be_taken_back(preferences: DeliverySettingsService):
    """A choice applies from the next request on, until it is removed."""
    await preferences.set_own(
        ALICE, SettingChanges(SettingChange(THREAD), SettingChange(True), SettingChange(True))
    )
    assert await preferences.of(ALICE) == EffectiveSettings(THREAD, True, True)
    assert await preferences.of(ADMIN) == EffectiveSettings()
    outcome = await preferences.set_own(ALICE, SettingChanges(delivery=SettingChange(None)))
    assert isinstance(outcome, SettingsOverview) and outcome.delivery == EffectiveSetting(
        CHANNEL, Source.DEFAULT
    )
    assert await preferences.of(ALICE) == EffectiveSettings(CHANNEL, True, True)


async def test_nothing_to_change_changes_nothing(preferences: DeliverySettingsService):
    """Without a change, the settings in effect are returned."""
    assert await preferences.set_own(ALICE, SettingChanges()) == await preferences.overview(ALICE)
    assert await preferences.set_server(ADMIN, SettingChanges()) == SettingsScope(None)
    assert await preferences.set_channel(ADMIN, SettingChanges()) == SettingsScope(2)


async def test_in_a_thread_its_channel_counts(preferences: DeliverySettingsService):
    """A channel's settings apply in its threads, and a request made in a thread stays there."""
    inside = replace(ALICE, channel_id=55, parent_id=2)
    await preferences.set_channel(ADMIN, SettingChanges(SettingChange(THREAD), SettingChange(True)))
    assert await preferences.of(ALICE) == EffectiveSettings(THREAD, True)
    assert await preferences.of(inside) == EffectiveSettings(CHANNEL, True)
    await preferences.set_own(ALICE, SettingChanges(SettingChange(DIRECT)))
    assert (await preferences.of(inside)).delivery is DIRECT
    in_thread = replace(ADMIN, channel_id=55, parent_id=2)
    assert await preferences.set_channel(in_thread, SettingChanges()) == SettingsScope(
        2, THREAD, True
    )


async def test_another_channel_can_be_named(preferences: DeliverySettingsService):
    """An admin sets a channel from anywhere on its server."""
    level = await preferences.set_channel(ADMIN, SettingChanges(spoiler=SettingChange(True)), 77)
    assert level == SettingsScope(77, spoiler=True)
    assert (await preferences.of(replace(ALICE, channel_id=77))).spoiler
    assert not (await preferences.of(ALICE)).spoiler


@pytest.mark.parametrize("moderator", [False, True])
async def test_members_set_nothing_for_others(
    preferences: DeliverySettingsService, moderator: bool
):
    """Members, and moderators who do not manage the server, cannot change shared settings."""
    actor = replace(ALICE, manages_messages=moderator)
    refused = Refused(NotAllowed(Action.SET_SETTINGS))
    changes = SettingChanges(SettingChange(DIRECT), SettingChange(True))
    assert await preferences.set_server(actor, changes) == refused
    assert await preferences.set_channel(actor, changes) == refused
    assert await preferences.set_channel(actor, SettingChanges()) == refused
    assert await preferences.of(actor) == EffectiveSettings()


async def test_servers_do_not_know_each_other(preferences: DeliverySettingsService):
    """Settings of a member or an admin apply on that server alone."""
    await preferences.set_own(ALICE, SettingChanges(SettingChange(DIRECT)))
    await preferences.set_server(ADMIN, SettingChanges(spoiler=SettingChange(True)))
    assert await preferences.of(replace(ALICE, guild_id=8)) == EffectiveSettings()
