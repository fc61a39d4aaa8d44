"""Whatever members send, they get one response each, no ping, no error and no extra picture."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.discord.views.custom_ids import ComponentAction
from tests.bot.discord.fuzzer import FILES, TEXTS, Fuzzer, check_harmless, commands, menus
from tests.bot.discord.harness import open_harness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import paint
from tests.fakes import ScriptedRenderer


@pytest.fixture
async def fuzzer(data_dir: Path, caplog: pytest.LogCaptureFixture) -> Any:
    """A bot without limits on requests; an error in its log fails the test."""
    settings = {"quota": {"pictures": 1_000_000}, "engine": {"user_limit": None}}
    with structlog.testing.capture_logs() as events:
        async with open_harness(data_dir, ScriptedRenderer().load, **settings) as harness:
            yield Fuzzer(harness)
    assert [each for each in events if each["log_level"] in ("error", "critical")] == []
    assert [each for each in caplog.records if each.levelname in ("ERROR", "CRITICAL")] == []


async def test_every_option_takes_anything(fuzzer: Fuzzer):
    """Every option of every command takes every odd value, as do its suggestions."""
    harness = fuzzer.harness
    await paint(harness, prompt="a lake")
    found = list(commands(harness.app.client.tree.get_commands()))
    names = {"imagine", "reroll", "cancel", "queue", "explain", "recipe", "admin quota set"}
    assert names <= {c.qualified_name for c in found}
    for command in found:
        hidden = command.qualified_name.split()[0] in ("admin", "moderation")
        actor = harness.admin if hidden else harness.alice
        needed = {o.name: fuzzer.honest(o) for o in command.parameters if o.required}
        await fuzzer.use(actor, command, needed)
        for option in command.parameters:
            for number, value in enumerate(fuzzer.values(option)):
                await fuzzer.use(actor, command, needed | {option.name: value})
                if option.autocomplete:
                    await fuzzer.use(actor, command, {option.name: value}, focus=option.name)
                if number % 10 == 9:
                    await harness.settled()
        await harness.settled()
    await harness.admin.slash(harness.channel, "admin quota set", pictures=1_000_000)
    await fuzzer.checked()


async def test_menus_take_any_message(fuzzer: Fuzzer):
    """Context menus answer once on messages with pictures, any files, text or nothing."""
    harness = fuzzer.harness
    await paint(harness, prompt="a lake", count=2)
    messages = [harness.message_with_picture()]
    for text in ("x", "@everyone <@123456789012345678>"):
        messages.append(await harness.bob.send(harness.channel, text, attachments=FILES))
    ours = [("zimagine-1-1.png", b"\x89PNG\r\n\x1a\n"), (f"zimagine-{'9' * 30}-1.png", b"")]
    messages.append(await harness.bob.send(harness.channel, "x", attachments=ours))
    messages.append(await harness.bob.send(harness.channel, "nothing"))
    found = menus(harness.app.client.tree.get_commands())
    assert set(found) == {"Recipe", "Reroll", "Paint from this", "Upscale", "Report"}
    for menu in found:
        for message in messages:
            for actor in (harness.alice, harness.bob, harness.admin):
                await fuzzer.choose(actor, menu, message)
        await harness.settled()
    await fuzzer.checked()


@pytest.mark.parametrize("seed", [1, 2])
async def test_odd_values_together_are_answered_too(fuzzer: Fuzzer, seed: int):
    """Random combinations of odd values get one response each, and the charges are right."""
    harness, rng = fuzzer.harness, random.Random(seed)
    await paint(harness, prompt="a lake")
    found = list(commands(harness.app.client.tree.get_commands()))
    for number in range(60):
        command = rng.choice(found)
        chosen = {
            option.name: rng.choice([*fuzzer.values(option), fuzzer.honest(option)])
            for option in command.parameters
            if option.required or rng.random() < 0.4
        }
        actor = rng.choice([harness.alice, harness.bob, harness.admin, harness.moderator])
        await fuzzer.use(actor, command, chosen)
        if number % 10 == 9:
            await harness.settled()
    await harness.admin.slash(harness.channel, "admin quota set", pictures=1_000_000)
    await fuzzer.checked()


def odd_ids(rng: random.Random, count: int) -> Iterator[str]:
    """Yield custom_ids of 1 to 100 characters: from other versions, mutated, and random."""
    for act in ComponentAction:
        for row in ("-1", "0", "00000001", "9" * 18, "9" * 19, "9" * 90, "", "x", "1:1", "１", "٣"):
            yield f"z1:{act}:{row}"
            yield marked(f"z1:{act}:{row[:20]}")
        yield from (f"z1:{act}:1:00000000", f"z1:{act}:1:", f"z1:{act}:1:0", marked(f"z2:{act}:1"))
        yield from (f"z2:{act}:1", f"{act}:1", f" z1:{act}:1", f"z1:{act}:1\n", f"Z1:{act}:1")
        yield from (f"z1:{act.upper()}:1", f"z1:{act}:+1", f"z1:{act}:1.0", f"z1:{act}:1_0")
    for letters in ("a" * 64, "A" * 64, "a" * 63, "a" * 65):
        yield from (f"z1:kept:{letters}:{'0' * 16}", f"z1:kept:{letters}")
        yield marked(f"z1:kept:{letters}:{'0' * 16}")[:100]
    yield from ("z1::1", "z1:paint:1", "z1", ":", "::", "\x00", "z1:reroll:1\x00", "\ud800", "0")
    for _ in range(count):
        letters = rng.choice(["z1:reroll:0123456789", "".join(map(chr, range(1, 0x600))), "🎨@`*"])
        yield "".join(rng.choices(letters, k=rng.randint(1, 100)))


async def test_any_custom_id_is_answered(fuzzer: Fuzzer):
    """Unknown, mutated and random custom_ids on buttons, menus and forms get one response each."""
    harness, rng = fuzzer.harness, random.Random(3)
    for number in range(2):
        await paint(harness, prompt=f"lake {number}")
    message = harness.message_with_picture()
    people = [harness.alice, harness.bob, harness.admin, harness.moderator]
    for number, custom_id in enumerate(odd_ids(rng, 60)):
        # Deleting removes the message, so nobody who may delete presses it, nor blocks Alice.
        harmful = any(word in custom_id for word in ("erase", "delete", "block"))
        actor = harness.bob if harmful else people[number % len(people)]
        await fuzzer.press(actor, custom_id, message=message)
        if number % 5 == 0:
            await fuzzer.fill_in(actor, custom_id, rng.choice(TEXTS))
            if not re.fullmatch(r"z1:[a-z]+:[0-9]{1,18}(:[0-9a-f]{8})?", custom_id):
                await fuzzer.press(actor, custom_id, component_type=3, message=message)
            await fuzzer.press(actor, marked("z1:pick:1"), 3, message, value=custom_id)
        if number % 10 == 9:
            await harness.settled()
    # But for those of whoever erased all of their own data: they are nobody's.
    deleted = "SELECT count(*) FROM pictures WHERE deleted_at IS NOT NULL AND user_id <> 0"
    assert harness.rows(deleted) == [(0,)]
    await fuzzer.checked()


async def test_nobody_reaches_what_is_not_theirs(fuzzer: Fuzzer):
    """A stranger cannot act on deleted, private or other servers' pictures and jobs."""
    harness = fuzzer.harness
    await paint(harness, prompt="public")
    await harness.alice.slash(harness.channel, "imagine", prompt="hush hush", private=True)
    await harness.settled()
    await paint(harness, prompt="gone")
    panel = await harness.more(harness.alice, harness.message_with_picture())
    await harness.alice.click(panel, label="Delete")
    await harness.alice.click(panel, label="Delete")
    await harness.alice.slash(harness.channel, "imagine", prompt="elsewhere")
    await harness.settled()
    async with harness.app.stores.db.transaction() as transaction:  # as if from another server
        for table, column in (("pictures", "job_id"), ("jobs", "id"), ("ledger", "job_id")):
            await transaction.execute(f"UPDATE {table} SET guild_id = 77 WHERE {column} = 4")
    rows = "SELECT id, deleted_at, file_removed_at FROM pictures ORDER BY id"
    before, shown_before = harness.rows(rows), len(harness.env.http_requests)
    # The number of an idea is no row: whoever presses paints it for themselves.
    for act in set(ComponentAction) - {ComponentAction.PAINT_IDEA}:
        for row_id in (2, 3, 4, 5, 10**17):
            message = next(each for each in harness.channel.history() if each.attachments)
            custom_id, menu = marked(f"z1:{act}:{row_id}"), marked("z1:pick:1")
            await fuzzer.press(harness.bob, custom_id, message=message)
            await fuzzer.press(harness.bob, menu, 3, message, value=custom_id)
            await fuzzer.fill_in(harness.bob, custom_id, "a lake")
            if act not in ("erase", "cancel"):
                await fuzzer.press(harness.moderator, custom_id, message=message)
    await fuzzer.press(harness.bob, marked("z1:delete:1"))
    await fuzzer.press(harness.bob, marked("z1:erase:1"))
    await fuzzer.press(harness.bob, marked("z1:cancel:1"))
    await harness.settled()
    assert harness.rows(rows) == before
    assert harness.rows("SELECT count(*) FROM jobs") == [(4,)]
    said = str([request.json for request in harness.env.http_requests[shown_before:]])
    assert "hush" not in said and "gone" not in said and "elsewhere" not in said
    await fuzzer.checked()


