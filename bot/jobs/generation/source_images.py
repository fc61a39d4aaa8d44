"""Decode the source images of a request, choose its size, and fit them to it. Blocking."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from bot.request.input_images import MaskMissing, fit_upload, prepare, size_from
from bot.request.input_sources import InputSource, InputSpec, StagedSource
from bot.request.outcomes import Reason, StagedPictureGone, UnusableUpload
from bot.request.params import GenerationParams
from bot.request.sizes import size_problem
from engine.diffusion.families import Family
from engine.masks import MaskRefused, read_holes, read_mask
from engine.types import Mode
from engine.uploads import Upload, UploadLimits, UploadRefused, canonical, decode, reopen

LIMITS = UploadLimits()


@dataclass(frozen=True, slots=True)
class FittedInputs:
    """Parameters with their fitted images. files: the hash and the bytes of each input."""

    params: GenerationParams
    files: tuple[tuple[str, bytes], ...]


def fit_inputs(
    spec: InputSpec, files: Sequence[bytes], params: GenerationParams, family: Family
) -> FittedInputs | Reason:
    """Return the parameters of a request and its inputs, or why a file cannot be used."""
    mode, pictures = spec.mode, list[Upload]()
    size: tuple[int, int] | Reason = (0, 0)
    for number, (source, data) in enumerate(zip(spec.sources, files, strict=True), 1):
        try:
            if mode is Mode.INPAINT and number == 2:
                upload = read_mask(data, LIMITS, pictures[0].raster, files[0])
            else:
                upload = _decode(source, data)
        except UploadRefused as refused:
            if isinstance(source, StagedSource):
                return StagedPictureGone()
            about_mask = isinstance(refused, MaskRefused)
            return UnusableUpload(refused, 0 if about_mask else number, len(files))
        if number == 1:
            size = _output_size(params, mode, family, source, upload)
            if not isinstance(size, tuple):
                return size
        if mode is Mode.BLEND:  # several large images would take too much memory
            assert isinstance(size, tuple)
            upload = fit_upload(upload, *size)
        pictures.append(upload)
    assert isinstance(size, tuple) and params.start is not None
    try:
        if mode is Mode.INPAINT and len(files) == 1 and spec.region is None:
            pictures.append(_transparency_mask(files[0]))
        prepared = prepare(mode, pictures, size, params.start.strength, spec.region)
    except UploadRefused as refused:  # only masks are refused here
        return UnusableUpload(refused, number=0)
    # A picture that was given twice is stored once.
    files_by_hash = {each.sha256: canonical(each) for each in prepared.inputs}
    fitted = dataclasses.replace(params, aspect=None, size=size, start=prepared.start)
    return FittedInputs(fitted, tuple(files_by_hash.items()))


def _decode(source: InputSource, data: bytes) -> Upload:
    if not isinstance(source, StagedSource):
        return decode(data, LIMITS)
    return dataclasses.replace(reopen(data, source.sha256), changes=source.changes)


def _output_size(
    params: GenerationParams, mode: Mode, family: Family, source: InputSource, first: Upload
) -> tuple[int, int] | Reason:
    image_size = (first.raster.width_px, first.raster.height_px)
    keep_size = isinstance(source, StagedSource) and params.size is None and params.aspect is None
    if keep_size and size_problem(*image_size, family, mode) is None:
        return image_size  # it was fitted when it was staged
    return size_from(params, mode, family, image_size)


def _transparency_mask(data: bytes) -> Upload:
    mask = read_holes(data, LIMITS)
    if mask is None:
        raise MaskMissing
    return mask
