"""custom_ids as the buttons of the open database carry them."""

from __future__ import annotations

from bot.discord.views.custom_ids import ComponentAction, custom_id

_WITHOUT_MARK = "z1:queue:0"


def marked(text: str) -> str:
    """Add the mark of the open database to a custom_id without one."""
    return text + custom_id(ComponentAction.REFRESH_QUEUE, 0).removeprefix(_WITHOUT_MARK)
