"""Print how far pictures are apart: `python -m engine.diffusion.benchmarks.difference A B`.

Each file (.npy) holds one picture, height × width × 3 with 0 to 255, or several of one size.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch.nn import functional

_WINDOW: Final = 11
_DEVIATION: Final = 1.5
_FIRST, _SECOND = 0.01, 0.03
"""Of the SSIM, as its authors have them (Wang, Bovik, Sheikh, Simoncelli 2004)."""


def main() -> None:
    """Print the largest difference in levels of 255, the PSNR in dB (null where equal) and SSIM.

    Of several pictures, the PSNR is that of all values, and the SSIM the mean.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("one", type=Path)
    parser.add_argument("other", type=Path)
    chosen = parser.parse_args()
    one, other = (np.load(path).astype(np.int64) for path in (chosen.one, chosen.other))
    found = {
        "levels": int(np.abs(one - other).max()),
        "psnr_db": psnr_db(one, other),
        "ssim": ssim(one, other),
    }
    print(json.dumps(found))


def psnr_db(one: np.ndarray, other: np.ndarray) -> float | None:
    """Return the peak signal-to-noise ratio; None for equal pictures."""
    error = float(np.square(one.astype(np.int64) - other.astype(np.int64)).mean())
    return 10 * float(np.log10(255**2 / error)) if error else None


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Return the structural similarity of pictures, 1 for equal ones.

    It is the mean over channels of its map with a Gaussian window of 11 px, without the border in
    which the window would leave the picture.
    """
    pictures = [
        torch.from_numpy(each.reshape(-1, *each.shape[-3:])).double().permute(0, 3, 1, 2)
        for each in (one, other)
    ]
    first, second = (each.reshape(-1, 1, *each.shape[-2:]) for each in pictures)
    means = _blurred(first), _blurred(second)
    spreads = _blurred(first**2) - means[0] ** 2, _blurred(second**2) - means[1] ** 2
    shared = _blurred(first * second) - means[0] * means[1]
    c1, c2 = (_FIRST * 255) ** 2, (_SECOND * 255) ** 2
    above = (2 * means[0] * means[1] + c1) * (2 * shared + c2)
    below = (means[0] ** 2 + means[1] ** 2 + c1) * (spreads[0] + spreads[1] + c2)
    return float((above / below).mean())


def _blurred(channels: torch.Tensor) -> torch.Tensor:
    places = torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2
    weights = torch.exp(-(places**2) / (2 * _DEVIATION**2))
    weights /= weights.sum()
    across = functional.conv2d(channels, weights.view(1, 1, 1, -1))
    return functional.conv2d(across, weights.view(1, 1, -1, 1))


if __name__ == "__main__":
    main()
