"""Which of several quotas holds, and that setting them is all or nothing."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.migrate import load_migrations
from storage.preferences import Preferences
from storage.quota_policies import EVERYBODY, QuotaSubject, ServerPolicies
from storage.types import Job, PolicySource, QuotaExceeded, QuotaPolicy
from tests.storage.fakes import ALICE, START, OpenStores, new_job, policy
from tests.storage.old_databases import rows_of

GUILD, USER = ALICE.guild_id, ALICE.user_id
CONFIG = policy(5)


def role(role_id: int) -> QuotaSubject:
    return QuotaSubject(PolicySource.ROLE, role_id)


def of_role(role_id: int, pictures: int | None, hours: int | None) -> QuotaPolicy:
    return QuotaPolicy(pictures, hours, PolicySource.ROLE, role_id)


async def test_the_most_specific_holds(stores: OpenStores) -> None:
    """A user's own quota holds before those of roles, and those before the server's."""
    quotas, me = stores.quotas, QuotaSubject(PolicySource.USER, USER)
    for subject, pictures in ((EVERYBODY, 9), (role(1), 1), (me, 0)):
        await quotas.set(GUILD, subject, pictures, 24, by=1)

    async def holds(*roles: int) -> tuple[PolicySource, int | None]:
        found = await quotas.policy(GUILD, USER, CONFIG, roles)
        return found.source, found.pictures

    assert await holds(1) == (PolicySource.USER, 0)
    assert await quotas.clear(GUILD, me) == 1
    assert await holds(1) == (PolicySource.ROLE, 1)
    assert await holds(2) == await holds() == (PolicySource.SERVER, 9)
    assert await quotas.clear(GUILD, role(1), role(2), EVERYBODY) == 2
    assert await holds(1) == (PolicySource.CONFIG, 5)


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ((5, 24), (6, 24)),
        ((5, 24), (1, 1)),  # 24 a day
        ((24, 24), (25, None)),
        ((23, None), (1, 1)),
        ((1, 1), (24, None)),  # as many, and more of them at once
        ((1_000_000, 1), (None, 24)),
        ((0, 1), (1, 8760)),
    ],
)
async def test_of_several_roles_the_most_generous_holds(
    stores: OpenStores, less: tuple[int | None, int | None], more: tuple[int | None, int | None]
) -> None:
    """Roles are compared by pictures per hour, whichever comes first."""
    for first, second in ((1, 2), (2, 1)):
        await stores.quotas.set(GUILD, role(first), *less, by=1)
        await stores.quotas.set(GUILD, role(second), *more, by=1)
        found = await stores.quotas.policy(GUILD, USER, CONFIG, (1, 2, 3))
        assert found == of_role(second, *more)


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 50), st.none() | st.integers(1, 48)), max_size=6)
)
def test_no_other_role_allows_more(limits: list[tuple[int | None, int | None]]) -> None:
    """No role that a member has allows more pictures per hour than the one that holds."""
    roles = tuple(of_role(number, *limit) for number, limit in enumerate(limits, 1))
    found = ServerPolicies(None, roles, None).matching(range(100), CONFIG)
    assert len(found) == len(limits) + 1 and found[-1] == CONFIG
    assert ServerPolicies(None, roles, None).matching((), CONFIG) == (CONFIG,)
    for each in roles:
        best = found[0]
        assert best.pictures is None or (
            each.pictures is not None
            and best.pictures * (each.hours or 24) >= each.pictures * (best.hours or 24)
        )


async def test_roles_decide_about_acceptance(stores: OpenStores) -> None:
    """A job is accepted under the roles of its requester, and none without them."""
    await stores.quotas.set(GUILD, EVERYBODY, 0, 24, by=1)
    await stores.quotas.set(GUILD, role(7), 1, 24, by=1)
    assert isinstance(await stores.jobs.accept(new_job(), CONFIG), QuotaExceeded)
    painter = new_job(role_ids=frozenset({7}))
    assert isinstance(await stores.jobs.accept(painter, CONFIG), Job)
    refused = await stores.jobs.accept(painter, CONFIG)
    assert isinstance(refused, QuotaExceeded)
    assert refused.status.policy == of_role(7, 1, 24)


async def test_unlimited_is_never_used_up(stores: OpenStores) -> None:
    """Without a limit everything is counted, and nothing refused."""
    await stores.quotas.set(GUILD, EVERYBODY, None, 24, by=1)
    await stores.accept(new_job(pictures=3000))
    status = await stores.quotas.status(GUILD, USER, CONFIG)
    assert (status.used, status.remaining, status.available) == (3000, None, None)


async def test_a_day_ends_at_midnight_in_the_servers_zone(stores: OpenStores) -> None:
    """A quota per calendar day returns as a whole when the server's next day begins."""
    await Preferences(stores.db, stores.clock).set_server(GUILD, by=1, timezone="Asia/Tokyo")
    await stores.quotas.set(GUILD, EVERYBODY, 2, None, by=1)
    midnight = START.replace(hour=15)  # START is noon in UTC, 21:00 in Tokyo
    await stores.accept()
    stores.clock.advance(hours=1)
    await stores.accept()
    refused = await stores.jobs.accept(new_job(), CONFIG)
    assert isinstance(refused, QuotaExceeded) and refused.retry_at == midnight
    stores.clock.now = midnight - timedelta(microseconds=1)
    assert await stores.used() == 2
    stores.clock.now = midnight
    assert await stores.used() == 0


