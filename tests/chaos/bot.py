"""The real bot with occasional numerical faults: `python -m tests.chaos.bot …`.

The bot itself has no such switch. CHAOS_NONSENSE is the share of steps that become non-finite,
CHAOS_SEED decides which; both belong to this launcher only.
"""

from __future__ import annotations

import os
import random
from typing import Any

from bot.playground import redirected


def main() -> None:
    """Patch the loading of the model, then hand over to the usual launcher."""
    share = float(os.environ.get("CHAOS_NONSENSE", "0"))
    if share > 0:
        _spoil(share, random.Random(os.environ.get("CHAOS_SEED", "1")))
    redirected.main()


def _spoil(share: float, decide: random.Random) -> None:
    from engine import factory

    original = factory.diffusion_factory

    def spoiled_factory(*arguments: Any, **options: Any) -> Any:
        load = original(*arguments, **options)

        def load_spoiled() -> Any:
            renderer: Any = load()
            transformer = renderer._model.loaded.pipeline.transformer
            transformer.register_forward_hook(lambda *call: _spoilt(call[-1], share, decide))
            return renderer

        return load_spoiled

    factory.diffusion_factory = spoiled_factory


def _spoilt(output: Any, share: float, decide: random.Random) -> Any:
    """Return the transformer's output, occasionally replaced by NaN."""
    if decide.random() >= share:
        return output
    if hasattr(output, "sample"):
        output.sample = _nan(output.sample)
        return output
    return type(output)(_nan(each) for each in output)


def _nan(value: Any) -> Any:
    return [_nan(each) for each in value] if isinstance(value, list) else value * float("nan")


if __name__ == "__main__":
    main()
