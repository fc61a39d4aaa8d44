"""Scenes drawn and encoded once, so that the transformer's training only reads them."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from engine.sketch.autoencoder import encode
from engine.sketch.scenes import draw, draw_with_box
from engine.sketch.shapes import Shape
from engine.sketch.spec import Scene, draw_scene

_CHUNK: Final = 16

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LatentCache:
    """Training scenes of one size and their normalised latents, n × 16 × height/8 × width/8."""

    shape: Shape
    scenes: list[Scene]
    latents: np.ndarray
    boxes: np.ndarray
    """Where each scene's thing is, px: n × left, top, right, bottom; all zero for none."""


def open_cache(
    work_dir: Path, autoencoder: AutoencoderKL, shape: Shape, count: int, seed: int
) -> LatentCache:
    """Read the cache of `count` scenes of one size, or draw and encode them first.

    No scene of it has a held-out combination. Latents are kept as float16.
    """
    width, height = shape
    path = work_dir / f"latents-{width}x{height}-{count}.npy"
    if not path.exists():
        _fill(path, autoencoder, shape, count, seed)
    scenes = [draw_scene(_rng(seed, shape, i), held_out=False) for i in range(count)]
    return LatentCache(
        shape, scenes, np.load(path, mmap_mode="r"), _boxes(path, shape, count, seed)
    )


def _boxes(latents_path: Path, shape: Shape, count: int, seed: int) -> np.ndarray:
    path = latents_path.with_name(latents_path.name.replace("latents", "boxes"))
    if not path.exists():
        boxes = np.zeros((count, 4), np.float32)
        for i in range(count):
            rng = _rng(seed, shape, i)
            boxes[i] = draw_with_box(draw_scene(rng, held_out=False), rng, *shape)[1]
        np.save(path, boxes)
    return np.load(path)


def _fill(path: Path, autoencoder: AutoencoderKL, shape: Shape, count: int, seed: int) -> None:
    width, height = shape
    draft = path.with_suffix(".part")
    latents = np.lib.format.open_memmap(
        draft, "w+", dtype=np.float16, shape=(count, 16, height // 8, width // 8)
    )
    for start in range(0, count, _CHUNK):
        pictures = []
        for i in range(start, min(start + _CHUNK, count)):
            rng = _rng(seed, shape, i)
            pictures.append(draw(draw_scene(rng, held_out=False), rng, width, height))
        with torch.autocast("cpu", torch.bfloat16):
            encoded = encode(autoencoder, np.stack(pictures))
        latents[start : start + len(pictures)] = encoded.float().numpy()
        if start % (_CHUNK * 50) == 0:
            _log.info("latents %dx%d %d of %d", width, height, start, count)
    latents.flush()
    draft.replace(path)


def _rng(seed: int, shape: Shape, i: int) -> np.random.Generator:
    return np.random.default_rng((seed, 3, *shape, i))
