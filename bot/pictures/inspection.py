"""Looking things up: who waits for what, how a picture was made, what a file says of itself."""

from __future__ import annotations

import asyncio
import dataclasses
import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.accounts.permissions import Action, Actor, Permissions
from bot.jobs.active import ActiveJob, ActiveJobs
from bot.pictures.embedded_recipe import UnreadableReason, UnreadableRecipe, read_recipe
from bot.pictures.filenames import job_id_of
from bot.request import flags
from bot.request.apply_flags import apply_flags_to_each
from bot.request.ids import parse_id
from bot.request.notes import StyleIgnored
from bot.request.outcomes import NoPictures, Refused, UnknownPicture
from bot.request.params import GenerationParams
from bot.request.resolve import resolve
from engine import prompts
from engine.diffusion.families import Family
from engine.prompts import Analysis, Enhancement, EnhancementLevel, PictureStyle
from engine.service import Engine
from engine.types import ImageRequest, Recipe
from engine.uploads import UploadLimits, UploadRefused, UploadTooLarge
from storage.deliveries import Deliveries
from storage.history import History
from storage.jobs import Jobs
from storage.types import Clock, Job, StoredPicture

log = structlog.get_logger(__name__)

NEXT_SHOWN = 5
FETCH_LIMIT_S = 30.0
READ_AT_ONCE = 2
"""A file has its bytes and its pixels in memory while it is read."""
SAME_WORDS = 25
"""So many of a person's pictures with a file's prompt are compared with it, the newest first."""

CanRead = Callable[[int], bool]
"""Whether the person can read the channel of this id."""


def reads_nothing(_channel_id: int) -> bool:
    """Sees no channel but the one that the person is in."""
    return False


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job that is not over. prompt: None where it is not for this reader's eyes.

    ahead: jobs that are painted before it, the one on the GPU included; None: it is on the GPU,
    or about to be shown. ready_at: when it is expected, None if nothing is known.
    """

    id: int
    user_id: int
    pictures: int
    prompt: str | None
    ahead: int | None
    ready_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnQueue:
    """A person's jobs here, in the order in which they will be painted. total: of them in all."""

    jobs: tuple[QueuedJob, ...]
    total: int


@dataclass(frozen=True, slots=True)
class WholeQueue:
    """Everybody's, on all servers: jobs that wait, of how many people, and how many are painted.

    empty_at: when nothing is left to paint, None if nothing is known or there is nothing.
    following: the next jobs of others on this server, for those who may cancel them; None for
    everybody else.
    """

    waiting: int
    people: int
    painting: int
    empty_at: datetime | None
    following: tuple[QueuedJob, ...] | None


@dataclass(frozen=True, slots=True)
class PromptExplanation:
    """What is read out of a prompt, and what the usual level of enhancement makes of it.

    choices: so many prompts its braces make, of which this is the first. pictures: of all of them.
    style: the one that a flag asks for. left: why it is left out, if it is.
    """

    prompt: str
    analysis: Analysis
    enhancement: Enhancement
    level: EnhancementLevel
    max_tokens: int
    choices: int = 1
    pictures: int = 1
    style: PictureStyle | None = None
    left: StyleIgnored | None = None


@dataclass(frozen=True, slots=True)
class PictureDetails:
    """How a picture was made. line: what to copy to ask for it again.

    picture: None where it is known from a file alone. parent_id: the picture that it was painted
    again from. series: the ids of all that were painted with it, in order, itself included.
    from_file: it was read out of a file, whose pixels are untouched.
    """

    recipe: Recipe
    line: str
    picture: StoredPicture | None = None
    parent_id: int | None = None
    series: tuple[int, ...] = ()
    from_file: bool = False


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """A file that somebody points to. size_bytes: as declared. fetch: its bytes, or OSError."""

    name: str
    size_bytes: int
    fetch: Callable[[], Awaitable[bytes]]


