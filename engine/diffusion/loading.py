"""Load a model by its name, from whatever files there are of it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from diffusers.utils import logging as diffusers_logging
from huggingface_hub import snapshot_download
from transformers.utils import logging as transformers_logging

from engine.diffusion import autoencoder_layers, machine, memory_plans, static_forward
from engine.diffusion.capacity import large_in_float16, require_memory, weights_dtype
from engine.diffusion.checkpoints import (
    Companions,
    ModelCheckpoint,
    Unusable,
    open_checkpoint,
)
from engine.diffusion.checkpoints.quantization.int8_rows import RowsOf
from engine.diffusion.families import (
    HUB_ID,
    SKETCH,
    Family,
    Identified,
    ModelClues,
    folder_of,
    identified,
    identify,
)
from engine.diffusion.footprint import MemoryPlan, Shape, Sizes, Weights
from engine.diffusion.previews import TINY_FOLDER
from engine.diffusion.quantized import float16_weights
from engine.diffusion.residency import from_pipeline
from engine.errors import ModelInvalid, ModelNotFound, ModelTooLarge, ModelUnavailable
from engine.hub import find_downloaded
from engine.hub.errors import HubError
from engine.settings import AUTO, EngineSettings
from engine.sketch import MODEL_DIR

_log = logging.getLogger(__name__)


def locate(settings: EngineSettings) -> Path:
    """Return the model's folder or file; fetch it only where `download` allows it.

    Raises ModelNotFound.
    """
    model = settings.model
    if model == SKETCH:
        return MODEL_DIR
    folder = folder_of(model)
    if folder.is_dir():
        return folder
    if folder.is_file():
        return folder
    if folder.is_symlink():
        raise ModelInvalid(model, f"it is a link to {folder.readlink()}, which does not exist")
    if not HUB_ID.fullmatch(model):
        raise ModelNotFound(model, "no such folder, and not an id like owner/name")
    # First without the network, which may be slow or silent: what is here has not to be asked for.
    if found := find_downloaded(model, settings.revision):
        return found
    here = _in_cache(settings)
    if here is not None and (not settings.download or _is_whole(settings, here)):
        return here
    try:
        return _fetched(settings)
    except ModelNotFound:
        if here is None:
            raise
        return here  # loading says what it lacks


def _in_cache(settings: EngineSettings) -> Path | None:
    """Return what another program has fetched, or a part of it; None if nothing is here."""
    try:
        return Path(
            snapshot_download(
                settings.model,
                revision=settings.revision,
                local_files_only=True,
                ignore_patterns=["*.bin", "*.pt", "*.ckpt", "*.msgpack", "*.onnx"],
            )
        )
    except Exception as error:  # the hub client raises a dozen types
        _log.debug("%s is not in the cache: %s", settings.model, error)
        return None


def _is_whole(settings: EngineSettings, folder: Path) -> bool:
    """Whether the files in the cache are a model; huggingface_hub takes one of them for all."""
    family = identify(ModelClues.read(str(folder)), named=settings.family).family
    try:
        open_checkpoint(folder, family, _companions(settings), without=TINY_FOLDER)
    except (Unusable, OSError):
        return False
    return True


def _companions(settings: EngineSettings) -> Companions:
    return Companions(settings.text_encoder, settings.vae, settings.tokenizer)


def _fetched(settings: EngineSettings) -> Path:
    model = settings.model
    if not settings.download:
        raise ModelNotFound(
            model,
            "no such folder, and it has not been downloaded; fetch it with "
            f"`zimagine download {model}`, or allow it with `download = true` under [engine]",
        )
    from engine.hub.logged import fetch  # imports a client for the network, which few starts need

    try:
        return fetch(model, settings.revision)
    except (HubError, OSError) as error:
        raise ModelNotFound(model, f"it could not be fetched ({error})") from error


@dataclass(frozen=True, slots=True)
class Loaded:
    """A complete pipeline on the CPU. revision: fingerprint of its weights.

    folder: the model's, or that of its file. checkpoint: its files; None for a model without files.
    sizes: for planning, with all weights in `dtype`. narrow: whether the large matrices are in
    float16 all the same: such a pipeline paints only under a plan that stores them so, or in less.
    """

    pipeline: Any
    revision: str
    folder: Path
    dtype: torch.dtype
    family: Family
    checkpoint: ModelCheckpoint[Any] | None = None
    sizes: Sizes | None = None
    narrow: bool = False


def load_model(
    settings: EngineSettings, device: torch.device, dtype: torch.dtype | None = None
) -> Loaded:
    """Load the model into the host's memory.

    device: where it will be painted with. dtype: None for the format that suits model and device.
    What had to be repaired or converted is logged. Raises ModelNotFound, ModelTooLarge if memory
    cannot hold it, or ModelInvalid for files of another model, missing or truncated files, and
    tensors that do not fill the architecture exactly (which would paint noise).
    """
    # Both libraries draw progress bars for a second of loading, over the caller's own output.
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    model = settings.model
    with _explained(model):
        checkpoint, found = _opened(settings)
        family = found.family
        dtype = dtype or weights_dtype(device, family, checkpoint.count)
        sizes = _sizes(checkpoint, dtype, family)
        narrow = family.bfloat16 and large_in_float16(settings, device, dtype)
        require_memory(model, checkpoint.count, dtype, device, _narrow_bytes(sizes, narrow))
        _warn_of_plan(settings, sizes, family, device)
        pipeline = checkpoint.load(dtype, float16_weights if narrow else None)
        if misfit := family.misfit(pipeline):  # otherwise each job would fail
            raise ModelInvalid(model, misfit)
        static_forward.quicken(pipeline.transformer)
        autoencoder_layers.quicken(pipeline.vae)
        revision = checkpoint.fingerprint()
    _report(checkpoint.source.name, found)
    for note in checkpoint.notes:
        _log.info("%s: %s", checkpoint.source.name, note)
    return Loaded(pipeline, revision, checkpoint.root, dtype, family, checkpoint, sizes, narrow)


@dataclass(frozen=True, slots=True)
class Examined:
    """What the headers of a model's files say about it.

    count: number of values in all weights. dtype: the number format that it would be loaded in.
    sizes: for planning. notes: what loading would repair, choose or ignore. too_large: why there is
    no memory for it now; None if there is.
    """

    family: Family
    count: int
    dtype: torch.dtype
    sizes: Sizes
    notes: tuple[str, ...]
    too_large: ModelTooLarge | None


def examine_model(settings: EngineSettings, device: torch.device) -> Examined:
    """Check whatever `load_model` checks before it reads a weight; read none, download nothing.

    device: where it would be painted with. Raises ModelNotFound or ModelInvalid.
    """
    with _explained(settings.model):
        checkpoint, found = _opened(replace(settings, download=False))
        family = found.family
        checkpoint.check_companions()
        dtype = weights_dtype(device, family, checkpoint.count)
        too_large = None
        sizes = _sizes(checkpoint, dtype, family)
        narrow = family.bfloat16 and large_in_float16(settings, device, dtype)
        try:
            count, weights_bytes = checkpoint.count, _narrow_bytes(sizes, narrow)
            require_memory(settings.model, count, dtype, device, weights_bytes)
        except ModelTooLarge as error:
            too_large = error
        return Examined(family, checkpoint.count, dtype, sizes, checkpoint.notes, too_large)


def _sizes(checkpoint: ModelCheckpoint[Any], dtype: torch.dtype, family: Family) -> Sizes:
    return from_pipeline(SimpleNamespace(**checkpoint.skeletons(dtype)), family)


def _narrow_bytes(sizes: Sizes, narrow: bool) -> int | None:
    """Return the bytes of all weights with the large ones in float16; None if they are not."""
    if not narrow:
        return None
    return sizes.transformer(Weights.FP16) + sizes.encoder(Weights.FP16) + sizes.vae_bytes


def _warn_of_plan(
    settings: EngineSettings, sizes: Sizes, family: Family, device: torch.device
) -> None:
    """Log that the plan which the settings name is too large, with both numbers and one that fits.

    It is tried all the same: what other programs hold may be free by the first picture, and after
    it a smaller plan is taken.
    """
    if settings.memory_plan == AUTO:
        return
    choice = memory_plans.choose(
        sizes,
        machine.read(device, speeds=machine.cautious, float32_only=not family.bfloat16),
        Shape(family.native_side_px, family.native_side_px, family.default_steps),
        wanted=MemoryPlan.parse(settings.memory_plan),
        allow_quantized=settings.allow_quantized,
        reserve_bytes=settings.reserve_bytes if device.type == "cuda" else 0,
    )
    if choice.too_large:
        _log.warning("%s: the memory plan %s is %s", settings.model, choice.plan, choice.reason)


def _opened(settings: EngineSettings) -> tuple[ModelCheckpoint[Any], Identified]:
    """Find a model's files and compare their headers with the architecture of its family."""
    found, source = identified(settings), locate(settings)
    _check_fetched(settings, source, found)
    checkpoint = open_checkpoint(source, found.family, _companions(settings), without=TINY_FOLDER)
    return checkpoint, found


