"""Show what is stored of a member, and erase it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from bot.accounts.permissions import Action, Actor, Permissions
from bot.jobs.active import ActiveJobs
from bot.jobs.cancellation import CancellationService
from bot.pictures.recent import RecentPictures
from bot.request.outcomes import NotAllowed, NotErasable, ProposalClosed, Refused
from storage.erasure.erase import Erased, Erasing
from storage.erasure.export import PersonalData
from storage.errors import IllegalTransition, UnknownRow
from storage.proposals import Proposals
from storage.types import Place

log = structlog.get_logger(__name__)

_QUESTION: Final = "erase"


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """How much is stored of a member, on all servers. settings: of delivery and of requests."""

    pictures: int
    requests: int
    presets: int
    stars: int
    reports: int
    settings: int


@dataclass(frozen=True, slots=True)
class ErasureQuestion:
    """What would be erased of a member on one server; its buttons carry the question's id."""

    id: int
    user_id: int
    counts: StoredCounts


@dataclass(frozen=True, slots=True)
class ErasureDone:
    """What was erased. user_id: whose. cancelled: unfinished jobs. messages: of the bot, which are
    being deleted now."""

    user_id: int
    pictures: int
    cancelled: int
    messages: int


class ErasureService:
    """Erases members and servers, and tells everybody who still has something of them in memory.

    forget_card(picture_id): a card with words of the member is to be shown anew.
    forget_typed(user_id): what a member wrote is not to be suggested any more.
    forget_server(guild_id): nothing that its admins decided holds any more. erased(): the rest,
    messages and files, is to be done now.
    """

    def __init__(
        self,
        erasing: Erasing,
        personal_data: PersonalData,
        proposals: Proposals,
        cancellation: CancellationService,
        active: ActiveJobs,
        recent: RecentPictures,
        permissions: Permissions,
        *,
        forget_card: Callable[[int], object],
        forget_typed: Callable[[int], object],
        forget_server: Callable[[int], object],
        erased: Callable[[], object],
    ) -> None:
        self._erasing = erasing
        self._personal_data = personal_data
        self._proposals = proposals
        self._cancellation = cancellation
        self._active = active
        self._recent = recent
        self._permissions = permissions
        self._forget_card = forget_card
        self._forget_typed = forget_typed
        self._forget_server = forget_server
        self._erased = erased

    async def stored(self, user_id: int, guild_id: int | None = None) -> StoredCounts:
        """Return how much is stored of a user, on one server or, with None, on all."""
        rows = await self._personal_data.counts(user_id, guild_id)
        return StoredCounts(
            pictures=rows["pictures"],
            requests=rows["jobs"] + rows["proposals"] + rows["list_pages"],
            presets=rows["presets"],
            stars=rows["stars"],
            reports=rows["reports"],
            settings=rows["user_settings"] + rows["request_defaults"] + rows["threads"],
        )

    async def erase_own(self, actor: Actor) -> ErasureDone:
        """Erase everything of the actor, on all servers. Raises StorageError."""
        return await self._erase(actor.user_id, None)

    async def ask(
        self, actor: Actor, user_id: int, *, out_of_reach: bool
    ) -> ErasureQuestion | Refused:
        """Ask an admin back before everything of a member on this server is erased.

        out_of_reach: the member's rank protects them from this admin.
        """
        refused = self._refusal(actor, user_id, out_of_reach=out_of_reach)
        if refused is not None:
            return refused
        place = Place(actor.guild_id, actor.channel_id, actor.user_id)
        question = await self._proposals.ask(place, json.dumps({_QUESTION: user_id}))
        return ErasureQuestion(question.id, user_id, await self.stored(user_id, actor.guild_id))

    async def asked_about(self, actor: Actor, question_id: int) -> int | Refused:
        """Return whom the actor's question is about; refused if it cannot be answered any more."""
        question = await self._proposals.get(question_id)
        own = question is not None and (
            (question.place.user_id, question.place.guild_id) == (actor.user_id, actor.guild_id)
        )
        user_id = json.loads(question.batch).get(_QUESTION) if question and own else None
        if not isinstance(user_id, int):
            return Refused(ProposalClosed(answered=False))
        return user_id

    async def erase_member(
        self, actor: Actor, question_id: int, *, out_of_reach: bool
    ) -> ErasureDone | Refused:
        """Erase a member from this server, as the question said. Raises StorageError."""
        user_id = await self.asked_about(actor, question_id)
        if isinstance(user_id, Refused):
            return user_id
        refused = self._refusal(actor, user_id, out_of_reach=out_of_reach)
        if refused is not None:
            return refused
        try:
            await self._proposals.decline(question_id)  # it has been answered
        except (IllegalTransition, UnknownRow):
            return Refused(ProposalClosed(answered=True))
        return await self._erase(user_id, actor.guild_id)

    async def erase_server(self, guild_id: int) -> None:
        """Erase everything of a server. Raises StorageError."""
        erased = await self._erasing.server(guild_id)
        self._forget_server(guild_id)
        await self._tell(None, erased)
        log.info("a server was erased", guild=guild_id, pictures=erased.pictures)

    async def _erase(self, user_id: int, guild_id: int | None) -> ErasureDone:
        begun = {
            active.row.id: painting
            for active in self._active
            if active.row.place.user_id == user_id
            and (painting := self._active.begun_painting(active)) is not None
        }
        erased = await self._erasing.person(user_id, guild_id, begun=begun)
        await self._tell(user_id, erased)
        log.info("a person was erased", pictures=erased.pictures, messages=erased.messages)
        return ErasureDone(user_id, erased.pictures, len(erased.jobs), erased.messages)

    async def _tell(self, user_id: int | None, erased: Erased) -> None:
        people = {(job.place.user_id, job.place.guild_id) for job in erased.jobs}
        if user_id is not None:
            people |= {(user_id, guild_id) for guild_id in erased.guild_ids}
            self._forget_typed(user_id)
        for each in people:
            self._recent.forget(*each)
        for picture_id in erased.reported:
            self._forget_card(picture_id)
        self._erased()
        await self._cancellation.stop_ended(erased.jobs)

    def _refusal(self, actor: Actor, user_id: int, *, out_of_reach: bool) -> Refused | None:
        if not self._permissions.allows(actor, Action.ERASE_ANY):
            return Refused(NotAllowed(Action.ERASE_ANY))
        owners = self._permissions.owners
        protected = user_id in owners or (out_of_reach and actor.user_id not in owners)
        if protected and user_id != actor.user_id:
            return Refused(NotErasable(user_id))
        return None
