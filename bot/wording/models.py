"""Sentences about the models that admins open."""

from __future__ import annotations

from bot.accounts.openings import Opened
from bot.i18n import Words, paragraph
from bot.wording.lists import enumerated


def open_models(opened: Opened, say: Words) -> str:
    """Say which models are open on the server, or in which of its channels."""
    if opened.channel_id is None:
        return _on_server(opened.names, say)
    channel = f"<#{opened.channel_id}>"
    if opened.as_server:
        as_server = say(
            "{channel} has no list of its own: it is as on the server.", channel=channel
        )
        return paragraph(as_server, _on_server(opened.names, say))
    if not opened.names:
        return say("No model is open in {channel}: nothing can be painted there.", channel=channel)
    return say.plural(
        "{n} model is open in {channel}: {names}",
        "{n} models are open in {channel}: {names}",
        len(opened.names),
        channel=channel,
        names=_listed(opened.names, say),
    )


def _on_server(names: frozenset[str] | None, say: Words) -> str:
    if names is None:
        return say("All models that the owner of the bot offers are open on this server.")
    if not names:
        return say("No model is open on this server: nothing can be painted here.")
    return say.plural(
        "{n} model is open on this server: {names}",
        "{n} models are open on this server: {names}",
        len(names),
        names=_listed(names, say),
    )


def _listed(names: frozenset[str], say: Words) -> str:
    return enumerated((f"`{each}`" for each in sorted(names)), say)
