"""The audit log: an entry is written with the change that it is about, or not at all."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from storage import audit_draft
from storage.audit import AuditLog
from storage.audit_draft import AuditDraft
from storage.blocks import Blocks
from storage.proposals import Proposals
from tests.storage.fakes import ALICE, BOB, MODERATOR, OpenStores

GUILD = ALICE.guild_id


def begin(stores: OpenStores, **fields: Any) -> AuditDraft:
    """Begin an administrative action of a moderator."""
    draft = AuditDraft(GUILD, MODERATOR, "admin block", stores.clock(), **fields)
    audit_draft.begin(draft)
    return draft


async def actions(stores: OpenStores, member_id: int | None = None) -> list[str]:
    found = await AuditLog(stores.db, stores.clock).page(GUILD, 100, member_id=member_id)
    return [each.action for each in found]


async def test_an_entry_is_written_with_the_first_change(stores: OpenStores) -> None:
    """The first transaction that changes a row writes the entry, and only that one."""
    told: list[int] = []
    stores.db.on_logged = told.append
    begin(stores, target_id=BOB.user_id, data={"reason": "spam"})
    blocks = Blocks(stores.db, stores.clock)
    await blocks.block(GUILD, BOB.user_id, MODERATOR, "spam")
    await blocks.unblock(GUILD, BOB.user_id)
    (entry,) = await AuditLog(stores.db, stores.clock).page(GUILD, 10)
    assert (entry.actor_id, entry.target_id) == (MODERATOR, BOB.user_id)
    assert entry.data == {"reason": "spam"} and entry.done_at == stores.clock()
    assert told == [GUILD]


async def test_what_changes_nothing_leaves_no_entry(stores: OpenStores) -> None:
    """Neither a transaction without a change, nor bookkeeping, nor a failed one is recorded; the
    next change still is."""
    begin(stores)
    blocks = Blocks(stores.db, stores.clock)
    await blocks.unblock(GUILD, BOB.user_id)
    await Proposals(stores.db, stores.clock).ask(ALICE, "{}")
    with pytest.raises(RuntimeError):
        async with stores.db.transaction() as transaction:
            await transaction.execute("DELETE FROM proposals")
            raise RuntimeError("in between")
    assert await actions(stores) == []
    await blocks.block(GUILD, BOB.user_id, MODERATOR, None)
    assert await actions(stores) == ["admin block"]


async def test_other_tasks_write_no_entry(stores: OpenStores) -> None:
    """Work that an action sets off in another task is no part of it."""
    begin(stores)
    blocks = Blocks(stores.db, stores.clock)
    await asyncio.create_task(blocks.block(GUILD, BOB.user_id, MODERATOR, None))
    assert await actions(stores) == []


async def test_only_what_is_about_others(stores: OpenStores) -> None:
    """An action that is administrative against others leaves no entry for oneself."""
    blocks = Blocks(stores.db, stores.clock)
    for user_id, expected in ((MODERATOR, []), (BOB.user_id, ["admin block"])):
        begin(stores, others_only=True)
        audit_draft.concerns(user_id)
        await blocks.block(GUILD, user_id, MODERATOR, None)
        assert await actions(stores) == expected
    assert await actions(stores, BOB.user_id) == ["admin block"]
    assert await actions(stores, ALICE.user_id) == []


async def test_old_entries_go(stores: OpenStores) -> None:
    """Entries older than the limit are deleted, newer ones stay."""
    blocks, log = Blocks(stores.db, stores.clock), AuditLog(stores.db, stores.clock)
    for user_id in (ALICE.user_id, BOB.user_id):
        begin(stores, target_id=user_id)
        await blocks.block(GUILD, user_id, MODERATOR, None)
        audit_draft.begin(None)
        stores.clock.now += timedelta(days=20)
    assert await log.forget(30) == 1
    assert [each.target_id for each in await log.page(GUILD, 10)] == [BOB.user_id]
