"""What some tests need and a checkout may lack; each skip says so."""

from __future__ import annotations

import pytest

from engine.sketch import MODEL_DIR

sketch = pytest.mark.skipif(
    not (MODEL_DIR / "model_index.json").exists(),
    reason="the weights of the embedded model are not in this checkout",
)
