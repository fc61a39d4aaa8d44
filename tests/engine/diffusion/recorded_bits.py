"""Record the bits that the renderer computes: `python -m tests.engine.diffusion.recorded_bits`.

Processors add in different orders, so there is a record for each kind of processor and version of
torch. Whoever changes the arithmetic on purpose raises `ARITHMETIC` and runs this.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import re
import tempfile
from pathlib import Path
from typing import Any

import torch

from engine.diffusion.arithmetic import ARITHMETIC
from tests.engine.diffusion.families.models import BUILDERS, painter_of
from tests.engine.diffusion.rendering import REQUEST, hooked, painted, pipeline_of

PATH = Path(__file__).with_name("arithmetic.json")
FAMILIES = ("sketch", "z-image", "sdxl-turbo", "pixart-sigma")
"""One of each architecture, and one that paints with guidance."""
GUIDED = dataclasses.replace(REQUEST, guidance=2.0, negative_prompt="fog")
_CPUINFO = Path("/proc/cpuinfo")


def processor() -> str:
    """Return what decides the bits here: the processor's vendor, family and model, and torch."""
    found = [platform.machine()]
    if _CPUINFO.exists():
        text = _CPUINFO.read_text()
        names = ("vendor_id", "cpu family", "model")
        rows = (re.search(rf"^{name}\s*: (.+)$", text, re.MULTILINE) for name in names)
        found += [row[1] for row in rows if row]
    return " ".join((*found, torch.backends.cpu.get_cpu_capability(), str(torch.__version__)))


def digests(folder: Path) -> dict[str, str]:
    """Return a digest of the decoded float32 picture of a fixed request, by family."""
    found: dict[str, str] = {}
    for name in FAMILIES:
        with painter_of(BUILDERS[name](folder / name)) as painter:
            decoded: list[torch.Tensor] = []

            def keep(
                _module: object, _inputs: object, answer: Any, into: list[torch.Tensor] = decoded
            ) -> None:
                into.append(answer.clone())

            painted(painter)  # loads the model
            with hooked(pipeline_of(painter).vae.decoder, keep):
                painted(painter, GUIDED if name == "z-image" else REQUEST)
            found[name] = hashlib.sha256(decoded[-1].numpy().tobytes()).hexdigest()[:16]
    return found


def main() -> None:
    """Add this processor's bits; those of an older revision are dropped."""
    record = json.loads(PATH.read_text()) if PATH.exists() else {}
    if record.get("arithmetic") != ARITHMETIC:
        record = {"arithmetic": ARITHMETIC, "digests": {}}
    with tempfile.TemporaryDirectory() as folder:
        record["digests"][processor()] = digests(Path(folder))
    PATH.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
