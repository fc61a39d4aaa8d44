"""The events of a run: one line of JSON per step, enough to retrace it."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any


class Steps:
    """Writes steps down as they happen, and counts them by name."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._began_s = time.monotonic()
        self.counts: Counter[str] = Counter()

    @property
    def at_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began_s

    def note(self, what: str, **more: Any) -> None:
        """Record a step."""
        self.counts[what] += 1
        line = {"at_s": round(self.at_s, 3), "what": what, **more}
        self._file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
