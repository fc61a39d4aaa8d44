"""Measure LoRAs at Z-Image's size: `python -m tests.scale.loras`.

A folder is listed for the first time, its files not in the page cache; and two files of rank 32 on
every layer of the transformer replace each other, as from one request to the next. Weights of the
transformer are not needed for that and take no memory. Where `peft` is installed, diffusers' own
loading and unloading of the same files is measured too.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import itertools
import json
import os
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import torch
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel

from engine.diffusion.lora.adapters import Adapters
from engine.diffusion.lora.shelf import LoraShelf
from engine.diffusion.lora.targets import Targets
from tests.scale.stopwatch import machine

HEAD: Final = ("what", "median", "fastest", "processor", "goal")
DIALECTS: Final = (
    ("diffusion_model.", ".", ("lora_A.weight", "lora_B.weight"), False),
    ("lora_unet_", "_", ("lora_down.weight", "lora_up.weight"), True),
    ("transformer.", ".", ("lora_A.weight", "lora_B.weight"), False),
    ("", ".", ("lora_A.default.weight", "lora_B.default.weight"), False),
)
RANKS: Final = (4, 8, 16, 32, 64)


def header(targets: Targets, rank: int, dialect: int, skip: int, title: str) -> tuple[bytes, int]:
    """The header of a file on every linear layer but one, and the bytes of its data."""
    prefix, separator, suffixes, has_alpha = DIALECTS[dialect % len(DIALECTS)]
    tensors: dict[str, Any] = {"__metadata__": {"modelspec.title": title, "format": "pt"}}
    end = 0

    def add(name: str, *shape: int) -> None:
        nonlocal end
        size = 2
        for side in shape:
            size *= side
        tensors[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size

    layers = [part for part in targets.parts.values() if not part.is_norm]
    for number, part in enumerate(layers):
        if number == skip:
            continue
        name = prefix + part.name.replace(".", separator)
        add(f"{name}.{suffixes[0]}", rank, part.inputs)
        add(f"{name}.{suffixes[1]}", part.outputs, rank)
        if has_alpha:
            add(f"{name}.alpha")
    text = json.dumps(tensors, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, end


def fill(folder: Path, count: int, layouts: int) -> None:
    """Write files of `layouts` different layouts, each with a title of its own, without data."""
    targets = Targets.z_image()
    for number in range(count):
        kind = number % layouts
        rank = RANKS[kind // len(DIALECTS) % len(RANKS)]
        skip = kind // (len(DIALECTS) * len(RANKS))
        head, size = header(targets, rank, kind, skip, f"LoRA {number}")
        with (folder / f"lora-{number:05}.safetensors").open("wb") as file:
            file.write(head)
            file.truncate(len(head) + size)  # a hole: it takes no space


def forget(folder: Path) -> None:
    """Drop the files from the page cache, where the system lets a program do that."""
    if hasattr(os, "posix_fadvise"):
        os.sync()
        for path in folder.iterdir():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def timed(work: Callable[[], object], times: int, before: Callable[[], object]) -> list[Seconds]:
    found: list[Seconds] = []
    for _ in range(times):
        before()
        began, began_cpu = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - began, time.process_time() - began_cpu))
    return found


Seconds = tuple[float, float]
"""By the clock, and of the processor."""


def listing(count: int, layouts: int, times: int) -> list[Seconds]:
    """Time the first listing of a folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, count, layouts)

        def listed() -> None:
            found = LoraShelf(folder).listing()
            assert len(found) == count and not any(each.problem for each in found)

        return timed(listed, times, lambda: forget(folder))


@contextlib.contextmanager
def two_files(targets: Targets, rank: int) -> Iterator[Path]:
    """A folder with two LoRAs on every layer, in bfloat16, with values."""
    with tempfile.TemporaryDirectory() as name:
        for title in ("a", "b"):
            head, size = header(targets, rank, 0, -1, title)
            values = torch.randn(size // 2).mul_(0.01).bfloat16().view(torch.uint8)
            with (Path(name) / f"{title}.safetensors").open("wb") as file:
                file.write(head)
                file.write(memoryview(values.numpy()))  # pyright: ignore[reportArgumentType]
        yield Path(name)


def switching(folder: Path, transformer: Any, device: torch.device, times: int) -> list[Seconds]:
    """Time the change from one LoRA to the other, until the first step may begin."""
    adapters = Adapters(LoraShelf(folder, Targets.of(transformer)), device, torch.bfloat16)
    names = itertools.cycle(("a", "b"))

    def switched() -> None:
        with adapters.applied(transformer, {next(names): 0.8}):
            if device.type == "cuda":
                torch.cuda.synchronize(device)

    switched()
    return timed(switched, times, lambda: None)


def by_diffusers(folder: Path, transformer: Any, times: int) -> list[Seconds]:
    """Time what diffusers takes to unload one LoRA and to load the other."""
    names = itertools.cycle(("a", "b"))

    def switched() -> None:
        transformer.load_lora_adapter(
            str(folder), weight_name=f"{next(names)}.safetensors", prefix="diffusion_model"
        )
        transformer.unload_lora()

    switched()
    return timed(switched, times, lambda: None)


def cells(name: str, found: list[Seconds], goal_ms: float | None) -> tuple[str, ...]:
    """The cells of a table row."""
    clock, processor = zip(*found, strict=True)
    return (
        name,
        f"{statistics.median(clock) * 1000:.0f} ms",
        f"{min(clock) * 1000:.0f} ms",
        f"{statistics.median(processor) * 1000:.0f} ms",
        "" if goal_ms is None else f"≤ {goal_ms:g} ms",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(description="What listing and switching LoRAs costs.")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--layouts", type=int, nargs="+", default=[40])
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--layers", type=int, default=30, help="of the transformer")
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args(arguments)
    print(f"{datetime.now(UTC):%Y-%m-%d}. {machine()}, torch {torch.__version__}.\n")
    _line(HEAD)
    _line(("---", *["---:"] * (len(HEAD) - 1)))
    for layouts in chosen.layouts:
        kinds = min(layouts, chosen.files)
        name = f"list {chosen.files} files of {kinds} layouts"
        _line(cells(name, listing(chosen.files, kinds, chosen.times), 1000))
    with torch.device("meta"):
        transformer = ZImageTransformer2DModel(n_layers=chosen.layers).bfloat16()
    with two_files(Targets.of(transformer), chosen.rank) as folder:
        device = torch.device(chosen.device)
        name = f"switch, rank {chosen.rank}, {chosen.layers} layers, {device.type}"
        _line(cells(name, switching(folder, transformer, device, chosen.times), 300))
        if importlib.util.find_spec("peft") is not None:
            filled = transformer.to_empty(device="cpu")  # never written: it takes no memory
            found = by_diffusers(folder, filled, max(1, chosen.times // 2))
            _line(cells("the same by diffusers and PEFT, cpu", found, None))
    return 0


def _line(found: Sequence[str]) -> None:
    print(f"| {' | '.join(found)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
