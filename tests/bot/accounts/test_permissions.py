"""One table says who may do what."""

from __future__ import annotations

import pytest

from bot.accounts.permissions import NEEDED, Action, Level, Person, Rights

MEMBER = Person(1, 1, 1)
MODERATOR = Person(2, 1, 1, manages_messages=True)
ADMIN = Person(3, 1, 1, manages_server=True)
OWNER = Person(4, 1, 1)
RIGHTS = Rights(frozenset({4}))


def test_every_action_has_a_level():
    """No action is left out of the table."""
    assert set(NEEDED) == set(Action)


@pytest.mark.parametrize(
    ("person", "level"),
    [
        (MEMBER, Level.MEMBER),
        (MODERATOR, Level.MODERATOR),
        (ADMIN, Level.ADMIN),
        (OWNER, Level.OWNER),
    ],
)
def test_levels_come_from_discord_and_the_settings(person: Person, level: Level):
    """Manage Messages makes a moderator, Manage Server an admin, the settings an owner."""
    assert RIGHTS.level(person) is level


def test_a_level_includes_those_below():
    """Whoever may do something may do all that is allowed to lower levels."""
    for action in Action:
        allowed = [RIGHTS.allows(who, action) for who in (MEMBER, MODERATOR, ADMIN, OWNER)]
        assert allowed == sorted(allowed)


def test_only_admins_set_quotas_and_only_moderators_delete_for_others():
    """The two rights that other members feel."""
    assert not RIGHTS.allows(MODERATOR, Action.SET_QUOTA)
    assert RIGHTS.allows(ADMIN, Action.SET_QUOTA)
    assert not RIGHTS.allows(MEMBER, Action.DELETE_ANY)
    assert RIGHTS.allows(MODERATOR, Action.DELETE_ANY)
