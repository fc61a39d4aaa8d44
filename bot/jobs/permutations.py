"""Choices in braces: what they would make is asked about, and painted once it is agreed to."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakValueDictionary

import structlog
from pydantic import TypeAdapter, ValidationError

from bot.accounts.permissions import Person
from bot.jobs.generation import ACCEPT_LIMIT_S, Painter
from bot.jobs.submission import Wanted, spent
from bot.jobs.variations import like
from bot.request.apply_flags import Asked, every, written
from bot.request.outcomes import (
    Accepted,
    ManyChoices,
    OutOfRange,
    QuestionOver,
    Refused,
    StorageTrouble,
)
from bot.request.params import Wish
from bot.request.resolve import Seeds, compose
from engine.prompts import clean
from engine.series import MAX_PICTURES
from engine.types import ImageRequest, Recipe
from storage.errors import IllegalTransition, StorageError, UnknownRow
from storage.proposals import Proposal, Proposals, ProposalState
from storage.quotas import Quotas
from storage.types import Place, QuotaExceeded, QuotaPolicy, QuotaStatus

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asking:
    """What a question is about, as it is stored: a wish with all its choices."""

    wish: Wish
    count: int
    private: bool
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Proposed:
    """A question to be asked. texts: each prompt with its flags, in order.

    quota: as it is before. duration_s: how long painting them takes, None if nothing is known.
    """

    proposal_id: int
    texts: tuple[str, ...]
    pictures: int
    quota: QuotaStatus
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class Taken:
    """All the jobs of a question, and the prompt of each with its flags. No message shows them."""

    jobs: tuple[Accepted, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Decided:
    texts: tuple[str, ...]
    wanted: tuple[Wanted, ...]

    @property
    def pictures(self) -> int:
        return sum(each.count for each in self.wanted)

    @property
    def work(self) -> float:
        """In megapixel-steps."""
        return sum(each.composed.request.work * each.count for each in self.wanted)


class Choices:
    """Asks before many pictures are painted; a question is answered once, and only by its person.

    It lives in the database, so that its buttons work after a restart. Whatever would keep its
    pictures from being accepted is said at once, instead of the question.
    """

    def __init__(
        self,
        painter: Painter,
        proposals: Proposals,
        quotas: Quotas,
        fallback: QuotaPolicy,
        seeds: Seeds,
    ) -> None:
        self._painter = painter
        self._proposals = proposals
        self._quotas = quotas
        self._fallback = fallback
        self._seeds = seeds
        # Of those that are being answered: who presses twice hears of the first press's end.
        self._answering: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def propose(self, person: Person, many: ManyChoices) -> Proposed | Refused:
        """Write down what is asked for; nothing is charged or held for it."""
        asking = Asking(_cleaned(many.wish), many.count, many.private, many.parent_id)
        try:
            async with asyncio.timeout(ACCEPT_LIMIT_S):
                decided = await self._decided(person, asking)
                if isinstance(decided, Refused):
                    return decided
                barred = await self._painter.barred(person)
                refused = barred or self._painter.check(person, decided.wanted)
                return refused or await self._asked(person, asking, decided)
        except TimeoutError:
            log.warning("the database took too long")
            return Refused(StorageTrouble())
        except StorageError as error:
            return self._trouble(error)

    async def take(self, person: Person, proposal_id: int) -> Taken | Refused:
        """Accept and charge everything that the question is about, or nothing of it.

        All is decided anew: the quota, the queue, or the picture it starts from may have changed.
        """
        lock = self._answering.setdefault(proposal_id, asyncio.Lock())
        async with lock:
            try:
                asking = await self._open(person, proposal_id)
                if isinstance(asking, Refused):
                    return asking
                decided = await self._decided(person, asking)
            except StorageError as error:
                return self._trouble(error)
            if isinstance(decided, Refused):
                return decided
            # No message will show the jobs: they are not to be looked for by this token.
            quiet = dataclasses.replace(person, reply_token=None)
            jobs = await self._painter.accept_all(quiet, decided.wanted, proposal_id)
        return jobs if isinstance(jobs, Refused) else Taken(jobs, decided.texts)

    async def decline(self, person: Person, proposal_id: int) -> Refused | None:
        """Close the question; None where nothing comes of it, if it was open or not."""
        lock = self._answering.setdefault(proposal_id, asyncio.Lock())
        async with lock:
            try:
                asking = await self._open(person, proposal_id)
                if isinstance(asking, Refused):
                    return asking if asking == Refused(QuestionOver(answered=True)) else None
                await self._proposals.decline(proposal_id)
            except (IllegalTransition, UnknownRow):  # this very moment too old
                return None
            except StorageError as error:
                return self._trouble(error)
        return None

    async def _asked(self, person: Person, asking: Asking, decided: _Decided) -> Proposed | Refused:
        place = Place(person.guild_id, person.channel_id, person.user_id)
        exceeded = await self._quotas.refusal(place, self._fallback, decided.pictures)
        if isinstance(exceeded, QuotaExceeded):
            return spent(exceeded)
        quota = await self._quotas.status(person.guild_id, person.user_id, self._fallback)
        proposal = await self._proposals.ask(place, _to_json(asking))
        duration_s = self._painter.engine.estimator.seconds(decided.work)
        return Proposed(proposal.id, decided.texts, decided.pictures, quota, duration_s)

    async def _open(self, person: Person, proposal_id: int) -> Asking | Refused:
        found = await self._proposals.get(proposal_id)
        if found is None or not _is_for(person, found):
            return Refused(QuestionOver(answered=False))
        if found.state is not ProposalState.OPEN:
            return Refused(QuestionOver(found.state is ProposalState.TAKEN))
        try:
            return _from_json(found.wish)
        except ValidationError as error:  # another version wrote it
            log.warning("question not read", proposal=proposal_id, detail=str(error)[:200])
            return Refused(QuestionOver(answered=False))

    async def _decided(self, person: Person, asking: Asking) -> _Decided | Refused:
        """Every wish made precise, with seeds of its own where none is given."""
        original, private = None, False
        if asking.parent_id is not None:
            found = await self._painter.find(person, str(asking.parent_id), anyones=True)
            if isinstance(found, Refused):
                return found
            original, private = Recipe.from_json(found.recipe).request, found.private
        # Not on the loop, as in Painter.imagine: these are up to ten prompts.
        return await asyncio.to_thread(self._all_made, asking, original, private)

    def _all_made(
        self, asking: Asking, original: ImageRequest | None, private: bool
    ) -> _Decided | Refused:
        texts = written(asking.wish.prompt)
        if isinstance(texts, Refused):
            return texts
        asked = every(asking.wish, asking.count, asking.private)
        if isinstance(asked, Refused):
            return asked
        wanted: list[Wanted] = []
        for each in asked:
            made = self._made(each, original)
            if isinstance(made, Refused):
                return made
            own = private or each.private
            wanted.append(dataclasses.replace(made, private=own, parent_id=asking.parent_id))
        return _Decided(texts, tuple(wanted))

    def _made(self, asked: Asked, original: ImageRequest | None) -> Wanted | Refused:
        if not 1 <= asked.count <= MAX_PICTURES:
            return Refused(OutOfRange("count", asked.count, 1, MAX_PICTURES))
        wish = asked.wish if original is None else like(asked.wish, original)
        if isinstance(wish, Refused):
            return wish
        painter = self._painter
        composed = compose(wish, painter.family, self._seeds, painter.engine.count_tokens)
        return composed if isinstance(composed, Refused) else Wanted(composed, asked.count)

    def _trouble(self, error: StorageError) -> Refused:
        self._painter.trouble(error)
        return Refused(StorageTrouble())


def _is_for(person: Person, proposal: Proposal) -> bool:
    place = proposal.place
    return (place.guild_id, place.user_id) == (person.guild_id, person.user_id)


def _cleaned(wish: Wish) -> Wish:
    """Without what cannot be stored or seen; composing would do the same."""
    negative = None if wish.negative is None else clean(wish.negative)
    return dataclasses.replace(wish, prompt=clean(wish.prompt), negative=negative)


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Asking]:
    return TypeAdapter(Asking)


def _to_json(asking: Asking) -> str:
    return _adapter().dump_json(asking).decode()


def _from_json(text: str) -> Asking:
    """Raises ValidationError."""
    return _adapter().validate_json(text)
