"""Look up how a picture was made, which recipe a file contains, and how a prompt is read."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from bot.accounts.lora_access import LoraAccess
from bot.accounts.permissions import Actor
from bot.pictures.filenames import job_id_of
from bot.pictures.foreign.recipe import ForeignRecipe
from bot.pictures.lineage import BeforeUpscale, Lineage
from bot.pictures.origins import Origin, origin_of
from bot.pictures.recipe_import import UnreadableReason, UnreadableRecipe, read_recipe
from bot.request.loras import StylePick
from bot.request.model_loras import of_other_model
from bot.request.models import CountOfModel, ModelCatalog, OfferedModel
from bot.request.notes import LimitedModel, Note, adaptation_notes, reading_notes
from bot.request.outcomes import NoPictures, Refused, UnknownPicture
from bot.request.params import GenerationParams
from bot.request.prompt.apply_flags import apply_flags_to_each
from bot.request.prompt.prompt_line import prompt_line
from bot.request.reasons.models import UnknownModel
from bot.request.resolve import replay_problem, request_notes, resolve
from bot.request.values.ids import parse_id
from engine import prompts
from engine.loras import LoraUse, words_of
from engine.prompts import Analysis, Enhancement, EnhancementLevel, PictureStyle
from engine.types import ImageRequest, Mode, Recipe, request_from_json
from engine.uploads import UploadLimits, UploadRefused, UploadTooLarge
from storage.deliveries import Deliveries
from storage.history import History
from storage.jobs import Jobs
from storage.types import StoredPicture

log = structlog.get_logger(__name__)

FETCH_LIMIT_S = 30.0
"""Timeout of one download. Chosen by hand."""
READ_AT_ONCE = 2
"""Files read at the same time, each with its bytes and pixels in memory. Chosen by hand."""
PROMPT_MATCHES = 25
"""How many of a member's newest pictures with a file's prompt are compared with the file. Chosen by
hand."""

CanRead = Callable[[int], bool]
"""Returns whether the actor can read the channel with this id."""


def reads_nothing(_channel_id: int) -> bool:
    """Deny every channel; the one that the actor is in is allowed anyway."""
    return False


@dataclass(frozen=True, slots=True)
class PromptExplanation:
    """The analysis of a prompt, and what its level of enhancement makes of it: a flag's, or the
    default.

    choices: the number of its permutations, of which this is the first. pictures: of all of them.
    style: the one requested by a flag. loras: those that it names. notes: what of the prompt was
    ignored, or taken from another program's text. limited: what the model knows, if it knows
    little.
    """

    prompt: str
    analysis: Analysis
    enhancement: Enhancement
    level: EnhancementLevel
    max_tokens: int
    choices: int = 1
    pictures: int = 1
    style: PictureStyle | None = None
    loras: tuple[LoraUse, ...] = ()
    notes: tuple[Note, ...] = ()
    limited: LimitedModel | None = None


@dataclass(frozen=True, slots=True)
class PictureDetails:
    """How a picture was made.

    line: a prompt with flags, which paints the same or what comes closest to it. picture: None if
    it is only known from a file. origin: what it is, and of which picture. series: the ids of all
    pictures of its job, in order, including its own. from_file: it was read from a file whose
    pixels are unmodified. adjusted: the line has other settings, because the model in use cannot
    paint with these. before_id: the picture that was enlarged into it. notes: on its request and on
    how it was painted. repeatable: the model in use could paint it again, exactly as it was asked
    for.
    """

    recipe: Recipe
    line: str
    picture: StoredPicture | None = None
    origin: Origin | None = None
    series: tuple[int, ...] = ()
    from_file: bool = False
    adjusted: bool = False
    before_id: int | None = None
    notes: tuple[Note, ...] = ()
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class ForeignDetails:
    """How another program made a picture.

    line: a prompt with flags that paints something like it here, "" if the prompt is too long.
    size: (width_px, height_px) in it, None if the recipe has none.
    """

    recipe: ForeignRecipe
    line: str
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """A file that a user refers to.

    size_bytes: as declared. fetch: returns its bytes or raises OSError.
    """

    name: str
    size_bytes: int
    fetch: Callable[[], Awaitable[bytes]]


FileOutcome = PictureDetails | ForeignDetails | UnreadableRecipe | UploadRefused
"""What a file from a user holds."""


class InspectionService:
    """Reads pictures, recipes and prompts; changes nothing.

    Private pictures are shown to their requester alone, others to those who can read their channel.
    Without that second rule, members could read the prompts of hidden channels by trying numbers.
    """

    def __init__(
        self,
        *,
        count_tokens: CountOfModel,
        models: ModelCatalog,
        jobs: Jobs,
        history: History,
        deliveries: Deliveries,
        lineage: Lineage,
        lora_access: LoraAccess,
    ) -> None:
        self._lora_access = lora_access
        self._count_tokens = count_tokens
        self._models = models
        self._jobs = jobs
        self._history = history
        self._deliveries = deliveries
        self._lineage = lineage
        self._reading = asyncio.Semaphore(READ_AT_ONCE)

    # A prompt

    async def explain(self, actor: Actor, prompt: str) -> PromptExplanation | Refused:
        """Explain how a prompt is read, without charging a picture.

        Refused with a LoRA that the actor may not use: its trigger words would be shown.
        """
        # Off the loop: parsing a long prompt takes a tenth of a second.
        pick = await self._lora_access.style_pick(actor)
        found = await asyncio.to_thread(self._explained, prompt, pick)
        if isinstance(found, Refused):
            return found
        explained, model = found
        refused = await self._lora_access.refusal(actor, explained.loras, model)
        return refused or explained

    def _explained(
        self, prompt: str, pick: StylePick
    ) -> tuple[PromptExplanation, OfferedModel] | Refused:
        permutations = apply_flags_to_each(GenerationParams(prompt), 1, False)
        if isinstance(permutations, Refused):
            return permutations
        model = self._models.meant(permutations[0].params.model)
        if isinstance(model, UnknownModel):
            return Refused(model)
        problem = of_other_model(permutations[0].params, model, self._models)
        if problem is not None:
            return Refused(problem)
        family = model.family
        level = permutations[0].params.enhance or family.enhance
        params = dataclasses.replace(
            permutations[0].params, enhance=EnhancementLevel.OFF, preset=None
        )
        params = pick(model.loras, params)
        resolved = resolve(params, family, lambda: 0, loras=model.loras)
        if isinstance(resolved, Refused):
            return resolved
        request = resolved.request
        count = partial(self._count_tokens, model=self._models.written(model))
        text = request.prompt
        enhanced = prompts.enhance(
            prompts.as_read(text, request.effective_prompt, request.style, words_of(request.loras)),
            negative="",
            level=level,
            style=family.style,
            negative_works=True,
            count=count,
            max_tokens=family.max_tokens,
        )
        analysis = prompts.analyse(text, count=count, max_tokens=family.max_tokens)
        added = prompts.addition(text, enhanced.effective_prompt)
        enhanced = dataclasses.replace(enhanced, added=added)
        explanation = PromptExplanation(
            text,
            analysis,
            enhanced,
            level,
            family.max_tokens,
            choices=len(permutations),
            pictures=sum(each.pictures for each in permutations),
            style=request.style,
            loras=request.loras,
            notes=reading_notes(resolved.notes),
            limited=next((n for n in resolved.notes if isinstance(n, LimitedModel)), None),
        )
        return explanation, model

    # Pictures

    async def latest(
        self, actor: Actor, can_read: CanRead = reads_nothing
    ) -> PictureDetails | Refused:
        """Return the details of the member's newest picture on this server."""
        newest = await self._history.latest(actor.user_id, actor.guild_id)
        if newest is None:
            return Refused(NoPictures())
        return await self.details(actor, newest.id, can_read)

    async def details(
        self, actor: Actor, picture_id: int | str, can_read: CanRead = reads_nothing
    ) -> PictureDetails | Refused:
        """Return how a picture of this server was made. picture_id: a number, or typed text."""
        number = parse_id(str(picture_id))
        picture = None if number is None else await self._history.get(number)
        if picture is None or not _is_visible(actor, picture, can_read):
            return Refused(UnknownPicture(str(picture_id)))
        return await self._details(picture)

    async def of_message(
        self, actor: Actor, message_id: int, files: list[str]
    ) -> PictureDetails | Refused | None:
        """Return the first picture of one of the bot's messages, which the actor can see.

        files: the names of its attachments. None if it is not a message with the bot's pictures;
        Refused if they were deleted.
        """
        names_by_job = {job_id: name for name in files if (job_id := job_id_of(name)) is not None}
        for job_id, name in names_by_job.items():
            delivery = await self._deliveries.get(job_id)
            # Anybody can give a file such a name; only the recorded message is the bot's own.
            if delivery is None or message_id not in (
                delivery.result_message_id,
                delivery.message_id,
            ):
                continue
            pictures = await self._history.of_job(job_id)
            if pictures and _is_visible(actor, pictures[0], lambda _: True):
                details = await self._details(pictures[0])
                return dataclasses.replace(details, series=tuple(each.id for each in pictures))
            return Refused(UnknownPicture(name))
        return None

    async def _details(self, picture: StoredPicture) -> PictureDetails:
        recipe = Recipe.from_json(picture.recipe)
        job = await self._jobs.get(picture.job_id)
        parent = None if job is None else await self._lineage.parent(job.parent_picture_id)
        before = await self._lineage.before_upscale(picture)
        to_copy = _request_to_copy(recipe.request, before)
        details = await asyncio.to_thread(self._details_of, recipe, to_copy)
        return dataclasses.replace(
            details,
            picture=picture,
            origin=None if job is None else origin_of(request_from_json(job.request), parent),
            series=(picture.id,),
            before_id=None if before.picture_id == picture.id else before.picture_id,
        )

    def _details_of(self, recipe: Recipe, to_copy: ImageRequest) -> PictureDetails:
        """Return what a recipe alone tells. to_copy: the request that the line asks for.

        It takes up to 100 ms for a long prompt, which is enhanced in every way to see which one was
        painted: on another thread.
        """
        model = self._models.get(to_copy.model)
        family = self._models.family_of(recipe.request)
        line = prompt_line(
            to_copy if model is not None else dataclasses.replace(to_copy, model=""),
            family,
            refuse_styles=(model or self._models.default).loras.has_style(to_copy.prompt),
        )
        notes = (*request_notes(recipe.request, family), *adaptation_notes(recipe))
        return PictureDetails(
            recipe,
            line.text,
            adjusted=line.adjusted or model is None,
            notes=notes,
            repeatable=model is not None and replay_problem(recipe.request, family) is None,
        )

    # Files

    async def read_file(
        self, actor: Actor, file: RecipeFile, can_read: CanRead = reads_nothing
    ) -> FileOutcome:
        """Download a file, unless its declared size is too large, and read its recipe."""
        limit_bytes = UploadLimits().bytes
        if file.size_bytes > limit_bytes:
            return UploadTooLarge(file.size_bytes, limit_bytes)
        async with self._reading:
            try:
                async with asyncio.timeout(FETCH_LIMIT_S):
                    data = await file.fetch()
            except OSError as error:  # TimeoutError is a subclass
                log.warning("file not fetched", error=str(error) or type(error).__name__)
                return UnreadableRecipe(UnreadableReason.UNREACHABLE)
            return await self.read_recipe(data, actor, file.name, can_read)

    async def read_recipe(
        self, data: bytes, actor: Actor, name: str = "", can_read: CanRead = reads_nothing
    ) -> FileOutcome:
        """Return the recipe inside a file, if its pixels are unmodified, or another program's.

        The stored picture is included if it is on this server, the actor may see it, and its recipe
        is identical. It is searched by the file's name and, among the actor's own, by its prompt.
        """
        recipe = await asyncio.to_thread(read_recipe, data)
        if isinstance(recipe, ForeignRecipe):
            family = self._models.default.family
            line = await asyncio.to_thread(recipe.line, family)
            return ForeignDetails(recipe, line, recipe.size_here(family))
        if not isinstance(recipe, Recipe):
            return recipe
        for picture in await self._candidates(actor, recipe.request.prompt, name):
            if _is_visible(actor, picture, can_read) and Recipe.from_json(picture.recipe) == recipe:
                return dataclasses.replace(await self._details(picture), from_file=True)
        cleaned = dataclasses.replace(recipe, request=_cleaned(recipe.request))
        details = await asyncio.to_thread(self._details_of, cleaned, cleaned.request)
        return dataclasses.replace(details, from_file=True)

    async def _candidates(self, actor: Actor, prompt: str, name: str) -> list[StoredPicture]:
        job_id = job_id_of(name)
        by_name = () if job_id is None else await self._history.of_job(job_id)
        owner = (actor.user_id, actor.guild_id)
        return [*by_name, *await self._history.search(*owner, prompt, None, PROMPT_MATCHES)]


def _request_to_copy(request: ImageRequest, before: BeforeUpscale) -> ImageRequest:
    """Return the request of the picture before it was enlarged.

    Of a deleted one only the size and the refinement are used: the picture at hand has all else.
    """
    if before.picture is not None or before.picture_id is None:
        return before.request
    return dataclasses.replace(
        request,
        mode=Mode.TEXT,
        inputs=(),
        strength=1.0,
        width_px=before.request.width_px,
        height_px=before.request.height_px,
        refine=before.request.refine,
    )


def _is_visible(actor: Actor, picture: StoredPicture, can_read: CanRead) -> bool:
    place = picture.place
    if place.guild_id != actor.guild_id:
        return False
    if place.user_id == actor.user_id:
        return True
    here = place.channel_id == actor.channel_id
    return not picture.private and (here or can_read(place.channel_id))


def _cleaned(request: ImageRequest) -> ImageRequest:
    """Clean the texts like those of a request: a forged file may contain anything."""
    return dataclasses.replace(
        request,
        prompt=prompts.clean(request.prompt),
        effective_prompt=prompts.clean(request.effective_prompt),
        negative_prompt=prompts.clean(request.negative_prompt),
    )
