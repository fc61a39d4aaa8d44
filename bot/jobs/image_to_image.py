"""Paint from pictures that people give, point to, or own. Who asks, pays."""

from __future__ import annotations

import asyncio
import dataclasses
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hmac import compare_digest

import structlog

from bot.accounts.permissions import Person
from bot.accounts.quotas import Allowance
from bot.jobs.downloads import Download
from bot.jobs.generation import Painter
from bot.request.apply_flags import Asked, obeyed
from bot.request.input_images import MaskMissing, prepare, size_from
from bot.request.input_sources import Beginning, Given, Kept, Numbered, Source
from bot.request.outcomes import (
    Accepted,
    FileRemoved,
    KeptGone,
    ManyChoices,
    OneAtATime,
    OutOfRange,
    QuotaSpent,
    Reason,
    Refused,
    StorageTrouble,
    Unreachable,
    UploadUnfit,
)
from bot.request.params import Start, Wish
from bot.request.resolve import Seeds, compose, size_problem
from engine.diffusion.families import Family
from engine.series import MAX_PICTURES
from engine.types import Mode
from engine.uploads import (
    Limits,
    TooLarge,
    Upload,
    UploadRefused,
    canonical,
    decode,
    fit,
    holes,
    reopen,
)
from storage.errors import PictureMissing, StorageError
from storage.files import PictureFiles
from storage.inputs import Inputs
from storage.settling import settle
from storage.types import StoredPicture

log = structlog.get_logger(__name__)

LIMITS = Limits()
FETCH_LIMIT_S = 30.0
"""For one file, once it is its turn."""
READ_LIMIT_S = 180.0
"""For all of a wish's pictures, waiting included: an interaction's token lives for 15 minutes."""
FETCHED_AT_ONCE = 4
"""Wishes whose files are in memory at the same time."""
SEAL_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """A wish that can be painted, as far as that is known without reading its pictures.

    originals: those of its sources that are pictures of ours, by their place among them.
    """

    asked: Asked
    beginning: Beginning
    originals: dict[int, StoredPicture]

    @property
    def private(self) -> bool:
        """For nobody else's eyes; so is all that is made of a private picture."""
        return self.asked.private or any(each.private for each in self.originals.values())


