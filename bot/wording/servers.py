"""Sentences that name servers."""

from __future__ import annotations

from collections.abc import Sequence

from bot.i18n import Words
from bot.wording.lists import enumerated, listed


def where_it_works(names: Sequence[str], count: int, say: Words) -> str:
    """Say on which servers a command can be used. count: of all of them, of which these are named,
    already escaped for display."""
    if count == len(names):
        return say("You can use it on {servers}.", servers=listed(names, say))
    return say.plural(
        "You can use it on {servers} and {n} more.",
        "You can use it on {servers} and {n} more.",
        count - len(names),
        servers=enumerated(names, say),
    )
