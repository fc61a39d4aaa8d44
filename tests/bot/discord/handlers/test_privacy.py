"""/privacy and /admin erase: what is shown, handed out and erased, and who may."""

import asyncio
import io
import json
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from bot.request.outcomes import NotAllowed, Refused
from storage import consistency
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import alice_as_actor

SECRET = "zxqvsecret lake"


@pytest.fixture
def bot(harness: BotHarness) -> BotHarness:
    return harness


async def purged(bot: BotHarness) -> None:
    """Wait until the background work of all erasures is done."""
    async with asyncio.timeout(60.0):
        while not (bot.app.purging.idle and bot.app.message_remover.idle):
            await asyncio.sleep(0.02)
    await bot.env.settle()


def traces(bot: BotHarness, *wanted: bytes) -> set[str]:
    """Return the files of the data folder in which anything of this is found."""
    folder = bot.settings.storage.data_dir
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and any(each in path.read_bytes() for each in (b"zxqvsecret", *wanted))
    }


async def paint(bot: BotHarness, who: Any, prompt: str = SECRET, **options: Any) -> Any:
    """Paint a picture as this member; return the message that shows it."""
    await who.slash(bot.channel, "imagine", prompt=prompt, **options)
    await bot.settled()
    return bot.message_with_picture()


async def erase(bot: BotHarness, who: Any) -> Any:
    """Erase a member at their own wish; return the panel with the outcome."""
    asked = await who.slash(bot.channel, "privacy erase")
    await who.click(asked.response.message, label="Erase")
    await purged(bot)
    return asked.response.message


async def test_a_member_erases_everything(bot: BotHarness) -> None:
    """Files, rows and messages go, of them alone; the answer says how many."""
    mine = await paint(bot, bot.alice)
    theirs = await paint(bot, bot.bob, "a red boat")
    await bot.alice.slash(bot.channel, "preset save", name="mine", settings="zxqvsecret style")
    assert traces(bot)
    panel = await erase(bot, bot.alice)
    assert "Everything of you is erased." in bot.texts(panel)
    assert "1 picture was deleted." in bot.texts(panel)
    assert traces(bot) == set()
    left = {each.id for each in bot.channel.history()}
    assert mine.id not in left and theirs.id in left
    assert bot.rows("SELECT count(*) FROM pictures WHERE deleted_at IS NULL") == [(1,)]
    assert bot.rows("SELECT * FROM message_removals") == []
    assert consistency.check(bot.settings.storage.data_dir, clock=bot.clock).wrong() == []


async def test_keeping_changes_nothing(bot: BotHarness) -> None:
    """Keep closes the question."""
    await paint(bot, bot.alice)
    asked = await bot.alice.slash(bot.channel, "privacy erase")
    await bot.alice.click(asked.response.message, label="Keep")
    assert "Nothing was erased." in bot.texts(asked.response.message)
    assert bot.rows("SELECT count(*) FROM pictures WHERE deleted_at IS NULL") == [(1,)]


async def test_what_is_being_painted_is_cancelled(bot: BotHarness) -> None:
    """A picture in progress ends cancelled, and neither file nor message of it appears."""
    bot.renderer.hold()
    await bot.alice.slash(bot.channel, "imagine", prompt=SECRET)
    await bot.state(1, "painting")
    await bot.alice.slash(bot.channel, "imagine", prompt=f"{SECRET} two")
    asked = await bot.alice.slash(bot.channel, "privacy erase")
    clicked = asyncio.create_task(bot.alice.click(asked.response.message, label="Erase"))
    await bot.state(1, "cancelled")
    bot.renderer.release()
    await clicked
    await purged(bot)
    assert "2 unfinished jobs were cancelled." in bot.texts(asked.response.message)
    assert bot.rows("SELECT state, prompt FROM jobs") == [("cancelled", "")] * 2
    assert traces(bot) == set()
    assert not [each for each in bot.channel.history() if each.attachments]


async def test_the_quota_stays_used(bot: BotHarness) -> None:
    """Erasing buys no picture."""
    await bot.admin.slash(bot.channel, "admin quota set", pictures=1, hours=24)
    await paint(bot, bot.alice)
    await erase(bot, bot.alice)
    refused = await bot.alice.slash(bot.channel, "imagine", prompt="another")
    assert "1" in bot.texts(refused.response.message) and len(bot.rows("SELECT * FROM jobs")) == 1
    bot.clock.advance(hours=25)
    await paint(bot, bot.alice, "another one")


