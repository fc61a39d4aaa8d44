"""Load a model by its name, from whatever files there are of it."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from diffusers.utils import logging as diffusers_logging
from huggingface_hub import snapshot_download
from transformers.utils import logging as transformers_logging

from engine.diffusion.capacity import require_memory, weights_dtype
from engine.diffusion.checkpoints import Checkpoint, Companions, Unusable
from engine.diffusion.families import SKETCH, Family, family_for, folder_of
from engine.diffusion.footprint import Sizes
from engine.diffusion.previews import TINY_FOLDER
from engine.diffusion.residency import from_pipeline
from engine.errors import ModelInvalid, ModelNotFound, ModelTooLarge, ModelUnavailable
from engine.hub import find_downloaded
from engine.hub.errors import HubError
from engine.hub.logged import fetch
from engine.settings import EngineSettings
from engine.sketch import MODEL_DIR

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
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
    if not _HUB_ID.fullmatch(model):
        raise ModelNotFound(
            model, "no such folder, and not a Hugging Face model id like owner/name"
        )
    # First without the network, which may be slow or silent: what is here has not to be asked for.
    found = find_downloaded(model, settings.revision) or _in_cache(settings)
    return found or _fetched(settings)


def _in_cache(settings: EngineSettings) -> Path | None:
    """Return what another program has fetched; None if it is not here, or not all of it."""
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


def _fetched(settings: EngineSettings) -> Path:
    model = settings.model
    if not settings.download:
        raise ModelNotFound(
            model,
            "no such folder, and it has not been downloaded; fetch it with "
            f"`zimagine download {model}`, or allow it with `download = true` under [engine]",
        )
    try:
        return fetch(model, settings.revision)
    except (HubError, OSError) as error:
        raise ModelNotFound(model, f"it could not be fetched ({error})") from error


@dataclass(frozen=True, slots=True)
class Loaded:
    """A complete pipeline on the CPU. revision: fingerprint of its weights.

    folder: the model's, or that of its file. checkpoint: its files; None for a model without files.
    """

    pipeline: Any
    revision: str
    folder: Path
    dtype: torch.dtype
    family: Family
    checkpoint: Checkpoint | None = None


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
        checkpoint, family = _opened(settings)
        dtype = dtype or weights_dtype(device, family, checkpoint.count)
        require_memory(model, checkpoint.count, dtype, device)
        pipeline = checkpoint.load(dtype)
        if misfit := family.misfit(pipeline):  # otherwise each job would fail
            raise ModelInvalid(model, misfit)
        revision = checkpoint.fingerprint()
    for note in checkpoint.notes:
        _log.info("%s: %s", checkpoint.source.name, note)
    return Loaded(pipeline, revision, checkpoint.root, dtype, family, checkpoint)


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
        checkpoint, family = _opened(replace(settings, download=False))
        checkpoint.check_companions()
        dtype = weights_dtype(device, family, checkpoint.count)
        too_large = None
        try:
            require_memory(settings.model, checkpoint.count, dtype, device)
        except ModelTooLarge as error:
            too_large = error
        sizes = from_pipeline(SimpleNamespace(**checkpoint.skeletons(dtype)), family)
        return Examined(family, checkpoint.count, dtype, sizes, checkpoint.notes, too_large)


def _opened(settings: EngineSettings) -> tuple[Checkpoint, Family]:
    """Find a model's files and compare their headers with its architecture."""
    source = locate(settings)
    # A hub id tells nothing; what was fetched for it does.
    family = family_for(settings.model if settings.model == SKETCH else str(source))
    companions = Companions(settings.text_encoder, settings.vae, settings.tokenizer)
    return Checkpoint(source, family, companions, without=TINY_FOLDER), family


def load_component(loaded: Loaded, name: str) -> Any:
    """Load one component again, on the CPU, as it was loaded the first time.

    Raises ModelInvalid if its files have changed.
    """
    if loaded.checkpoint is None:
        raise ModelInvalid(str(loaded.folder), "it was not loaded from files")
    with _explained(loaded.folder.name):
        return loaded.checkpoint.load_component(name, loaded.dtype)


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
