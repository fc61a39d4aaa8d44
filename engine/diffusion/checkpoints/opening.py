"""Which way a family's files are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.diffusion.checkpoints.checkpoint import Checkpoint
from engine.diffusion.checkpoints.discovery import Companions
from engine.diffusion.checkpoints.model_checkpoint import ModelCheckpoint
from engine.diffusion.checkpoints.pipeline_file import PipelineFile
from engine.diffusion.checkpoints.pipeline_folder import PipelineFolder
from engine.diffusion.checkpoints.pixart_file import PixArtFile
from engine.diffusion.checkpoints.pixart_folder import PixArtFolder
from engine.diffusion.families import Family
from engine.diffusion.families.pixart import PixArt
from engine.diffusion.families.sdxl import Sdxl


def open_checkpoint(
    source: Path, family: Family, companions: Companions, *, without: str = ""
) -> ModelCheckpoint[Any]:
    """Return the files of a family's model, checked by their headers. Raises Unusable."""
    if isinstance(family, PixArt):
        if source.is_dir():
            return PixArtFolder(source, family, companions, without=without)
        return PixArtFile(source, family, companions)
    if not isinstance(family, Sdxl):
        return Checkpoint(source, family, companions, without=without)
    if source.is_dir():
        return PipelineFolder(source, family, companions, without=without)
    return PipelineFile(source, family, companions)
