"""Source images of the command line, from files or from the data folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.cli.common.errors import fail
from bot.exit_codes import BAD_INPUT
from bot.i18n import words
from bot.request.input_images import InputMismatch, PreparedInputs, match_inputs, prepare
from bot.wording import rejections
from engine.types import ImageRequest, Mode
from engine.uploads import Upload, UploadLimits, UploadRefused, UploadTooLarge, decode, reopen
from storage.errors import PictureMissing
from storage.inputs import InputFiles

LIMITS = UploadLimits()


def read_pictures(files: Sequence[Path]) -> tuple[Upload, ...]:
    """Decode pictures of any accepted format, or exit with code 2."""
    return tuple(map(_read, files))


def fit_or_exit(
    mode: Mode, files: Sequence[Path], uploads: Sequence[Upload], size: tuple[int, int]
) -> PreparedInputs:
    """Fit the pictures to `size`, or exit with code 2."""
    try:
        return prepare(mode, uploads, size)
    except UploadRefused as refused:  # only masks are refused here
        fail(f"{files[-1]}: {rejections.upload_refusal(refused, words())}", BAD_INPUT)


def original_inputs(
    request: ImageRequest, painted: Path, files: Sequence[Path], data_dir: Path
) -> tuple[Upload, ...]:
    """Return the source images of the picture `painted`, from given files or the data folder.

    Exits with code 2 if they are missing or differ from the original ones. Raises StorageError if
    the data folder cannot be read.
    """
    if not files:
        return _read_stored(request, painted, data_dir)
    if len(files) != len(request.inputs):
        fail(f"{painted} was painted from {_told(request)}.", BAD_INPUT)
    try:
        return match_inputs(request, read_pictures(files))
    except InputMismatch as refused:
        fail(f"{files[refused.position]}: {rejections.upload_refusal(refused, words())}", BAD_INPUT)


def _read(file: Path) -> Upload:
    try:
        size_bytes = file.stat().st_size
        if size_bytes > LIMITS.bytes:  # before reading it into memory
            raise UploadTooLarge(size_bytes, LIMITS.bytes)
        with file.open("rb") as stream:
            return decode(stream.read(LIMITS.bytes + 1), LIMITS)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.", BAD_INPUT)
    except UploadRefused as refused:
        fail(f"{file}: {rejections.upload_refusal(refused, words())}", BAD_INPUT)


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
        Mode.INPAINT: "a picture and a mask: give them with --image and --mask",
        Mode.BLEND: "two pictures: give them with --blend",
        Mode.UPSCALE: "a smaller picture: give that with --image",
    }[request.mode]
