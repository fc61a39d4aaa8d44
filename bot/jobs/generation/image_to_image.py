"""Generate pictures from source images that members upload, link to, or own.

It counts against the quota of whoever asks.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hmac import compare_digest

import structlog

from bot.accounts.cost_check import quota_refusal
from bot.accounts.permissions import Actor
from bot.accounts.presets import SettingsFiller
from bot.accounts.quota_settings import QuotaService
from bot.jobs.admission import AdmissionService
from bot.jobs.generation.downloads import Download
from bot.jobs.generation.source_images import LIMITS, FittedInputs, fit_inputs
from bot.jobs.submission import JobSubmission
from bot.pictures.originals import OriginalPictures
from bot.request.input_sources import InputSource, InputSpec, PictureSource, StagedSource, UrlSource
from bot.request.outcomes import (
    Accepted,
    FileRemoved,
    ManyPermutations,
    OnePromptOnly,
    Reason,
    Refused,
    RegionUnused,
    StagedPictureGone,
    StorageUnavailable,
    Unreachable,
    UnusableUpload,
)
from bot.request.params import GenerationParams, InitImages
from bot.request.prompt.apply_flags import ParsedRequest, blame_flags, count_problem
from bot.request.resolve import source_change_notes
from bot.request.resolver import RequestResolver
from bot.request.values.regions import Region
from engine.types import Mode
from engine.uploads import UploadRefused, UploadTooLarge
from storage.errors import PictureMissing, StorageError
from storage.files import PictureFiles
from storage.inputs import Inputs
from storage.settling import settle
from storage.types import StoredPicture

log = structlog.get_logger(__name__)

FETCH_LIMIT_S = 30.0
"""Timeout of one download, without the wait for its turn. Chosen by hand."""
READ_LIMIT_S = 180.0
"""Timeout of reading all images of a request, waiting included. Chosen by hand, well below the 15
minutes for which an interaction's token is valid."""
FETCHED_AT_ONCE = 4
"""Requests whose files are in memory at the same time. Chosen by hand."""
SIGNATURE_DIGITS = 16
"""Hexadecimal digits of a signature: 64 bits, so that a custom_id has room for it."""


@dataclass(frozen=True, slots=True)
class ImageToImagePlan:
    """A request that is valid as far as can be known without reading its images.

    originals: the sources that are the bot's own pictures, by their index among the sources.
    """

    parsed: ParsedRequest
    spec: InputSpec
    originals: dict[int, StoredPicture]

    @property
    def private(self) -> bool:
        """Whether the result is private; it always is when made from a private picture."""
        return self.parsed.private or any(each.private for each in self.originals.values())


