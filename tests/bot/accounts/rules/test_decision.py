"""Which rule decides: a pure function, compared with a simple reference."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.accounts.rules.decision import MemberFacts, Rule, RuleBook, WantedPicture
from bot.request.reasons.rules import BeyondRule, PaintingBlocked, RuleValue
from engine.diffusion.families import Speed
from storage.access_rules import WHOLE_SERVER, RuleKind, RuleScope, RuleSubject

IDS = st.integers(1, 4)
SUBJECTS = st.one_of(
    st.just(WHOLE_SERVER),
    st.builds(
        RuleSubject, st.sampled_from([RuleScope.USER, RuleScope.CHANNEL, RuleScope.ROLE]), IDS
    ),
)
VALUES: dict[RuleKind, st.SearchStrategy[RuleValue]] = {
    RuleKind.PAINT: st.booleans(),
    # Names are stored in order.
    RuleKind.MODELS: st.none() | st.frozensets(st.sampled_from("abc")).map(sorted).map(tuple),
    RuleKind.SIZE: st.tuples(st.integers(1, 40), st.integers(1, 40)),
    RuleKind.STEPS: st.integers(1, 30),
    RuleKind.SPEED: st.sampled_from(Speed),
    RuleKind.COUNT: st.integers(1, 4),
    RuleKind.PRIVATE: st.booleans(),
}
RULES = st.lists(
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda kind: st.builds(Rule, SUBJECTS, st.just(kind), VALUES[kind])
    ),
    max_size=14,
    unique_by=lambda rule: (rule.subject, rule.kind),
)
MEMBERS = st.builds(
    MemberFacts,
    IDS,
    st.frozensets(IDS, max_size=3),
    st.lists(IDS, max_size=2, unique=True).map(tuple),
)
SPEEDS = {Speed.FAST: 4, Speed.STANDARD: 8, Speed.FINE: 10}
WANTED = st.builds(
    WantedPicture,
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 30),
    st.integers(1, 4),
    st.just(SPEEDS),
)
FAR = 1_000_000


def level(rule: Rule, member: MemberFacts) -> int:
    """Return how specific a rule is for a member, 0 the most; FAR if it does not concern them."""
    match rule.subject:
        case RuleSubject(RuleScope.USER, id_):
            return 0 if id_ == member.user_id else FAR
        case RuleSubject(RuleScope.CHANNEL, id_):
            return 1 + member.channel_ids.index(id_) if id_ in member.channel_ids else FAR
        case RuleSubject(RuleScope.ROLE, id_):
            return 10 if id_ in member.role_ids else FAR
        case _:
            return 11


def reference(rules: list[Rule], member: MemberFacts, kind: RuleKind) -> RuleValue | str:
    """Return what holds, found without any index: the most specific rules, taken together."""
    levels = [(level(each, member), each) for each in rules if each.kind is kind]
    nearest = min((each for each, _ in levels), default=FAR)
    if nearest == FAR:
        return "default"
    values = [each.value for found, each in levels if found == nearest]
    match kind:
        case RuleKind.PAINT | RuleKind.PRIVATE:
            return False not in values
        case RuleKind.MODELS:
            lists = [set(each) for each in values if isinstance(each, tuple)]
            return None if None in values else tuple(sorted(map(str, set[object]().union(*lists))))
        case RuleKind.SIZE:
            return max(values, key=lambda each: (each[0] * each[1], each))  # type: ignore[index]
        case RuleKind.SPEED:
            return max(values, key=lambda each: SPEEDS[Speed(str(each))])
        case _:
            return max(values)  # type: ignore[type-var]


@given(RULES, MEMBERS)
def test_the_most_specific_rule_decides(rules: list[Rule], member: MemberFacts) -> None:
    """For every kind the same holds as in the reference, and the rules named are rules of the
    nearest level that there is; the order in which rules are listed does not matter."""
    for kind in VALUES:
        for book in (RuleBook(rules), RuleBook(reversed(rules))):
            decision = book.decide(member, kind)
            if decision is None:
                assert reference(rules, member, kind) == "default"
                continue
            assert decision.value == reference(rules, member, kind)
            levels = {level(each, member) for each in decision.rules}
            assert levels == {min(level(each, member) for each in rules if each.kind is kind)}


@given(RULES, MEMBERS, st.lists(WANTED, min_size=1, max_size=3))
def test_a_request_is_forbidden_exactly_where_a_rule_is_exceeded(
    rules: list[Rule], member: MemberFacts, wanted: list[WantedPicture]
) -> None:
    """A request is let through if painting is allowed and nothing of it is beyond what holds; else
    the rule that is named decides for this member."""
    found = RuleBook(rules).forbidden(member, wanted)

    def limit(kind: RuleKind) -> RuleValue | str:
        return reference(rules, member, kind)

    def fits(each: WantedPicture) -> bool:
        size, steps = limit(RuleKind.SIZE), limit(RuleKind.STEPS)
        speed, count = limit(RuleKind.SPEED), limit(RuleKind.COUNT)
        return (
            (not isinstance(size, tuple) or each.width_px * each.height_px <= size[0] * size[1])  # type: ignore[operator]
            and (not isinstance(steps, int) or each.steps <= steps)
            and (not isinstance(speed, Speed) or each.steps <= SPEEDS[speed])
            and (not isinstance(count, int) or each.count <= count)
        )

    allowed = limit(RuleKind.PAINT) in (True, "default")
    assert (found is None) == (allowed and all(map(fits, wanted)))
    if found is not None:
        assert isinstance(found, PaintingBlocked) == (not allowed)
        assert level(Rule(found.rule, RuleKind.PAINT, None), member) < FAR


@given(RULES, MEMBERS, st.lists(WANTED, min_size=1, max_size=2))
def test_the_channels_that_are_named_allow_it(
    rules: list[Rule], member: MemberFacts, wanted: list[WantedPicture]
) -> None:
    """The same request is allowed in every channel that a refusal names, and where no channel has a
    rule if it says so."""
    book = RuleBook(rules)
    found = book.forbidden(member, wanted)
    if found is None:
        return
    for channel_id in found.channels:
        assert book.forbidden(replace(member, channel_ids=(channel_id,)), wanted) is None
    if found.elsewhere:
        assert book.forbidden(replace(member, channel_ids=()), wanted) is None


def test_a_block_for_one_role_counts_before_what_another_allows() -> None:
    """Of a member's roles, one that blocks painting decides; of limits, the most generous does."""

    def role(id_: int, kind: RuleKind, value: RuleValue) -> Rule:
        return Rule(RuleSubject(RuleScope.ROLE, id_), kind, value)

    book = RuleBook(
        [
            role(1, RuleKind.PAINT, True),
            role(2, RuleKind.PAINT, False),
            role(1, RuleKind.STEPS, 4),
            role(2, RuleKind.STEPS, 9),
        ]
    )
    member = MemberFacts(7, frozenset({1, 2}), (5,))
    assert book.blocked(member) == PaintingBlocked(RuleSubject(RuleScope.ROLE, 2))
    steps = book.decide(member, RuleKind.STEPS)
    assert steps is not None and steps.value == 9


def test_a_category_counts_for_its_channels() -> None:
    """A rule for a category holds in its channels, after one for the channel itself."""
    category, channel = (RuleSubject(RuleScope.CHANNEL, each) for each in (50, 5))
    rules = [Rule(category, RuleKind.COUNT, 1), Rule(WHOLE_SERVER, RuleKind.COUNT, 3)]
    member, wanted = MemberFacts(7, channel_ids=(5, 50)), WantedPicture(1, 1, 1, 2, SPEEDS)
    found = RuleBook(rules).forbidden(member, [wanted])
    assert isinstance(found, BeyondRule) and found.rule == category
    allowed = RuleBook([*rules, Rule(channel, RuleKind.COUNT, 2)])
    assert allowed.forbidden(member, [wanted]) is None
