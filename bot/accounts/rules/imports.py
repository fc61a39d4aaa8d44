"""Rules from a file in place of all that a server has, after a question about what changes."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Final

from bot.accounts.permissions import Actor
from bot.accounts.rules.administration import (
    MAX_RULES,
    Existing,
    OutOfReach,
    RuleAdministration,
)
from bot.accounts.rules.books import readable
from bot.accounts.rules.decision import Rule
from bot.accounts.rules.transfer import Names, read, write
from bot.request.outcomes import ProposalClosed, Refused
from bot.request.reasons.rules import (
    NothingImported,
    RulesChangedMeanwhile,
    RulesFileRefused,
    RulesFileTooLarge,
    SubjectsDeleted,
    TooManyAccessRules,
)
from storage.access_rules import RuleScope, RuleSubject, ServerAccess
from storage.errors import IllegalTransition, UnknownRow
from storage.proposals import Proposals, ProposalState
from storage.types import Place

MAX_FILE_KIB: Final = 1024
"""MAX_RULES rules with the longest lists that admins write fit well. Chosen by hand."""
_FILE: Final = "rules_file"
_BEFORE: Final = "rules_before"


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """What an import changes. changed: each rule as it is, and as it would be."""

    added: tuple[Rule, ...]
    changed: tuple[tuple[Rule, Rule], ...]
    removed: tuple[Rule, ...]
    roles_added: tuple[int, ...]
    roles_removed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ImportQuestion:
    """What would change; the buttons carry the question's id."""

    id: int
    difference: RuleDifference


@dataclass(frozen=True, slots=True)
class RulesImported:
    """The rules are those of the file now: so many of them."""

    rules: int


class RuleImports:
    """Asks back before anything changes. Questions live in the database for an hour, and only the
    admin who asked answers them."""

    def __init__(self, administration: RuleAdministration, proposals: Proposals) -> None:
        self._administration = administration
        self._proposals = proposals

    async def ask(
        self, actor: Actor, data: bytes, existing: Existing | None, out_of_reach: OutOfReach
    ) -> ImportQuestion | Refused:
        """Return what a file would change, or why it cannot be imported.

        existing: None if Discord does not say what the server has, which is then not checked.
        """
        if (refused := self._administration.refusal(actor)) is not None:
            return refused
        if len(data) > MAX_FILE_KIB * 1024:
            return Refused(RulesFileTooLarge(MAX_FILE_KIB))
        found = await asyncio.to_thread(read, data)
        if isinstance(found, RulesFileRefused):
            return Refused(found)
        after, names = found

        async def question() -> ImportQuestion | Refused:
            before = await self._administration.access_of(actor)
            refused = _problem(after, names, existing)
            refused = refused or await self._administration.change_refusal(
                actor, before, after, out_of_reach
            )
            if refused is not None:
                return refused
            if after == before:
                return Refused(NothingImported())
            stored = {_FILE: write(after, names.get), _BEFORE: _fingerprint(before)}
            place = Place(actor.guild_id, actor.channel_id, actor.user_id)
            asked = await self._proposals.ask(place, json.dumps(stored))
            return ImportQuestion(asked.id, difference(before, after))

        return await self._administration.ordered(actor, question)

    async def accept(
        self,
        actor: Actor,
        question_id: int,
        existing: Existing | None,
        out_of_reach: OutOfReach,
    ) -> RulesImported | Refused:
        """Put the rules of the file in place of all others, at once, or change nothing.

        Everything is checked again: roles or the rules themselves may have changed.
        """

        async def replace_all() -> RulesImported | Refused:
            stored = await self._open(actor, question_id)
            if isinstance(stored, Refused):
                return stored
            found = await asyncio.to_thread(read, str(stored[_FILE]).encode())
            if isinstance(found, RulesFileRefused):
                return Refused(found)
            after, names = found
            before = await self._administration.access_of(actor)
            if _fingerprint(before) != stored[_BEFORE]:
                return Refused(RulesChangedMeanwhile())
            refused = _problem(after, names, existing)
            refused = refused or await self._administration.change_refusal(
                actor, before, after, out_of_reach
            )
            if refused is not None:
                return refused
            try:
                await self._proposals.decline(question_id)  # it has been answered
            except (IllegalTransition, UnknownRow):
                return Refused(ProposalClosed(answered=True))
            if not await self._administration.replaced(actor, before, after):
                return Refused(RulesChangedMeanwhile())
            return RulesImported(len(after.rules))

        return await self._administration.ordered(actor, replace_all)

    async def _open(self, actor: Actor, question_id: int) -> dict[str, object] | Refused:
        question = await self._proposals.get(question_id)
        if question is None or question.state is not ProposalState.OPEN:
            return Refused(ProposalClosed(answered=question is not None))
        stored = json.loads(question.batch)
        own = (question.place.user_id, question.place.guild_id) == (actor.user_id, actor.guild_id)
        if not own or not {_FILE, _BEFORE} <= stored.keys():
            return Refused(ProposalClosed(answered=False))
        return stored


def difference(before: ServerAccess, after: ServerAccess) -> RuleDifference:
    """Return what makes the rules of `before` those of `after`. Pure."""
    old = {(each.subject, each.kind): each for each in readable(before.rules)}
    new = {(each.subject, each.kind): each for each in readable(after.rules)}
    both = [key for key in new if key in old and new[key] != old[key]]
    return RuleDifference(
        tuple(new[key] for key in new if key not in old),
        tuple((old[key], new[key]) for key in both),
        tuple(old[key] for key in old if key not in new),
        tuple(sorted(after.admin_roles - before.admin_roles)),
        tuple(sorted(before.admin_roles - after.admin_roles)),
    )


def _problem(after: ServerAccess, names: Names, existing: Existing | None) -> Refused | None:
    """Return why these rules cannot be those of the server."""
    if len(after.rules) > MAX_RULES:
        return Refused(TooManyAccessRules(MAX_RULES))
    if existing is None:
        return None
    roles = {RuleSubject(RuleScope.ROLE, each) for each in after.admin_roles}
    subjects = {each.subject for each in after.rules} | roles
    gone = sorted((each for each in subjects if not existing.has(each)), key=lambda one: one.id)
    if not gone:
        return None
    by_scope = {
        scope: tuple(names.get(each) or str(each.id) for each in gone if each.scope is scope)
        for scope in RuleScope
    }
    return Refused(SubjectsDeleted(by_scope[RuleScope.ROLE], by_scope[RuleScope.CHANNEL]))


def _fingerprint(access: ServerAccess) -> str:
    """Return what differs where anything that is decided does."""
    return hashlib.sha256(write(access, lambda _subject: None).encode()).hexdigest()
