"""From a picture that is there to another one: vary, enlarge, remix. Who asks, pays."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from pathlib import Path

from bot.accounts.permissions import Person
from bot.jobs.generation import Painter
from bot.request.apply_flags import obeyed
from bot.request.bad_flags import BadFlag, BadKind
from bot.request.outcomes import (
    Accepted,
    FileRemoved,
    FlagProblem,
    ManyChoices,
    OutOfRange,
    Refused,
    StorageTrouble,
)
from bot.request.params import Start, Wish
from bot.request.resolve import UPSCALE_FACTOR, Seeds, compose, enlarge, vary
from engine import uploads
from engine.prompts import Level
from engine.series import MAX_PICTURES
from engine.types import MAX_SEED, ImageRequest, Mode, Recipe
from engine.uploads import Limits, Upload, UploadRefused
from storage.errors import StorageError
from storage.files import PictureFiles
from storage.inputs import Inputs
from storage.types import StoredPicture

_SEED_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Enlargeable:
    """A picture that can be enlarged, as far as that is known without reading its file."""

    original: StoredPicture
    path: Path


@dataclass(frozen=True, slots=True)
class Change:
    """Other words for a picture, as they were typed. seed: "" for a fresh one."""

    prompt: str
    negative: str = ""
    seed: str = ""


class Repaint:
    """Accepts what is made of a picture; a private picture's offspring is private.

    picture: an id, None for the person's last one here. anyones: as for Painter.find.
    """

    def __init__(self, painter: Painter, files: PictureFiles, inputs: Inputs, seeds: Seeds) -> None:
        self._painter = painter
        self._files = files
        self._inputs = inputs
        self._seeds = seeds

    async def vary(
        self, person: Person, amount: float, picture: str | None = None, *, anyones: bool = False
    ) -> Accepted | Refused:
        """Paint a picture again with its noise turned a little. amount: SUBTLE or STRONG."""
        original = await self.original(person, picture, anyones=anyones)
        if isinstance(original, Refused):
            return original
        composed = vary(_request(original), amount, self._painter.family, self._seeds)
        if isinstance(composed, Refused):
            return composed
        return await self._painter.accept(
            person, composed, parent_id=original.id, private=original.private
        )

    async def enlargeable(
        self, person: Person, picture: str | None = None, *, anyones: bool = False
    ) -> Enlargeable | Refused:
        """What `upscale` needs, or why not: quick, so that slow work can be announced first."""
        original = await self.original(person, picture, anyones=anyones)
        if isinstance(original, Refused):
            return original
        # No hash yet: whether the size can be painted shows without one.
        possible = enlarge(_request(original), "", self._painter.family)
        if isinstance(possible, Refused):
            return possible
        path = await asyncio.to_thread(self._files.existing, original.file)
        if path is None or not original.on_disk:
            return Refused(FileRemoved(original.id, original.seed))
        return Enlargeable(original, path)

    async def upscale(self, person: Person, found: Enlargeable) -> Accepted | Refused:
        """Paint it at twice its size, from its own pixels, which are kept as the job's input."""
        original = found.original
        try:
            upload, data = await asyncio.to_thread(_pixels, found.path)
        except (OSError, UploadRefused):
            return Refused(FileRemoved(original.id, original.seed))
        composed = enlarge(_request(original), upload.sha256, self._painter.family)
        if isinstance(composed, Refused):
            return composed
        try:
            await self._inputs.write(data, upload.sha256)
        except StorageError as error:
            self._painter.trouble(error)
            return Refused(StorageTrouble())
        return await self._painter.accept(
            person, composed, parent_id=original.id, private=original.private
        )

    async def remix(
        self, person: Person, change: Change, picture: str | None = None, *, anyones: bool = False
    ) -> Accepted | Refused:
        """Paint other words with the numbers of a picture: its size, steps, guidance and style.

        Flags among the words say what is to be otherwise; choices are refused as in obeyed().
        """
        original = await self.original(person, picture, anyones=anyones)
        if isinstance(original, Refused):
            return original
        seed = _seed(change.seed)
        if isinstance(seed, Refused):
            return seed
        request = _request(original)
        wish = Wish(
            change.prompt, seed=seed, negative=change.negative or None, start=_start(request)
        )
        asked = obeyed(wish, 1, original.private)
        if isinstance(asked, Refused):
            return _about(asked, original.id)
        wish = like(asked.wish, request)
        if isinstance(wish, Refused):
            return wish
        if not 1 <= asked.count <= MAX_PICTURES:
            return Refused(OutOfRange("count", asked.count, 1, MAX_PICTURES))
        painter = self._painter
        composed = await asyncio.to_thread(  # as in Painter.imagine
            compose, wish, painter.family, self._seeds, painter.engine.count_tokens
        )
        if isinstance(composed, Refused):
            return composed
        return await painter.accept(
            person,
            composed,
            parent_id=original.id,
            private=original.private or asked.private,
            count=asked.count,
        )

    async def original(
        self, person: Person, picture: str | None = None, *, anyones: bool = False
    ) -> StoredPicture | Refused:
        """The picture that is meant, if this person may start from it."""
        return await self._painter.find(person, picture, anyones=anyones)


def _request(original: StoredPicture) -> ImageRequest:
    return Recipe.from_json(original.recipe).request


def _pixels(path: Path) -> tuple[Upload, bytes]:
    """The pixels of a picture file, and as an input is kept. Blocking; OSError, UploadRefused."""
    upload = uploads.decode(path.read_bytes(), Limits())
    return upload, uploads.canonical(upload)


def _seed(typed: str) -> int | Refused | None:
    digits = typed.strip()
    if not digits:
        return None
    if digits.isascii() and digits.isdigit() and len(digits) <= _SEED_DIGITS:
        return int(digits)
    return Refused(OutOfRange("seed", f"“{digits[:20]}”", 0, MAX_SEED))


def _about(refused: Refused, picture_id: int) -> Refused:
    """The refusal of a wish that would be painted from this picture."""
    if isinstance(refused.reason, ManyChoices):
        return Refused(dataclasses.replace(refused.reason, parent_id=picture_id))
    return refused


def _start(original: ImageRequest) -> Start | None:
    if original.mode in (Mode.TEXT, Mode.UPSCALE):
        return None
    return Start(original.mode, original.inputs, original.strength)


def like(wish: Wish, original: ImageRequest) -> Wish | Refused:
    """The wish with the numbers of a picture where it says nothing of its own.

    One that was enlarged has the size it had before. What starts from a picture keeps its shape.
    """
    size = (original.width_px, original.height_px)
    if original.mode is Mode.UPSCALE:
        size = (size[0] // UPSCALE_FACTOR, size[1] // UPSCALE_FACTOR)
    if wish.aspect is not None or wish.size is not None:
        if wish.start is not None:
            flag = "--size" if wish.aspect is None else "--ar"
            return Refused(FlagProblem(BadFlag(BadKind.UNSUPPORTED, flag)))
        size = wish.size
    effort = wish.steps is None and wish.speed is None
    return dataclasses.replace(
        wish,
        size=size,
        steps=original.steps if effort else wish.steps,
        guidance=wish.guidance if wish.guidance is not None or wish.strict else original.guidance,
        enhance=wish.enhance or (Level.SMART if original.expand else None),
        variety=wish.variety or original.variety,
        refine=wish.refine or original.refine,
        style=wish.style or original.style,
    )
