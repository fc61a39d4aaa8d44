"""Pure: buttons and menus under pictures, and those of the panel behind More."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.i18n import Words
from bot.pictures.gallery import AllowedActions

Row = ui.ActionRow[ui.LayoutView]


def picture_rows(ids: Sequence[int], say: Words) -> list[Row]:
    """Return the action rows of a result message; at most five buttons are visible."""
    first = ids[0]
    if len(ids) == 1:
        return [
            ui.ActionRow(
                _reroll(say("Reroll"), first),
                _button(say("Vary (subtle)"), ComponentAction.VARY_SUBTLE, first),
                _button(say("Vary (strong)"), ComponentAction.VARY_STRONG, first),
                _button(say("Upscale"), ComponentAction.UPSCALE, first),
                _more(first, say),
            )
        ]
    numbered = list(enumerate(ids, 1))
    options = [
        *_options(lambda n: say("Upscale {n}", n=n), ComponentAction.UPSCALE, numbered),
        *_options(lambda n: say("Vary {n}", n=n), ComponentAction.VARY_STRONG, numbered),
        *_options(lambda n: say("Original {n}", n=n), ComponentAction.SHOW_ORIGINAL, numbered),
        *_options(lambda n: say("Details {n}", n=n), ComponentAction.DETAILS, numbered),
    ]
    buttons = (
        _reroll(say("Reroll all"), first),
        _button(say("Delete"), ComponentAction.DELETE, first),
        _more(first, say),
    )
    return [ui.ActionRow(_menu(first, options, say)), ui.ActionRow(*buttons)]


def single_picture_rows(picture_id: int, say: Words) -> list[Row]:
    """Return the action rows of a picture shown on its own.

    Without Reroll: on a picture from a series it would paint, and charge for, the whole series.
    """
    return [
        ui.ActionRow(
            _button(say("Vary (subtle)"), ComponentAction.VARY_SUBTLE, picture_id),
            _button(say("Vary (strong)"), ComponentAction.VARY_STRONG, picture_id),
            _button(say("Upscale"), ComponentAction.UPSCALE, picture_id),
            _button(say("Details"), ComponentAction.DETAILS, picture_id),
            _more(picture_id, say),
        )
    ]


def more_rows(allowed: AllowedActions, say: Words) -> list[Row]:
    """Return the action rows of the panel behind More."""
    pictures = allowed.pictures
    first = pictures[0]
    if len(pictures) > 1:
        numbered = list(enumerate((each.id for each in pictures), 1))
        marked = [pair for pair, each in zip(numbered, pictures, strict=True) if each.favourite]
        unmarked = [pair for pair in numbered if pair not in marked]
        options = [
            *_options(lambda n: say("Remix {n}", n=n), ComponentAction.REMIX, numbered),
            *_options(lambda n: say("DM me a copy of {n}", n=n), ComponentAction.COPY, numbered),
        ]
        if allowed.own:
            options += _options(
                lambda n: say("Add {n} to favourites", n=n), ComponentAction.ADD_FAVOURITE, unmarked
            )
            options += _options(
                lambda n: say("Remove {n} from favourites", n=n),
                ComponentAction.REMOVE_FAVOURITE,
                marked,
            )
        else:
            options += _options(lambda n: say("Report {n}", n=n), ComponentAction.REPORT, numbered)
        return [ui.ActionRow(_menu(first.id, options, say))]
    favourite = (
        _button(say("Remove from favourites"), ComponentAction.REMOVE_FAVOURITE, first.id)
        if first.favourite
        else _button(say("Add to favourites"), ComponentAction.ADD_FAVOURITE, first.id)
    )
    delete = _button(say("Delete"), ComponentAction.DELETE, first.id, discord.ButtonStyle.danger)
    return [
        ui.ActionRow(
            _button(say("Remix"), ComponentAction.REMIX, first.id, discord.ButtonStyle.primary),
            _button(say("Details"), ComponentAction.DETAILS, first.id),
            *([favourite] if allowed.own else []),
            _button(say("DM me a copy"), ComponentAction.COPY, first.id),
            *([delete] if allowed.erasable else []),
            *([] if allowed.own else [_button(say("Report"), ComponentAction.REPORT, first.id)]),
        )
    ]


def _button(
    label: str,
    action: ComponentAction,
    picture_id: int,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
) -> ui.Button[ui.LayoutView]:
    return ui.Button(label=label, style=style, custom_id=custom_id(action, picture_id))


def _reroll(label: str, picture_id: int) -> ui.Button[ui.LayoutView]:
    return ui.Button(
        label=label,
        emoji="🎲",
        style=discord.ButtonStyle.primary,
        custom_id=custom_id(ComponentAction.REROLL, picture_id),
    )


def _more(picture_id: int, say: Words) -> ui.Button[ui.LayoutView]:
    return _button(say("More ▾"), ComponentAction.MORE, picture_id)


def _options(
    label: Callable[[int], str], action: ComponentAction, numbered: Iterable[tuple[int, int]]
) -> list[discord.SelectOption]:
    """Return one option for each (number, picture id)."""
    return [
        discord.SelectOption(label=label(number), value=custom_id(action, picture_id))
        for number, picture_id in numbered
    ]


def _menu(
    first_id: int, options: list[discord.SelectOption], say: Words
) -> ui.Select[ui.LayoutView]:
    return ui.Select(
        placeholder=say("Choose an action…"),
        options=options,
        custom_id=custom_id(ComponentAction.MENU, first_id),
    )
