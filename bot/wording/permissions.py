"""Discord's permissions, by the names that its settings show."""

from __future__ import annotations

from collections.abc import Iterable

from bot.i18n import Words
from bot.wording.lists import listed


def permission_names(names: Iterable[str], say: Words) -> str:
    """Return permissions, by the names of Discord's API, as a list of quotations."""
    return listed((f"“{_permission(name, say)}”" for name in names), say)


def _permission(name: str, say: Words) -> str:
    labels = {
        "view_channel": say("View Channel"),
        "read_messages": say("View Channel"),  # as discord.py calls it
        "send_messages": say("Send Messages"),
        "send_messages_in_threads": say("Send Messages in Threads"),
        "attach_files": say("Attach Files"),
        "create_public_threads": say("Create Public Threads"),
        "read_message_history": say("Read Message History"),
        "use_application_commands": say("Use Application Commands"),
    }
    return labels.get(name, name)
