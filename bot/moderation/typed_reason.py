"""The reason that somebody typed for a report or a block."""

from __future__ import annotations

from bot.request.outcomes import ReasonTooLong, Refused
from engine.prompts import clean
from storage.types import REASON_LIMIT_CHARS


def checked_reason(reason: str) -> str | Refused | None:
    """Return the reason without invisible characters and lone surrogates; None if it is empty."""
    cleaned = clean(reason)
    if len(cleaned) > REASON_LIMIT_CHARS:
        return Refused(ReasonTooLong(len(cleaned), REASON_LIMIT_CHARS))
    return cleaned or None
