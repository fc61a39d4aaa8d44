"""Announcements of the bot's owners, on servers whose admins chose a channel for them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final

import structlog

from bot.accounts.permissions import Actor
from bot.delivery.alerts import AnnouncementSent
from bot.delivery.cards import AnnouncementCard
from bot.delivery.messenger import Address, Messenger, TemporaryFailure, Undeliverable
from bot.operation.control import OperationService
from bot.request.outcomes import ProposalClosed, Refused
from bot.request.reasons.operation import AnnouncementEmpty, NoAnnouncementChannels
from storage.announcements import Announcement, AnnouncementPost, Announcements, PostState
from storage.errors import IllegalTransition, StorageError, UnknownRow
from storage.log_channels import LogChannel, LogChannels
from storage.log_entries import LogEvent
from storage.proposals import Proposals
from storage.types import Place

log = structlog.get_logger(__name__)

_WAITS_S: Final = (2.0, 10.0, 30.0)
"""Waits before a post is tried again. All within the minutes in which Discord takes the same nonce
for the same message. Chosen by hand."""
_QUESTION: Final = "announce"


@dataclass(frozen=True, slots=True)
class AnnouncementQuestion:
    """An announcement that is not sent yet, and on how many servers it would be posted."""

    id: int
    text: str
    servers: int


class AnnouncementService:
    """Asks back, posts on one server after another, and goes on after a restart.

    present: returns the servers that the bot is on and serves. locale: returns the language of a
    server. nonce: returns a new text of at most 25 characters each time. told: called with the
    outcome of an announcement that the last process had begun.
    """

    def __init__(
        self,
        stored: Announcements,
        proposals: Proposals,
        operation: OperationService,
        channels: LogChannels,
        messenger: Messenger,
        *,
        present: Callable[[], Collection[int]],
        locale: Callable[[int], str],
        nonce: Callable[[], str],
        told: Callable[[AnnouncementSent], object],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._stored = stored
        self._proposals = proposals
        self._operation = operation
        self._channels = channels
        self._messenger = messenger
        self._present = present
        self._told = told
        self._locale = locale
        self._nonce = nonce
        self._sleep = sleep

    async def ask(self, actor: Actor, text: str) -> AnnouncementQuestion | Refused:
        """Ask an owner back before an announcement is sent. Raises StorageError."""
        if (refused := await self._operation.refusal(actor.user_id)) is not None:
            return refused
        if not (text := text.strip()):
            return Refused(AnnouncementEmpty())
        servers = len(await self._servers())
        if not servers:
            return Refused(NoAnnouncementChannels())
        place = Place(actor.guild_id, actor.channel_id, actor.user_id)
        question = await self._proposals.ask(place, json.dumps({_QUESTION: text}))
        return AnnouncementQuestion(question.id, text, servers)

    async def begin(self, actor: Actor, question_id: int) -> Announcement | Refused:
        """Write down that the answer was yes; `post` follows. Raises StorageError."""
        if (refused := await self._operation.refusal(actor.user_id)) is not None:
            return refused
        question = await self._proposals.get(question_id)
        own = question is not None and question.place.user_id == actor.user_id
        text = json.loads(question.batch).get(_QUESTION) if question and own else None
        if not isinstance(text, str):
            return Refused(ProposalClosed(answered=False))
        try:
            await self._proposals.decline(question_id)  # it has been answered
        except (IllegalTransition, UnknownRow):
            return Refused(ProposalClosed(answered=True))
        return await self._stored.begin(text, await self._servers(), actor.user_id)

    async def post(self, announcement: Announcement) -> AnnouncementSent:
        """Post what is left of an announcement; returns the outcome of all of it.

        On no server it is ever posted twice. Raises StorageError.
        """
        while (post := await self._stored.attempt(announcement.id)) is not None:
            state = await self._post_one(announcement, post)
            if state is not PostState.ATTEMPTED:
                await self._stored.settle(post, state)
        counts = await self._stored.counts(announcement.id)
        await self._stored.finish(announcement.id)
        sent = AnnouncementSent(
            counts[PostState.POSTED], counts[PostState.REFUSED], counts[PostState.ATTEMPTED]
        )
        log.info("announced", detail=str(sent))
        return sent

    async def resume(self) -> None:
        """Post what the last process left, and tell the owners."""
        try:
            for each in await self._stored.unfinished():
                self._told(await self.post(each))
        except StorageError as error:
            log.warning("announcement not finished", detail=str(error))

    async def _servers(self) -> list[int]:
        chosen = await self._stored.channels()
        return sorted(chosen.keys() & set(self._present()))

    async def _post_one(self, announcement: Announcement, post: AnnouncementPost) -> PostState:
        address = Address(post.guild_id, post.channel_id, locale=self._locale(post.guild_id))
        card, nonce = AnnouncementCard(announcement.text), self._nonce()
        for wait_s in (*_WAITS_S, None):
            try:
                await self._messenger.post(address, card, nonce)
            except Undeliverable as error:
                log.info("not announced", server=post.guild_id, detail=error.detail)
                await self._note_problem(post, error.obstacle)
                return PostState.REFUSED
            except TemporaryFailure as error:
                log.info("perhaps not announced", server=post.guild_id, detail=str(error))
                if wait_s is not None:
                    await self._sleep(wait_s)
            else:
                await self._note_problem(post, None)
                return PostState.POSTED
        return PostState.ATTEMPTED

    async def _note_problem(self, post: AnnouncementPost, problem: str | None) -> None:
        """Let the server's admins see whether announcements can be posted in its channel."""
        channel = LogChannel(LogEvent.ANNOUNCEMENTS, post.channel_id)
        await self._channels.set_problem(post.guild_id, channel, problem)
