"""Source images of the command line, from files or from the data folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bot.cli.common.errors import fail
from bot.cli.common.language import terminal_words
from bot.exit_codes import BAD_INPUT
from bot.request.input_images import (
    InputMismatch,
    PreparedInputs,
    match_inputs,
    prepare,
    with_region,
)
from bot.request.values.regions import Region
from bot.wording import rejections
from engine.masks import read_mask
from engine.types import ImageRequest, Mode
from engine.uploads import Upload, UploadLimits, UploadRefused, UploadTooLarge, decode, reopen
from storage.errors import PictureMissing
from storage.inputs import InputFiles

LIMITS = UploadLimits()


def read_pictures(mode: Mode, files: Sequence[Path]) -> tuple[Upload, ...]:
    """Decode the pictures of a mode, of any accepted format, or exit with code 2."""
    try:
        return _decoded(mode, [_content(each) for each in files])
    except _UnusableFile as unusable:
        _refuse(files[unusable.position], unusable.refused)


def fit_or_exit(
    mode: Mode,
    files: Sequence[Path],
    uploads: Sequence[Upload],
    size: tuple[int, int],
    region: Region | None = None,
) -> PreparedInputs:
    """Fit the pictures to `size`, or exit with code 2."""
    try:
        return prepare(mode, uploads, size, region=region)
    except UploadRefused as refused:  # only masks are refused here
        _refuse(files[-1], refused)


def original_inputs(
    request: ImageRequest,
    painted: Path,
    files: Sequence[Path],
    data_dir: Path,
    region: Region | None = None,
) -> tuple[Upload, ...]:
    """Return the source images of the picture `painted`, from given files or the data folder.

    region: in place of the mask. Exits with code 2 if they are missing or differ from the original
    ones. Raises StorageError if the data folder cannot be read.
    """
    if not files:
        return _read_stored(request, painted, data_dir)
    if len(files) + (region is not None) != len(request.inputs):
        fail(f"{painted} was painted from {_told(request)}.", BAD_INPUT)
    contents = [_content(each) for each in files]
    problems: list[_UnusableFile] = []
    # Recipes of earlier versions name what was read of the same files then.
    for read in (_decoded, _decoded_as_before):
        try:
            pictures = read(request.mode, contents)
            if region is not None:
                size = (request.width_px, request.height_px)
                pictures = with_region(pictures, region, size)
            return match_inputs(request, pictures)
        except InputMismatch as refused:
            position = min(refused.position, len(files) - 1)
            problems.append(_UnusableFile(position, refused))
        except _UnusableFile as unusable:
            problems.append(unusable)
    first = problems[0]
    return _refuse(files[first.position], first.refused)


class _UnusableFile(Exception):
    """A file cannot be used. position: of the file, from 0."""

    def __init__(self, position: int, refused: UploadRefused) -> None:
        super().__init__(str(refused))
        self.position = position
        self.refused = refused


def _decoded(mode: Mode, contents: Sequence[bytes]) -> tuple[Upload, ...]:
    pictures: list[Upload] = []
    for position, data in enumerate(contents):
        try:
            if mode is Mode.INPAINT and position == 1:
                pictures.append(read_mask(data, LIMITS, pictures[0].raster, contents[0]))
            else:
                pictures.append(decode(data, LIMITS))
        except UploadRefused as refused:
            raise _UnusableFile(position, refused) from None
    return tuple(pictures)


def _decoded_as_before(_mode: Mode, contents: Sequence[bytes]) -> tuple[Upload, ...]:
    """Decode the files as when everything was put on white, and masks were their lightness."""
    pictures: list[Upload] = []
    for position, data in enumerate(contents):
        try:
            pictures.append(decode(data, LIMITS, on_white=True))
        except UploadRefused as refused:
            raise _UnusableFile(position, refused) from None
    return tuple(pictures)


def _content(file: Path) -> bytes:
    try:
        size_bytes = file.stat().st_size
        if size_bytes > LIMITS.bytes:  # before reading it into memory
            _refuse(file, UploadTooLarge(size_bytes, LIMITS.bytes))
        with file.open("rb") as stream:
            return stream.read(LIMITS.bytes + 1)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.", BAD_INPUT)


def _refuse(file: Path, refused: UploadRefused) -> NoReturn:
    fail(f"{file}: {rejections.upload_refusal(refused, terminal_words())}", BAD_INPUT)


def _read_stored(request: ImageRequest, painted: Path, data_dir: Path) -> tuple[Upload, ...]:
    files = InputFiles(data_dir)
    try:
        return tuple(reopen(files.read(each), each) for each in request.inputs)
    except (PictureMissing, UploadRefused):
        fail(
            f"The source images of {painted} are not in the data folder {data_dir}: it was "
            f"painted from {_told(request)}.",
            BAD_INPUT,
        )


def _told(request: ImageRequest) -> str:
    if len(request.inputs) > 2:
        return f"{len(request.inputs)} pictures, and --blend takes two"
    return {
        Mode.TEXT: "text only, so it needs no picture",
        Mode.IMAGE: "a picture: give that with --image",
        Mode.INPAINT: "a picture and a mask: give them with --image and --mask or --region",
        Mode.BLEND: "two pictures: give them with --blend",
        Mode.UPSCALE: "a smaller picture: give that with --image",
    }[request.mode]