def _report(name: str, found: Identified) -> None:
    """Log which family a model was taken for, and why; a guess is a warning."""
    if found.guessed:
        _log.warning(
            "%s: it is taken for %s: %s; `family` under [engine] decides otherwise",
            name,
            found.family.name,
            found.reason,
        )
    else:
        _log.info("%s: it is of the family %s: %s", name, found.family.name, found.reason)


def _check_fetched(settings: EngineSettings, source: Path, assumed: Identified) -> None:
    """Raise ModelInvalid if files that were fetched just now are of another family than assumed.

    Commands and bounds were made for the family that was assumed when nothing was there to read.
    """
    if not assumed.guessed or not source.is_dir():
        return
    found = identify(replace(ModelClues.read(str(source)), name=settings.model))
    if not found.guessed and found.family != assumed.family:
        raise ModelInvalid(
            settings.model,
            f"its files are of {found.family.name} ({found.reason}), which could not be known "
            f"before they were fetched: start zimagine again",
        )


def load_component(loaded: Loaded, name: str) -> Any:
    """Load one component again, on the CPU, as it was loaded the first time.

    Raises ModelInvalid if its files have changed.
    """
    if loaded.checkpoint is None:
        raise ModelInvalid(str(loaded.folder), "it was not loaded from files")
    with _explained(loaded.folder.name):
        component = loaded.checkpoint.load_component(name, loaded.dtype)
    static_forward.quicken(component)
    return component


def open_int8_rows(loaded: Loaded) -> RowsOf | None:
    """Return what reads the transformer's matrices that its files have in int8; None without files.

    Raises ModelInvalid if they have changed.
    """
    if loaded.checkpoint is None:
        return None
    with _explained(loaded.folder.name):
        return loaded.checkpoint.int8_rows("transformer")


@contextlib.contextmanager
def _explained(model: str) -> Iterator[None]:
    """Turn whatever loading raises into a ModelUnavailable with a reason of one line."""
    try:
        yield
    except ModelUnavailable:
        raise
    except Unusable as error:
        raise ModelInvalid(model, error.reason) from error
    except MemoryError as error:
        raise ModelUnavailable(model, "there is not enough memory to load it") from error
    except Exception as error:  # a broken file makes the libraries raise nearly anything
        first_line = (str(error).strip().splitlines() or ["no detail"])[0]
        raise ModelInvalid(model, f"{type(error).__name__}: {first_line}") from error
