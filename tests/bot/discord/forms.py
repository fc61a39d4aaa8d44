"""Helpers that open forms and read them."""

from __future__ import annotations

from typing import Any

from tests.bot.discord.harness import BotHarness


async def open_remix(harness: BotHarness, who: Any) -> Any:
    """Press Remix on the newest picture; return the form."""
    return await who.click(await harness.more(who, harness.message_with_picture()), label="Remix")


def form_fields(form: Any) -> dict[str, str | None]:
    """Return the default values of a form's fields."""
    parts = [each["component"] for each in form.modal["components"]]
    return {each["custom_id"]: each.get("value") for each in parts}
