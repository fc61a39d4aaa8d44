"""The rules of servers are kept, replaced as a whole or not at all, and belong to their server."""

import sqlite3
from dataclasses import replace

import pytest

from storage.filters import FilterAction, FilterRule, Filters, ServerFilter
from tests.storage.fakes import MODERATOR, OpenStores

RULE = FilterRule(0, "Words", "words", words=("cat", "裸體"), regexes=("n+ude",), roles=(5, 2**62))


async def test_a_rule_is_kept_as_it_is(stores: OpenStores) -> None:
    """Everything about a rule comes back, by name, for its server only."""
    filters = Filters(stores.db, stores.clock)
    assert await filters.of(1) == ServerFilter()
    second = replace(
        RULE,
        name="Art",
        lookup="art",
        action=FilterAction.SPOILER,
        everywhere=False,
        allowed=("concat*",),
        channels=(7,),
    )
    saved = [await filters.save(1, each, MODERATOR) for each in (RULE, second)]
    assert await filters.of(1) == ServerFilter((saved[1], saved[0]))
    assert saved == [replace(RULE, id=saved[0].id), replace(second, id=saved[1].id)]
    assert await filters.of(2) == ServerFilter()


async def test_a_rule_of_the_same_name_is_replaced(stores: OpenStores) -> None:
    """A rule that is saved again keeps its id; one that was removed never gives its id away."""
    filters = Filters(stores.db, stores.clock)
    saved = await filters.save(1, RULE, MODERATOR)
    changed = await filters.save(1, replace(saved, words=("dog",)), MODERATOR)
    assert changed == replace(saved, words=("dog",))
    assert (await filters.of(1)).rules == (changed,)
    assert not await filters.remove(2, saved.id)
    assert await filters.remove(1, saved.id) and not await filters.remove(1, saved.id)
    assert (await filters.save(1, RULE, MODERATOR)).id > saved.id


async def test_all_rules_are_replaced_or_none(stores: OpenStores) -> None:
    """If one of the new rules cannot be stored, the server keeps those that it has."""
    filters = Filters(stores.db, stores.clock)
    await filters.save(1, RULE, MODERATOR)
    await filters.save(2, RULE, MODERATOR)
    before = await filters.of(1)
    with pytest.raises(sqlite3.IntegrityError):
        await filters.replace(1, [replace(RULE, lookup="x"), replace(RULE, name="")], MODERATOR)
    assert await filters.of(1) == before
    await filters.replace(1, [replace(RULE, lookup="x")], MODERATOR)
    assert [each.lookup for each in (await filters.of(1)).rules] == ["x"]
    await filters.replace(1, [], MODERATOR)
    assert (await filters.of(1)).rules == () and len((await filters.of(2)).rules) == 1


async def test_whether_the_pattern_is_told_is_the_servers_choice(stores: OpenStores) -> None:
    """It is not told unless the server says so."""
    filters = Filters(stores.db, stores.clock)
    assert not (await filters.of(1)).tells
    await filters.tell(1, True, MODERATOR)
    assert (await filters.of(1)).tells and not (await filters.of(2)).tells
    await filters.tell(1, False, MODERATOR)
    assert not (await filters.of(1)).tells
