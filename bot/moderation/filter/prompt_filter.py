"""Check prompts by the rules of their server, before anything is charged."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from bot.accounts.permissions import Actor
from bot.jobs.submission import ContentDecision, JobSubmission
from bot.moderation.filter.matcher import Match, Matcher
from bot.moderation.filter.pictures import PictureFilter
from bot.moderation.filter.refusal_log import RefusalLog
from bot.request.outcomes import Refused, StorageUnavailable
from bot.request.reasons.filters import PictureFiltered, PromptFiltered
from engine.types import ImageRequest
from storage.errors import StorageError
from storage.filters import FilterAction, FilterRule, Filters, ServerFilter

log = structlog.get_logger(__name__)

READ_LIMIT_S: Final = 1.0
"""How long the rules may take to be read and compiled. Chosen by hand, as for open LoRAs."""
COMPILED_SERVERS: Final = 32
"""Servers whose patterns stay compiled; with MAX_PATTERNS each has a few MiB. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class CompiledFilter:
    """The rules of a server, with their patterns compiled."""

    stored: ServerFilter
    matcher: Matcher

    def concerning(self, actor: Actor) -> frozenset[int]:
        """Return the ids of the rules that hold for this member where they are."""
        return frozenset(each.id for each in self.stored.rules if concerns(each, actor))

    def found(self, texts: Iterable[str], rule_ids: frozenset[int]) -> list[Match]:
        """Return what these rules find in any of the texts (blocking)."""
        found = dict.fromkeys(
            match for text in dict.fromkeys(texts) if text for match in self.matcher.matches(text)
        )
        return [match for match in found if match.rule_id in rule_ids]

    def acting(self, matches: Iterable[Match], action: FilterAction) -> list[Match]:
        """Return those of rules with this action."""
        ids = {each.id for each in self.stored.rules if each.action is action}
        return [each for each in matches if each.rule_id in ids]


class CompiledFilters:
    """Reads and compiles the rules of servers, and keeps those that were used last."""

    def __init__(self, filters: Filters) -> None:
        self._filters = filters
        self._compiled: OrderedDict[int, CompiledFilter] = OrderedDict()
        self._loading: dict[int, asyncio.Task[CompiledFilter]] = {}

    async def of(self, guild_id: int) -> CompiledFilter:
        """Return the rules of a server. Raises StorageError.

        If the caller stops waiting, they are compiled all the same, for the next one.
        """
        if (known := self._compiled.get(guild_id)) is not None:
            self._compiled.move_to_end(guild_id)
            return known
        if (loading := self._loading.get(guild_id)) is None:
            loading = asyncio.create_task(self._load(guild_id), name=f"filter-{guild_id}")
            self._loading[guild_id] = loading
            loading.add_done_callback(partial(self._loaded, guild_id))
        return await asyncio.shield(loading)

    def forget(self, guild_id: int) -> None:
        """Read the rules of a server again, because they have changed."""
        self._compiled.pop(guild_id, None)
        self._loading.pop(guild_id, None)

    async def _load(self, guild_id: int) -> CompiledFilter:
        stored = await self._filters.of(guild_id)
        matcher = await asyncio.to_thread(Matcher, stored.rules)
        if matcher.unreadable:
            log.warning("patterns left out", server=guild_id, count=matcher.unreadable)
        return CompiledFilter(stored, matcher)

    def _loaded(self, guild_id: int, loading: asyncio.Task[CompiledFilter]) -> None:
        """Keep what was loaded, unless the rules have changed in the meantime."""
        if self._loading.get(guild_id) is not loading:
            return
        del self._loading[guild_id]
        if loading.cancelled() or loading.exception() is not None:
            return
        self._compiled[guild_id] = loading.result()
        while len(self._compiled) > COMPILED_SERVERS:
            self._compiled.popitem(last=False)


