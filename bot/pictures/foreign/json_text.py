"""Parse JSON from files of strangers. Pure; never raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

MAX_CHARS: Final = 4 * 2**20
"""Chosen by hand, as MAX_TEXT_BYTES of EXIF."""


def json_object(text: str) -> Mapping[str, Any] | None:
    """Return the object in a text, None if it is anything else. NaN is accepted: ComfyUI writes
    it. Brackets nested too deeply are refused by the parser's own limit."""
    stripped = text.strip().strip("\0")
    if len(stripped) > MAX_CHARS or not stripped.startswith("{"):
        return None
    try:
        found = json.loads(stripped, strict=False)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
