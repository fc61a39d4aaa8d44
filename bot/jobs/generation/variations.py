"""Make new pictures from existing ones: vary, upscale, remix.

It counts against the quota of whoever asks.
"""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from pathlib import Path

from bot.accounts.permissions import Actor
from bot.accounts.presets import SettingsFiller
from bot.jobs.admission import AdmissionService
from bot.jobs.submission import JobSubmission
from bot.pictures.originals import OriginalPictures
from bot.request.knowledge import confirmation
from bot.request.outcomes import (
    Accepted,
    FileRemoved,
    FlagError,
    FlagErrorKind,
    FlagProblem,
    ManyPermutations,
    OutOfRange,
    Refused,
    ResolvedRequest,
    StorageUnavailable,
)
from bot.request.params import GenerationParams, InitImages
from bot.request.pending import PendingRequest
from bot.request.prompt.apply_flags import count_problem
from bot.request.prompt.pasted.settings import holds_negative
from bot.request.resolver import RequestResolver
from bot.request.sizes import UPSCALE_FACTOR
from bot.request.values.ids import plain_digits
from bot.request.values.loras import NO_LORA, LoraChoice, has_tags
from engine import uploads
from engine.prompts import EnhancementLevel, clean
from engine.series import MAX_PICTURES
from engine.types import MAX_SEED, ImageRequest, Mode, Recipe
from engine.uploads import Upload, UploadLimits, UploadRefused
from storage.errors import StorageError
from storage.files import PictureFiles
from storage.inputs import Inputs
from storage.types import StoredPicture

VARIATIONS = MAX_PICTURES
"""How many variations are painted unless a number is given: enough to choose from. Chosen by
hand, as many as Midjourney paints."""
_SEED_DIGITS = 10  # of MAX_SEED


@dataclass(frozen=True, slots=True)
class UpscaleSource:
    """A picture that can be upscaled, as far as can be known without reading its file."""

    original: StoredPicture
    path: Path


@dataclass(frozen=True, slots=True)
class RemixChanges:
    """A new prompt for a picture, as typed. seed: "" for a new one."""

    prompt: str
    negative: str = ""
    seed: str = ""

    def request(self, picture_id: int) -> PendingRequest:
        """Return the remix of a picture as a request that can be corrected."""
        seed = _parse_seed(self.seed)
        params = GenerationParams(
            self.prompt,
            negative=self.negative or None,
            seed=None if isinstance(seed, Refused) else seed,
        )
        return PendingRequest(params, parent_id=picture_id)


class VariationService:
    """Accepts requests that derive from a picture; results of a private picture are private.

    picture: an id, None for the member's last one here. anyones: as for `OriginalPictures.find`.
    """

    def __init__(
        self,
        *,
        admission: AdmissionService,
        resolver: RequestResolver,
        filler: SettingsFiller,
        originals: OriginalPictures,
        files: PictureFiles,
        inputs: Inputs,
    ) -> None:
        self._admission = admission
        self._resolver = resolver
        self._filler = filler
        self._originals = originals
        self._files = files
        self._inputs = inputs

    async def vary(
        self,
        actor: Actor,
        amount: float,
        picture: str | None = None,
        *,
        anyones: bool = False,
        count: int = VARIATIONS,
    ) -> Accepted | Refused:
        """Repeat a picture with its noise turned a little, in `count` ways.

        amount: SUBTLE or STRONG. count: pictures, 1 to MAX_PICTURES; each is charged. An enlarged
        picture is varied as it was before.
        """
        if not 1 <= count <= MAX_PICTURES:
            return Refused(OutOfRange("count", count, 1, MAX_PICTURES))
        shown = await self.original(actor, picture, anyones=anyones)
        if isinstance(shown, Refused):
            return shown
        original = await self._originals.before_upscale(shown)
        if isinstance(original, Refused):
            return original
        resolved = self._resolver.variation(_request(original), amount)
        if isinstance(resolved, Refused):
            return resolved
        return await self._accept(actor, resolved, original, count)

    async def upscale_source(
        self, actor: Actor, picture: str | None = None, *, anyones: bool = False
    ) -> UpscaleSource | Refused:
        """Return what `upscale` needs, or a refusal; fast, so that it can be announced first."""
        original = await self.original(actor, picture, anyones=anyones)
        if isinstance(original, Refused):
            return original
        # The hash is not known yet, and the size can be checked without it.
        possible = self._resolver.upscale(_request(original), "")
        if isinstance(possible, Refused):
            return possible
        path = await asyncio.to_thread(self._files.existing, original.file)
        if path is None or not original.on_disk:
            return Refused(FileRemoved(original.id, original.seed))
        return UpscaleSource(original, path)

    async def upscale(self, actor: Actor, source: UpscaleSource) -> Accepted | Refused:
        """Paint it at twice its size, from its own pixels, which are stored as the job's input."""
        original = source.original
        try:
            upload, data = await asyncio.to_thread(_read_pixels, source.path)
        except (OSError, UploadRefused):
            return Refused(FileRemoved(original.id, original.seed))
        resolved = self._resolver.upscale(_request(original), upload.sha256)
        if isinstance(resolved, Refused):
            return resolved
        try:
            await self._inputs.write(data, upload.sha256)
        except StorageError as error:
            self._admission.storage_failed(error)
            return Refused(StorageUnavailable())
        return await self._accept(actor, resolved, original)

    async def remix(
        self,
        actor: Actor,
        change: RemixChanges,
        picture: str | None = None,
        *,
        anyones: bool = False,
        proposal_id: int | None = None,
    ) -> Accepted | Refused:
        """Paint another prompt with a picture's settings: its size, steps, guidance and style.

        Flags in the prompt override them; permutations are refused as in `apply_flags`.
        proposal_id: the proposal that this answers.
        """
        original = await self.original(actor, picture, anyones=anyones)
        if isinstance(original, Refused):
            return original
        seed = _parse_seed(change.seed)
        if isinstance(seed, Refused):
            return seed
        request = await self._originals.settings_of(original)
        negative = change.negative or None
        # The form was filled with the picture's own: what was pasted since is newer.
        if clean(change.negative) == request.negative_prompt and await asyncio.to_thread(
            holds_negative, change.prompt
        ):
            negative = None
        params = GenerationParams(
            change.prompt, seed=seed, negative=negative, start=_init_images(request)
        )
        parsed = await self._resolver.parse(params, 1, original.private, usual=request.model)
        if isinstance(parsed, Refused):
            return _with_parent(parsed, original.id)
        filled = await self._filler.fill(actor, (parsed,), defaults=False)
        if isinstance(filled, Refused):
            return filled
        (parsed,) = filled
        params = params_like(parsed.params, request)
        if isinstance(params, Refused):
            return params
        if (problem := count_problem(parsed)) is not None:
            return problem
        resolved = await self._resolver.resolve(params)
        if isinstance(resolved, Refused):
            return resolved
        private = original.private or parsed.private
        unknown = confirmation(
            dataclasses.replace(parsed, params=params, private=private),
            resolved,
            self._resolver.models.family_of(resolved.request),
            parent_id=original.id,
        )
        submission = JobSubmission(resolved, parsed.pictures, private, original.id)
        return unknown or await self._admission.accept(actor, submission, proposal_id)

    async def original(
        self, actor: Actor, picture: str | None = None, *, anyones: bool = False
    ) -> StoredPicture | Refused:
        """Return the picture to start from, if this member may."""
        return await self._originals.find(actor, picture, anyones=anyones)

    async def _accept(
        self, actor: Actor, resolved: ResolvedRequest, original: StoredPicture, count: int = 1
    ) -> Accepted | Refused:
        submission = JobSubmission(resolved, count, original.private, original.id)
        return await self._admission.accept(actor, submission)