class PromptFilter:
    """The filter in the path of a request."""

    def __init__(
        self,
        compiled: CompiledFilters,
        pictures: PictureFilter | None = None,
        refusals: RefusalLog | None = None,
    ) -> None:
        """pictures: None if no list of pictures is looked at. refusals: None if none is logged."""
        self._compiled = compiled
        self._pictures = pictures
        self._refusals = refusals

    async def source_refusal(self, actor: Actor, files: Sequence[bytes]) -> Refused | None:
        """See `ContentCheck`."""
        if self._pictures is None:
            return None
        return await self._noted(actor, await self._pictures.source_refusal(actor, files))

    async def decide(
        self, actor: Actor, submissions: Sequence[JobSubmission]
    ) -> tuple[ContentDecision, ...] | Refused:
        """See `ContentCheck`. All that a model reads is checked, and the prompt as it was typed.

        Refused while the database cannot be read: nothing passes unchecked.
        """
        try:
            async with asyncio.timeout(READ_LIMIT_S):
                filter_ = await self._compiled.of(actor.guild_id)
        except (StorageError, TimeoutError) as error:
            log.warning("what is filtered is not known", detail=str(error) or type(error).__name__)
            return Refused(StorageUnavailable())
        pictures = self._pictures
        refused = None if pictures is None else await pictures.refusal(actor, submissions)
        if refused is not None:
            await self._noted(actor, refused)
            return refused
        if not filter_.stored.rules:
            return tuple(ContentDecision() for _ in submissions)
        requests = [each.resolved.request for each in submissions]
        found = await asyncio.to_thread(_decisions, filter_, actor, requests)
        if not isinstance(found, Match):
            return found
        if self._refusals is not None:
            names = {each.id: each.name for each in filter_.stored.rules}
            data = {"rule": names[found.rule_id], "words": found.pattern}
            await self._refusals.note(actor, "prompt refused", data)
        return Refused(PromptFiltered(found.pattern if filter_.stored.tells else None))

    async def _noted(self, actor: Actor, refused: Refused | None) -> Refused | None:
        """Return a refusal because of pictures, after it was logged."""
        filtered = refused is not None and isinstance(refused.reason, PictureFiltered)
        if filtered and self._refusals is not None:
            await self._refusals.note(actor, "picture refused", {})
        return refused


def concerns(rule: FilterRule, actor: Actor) -> bool:
    """Return whether a rule holds for this member where they are.

    In direct messages it does, whatever the channel was: they are not marked as age-restricted.
    """
    if actor.age_restricted and not rule.everywhere:
        return False
    here = {actor.channel_id, actor.parent_id}
    return actor.role_ids.isdisjoint(rule.roles) and here.isdisjoint(rule.channels)


def texts_of(request: ImageRequest) -> tuple[str, ...]:
    """Return every text of a request that is checked."""
    return (request.prompt, request.effective_prompt, request.negative_prompt)


def decision_on(
    filter_: CompiledFilter, matches: Sequence[Match], exempt: tuple[int, ...] = ()
) -> ContentDecision:
    """Return how something is shown in which these were found, none of which refuses it."""
    return ContentDecision(
        spoiler=bool(filter_.acting(matches, FilterAction.SPOILER)),
        direct=bool(filter_.acting(matches, FilterAction.DIRECT)),
        report=_reason(filter_, filter_.acting(matches, FilterAction.REPORT)),
        exempt=exempt,
        ruled=True,
    )


def _reason(filter_: CompiledFilter, matches: Sequence[Match]) -> str | None:
    """Return what was found and by which rules, for the moderators, in no language."""
    names = {each.id: each.name for each in filter_.stored.rules}
    found: dict[str, list[str]] = {}
    for each in matches:
        found.setdefault(names[each.rule_id], []).append(each.pattern)
    return "; ".join(f"{name}: {', '.join(each)}" for name, each in found.items()) or None


def _decisions(
    filter_: CompiledFilter, actor: Actor, requests: Sequence[ImageRequest]
) -> tuple[ContentDecision, ...] | Match:
    """Return the decisions, or what one of the requests is refused for (blocking)."""
    concerning, found = filter_.concerning(actor), list[ContentDecision]()
    exempt = tuple(each.id for each in filter_.stored.rules if each.id not in concerning)
    for request in requests:
        matches = filter_.found(texts_of(request), concerning)
        if refusing := filter_.acting(matches, FilterAction.REFUSE):
            return refusing[0]
        found.append(decision_on(filter_, matches, exempt))
    return tuple(found)
