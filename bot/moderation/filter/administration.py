"""What admins do with their server's filter: change, read, try, export and import its rules."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from weakref import WeakValueDictionary

import structlog

from bot.accounts.permissions import Action, Actor, Permissions
from bot.moderation.filter.folding import fold
from bot.moderation.filter.matcher import Matcher
from bot.moderation.filter.patterns import PatternKind, read_regex, read_words
from bot.moderation.filter.prompt_filter import CompiledFilters, concerns
from bot.moderation.filter.transfer import ImportedWords, read_file, write_rules
from bot.request.outcomes import NotAllowed, Refused, StorageUnavailable
from bot.request.reasons.filters import (
    BadRuleName,
    FilterFileRefused,
    FilterFileTooLarge,
    FilterReason,
    NothingToFilter,
    PatternRefused,
    PatternsTooLarge,
    TooManyPatterns,
    TooManyRules,
    UnknownPattern,
    UnknownRule,
)
from storage.errors import StorageError
from storage.filters import FilterAction, FilterRule, Filters, ServerFilter

log = structlog.get_logger(__name__)

MAX_PATTERNS: Final = 2000
"""Of a server, in all rules: twice as many as `make bench-filter` measures with; chosen by hand."""
_MOST_TYPED: Final = 2 * MAX_PATTERNS
"""Of a server's and a file's patterns together; beyond it, nobody looks which ones are the same."""
MAX_RULES: Final = 25
"""As many as Discord suggests for one option."""
MAX_NAME_CHARS: Final = 32
MAX_FILE_KIB: Final = 512
"""MAX_PATTERNS regular expressions of the greatest length, in ASCII."""
USUAL_RULE: Final = "main"
"""The rule that is meant where none is named."""
_SEPARATOR: Final = re.compile(r"[,，、;；\n]+")

T = TypeVar("T")
Typed = tuple[tuple[PatternKind, str, int], ...]
"""Patterns with the lines of the file that they are from, 0 without one."""


@dataclass(frozen=True, slots=True)
class RuleChanged:
    """A rule as it is now, or (deleted) was. changed: patterns that were added or removed."""

    rule: FilterRule
    changed: int = 0
    unchanged: int = 0
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class FilterImported:
    """All rules of the server were replaced by these. before: the file that brings them back."""

    rules: tuple[FilterRule, ...]
    before: str


@dataclass(frozen=True, slots=True)
class TestedRule:
    """A rule that finds something. concerns: it holds for whoever tried it, where they are."""

    rule: FilterRule
    patterns: tuple[str, ...]
    concerns: bool


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Changes of a rule; None leaves a setting as it is.

    role, channel: added to those that it does not concern, or taken out where they are among them.
    """

    action: FilterAction | None = None
    everywhere: bool | None = None
    role: int | None = None
    channel: int | None = None


