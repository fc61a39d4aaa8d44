"""Rules of servers: in their order, replaced all or not at all."""

from storage.access_rules import (
    WHOLE_SERVER,
    AccessRules,
    RuleKind,
    RuleScope,
    RuleSubject,
    ServerAccess,
    StoredRule,
)
from tests.storage.fakes import OpenStores

ROLE = RuleSubject(RuleScope.ROLE, 5)
STEPS = StoredRule(ROLE, RuleKind.STEPS, "4")


async def test_a_rule_takes_the_place_of_the_one_before(stores: OpenStores) -> None:
    """A subject has one rule of each kind; the most specific come first, and servers have their
    own."""
    rules = AccessRules(stores.db, stores.clock)
    for rule in (
        StoredRule(WHOLE_SERVER, RuleKind.STEPS, "9"),
        StoredRule(ROLE, RuleKind.STEPS, "3"),
        STEPS,
        StoredRule(RuleSubject(RuleScope.CHANNEL, 6), RuleKind.PAINT, "true"),
        StoredRule(RuleSubject(RuleScope.USER, 7), RuleKind.PAINT, "false"),
    ):
        await rules.set(1, rule, by=2)
    await rules.set(10, STEPS, by=2)
    found = (await rules.of(1)).rules
    assert [each.subject.scope for each in found] == list(RuleScope)
    assert found[2] == STEPS
    assert await rules.remove(1, [(ROLE, RuleKind.STEPS), (ROLE, RuleKind.SIZE)]) == 1
    assert len((await rules.of(1)).rules) == 3 and len((await rules.of(10)).rules) == 1


async def test_everything_is_replaced_or_nothing(stores: OpenStores) -> None:
    """Rules and roles become those of the new list only if the server has those of the old one;
    what stays keeps who set it."""
    rules = AccessRules(stores.db, stores.clock)
    await rules.set(1, STEPS, by=2)
    await rules.add_admin_role(1, 8, by=2)
    before = await rules.of(1)
    after = ServerAccess((STEPS, StoredRule(WHOLE_SERVER, RuleKind.COUNT, "1")), frozenset({9}))
    assert not await rules.replace(1, ServerAccess(), after, by=3)
    assert await rules.of(1) == before
    assert await rules.replace(1, before, after, by=3)
    found = await rules.of(1)
    assert found == after and [each.set_by for each in found.rules] == [2, 3]
    assert await rules.admin_roles() == {1: frozenset({9})}
