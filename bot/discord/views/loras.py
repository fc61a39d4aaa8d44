"""Pure: the layout of /loras, which is ephemeral and changed in place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from zlib import crc32

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import alt_text, layout, quoted, small_print
from bot.i18n import Words
from bot.request.models import ModelCatalog, OfferedModel
from bot.wording.lists import enumerated
from bot.wording.names import flag_name, option_name
from engine.diffusion.lora.shelf import LoraInfo
from engine.model_names import MAX_NAME_CHARS

PAGE = 8
"""LoRAs on a page: as many fit on a phone without much scrolling. Chosen by hand."""
_PAGES: Final = 10**6
"""More than there are pages. The number of a button is the page and, above it, the hash of the
model's name, because a custom_id has room for a number alone."""
_NAME_CHARS = 100
_WORDS_CHARS = 150


def sample_name(row: int) -> str:
    """Return the file name of the sample picture in a row of the page, from 0."""
    return f"lora-{row}.jpg"


def loras_of_page(found: Sequence[LoraInfo], page: int) -> Sequence[LoraInfo]:
    """Return the LoRAs of one page, from 0; too high ones are the last."""
    page = max(0, min(page, -(-len(found) // PAGE) - 1))
    return found[page * PAGE : (page + 1) * PAGE]


def page_number(page: int, model: str = "") -> int:
    """Return the number on the button of a page. model: whose list it is, "" for the only one's."""
    return page + (_PAGES * (1 + crc32(model.encode())) if model else 0)


def page_of(number: int, models: ModelCatalog) -> tuple[OfferedModel, int]:
    """Return the arguments of `page_number`; of a model that is not offered any more, the first
    page of the default one."""
    whose, page = divmod(number, _PAGES)
    for each in models.models:
        if whose == page_number(0, each.name) // _PAGES:
            return each, page
    return models.default, 0 if whose else page


def loras_layout(
    found: Sequence[LoraInfo],
    page: int,
    say: Words,
    pictured: Collection[str] = (),
    model: str = "",
) -> ui.LayoutView:
    """Show one page of the LoRAs that a member may use. page: from 0; too high ones are the last.

    pictured: the names of those whose sample pictures are attached. model: the one that they are
    for, "" where there is one alone.

    Each has its name, title, own weight, trigger words, style words, and the family that it is for.
    """
    if not found:
        return layout(ui.TextDisplay(_none(model, say)))
    pages = -(-len(found) // PAGE)
    page = max(0, min(page, pages - 1))
    shown = loras_of_page(found, page)
    head = _head(len(found), model, say)
    how = say(
        "Use one with {option} or {flag}.",
        option=option_name("lora", say),
        flag=f"`{flag_name('lora', say)} name:0.8`",
    )
    items: list[ui.Item[ui.LayoutView]] = [ui.TextDisplay(f"**{head}**\n{how}"), ui.Separator()]
    items += [_item(row, each, each.name in pictured, say) for row, each in enumerate(shown)]
    if pages > 1:
        place = say("Page {page} of {pages}", page=page + 1, pages=pages)
        items.append(ui.TextDisplay(small_print(place)))
        back = _page_button(say("Back"), page_number(max(0, page - 1), model), page > 0)
        last = page + 1 == pages
        items.append(
            ui.ActionRow(back, _page_button(say("Next"), page_number(page + 1, model), not last))
        )
    return layout(*items)


def _none(model: str, say: Words) -> str:
    if not model:
        return say("There are no LoRAs that you may use here.")
    name = quoted(model, MAX_NAME_CHARS)
    return say("There are no LoRAs for the model {model} that you may use here.", model=name)


def _head(count: int, model: str, say: Words) -> str:
    if not model:
        return say.plural("{n} LoRA", "{n} LoRAs", count)
    name = quoted(model, MAX_NAME_CHARS)
    return say.plural(
        "{n} LoRA for the model {model}", "{n} LoRAs for the model {model}", count, model=name
    )


def _item(row: int, lora: LoraInfo, pictured: bool, say: Words) -> ui.Item[ui.LayoutView]:
    text = ui.TextDisplay[ui.LayoutView](_row(lora, say))
    if not pictured:
        return text
    described = alt_text(say("Sample picture of {title}", title=lora.title))
    picture = ui.Thumbnail[ui.LayoutView](f"attachment://{sample_name(row)}", description=described)
    return ui.Section(text, accessory=picture)


def _row(lora: LoraInfo, say: Words) -> str:
    name = quoted(lora.name, _NAME_CHARS)
    title = "" if lora.title == lora.name else f" {quoted(lora.title, _NAME_CHARS)}"
    facts = [say("weight {weight}", weight=f"{lora.weight:g}")]
    if lora.rank is not None:
        facts.append(say("rank {rank}", rank=lora.rank))
    if lora.family is not None:
        facts.append(lora.family)
    lines = [" · ".join(facts)]
    if lora.trigger_words:
        words = quoted(enumerated(lora.trigger_words, say), _WORDS_CHARS)
        lines.insert(0, say("Trigger words: {words}", words=words))
    if lora.style_words:
        words = quoted(enumerated(lora.style_words, say), _WORDS_CHARS)
        lines.insert(0, say("Chosen by: {words}", words=words))
    return f"**{name}**{title}\n{small_print(*lines)}"


def _page_button(label: str, number: int, enabled: bool) -> ui.Button[ui.LayoutView]:
    # Even a disabled button needs a custom_id, and the two must differ.
    return ui.Button(
        label=label,
        style=discord.ButtonStyle.secondary,
        custom_id=custom_id(ComponentAction.LORAS_PAGE, number),
        disabled=not enabled,
    )