class FilterAdministration:
    """Checks permissions first. Every change holds for the next request, or nothing is changed."""

    def __init__(
        self, filters: Filters, compiled: CompiledFilters, permissions: Permissions
    ) -> None:
        self._filters = filters
        self._compiled = compiled
        self._permissions = permissions
        # Changes are made of what is there. A lock exists as long as somebody holds it.
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def refusal(self, actor: Actor) -> Refused | None:
        """Return why the actor may not do any of this; None if they may."""
        allowed = self._permissions.allows(actor, Action.SET_FILTER)
        return None if allowed else Refused(NotAllowed(Action.SET_FILTER))

    async def rules(self, actor: Actor) -> ServerFilter | Refused:
        """Return what is filtered on the actor's server."""

        async def read() -> ServerFilter | Refused:
            return await self._filters.of(actor.guild_id)

        return await self._ordered(actor, read)

    async def add(
        self, actor: Actor, name: str | None, words: str = "", regex: str = "", allowed: str = ""
    ) -> RuleChanged | Refused:
        """Add patterns to a rule, which is made if there is none of this name.

        words, allowed: several, with commas between them.
        """
        typed = _typed(words, regex, allowed)
        return await self._guarded(actor, lambda: self._add(actor, name, typed))

    async def remove(
        self, actor: Actor, name: str | None, words: str = "", regex: str = "", allowed: str = ""
    ) -> RuleChanged | Refused:
        """Remove patterns from a rule, or (no patterns, but its name) the whole rule."""
        typed = _typed(words, regex, allowed)
        return await self._guarded(actor, lambda: self._remove(actor, name, typed))

    async def set(
        self, actor: Actor, name: str | None, settings: RuleSettings, tells: bool | None
    ) -> RuleChanged | ServerFilter | Refused:
        """Change what a rule does, for whom and where; tells: as `ServerFilter`, for all rules.

        Returns the rule, or all that is filtered if only `tells` was given.
        """

        async def change() -> RuleChanged | ServerFilter | Refused:
            server = await self._filters.of(actor.guild_id)
            wanted = settings != RuleSettings()
            rule = _find(server, name)
            if wanted and isinstance(rule, UnknownRule):
                return Refused(rule)
            if tells is not None:
                await self._filters.tell(actor.guild_id, tells, actor.user_id)
            if not wanted or isinstance(rule, UnknownRule):
                return await self._filters.of(actor.guild_id)
            changed = _changed(rule, settings)
            return RuleChanged(await self._filters.save(actor.guild_id, changed, actor.user_id))

        return await self._guarded(actor, change)

    async def test(self, actor: Actor, text: str) -> tuple[TestedRule, ...] | Refused:
        """Return what the rules find in a text, also those that do not concern the actor here."""

        async def search() -> tuple[TestedRule, ...] | Refused:
            filter_ = await self._compiled.of(actor.guild_id)
            matches = await asyncio.to_thread(filter_.matcher.matches, text)
            found: list[TestedRule] = []
            for rule in filter_.stored.rules:
                patterns = tuple(each.pattern for each in matches if each.rule_id == rule.id)
                if patterns:
                    found.append(TestedRule(rule, patterns, concerns(rule, actor)))
            return tuple(found)

        return await self._ordered(actor, search)

    async def export(self, actor: Actor) -> str | Refused:
        """Return all rules as a file."""
        server = await self.rules(actor)
        return server if isinstance(server, Refused) else write_rules(server.rules)

    async def import_(
        self, actor: Actor, name: str | None, data: bytes
    ) -> FilterImported | RuleChanged | Refused:
        """Replace all rules by those of a file, or add a list of words to one rule."""
        if len(data) > MAX_FILE_KIB * 1024:
            return self.refusal(actor) or Refused(FilterFileTooLarge(MAX_FILE_KIB))
        found = await asyncio.to_thread(read_file, data)
        if isinstance(found, ImportedWords):
            typed = tuple((PatternKind.WORD, word, line) for line, word in found.words)
            return await self._guarded(actor, lambda: self._add(actor, name, typed))
        if isinstance(found, FilterFileRefused):
            return self.refusal(actor) or Refused(found)
        return await self._guarded(actor, lambda: self._replace(actor, found.rules))

    async def matching(self, actor: Actor, typed: str) -> tuple[str, ...]:
        """Return the names of the rules that have the typed text, for suggestions."""
        server = await self.rules(actor)
        if isinstance(server, Refused):
            return ()
        return tuple(each.name for each in server.rules if fold(typed) in each.lookup)

    async def _guarded(self, actor: Actor, act: Callable[[], Awaitable[T]]) -> T | Refused:
        """Do something that only admins may, one after the other on each server."""
        outcome = await self._ordered(actor, act)
        if isinstance(outcome, RuleChanged | FilterImported | ServerFilter):
            self._compiled.forget(actor.guild_id)
        return outcome

    async def _ordered(self, actor: Actor, act: Callable[[], Awaitable[T]]) -> T | Refused:
        if (refused := self.refusal(actor)) is not None:
            return refused
        async with self._locks.setdefault(actor.guild_id, asyncio.Lock()):
            try:
                return await act()
            except StorageError as error:
                log.warning("filter not read or changed", detail=str(error))
                self._compiled.forget(actor.guild_id)  # a COMMIT may have failed half-way
                return Refused(StorageUnavailable())

    async def _add(self, actor: Actor, name: str | None, typed: Typed) -> RuleChanged | Refused:
        server = await self._filters.of(actor.guild_id)
        rule = _find(server, name)
        if isinstance(rule, UnknownRule):
            rule = _new_rule(name)
        if isinstance(rule, BadRuleName):
            return Refused(rule)
        if not typed:
            return Refused(NothingToFilter())
        if (most := server.patterns + len(typed)) > _MOST_TYPED:
            return Refused(TooManyPatterns(most, MAX_PATTERNS))
        others = [each for each in server.rules if each.lookup != rule.lookup]
        changed, problem = await asyncio.to_thread(_added, others, rule, typed)
        if problem is not None:
            return Refused(problem)
        saved = await self._filters.save(actor.guild_id, changed, actor.user_id)
        added = saved.patterns - rule.patterns
        return RuleChanged(saved, added, len(typed) - added)

    async def _remove(self, actor: Actor, name: str | None, typed: Typed) -> RuleChanged | Refused:
        server = await self._filters.of(actor.guild_id)
        rule = _find(server, name)
        if isinstance(rule, UnknownRule):
            return Refused(rule)
        if not typed and name is None:
            return Refused(NothingToFilter())
        if not typed:
            await self._filters.remove(actor.guild_id, rule.id)
            return RuleChanged(rule, rule.patterns, deleted=True)
        changed = rule
        for kind, pattern, _ in typed:
            field, wanted = _FIELDS[kind], _same(kind, pattern)
            left = tuple(each for each in getattr(changed, field) if _same(kind, each) != wanted)
            if left == getattr(changed, field):
                return Refused(UnknownPattern(pattern))
            changed = replace(changed, **{field: left})
        saved = await self._filters.save(actor.guild_id, changed, actor.user_id)
        return RuleChanged(saved, rule.patterns - saved.patterns)

    async def _replace(
        self, actor: Actor, rules: tuple[FilterRule, ...]
    ) -> FilterImported | Refused:
        before = write_rules((await self._filters.of(actor.guild_id)).rules)
        problem = await asyncio.to_thread(_problem, rules, {})
        if problem is not None:
            return Refused(problem)
        await self._filters.replace(actor.guild_id, rules, actor.user_id)
        return FilterImported(rules, before)


