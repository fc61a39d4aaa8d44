"""The chat on disk: what was said and pressed survives a restart of the playground."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.playground import chat_rows
from bot.playground.interactions import Interaction, InteractionKind
from bot.playground.model import Channel, ChannelType, Message
from bot.playground.registry import Command
from bot.playground.shapes import message_json
from bot.playground.standin_parts import StandIn
from bot.playground.world import ChannelChanged, Event, MemberChanged, MessageDeleted, World

FILE_NAME: Final = "chat.db"
DAMAGED_NAME: Final = "chat.damaged.db"
FORMAT: Final = 1
"""A file with a higher number is from a newer version, and is set aside like a damaged one."""
WRITE_EVERY_S: Final = 0.5
"""How long changes are collected: at most this much is lost if the playground is killed, and a
picture's progress is not written step by step. Chosen by hand."""

Report = Callable[[str], None]
Rows = Mapping[tuple[str, int], str]
_BAD_ROW: Final = (KeyError, TypeError, ValueError, AttributeError, RecursionError)


class _Unreadable(Exception):
    """The file holds no chat that this version can read."""


@dataclass(frozen=True, slots=True)
class _Content:
    """A whole chat, decoded."""

    channels: list[Channel]
    messages: list[Message]
    interactions: list[Interaction]
    commands: list[Command]


