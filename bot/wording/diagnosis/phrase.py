"""The form of the sentences about a finding."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrase:
    """What was found, and what helps; both are marked for translation where they are written."""

    sentence: str
    remedy: str | None = None
