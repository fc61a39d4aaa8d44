"""Pure: the buttons under pictures, and those of the panel behind More."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import ui

from bot.delivery.cards import ShownPicture
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.i18n import Words
from bot.pictures.possible_actions import AllowedActions, PossibleActions
from storage.types import StoredPicture

Row = ui.ActionRow[ui.LayoutView]


def picture_rows(pictures: Sequence[ShownPicture], say: Words) -> list[Row]:
    """Return the action rows of a result message, without what cannot work.

    One picture: one row. Several: a row for upscaling and one for varying each, with Reroll and
    More at their ends. Below is a row of stars.
    """
    return [*_painting_rows(pictures, say), star_row([each.id for each in pictures], say)]


def star_row(picture_ids: Sequence[int], say: Words) -> Row:
    """Return the buttons that give each of these pictures a star, or take it back."""
    if len(picture_ids) == 1:
        return ui.ActionRow(_star(say("Favourite"), picture_ids[0]))
    return ui.ActionRow(
        *(
            _star(say("Favourite {n}", n=number), picture_id)
            for number, picture_id in enumerate(picture_ids, 1)
        )
    )


def _painting_rows(pictures: Sequence[ShownPicture], say: Words) -> list[Row]:
    first = pictures[0]
    if len(pictures) == 1:
        repaint = [
            _reroll(say("Reroll"), first.id),
            _button(say("Vary (subtle)"), ComponentAction.VARY_SUBTLE, first.id),
            _button(say("Vary (strong)"), ComponentAction.VARY_STRONG, first.id),
        ]
        upscale = _button(say("Upscale"), ComponentAction.UPSCALE, first.id)
        return [
            ui.ActionRow(
                *(repaint if first.possible.repaint else []),
                *([upscale] if first.possible.upscale else []),
                _more(first.id, say),
            )
        ]
    numbered = list(enumerate(pictures, 1))
    upscales = [
        _button(say("Upscale {n}", n=number), ComponentAction.UPSCALE, each.id)
        for number, each in numbered
        if each.possible.upscale
    ]
    varies = [
        _button(say("Vary {n}", n=number), ComponentAction.VARY_STRONG, each.id)
        for number, each in numbered
        if each.possible.repaint
    ]
    reroll = [_reroll(say("Reroll all"), first.id)] if first.possible.repaint else []
    more = [_more(first.id, say)]
    rows = [[*upscales, *reroll], [*varies, *more]] if upscales else [[*varies, *reroll], more]
    return [ui.ActionRow(*row) for row in rows if row]


def single_picture_rows(
    picture_id: int, possible: PossibleActions, say: Words, *, own: bool = False
) -> list[Row]:
    """Return the action rows of a picture shown on its own, without what cannot work.

    own: whoever sees the message can write a note on it.

    Without Reroll: on a picture from a series it would paint, and charge for, the whole series.
    """
    vary = [
        _button(say("Vary (subtle)"), ComponentAction.VARY_SUBTLE, picture_id),
        _button(say("Vary (strong)"), ComponentAction.VARY_STRONG, picture_id),
    ]
    upscale = _button(say("Upscale"), ComponentAction.UPSCALE, picture_id)
    return [
        ui.ActionRow(
            *(vary if possible.repaint else []),
            *([upscale] if possible.upscale else []),
            _button(say("Details"), ComponentAction.DETAILS, picture_id),
            _button(say("More ▾"), ComponentAction.MORE_OF_ONE, picture_id),
        ),
        ui.ActionRow(
            _star(say("Favourite"), picture_id),
            *([_button(say("Note"), ComponentAction.NOTE, picture_id)] if own else []),
        ),
    ]


def series_rows(allowed: AllowedActions, say: Words) -> list[Row]:
    """Return the action rows of the panel behind More for several pictures: which one?

    Buttons and no menu: in a menu, Discord's clients ignore the choice that is already chosen.
    """
    choices = [
        _button(say("Picture {n}", n=number), ComponentAction.CHOOSE_PICTURE, each.id)
        for number, each in enumerate(allowed.pictures, 1)
    ]
    rows = [ui.ActionRow(*choices)]
    if allowed.erasable:
        rows.append(ui.ActionRow(_delete(say("Delete all"), allowed.pictures[0].id)))
    return rows


def more_rows(allowed: AllowedActions, picture: StoredPicture, say: Words) -> list[Row]:
    """Return the action rows of the panel behind More for one picture."""
    favourite = (
        _button(say("Remove from favourites"), ComponentAction.REMOVE_FAVOURITE, picture.id)
        if picture.favourite
        else _button(say("Add to favourites"), ComponentAction.ADD_FAVOURITE, picture.id)
    )
    remix = _button(say("Remix"), ComponentAction.REMIX, picture.id, discord.ButtonStyle.primary)
    own = [
        remix,
        _button(say("Details"), ComponentAction.DETAILS, picture.id),
        *([favourite] if allowed.own else []),
        _button(say("DM me a copy"), ComponentAction.COPY, picture.id),
    ]
    report = _button(say("Report"), ComponentAction.REPORT, picture.id)
    reports = [] if allowed.own else [report]
    others = [_button(say("Note"), ComponentAction.NOTE, picture.id)] if allowed.own else []
    if picture.on_disk:  # both need the file
        others += [
            _button(say("Repaint part"), ComponentAction.INPAINT, picture.id),
            _button(say("Blend"), ComponentAction.BLEND, picture.id),
        ]
    if len(allowed.pictures) == 1:
        delete = [_delete(say("Delete"), picture.id)] if allowed.erasable else []
        rows = [ui.ActionRow(*own, *delete, *reports)]
        return [*rows, ui.ActionRow(*others)] if others else rows
    original = _button(say("Original"), ComponentAction.SHOW_ORIGINAL, picture.id)
    back = _button(say("All pictures"), ComponentAction.CHOOSE_ANOTHER, allowed.pictures[0].id)
    return [ui.ActionRow(*own, original), ui.ActionRow(back, *others, *reports)]


def deletion_rows(
    picture_id: int, say: Words, confirm: ComponentAction = ComponentAction.CONFIRM_DELETE
) -> list[Row]:
    """Return the buttons that confirm or decline a deletion."""
    return [
        ui.ActionRow(
            _button(say("Delete"), confirm, picture_id, discord.ButtonStyle.danger),
            _button(say("Keep"), ComponentAction.KEEP, picture_id),
        )
    ]


def _button(
    label: str,
    action: ComponentAction,
    picture_id: int,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
) -> ui.Button[ui.LayoutView]:
    return ui.Button(label=label, style=style, custom_id=custom_id(action, picture_id))


def _star(label: str, picture_id: int) -> ui.Button[ui.LayoutView]:
    return ui.Button(
        label=label,
        emoji="⭐",
        style=discord.ButtonStyle.secondary,
        custom_id=custom_id(ComponentAction.STAR, picture_id),
    )


def _reroll(label: str, picture_id: int) -> ui.Button[ui.LayoutView]:
    return ui.Button(
        label=label,
        emoji="🎲",
        style=discord.ButtonStyle.primary,
        custom_id=custom_id(ComponentAction.REROLL, picture_id),
    )


def _more(picture_id: int, say: Words) -> ui.Button[ui.LayoutView]:
    return _button(say("More ▾"), ComponentAction.MORE, picture_id)


def _delete(label: str, picture_id: int) -> ui.Button[ui.LayoutView]:
    return _button(label, ComponentAction.DELETE, picture_id, discord.ButtonStyle.danger)
