"""A record of everything that was ever posted, including what was deleted, for counting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.playground.model import Message, MessageFlag
from bot.playground.world import (
    ChannelChanged,
    Event,
    MemberChanged,
    MessageCreated,
    MessageDeleted,
)


@dataclass(slots=True)
class Record:
    """One message that was ever created.

    reader_id: the only user who sees it, None for everyone in the channel. answers_id: the
    interaction it responds to. files: the name of every file it ever showed, each once, in order:
    an edit that shows the same file again adds nothing. showing: those it shows now. texts: every
    text it ever contained, each once, including components and alt texts. gone: it was deleted, or
    its channel was.
    """

    id: int
    channel_id: int
    author_id: int
    created_at: datetime
    reader_id: int | None
    answers_id: int | None
    flags: MessageFlag
    files: list[str] = field(default_factory=list[str])
    showing: list[str] = field(default_factory=list[str])
    texts: list[str] = field(default_factory=list[str])
    edits: int = 0
    gone: bool = False


class Audit:
    """Every message of the world, in order of creation; nothing is ever removed."""

    def __init__(self) -> None:
        self.records: dict[int, Record] = {}

    def by_author(self, author_id: int) -> list[Record]:
        """Return everything that one account ever posted."""
        return [each for each in self.records.values() if each.author_id == author_id]

    def record(self, event: Event) -> None:
        """Record one change of the world."""
        if isinstance(event, MemberChanged):
            return
        if isinstance(event, ChannelChanged):
            if event.gone:
                self._mark_deleted({event.channel.id, *event.threads})
            return
        message = event.message
        record = self.records.get(message.id)
        if isinstance(event, MessageCreated):
            record = self.records[message.id] = _record(message)
        elif record is None:
            return
        elif isinstance(event, MessageDeleted):
            record.gone = True
            return
        else:
            record.edits += 1
            record.flags = message.flags
        record.showing = [each.filename for each in message.attachments]
        _add(record.files, (each.filename for each in message.attachments))
        alt = [each.description for each in message.attachments]
        _add(record.texts, _strings([message.content, message.embeds, message.components, alt]))

    def _mark_deleted(self, channel_ids: set[int]) -> None:
        for record in self.records.values():
            if record.channel_id in channel_ids:
                record.gone = True


def _record(message: Message) -> Record:
    return Record(
        id=message.id,
        channel_id=message.channel_id,
        author_id=message.author_id,
        created_at=message.created_at,
        reader_id=message.reader_id,
        answers_id=None if message.origin is None else int(message.origin["id"]),
        flags=message.flags,
    )


def _add(known: list[str], new: Iterable[str]) -> None:
    known.extend(each for each in dict.fromkeys(new) if each and each not in known)


def _strings(value: Any) -> Iterator[str]:
    """Yield every string in a piece of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, Mapping):
        yield from _strings(list(value.values()))
