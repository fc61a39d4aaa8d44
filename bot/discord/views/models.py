"""Pure: the layout of /models, which is ephemeral and changed in place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import alt_text, layout, quoted, small_print
from bot.i18n import Words
from bot.request.models import OfferedModel
from bot.wording.names import flag_name, option_name
from engine.model_names import MAX_NAME_CHARS

PAGE = 8
"""Models on a page. Discord takes ten files and forty components, of which a model with its picture
is three."""
_TITLE_CHARS = 40
_DESCRIPTION_CHARS = 120
"""Eight of each, with every character escaped, fit into the 4000 characters of a message."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model as it is listed. usable: by this member, here."""

    model: OfferedModel
    default: bool = False
    loaded: bool = False
    usable: bool = True
    loading: bool = False


def models_on(found: Sequence[ModelRow], page: int) -> Sequence[ModelRow]:
    """Return the models on a page. page: from 0; too high ones are the last."""
    page = _page(found, page)
    return found[page * PAGE : (page + 1) * PAGE]


def models_layout(
    found: Sequence[ModelRow], page: int, pictured: Collection[str], say: Words
) -> ui.LayoutView:
    """Show one page of the models. pictured: the names of those with a sample picture."""
    pages = -(-len(found) // PAGE)
    page = _page(found, page)
    head = say.plural("{n} model", "{n} models", len(found))
    how = say(
        "Choose one with {option} or {flag}.",
        option=option_name("model", say),
        flag=f"`{flag_name('model', say)} name`",
    )
    text = f"**{head}**" + (f"\n{how}" if len(found) > 1 else "")
    items: list[ui.Item[ui.LayoutView]] = [ui.TextDisplay(text), ui.Separator()]
    items += [_row(each, pictured, say) for each in models_on(found, page)]
    if pages > 1:
        place = say("Page {page} of {pages}", page=page + 1, pages=pages)
        items.append(ui.TextDisplay(small_print(place)))
        back = _page_button(say("Back"), page - 1, page > 0)
        items.append(ui.ActionRow(back, _page_button(say("Next"), page + 1, page + 1 < pages)))
    return layout(*items)


def sample_name(model: OfferedModel) -> str:
    """Return the name of a sample picture's file in a message."""
    return f"sample-{model.name}.jpg"


def _page(found: Sequence[ModelRow], page: int) -> int:
    return max(0, min(page, -(-len(found) // PAGE) - 1))


def _row(row: ModelRow, pictured: Collection[str], say: Words) -> ui.Item[ui.LayoutView]:
    model, family = row.model, row.model.family
    title = "" if model.title in ("", model.name) else f" {quoted(model.title, _TITLE_CHARS)}"
    side_px = family.native_side_px
    facts = [
        family.name,
        f"{side_px}×{side_px}",
        say.plural("{n} step", "{n} steps", family.default_steps),
    ]
    marks = [
        *([say("default")] if row.default else []),
        *([say("loaded")] if row.loaded else []),
        *([say("being loaded")] if row.loading else []),
        *([] if row.usable else [say("not open here")]),
    ]
    lines = [quoted(model.description, _DESCRIPTION_CHARS), " · ".join(facts), " · ".join(marks)]
    text = ui.TextDisplay[ui.LayoutView](
        f"**{quoted(model.name, MAX_NAME_CHARS)}**{title}\n{small_print(*lines)}"
    )
    if model.name not in pictured:
        return text
    described = alt_text(say("A picture by the model {model}", model=model.label))
    file = f"attachment://{sample_name(model)}"
    return ui.Section(text, accessory=ui.Thumbnail[ui.LayoutView](file, description=described))


def _page_button(label: str, page: int, enabled: bool) -> ui.Button[ui.LayoutView]:
    # Even a disabled button needs a custom_id, and the two must differ.
    return ui.Button(
        label=label,
        style=discord.ButtonStyle.secondary,
        custom_id=custom_id(ComponentAction.MODELS_PAGE, max(0, page)),
        disabled=not enabled,
    )
