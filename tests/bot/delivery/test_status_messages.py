"""A status message is edited by the way that is open, once, and notes on it are tried again."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from bot.delivery.cards import SentCard
from bot.delivery.messenger import (
    REPLY_TOKEN_LIFE,
    Address,
    Obstacle,
    TemporaryFailure,
    Undeliverable,
)
from bot.delivery.status_messages import (
    NO_ACCESS,
    RETRY_S,
    StatusEditor,
    StatusNotes,
    token_lives,
    ways,
)
from tests.fakes import EPOCH, Call, FakeClock, FakeMessenger, a_request, until

STATUS = Address(1, 2, 77, reply_token="token", token_since=EPOCH)
HIDDEN = dataclasses.replace(STATUS, ephemeral=True)
UNTOLD = dataclasses.replace(STATUS, reply_token=None)
CARD = SentCard(a_request(), 3)
SPENT = EPOCH + REPLY_TOKEN_LIFE


def closed(obstacle: Obstacle = Obstacle.FORBIDDEN) -> Undeliverable:
    """Return a refusal."""
    return Undeliverable(obstacle, "closed")


class Discord(FakeMessenger):
    """Refuses the bot's own way, the token's way, or both, as a test sets it."""

    def __init__(self) -> None:
        super().__init__()
        self.own: Exception | None = None
        self.token: Exception | None = None
        self.clock = FakeClock()
        self.editor = StatusEditor(self, self.clock)
        self.rule = lambda call: self.token if call.way == "token" else self.own

    @property
    def tried(self) -> list[str]:
        """The ways that were tried since the last look, in order."""
        found = [call.way for call in self.calls]
        self.calls.clear()
        return found


def names(found: tuple[Address, ...]) -> list[str]:
    """Return the ways in the words of `Call.way`."""
    return [Call("edit", each).way for each in found]


@pytest.mark.parametrize(
    ("status", "late", "expected"),
    [
        (STATUS, False, ["edit", "token"]),
        (STATUS, True, ["edit"]),
        (HIDDEN, False, ["token"]),
        (HIDDEN, True, []),
        (UNTOLD, False, ["edit"]),
        (dataclasses.replace(UNTOLD, ephemeral=True), False, []),
    ],
)
def test_which_ways_there_are(status: Address, late: bool, expected: list[str]):
    """Its token reaches a message for fourteen minutes; nothing else reaches an ephemeral one."""
    now = SPENT if late else SPENT - timedelta(seconds=1)
    assert names(ways(status, now, token_first=False)) == expected
    assert names(ways(status, now, token_first=True)) == expected[::-1]
    assert token_lives(status, now) == ("token" in expected)


async def test_what_the_bot_may_edit_takes_no_token():
    """Where nothing is closed there is one edit, the bot's own."""
    discord = Discord()
    assert not await discord.editor.edit(STATUS, CARD)
    assert discord.tried == ["edit"] and discord.messages == {77: [CARD]}


@pytest.mark.parametrize("obstacle", sorted(NO_ACCESS))
async def test_a_closed_channel_leaves_the_token(obstacle: Obstacle):
    """Refused in its own way, the bot edits by the token, which comes first the next time."""
    discord = Discord()
    discord.own = closed(obstacle)
    assert await discord.editor.edit(STATUS, CARD)
    assert discord.tried == ["edit", "token"]
    assert await discord.editor.edit(STATUS, CARD)
    assert discord.tried == ["token"] and discord.messages == {77: [CARD, CARD]}


async def test_a_spent_token_leaves_the_bots_own_way():
    """If Discord no longer knows the token, the bot's own way is tried, and comes first again."""
    discord = Discord()
    discord.own = closed()
    await discord.editor.edit(STATUS, CARD)
    discord.own, discord.token = None, closed(Obstacle.MESSAGE_GONE)
    assert discord.tried == ["edit", "token"]
    for tried in (["token", "edit"], ["edit"]):
        assert not await discord.editor.edit(STATUS, CARD)
        assert discord.tried == tried


