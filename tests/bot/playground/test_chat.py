"""The chat is kept over a restart of the playground: complete, bounded and private."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.playground import chat
from bot.playground.chat import DAMAGED_NAME, FILE_NAME, kept_chat
from bot.playground.initial_world import BOT_ID, GUILD_ID, MEMBER_ID, PAINT_ID, SECOND_ID, THREAD_ID
from bot.playground.interactions import InteractionKind, State
from bot.playground.model import Channel, ChannelType, Message, MessageFlag
from bot.playground.shapes import message_json
from bot.playground.standin_parts import StandIn
from bot.playground.standin_server import build_standin
from bot.playground.world import Draft
from tests.bot.playground.live import open_live

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[StandIn, list[str]]]:
    """A stand-in whose chat is kept in a folder, and what was reported about it."""
    reports: list[str] = []
    folder.mkdir(exist_ok=True)
    standin = build_standin(folder / "files")
    async with kept_chat(folder, standin, reports.append):
        yield standin, reports


def post(
    standin: StandIn, channel_id: int = PAINT_ID, text: str = "hello", files: int = 0
) -> Message:
    """Post a message of the bot."""
    world = standin.world
    channel = world.channel(channel_id)
    assert channel is not None
    attachments = [world.files.put(world.ids.new(), "a.png", PNG) for _ in range(files)]
    return world.post(channel, BOT_ID, Draft(text, attachments=attachments))


def everything(standin: StandIn) -> Any:
    """Return the whole chat as the bot and the pages see it."""
    world = standin.world
    channels = [*world.guilds[GUILD_ID].channels.values(), *world.private_of(MEMBER_ID)]
    return {
        each.id: [message_json(message, world, "") for message in world.messages(each.id)]
        for each in channels
    }


async def test_old_buttons_work_after_a_restart(tmp_path: Path) -> None:
    """After a restart the same messages and files are there, and a button of before paints."""
    folder = tmp_path / "playground"
    folder.mkdir()
    async with open_live(tmp_path / "data", chat=folder) as live:
        sent = live.send("imagine", prompt="a red house", seed=4)
        first = await live.picture()
        private = live.send("history")
        await live.answered(private)
        await live.settled()
        before, pixels = everything(live.playground.standin), live.bytes_of(first)
    async with open_live(tmp_path / "data", chat=folder) as live:
        assert everything(live.playground.standin) == before
        (old,) = live.pictures()
        assert live.bytes_of(old) == pixels
        origin = live.playground.standin.interactions.get(sent.id)
        assert origin is not None and origin.name == "imagine"
        await live.answered(live.press(old, "Reroll"))
        new = await live.picture(2)
        assert new.id > max(int(each["id"]) for each in before[PAINT_ID])
        await live.settled()
        assert live.charged() == 2
        live.check()


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["post", "file", "edit", "delete", "thread", "archive", "direct", "remove"]
        ),
        st.text(max_size=20).filter(lambda text: text.isprintable()),
    ),
    max_size=12,
)


def act(standin: StandIn, kind: str, text: str) -> None:
    """Do one thing that can happen in a chat."""
    world = standin.world
    messages = world.messages(PAINT_ID)
    threads = [
        each
        for each in world.guilds[GUILD_ID].channels.values()
        if each.is_thread and each.id != THREAD_ID
    ]
    match kind:
        case "post":
            post(standin, text=f"{text} <@{MEMBER_ID}>")
        case "file":
            post(standin, SECOND_ID, text, files=2)
        case "edit" if messages:
            messages[0].content = text
            messages[0].components = [{"type": 10, "content": text}]
            messages[0].flags |= MessageFlag.IS_COMPONENTS_V2
            world.notify_edit(messages[0])
        case "delete" if messages:
            world.delete(messages[-1])
        case "thread":
            thread = Channel(
                world.ids.new(), ChannelType.PUBLIC_THREAD, text, GUILD_ID, parent_id=PAINT_ID,
                owner_id=BOT_ID, created_at=world.clock(),
            )  # fmt: skip
            world.create_channel(thread)
            post(standin, thread.id, text)
        case "archive" if threads:
            world.archive(threads[0], archived=True, locked=True)
        case "direct":
            post(standin, world.private_channel(BOT_ID, MEMBER_ID).id, text)
        case "remove" if threads:
            world.delete_channel(threads[0])
        case _:
            pass


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS, later=ACTIONS)
def test_whatever_happened_is_there_again(
    tmp_path_factory: pytest.TempPathFactory, actions: list[Any], later: list[Any]
) -> None:
    """After any course of events, and another one, a restart shows the same and reuses no id."""
    folder = tmp_path_factory.mktemp("chat")

    async def course() -> None:
        last = 0
        for part in (actions, later, []):
            async with opened(folder) as (standin, reports):
                assert standin.world.ids.new() > last
                for kind, text in part:
                    act(standin, kind, text)
                before, last = everything(standin), standin.world.ids.new()
            async with opened(folder) as (standin, reports):
                assert everything(standin) == before
                assert reports == []
                world = standin.world
                named = [f for m in world.messages(SECOND_ID) for f in m.attachments]
                assert all(world.files.path(each.id).read_bytes() == PNG for each in named)
                assert world.files.total_bytes == sum(each.size for each in named)

    asyncio.run(course())


def spoil(change: Callable[[sqlite3.Connection], object]) -> Callable[[Path], None]:
    """Return a function that changes a good file by SQL."""

    def spoiled(path: Path) -> None:
        db = sqlite3.connect(path)
        with db:
            change(db)
        db.close()

    return spoiled


def sql(text: str, *values: object) -> Callable[[Path], None]:
    """Return a function that runs one statement on a good file."""
    return spoil(lambda db: db.execute(text, values))


def patched(key: str, value: object) -> Callable[[Path], None]:
    """Return a function that changes one field of every message."""

    def change(db: sqlite3.Connection) -> None:
        for number, text in db.execute("SELECT id, json FROM items WHERE kind = 'message'"):
            row = json.dumps(json.loads(text) | {key: value})
            db.execute("UPDATE items SET json = ? WHERE id = ?", (row, number))

    return spoil(change)


def as_folder(path: Path) -> None:
    """Replace the file by a folder with something in it."""
    path.unlink()
    path.mkdir()
    (path / "something").write_text("here")


DAMAGE = {
    "text": lambda path: path.write_text("this is not a chat"),
    "json": lambda path: path.write_text('{"messages": []}'),
    "zeros": lambda path: path.write_bytes(b"\0" * 5000),
    "header only": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "overwritten": lambda path: path.write_bytes(path.read_bytes()[:1024] + b"\xff" * 20000),
    "a folder": as_folder,
    "another table": sql("ALTER TABLE items RENAME COLUMN json TO text"),
    "newer": sql("PRAGMA user_version = 99"),
    "no json": sql("UPDATE items SET json = 'x'"),
    "a list": sql("UPDATE items SET json = '[]'"),
    "null": sql("UPDATE items SET json = NULL"),
    "a blob": sql("UPDATE items SET json = ?", b"\xff\xfe"),
    "deep": sql("UPDATE items SET json = ?", "[" * 100_000),
    "empty rows": sql("UPDATE items SET json = '{}'"),
    "an unknown field": patched("colour", 1),
    "no time": patched("created_at", "yesterday"),
    "an unknown type": patched("type", 999),
    "broken components": patched("components", [{"type": 12, "items": [{}]}]),
    "components of text": patched("components", "x"),
    "a broken file": patched("attachments", [{"id": 1}]),
    "mentions of nothing": patched("mentions", [[]]),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
async def test_a_damaged_file_starts_afresh(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    """Any damage means an empty chat and one sentence; the old file is set aside; all works on."""
    path = tmp_path / FILE_NAME
    for _ in range(2):  # also when one was set aside before
        async with opened(tmp_path) as (standin, _):
            post(standin, text="before", files=1)
        damage(path)
        async with opened(tmp_path) as (standin, reports):
            (sentence,) = reports
            assert str(tmp_path / DAMAGED_NAME) in sentence and "\n" not in sentence
            assert standin.world.messages(PAINT_ID) == []
            post(standin, text="after")
        async with opened(tmp_path) as (standin, reports):
            assert [each.content for each in standin.world.messages(PAINT_ID)] == ["after"]
            assert reports == []
            standin.world.delete(standin.world.messages(PAINT_ID)[0])


async def test_what_belongs_to_nobody_is_left_out(tmp_path: Path) -> None:
    """Messages of people or in channels that no longer exist do not keep the rest from coming."""
    async with opened(tmp_path) as (standin, _):
        post(standin, text="of a stranger")
        post(standin, text="elsewhere")
        post(standin, text="kept")
    ids = [f"(SELECT id FROM items WHERE json LIKE '%{text}%')" for text in ("stranger", "where")]
    sql(f"UPDATE items SET json = replace(json, '{BOT_ID}', '77') WHERE id = {ids[0]}")(
        tmp_path / FILE_NAME
    )
    sql(f"UPDATE items SET json = replace(json, '{PAINT_ID}', '78') WHERE id = {ids[1]}")(
        tmp_path / FILE_NAME
    )
    async with opened(tmp_path) as (standin, reports):
        assert [each.content for each in standin.world.messages(PAINT_ID)] == ["kept"]
        assert reports == []


async def test_it_is_bounded(tmp_path: Path) -> None:
    """Beyond the limit of bytes the oldest messages go, with their files, on disk as well."""
    async with opened(tmp_path) as (standin, _):
        standin.world.kept_bytes = 5 * len(PNG)
        for number in range(20):
            post(standin, (PAINT_ID, SECOND_ID)[number % 2], f"number {number}", files=1)
        assert standin.world.files.total_bytes == 5 * len(PNG)
    assert len(list((tmp_path / "files").iterdir())) == 5
    async with opened(tmp_path) as (standin, _):
        kept = [*standin.world.messages(PAINT_ID), *standin.world.messages(SECOND_ID)]
        assert {each.content for each in kept} == {f"number {number}" for number in range(15, 20)}


async def test_files_of_nothing_are_removed(tmp_path: Path) -> None:
    """A file that no message shows, such as an upload that was never sent, is gone at the start."""
    async with opened(tmp_path) as (standin, _):
        standin.world.files.put(standin.world.ids.new(), "never sent.png", PNG)
        post(standin, files=1)
    async with opened(tmp_path) as (standin, _):
        pass
    assert len(list((tmp_path / "files").iterdir())) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
async def test_it_is_private(tmp_path: Path) -> None:
    """Nobody else can read the file with the chat."""
    async with opened(tmp_path) as (standin, _):
        post(standin)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


async def test_a_kill_loses_a_second_at_most(tmp_path: Path) -> None:
    """What was said is on disk a moment later, without an orderly end."""
    async with opened(tmp_path) as (standin, _):
        post(standin, text="said")
        await asyncio.sleep(chat.WRITE_EVERY_S + 1.0)
        db = sqlite3.connect(tmp_path / FILE_NAME)
        rows = db.execute("SELECT json FROM items WHERE kind = 'message'").fetchall()
        db.close()
        assert [json.loads(text)["content"] for (text,) in rows] == ["said"]


async def test_a_disk_that_fails_is_reported_once(tmp_path: Path) -> None:
    """If nothing can be written any more, the playground goes on and says so once."""
    async with opened(tmp_path) as (standin, reports):
        sql("DROP TABLE items")(tmp_path / FILE_NAME)
        for number in range(3):
            post(standin, text=str(number))
            await asyncio.sleep(chat.WRITE_EVERY_S + 0.3)
        (sentence,) = reports
        assert "no longer stored" in sentence
        assert len(standin.world.messages(PAINT_ID)) == 3


async def test_ids_go_on_when_the_clock_goes_back(tmp_path: Path) -> None:
    """An id of before is never given out again, even if the clock was set back."""
    async with opened(tmp_path) as (standin, _):
        last = post(standin).id
    standin = build_standin(tmp_path / "files")
    past = datetime.now(UTC) - timedelta(days=400)
    standin.world.ids._clock = lambda: past  # pyright: ignore[reportPrivateUsage]
    async with kept_chat(tmp_path, standin, lambda sentence: None):
        assert post(standin).id > last


async def test_interactions_go_on(tmp_path: Path) -> None:
    """A token of before is still good for its fifteen minutes; what got no answer has failed."""
    async with opened(tmp_path) as (standin, _):
        channel = standin.world.channel(PAINT_ID)
        assert channel is not None
        made = [
            standin.interactions.open(
                InteractionKind.COMMAND, MEMBER_ID, channel, {"type": 1}, locale="en-US", name="x"
            )
            for _ in range(2)
        ]
        standin.interactions.acknowledge(made[0], 5)
        standin.interactions.set_state(made[0], State.THINKING)
    async with opened(tmp_path) as (standin, _):
        assert standin.interactions.webhook(made[0].token).id == made[0].id
        failed = standin.interactions.get(made[1].id)
        assert failed is not None and failed.state is State.FAILED
