"""Pure: timestamps, escaping, and empty layouts and modals."""

from __future__ import annotations

from datetime import datetime

import discord
from discord import ui

from bot.request.mentions.names import readable

ALT_LIMIT = 1024
PROMPT_SHOWN = 300
"""Characters of a prompt that messages show. Chosen by hand."""


def timestamp(moment: datetime) -> str:
    """Format a moment as a relative timestamp, localised and kept up to date by Discord."""
    return discord.utils.format_dt(moment, "R")


def quoted(text: str, limit: int) -> str:
    """Cut user input to `limit` and escape it: no Markdown, no mentions, no link previews."""
    cut = replace_surrogates(text if len(text) <= limit else text[: limit - 1].rstrip() + "…")
    # In links too: Markdown inside one could close the formatting around it.
    return discord.utils.escape_mentions(discord.utils.escape_markdown(cut, ignore_links=False))


def formatted(text: str, limit: int) -> str:
    """Cut an owner's text to `limit`: its Markdown works, but it mentions nobody."""
    return discord.utils.escape_mentions(replace_surrogates(text[:limit]))


def small_print(*lines: str) -> str:
    """Return the lines in small print, without empty ones."""
    return "\n".join(f"-# {line}" for line in lines if line)


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which Discord rejects."""
    return text.encode(errors="replace").decode()


def layout(*items: ui.Item[ui.LayoutView]) -> ui.LayoutView:
    """Return a layout that discord.py does not track; its buttons are matched by custom_id."""
    view = ui.LayoutView(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()
    return view


def form(title: str, custom_id: str, *fields: ui.Item[ui.Modal]) -> ui.Modal:
    """Return a modal that discord.py does not track; it is matched by its custom_id."""
    modal = ui.Modal(title=title, custom_id=custom_id, timeout=None)
    for field in fields:
        modal.add_item(field)
    modal.stop()
    return modal


def alt_text(described: str) -> str:
    """Return the text that screen readers read for a picture, without codes and ids, and with as
    many whole words as Discord accepts.

    Prompts of earlier versions have codes and ids.
    """
    return replace_surrogates(cut_at_word(readable(described), ALT_LIMIT))


def cut_at_word(text: str, limit: int) -> str:
    """Return as many whole words of a text as fit into `limit` characters, with an ellipsis.

    A word that alone takes a quarter of that is cut, as is text without spaces.
    """
    if len(text) <= limit:
        return text
    cut = text[:limit]  # one too long: a word that ends here is whole
    words = cut.rsplit(None, 1)[0] if not cut[-1].isspace() else cut
    return (words if len(words) > limit * 3 // 4 else cut[:-1]).rstrip()[: limit - 1] + "…"