def _request(original: StoredPicture) -> ImageRequest:
    return Recipe.from_json(original.recipe).request


def _read_pixels(path: Path) -> tuple[Upload, bytes]:
    """Return the pixels of a picture file, and the bytes to store them as an input. Blocking.

    Raises OSError and UploadRefused.
    """
    upload = uploads.decode(path.read_bytes(), UploadLimits())
    return upload, uploads.canonical(upload)


def _parse_seed(typed: str) -> int | Refused | None:
    digits = plain_digits(typed).strip()
    if not digits:
        return None
    if digits.isascii() and digits.isdigit() and len(digits) <= _SEED_DIGITS:
        return int(digits)
    return Refused(OutOfRange("seed", f"“{digits[:20]}”", 0, MAX_SEED))


def _with_parent(refused: Refused, picture_id: int) -> Refused:
    """Return the refusal with the picture that the request would derive from."""
    if isinstance(refused.reason, ManyPermutations):
        return Refused(dataclasses.replace(refused.reason, parent_id=picture_id))
    return refused


def _init_images(original: ImageRequest) -> InitImages | None:
    if original.mode in (Mode.TEXT, Mode.UPSCALE):
        return None
    return InitImages(original.mode, original.inputs, original.strength, original.source_changes)


def _choices(original: ImageRequest) -> tuple[LoraChoice, ...]:
    found = tuple(LoraChoice(each.name, each.weight) for each in original.loras)
    return found or (LoraChoice(NO_LORA),)


def params_like(params: GenerationParams, original: ImageRequest) -> GenerationParams | Refused:
    """Fill in the settings of a picture where the parameters leave them open.

    An upscaled picture counts with its size before upscaling. A request with source images keeps
    its size: --size and --ar are refused. LoRAs that the parameters name, or `none`, stand in place
    of the picture's; style words choose none.
    """
    size: tuple[int, int] | None = (original.width_px, original.height_px)
    if original.mode is Mode.UPSCALE:
        size = (size[0] // UPSCALE_FACTOR, size[1] // UPSCALE_FACTOR)
    if params.aspect is not None or params.size is not None:
        if params.start is not None:
            flag = "--size" if params.aspect is None else "--ar"
            error = FlagError(FlagErrorKind.UNSUPPORTED, flag)
            return Refused(FlagProblem((error,), options=frozenset({"size", "aspect"})))
        size = params.size
    elif params.start is None and params.pasted is not None and params.pasted.size is not None:
        size = None  # resolving finds the nearest one
    default_steps = params.steps is None and params.speed is None
    return dataclasses.replace(
        params,
        size=size,
        steps=original.steps if default_steps else params.steps,
        guidance=params.guidance
        if params.guidance is not None or params.strict
        else original.guidance,
        enhance=params.enhance or (EnhancementLevel.SMART if original.expand else None),
        variety=params.variety or original.variety,
        refine=params.refine or original.refine,
        style=params.style or original.style,
        lora=params.lora if params.lora or has_tags(params.prompt) else _choices(original),
        model=params.model or original.model or None,
    )
