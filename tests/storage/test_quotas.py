"""Quota policies: which one is effective, from when, and the usage it reports."""

from datetime import timedelta
from pathlib import Path

import pytest

from storage.types import PolicySource, QuotaPolicy, QuotaStatus
from tests.storage.fakes import ALICE, BOB, START, OpenStores, new_job, policy

GUILD, USER = ALICE.guild_id, ALICE.user_id
CONFIG = policy(5)


async def test_the_nearest_policy_holds(stores: OpenStores) -> None:
    """The user's policy overrides the server's, then the configured one, also once cleared."""
    assert await stores.quotas.policy(GUILD, USER, CONFIG) == CONFIG
    await stores.quotas.set_default(GUILD, 9, 12, by=1)
    assert await stores.quotas.policy(GUILD, USER, CONFIG) == QuotaPolicy(
        9, 12, PolicySource.SERVER
    )
    await stores.quotas.set_user(GUILD, USER, 3, 1, by=1)
    await stores.quotas.set_user(GUILD, USER, 4, 2, by=1)
    assert await stores.quotas.policy(GUILD, USER, CONFIG) == QuotaPolicy(4, 2, PolicySource.USER)
    assert (await stores.quotas.policy(GUILD, BOB.user_id, CONFIG)).pictures == 9
    assert await stores.quotas.policy(GUILD + 1, USER, CONFIG) == CONFIG
    assert await stores.quotas.clear_user(GUILD, USER) is True
    assert await stores.quotas.clear_user(GUILD, USER) is False
    assert (await stores.quotas.policy(GUILD, USER, CONFIG)).pictures == 9


async def test_policies_outlive_a_restart(database_file: Path) -> None:
    """A policy and who set it survive a restart."""
    stores = await OpenStores.open(database_file)
    await stores.quotas.set_user(GUILD, USER, 4, 2, by=99)
    await stores.db.close()
    stores = await OpenStores.open(database_file)
    assert await stores.quotas.policy(GUILD, USER, CONFIG) == QuotaPolicy(4, 2, PolicySource.USER)
    row = await stores.db.fetch_one("SELECT set_by FROM user_quotas")
    assert row is not None and row["set_by"] == 99
    await stores.db.close()


async def test_status_says_what_is_used_and_when_it_returns(stores: OpenStores) -> None:
    """Used and remaining add up, and the oldest charge determines the next return."""
    assert await stores.quotas.status(GUILD, USER, CONFIG) == QuotaStatus(CONFIG, 0, 5, None)
    await stores.accept(new_job(pictures=2))
    stores.clock.advance(hours=1)
    await stores.accept()
    status = await stores.quotas.status(GUILD, USER, CONFIG)
    assert status == QuotaStatus(CONFIG, 3, 2, START + timedelta(hours=24))
    stores.clock.now = START + timedelta(hours=24)
    status = await stores.quotas.status(GUILD, USER, CONFIG)
    assert status == QuotaStatus(CONFIG, 1, 4, START + timedelta(hours=25))


async def test_a_lowered_limit_leaves_nothing_but_not_less(stores: OpenStores) -> None:
    """With more used than is allowed now, nothing remains."""
    await stores.accept(new_job(pictures=4))
    status = await stores.quotas.status(GUILD, USER, policy(2))
    assert (status.used, status.remaining) == (4, 0)


@pytest.mark.parametrize(
    ("pictures", "hours"), [(-1, 24), (1_000_001, 24), (1, 0), (1, 8761), (1, -5)]
)
async def test_senseless_policies_are_refused(
    stores: OpenStores, pictures: int, hours: int
) -> None:
    """Numbers outside 0..1,000,000 pictures and 1..8760 hours change nothing."""
    with pytest.raises(ValueError, match="must be"):
        await stores.quotas.set_user(GUILD, USER, pictures, hours, by=1)
    with pytest.raises(ValueError, match="must be"):
        await stores.quotas.set_default(GUILD, pictures, hours, by=1)
    assert await stores.quotas.policy(GUILD, USER, CONFIG) == CONFIG


@pytest.mark.parametrize(("pictures", "hours"), [(0, 1), (1_000_000, 8760)])
async def test_the_bounds_themselves_are_fine(
    stores: OpenStores, pictures: int, hours: int
) -> None:
    """The smallest and the largest policy are accepted."""
    await stores.quotas.set_user(GUILD, USER, pictures, hours, by=1)
    status = await stores.quotas.status(GUILD, USER, CONFIG)
    assert (status.policy.pictures, status.policy.hours, status.used) == (pictures, hours, 0)
