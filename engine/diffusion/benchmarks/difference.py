"""Print how far two pictures are apart: `python -m engine.diffusion.benchmarks.difference A B`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np


def main() -> None:
    """Print the largest difference in levels of 255, and the PSNR in dB (null where equal)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("one", type=Path)
    parser.add_argument("other", type=Path)
    chosen = parser.parse_args()
    one, other = (np.load(path).astype(np.int64) for path in (chosen.one, chosen.other))
    error = float(np.square(one - other).mean())
    psnr = 10 * float(np.log10(255**2 / error)) if error else None
    print(json.dumps({"levels": int(np.abs(one - other).max()), "psnr_db": psnr}))


if __name__ == "__main__":
    main()
