"""The reason why a checkpoint is not loaded, before it is known for which model it was."""

from __future__ import annotations


class Unusable(Exception):
    """The files cannot become the model; `reason` is one sentence that names file, key, number."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def listed(names: list[str], limit: int = 3) -> str:
    """Return the first few names, and how many more there are."""
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown
