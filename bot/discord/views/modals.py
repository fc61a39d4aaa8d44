"""The form of Remix. It lives for ever: all it needs is in its custom_id and what is sent in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import form, whole
from bot.i18n import Words
from bot.jobs.variations import RemixChanges
from bot.request.flags import escape_prompt
from engine.prompts import MAX_PROMPT_CHARS, clean, is_ours
from engine.types import ImageRequest

SEED_CHARS = 10


def remix_form(picture_id: int, request: ImageRequest, prompt: str | None, say: Words) -> ui.Modal:
    """The words of a picture, to be changed. prompt: what stands there instead of its own."""
    negative = "" if is_ours(request.negative_prompt) else request.negative_prompt
    words = clean(prompt or "") or escape_prompt(request.prompt)
    seed = ui.TextInput[ui.Modal](
        custom_id="seed",
        style=discord.TextStyle.short,
        required=False,
        max_length=SEED_CHARS,
    )
    return form(
        say("Remix picture #{id}", id=picture_id),
        custom_id(ComponentAction.REMIX, picture_id),
        _field(say("Prompt"), "prompt", words, required=True),
        _field(say("Negative prompt"), "negative", negative),
        ui.Label(text=say("Seed"), description=say("Leave empty for a new one"), component=seed),
    )


def sent_in(interaction: discord.Interaction[Any]) -> RemixChanges:
    """What was filled in; a field that is not there is empty."""
    values = typed(interaction)
    return RemixChanges(*(values.get(name, "") for name in ("prompt", "negative", "seed")))


def typed(interaction: discord.Interaction[Any]) -> dict[str, str]:
    """What was typed or chosen, by the name of the field; the first of several choices."""
    data = cast("Mapping[str, Any]", interaction.data or {})
    found: dict[str, str] = {}
    for each in _fields(data):
        value = each["value"] if "value" in each else next(iter(each["values"] or ()), "")
        found[str(each.get("custom_id"))] = str(value or "")
    return found


def _field(label: str, name: str, text: str, *, required: bool = False) -> ui.Label[ui.Modal]:
    return ui.Label(
        text=label,
        component=ui.TextInput(
            custom_id=name,
            style=discord.TextStyle.paragraph,
            default=whole(text[:MAX_PROMPT_CHARS]) or None,
            required=required,
            max_length=MAX_PROMPT_CHARS,
        ),
    )


def _fields(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All that can be filled in, in labels or in rows."""
    if "value" in part or "values" in part:
        yield part
    children = [*part.get("components", ()), *filter(None, [part.get("component")])]
    for child in children:
        yield from _fields(child)
