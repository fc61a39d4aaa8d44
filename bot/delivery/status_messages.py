"""Edit status messages by the way that is open: as the bot's own message, or by the token of the
interaction that it answered.

Discord refuses a bot its own message in a private thread to which it was not added, and where it
lost a permission since. The token reaches the message even there, for a quarter of an hour. Editing
the same message a second time is harmless, so the one way may follow the other, which a second post
may not.
"""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import datetime
from typing import Final

import structlog

from bot.delivery.cards import Card, KeptCard, MovedCard, SentCard
from bot.delivery.messenger import (
    REPLY_TOKEN_LIFE,
    Address,
    Messenger,
    Obstacle,
    TemporaryFailure,
    Undeliverable,
)
from bot.retry import Sleep
from bot.tasks import end_tasks
from storage.types import Clock

log = structlog.get_logger(__name__)

NO_ACCESS: Final = frozenset({Obstacle.CHANNEL_GONE, Obstacle.FORBIDDEN, Obstacle.ARCHIVED})
"""The bot has no access to the message; other obstacles are the card's or the message's own."""
RETRY_S: Final = (2.0, 5.0, 15.0, 60.0, 300.0)
"""After which waits a note is tried again: most faults of Discord pass within seconds, and it has
to arrive while the token lives. Chosen by judgement, not measured."""
_STOP_LIMIT_S: Final = 0.5
"""How long a cancelled note may take to end. Chosen by hand."""


def token_lives(status: Address, now: datetime) -> bool:
    """Return whether the message can be edited by its token, as far as the clock knows."""
    if status.reply_token is None:
        return False
    return status.token_since is None or now - status.token_since < REPLY_TOKEN_LIFE


def ways(status: Address, now: datetime, *, token_first: bool) -> tuple[Address, ...]:
    """Return the addresses by which the message can be edited, in the order to try them.

    One without a token is the bot's own way, through the channel. Pure.
    """
    own = () if status.ephemeral else (dataclasses.replace(status, reply_token=None),)
    by_token = (status,) if token_lives(status, now) else ()
    return by_token + own if token_first else own + by_token


class StatusEditor:
    """Edits status messages, by the token only where the bot's own way is closed.

    Which channels refused the bot is remembered for as long as a token lives: there the token comes
    first, so that progress is not refused again every three seconds.
    """

    def __init__(self, messenger: Messenger, clock: Clock) -> None:
        self._messenger = messenger
        self._clock = clock
        self._refused_at: dict[int, datetime] = {}

    async def edit(self, status: Address, card: Card) -> bool:
        """Make the message show the card; return whether only the token could do that.

        Raises Undeliverable if every way is closed, for the reason that the bot's own way is, and
        TemporaryFailure as soon as one of them fails for the moment: whatever that one did, the
        same edit may be repeated.
        """
        refused: Undeliverable | None = None
        for way in ways(status, self._clock(), token_first=self._is_refused(status.channel_id)):
            own = way.reply_token is None
            try:
                await self._messenger.edit(way, card)
            except Undeliverable as error:
                if own and error.obstacle not in NO_ACCESS:
                    raise
                if own:
                    self._remember(status.channel_id)
                log.debug("status not edited", own=own, detail=str(error))
                refused = error if own or refused is None else refused
            else:
                if own:
                    self._refused_at.pop(status.channel_id, None)
                return not own
        raise refused or Undeliverable(Obstacle.MESSAGE_GONE, "the interaction's token is spent")

    def _is_refused(self, channel_id: int) -> bool:
        at = self._refused_at.get(channel_id)
        return at is not None and abs(self._clock() - at) < REPLY_TOKEN_LIFE

    def _remember(self, channel_id: int) -> None:
        for known in [each for each in self._refused_at if not self._is_refused(each)]:
            del self._refused_at[known]
        self._refused_at[channel_id] = self._clock()


class StatusNotes:
    """Says on status messages that the result is elsewhere, or was not shown.

    By then the delivery is completed, durably, and nothing of this is: a note is tried at once, and
    after a temporary failure a few times more, in the background. A note that is still missing when
    the process ends is never written; its message keeps a Cancel button that cancels nothing.
    """

    def __init__(self, editor: StatusEditor, sleep: Sleep = asyncio.sleep) -> None:
        self._editor = editor
        self._sleep = sleep
        self._retries: set[asyncio.Task[None]] = set()

    async def write(
        self, job_id: int, status: Address, card: MovedCard | SentCard | KeptCard
    ) -> None:
        """Replace what the status message shows; raises nothing, whatever Discord says."""
        if status.message_id is None or await self._is_over(job_id, status, card):
            return
        retries = asyncio.create_task(self._try_again(job_id, status, card), name=f"note-{job_id}")
        self._retries.add(retries)
        retries.add_done_callback(self._retries.discard)

    async def stop(self) -> None:
        """Give up the notes that are waiting for another try."""
        await end_tasks(list(self._retries), _STOP_LIMIT_S)

    async def _try_again(self, job_id: int, status: Address, card: Card) -> None:
        for wait_s in RETRY_S:
            await self._sleep(wait_s)
            if await self._is_over(job_id, status, card):
                return

    async def _is_over(self, job_id: int, status: Address, card: Card) -> bool:
        """Try once; return whether it succeeded or never will."""
        try:
            await self._editor.edit(status, card)
        except TemporaryFailure as error:
            log.info("status message not replaced yet", job=job_id, detail=str(error))
            return False
        except Undeliverable as error:
            log.info("status message not replaced", job=job_id, detail=str(error))
        except Exception as error:  # a bug in this program: the result itself has arrived
            log.error("status message not replaced", job=job_id, exc_info=error)
        return True