class ImageToImageService:
    """Accepts requests with source images, and stores these as the inputs of their job.

    Images of a request that is not accepted stay on the disk until the first sweep after an hour.
    key: a secret that outlives the process, to sign staged pictures.
    """

    def __init__(
        self,
        *,
        admission: AdmissionService,
        resolver: RequestResolver,
        filler: SettingsFiller,
        originals: OriginalPictures,
        quotas: QuotaService,
        files: PictureFiles,
        inputs: Inputs,
        download: Download,
        key: bytes,
    ) -> None:
        self._admission = admission
        self._resolver = resolver
        self._filler = filler
        self._originals = originals
        self._quotas = quotas
        self._files = files
        self._inputs = inputs
        self._download = download
        self._key = key
        self._download_slots = asyncio.Semaphore(FETCHED_AT_ONCE)
        # Decoding fifty megapixels takes more than a gigabyte.
        self._decode_lock = asyncio.Lock()

    async def plan(
        self,
        actor: Actor,
        params: GenerationParams,
        spec: InputSpec,
        *,
        private: bool = False,
        count: int | None = None,
    ) -> ImageToImagePlan | Refused:
        """Return what `paint` needs, or a refusal; fast, so that it can be announced first."""
        start = InitImages(spec.mode, (), spec.strength)
        params = dataclasses.replace(params, start=start, region=spec.region)
        parsed = await self._resolver.parse(params, count, private)
        if isinstance(parsed, Refused):
            if isinstance(parsed.reason, ManyPermutations):  # a proposal cannot store images
                return Refused(OnePromptOnly(parsed.reason.total))
            return parsed
        filled = await self._filler.fill(actor, (parsed,))
        if isinstance(filled, Refused):
            return filled
        (parsed,) = filled
        if (problem := count_problem(parsed)) is not None:
            return problem
        if parsed.params.region is not None:
            if len(spec.sources) > 1:
                return blame_flags(Refused(RegionUnused(masked=True)), parsed)
            parsed, spec = _repainted(parsed, spec, parsed.params.region)
        # The hashes are still missing, and so is a size that was not requested; all else is final.
        problem = await self._resolver.check(parsed.params) or _declared_size_refusal(spec.sources)
        if problem is not None:
            return problem
        originals: dict[int, StoredPicture] = {}
        for index, source in enumerate(spec.sources):
            if isinstance(source, StagedSource) and not compare_digest(
                source.signature, self._sign(actor, source.sha256)
            ):
                return Refused(StagedPictureGone())
            if isinstance(source, PictureSource):
                found = await self._find_original(actor, source)
                if isinstance(found, Refused):
                    return found
                originals[index] = found
        spent = await self._quota_refusal(actor, parsed.pictures)
        return spent or ImageToImagePlan(parsed, spec, originals)

    async def paint(
        self, actor: Actor, plan: ImageToImagePlan, proposal_id: int | None = None
    ) -> Accepted | Refused:
        """Read, fit and store the images, then accept the request. Decodes one at a time.

        proposal_id: the proposal that this answers.
        """
        params = await self._read(actor, plan.spec, plan.originals, plan.parsed.params)
        if isinstance(params, Refused):
            return params
        pick = await self._admission.style_pick(actor)
        resolved = await self._resolver.resolve(params, pick)
        if isinstance(resolved, Refused):
            return resolved
        parent = next(iter(plan.originals.values()), None)
        parent_id = None if parent is None else parent.id
        submission = JobSubmission(resolved, plan.parsed.pictures, plan.private, parent_id)
        return await self._admission.accept(actor, submission, proposal_id)

    async def stage(self, actor: Actor, source: UrlSource) -> StagedSource | Refused:
        """Store a picture, fitted as a source image would be, for at least an hour."""
        spec = InputSpec(Mode.IMAGE, (source,))
        problem = _declared_size_refusal(spec.sources) or await self._quota_refusal(actor, 1)
        if problem is not None:
            return problem
        params = await self._read(actor, spec, {}, _NO_PROMPT)
        if isinstance(params, Refused):
            return params
        assert params.start is not None and params.size is not None
        sha256 = params.start.inputs[0]
        family = self._resolver.family_for(params)
        notes = source_change_notes(params.start.changes, params.size, family)
        return StagedSource(sha256, self._sign(actor, sha256), notes, params.start.changes)

    # Checks

    def _sign(self, actor: Actor, sha256: str) -> str:
        message = f"{actor.guild_id} {actor.user_id} {sha256}".encode()
        return hmac.digest(self._key, message, "sha256").hex()[:SIGNATURE_DIGITS]

    async def _find_original(self, actor: Actor, source: PictureSource) -> StoredPicture | Refused:
        found = await self._originals.find(actor, source.picture, anyones=source.anyones)
        if isinstance(found, Refused) or found.on_disk:
            return found
        return Refused(FileRemoved(found.id, found.seed))

    async def _quota_refusal(self, actor: Actor, count: int) -> Refused | None:
        """Refuse early, before anything is downloaded; acceptance checks again."""
        if (blocked := await self._admission.block_refusal(actor)) is not None:
            return blocked
        exceeded = await self._quotas.refusal(actor, count)
        return None if exceeded is None else quota_refusal(exceeded)

    # Images

    async def _read(
        self,
        actor: Actor,
        spec: InputSpec,
        originals: dict[int, StoredPicture],
        params: GenerationParams,
    ) -> GenerationParams | Refused:
        """Read and store the images, and return the parameters that refer to them."""
        try:
            async with asyncio.timeout(READ_LIMIT_S), self._download_slots:
                files = await self._read_sources(spec.sources, originals)
                if isinstance(files, Refused):
                    return files
                if (refused := await self._admission.source_refusal(actor, files)) is not None:
                    return refused
                work = partial(fit_inputs, spec, files, params, self._resolver.family_for(params))
                async with self._decode_lock:
                    # A cancelled request leaves its thread running, so the lock stays held too.
                    fitted = await settle(asyncio.to_thread(work))
        except TimeoutError:
            log.warning("pictures not read in time", count=len(spec.sources))
            return Refused(Unreachable())
        if not isinstance(fitted, FittedInputs):
            index = fitted.number - 1 if isinstance(fitted, UnusableUpload) else -1
            removed = originals.get(index)
            return Refused(fitted if removed is None else FileRemoved(removed.id, removed.seed))
        try:
            for sha256, data in fitted.files:
                await self._inputs.write(data, sha256)
        except StorageError as error:
            self._admission.storage_failed(error)
            return Refused(StorageUnavailable())
        return fitted.params

    async def _read_sources(
        self, sources: Sequence[InputSource], originals: dict[int, StoredPicture]
    ) -> list[bytes] | Refused:
        files: list[bytes] = []
        for index, source in enumerate(sources):
            data = await self._read_source(source, originals.get(index))
            if isinstance(data, UnusableUpload):
                data = dataclasses.replace(data, number=index + 1, total=len(sources))
            if not isinstance(data, bytes):
                return Refused(data)
            files.append(data)
        return files

    async def _read_source(
        self, source: InputSource, original: StoredPicture | None
    ) -> bytes | Reason:
        match source:
            case UrlSource(url, _):
                return await self._download_source(url)
            case StagedSource(sha256=sha256):
                try:
                    return await self._inputs.read(sha256)
                except PictureMissing:
                    return StagedPictureGone()
            case PictureSource():
                assert original is not None
                try:
                    return await asyncio.to_thread(self._read_file, original.file)
                except OSError:
                    return FileRemoved(original.id, original.seed)

    def _read_file(self, file: str) -> bytes:
        return self._files.path(file).read_bytes()

    async def _download_source(self, url: str) -> bytes | Reason:
        try:
            async with asyncio.timeout(FETCH_LIMIT_S):
                return await self._download(url, LIMITS.bytes)
        except UploadRefused as refused:
            return UnusableUpload(refused)
        except OSError as error:  # TimeoutError is a subclass
            log.warning("picture not fetched", error=str(error) or type(error).__name__)
            return Unreachable()


def _repainted(
    parsed: ParsedRequest, spec: InputSpec, region: Region
) -> tuple[ParsedRequest, InputSpec]:
    """Return a request of which this region is repainted, also where its prompt has said so."""
    spec = dataclasses.replace(spec, mode=Mode.INPAINT, region=region)
    start = parsed.params.start
    assert start is not None
    start = dataclasses.replace(start, mode=Mode.INPAINT)
    params = dataclasses.replace(parsed.params, start=start, region=None)
    return dataclasses.replace(parsed, params=params), spec


_NO_PROMPT = GenerationParams("", start=InitImages(Mode.IMAGE, ()))


def _declared_size_refusal(sources: Sequence[InputSource]) -> Refused | None:
    """Refuse a file by its declared size, without downloading it."""
    for number, source in enumerate(sources, 1):
        size_bytes = source.size_bytes if isinstance(source, UrlSource) else None
        if size_bytes is not None and size_bytes > LIMITS.bytes:
            return Refused(
                UnusableUpload(UploadTooLarge(size_bytes, LIMITS.bytes), number, len(sources))
            )
    return None
