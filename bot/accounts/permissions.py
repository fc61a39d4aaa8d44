"""Permissions: the level that each action requires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class PermissionLevel(IntEnum):
    """Levels of permission; each includes the ones below it."""

    MEMBER = 0
    MODERATOR = 1
    ADMIN = 2
    OWNER = 3


class Action(StrEnum):
    """Actions that require a permission."""

    DELETE_OWN = "delete one's own picture"
    DELETE_ANY = "delete anyone's picture"
    CANCEL_ANY = "cancel anyone's job"
    SEE_ANY_QUOTA = "see anyone's quota"
    SET_QUOTA = "set quotas"
    JUDGE = "see and decide reports"
    BLOCK = "block people from painting"
    SET_LOG = "choose where a server's events are posted"
    SET_FILTER = "change what is filtered out of prompts"
    SET_RULES = "decide who may paint where, and who may decide it"
    SET_OWN_SETTINGS = "set how one's own pictures are delivered"
    ERASE_ANY = "erase anyone's data of a server"
    SEE_SERVER = "see how a server is doing"
    SEE_AUDIT = "see what admins did"
    PAUSE = "pause a server"
    SET_SETTINGS = "set how a server's or a channel's pictures are delivered"


REQUIRED_LEVEL: dict[Action, PermissionLevel] = {
    Action.DELETE_OWN: PermissionLevel.MEMBER,
    Action.DELETE_ANY: PermissionLevel.MODERATOR,
    Action.CANCEL_ANY: PermissionLevel.ADMIN,
    Action.SEE_ANY_QUOTA: PermissionLevel.ADMIN,
    Action.SET_QUOTA: PermissionLevel.ADMIN,
    Action.JUDGE: PermissionLevel.MODERATOR,
    Action.BLOCK: PermissionLevel.MODERATOR,
    Action.SET_LOG: PermissionLevel.ADMIN,
    Action.SET_FILTER: PermissionLevel.ADMIN,
    Action.SET_RULES: PermissionLevel.ADMIN,
    Action.SET_OWN_SETTINGS: PermissionLevel.MEMBER,
    Action.ERASE_ANY: PermissionLevel.ADMIN,
    Action.SEE_SERVER: PermissionLevel.ADMIN,
    Action.SEE_AUDIT: PermissionLevel.ADMIN,
    Action.PAUSE: PermissionLevel.ADMIN,
    Action.SET_SETTINGS: PermissionLevel.ADMIN,
}


@dataclass(frozen=True, slots=True)
class Actor:
    """A server member, with their Discord permissions in the current channel.

    locale: the language of messages for everybody in the channel. own_locale: the language of
    messages for them alone, "" = unknown. reply_token: identifies the response to their command for
    some minutes. upload_limit_bytes: the largest file that Discord accepts there, None = unknown.
    parent_id: the parent channel of the thread that they are in, None = not in a thread.
    category_id: of the channel, None = in none, or unknown. direct:
    they are in their direct messages with the bot; channel_id is that channel. role_ids: their
    roles on the server, as far as they are known. age_restricted: Discord marks the channel so, or
    the parent channel of the thread.
    """

    user_id: int
    guild_id: int
    channel_id: int
    locale: str = "en-US"
    manages_messages: bool = False
    manages_server: bool = False
    upload_limit_bytes: int | None = None
    reply_token: str | None = field(default=None, repr=False)
    own_locale: str = ""

    def locale_for(self, *, private: bool) -> str:
        """Return the language of a response. private: only they can see it."""
        return self.own_locale or self.locale if private else self.locale

    parent_id: int | None = None
    direct: bool = False
    role_ids: frozenset[int] = frozenset()
    age_restricted: bool = False
    category_id: int | None = None


def no_roles(guild_id: int) -> frozenset[int]:
    """No server has such roles."""
    return frozenset()


class Permissions:
    """Decides what actors may do.

    owners: returns the user ids from the bot's configuration. admin_roles: returns the roles of a
    server that may do what Manage Server may.
    """

    def __init__(
        self,
        owners: Callable[[], frozenset[int]] = frozenset,
        admin_roles: Callable[[int], frozenset[int]] = no_roles,
    ) -> None:
        self._owners = owners
        self._admin_roles = admin_roles

    @property
    def owners(self) -> frozenset[int]:
        """The user ids of the bot's owners whom its configuration names."""
        return self._owners()

    def with_admin_roles(self, roles: frozenset[int]) -> Permissions:
        """Return what would be decided if these roles could do what Manage Server may."""
        return Permissions(self._owners, lambda _guild_id: roles)

    def level(self, actor: Actor) -> PermissionLevel:
        """Return the highest level that the actor has here."""
        if actor.user_id in self.owners:
            return PermissionLevel.OWNER
        if actor.manages_server or self._has_admin_role(actor):
            return PermissionLevel.ADMIN
        return PermissionLevel.MODERATOR if actor.manages_messages else PermissionLevel.MEMBER

    def _has_admin_role(self, actor: Actor) -> bool:
        """Return whether a role makes the actor an admin; as any permission, not in direct
        messages."""
        if actor.direct:
            return False
        return not actor.role_ids.isdisjoint(self._admin_roles(actor.guild_id))

    def allows(self, actor: Actor, action: Action) -> bool:
        """Return whether the actor may do this here."""
        return self.level(actor) >= REQUIRED_LEVEL[action]