class InspectionService:
    """Only reads. What is private is its person's alone; what is not, of those who see its place.

    Without that second rule people could read the prompts of hidden channels by counting.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        family: Family,
        jobs: Jobs,
        history: History,
        deliveries: Deliveries,
        live: ActiveJobs,
        permissions: Permissions,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._family = family
        self._jobs = jobs
        self._history = history
        self._deliveries = deliveries
        self._live = live
        self._permissions = permissions
        self._clock = clock
        self._reading = asyncio.Semaphore(READ_AT_ONCE)

    # The queue

    def queue_of(self, actor: Actor) -> OwnQueue:
        """The person's jobs on this server; at most NEXT_SHOWN are told in full."""
        own = [
            live
            for live in self._here(actor)
            if live.row.place.user_id == actor.user_id and not live.finished
        ]
        return OwnQueue(self._next(own, lambda row: row.prompt), len(own))

    def everybodys_queue(self, actor: Actor) -> WholeQueue:
        """How long the queue is; with the next jobs of others here, for who may cancel them."""
        waiting = [each for each in self._live.oldest() if self._waits(each)]
        working = self._engine.current is not None
        following = None
        if self._permissions.allows(actor, Action.CANCEL_ANY):
            others = [
                live
                for live in self._here(actor)
                if live.row.place.user_id != actor.user_id and not live.finished
            ]
            following = self._next(others, lambda row: None if row.private else row.prompt)
        return WholeQueue(
            waiting=len(waiting),
            people=len({each.row.place.user_id for each in waiting}),
            painting=int(working),
            empty_at=self._empty_at() if waiting or working else None,
            following=following,
        )

    def _here(self, actor: Actor) -> list[ActiveJob]:
        return [each for each in self._live if each.row.place.guild_id == actor.guild_id]

    def _waits(self, live: ActiveJob) -> bool:
        return not live.finished and self._engine.queue.get(live.row.id) is not None

    def _next(
        self, jobs: list[ActiveJob], prompt: Callable[[Job], str | None]
    ) -> tuple[QueuedJob, ...]:
        def place(live: ActiveJob) -> int:
            position = self._engine.queue.position(live.row.id)
            return -1 if position is None else position

        return tuple(
            self._queued(live, prompt(live.row))
            for live in heapq.nsmallest(NEXT_SHOWN, jobs, key=place)
        )

    def _queued(self, live: ActiveJob, prompt: str | None) -> QueuedJob:
        row, current = live.row, self._engine.current
        ahead = self._engine.queue.position(row.id)
        if ahead is not None:
            ahead += current is not None
            wait_s = self._engine.waiting_s(row.id)
        else:
            wait_s = self._left_s() if current is live.handle else None
        return QueuedJob(
            row.id, row.place.user_id, row.pictures, prompt, ahead, self._moment(wait_s)
        )

    def _empty_at(self) -> datetime | None:
        queue = self._engine.queue
        waiting_s = self._engine.estimator.seconds(len(queue) * queue.mean_work)
        left_s = self._left_s()
        if waiting_s is None or left_s is None:
            return None
        return self._moment(waiting_s + left_s)

    def _left_s(self) -> float | None:
        """What the job on the GPU still takes."""
        current = self._engine.current
        if current is None:
            return self._engine.estimator.seconds(0.0)
        done = current.latest
        left = 1.0 if done is None else 1 - done.step / done.steps
        return self._engine.estimator.seconds(current.work * left)

    def _moment(self, wait_s: float | None) -> datetime | None:
        return None if wait_s is None else self._clock() + timedelta(seconds=wait_s)

    # A prompt

    def explain(self, prompt: str) -> PromptExplanation | Refused:
        """Take a prompt apart before a picture is spent on it."""
        asked = apply_flags_to_each(
            GenerationParams(prompt, enhance=EnhancementLevel.OFF), 1, False
        )
        if isinstance(asked, Refused):
            return asked
        plain = dataclasses.replace(asked[0].params, enhance=EnhancementLevel.OFF)
        resolved = resolve(plain, self._family, lambda: 0)
        if isinstance(resolved, Refused):
            return resolved
        family, request, count = self._family, resolved.request, self._engine.count_tokens
        text = request.prompt
        enhanced = prompts.enhance(
            prompts.as_read(text, request.effective_prompt, request.style),
            negative="",
            level=family.enhance,
            style=family.style,
            negative_works=True,
            count=count,
            max_tokens=family.max_tokens,
        )
        analysis = prompts.analyse(text, count=count, max_tokens=family.max_tokens)
        added = prompts.addition(text, enhanced.effective_prompt)
        enhanced = dataclasses.replace(enhanced, added=added)
        left = next((each for each in resolved.notes if isinstance(each, StyleIgnored)), None)
        return PromptExplanation(
            text,
            analysis,
            enhanced,
            family.enhance,
            family.max_tokens,
            choices=len(asked),
            pictures=sum(each.count for each in asked),
            style=request.style,
            left=left,
        )

    # Pictures

    async def latest(self, actor: Actor, sees: CanRead = reads_nothing) -> PictureDetails | Refused:
        """The person's newest picture here."""
        newest = await self._history.latest(actor.user_id, actor.guild_id)
        if newest is None:
            return Refused(NoPictures())
        return await self.details(actor, newest.id, sees)

    async def details(
        self, actor: Actor, picture_id: int | str, sees: CanRead = reads_nothing
    ) -> PictureDetails | Refused:
        """How a picture of this server was made. picture_id: a number, or what was typed for it."""
        number = parse_id(str(picture_id))
        picture = None if number is None else await self._history.get(number)
        if picture is None or not _shown_to(actor, picture, sees):
            return Refused(UnknownPicture(str(picture_id)))
        return await self._details(picture)

    async def of_message(
        self, actor: Actor, message_id: int, files: list[str]
    ) -> PictureDetails | Refused | None:
        """The first picture of a message of ours, which the person sees before them.

        files: the names of what it shows. None where it is no message with our pictures; Refused
        where they are erased.
        """
        named = {job_id: name for name in files if (job_id := job_id_of(name)) is not None}
        for job_id, name in named.items():
            delivery = await self._deliveries.get(job_id)
            # Anybody can call a file so; the message that we know of is ours.
            if delivery is None or message_id not in (
                delivery.result_message_id,
                delivery.message_id,
            ):
                continue
            pictures = await self._history.of_job(job_id)
            if pictures and _shown_to(actor, pictures[0], lambda _: True):
                details = await self._details(pictures[0])
                return dataclasses.replace(details, series=tuple(each.id for each in pictures))
            return Refused(UnknownPicture(name))
        return None

    async def _details(self, picture: StoredPicture) -> PictureDetails:
        recipe = Recipe.from_json(picture.recipe)
        job = await self._jobs.get(picture.job_id)
        return PictureDetails(
            recipe=recipe,
            line=flags.flag_line(recipe.request),
            picture=picture,
            parent_id=None if job is None else job.parent_picture_id,
            series=(picture.id,),
        )

    # Files

    async def read_file(
        self, actor: Actor, file: RecipeFile, sees: CanRead = reads_nothing
    ) -> PictureDetails | UnreadableRecipe | UploadRefused:
        """`read_recipe` of a file that is fetched first, unless its declared size is too much."""
        limit_bytes = UploadLimits().bytes
        if file.size_bytes > limit_bytes:
            return UploadTooLarge(file.size_bytes, limit_bytes)
        async with self._reading:
            try:
                async with asyncio.timeout(FETCH_LIMIT_S):
                    data = await file.fetch()
            except OSError as error:  # a timeout is one too
                log.warning("file not fetched", error=str(error) or type(error).__name__)
                return UnreadableRecipe(UnreadableReason.UNREACHABLE)
            return await self.read_recipe(data, actor, file.name, sees)

    async def read_recipe(
        self, data: bytes, actor: Actor, name: str = "", sees: CanRead = reads_nothing
    ) -> PictureDetails | UnreadableRecipe | UploadRefused:
        """The recipe inside a file, if its pixels are those that were painted.

        With the picture itself, where it is one of this server that the person may see: found by
        the file's name, or among their own by its prompt, and it has the very same recipe.
        """
        recipe = await asyncio.to_thread(read_recipe, data)
        if not isinstance(recipe, Recipe):
            return recipe
        for picture in await self._likely(actor, recipe.request.prompt, name):
            if _shown_to(actor, picture, sees) and Recipe.from_json(picture.recipe) == recipe:
                return dataclasses.replace(await self._details(picture), from_file=True)
        shown = dataclasses.replace(recipe, request=_harmless(recipe.request))
        return PictureDetails(shown, flags.flag_line(shown.request), from_file=True)

    async def _likely(self, actor: Actor, prompt: str, name: str) -> list[StoredPicture]:
        job_id = job_id_of(name)
        named = () if job_id is None else await self._history.of_job(job_id)
        whose = (actor.user_id, actor.guild_id)
        return [*named, *await self._history.search(*whose, prompt, None, SAME_WORDS)]


def _shown_to(actor: Actor, picture: StoredPicture, sees: CanRead) -> bool:
    place = picture.place
    if place.guild_id != actor.guild_id:
        return False
    if place.user_id == actor.user_id:
        return True
    here = place.channel_id == actor.channel_id
    return not picture.private and (here or sees(place.channel_id))


def _harmless(request: ImageRequest) -> ImageRequest:
    """Texts as the studio lets them in: whoever made the file may have written others."""
    return dataclasses.replace(
        request,
        prompt=prompts.clean(request.prompt),
        effective_prompt=prompts.clean(request.effective_prompt),
        negative_prompt=prompts.clean(request.negative_prompt),
    )
