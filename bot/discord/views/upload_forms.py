"""Pure: the forms that take files: repainting a part of a picture, and blending it with others.

They work across restarts, as all forms do (`modals`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import form, replace_surrogates
from bot.discord.views.modals import STRENGTH_CHARS
from bot.i18n import Words
from bot.request.bounds import DEFAULT_STRENGTHS
from bot.request.input_sources import UrlSource
from bot.request.params import MAX_TYPED_CHARS
from bot.request.prompt.flags import escape_prompt
from bot.request.values.regions import Region
from bot.wording.labels import region_name
from engine.modes import MAX_BLENDED
from engine.types import Mode

MASK: Final = "mask"
OTHERS: Final = "others"
REGION: Final = "region"


def inpaint_form(picture_id: int, prompt: str, say: Words) -> ui.Modal:
    """Return the form to repaint a part of a picture: one of a list, or where a mask says.

    prompt: the picture's, which describes the whole finished picture.
    """
    parts = ui.RadioGroup[ui.Modal](
        custom_id=REGION,
        required=False,
        options=[
            discord.RadioGroupOption(label=region_name(each, say), value=each.value)
            for each in Region
        ],
    )
    mask = ui.FileUpload[ui.Modal](custom_id=MASK, required=False, max_values=1)
    return form(
        say("Repaint part of picture #{id}", id=picture_id),
        custom_id(ComponentAction.INPAINT, picture_id),
        ui.Label(
            text=say("Prompt"),
            description=say("Describe the whole finished picture, in English or Chinese"),
            component=_prompt(escape_prompt(prompt)),
        ),
        ui.Label(
            text=say("Which part"),
            description=say("Leave it empty if a mask says it"),
            component=parts,
        ),
        ui.Label(
            text=say("Or a mask"),
            description=say("White on black or transparent, or the picture with the part erased"),
            component=mask,
        ),
        _strength(Mode.INPAINT, say),
    )


def blend_form(picture_id: int, say: Words) -> ui.Modal:
    """Return the form to blend a picture with one to three others."""
    others = ui.FileUpload[ui.Modal](
        custom_id=OTHERS, required=True, min_values=1, max_values=MAX_BLENDED - 1
    )
    return form(
        say("Blend picture #{id}", id=picture_id),
        custom_id(ComponentAction.BLEND, picture_id),
        ui.Label(
            text=say("Other pictures"),
            description=say("Up to {n}; the result has the shape of yours", n=MAX_BLENDED - 1),
            component=others,
        ),
        ui.Label(
            text=say("Prompt"),
            description=say("How the blend should look, in English or Chinese"),
            component=_prompt("", required=False),
        ),
        _strength(Mode.BLEND, say),
    )


def _prompt(text: str, *, required: bool = True) -> ui.TextInput[ui.Modal]:
    return ui.TextInput(
        custom_id="prompt",
        style=discord.TextStyle.paragraph,
        default=replace_surrogates(text[:MAX_TYPED_CHARS]) or None,
        required=required,
        max_length=MAX_TYPED_CHARS,
    )


def _strength(mode: Mode, say: Words) -> ui.Label[ui.Modal]:
    strength = ui.TextInput[ui.Modal](
        custom_id="strength",
        style=discord.TextStyle.short,
        default=f"{DEFAULT_STRENGTHS[mode]:g}",
        required=False,
        max_length=STRENGTH_CHARS,
    )
    description = say("From 0.01 (almost unchanged) to 1 (nothing of it remains)")
    return ui.Label(text=say("Strength"), description=description, component=strength)


def submitted_files(
    interaction: discord.Interaction[Any], name: str, limit: int
) -> tuple[UrlSource, ...]:
    """Return the files of a submitted form's field, at most `limit`; without those that Discord
    does not describe."""
    data = cast("Mapping[str, Any]", interaction.data or {})
    described: Mapping[str, Any] = (data.get("resolved") or {}).get("attachments") or {}
    found = [described.get(str(each)) for each in _values(data, name)]
    sources = [
        UrlSource(str(each["url"]), int(each.get("size") or 0))
        for each in found
        if each is not None
    ]
    return tuple(sources[:limit])


def _values(part: Mapping[str, Any], name: str) -> Iterator[Any]:
    if part.get("custom_id") == name:
        yield from part.get("values") or ()
    for child in (*(part.get("components") or ()), *filter(None, [part.get("component")])):
        yield from _values(child, name)
