"""Permission levels and the actions that they allow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.accounts.permissions import REQUIRED_LEVEL, Action, Actor, PermissionLevel, Permissions

MEMBER = Actor(1, 1, 1)
MODERATOR = Actor(2, 1, 1, manages_messages=True)
ADMIN = Actor(3, 1, 1, manages_server=True)
OWNER = Actor(4, 1, 1)
RIGHTS = Permissions(lambda: frozenset({4}))


def test_every_action_has_a_level():
    """Every action has a required level."""
    assert set(REQUIRED_LEVEL) == set(Action)


@pytest.mark.parametrize(
    ("actor", "level"),
    [
        (MEMBER, PermissionLevel.MEMBER),
        (MODERATOR, PermissionLevel.MODERATOR),
        (ADMIN, PermissionLevel.ADMIN),
        (OWNER, PermissionLevel.OWNER),
    ],
)
def test_levels_come_from_discord_and_the_settings(actor: Actor, level: PermissionLevel):
    """Manage Messages makes a moderator, Manage Server an admin, the configuration an owner."""
    assert RIGHTS.level(actor) is level


def test_a_role_makes_an_admin_on_its_server_alone():
    """A role that a server named counts there as Manage Server does, and not in direct messages or
    on another server."""
    rights = Permissions(admin_roles=lambda guild_id: frozenset({5} if guild_id == 1 else ()))
    member = Actor(1, 1, 1, role_ids=frozenset({4, 5}))
    assert rights.level(member) is PermissionLevel.ADMIN
    for other in (
        replace(member, direct=True),
        replace(member, guild_id=2),
        replace(member, role_ids=frozenset({4})),
    ):
        assert rights.level(other) is PermissionLevel.MEMBER


def test_a_level_includes_those_below():
    """Each level allows everything that lower levels allow."""
    for action in Action:
        allowed = [RIGHTS.allows(who, action) for who in (MEMBER, MODERATOR, ADMIN, OWNER)]
        assert allowed == sorted(allowed)


def test_only_admins_set_quotas_and_only_moderators_delete_for_others():
    """Setting quotas needs an admin, and deleting other members' pictures a moderator."""
    assert not RIGHTS.allows(MODERATOR, Action.SET_QUOTA)
    assert RIGHTS.allows(ADMIN, Action.SET_QUOTA)
    assert not RIGHTS.allows(MEMBER, Action.DELETE_ANY)
    assert RIGHTS.allows(MODERATOR, Action.DELETE_ANY)
