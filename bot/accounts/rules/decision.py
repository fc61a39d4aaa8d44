"""Which rule of a server decides what a member may paint, and how. Pure.

The most specific rule decides: for the member before for the channel, then for one of their roles,
then for the server. A thread has no rules of its own: its parent channel's hold, and before those
of a category come those of the channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.accounts.rules.values import most_generous, pixels, steps_limit
from bot.request.reasons.rules import BeyondRule, PaintingBlocked, RuleValue
from engine.diffusion.families import Speed
from storage.access_rules import WHOLE_SERVER, RuleKind, RuleScope, RuleSubject

CHANNELS_NAMED: Final = 5
"""Channels that a refusal names at most. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One value for one subject."""

    subject: RuleSubject
    kind: RuleKind
    value: RuleValue


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """Who asks, and where.

    channel_ids: of the channel and its category, without the thread; none in direct messages.
    """

    user_id: int
    role_ids: frozenset[int] = frozenset()
    channel_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What holds, and the rules that say so: several only where a member has several roles."""

    value: RuleValue
    rules: tuple[Rule, ...]

    @property
    def subject(self) -> RuleSubject:
        """Whose rule it is, the first of several roles."""
        return self.rules[0].subject


@dataclass(frozen=True, slots=True)
class WantedPicture:
    """What a request wants. speeds: the steps that each speed means for its model."""

    width_px: int
    height_px: int
    steps: int
    count: int
    speeds: Mapping[Speed, int]


class RuleBook:
    """All rules of a server, ready to decide."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self._by_subject: dict[RuleKind, dict[RuleSubject, Rule]] = {}
        for rule in self.rules:
            self._by_subject.setdefault(rule.kind, {})[rule.subject] = rule

    def decide(self, member: MemberFacts, kind: RuleKind) -> Decision | None:
        """Return what holds for a member where they are; None if no rule says anything."""
        return next(iter(self.matching(member, kind)), None)

    def matching(self, member: MemberFacts, kind: RuleKind) -> tuple[Decision, ...]:
        """Return what the rules say on each level, the most specific first, which decides."""
        rules = self._by_subject.get(kind)
        if rules is None:
            return ()
        levels = (
            [RuleSubject(RuleScope.USER, member.user_id)],
            *([RuleSubject(RuleScope.CHANNEL, each)] for each in member.channel_ids),
            [RuleSubject(RuleScope.ROLE, each) for each in sorted(member.role_ids)],
            [WHOLE_SERVER],
        )
        found = ([rules[each] for each in level if each in rules] for level in levels)
        return tuple(_together(kind, each) for each in found if each)

    def may_paint(self, member: MemberFacts) -> bool:
        """Return whether a member may paint where they are."""
        decision = self.decide(member, RuleKind.PAINT)
        return decision is None or bool(decision.value)

    def may_paint_anywhere(self, member: MemberFacts) -> bool:
        """Return whether there can be a channel where a member may paint."""
        return any(map(self.may_paint, [replace(member, channel_ids=()), *self._places(member)]))

    def blocked(
        self, member: MemberFacts, wanted: Sequence[WantedPicture] = ()
    ) -> PaintingBlocked | None:
        """Return why a member may not paint where they are; None if they may.

        wanted: what the channels that are named have to allow.
        """
        decision = self.decide(member, RuleKind.PAINT)
        if decision is None or decision.value:
            return None
        channels, elsewhere = self._others(member, wanted)
        blocking = next(each for each in decision.rules if not each.value)
        return PaintingBlocked(blocking.subject, channels, elsewhere, not member.channel_ids)

    def forbidden(
        self, member: MemberFacts, wanted: Sequence[WantedPicture]
    ) -> PaintingBlocked | BeyondRule | None:
        """Return the first rule that forbids some of what is wanted; None if all is allowed."""
        if (blocked := self.blocked(member, wanted)) is not None:
            return blocked
        beyond = self._beyond(member, wanted)
        if beyond is None:
            return None
        channels, elsewhere = self._others(member, wanted)
        return replace(beyond, channels=channels, elsewhere=elsewhere)

    def _beyond(self, member: MemberFacts, wanted: Sequence[WantedPicture]) -> BeyondRule | None:
        for each in wanted:
            values: dict[RuleKind, RuleValue] = {
                RuleKind.SIZE: (each.width_px, each.height_px),
                RuleKind.SPEED: each.steps,
                RuleKind.STEPS: each.steps,
                RuleKind.COUNT: each.count,
            }
            for kind, value in values.items():
                decision = self.decide(member, kind)
                if decision is None or not _exceeds(kind, value, decision.value, each.speeds):
                    continue
                steps = None
                if kind is RuleKind.SPEED:
                    steps = steps_limit(decision.value, each.speeds)
                return BeyondRule(decision.subject, kind, decision.value, value, steps)
        return None

    def _others(
        self, member: MemberFacts, wanted: Sequence[WantedPicture]
    ) -> tuple[tuple[int, ...], bool]:
        """Return the channels with rules where all this is allowed, and whether it is where no
        channel has one."""

        def allows(place: MemberFacts) -> bool:
            return self.may_paint(place) and self._beyond(place, wanted) is None

        channels = [each.channel_ids[0] for each in self._places(member) if allows(each)]
        elsewhere = bool(member.channel_ids) and allows(replace(member, channel_ids=()))
        return tuple(channels[:CHANNELS_NAMED]), elsewhere

    def _places(self, member: MemberFacts) -> list[MemberFacts]:
        """Return a member in each channel that has a rule."""
        subjects = dict.fromkeys(each.subject for each in self.rules)
        channels = [each.id for each in subjects if each.scope is RuleScope.CHANNEL]
        return [replace(member, channel_ids=(each,)) for each in channels]


def _together(kind: RuleKind, rules: Sequence[Rule]) -> Decision:
    """Return what the rules of one level say: one rule, or those of several roles."""
    if len(rules) == 1:
        return Decision(rules[0].value, tuple(rules))
    value = most_generous(kind, (each.value for each in rules))
    deciding = tuple(each for each in rules if each.value == value)
    return Decision(value, deciding or tuple(rules))


def _exceeds(
    kind: RuleKind, wanted: RuleValue, limit: RuleValue, speeds: Mapping[Speed, int]
) -> bool:
    match kind:
        case RuleKind.SIZE:
            return pixels(wanted) > pixels(limit)
        case RuleKind.SPEED:
            assert isinstance(wanted, int)
            return wanted > steps_limit(limit, speeds)
        case _:
            assert isinstance(wanted, int) and isinstance(limit, int)
            return wanted > limit