class Starts:
    """Accepts wishes that begin with pictures, and keeps these as the inputs of their job.

    Pictures of a wish that is not accepted stay on the disk until the next sweep after an hour.
    key: a secret that outlives the process, for the seals of what is put aside.
    """

    def __init__(
        self,
        *,
        painter: Painter,
        allowance: Allowance,
        files: PictureFiles,
        inputs: Inputs,
        seeds: Seeds,
        download: Download,
        key: bytes,
    ) -> None:
        self._painter = painter
        self._allowance = allowance
        self._files = files
        self._inputs = inputs
        self._seeds = seeds
        self._download = download
        self._key = key
        self._fetching = asyncio.Semaphore(FETCHED_AT_ONCE)
        # Fifty megapixels take more than a gigabyte while they are decoded.
        self._decoding = asyncio.Lock()

    async def plan(
        self,
        person: Person,
        wish: Wish,
        beginning: Beginning,
        *,
        private: bool = False,
        count: int = 1,
    ) -> Plan | Refused:
        """What `paint` needs, or why not: quick, so that slow work can be announced first."""
        start = Start(beginning.mode, (), beginning.strength)
        asked = obeyed(dataclasses.replace(wish, start=start), count, private)
        if isinstance(asked, Refused):
            if isinstance(asked.reason, ManyChoices):  # a question about them has no pictures
                return Refused(OneAtATime(asked.reason.total))
            return asked
        if not 1 <= asked.count <= MAX_PICTURES:
            return Refused(OutOfRange("count", asked.count, 1, MAX_PICTURES))
        # No hashes yet, and no size but one that was asked for: all the rest is decided by now.
        # Not on the loop, as in Painter.imagine.
        possible = await asyncio.to_thread(compose, asked.wish, self._painter.family, lambda: 0)
        problem = possible if isinstance(possible, Refused) else _declared(beginning.sources)
        if problem is not None:
            return problem
        originals: dict[int, StoredPicture] = {}
        for place, source in enumerate(beginning.sources):
            if isinstance(source, Kept) and not compare_digest(
                source.seal, self._seal(person, source.sha256)
            ):
                return Refused(KeptGone())
            if isinstance(source, Numbered):
                found = await self._original(person, source)
                if isinstance(found, Refused):
                    return found
                originals[place] = found
        spent = await self._spent(person, asked.count)
        return spent or Plan(asked, beginning, originals)

    async def paint(self, person: Person, plan: Plan) -> Accepted | Refused:
        """Read the pictures, fit them, keep them, and accept the wish. Decodes one at a time."""
        family = self._painter.family
        wish = await self._read(plan.beginning, plan.originals, plan.asked.wish, family)
        if isinstance(wish, Refused):
            return wish
        painter = self._painter
        composed = await asyncio.to_thread(
            compose, wish, family, self._seeds, painter.engine.count_tokens
        )
        if isinstance(composed, Refused):
            return composed
        parent = next(iter(plan.originals.values()), None)
        return await painter.accept(
            person,
            composed,
            parent_id=None if parent is None else parent.id,
            private=plan.private,
            count=plan.asked.count,
        )

    async def keep(self, person: Person, given: Given) -> Kept | Refused:
        """Put a picture aside, in the shape in which it would be painted from, for an hour at
        least."""
        beginning = Beginning(Mode.IMAGE, (given,))
        problem = _declared(beginning.sources) or await self._spent(person, 1)
        if problem is not None:
            return problem
        wish = await self._read(beginning, {}, _WORDLESS, self._painter.family)
        if isinstance(wish, Refused):
            return wish
        assert wish.start is not None
        sha256 = wish.start.inputs[0]
        return Kept(sha256, self._seal(person, sha256))

    # Whether it can be

    def _seal(self, person: Person, sha256: str) -> str:
        whose = f"{person.guild_id} {person.user_id} {sha256}".encode()
        return hmac.digest(self._key, whose, "sha256").hex()[:SEAL_DIGITS]

    async def _original(self, person: Person, source: Numbered) -> StoredPicture | Refused:
        found = await self._painter.find(person, source.picture, anyones=source.anyones)
        if isinstance(found, Refused) or found.on_disk:
            return found
        return Refused(FileRemoved(found.id, found.seed))

    async def _spent(self, person: Person, count: int) -> Refused | None:
        """Nothing is fetched for somebody who may not paint; acceptance decides once more."""
        if (barred := await self._painter.barred(person)) is not None:
            return barred
        status = await self._allowance.own(person)
        if status.remaining >= count:
            return None
        policy = status.policy
        one_too_many = status.used + count == policy.pictures + 1
        retry_at = status.next_return_at if one_too_many else None
        return Refused(QuotaSpent(status.used, policy.pictures, policy.hours, count), retry_at)

    # The pictures

    async def _read(
        self,
        beginning: Beginning,
        originals: dict[int, StoredPicture],
        wish: Wish,
        family: Family,
    ) -> Wish | Refused:
        """The wish with its pictures, which are inputs by then."""
        try:
            async with asyncio.timeout(READ_LIMIT_S), self._fetching:
                read = await self._files_of(beginning.sources, originals)
                if isinstance(read, Refused):
                    return read
                work = partial(_ready, beginning, read, wish, family)
                async with self._decoding:
                    # Its thread goes on where nobody waits any more: so does the lock.
                    ready = await settle(asyncio.to_thread(work))
        except TimeoutError:
            log.warning("pictures not read in time", count=len(beginning.sources))
            return Refused(Unreachable())
        if not isinstance(ready, _Ready):
            place = ready.number - 1 if isinstance(ready, UploadUnfit) else -1
            lost = originals.get(place)
            return Refused(ready if lost is None else FileRemoved(lost.id, lost.seed))
        try:
            for sha256, data in ready.files:
                await self._inputs.write(data, sha256)
        except StorageError as error:
            self._painter.trouble(error)
            return Refused(StorageTrouble())
        return ready.wish

    async def _files_of(
        self, sources: Sequence[Source], originals: dict[int, StoredPicture]
    ) -> list[bytes] | Refused:
        read: list[bytes] = []
        for place, source in enumerate(sources):
            data = await self._bytes(source, originals.get(place))
            if isinstance(data, UploadUnfit):
                data = dataclasses.replace(data, number=place + 1, total=len(sources))
            if not isinstance(data, bytes):
                return Refused(data)
            read.append(data)
        return read

    async def _bytes(self, source: Source, original: StoredPicture | None) -> bytes | Reason:
        match source:
            case Given(url, _):
                return await self._fetched(url)
            case Kept(sha256, _):
                try:
                    return await self._inputs.read(sha256)
                except PictureMissing:
                    return KeptGone()
            case Numbered():
                assert original is not None
                try:
                    return await asyncio.to_thread(self._read_file, original.file)
                except OSError:
                    return FileRemoved(original.id, original.seed)

    def _read_file(self, file: str) -> bytes:
        return self._files.path(file).read_bytes()

    async def _fetched(self, url: str) -> bytes | Reason:
        try:
            async with asyncio.timeout(FETCH_LIMIT_S):
                return await self._download(url, LIMITS.bytes)
        except UploadRefused as refused:
            return UploadUnfit(refused)
        except OSError as error:  # a timeout is one too
            log.warning("picture not fetched", error=str(error) or type(error).__name__)
            return Unreachable()


