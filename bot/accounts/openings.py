"""What admins open on their server or in a channel, of all that the owner of the bot offers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from bot.accounts.permissions import Action, Actor, PermissionLevel, Permissions
from bot.accounts.rules.books import RuleBooks, facts_of
from bot.accounts.rules.decision import Decision
from bot.request.outcomes import NotAllowed, Refused, StorageUnavailable
from storage.access_rules import RuleKind, RuleScope, RuleSubject
from storage.errors import StorageError
from storage.open_names import OpenNames

log = structlog.get_logger(__name__)

_ALL: Final = "all"
_NO_NAMES: Final = (_ALL, "none", "")


@dataclass(frozen=True, slots=True)
class Opened:
    """What admins opened on a server, or (channel_id) in one of its channels.

    names: None for all that the owner offers. as_server: the channel has no list of its own.
    """

    names: frozenset[str] | None
    channel_id: int | None = None
    as_server: bool = False


class Openings:
    """Reads and changes what is open. read_limit_s: how long the database may take to say it.

    rules: a rule of this kind comes before what is open on the same level, the channel's or the
    server's; None if there are none.
    """

    def __init__(
        self,
        stored: OpenNames,
        permissions: Permissions,
        read_limit_s: float,
        kind: RuleKind,
        rules: RuleBooks | None = None,
    ) -> None:
        self._stored = stored
        self._permissions = permissions
        self._read_limit_s = read_limit_s
        self._kind = kind
        self._rules = rules

    async def here(self, actor: Actor) -> frozenset[str] | Refused | None:
        """Return the names that admins opened where the actor is.

        None for all, and for owners of the bot. Refused while the database cannot be read.
        """
        if self._permissions.level(actor) is PermissionLevel.OWNER:
            return None
        try:
            async with asyncio.timeout(self._read_limit_s):
                decision = await self._decision(actor)
                if decision is not None:
                    return _names(decision)
                return await self._stored.of(actor.guild_id, _channels(actor))
        except (StorageError, TimeoutError) as error:
            log.warning("what is open is not known", detail=str(error) or type(error).__name__)
            return Refused(StorageUnavailable())

    async def rule_here(self, actor: Actor) -> RuleSubject | None:
        """Return whose rule says what is open where the actor is; None if none does."""
        try:
            async with asyncio.timeout(self._read_limit_s):
                decision = await self._decision(actor)
        except (StorageError, TimeoutError):
            return None
        return None if decision is None else decision.subject

    async def _decision(self, actor: Actor) -> Decision | None:
        """Return the rule that decides here, unless the channel has a list and no rule for it."""
        if self._rules is None:
            return None
        decision = (await self._rules.of(actor.guild_id)).decide(facts_of(actor), self._kind)
        if decision is None or decision.subject.scope in (RuleScope.USER, RuleScope.CHANNEL):
            return decision
        for channel_id in _channels(actor):
            if await self._stored.has_own(actor.guild_id, channel_id):
                return None
        return decision

    async def choose(
        self,
        actor: Actor,
        names: str | None,
        channel_id: int | None,
        read: Callable[[str], tuple[str, ...] | Refused],
    ) -> Opened | Refused:
        """Open these on the actor's server, or (channel_id) in one of its channels.

        names: as they are typed, with commas; "none" for none; "all" for whatever the owner offers,
        in a channel for what is open on the server; None to change nothing. read: returns the names
        that are meant; called on another thread, and not for those two words. Returns what is open
        there then.
        """
        if not self._permissions.allows(actor, Action.SET_SETTINGS):
            return Refused(NotAllowed(Action.SET_SETTINGS))
        word = (names or "").strip().casefold()
        chosen = () if word in _NO_NAMES else await asyncio.to_thread(read, names or "")
        if isinstance(chosen, Refused):
            return chosen
        guild_id = actor.guild_id
        try:
            if word == _ALL:
                await self._stored.clear(guild_id, channel_id)
            elif names is not None:
                await self._stored.open(guild_id, channel_id, chosen, actor.user_id)
            if channel_id is None:
                return Opened(await self._stored.of(guild_id))
            return Opened(
                await self._stored.of(guild_id, (channel_id,)),
                channel_id,
                as_server=not await self._stored.has_own(guild_id, channel_id),
            )
        except StorageError as error:
            log.warning("what is open was not stored", detail=str(error))
            return Refused(StorageUnavailable())


def _channels(actor: Actor) -> list[int]:
    return [actor.channel_id, *([actor.parent_id] if actor.parent_id is not None else [])]


def _names(decision: Decision) -> frozenset[str] | None:
    value = decision.value
    return frozenset(map(str, value)) if isinstance(value, tuple) else None
