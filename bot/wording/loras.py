"""Sentences about the LoRAs that admins open."""

from __future__ import annotations

from bot.i18n import Words
from bot.wording.labels import lora_name

_SHOWN = 30
"""Names in one answer. Chosen by hand: with the longest, they fit into a message."""


def open_loras(names: frozenset[str] | None, say: Words) -> str:
    """Say which LoRAs are open. names: None for all that the owner offers."""
    if names is None:
        return say("All LoRAs that the owner of the bot offers are open here.")
    if not names:
        return say("No LoRAs are open here.")
    shown = [f"`{lora_name(each).replace('`', chr(39))}`" for each in sorted(names)[:_SHOWN]]
    listed = ", ".join([*shown, "…"] if len(names) > _SHOWN else shown)
    return say.plural(
        "{n} LoRA is open here: {names}",
        "{n} LoRAs are open here: {names}",
        len(names),
        names=listed,
    )
