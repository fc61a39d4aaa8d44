"""Paint pictures in a number format and say what they took: a process of a benchmark.

`python -m engine.diffusion.benchmarks.precision TIER MODEL` prints a JSON object as its last line:
`seconds` of each picture, `forwards` of the transformer for one, and `weight_bytes` of transformer
and text encoder. A tier is "full" (as the model is loaded on this device), "bf16" (all of it in
bfloat16) or a format that a memory plan can name.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from pathlib import Path
from typing import Final

import numpy as np
import torch

from engine.diffusion.benchmarks.pictures import PROMPTS, STEPS
from engine.diffusion.devices import pick_device
from engine.diffusion.footprint import OPTIONS, MemoryPlan, Placement, Weights
from engine.diffusion.loading import Loaded, load_model
from engine.diffusion.quantized import weight_bytes
from engine.diffusion.renderer import DiffusionRenderer
from engine.errors import EngineError
from engine.renderer import RenderTask
from engine.settings import EngineSettings
from engine.types import ImageRequest, Painted

FULL, BF16 = "full", "bf16"
TIERS: Final = (FULL, BF16, *(str(each) for each in OPTIONS))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tier", choices=TIERS)
    parser.add_argument("model")
    parser.add_argument("--side", type=int, default=256, help="of the square pictures, px")
    parser.add_argument("--pictures", type=int, default=len(PROMPTS))
    parser.add_argument("--out", type=Path, help="keep the pixels of all pictures here (.npy)")
    chosen = parser.parse_args()
    try:
        print(json.dumps(_measured(chosen)), flush=True)
    except EngineError as error:
        sys.exit(str(error))


def _measured(chosen: argparse.Namespace) -> dict[str, object]:
    weights = Weights(chosen.tier) if chosen.tier in OPTIONS else Weights.FULL
    plan = MemoryPlan(Placement.RESIDENT, weights)
    settings = EngineSettings(model=chosen.model, memory_plan=str(plan))
    device = pick_device(settings.device, settings.model)
    made: list[Loaded] = []

    def load() -> Loaded:
        dtype = torch.bfloat16 if chosen.tier == BF16 else None
        made.append(load_model(settings, device, dtype))
        return made[-1]

    renderer = DiffusionRenderer(settings, device, torch.get_num_threads(), load)
    seconds: list[float] = []
    pictures: list[np.ndarray] = []
    steps: set[int] = set()
    for number in range(chosen.pictures):
        prompt = PROMPTS[number % len(PROMPTS)]
        request = ImageRequest(prompt, prompt, "", number, chosen.side, chosen.side, STEPS, 1.0)
        task = RenderTask(request, threading.Event())
        began_s = time.perf_counter()
        (found,) = renderer.render([task], on_step=lambda _row, progress: steps.add(progress.step))
        seconds.append(time.perf_counter() - began_s)
        if not isinstance(found, Painted):
            raise found
        if (used := found.recipe.conditions.plan) != str(plan):
            sys.exit(f"{plan} is not possible here: {used} was used")
        pixels = np.frombuffer(found.raster.rgb, np.uint8)
        pictures.append(pixels.reshape(chosen.side, chosen.side, 3))
    if chosen.out is not None:
        np.save(chosen.out, np.stack(pictures))
    parts = (made[-1].pipeline.transformer, made[-1].pipeline.text_encoder)
    return {
        "seconds": seconds,
        "forwards": len(steps - {0}),
        "weight_bytes": sum(map(weight_bytes, parts)),
    }


if __name__ == "__main__":
    main()
