"""Scenes that are drawn and encoded once, so that the transformer's training only reads them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from engine.sketch.autoencoder import encode
from engine.sketch.precision import mixed_precision
from engine.sketch.ranks import Ranks, together
from engine.sketch.scenes import draw_with_boxes
from engine.sketch.shapes import Shape
from engine.sketch.spec import MOST_ALIKE, STYLES, Scene, draw_scene

_CHUNK: Final = 16


@dataclass(frozen=True, slots=True)
class LatentCache:
    """Training scenes of one size and their normalised latents, n × 16 × height/8 × width/8."""

    shape: Shape
    scenes: list[Scene]
    latents: np.ndarray
    boxes: np.ndarray
    """Where each scene's things are, px: n × 3 × left, top, right, bottom; all zero for none."""


def open_cache(
    work_dir: Path,
    autoencoder: AutoencoderKL,
    shape: Shape,
    count: int,
    seed: int,
    processes: int = 1,
) -> LatentCache:
    """Read the cache of `count` scenes of one size, or draw and encode them first.

    It contains no held-out combination. Latents are stored as float16.
    """
    width, height = shape
    name = f"{width}x{height}-{count}.npy"
    latents_path, boxes_path = work_dir / f"latents-{name}", work_dir / f"boxes-{name}"
    if not latents_path.exists():
        work_dir.mkdir(parents=True, exist_ok=True)
        draft = latents_path.with_suffix(".part")
        latents_shape = (count, 16, height // 8, width // 8)
        np.lib.format.open_memmap(draft, "w+", dtype=np.float16, shape=latents_shape).flush()
        boxes = np.lib.format.open_memmap(
            boxes_path, "w+", dtype=np.float32, shape=(count, MOST_ALIKE, 4)
        )
        boxes.flush()
        together(processes, 0, _fill, draft, boxes_path, autoencoder, shape, seed)
        draft.replace(latents_path)
    scenes = [_scene(_rng(seed, shape, i)) for i in range(count)]
    return LatentCache(shape, scenes, np.load(latents_path, mmap_mode="r"), np.load(boxes_path))


def _fill(
    ranks: Ranks,
    latents_path: Path,
    boxes_path: Path,
    autoencoder: AutoencoderKL,
    shape: Shape,
    seed: int,
) -> None:
    """Draw and encode this process's chunks."""
    latents, boxes = np.load(latents_path, mmap_mode="r+"), np.load(boxes_path, mmap_mode="r+")
    for start in range(ranks.rank * _CHUNK, len(latents), ranks.size * _CHUNK):
        pictures = []
        for i in range(start, min(start + _CHUNK, len(latents))):
            rng = _rng(seed, shape, i)
            picture, things = draw_with_boxes(_scene(rng), rng, *shape)
            if things:
                boxes[i, : len(things)] = things
            pictures.append(picture)
        with mixed_precision():
            encoded = encode(autoencoder, np.stack(pictures))
        latents[start : start + len(pictures)] = encoded.float().numpy()
    latents.flush()
    boxes.flush()


def _scene(rng: np.random.Generator) -> Scene:
    """Draw a scene of training, in the usual style: five styles were too much for the time."""
    return replace(draw_scene(rng, held_out=False), style=STYLES[0])


def _rng(seed: int, shape: Shape, i: int) -> np.random.Generator:
    return np.random.default_rng((seed, 3, *shape, i))