@pytest.mark.parametrize("token_first", [False, True])
async def test_where_both_are_closed_the_bots_own_reason_counts(token_first: bool):
    """A token that has died does not turn a closed channel into a deleted message."""
    discord = Discord()
    discord.own = closed()
    if token_first:
        await discord.editor.edit(STATUS, CARD)
    discord.token = closed(Obstacle.MESSAGE_GONE)
    with pytest.raises(Undeliverable) as refused:
        await discord.editor.edit(STATUS, CARD)
    assert refused.value.obstacle is Obstacle.FORBIDDEN


@pytest.mark.parametrize("obstacle", sorted(set(Obstacle) - NO_ACCESS))
async def test_what_is_wrong_with_the_message_takes_no_token(obstacle: Obstacle):
    """A deleted message or a card that Discord rejects is no matter of access."""
    discord = Discord()
    discord.own = closed(obstacle)
    with pytest.raises(Undeliverable) as refused:
        await discord.editor.edit(STATUS, CARD)
    assert refused.value.obstacle is obstacle and discord.tried == ["edit"]


async def test_trouble_is_not_a_closed_door():
    """A temporary failure of either way ends the attempt, to be repeated as a whole."""
    discord = Discord()
    discord.own = TemporaryFailure("503")
    with pytest.raises(TemporaryFailure):
        await discord.editor.edit(STATUS, CARD)
    assert discord.tried == ["edit"]
    discord.own, discord.token = closed(), TemporaryFailure("503")
    for tried in (["edit", "token"], ["token"]):
        with pytest.raises(TemporaryFailure):
            await discord.editor.edit(STATUS, CARD)
        assert discord.tried == tried
    discord.token = None
    assert await discord.editor.edit(STATUS, CARD) and discord.messages == {77: [CARD]}


async def test_an_ephemeral_message_is_never_looked_for_in_its_channel():
    """Nothing is sent for an ephemeral message whose token is spent."""
    discord = Discord()
    assert await discord.editor.edit(HIDDEN, CARD)
    discord.clock.now = SPENT
    with pytest.raises(Undeliverable) as refused:
        await discord.editor.edit(HIDDEN, CARD)
    assert refused.value.obstacle is Obstacle.MESSAGE_GONE and discord.tried == ["token"]


async def test_a_refusal_is_forgotten_when_no_token_is_left_to_use():
    """Where the bot was refused long ago, its own way comes first."""
    discord = Discord()
    discord.own = closed()
    await discord.editor.edit(STATUS, CARD)
    later = dataclasses.replace(STATUS, channel_id=9)
    discord.clock.now = SPENT
    for status in (STATUS, later):
        newer = dataclasses.replace(status, token_since=SPENT)
        assert await discord.editor.edit(newer, CARD)
    assert discord.tried == ["edit", "token", "edit", "token", "edit", "token"]


@pytest.mark.parametrize("failures", [1, len(RETRY_S), len(RETRY_S) + 1])
async def test_a_note_is_tried_a_few_times(failures: int):
    """A note survives some minutes of trouble; the caller does not wait for that."""
    discord = Discord()
    discord.faults = [TemporaryFailure("503")] * failures
    slept: list[float] = []
    go = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await go.wait()
        slept.append(seconds)

    notes = StatusNotes(discord.editor, sleep)
    await notes.write(1, STATUS, CARD)
    assert discord.tried == ["edit"] and discord.messages == {}
    go.set()
    await until(lambda: not notes._retries)
    arrived = failures <= len(RETRY_S)
    assert discord.messages == ({77: [CARD]} if arrived else {})
    assert slept == list(RETRY_S)[:failures]


@pytest.mark.parametrize("error", [closed(), closed(Obstacle.MESSAGE_GONE), ValueError("a defect")])
async def test_a_note_that_will_never_arrive_is_given_up(error: Exception):
    """After a refusal, or a defect of the program, there is no other try."""
    discord = Discord()
    discord.own = error
    notes = StatusNotes(discord.editor)
    await notes.write(1, UNTOLD, CARD)
    assert discord.tried == ["edit"] and not notes._retries


async def test_the_end_waits_for_no_note():
    """Stopping gives up at once what waits for another try."""
    discord = Discord()
    discord.faults = [TemporaryFailure("503")]
    notes = StatusNotes(discord.editor)
    await notes.write(1, STATUS, CARD)
    (retry,) = notes._retries
    async with asyncio.timeout(0.4):
        await notes.stop()
    assert retry.cancelled() and discord.messages == {}
