"""What admins do with the rules of their server: read, change and explain them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from weakref import WeakValueDictionary

import structlog

from bot.accounts.lora_access import LoraAccess
from bot.accounts.model_access import ModelAccess
from bot.accounts.permissions import Action, Actor, PermissionLevel, Permissions
from bot.accounts.rules.admin_roles import AdminRoles
from bot.accounts.rules.books import RuleBooks, facts_of, readable
from bot.accounts.rules.decision import Decision, MemberFacts, Rule, RuleBook
from bot.accounts.rules.transfer import NameOf, write
from bot.accounts.rules.values import read_typed, to_json
from bot.request.outcomes import NotAllowed, Refused, StorageUnavailable
from bot.request.reasons.rules import (
    HigherRole,
    LocksOut,
    NoSuchRule,
    TooManyAccessRules,
    UnknownRuleKind,
)
from storage.access_rules import (
    AccessRules,
    RuleKind,
    RuleScope,
    RuleSubject,
    ServerAccess,
    StoredRule,
)
from storage.errors import StorageError

log = structlog.get_logger(__name__)

MAX_RULES: Final = 200
"""Of a server: all of them fit into one file and are decided by within 0.1 ms. Chosen by hand."""
OVERRULING_SHOWN: Final = 5

T = TypeVar("T")
OutOfReach = Callable[[Collection[RuleSubject]], Awaitable[RuleSubject | None]]
"""Returns one of these roles and members that is above whoever asks; None if none is."""


@dataclass(frozen=True, slots=True)
class Existing:
    """The roles, and the channels and categories, that a server has."""

    roles: frozenset[int]
    channels: frozenset[int]

    def has(self, subject: RuleSubject) -> bool:
        """Return whether a rule for this subject can ever hold."""
        match subject.scope:
            case RuleScope.ROLE:
                return subject.id in self.roles
            case RuleScope.CHANNEL:
                return subject.id in self.channels
            case _:
                return True


@dataclass(frozen=True, slots=True)
class RuleListing:
    """All rules of a server in their order. removed: those of what was deleted."""

    rules: tuple[Rule, ...]
    admin_roles: tuple[int, ...]
    removed: int = 0


@dataclass(frozen=True, slots=True)
class RuleChanged:
    """A rule that holds from now on. before: the subjects whose rules of this kind come first.

    only_allows: it allows painting, which nothing else forbids.
    """

    rule: Rule
    before: tuple[RuleSubject, ...]
    only_allows: bool = False


@dataclass(frozen=True, slots=True)
class RulesRemoved:
    """These rules hold no more."""

    subject: RuleSubject
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class RuleReasons:
    """What holds for a member in a channel, by kind: every level that says something, the first of
    which decides. pending_limit: of the bot itself, None for
    none. owner: the member owns the bot, and may use every model and LoRA."""

    user_id: int
    channel_id: int
    matching: dict[RuleKind, tuple[Decision, ...]]
    pending_limit: int | None
    owner: bool


@dataclass(frozen=True, slots=True)
class AdminRoleChanged:
    """A role may use /admin from now on, or not any more. roles: all that may."""

    role_id: int
    allowed: bool
    roles: tuple[int, ...]


class RuleAdministration:
    """Checks permissions first. Every change holds for the next request, or nothing is changed."""

    def __init__(
        self,
        stored: AccessRules,
        books: RuleBooks,
        admin_roles: AdminRoles,
        permissions: Permissions,
        *,
        models: ModelAccess,
        loras: LoraAccess,
        pending_limit: Callable[[], int | None],
    ) -> None:
        """pending_limit: returns how many waiting jobs the owner lets one member have."""
        self._stored = stored
        self._books = books
        self._admin_roles = admin_roles
        self._permissions = permissions
        self._models = models
        self._loras = loras
        self._pending_limit = pending_limit
        # Changes are made of what is there. A lock exists as long as somebody holds it.
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def refusal(self, actor: Actor) -> Refused | None:
        """Return why the actor may not do any of this; None if they may."""
        allowed = self._permissions.allows(actor, Action.SET_RULES)
        return None if allowed else Refused(NotAllowed(Action.SET_RULES))

    async def listing(self, actor: Actor, existing: Existing | None) -> RuleListing | Refused:
        """Return all rules. existing: None if Discord does not say.

        Those of roles and channels that were deleted can never hold again: they are removed.
        """

        async def read() -> RuleListing | Refused:
            access, removed = await self._pruned(actor, existing)
            roles = tuple(sorted(access.admin_roles))
            return RuleListing(tuple(readable(access.rules)), roles, removed)

        return await self.ordered(actor, read)

    async def set(
        self, actor: Actor, subject: RuleSubject, what: str, value: str, out_of_reach: OutOfReach
    ) -> RuleChanged | Refused:
        """Give a subject a rule in place of the one of that kind that it had.

        what, value: as they are typed.
        """
        if (refused := self.refusal(actor)) is not None:
            return refused
        kind = kind_of(what)
        if kind is None:
            return Refused(UnknownRuleKind(what))
        read = await asyncio.to_thread(read_typed, kind, value, self._named)
        if isinstance(read, Refused):
            return read
        rule = Rule(subject, kind, read)

        async def change() -> RuleChanged | Refused:
            access = await self._stored.of(actor.guild_id)
            stored = StoredRule(subject, kind, to_json(read))
            others = [each for each in access.rules if not _is(each, subject, kind)]
            after = replace(access, rules=(*others, stored))
            refused = await self.change_refusal(actor, access, after, out_of_reach)
            if refused is not None:
                return refused
            await self._stored.set(actor.guild_id, stored, actor.user_id)
            self._books.forget(actor.guild_id)
            return _changed(rule, readable(others))

        return await self.ordered(actor, change)

    async def remove(
        self, actor: Actor, subject: RuleSubject, what: str | None, out_of_reach: OutOfReach
    ) -> RulesRemoved | Refused:
        """Remove one rule of a subject, or (what is None) all of them."""
        kind = None if what is None else kind_of(what)
        if what is not None and kind is None:
            return self.refusal(actor) or Refused(UnknownRuleKind(what))

        async def change() -> RulesRemoved | Refused:
            access = await self._stored.of(actor.guild_id)
            gone = [
                each
                for each in access.rules
                if each.subject == subject and kind in (None, each.kind)
            ]
            if not gone:
                return Refused(NoSuchRule(subject, kind))
            after = replace(access, rules=tuple(each for each in access.rules if each not in gone))
            refused = await self.change_refusal(actor, access, after, out_of_reach)
            if refused is not None:
                return refused
            await self._stored.remove(actor.guild_id, [(subject, each.kind) for each in gone])
            self._books.forget(actor.guild_id)
            return RulesRemoved(subject, tuple(readable(gone)))

        return await self.ordered(actor, change)

    async def why(self, actor: Actor, member: MemberFacts) -> RuleReasons | Refused:
        """Return which rule decides each thing for a member, and what it comes before."""

        async def read() -> RuleReasons | Refused:
            book = RuleBook(readable((await self._stored.of(actor.guild_id)).rules))
            return RuleReasons(
                member.user_id,
                member.channel_ids[0],
                {kind: book.matching(member, kind) for kind in RuleKind},
                self._pending_limit(),
                member.user_id in self._permissions.owners,
            )

        return await self.ordered(actor, read)

    async def export(
        self, actor: Actor, existing: Existing | None, name_of: NameOf
    ) -> str | Refused:
        """Return all rules as a file. existing: as in `listing`."""

        async def read() -> str | Refused:
            return write((await self._pruned(actor, existing))[0], name_of)

        return await self.ordered(actor, read)

    async def set_admin_role(
        self, actor: Actor, role_id: int, allowed: bool | None, out_of_reach: OutOfReach
    ) -> AdminRoleChanged | Refused:
        """Let a role use /admin, or (allowed is False) not any more; None changes what it is."""

        async def change() -> AdminRoleChanged | Refused:
            access = await self._stored.of(actor.guild_id)
            roles = access.admin_roles
            allow = role_id not in roles if allowed is None else allowed
            after = replace(access, admin_roles=roles | {role_id} if allow else roles - {role_id})
            refused = await self.change_refusal(actor, access, after, out_of_reach)
            if refused is not None:
                return refused
            if allow:
                await self._stored.add_admin_role(actor.guild_id, role_id, actor.user_id)
            else:
                await self._stored.remove_admin_roles(actor.guild_id, [role_id])
            self._admin_roles.changed(actor.guild_id, after.admin_roles)
            return AdminRoleChanged(role_id, allow, tuple(sorted(after.admin_roles)))

        return await self.ordered(actor, change)

    async def set_admin_roles(
        self, actor: Actor, roles: frozenset[int], out_of_reach: OutOfReach
    ) -> frozenset[int] | Refused:
        """Let exactly these roles use /admin; returns them."""

        async def change() -> frozenset[int] | Refused:
            access = await self._stored.of(actor.guild_id)
            after = replace(access, admin_roles=roles)
            refused = await self.change_refusal(actor, access, after, out_of_reach)
            if refused is not None:
                return refused
            await self._stored.replace(actor.guild_id, access, after, actor.user_id)
            self._admin_roles.changed(actor.guild_id, roles)
            return roles

        return await self.ordered(actor, change)

    async def change_refusal(
        self, actor: Actor, before: ServerAccess, after: ServerAccess, out_of_reach: OutOfReach
    ) -> Refused | None:
        """Return why the actor may not make `after` of `before`; None if they may."""
        if len(after.rules) > max(MAX_RULES, len(before.rules)):
            return Refused(TooManyAccessRules(MAX_RULES))
        changed = {each.subject for each in set(before.rules) ^ set(after.rules)}
        roles = before.admin_roles ^ after.admin_roles
        changed |= {RuleSubject(RuleScope.ROLE, each) for each in roles}
        above = await self._above(actor, changed, out_of_reach)
        if above is not None:
            return Refused(HigherRole(above))
        lost = before.admin_roles - after.admin_roles
        if self._loses_admin(actor, after.admin_roles) and not actor.role_ids.isdisjoint(lost):
            role = RuleSubject(RuleScope.ROLE, min(actor.role_ids & lost))
            return Refused(LocksOut(role, admin=True))
        member = replace(facts_of(actor), channel_ids=())
        could = RuleBook(readable(before.rules)).may_paint_anywhere(member)
        book = RuleBook(readable(after.rules))
        if could and not book.may_paint_anywhere(member):
            decision = book.decide(member, RuleKind.PAINT)
            assert decision is not None
            return Refused(LocksOut(decision.subject))
        return None

    async def replaced(self, actor: Actor, before: ServerAccess, after: ServerAccess) -> bool:
        """Put everything of `after` in place of `before`; False if that is not what holds."""
        done = await self._stored.replace(actor.guild_id, before, after, actor.user_id)
        self._books.forget(actor.guild_id)
        if done:
            self._admin_roles.changed(actor.guild_id, after.admin_roles)
        return done

    async def access_of(self, actor: Actor) -> ServerAccess:
        """Return all that is decided on the actor's server. Raises StorageError."""
        return await self._stored.of(actor.guild_id)

    async def ordered(self, actor: Actor, act: Callable[[], Awaitable[T]]) -> T | Refused:
        """Do something that only admins may, one after the other on each server."""
        if (refused := self.refusal(actor)) is not None:
            return refused
        async with self._locks.setdefault(actor.guild_id, asyncio.Lock()):
            try:
                return await act()
            except StorageError as error:
                log.warning("rules not read or changed", detail=str(error))
                self._books.forget(actor.guild_id)  # a COMMIT may have failed half-way
                return Refused(StorageUnavailable())

    async def _above(
        self, actor: Actor, subjects: Iterable[RuleSubject], out_of_reach: OutOfReach
    ) -> RuleSubject | None:
        """Return one of the subjects that the actor may not act against."""
        if self._permissions.level(actor) is PermissionLevel.OWNER:
            return None
        ranked = [
            each
            for each in subjects
            if each.scope in (RuleScope.USER, RuleScope.ROLE) and each.id != actor.user_id
        ]
        owners = (each for each in ranked if each.id in self._permissions.owners)
        return next(owners, None) or await out_of_reach(ranked)

    def _loses_admin(self, actor: Actor, roles: frozenset[int]) -> bool:
        """Return whether the actor could not use /admin if only these roles could."""
        return not self._permissions.with_admin_roles(roles).allows(actor, Action.SET_RULES)

    async def _pruned(self, actor: Actor, existing: Existing | None) -> tuple[ServerAccess, int]:
        """Return what is decided, without what is for roles and channels that were deleted."""
        access = await self._stored.of(actor.guild_id)
        if existing is None:
            return access, 0
        gone = [each for each in access.rules if not existing.has(each.subject)]
        roles = access.admin_roles - existing.roles
        if not gone and not roles:
            return access, 0
        await self._stored.remove(actor.guild_id, [(each.subject, each.kind) for each in gone])
        await self._stored.remove_admin_roles(actor.guild_id, roles)
        self._books.forget(actor.guild_id)
        left = ServerAccess(
            tuple(each for each in access.rules if each not in gone), access.admin_roles - roles
        )
        self._admin_roles.changed(actor.guild_id, left.admin_roles)
        return left, len(gone) + len(roles)

    def _named(self, kind: RuleKind, text: str) -> tuple[str, ...] | Refused:
        return self._models.named(text) if kind is RuleKind.MODELS else self._loras.named(text)


def kind_of(text: str) -> RuleKind | None:
    """Return the kind that is meant; None if no rule decides that."""
    word = text.strip().casefold()
    return RuleKind(word) if word in set(RuleKind) else None


def _changed(rule: Rule, others: Collection[Rule]) -> RuleChanged:
    """Return a new rule with those of its kind that come before it."""
    order = list(RuleScope)
    before = [
        each.subject
        for each in others
        if each.kind is rule.kind
        and order.index(each.subject.scope) < order.index(rule.subject.scope)
    ]
    blocking = any(each.kind is RuleKind.PAINT and not each.value for each in others)
    allows = rule.kind is RuleKind.PAINT and bool(rule.value)
    return RuleChanged(rule, tuple(before[:OVERRULING_SHOWN]), allows and not blocking)


def _is(rule: StoredRule, subject: RuleSubject, kind: RuleKind) -> bool:
    return rule.subject == subject and rule.kind == kind