class ChatFile:
    """One SQLite file with a row per channel, message, interaction and command. Blocking."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Created here, so that nobody else can read it, whatever the umask is.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(path, check_same_thread=False)

    def read(self) -> Rows:
        """Return every row. Raises _Unreadable, also for a newer format."""
        try:
            (found,) = self._db.execute("PRAGMA user_version").fetchone()
            if found > FORMAT:
                raise _Unreadable(f"it has the newer format {found}")
            with self._db:
                self._db.execute(
                    "CREATE TABLE IF NOT EXISTS items"
                    " (kind TEXT, id INTEGER, json TEXT, PRIMARY KEY (kind, id))"
                )
                self._db.execute(f"PRAGMA user_version = {FORMAT}")
            rows = self._db.execute("SELECT kind, id, json FROM items ORDER BY id").fetchall()
        except (sqlite3.Error, UnicodeError) as error:
            raise _Unreadable(str(error)) from None
        return {(kind, number): text for kind, number, text in rows}

    def write(self, rows: Mapping[tuple[str, int], str | None], oldest_interaction: int) -> None:
        """Replace rows; None removes one. Raises sqlite3.Error."""
        with self._db:
            for (kind, number), text in rows.items():
                if text is None:
                    self._db.execute("DELETE FROM items WHERE kind = ? AND id = ?", (kind, number))
                else:
                    self._db.execute("REPLACE INTO items VALUES (?, ?, ?)", (kind, number, text))
            self._db.execute(
                "DELETE FROM items WHERE kind = 'interaction' AND id < ?", (oldest_interaction,)
            )

    def close(self) -> None:
        """Close the file."""
        self._db.close()


class ChatRecorder:
    """Listens to a stand-in and writes what changed, at most every WRITE_EVERY_S seconds.

    seeded: ids of the channels that exist at every start. report: called with one sentence if
    nothing can be stored any more.
    """

    def __init__(self, standin: StandIn, file: ChatFile, seeded: set[int], report: Report) -> None:
        self._standin = standin
        self._file = file
        self._report = report
        self._seeded = seeded
        self._changed: dict[tuple[str, int], Callable[[], Any] | None] = {}
        self._commands: set[int] = {each.id for each in standin.registry.every()}
        self._news = asyncio.Event()
        self._broken = False
        standin.world.listen(self._world_changed)
        standin.world.on_forget(lambda message: self._note("message", message.id, None))
        standin.interactions.listen(self._interaction_changed)
        standin.on_commands.append(self._commands_changed)

    async def run(self) -> None:
        """Write changes until cancelled."""
        while True:
            await self._news.wait()
            await asyncio.sleep(WRITE_EVERY_S)
            await self.flush()

    async def flush(self) -> None:
        """Write what has changed since the last time."""
        self._news.clear()
        changed, self._changed = self._changed, {}
        if not changed or self._broken:
            return
        rows = {key: None if row is None else json.dumps(row()) for key, row in changed.items()}
        try:
            await asyncio.to_thread(self._file.write, rows, self._standin.interactions.oldest_id)
        except sqlite3.Error as error:  # the disk is full, or the file was damaged meanwhile
            self._broken = True
            self._report(f"The chat of the playground is no longer stored: {error}.")

    def _note(self, kind: str, number: int, row: Callable[[], Any] | None) -> None:
        self._changed[kind, number] = row
        self._news.set()

    def _world_changed(self, event: Event) -> None:
        if isinstance(event, MemberChanged | MessageDeleted):  # a deleted one is also forgotten
            return
        if isinstance(event, ChannelChanged):
            for number in (event.channel.id, *event.threads) if event.gone else ():
                self._note("channel", number, None)
            if not event.gone:
                self._channel_changed(event.channel)
            return
        message = event.message
        self._note("message", message.id, lambda: chat_rows.message_row(message))
        if (channel := self._standin.world.channel(message.channel_id)) is not None:
            self._channel_changed(channel)
        if message.origin is not None:
            origin = self._standin.interactions.get(int(message.origin["id"]))
            if origin is not None:
                self._interaction_changed(origin)

    def _channel_changed(self, channel: Channel) -> None:
        if channel.id not in self._seeded:  # those are there at every start
            self._note("channel", channel.id, lambda: chat_rows.channel_row(channel))

    def _interaction_changed(self, interaction: Interaction) -> None:
        if interaction.kind is not InteractionKind.AUTOCOMPLETE:
            row = lambda: chat_rows.interaction_row(interaction)  # noqa: E731
            self._note("interaction", interaction.id, row)

    def _commands_changed(self) -> None:
        now = {each.id: each for each in self._standin.registry.every()}
        for number in self._commands - now.keys():
            self._note("command", number, None)
        for command in now.values():
            self._note("command", command.id, lambda each=command: chat_rows.command_row(each))
        self._commands = set(now)


@asynccontextmanager
async def kept_chat(folder: Path, standin: StandIn, report: Report) -> AsyncIterator[None]:
    """Restore the chat that is stored in a folder into a fresh stand-in, and store it from now on.

    The folder must exist and be private. A file that cannot be read is set aside, with one
    sentence to `report`, and the chat starts empty; if nothing can be stored there, it is kept in
    memory only.
    """
    seeded = {each for guild in standin.world.guilds.values() for each in guild.channels}
    file = _open(folder, standin, report)
    if file is None:
        yield
        return
    recorder = ChatRecorder(standin, file, seeded, report)
    writing = asyncio.create_task(recorder.run(), name="chat")
    try:
        yield
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await recorder.flush()
        file.close()


def _open(folder: Path, standin: StandIn, report: Report) -> ChatFile | None:
    path = folder / FILE_NAME
    try:
        return _restored(path, standin)
    except (_Unreadable, OSError, sqlite3.Error) as error:
        reason = error
    try:
        _set_aside(path)
        file = _restored(path, standin)
    except (_Unreadable, OSError, sqlite3.Error):
        report(f"The chat of the playground cannot be stored in {folder}: {reason}.")
        return None
    report(
        f"The stored chat could not be read ({reason}); it starts empty. "
        f"The old file is now {folder / DAMAGED_NAME}."
    )
    return file


def _set_aside(path: Path) -> None:
    """Rename the file, in place of one that was set aside before."""
    target = path.with_name(DAMAGED_NAME)
    if target.is_dir():
        shutil.rmtree(target)
    path.replace(target)
    for ending in ("-journal", "-wal", "-shm"):  # would be applied to the new file
        with contextlib.suppress(OSError):
            path.with_name(path.name + ending).unlink(missing_ok=True)


def _restored(path: Path, standin: StandIn) -> ChatFile:
    """Open the file and put its content into the stand-in; raises before anything is changed."""
    file = ChatFile(path)
    try:
        rows = file.read()
        try:
            content = _decoded(rows, standin.world)
        except _BAD_ROW as error:
            raise _Unreadable(f"{type(error).__name__}: {error}") from None
        _restore(content, standin)
        # Also those of messages that are gone: an id is never used twice.
        standin.world.ids.skip_past(max((number for _, number in rows), default=0))
    except BaseException:
        file.close()
        raise
    return file


def _of_kind(rows: Rows, kind: str) -> Iterable[dict[str, Any]]:
    return (json.loads(text) for (each, _), text in rows.items() if each == kind)


def _decoded(rows: Rows, world: World) -> _Content:
    """Decode a chat, without what belongs to channels or people that no longer exist."""
    channels = {
        each.id: each
        for each in map(chat_rows.channel_from, _of_kind(rows, "channel"))
        if _has_place(each, world)
    }

    def channel(number: int) -> Channel | None:
        return channels.get(number) or world.channel(number)

    messages = {
        each.id: each
        for each in map(chat_rows.message_from, _of_kind(rows, "message"))
        if channel(each.channel_id) and {each.author_id, *each.mentions} <= world.users.keys()
    }
    for message in messages.values():
        message_json(message, world, "")  # what is broken inside fails here and not in the page
    interactions = (
        chat_rows.interaction_from(row, channel, messages.get)
        for row in _of_kind(rows, "interaction")
    )
    return _Content(
        list(channels.values()),
        list(messages.values()),
        [each for each in interactions if each is not None],
        [chat_rows.command_from(row) for row in _of_kind(rows, "command")],
    )


def _has_place(channel: Channel, world: World) -> bool:
    """Return whether everything that a stored channel belongs to still exists."""
    if channel.type is ChannelType.DM:
        return set(channel.recipients) <= world.users.keys()
    return channel.guild_id in world.guilds and world.channel(channel.parent_id or 0) is not None


def _restore(content: _Content, standin: StandIn) -> None:
    world = standin.world
    for channel in content.channels:
        world.adopt_channel(channel)
    for message in content.messages:
        world.adopt_message(message)
    for interaction in content.interactions:
        standin.interactions.adopt(interaction)
    for command in content.commands:
        standin.registry.adopt(command)
    world.files.keep_only([file for message in content.messages for file in message.attachments])
