"""Who may do what: one table of action × level."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class PermissionLevel(IntEnum):
    """Each level may do all that the levels below it may."""

    MEMBER = 0
    MODERATOR = 1
    ADMIN = 2
    OWNER = 3


class Action(StrEnum):
    """Everything that not everyone may do everywhere."""

    DELETE_OWN = "delete one's own picture"
    DELETE_ANY = "delete anyone's picture"
    CANCEL_ANY = "cancel anyone's job"
    SEE_ANY_QUOTA = "see anyone's quota"
    SET_QUOTA = "set quotas"
    JUDGE = "see and decide reports"
    BLOCK = "block people from painting"
    SET_REPORTS = "choose the channel of reports"
    SET_OWN_SETTINGS = "set how one's own pictures are delivered"
    SET_SETTINGS = "set how a server's or a channel's pictures are delivered"


REQUIRED_LEVEL: dict[Action, PermissionLevel] = {
    Action.DELETE_OWN: PermissionLevel.MEMBER,
    Action.DELETE_ANY: PermissionLevel.MODERATOR,
    Action.CANCEL_ANY: PermissionLevel.ADMIN,
    Action.SEE_ANY_QUOTA: PermissionLevel.ADMIN,
    Action.SET_QUOTA: PermissionLevel.ADMIN,
    Action.JUDGE: PermissionLevel.MODERATOR,
    Action.BLOCK: PermissionLevel.MODERATOR,
    Action.SET_REPORTS: PermissionLevel.ADMIN,
    Action.SET_OWN_SETTINGS: PermissionLevel.MEMBER,
    Action.SET_SETTINGS: PermissionLevel.ADMIN,
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in a server, with what Discord says they may do in this channel there.

    locale: the language of what everybody in the channel reads. own_locale: that of what they
    alone read, "" = not known.
    reply_token: finds the message that answers their command, for some minutes.
    upload_limit_bytes: the largest file that Discord takes there, None = it did not say.
    parent_id: the channel around the thread that they are in, None = they are in no thread.
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
        """The language of what they asked for. private: for nobody else's eyes."""
        return self.own_locale or self.locale if private else self.locale

    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Permissions:
    """The table, for the owners named in the settings."""

    owners: frozenset[int] = frozenset()

    def level(self, actor: Actor) -> PermissionLevel:
        """The highest level that holds for this person here."""
        if actor.user_id in self.owners:
            return PermissionLevel.OWNER
        if actor.manages_server:
            return PermissionLevel.ADMIN
        return PermissionLevel.MODERATOR if actor.manages_messages else PermissionLevel.MEMBER

    def allows(self, actor: Actor, action: Action) -> bool:
        """May this person do this here?"""
        return self.level(actor) >= REQUIRED_LEVEL[action]
