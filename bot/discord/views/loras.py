"""Pure: the layout of /loras, which is ephemeral and changed in place."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import alt_text, layout, quoted, small_print
from bot.i18n import Words
from engine.diffusion.lora.shelf import LoraInfo

PAGE = 8
"""LoRAs on a page: as many fit on a phone without much scrolling. Chosen by hand."""
_NAME_CHARS = 100
_WORDS_CHARS = 150


def sample_name(row: int) -> str:
    """Return the file name of the sample picture in a row of the page, from 0."""
    return f"lora-{row}.jpg"


def loras_of_page(found: Sequence[LoraInfo], page: int) -> Sequence[LoraInfo]:
    """Return the LoRAs of one page, from 0; too high ones are the last."""
    page = max(0, min(page, -(-len(found) // PAGE) - 1))
    return found[page * PAGE : (page + 1) * PAGE]


def loras_layout(
    found: Sequence[LoraInfo], page: int, say: Words, pictured: Collection[str] = ()
) -> ui.LayoutView:
    """Show one page of the LoRAs that a member may use. page: from 0; too high ones are the last.

    pictured: the names of those whose sample pictures are attached.

    Each has its name, title, own weight, trigger words, style words, and the family that it is for.
    """
    if not found:
        return layout(ui.TextDisplay(say("There are no LoRAs that you may use here.")))
    pages = -(-len(found) // PAGE)
    page = max(0, min(page, pages - 1))
    shown = loras_of_page(found, page)
    head = say.plural("{n} LoRA", "{n} LoRAs", len(found))
    how = say("Use one with {option} or {flag}.", option="`lora`", flag="`--lora name:0.8`")
    items: list[ui.Item[ui.LayoutView]] = [ui.TextDisplay(f"**{head}**\n{how}"), ui.Separator()]
    items += [_item(row, each, each.name in pictured, say) for row, each in enumerate(shown)]
    if pages > 1:
        place = say("Page {page} of {pages}", page=page + 1, pages=pages)
        items.append(ui.TextDisplay(small_print(place)))
        back = _page_button(say("Back"), page - 1, page > 0)
        items.append(ui.ActionRow(back, _page_button(say("Next"), page + 1, page + 1 < pages)))
    return layout(*items)


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
        words = quoted(", ".join(lora.trigger_words), _WORDS_CHARS)
        lines.insert(0, say("Trigger words: {words}", words=words))
    if lora.style_words:
        words = quoted(", ".join(lora.style_words), _WORDS_CHARS)
        lines.insert(0, say("Chosen by: {words}", words=words))
    return f"**{name}**{title}\n{small_print(*lines)}"


def _page_button(label: str, page: int, enabled: bool) -> ui.Button[ui.LayoutView]:
    # Even a disabled button needs a custom_id, and the two must differ.
    return ui.Button(
        label=label,
        style=discord.ButtonStyle.secondary,
        custom_id=custom_id(ComponentAction.LORAS_PAGE, max(0, page)),
        disabled=not enabled,
    )
