"""Check what loading takes of memory: `python -m tests.scale.loading`.

Writes the architecture with random weights as a folder, in bfloat16; loads it in processes of their
own, as it is, with a conversion, and from folders without an index; and fails if at any time more
memory is taken than what stays and 5 % of the largest component. What is mapped to its file counts
as taken while it is in memory.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ALLOWED_SHARE = 0.05
_INTERVAL_S = 0.002


@dataclass(frozen=True, slots=True)
class Case:
    """A model that is loaded. dtype: torch's name of the number format."""

    name: str
    source: Path
    dtype: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What one loading took. Bytes of anonymous memory (own) and of mapped files in memory."""

    seconds: float
    peak: int
    peak_own: int
    stays: int
    stays_own: int
    largest: int

    @property
    def beyond(self) -> float:
        """The share of the largest component that was taken beyond what stays."""
        return max(self.peak - self.stays, self.peak_own - self.stays_own) / self.largest


class _Watch(threading.Thread):
    """Reads what the process takes every two milliseconds; keeps the most."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = self.peak_own = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_INTERVAL_S):
            whole, own = resident()
            self.peak, self.peak_own = max(self.peak, whole), max(self.peak_own, own)

    def end(self) -> None:
        self._ended.set()
        self.join()


def resident() -> tuple[int, int]:
    """Return the bytes that this process has in memory, and those of them that no file has."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    found = {line.split(":")[0]: line.split() for line in lines}
    return int(found["VmRSS"][1]) * 1024, int(found["RssAnon"][1]) * 1024


def _load(case: Case, results: Any) -> None:
    """Load in this process, and put what it took."""
    import torch

    from engine.diffusion.loading import load_model
    from engine.settings import EngineSettings

    before, before_own = resident()
    watch = _Watch()
    watch.start()
    began_s = time.perf_counter()
    loaded = load_model(
        EngineSettings(model=str(case.source)), torch.device("cpu"), getattr(torch, case.dtype)
    )
    seconds = time.perf_counter() - began_s
    watch.end()
    parts = [getattr(loaded.pipeline, name) for name in ("transformer", "text_encoder", "vae")]
    largest = max(sum(each.nbytes for each in part.parameters()) for part in parts)
    stays, stays_own = resident()
    results.put(
        Taken(
            seconds,
            watch.peak - before,
            watch.peak_own - before_own,
            stays - before,
            stays_own - before_own,
            largest,
        )
    )


def measure(case: Case) -> Taken:
    """Return what loading takes, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=_load, args=(case, results))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{case.name}: loading ended with {process.exitcode}")
    return results.get(timeout=10)


def write(folder: Path, layers: int | None) -> list[Case]:
    """Write the model in diffusers' format, and link to its files from folders of other names."""
    from engine.diffusion.benchmarks.random_model import FULL, write_folder

    architecture = FULL
    if layers is not None:
        architecture = replace(
            FULL,
            name=f"{layers} layers",
            transformer={**FULL.transformer, "n_layers": layers},
            encoder={**FULL.encoder, "num_hidden_layers": layers},
        )
    diffusers = folder / "diffusers"
    if not (diffusers / "vae").is_dir():
        write_folder(architecture, diffusers)
    comfy = folder / "others"
    shutil.rmtree(comfy, ignore_errors=True)
    for name, place in (
        ("transformer", "transformer"),
        ("text_encoder", "qwen"),
        ("vae", "vae"),
        ("tokenizer", "tokenizer"),
    ):
        (comfy / place).mkdir(parents=True)
        for path in (diffusers / name).iterdir():
            if path.name != "config.json" or name == "vae":
                (comfy / place / path.name).symlink_to(path)
    return [
        Case("diffusers, as it is", diffusers, "bfloat16"),
        Case("diffusers, converted", diffusers, "float16"),
        Case("other folders, as they are", comfy, "bfloat16"),
    ]


def main() -> None:
    """Measure, print a table, and fail if too much was taken."""
    parser = argparse.ArgumentParser(description="Check the memory that loading takes.")
    parser.add_argument("--folder", type=Path, help="keep the written model here")
    parser.add_argument("--layers", type=int, help="fewer layers than the full model has")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        cases = write(options.folder or Path(temporary), options.layers)
        wrong = False
        for case in cases:
            taken = measure(case)
            wrong |= taken.beyond > ALLOWED_SHARE
            row = {
                "case": case.name,
                "seconds": round(taken.seconds, 1),
                "peak_gib": round(taken.peak / 2**30, 2),
                "peak_own_gib": round(taken.peak_own / 2**30, 2),
                "stays_gib": round(taken.stays / 2**30, 2),
                "stays_own_gib": round(taken.stays_own / 2**30, 2),
                "largest_gib": round(taken.largest / 2**30, 2),
                "beyond": round(taken.beyond, 3),
            }
            print(json.dumps(row), flush=True)
    if wrong:
        sys.exit(f"more than {ALLOWED_SHARE:.0%} of the largest component was taken for a while")


if __name__ == "__main__":
    main()
