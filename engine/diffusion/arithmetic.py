"""The revision of the renderer's own arithmetic, which every recipe names.

With the same request, weights, libraries and device, equal revisions give equal pixels. Whoever
changes a bit of any family's pictures raises it: then a picture that was painted before is replayed
as "not exact". `tests/engine/diffusion/test_arithmetic.py` holds the bits against recorded ones.
"""

from typing import Final

ARITHMETIC: Final = 3
"""1: prompts are padded as by the pipelines; what recipes had that name none. 2: they are not.
3: Z-Image's transformer and the autoencoder compute the same in another order."""
