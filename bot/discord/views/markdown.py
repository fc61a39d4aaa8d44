"""Pure: how every layout writes texts and times, and begins."""

from __future__ import annotations

from datetime import datetime

import discord
from discord import ui

ALT_LIMIT = 1024


def timestamp(moment: datetime) -> str:
    """A point in time in the reader's own zone and language, kept up to date by Discord."""
    return discord.utils.format_dt(moment, "R")


def quoted(text: str, limit: int) -> str:
    """A person's words, cut to `limit`, harmless: no Markdown, no mention, no link preview."""
    cut = replace_surrogates(text if len(text) <= limit else text[: limit - 1].rstrip() + "…")
    # In links too: a mark within one would end what stands around it.
    return discord.utils.escape_mentions(discord.utils.escape_markdown(cut, ignore_links=False))


def replace_surrogates(text: str) -> str:
    """The text without halves of characters, which Discord refuses."""
    return text.encode(errors="replace").decode()


def layout(*items: ui.Item[ui.LayoutView]) -> ui.LayoutView:
    """A layout that discord.py does not keep in memory: its buttons are found by custom_id."""
    view = ui.LayoutView(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()
    return view


def form(title: str, custom_id: str, *fields: ui.Item[ui.Modal]) -> ui.Modal:
    """A form that discord.py does not keep in memory: it is found by its custom_id."""
    modal = ui.Modal(title=title, custom_id=custom_id, timeout=None)
    for field in fields:
        modal.add_item(field)
    modal.stop()
    return modal


def alt_text(prompt: str) -> str:
    """What a screen reader says for a picture: its prompt."""
    return replace_surrogates(prompt if len(prompt) <= ALT_LIMIT else prompt[: ALT_LIMIT - 1] + "…")
