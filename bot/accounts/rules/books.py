"""The rules of servers in memory, as they are stored."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Iterable
from functools import partial
from typing import Final

import structlog

from bot.accounts.permissions import Actor
from bot.accounts.rules.decision import MemberFacts, Rule, RuleBook
from bot.accounts.rules.values import from_plain
from storage.access_rules import AccessRules, RuleKind, StoredRule

log = structlog.get_logger(__name__)

BOOKS_KEPT: Final = 1000
"""Servers whose rules stay in memory; with 200 rules each has about 50 KiB. Chosen by hand."""
READ_LIMIT_S: Final = 1.0
"""How long the rules may take to be read. Chosen by hand, as for filters."""


class RuleBooks:
    """Reads the rules of servers, and keeps those that were used last."""

    def __init__(self, stored: AccessRules) -> None:
        self._stored = stored
        self._books: OrderedDict[int, RuleBook] = OrderedDict()
        self._loading: dict[int, asyncio.Task[RuleBook]] = {}

    async def of(self, guild_id: int) -> RuleBook:
        """Return the rules of a server. Raises StorageError, and TimeoutError after a second."""
        if (known := self._books.get(guild_id)) is not None:
            self._books.move_to_end(guild_id)
            return known
        if (loading := self._loading.get(guild_id)) is None:
            loading = asyncio.create_task(self._load(guild_id), name=f"rules-{guild_id}")
            self._loading[guild_id] = loading
            loading.add_done_callback(partial(self._loaded, guild_id))
        async with asyncio.timeout(READ_LIMIT_S):
            return await asyncio.shield(loading)

    def forget(self, guild_id: int) -> None:
        """Read the rules of a server again, because they have changed."""
        self._books.pop(guild_id, None)
        self._loading.pop(guild_id, None)

    async def _load(self, guild_id: int) -> RuleBook:
        return RuleBook(readable((await self._stored.of(guild_id)).rules))

    def _loaded(self, guild_id: int, loading: asyncio.Task[RuleBook]) -> None:
        """Keep what was loaded, unless the rules have changed in the meantime."""
        failed = loading.cancelled() or loading.exception() is not None
        if self._loading.get(guild_id) is not loading:
            return
        del self._loading[guild_id]
        if failed:
            return
        self._books[guild_id] = loading.result()
        while len(self._books) > BOOKS_KEPT:
            self._books.popitem(last=False)


def readable(stored: Iterable[StoredRule]) -> list[Rule]:
    """Return the rules that this version understands."""
    found: list[Rule] = []
    for each in stored:
        try:
            kind = RuleKind(each.kind)
            found.append(Rule(each.subject, kind, from_plain(kind, json.loads(each.value))))
        except ValueError as error:  # another version wrote it
            log.warning("rule not read", kind=each.kind, detail=str(error)[:200])
    return found


def facts_of(actor: Actor) -> MemberFacts:
    """Return what rules decide by. In direct messages no channel's rule holds."""
    channel_id = actor.channel_id if actor.parent_id is None else actor.parent_id
    channels = [channel_id, *([actor.category_id] if actor.category_id is not None else [])]
    return MemberFacts(actor.user_id, actor.role_ids, () if actor.direct else tuple(channels))
