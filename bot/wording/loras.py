"""Sentences about the LoRAs that admins open."""

from __future__ import annotations

from bot.accounts.openings import Opened
from bot.i18n import Words, paragraph
from bot.wording.labels import lora_name
from bot.wording.lists import enumerated

_SHOWN = 30
"""Names in one answer. Chosen by hand: with the longest, they fit into a message."""


def open_loras(opened: Opened, say: Words) -> str:
    """Say which LoRAs are open on the server, or in which of its channels."""
    if opened.channel_id is None:
        return _on_server(opened.names, say)
    channel = f"<#{opened.channel_id}>"
    if opened.as_server:
        as_server = say(
            "{channel} has no list of its own: it is as on the server.", channel=channel
        )
        return paragraph(as_server, _on_server(opened.names, say))
    if not opened.names:
        return say("No LoRAs are open in {channel}.", channel=channel)
    return say.plural(
        "{n} LoRA is open in {channel}: {names}",
        "{n} LoRAs are open in {channel}: {names}",
        len(opened.names),
        channel=channel,
        names=_listed(opened.names, say),
    )


def _on_server(names: frozenset[str] | None, say: Words) -> str:
    if names is None:
        return say("All LoRAs that the owner of the bot offers are open on this server.")
    if not names:
        return say("No LoRAs are open on this server.")
    return say.plural(
        "{n} LoRA is open on this server: {names}",
        "{n} LoRAs are open on this server: {names}",
        len(names),
        names=_listed(names, say),
    )


def _listed(names: frozenset[str], say: Words) -> str:
    quoted = (f"`{lora_name(each).replace('`', chr(39))}`" for each in sorted(names))
    return enumerated(quoted, say, shown=_SHOWN)
