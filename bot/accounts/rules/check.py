"""Checks requests by the rules of their server, before anything is charged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from bot.accounts.permissions import Actor
from bot.accounts.rules.books import RuleBooks, facts_of
from bot.accounts.rules.decision import Decision, MemberFacts, RuleBook, WantedPicture
from bot.request.models import ModelCatalog
from bot.request.outcomes import Refused, StorageUnavailable
from bot.request.reasons.rules import CooldownRunning, PendingLimit
from engine.types import ImageRequest
from storage.access_rules import WHOLE_SERVER, RuleKind, RuleSubject
from storage.errors import StorageError
from storage.member_limits import CoolingDown, LimitReached, MemberLimits, TooManyPending

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RuledRequest:
    """How a request that the rules allow is treated.

    private: only its requester sees it. spoiler: hidden until clicked. pending_rule,
    cooldown_rule: whose rules set the limits.
    """

    private: bool = False
    spoiler: bool = False
    limits: MemberLimits = field(default_factory=MemberLimits)
    pending_rule: RuleSubject = WHOLE_SERVER
    cooldown_rule: RuleSubject = WHOLE_SERVER

    def refusal(self, reached: LimitReached) -> Refused:
        """Return a limit that the member has reached as an answer."""
        match reached:
            case TooManyPending(pending, limit, requested):
                return Refused(PendingLimit(self.pending_rule, pending, limit, requested))
            case CoolingDown(cooldown_s, retry_at):
                return Refused(CooldownRunning(self.cooldown_rule, cooldown_s), retry_at)


class RuleCheck:
    """The rules in the path of a request; refused while they cannot be read."""

    def __init__(self, books: RuleBooks, models: ModelCatalog) -> None:
        self._books = books
        self._models = models

    async def blocked(self, actor: Actor) -> Refused | None:
        """Return why a member may not paint at all where they are; None if they may."""
        book = await self._book(actor)
        if isinstance(book, Refused):
            return book
        blocked = book.blocked(facts_of(actor))
        return None if blocked is None else Refused(blocked)

    async def decide(
        self, actor: Actor, requests: Sequence[tuple[ImageRequest, int]]
    ) -> RuledRequest | Refused:
        """Decide about requests and the number of pictures of each, all or none."""
        book = await self._book(actor)
        if isinstance(book, Refused):
            return book
        if not book.rules:
            return RuledRequest()
        member = facts_of(actor)
        wanted = [self._wanted(request, count) for request, count in requests]
        forbidden = book.forbidden(member, wanted)
        return ruled(book, member) if forbidden is None else Refused(forbidden)

    def _wanted(self, request: ImageRequest, count: int) -> WantedPicture:
        speeds = self._models.family_of(request).speeds
        return WantedPicture(request.width_px, request.height_px, request.steps, count, speeds)

    async def _book(self, actor: Actor) -> RuleBook | Refused:
        try:
            return await self._books.of(actor.guild_id)
        except (StorageError, TimeoutError) as error:
            log.warning("rules not known", detail=str(error) or type(error).__name__)
            return Refused(StorageUnavailable())


def ruled(book: RuleBook, member: MemberFacts) -> RuledRequest:
    """Return how whatever a member may paint is treated where they are."""

    def found(kind: RuleKind) -> Decision | None:
        return book.decide(member, kind)

    private, spoiler = found(RuleKind.PRIVATE), found(RuleKind.SPOILER)
    pending, cooldown = found(RuleKind.PENDING), found(RuleKind.COOLDOWN)
    return RuledRequest(
        private=private is not None and bool(private.value),
        spoiler=spoiler is not None and bool(spoiler.value),
        limits=MemberLimits(_number(pending), _number(cooldown)),
        pending_rule=WHOLE_SERVER if pending is None else pending.subject,
        cooldown_rule=WHOLE_SERVER if cooldown is None else cooldown.subject,
    )


def _number(decision: Decision | None) -> int | None:
    return decision.value if decision is not None and isinstance(decision.value, int) else None