_WORDLESS = Wish("", start=Start(Mode.IMAGE, ()))


@dataclass(frozen=True, slots=True)
class _Ready:
    """files: the hash and the bytes of each input that the wish names."""

    wish: Wish
    files: tuple[tuple[str, bytes], ...]


def _declared(sources: Sequence[Source]) -> Refused | None:
    """What is too large by its own account is not even fetched."""
    for number, source in enumerate(sources, 1):
        size_bytes = source.size_bytes if isinstance(source, Given) else None
        if size_bytes is not None and size_bytes > LIMITS.bytes:
            return Refused(UploadUnfit(TooLarge(size_bytes, LIMITS.bytes), number, len(sources)))
    return None


def _ready(
    beginning: Beginning, files: Sequence[bytes], wish: Wish, family: Family
) -> _Ready | Reason:
    """Decode, find the size, and fit. Blocking."""
    mode, pictures = beginning.mode, list[Upload]()
    size: tuple[int, int] | Reason = (0, 0)
    for number, (source, data) in enumerate(zip(beginning.sources, files, strict=True), 1):
        try:
            upload = _decoded(source, data)
        except UploadRefused as refused:
            if isinstance(source, Kept):
                return KeptGone()
            return UploadUnfit(refused, number, len(files))
        if number == 1:
            size = _size(wish, mode, family, source, upload)
            if not isinstance(size, tuple):
                return size
        if mode is Mode.BLEND:  # several large ones would take too much memory
            assert isinstance(size, tuple)
            upload = Upload.of(fit(upload.raster, *size))
        pictures.append(upload)
    assert isinstance(size, tuple) and wish.start is not None
    try:
        if mode is Mode.INPAINT and len(files) == 1:
            pictures.append(_transparent(files[0]))
        prepared = prepare(mode, pictures, size, wish.start.strength)
    except UploadRefused as refused:  # only masks are refused here
        return UploadUnfit(refused, number=0)
    # The same picture given twice is written once.
    named = {each.sha256: canonical(each) for each in prepared.inputs}
    fitted = dataclasses.replace(wish, aspect=None, size=size, start=prepared.start)
    return _Ready(fitted, tuple(named.items()))


def _decoded(source: Source, data: bytes) -> Upload:
    return reopen(data, source.sha256) if isinstance(source, Kept) else decode(data, LIMITS)


def _size(
    wish: Wish, mode: Mode, family: Family, source: Source, first: Upload
) -> tuple[int, int] | Reason:
    own = (first.raster.width_px, first.raster.height_px)
    as_it_is = isinstance(source, Kept) and wish.size is None and wish.aspect is None
    if as_it_is and size_problem(*own, family, mode) is None:
        return own  # it was fitted before
    return size_from(wish, mode, family, own)


def _transparent(data: bytes) -> Upload:
    mask = holes(data, LIMITS)
    if mask is None:
        raise MaskMissing
    return mask
