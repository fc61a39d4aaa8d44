"""Who may do what: one table of action × level."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Level(IntEnum):
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


NEEDED: dict[Action, Level] = {
    Action.DELETE_OWN: Level.MEMBER,
    Action.DELETE_ANY: Level.MODERATOR,
    Action.CANCEL_ANY: Level.ADMIN,
    Action.SEE_ANY_QUOTA: Level.ADMIN,
    Action.SET_QUOTA: Level.ADMIN,
    Action.JUDGE: Level.MODERATOR,
    Action.BLOCK: Level.MODERATOR,
    Action.SET_REPORTS: Level.ADMIN,
    Action.SET_OWN_SETTINGS: Level.MEMBER,
    Action.SET_SETTINGS: Level.ADMIN,
}


@dataclass(frozen=True, slots=True)
class Person:
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
class Rights:
    """The table, for the owners named in the settings."""

    owners: frozenset[int] = frozenset()

    def level(self, person: Person) -> Level:
        """The highest level that holds for this person here."""
        if person.user_id in self.owners:
            return Level.OWNER
        if person.manages_server:
            return Level.ADMIN
        return Level.MODERATOR if person.manages_messages else Level.MEMBER

    def allows(self, person: Person, action: Action) -> bool:
        """May this person do this here?"""
        return self.level(person) >= NEEDED[action]
