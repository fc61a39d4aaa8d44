"""Looking things up: who waits for what, how a picture was made, what a file says of itself."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.accounts.permissions import Actor
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
from engine.prompts import Analysis, Count, Enhancement, EnhancementLevel, PictureStyle
from engine.types import ImageRequest, Recipe
from engine.uploads import UploadLimits, UploadRefused, UploadTooLarge
from storage.deliveries import Deliveries
from storage.history import History
from storage.jobs import Jobs
from storage.types import StoredPicture

log = structlog.get_logger(__name__)

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
        count_tokens: Count,
        family: Family,
        jobs: Jobs,
        history: History,
        deliveries: Deliveries,
    ) -> None:
        self._count_tokens = count_tokens
        self._family = family
        self._jobs = jobs
        self._history = history
        self._deliveries = deliveries
        self._reading = asyncio.Semaphore(READ_AT_ONCE)

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
        family, request, count = self._family, resolved.request, self._count_tokens
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
