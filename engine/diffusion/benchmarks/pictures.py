"""Paint pictures one after the other and say what they took: a process of a benchmark.

`python -m engine.diffusion.benchmarks.pictures zimagine|diffusers MODEL` paints with this program's
renderer or with diffusers' own pipeline, and prints a JSON object as its last line: `ready_s` from
the start of the process until the first picture could begin, `first_s` until it was there,
`seconds` of each picture, `forwards` of the transformer in the last one, `peak_bytes`, and
`resident_bytes` after each.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from engine.benchmarks.work import PROMPTS, SIDE, STEPS, available_cores, keep_to
from engine.compilation import OFF, ON, CompilationState
from engine.diffusion.benchmarks.process import peak_bytes, resident_bytes, since_start_s
from engine.errors import EngineError
from engine.factory import diffusion_factory
from engine.renderer import RenderTask
from engine.settings import EngineSettings
from engine.types import ImageRequest, Painted

_POLL_S: Final = 0.1

Paint = Callable[[str, int], np.ndarray]
"""Paints a prompt with a seed; height × width × 3, 0 to 255."""


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("by", choices=("zimagine", "diffusers"))
    parser.add_argument("model")
    parser.add_argument("--side", type=int, default=SIDE, help="of the square picture, px")
    parser.add_argument("--pictures", type=int, default=2)
    parser.add_argument("--dtype", default="bfloat16", help="of diffusers' pipeline")
    parser.add_argument("--same", action="store_true", help="the same prompt for all pictures")
    parser.add_argument(
        "--compile", type=Path, help="paint with compiled blocks, which are kept in this folder"
    )
    parser.add_argument("--cores", type=int, help="paint on so many, with a thread for each")
    parser.add_argument("--out", type=Path, help="keep the last picture's pixels here (.npy)")
    chosen = parser.parse_args()
    forwards: list[int] = []
    start = _zimagine if chosen.by == "zimagine" else _diffusers
    if chosen.cores is not None:
        keep_to(available_cores()[: chosen.cores])
    try:
        _measure(chosen, start(chosen, forwards), forwards)
    except EngineError as error:
        sys.exit(str(error))


def _measure(chosen: argparse.Namespace, paint: Paint, forwards: list[int]) -> None:
    ready_s, first_s = since_start_s(), 0.0
    seconds: list[float] = []
    resident: list[int] = []
    pixels: np.ndarray | None = None
    for number in range(chosen.pictures):
        forwards.clear()
        prompt = PROMPTS[0 if chosen.same else number % len(PROMPTS)]
        began_s = time.perf_counter()
        pixels = paint(prompt, number)
        seconds.append(time.perf_counter() - began_s)
        resident.append(resident_bytes())
        first_s = first_s or since_start_s()
    if chosen.out is not None and pixels is not None:
        np.save(chosen.out, pixels)
    result = {
        "ready_s": ready_s,
        "first_s": first_s,
        "seconds": seconds,
        "forwards": len(forwards),
        "peak_bytes": peak_bytes(),
        "resident_bytes": resident,
    }
    print(json.dumps(result), flush=True)


def _zimagine(chosen: argparse.Namespace, forwards: list[int]) -> Paint:
    wanted = OFF if chosen.compile is None else ON
    settings = EngineSettings(
        model=chosen.model, threads=chosen.cores, compile=wanted, cache_dir=chosen.compile
    )
    renderer = diffusion_factory(settings)()
    side_px: int = chosen.side

    def painted(prompt: str, seed: int, steps: int) -> Painted:
        request = ImageRequest(prompt, prompt, "", seed, side_px, side_px, steps, 1.0)
        task = RenderTask(request, threading.Event())

        def on_step(_row: int, progress: Any) -> None:
            if progress.step and progress.step not in forwards:
                forwards.append(progress.step)

        (made,) = renderer.render([task], on_step=on_step)
        if not isinstance(made, Painted):
            raise made
        return made

    def paint(prompt: str, seed: int) -> np.ndarray:
        made = painted(prompt, seed, STEPS)
        if made.recipe.conditions.compiled is not (wanted == ON):
            sys.exit(f"it was not painted as it should be: {renderer.compilation}")
        return np.frombuffer(made.raster.rgb, np.uint8).reshape(side_px, side_px, 3)

    if wanted == ON:
        painted(PROMPTS[0], 0, steps=1)
        while renderer.compilation.state in (CompilationState.WAITING, CompilationState.WORKING):
            time.sleep(_POLL_S)
    return paint


def _diffusers(chosen: argparse.Namespace, forwards: list[int]) -> Paint:
    from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline

    dtype = getattr(torch, chosen.dtype)
    pipeline: Any = ZImagePipeline.from_pretrained(chosen.model, dtype=dtype)
    if chosen.cores is not None:
        torch.set_num_threads(chosen.cores)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.transformer.register_forward_hook(lambda *_: forwards.append(len(forwards)))

    def paint(prompt: str, seed: int) -> np.ndarray:
        with torch.inference_mode():
            made = pipeline(
                prompt,
                height=chosen.side,
                width=chosen.side,
                num_inference_steps=STEPS,
                guidance_scale=0.0,
                generator=torch.Generator("cpu").manual_seed(seed),
            )
        return np.asarray(made.images[0])

    return paint


if __name__ == "__main__":
    main()