async def test_a_zone_that_is_gone_counts_as_utc(stores: OpenStores) -> None:
    """A stored zone that this machine does not know stops nobody from painting."""
    await stores.quotas.set(GUILD, EVERYBODY, 1, None, by=1)
    async with stores.db.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO server_settings (guild_id, timezone, set_by, set_at) "
            "VALUES (10, 'Mars/Olympus', 1, 1)"
        )
    await stores.accept()
    refused = await stores.jobs.accept(new_job(), CONFIG)
    assert isinstance(refused, QuotaExceeded)
    assert refused.retry_at == START.replace(hour=0) + timedelta(days=1)


@pytest.mark.parametrize(("pictures", "hours"), [(-1, 24), (1_000_001, 24), (2**63, 1), (1, 0)])
async def test_senseless_quotas_change_nothing(
    stores: OpenStores, pictures: int, hours: int
) -> None:
    """Numbers outside the bounds are refused for every subject."""
    for subject in (EVERYBODY, role(1), QuotaSubject(PolicySource.USER, USER)):
        with pytest.raises(ValueError, match="must be"):
            await stores.quotas.set(GUILD, subject, pictures, hours, by=1)
    assert await stores.quotas.rules(GUILD) == ()


async def test_all_that_was_set_is_listed(stores: OpenStores) -> None:
    """The list has the server's quota, those of roles and of users, and who set them."""
    me = QuotaSubject(PolicySource.USER, USER)
    await stores.quotas.set(GUILD, me, None, 24, by=3)
    await stores.quotas.set(GUILD, role(5), 7, None, by=2)
    await stores.quotas.set(GUILD, EVERYBODY, 0, 1, by=1)
    await stores.quotas.set(GUILD + 1, EVERYBODY, 8, 1, by=1)
    rules = await stores.quotas.rules(GUILD)
    assert [(each.subject, each.set_by) for each in rules] == [
        (EVERYBODY, 1),
        (role(5), 2),
        (me, 3),
    ]
    assert rules[1].policy == of_role(5, 7, None)


async def test_an_upgrade_keeps_every_quota(old_file: Path) -> None:
    """Quotas of earlier versions hold as before, and nobody has any of the new kinds."""
    before = rows_of(old_file)
    stores = await OpenStores.open(old_file)
    try:
        assert (await stores.quotas.policy(GUILD, USER, CONFIG)).pictures == 0
        assert (await stores.quotas.policy(GUILD, 77, CONFIG)).pictures == 5
        assert len(await stores.quotas.rules(GUILD)) == 3
    finally:
        await stores.db.close()
    kept = {what: rows for what, rows in before.items() if "_quotas" in what}
    assert len(kept) == 2 and rows_of(old_file, kept) == kept
    with closing(sqlite3.connect(old_file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(load_migrations()),)
        assert connection.execute("SELECT DISTINCT weight, waived FROM ledger").fetchall() == [
            (1, 0)
        ]