async def test_other_servers_get_an_answer_to_everything(data_dir: Path):
    """On servers that the bot does not serve, every interaction still gets a response."""
    load = ScriptedRenderer().load
    async with open_harness(data_dir, load, discord={"guilds": [1]}) as harness:
        fuzzer = Fuzzer(harness)
        message = await harness.alice.send(harness.channel, "x")
        for command in commands(harness.app.client.tree.get_commands()):
            needed = {o.name: fuzzer.honest(o) for o in command.parameters if o.required}
            await fuzzer.use(harness.alice, command, needed)
            for option in command.parameters:
                if option.autocomplete:
                    await fuzzer.use(harness.alice, command, {option.name: "1"}, focus=option.name)
        for menu in menus(harness.app.client.tree.get_commands()):
            await fuzzer.choose(harness.alice, menu, message)
        ours = (
            "reroll",
            "delete",
            "details",
            "more",
            "upscale",
            "remix",
            "inpaint",
            "blend",
            "pick",
            "report",
            "case",
            "from",
        )
        kept = f"z1:kept:{'a' * 64}:{'0' * 16}"
        known = [*(f"z1:{act}:1" for act in ours), kept]
        for custom_id in (*known, *map(marked, known), "z2:x", "x"):
            await fuzzer.press(harness.alice, custom_id, message=message)
            await fuzzer.fill_in(harness.alice, custom_id, "x")
        await harness.env.settle()
        fuzzer.answered_once()
        assert harness.rows("SELECT * FROM jobs") == []


def test_a_ping_would_be_noticed():
    """The check itself fails on a raw mention, on allowed mentions and on a lone surrogate."""
    check_harmless({"content": "a lake", "allowed_mentions": {"parse": []}})
    for body in (
        {"content": "@everyone", "allowed_mentions": {"parse": []}},
        {"components": [{"type": 10, "content": "<@&123456789012345678>"}]},
        {"content": "x", "allowed_mentions": {"parse": ["users"]}},
        {"content": "x"},
    ):
        with pytest.raises(AssertionError):
            check_harmless(body)
    with pytest.raises(UnicodeEncodeError):
        check_harmless({"content": "\ud800", "allowed_mentions": {"parse": []}})
