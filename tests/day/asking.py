"""Sends what members do, many at once, and reads what they are answered."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from discord import InteractionType
from simcord.backend.models import Interaction
from simcord.interactions import base_payload
from simcord.results import InteractionResult, ResponseMessage

from tests.bot.discord.fuzzer import Fuzzer, commands
from tests.bot.discord.harness import BotHarness

LOOK_EVERY_S: Final = 0.01
PATIENCE_S: Final = 300.0
_LAYOUT: Final = 1 << 15
"""The flag of messages that are a layout; refusals are plain text."""
_PICTURE: Final = re.compile(r"(?:SPOILER_)?zimagine-([0-9]+)-")
_CANCEL: Final = re.compile(r"z1:cancel:([0-9]+)")
_EMPTY: Final = "…"
"""Stands in an answer that is about to be replaced by another one."""


class Answer:
    """What came of an interaction, as far as its sender can see."""

    def __init__(self, harness: BotHarness, record: Interaction) -> None:
        self._harness = harness
        self._result = InteractionResult(harness.env, record)
        self.record = record

    @property
    def message(self) -> ResponseMessage | None:
        """The message that answers: the last one, if there are several."""
        followups = self._result.followups
        return followups[-1] if followups else self._result.response

    @property
    def given(self) -> bool:
        """Whether there is an answer, and not only the announcement of one."""
        if not self.record.responded or self.record.loading:
            return False
        return self.record.modal is not None or self.text != _EMPTY

    @property
    def text(self) -> str:
        """All that it says."""
        message = self.message
        return "" if message is None else self._harness.texts(message)

    @property
    def job_id(self) -> int | None:
        """The job that was accepted, by its Cancel button; None if none was."""
        message = self.message
        if message is None or not message.flags.value & _LAYOUT:
            return None
        found = (_CANCEL.match(each) for each in custom_ids(message))
        return next((int(each[1]) for each in found if each), None)

    @property
    def shows_picture(self) -> bool:
        """Whether the answer shows a picture now, or the sheet of several."""
        message = self.message
        names = [] if message is None else [each.filename for each in message.attachments]
        return any(_PICTURE.match(each) for each in names)


def posted_elsewhere(harness: BotHarness, channel_id: int, job_id: int) -> bool:
    """Return whether any message of a channel shows a job's picture, for it could not be shown
    where it was asked for."""
    files = (
        attachment["filename"]
        for message in harness.env.backend.messages.get(channel_id, {}).values()
        for attachment in message.attachments
    )
    return any((found := _PICTURE.match(each)) and int(found[1]) == job_id for each in files)


class Asker(Fuzzer):
    """A member's client in one channel, for any number of interactions at once."""

    def __init__(self, harness: BotHarness, channel: Any = None) -> None:
        super().__init__(harness)
        self.channel_id = (channel or harness.channel).id
        self._waiting: list[tuple[Answer, asyncio.Future[None]]] = []
        self._looking: asyncio.Task[None] | None = None
        self._until_s = 0.0
        self.dead = asyncio.Event()
        """Set when the bot is killed: nobody waits for its answers any more."""

    def command(self, name: str) -> Any:
        """Return a command of the running bot."""
        tree = self.harness.app.client.tree
        return next(each for each in commands(tree.get_commands()) if each.qualified_name == name)

    async def ask(self, actor: Any, name: str, **options: Any) -> Answer:
        """Run a command and wait until it is answered."""
        return Answer(self.harness, await self.use(actor, self.command(name), options))

    async def send(
        self, actor: Any, kind: InteractionType, data: Any, message: Any = None
    ) -> Interaction:
        """Send an interaction; the record has no response if the bot died before."""
        record, payload = base_payload(
            self.backend,
            type=kind.value,
            channel_id=self.channel_id,
            guild_id=self.guild_id,
            user_id=actor.id,
            data=data,
        )
        if message is not None:
            record.source_message_id = int(message["id"])
            payload["message"] = message
        self.backend.emit("INTERACTION_CREATE", payload)
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((Answer(self.harness, record), done))
        self._until_s = time.monotonic() + PATIENCE_S
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await done
        return record

    async def _look(self) -> None:
        """Look for answers, for all who wait: a timer for each of hundreds would take long."""
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            for answer, done in waiting:
                if done.done():
                    continue
                if answer.given or self.dead.is_set():
                    done.set_result(None)
                elif time.monotonic() > self._until_s:
                    done.set_exception(TimeoutError(f"not answered: {answer.record}"))
                else:
                    self._waiting.append((answer, done))
            await asyncio.sleep(LOOK_EVERY_S)


def custom_ids(message: ResponseMessage) -> Iterator[str]:
    """Yield the custom_ids of a message's components."""
    todo: list[Mapping[str, Any]] = list(message.components)
    while todo:
        part = todo.pop(0)
        if "custom_id" in part:
            yield str(part["custom_id"])
        todo += [*part.get("components", ()), *filter(None, [part.get("accessory")])]
