"""Fit source images to the picture that is generated from them. Blocking; does not use the disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bot.request.outcomes import Reason
from bot.request.params import GenerationParams, InitImages
from bot.request.sizes import MAX_UNSAID_CUT, UPSCALE_FACTOR, size_for, size_problem
from bot.request.values.regions import Region, region_mask
from engine.diffusion.families import Family
from engine.masks import MaskEmpty, MaskRefused, check_shape
from engine.modes import takes
from engine.sizing import GRID_PX, cut_share
from engine.types import INPUTS, ImageRequest, Mode, Raster, SourceChange, SourceChangeKind
from engine.uploads import Upload, UploadRefused, fit, mask_of


class MaskMissing(MaskRefused):
    """No mask was given, and the picture has no transparent area to use as one."""

    code = "mask_missing"
    sentence = "there is no mask, and the picture is opaque"


class MaskCutOff(MaskRefused):
    """What the mask marks lies in the part of a long picture that is cut off."""

    code = "mask_cut_off"
    sentence = "what the mask marks is cut off"


class InputMismatch(UploadRefused):
    """A given picture is not the source image of the request.

    position: 0 = the first, 1 = the mask or the second.
    """

    code = "other_picture"

    def __init__(self, position: int, found: str, needed: str) -> None:
        data = {"position": position, "found": found, "needed": needed}
        super().__init__(f"picture {position + 1} is {found}, needed is {needed}", data)
        self.position = position


@dataclass(frozen=True, slots=True)
class PreparedInputs:
    """Source images that are ready for a request.

    start: the field of the request parameters. inputs: the images that it names, in its order, to
    be stored and generated from.
    """

    start: InitImages
    inputs: tuple[Upload, ...]


def prepare(
    mode: Mode,
    pictures: Sequence[Upload],
    size: tuple[int, int],
    strength: float | None = None,
    region: Region | None = None,
) -> PreparedInputs:
    """Fit pictures to an output of `size` (width_px, height_px), as the mode needs them.

    pictures: as many as the mode takes; for Mode.INPAINT, the picture and its mask, or the picture
    alone and a region. Raises MaskSizeMismatch, MaskEmpty or MaskCutOff, and ValueError for a wrong
    number of pictures.
    """
    if region is not None:
        pictures = with_region(pictures, region, size)
    elif mode is Mode.INPAINT and len(pictures) == INPUTS[mode]:
        check_shape(pictures[1].raster, pictures[0].raster)
    inputs = _fit_all(mode, pictures, size)
    if mode is Mode.INPAINT and not any(inputs[1].raster.rgb):
        raise MaskCutOff if any(pictures[1].raster.rgb) else MaskEmpty
    sources = inputs[:1] if mode is Mode.INPAINT else inputs
    start = InitImages(mode, tuple(each.sha256 for each in inputs), strength, _changes(sources))
    return PreparedInputs(start, inputs)


def with_region(
    pictures: Sequence[Upload], region: Region, size: tuple[int, int]
) -> tuple[Upload, ...]:
    """Return the pictures and the mask of a region of an output of `size`."""
    return (*pictures, Upload.of(region_mask(region, *size)))


def fit_upload(upload: Upload, width_px: int, height_px: int) -> Upload:
    """Return the picture in exactly this size; its changes say if much of it is cut off."""
    source = (upload.raster.width_px, upload.raster.height_px)
    cut = cut_share(source, (width_px, height_px))
    changes = upload.changes
    if cut > MAX_UNSAID_CUT:
        changes += (SourceChange(SourceChangeKind.CUT, str(min(99, round(100 * cut)))),)
    return Upload.of(fit(upload.raster, width_px, height_px), changes)


def match_inputs(request: ImageRequest, pictures: Sequence[Upload]) -> tuple[Upload, ...]:
    """Return the inputs of a request, made from source images that the user provides again.

    Raises InputMismatch if one differs, and ValueError for a wrong number of pictures.
    """
    if len(pictures) != len(request.inputs):
        raise ValueError(f"{len(request.inputs)} input pictures are needed, not {len(pictures)}")
    inputs = _fit_all(request.mode, pictures, (request.width_px, request.height_px))
    for position, (found, needed) in enumerate(zip(inputs, request.inputs, strict=True)):
        if found.sha256 != needed:
            raise InputMismatch(position, found.sha256, needed)
    return inputs


def size_from(
    params: GenerationParams, mode: Mode, family: Family, source: tuple[int, int]
) -> tuple[int, int] | Reason:
    """Return (width_px, height_px) of a picture made from one of size `source`, or why it has none.

    Without an explicit size or aspect, the aspect ratio of the source is kept. Mode.UPSCALE doubles
    the source's size, or the family's own size if the source is too large or too small for it.
    """
    if mode is not Mode.UPSCALE:
        return size_for(params, family, source)
    if params.size is not None:
        return size_problem(*params.size, family, mode) or params.size
    snapped = tuple(max(1, round(side / GRID_PX)) * GRID_PX for side in source)
    base: tuple[int, int] | Reason = (snapped[0], snapped[1])
    if params.aspect is not None or size_problem(snapped[0], snapped[1], family) is not None:
        base = size_for(params, family, source)
    if not isinstance(base, tuple):
        return base
    return base[0] * UPSCALE_FACTOR, base[1] * UPSCALE_FACTOR


def _fit_all(mode: Mode, pictures: Sequence[Upload], size: tuple[int, int]) -> tuple[Upload, ...]:
    if not takes(mode, len(pictures)):
        raise ValueError(f"{mode} takes {INPUTS[mode]} input pictures, not {len(pictures)}")
    factor = UPSCALE_FACTOR if mode is Mode.UPSCALE else 1
    width_px, height_px = size[0] // factor, size[1] // factor
    fitted = [fit_upload(each, width_px, height_px) for each in pictures]
    if mode is Mode.INPAINT:
        mask = mask_of(pictures[1].raster, width_px, height_px)
        fitted[1] = Upload.of(_mask_raster(mask, width_px, height_px))
    return tuple(fitted)


def _changes(pictures: Iterable[Upload]) -> tuple[SourceChange, ...]:
    """Return the changes of all pictures, each once; of several cuts the largest."""
    changes = dict.fromkeys(change for each in pictures for change in each.changes)
    cuts = [each for each in changes if each.kind is SourceChangeKind.CUT]
    largest = max(cuts, key=lambda each: int(each.value), default=None)
    return tuple(each for each in changes if each not in cuts or each == largest)


def _mask_raster(mask: bytes, width_px: int, height_px: int) -> Raster:
    return Raster(width_px, height_px, np.repeat(np.frombuffer(mask, np.uint8), 3).tobytes())
