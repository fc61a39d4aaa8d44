"""Render requests with a small pipeline and look at what comes out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline

from engine.diffusion.embeddings import EmbeddingCache
from engine.diffusion.renderer import DiffusionRenderer
from engine.renderer import Outcome, RenderTask
from engine.types import Conditions, ImageRequest, Painted, Progress

REQUEST = ImageRequest("a lake", "a lake", "", 5, 128, 128, 3, 1.0)


def outcome(
    painter: DiffusionRenderer,
    request: ImageRequest = REQUEST,
    *,
    cancel_at: int | None = None,
    replay: Conditions | None = None,
    steps: list[Progress] | None = None,
) -> Outcome:
    """Return the outcome of one request; cancelled after a step, if requested."""
    flag = threading.Event()

    def on_step(_row: int, progress: Progress) -> None:
        if steps is not None and progress.step and progress not in steps[-1:]:
            steps.append(progress)
        if progress.step == cancel_at:
            flag.set()

    (made,) = painter.render([RenderTask(request, flag, replay)], on_step=on_step)
    return made


def painted(painter: DiffusionRenderer, request: ImageRequest = REQUEST, **options: Any) -> Painted:
    """Return the picture of a request that succeeds."""
    made = outcome(painter, request, **options)
    assert isinstance(made, Painted), made
    return made


def pipeline_of(painter: DiffusionRenderer) -> Any:
    """Return the pipeline that it paints with."""
    assert painter._model is not None
    return painter._model.loaded.pipeline


def plain_pipeline(folder: Path) -> Any:
    """Return diffusers' own pipeline with a model of Z-Image's architecture, in float32."""
    load: Any = ZImagePipeline.from_pretrained
    return load(str(folder), dtype=torch.float32)


def forget_prompts(painter: DiffusionRenderer) -> None:
    """Have its text encoder read again what it has read before."""
    assert painter._model is not None
    painter._model.embeddings = EmbeddingCache()


@contextmanager
def hooked(module: torch.nn.Module, call: Any) -> Iterator[None]:
    """A forward hook for the duration of the block."""
    handle = module.register_forward_hook(call)
    try:
        yield
    finally:
        handle.remove()


def module_of(pipeline: Any, path: str) -> torch.nn.Module:
    found = pipeline
    for name in path.split("."):
        found = getattr(found, name)
    return found
