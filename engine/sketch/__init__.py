"""The embedded model `sketch`: a toy of the real architecture, and the code that trained it.

Importing this package is cheap: torch is loaded only by its submodules.
"""

from pathlib import Path
from typing import Final

MODEL_DIR: Final = Path(__file__).parent / "model"
"""The shipped weights, in diffusers' folder format."""

SKETCH_REVISION: Final = "4"
"""Changes whenever the shipped weights change, so that a recipe can name the model's version."""
