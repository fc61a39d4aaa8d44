"""Find the layers that products in int8 hurt: `python -m engine.diffusion.benchmarks.product_layers
MODEL`.

For each kind of layer of the transformer it paints with products of int8 in that kind alone, first
as they are and then with rotated inputs, and prints the PSNR to the pictures of the model as it is
loaded. `ROTATED` and `PLAIN_PRODUCTS` in `engine/diffusion/quantized.py` are made from it.
"""

from __future__ import annotations

import argparse
import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from engine.diffusion.benchmarks.difference import psnr_db
from engine.diffusion.benchmarks.pictures import PROMPTS, STEPS
from engine.diffusion.devices import pick_device
from engine.diffusion.footprint import MemoryPlan, Placement
from engine.diffusion.loading import Loaded, load_model
from engine.diffusion.quantized import Int8ProductLinear, large_layers
from engine.diffusion.renderer import DiffusionRenderer
from engine.renderer import RenderTask
from engine.settings import EngineSettings
from engine.types import ImageRequest, Painted

Named = Sequence[tuple[str, nn.Linear]]


def main() -> None:
    """Run the command line; prints a JSON object for each kind of layer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--side", type=int, default=256, help="of the square pictures, px")
    parser.add_argument("--pictures", type=int, default=len(PROMPTS))
    chosen = parser.parse_args()
    plan = str(MemoryPlan(Placement.RESIDENT))
    settings = EngineSettings(model=chosen.model, memory_plan=plan)
    device = pick_device(settings.device, settings.model)
    made: list[Loaded] = []

    def load() -> Loaded:
        made.append(load_model(settings, device))
        return made[-1]

    renderer = DiffusionRenderer(settings, device, torch.get_num_threads(), load)
    transformer = made[-1].pipeline.transformer
    exact = _pictures(renderer, chosen.side, chosen.pictures)
    for kind, layers in kinds(large_layers(transformer)).items():
        row: dict[str, object] = {"kind": kind, "layers": len(layers)}
        for name, rotate in (("psnr_db", False), ("rotated_psnr_db", True)):
            with _replaced(transformer, layers, device, rotate=rotate):
                row[name] = psnr_db(_pictures(renderer, chosen.side, chosen.pictures), exact)
        print(json.dumps(row), flush=True)


def kinds(layers: Named) -> dict[str, list[tuple[str, nn.Linear]]]:
    """Group layers by their names without numbers."""
    found: dict[str, list[tuple[str, nn.Linear]]] = {}
    for name, layer in layers:
        found.setdefault(re.sub(r"\.\d+\b", "", name), []).append((name, layer))
    return found


@contextmanager
def _replaced(
    module: nn.Module, layers: Named, device: torch.device, *, rotate: bool
) -> Iterator[None]:
    """Multiply integers in these layers for the duration of a block."""
    for name, layer in layers:
        _put(module, name, Int8ProductLinear(layer, device, rotate=rotate))
    try:
        yield
    finally:
        for name, layer in layers:
            _put(module, name, layer)


def _put(module: nn.Module, name: str, layer: nn.Linear) -> None:
    parent, _, child = name.rpartition(".")
    setattr(module.get_submodule(parent), child, layer)


def _pictures(renderer: DiffusionRenderer, side_px: int, count: int) -> np.ndarray:
    found: list[np.ndarray] = []
    for seed in range(count):
        prompt = PROMPTS[seed % len(PROMPTS)]
        request = ImageRequest(prompt, prompt, "", seed, side_px, side_px, STEPS, 1.0)
        task = RenderTask(request, threading.Event())
        (made,) = renderer.render([task], on_step=lambda _row, _progress: None)
        if not isinstance(made, Painted):
            raise made
        found.append(np.frombuffer(made.raster.rgb, np.uint8).reshape(side_px, side_px, 3))
    return np.stack(found)


if __name__ == "__main__":
    main()
