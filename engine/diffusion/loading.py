"""Load a model by its name, and verify that it is complete."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.utils import logging as diffusers_logging
from huggingface_hub import snapshot_download
from transformers.utils import logging as transformers_logging

from engine.diffusion.capacity import require_memory, weights_dtype
from engine.diffusion.completeness import check_whole
from engine.diffusion.families import SKETCH, Family, family_for, folder_of
from engine.diffusion.preview_methods import TINY_FOLDER
from engine.errors import ModelInvalid, ModelNotFound, ModelUnavailable
from engine.settings import EngineSettings
from engine.sketch import MODEL_DIR

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_SAMPLE_BYTES = 1 << 20
"""Read at the start, middle and end of each weights file by `fingerprint`."""


def locate(settings: EngineSettings) -> Path:
    """Return the model's folder; fetch it only where `download` allows it.

    Raises ModelNotFound.
    """
    model = settings.model
    if model == SKETCH:
        return MODEL_DIR
    folder = folder_of(model)
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise ModelInvalid(model, "this is a file; a model is a folder with a model_index.json")
    if not _HUB_ID.fullmatch(model):
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
    """A complete pipeline on the CPU. revision: fingerprint of its weights."""

    pipeline: Any
    revision: str
    folder: Path
    dtype: torch.dtype
    family: Family


def load_model(
    settings: EngineSettings, device: torch.device, dtype: torch.dtype | None = None
) -> Loaded:
    """Load the model into the host's memory.

    device: where it will be painted with. dtype: None for the format that suits model and device.
    Raises ModelNotFound, ModelTooLarge if memory cannot hold it, or ModelInvalid for a folder of
    another kind, missing or truncated files, and weights that do not fill the architecture (which
    would paint noise).
    """
    # Both libraries draw progress bars for a second of loading, over the caller's own output.
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    try:
        folder, family = locate(settings), family_for(settings.model)
        weights = check_whole(settings.model, folder, family)
        dtype = dtype or weights_dtype(device, family, weights)
        require_memory(settings.model, weights, dtype, device)
        pipeline = getattr(diffusers, family.pipeline_class).from_pretrained(
            str(folder), dtype=dtype, local_files_only=True, use_safetensors=True
        )
        if misfit := family.misfit(pipeline):  # otherwise each job would fail
            raise ModelInvalid(settings.model, misfit)
        revision = fingerprint(folder)
    except ModelUnavailable:
        raise
    except MemoryError as error:
        raise ModelUnavailable(settings.model, "there is not enough memory to load it") from error
    except Exception as error:  # a broken folder makes the libraries raise nearly anything
        first_line = (str(error).strip().splitlines() or ["no detail"])[0]
        raise ModelInvalid(settings.model, f"{type(error).__name__}: {first_line}") from error
    return Loaded(pipeline, revision, folder, dtype, family)


def load_component(loaded: Loaded, name: str) -> Any:
    """Load one component again, on the CPU, as it was loaded the first time."""
    present = getattr(loaded.pipeline, name)
    dtype = {"dtype": loaded.dtype} if name == "text_encoder" else {"torch_dtype": loaded.dtype}
    return type(present).from_pretrained(
        str(loaded.folder), subfolder=name, local_files_only=True, use_safetensors=True, **dtype
    )


def fingerprint(folder: Path) -> str:
    """Return sixteen hex digits that change with the weights.

    Reads every configuration and, of each weights file, its size, its header and three samples:
    hashing 33 GB at each start would take a minute.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix not in {".json", ".safetensors", ".txt", ".jinja"} or not path.is_file():
            continue
        if path.relative_to(folder).parts[0] == TINY_FOLDER:
            continue  # used for previews only: no picture depends on it
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            size = path.stat().st_size
            for offset in sorted({0, max(0, size // 2), max(0, size - _SAMPLE_BYTES)}):
                file.seek(offset)
                digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:16]
