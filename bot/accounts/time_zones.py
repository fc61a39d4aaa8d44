"""The names of the time zone database, as they are typed."""

from __future__ import annotations

import asyncio
import zoneinfo
from functools import lru_cache

from bot.request.outcomes import Refused
from bot.request.reasons.quotas import UnknownTimezone
from storage.quota_windows import DEFAULT_ZONE, find_zone


async def time_zone(typed: str) -> str | Refused:
    """Return the name of a zone, whatever its case and with spaces for underscores.

    Refused if this machine knows none of that name.
    """
    found = await asyncio.to_thread(_find, typed)
    return Refused(UnknownTimezone(typed)) if found is None else found


async def time_zones_like(typed: str, limit: int) -> list[str]:
    """Return the zones whose names have the typed text, those first that begin with it or whose
    cities do."""
    return await asyncio.to_thread(_like, typed, limit)


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Return all names by how they are looked up. Reads the whole database."""
    names = {DEFAULT_ZONE, *zoneinfo.available_timezones()}
    return {_lookup(each): each for each in sorted(names)}


def _lookup(text: str) -> str:
    return "_".join(text.split()).casefold()


def _find(typed: str) -> str | None:
    name = _names().get(_lookup(typed))
    return name if name is not None and find_zone(name) is not None else None


def _like(typed: str, limit: int) -> list[str]:
    wanted = _lookup(typed)
    found = [(lookup, name) for lookup, name in _names().items() if wanted in lookup]

    def order(each: tuple[str, str]) -> tuple[bool, str]:
        lookup = each[0]
        begins = lookup.startswith(wanted) or f"/{wanted}" in lookup
        return not begins, lookup

    return [name for _, name in sorted(found, key=order)[:limit]]
