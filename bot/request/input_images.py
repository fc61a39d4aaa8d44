"""Fit source images to the picture that is generated from them. Blocking; does not use the disk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.request.outcomes import Reason
from bot.request.params import GenerationParams, InitImages
from bot.request.resolve import UPSCALE_FACTOR, size_for, size_problem
from engine.diffusion.families import Family
from engine.modes import takes
from engine.sizing import GRID_PX
from engine.types import INPUTS, ImageRequest, Mode, Raster
from engine.uploads import Upload, UploadRefused, fit, mask_of

MAX_ASPECT_DIFFERENCE: Final = 0.02
"""Largest difference between the aspect ratios of a mask and its picture, as a natural logarithm.
Chosen by hand: programs round when they scale both."""


class MaskSizeMismatch(UploadRefused):
    """The mask has a different aspect ratio from its picture, so what it covers is ambiguous."""

    code = "mask_unfit"

    def __init__(self, mask: Raster, picture: Raster) -> None:
        data = {
            "width_px": mask.width_px,
            "height_px": mask.height_px,
            "picture_width_px": picture.width_px,
            "picture_height_px": picture.height_px,
        }
        super().__init__("the mask has another shape than the picture", data)
        self.mask_px = (mask.width_px, mask.height_px)
        self.picture_px = (picture.width_px, picture.height_px)


class MaskEmpty(UploadRefused):
    """The mask is entirely black: nothing would be repainted."""

    code = "mask_empty"

    def __init__(self) -> None:
        super().__init__("the mask is black all over", {})


class MaskMissing(UploadRefused):
    """No mask was given, and the picture has no transparent area to use as one."""

    code = "mask_missing"

    def __init__(self) -> None:
        super().__init__("there is no mask, and the picture is opaque", {})


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
    mode: Mode, pictures: Sequence[Upload], size: tuple[int, int], strength: float | None = None
) -> PreparedInputs:
    """Fit pictures to an output of `size` (width_px, height_px), as the mode needs them.

    pictures: as many as the mode takes; for Mode.INPAINT, the picture and its mask. Raises
    MaskSizeMismatch or MaskEmpty, and ValueError for a wrong number of pictures.
    """
    if mode is Mode.INPAINT and len(pictures) == INPUTS[mode]:
        _check_shape(pictures[1].raster, pictures[0].raster)
    inputs = _fit_all(mode, pictures, size)
    if mode is Mode.INPAINT and not any(inputs[1].raster.rgb):
        raise MaskEmpty
    return PreparedInputs(InitImages(mode, tuple(each.sha256 for each in inputs), strength), inputs)


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
    fitted = [fit(each.raster, width_px, height_px) for each in pictures]
    if mode is Mode.INPAINT:
        fitted[1] = _mask_raster(
            mask_of(pictures[1].raster, width_px, height_px), width_px, height_px
        )
    return tuple(map(Upload.of, fitted))


def _mask_raster(mask: bytes, width_px: int, height_px: int) -> Raster:
    return Raster(width_px, height_px, np.repeat(np.frombuffer(mask, np.uint8), 3).tobytes())


def _check_shape(mask: Raster, picture: Raster) -> None:
    shapes = [each.width_px / each.height_px for each in (mask, picture)]
    if abs(math.log(shapes[0] / shapes[1])) > MAX_ASPECT_DIFFERENCE:
        raise MaskSizeMismatch(mask, picture)