_FIELDS: Final = {
    PatternKind.WORD: "words",
    PatternKind.REGEX: "regexes",
    PatternKind.ALLOWED: "allowed",
}


def _typed(words: str, regex: str, allowed: str) -> Typed:
    """Return what the options of a command name."""
    words, regex, allowed = map(_whole, (words, regex, allowed))
    named: list[tuple[PatternKind, str, int]] = []
    for kind, text in ((PatternKind.WORD, words), (PatternKind.ALLOWED, allowed)):
        named += ((kind, each.strip(), 0) for each in _SEPARATOR.split(text) if each.strip())
    if regex.strip():
        named.append((PatternKind.REGEX, regex.strip(), 0))
    return tuple(named)


def _whole(text: str) -> str:
    """Return a text without halves of characters, which could not be stored."""
    return text.encode(errors="ignore").decode()


def _added(
    others: Iterable[FilterRule], rule: FilterRule, typed: Typed
) -> tuple[FilterRule, FilterReason | None]:
    """Return a rule with more patterns, and why the server cannot have it (blocking)."""
    patterns = {kind: list(getattr(rule, field)) for kind, field in _FIELDS.items()}
    known = {(kind, _same(kind, each)) for kind, found in patterns.items() for each in found}
    for kind, pattern, _ in typed:
        if (same := (kind, _same(kind, pattern))) not in known:
            known.add(same)
            patterns[kind].append(pattern)
    changed = replace(rule, **{_FIELDS[kind]: tuple(found) for kind, found in patterns.items()})
    lines = {(kind, pattern): line for kind, pattern, line in typed}
    return changed, _problem([*others, changed], lines)


def _same(kind: PatternKind, pattern: str) -> str:
    """Return what two patterns have in common that find the same."""
    return pattern.strip() if kind is PatternKind.REGEX else fold(pattern)


def _find(server: ServerFilter, name: str | None) -> FilterRule | UnknownRule:
    """Return the rule of a name; without one, the only rule or the usual one."""
    if name is None and len(server.rules) == 1:
        return server.rules[0]
    wanted = fold(USUAL_RULE if name is None else name)
    found = next((each for each in server.rules if each.lookup == wanted), None)
    return found or UnknownRule(
        USUAL_RULE if name is None else name, tuple(each.name for each in server.rules)
    )


def _new_rule(name: str | None) -> FilterRule | BadRuleName:
    shown = " ".join((USUAL_RULE if name is None else name).split())
    return FilterRule(0, shown, fold(shown)) if _is_name(shown) else BadRuleName(MAX_NAME_CHARS)


def _is_name(name: str) -> bool:
    """Return whether a rule can be called so; half of a character cannot be stored."""
    return 1 <= len(name) <= MAX_NAME_CHARS and bool(fold(name)) and name.isprintable()


def _changed(rule: FilterRule, settings: RuleSettings) -> FilterRule:
    """Return a rule with other settings."""
    everywhere = rule.everywhere if settings.everywhere is None else settings.everywhere
    return replace(
        rule,
        action=settings.action or rule.action,
        everywhere=everywhere,
        roles=_toggled(rule.roles, settings.role),
        channels=_toggled(rule.channels, settings.channel),
    )


def _toggled(ids: tuple[int, ...], one: int | None) -> tuple[int, ...]:
    if one is None:
        return ids
    return tuple(each for each in ids if each != one) if one in ids else (*ids, one)


def _problem(
    rules: Iterable[FilterRule], lines: dict[tuple[PatternKind, str], int]
) -> FilterReason | None:
    """Return why a server cannot have these rules (blocking). lines: of patterns from a file."""
    rules = tuple(rules)
    if len(rules) > MAX_RULES:
        return TooManyRules(MAX_RULES)
    if (patterns := sum(each.patterns for each in rules)) > MAX_PATTERNS:
        return TooManyPatterns(patterns, MAX_PATTERNS)
    for rule in rules:
        if not _is_name(rule.name):
            return BadRuleName(MAX_NAME_CHARS)
        for kind, field in _FIELDS.items():
            for pattern in getattr(rule, field):
                read = read_regex(pattern) if kind is PatternKind.REGEX else read_words(pattern)
                if isinstance(read, PatternRefused):
                    return replace(read, line=lines.get((kind, pattern), 0))
    return None if Matcher(rules).fits else PatternsTooLarge()
