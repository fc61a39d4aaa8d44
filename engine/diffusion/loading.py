"""Load a model by its name, from whatever files there are of it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.utils import logging as diffusers_logging
from huggingface_hub import snapshot_download
from transformers.utils import logging as transformers_logging

from engine.diffusion.capacity import require_memory, weights_dtype
from engine.diffusion.checkpoints import (
    Checkpoint,
    Companions,
    PipelineFolder,
    Unusable,
    open_checkpoint,
)
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
from engine.diffusion.preview_methods import TINY_FOLDER
from engine.errors import ModelInvalid, ModelNotFound, ModelUnavailable
from engine.settings import EngineSettings
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
        raise ModelNotFound(
            model, "no such folder, and not a Hugging Face model id like owner/name"
        )
    try:
        return Path(
            snapshot_download(
                model,
                revision=settings.revision,
                local_files_only=not settings.download,
                ignore_patterns=["*.bin", "*.pt", "*.ckpt", "*.msgpack", "*.onnx"],
            )
        )
    except Exception as error:  # the hub client raises a dozen types
        hint = (
            f"it could not be fetched ({type(error).__name__})"
            if settings.download
            else "no such folder, and it has not been downloaded; allow it with "
            "`download = true` under [engine]"
        )
        raise ModelNotFound(model, hint) from error


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
    checkpoint: Checkpoint | PipelineFolder | None = None


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
        found, source = identified(settings), locate(settings)
        _check_fetched(settings, source, found)
        family = found.family
        companions = Companions(settings.text_encoder, settings.vae, settings.tokenizer)
        checkpoint = open_checkpoint(source, family, companions, without=TINY_FOLDER)
        dtype = dtype or weights_dtype(device, family, checkpoint.count)
        require_memory(model, checkpoint.count, dtype, device)
        pipeline = checkpoint.load(dtype)
        if misfit := family.misfit(pipeline):  # otherwise each job would fail
            raise ModelInvalid(model, misfit)
        revision = checkpoint.fingerprint()
    _report(source.name, found)
    for note in checkpoint.notes:
        _log.info("%s: %s", source.name, note)
    return Loaded(pipeline, revision, checkpoint.root, dtype, family, checkpoint)


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
    found = identify(ModelClues.read(str(source)))
    if not found.guessed and found.family is not assumed.family:
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