async def test_info_and_export(bot: BotHarness) -> None:
    """Info counts what is stored; export has every row with its words, and no token."""
    await paint(bot, bot.alice)
    info = await bot.alice.slash(bot.channel, "privacy info")
    assert "1 picture" in bot.texts(info.response.message)
    exported = await bot.alice.slash(bot.channel, "privacy export")
    (message,) = [each for each in exported.followups if each.attachments]
    data = await message.attachments[0].read()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        jobs = json.loads(archive.read("jobs-1.json"))
        names = set(archive.namelist())
        assert b"reply_token" not in b"".join(map(archive.read, names))
    assert [each["prompt"] for each in jobs] == [SECRET]
    assert {"pictures-1.json", "deliveries-1.json", "ledger-1.json"} <= names
    nothing = await bot.bob.slash(bot.channel, "privacy export")
    assert "Nothing is stored of you." in bot.texts(nothing.response.message)


async def test_an_admin_erases_a_member(bot: BotHarness) -> None:
    """The question names the member; only admins may, once, and not above themselves."""
    await paint(bot, bot.alice)
    erasure = bot.app.services.erasure
    for rights in ({}, {"manages_messages": True}):
        actor = replace(alice_as_actor(bot), **rights)
        refused = await erasure.ask(actor, bot.bob.id, out_of_reach=False)
        assert isinstance(refused, Refused) and isinstance(refused.reason, NotAllowed)
    asked = await bot.admin.slash(bot.channel, "admin erase user", who=bot.alice)
    assert f"<@{bot.alice.id}>" in bot.texts(asked.response.message)
    (question_id,) = bot.rows("SELECT max(id) FROM proposals")[0]
    stolen = await erasure.erase_member(alice_as_actor(bot), question_id, out_of_reach=False)
    assert isinstance(stolen, Refused)
    await bot.admin.click(asked.response.message, label="Erase")
    await purged(bot)
    assert "is erased" in bot.texts(asked.response.message)
    assert traces(bot) == set()
    own = await bot.admin.slash(bot.channel, "admin erase user", who=bot.guild.owner)
    assert "highest role" in bot.texts(own.response.message)


async def test_a_question_is_answered_after_a_restart(bot: BotHarness) -> None:
    """The buttons of both questions work in the next process."""
    await paint(bot, bot.alice)
    await paint(bot, bot.bob, "bob zxqvsecret")
    own = await bot.alice.slash(bot.channel, "privacy erase")
    admins = await bot.admin.slash(bot.channel, "admin erase user", who=bot.bob)
    await bot.stop()
    await bot.start()
    await bot.alice.click(own.response.message, label="Erase")
    await bot.admin.click(admins.response.message, label="Erase")
    await purged(bot)
    assert traces(bot) == set()


async def test_a_locked_database_erases_nothing(
    bot: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a lock in the way, the member reads one sentence, and nothing is erased."""
    await paint(bot, bot.alice)
    asked = await bot.alice.slash(bot.channel, "privacy erase")
    await bot.app.stores.db._writer.execute("PRAGMA busy_timeout = 50")
    path = bot.settings.storage.data_dir / "zimagine.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        clicked = await bot.alice.click(asked.response.message, label="Erase")
        other.execute("ROLLBACK")
    (told,) = clicked.followups
    assert "nothing" in told.content.lower() or "again" in told.content.lower()
    assert bot.rows("SELECT count(*) FROM pictures WHERE deleted_at IS NULL") == [(1,)]
    await bot.alice.click(asked.response.message, label="Erase")
    await purged(bot)
    assert traces(bot) == set()


async def test_a_server_that_removes_the_bot_is_erased(bot: BotHarness) -> None:
    """After the grace period, unless it is back before; nothing of it is left in any byte."""
    await paint(bot, bot.alice)
    client, guild = bot.app.client, bot.app.client.get_guild(bot.guild.id)
    assert guild is not None
    await client.on_guild_remove(guild)
    bot.clock.advance(days=29)
    await bot.app.maintenance.erase_departed_servers()
    await client.on_guild_join(guild)
    bot.clock.advance(days=29)
    await bot.app.maintenance.erase_departed_servers()
    assert bot.rows("SELECT count(*) FROM pictures") == [(1,)]
    await client.on_guild_remove(guild)
    bot.clock.advance(days=31)
    await bot.app.maintenance.erase_departed_servers()
    await purged(bot)
    assert bot.rows("SELECT count(*) FROM jobs") == [(0,)]
    assert traces(bot) == set()
