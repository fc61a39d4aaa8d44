"""Pure: what moderators see of reports: the card of a case, the open cases, the blocked."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import ui

from bot.delivery.cards import CaseCard
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import alt_text, layout, quoted, when
from bot.i18n import Words
from bot.moderation.service import OpenReports
from bot.wording import moderation
from storage.types import REASON_LIMIT_CHARS, Block, Case, Report

PROMPT_SHOWN = 300
REPORTS_SHOWN = 8
REASONS_CHARS = 1200
"""Of all reasons on a card together; in the worst case each character is written as two."""
LISTED_REASON = 60
BLOCKS_SHOWN = 15

Item = ui.Item[ui.LayoutView]


def report_layout(card: CaseCard, say: Words) -> ui.LayoutView:
    """The card of a case: the picture hidden until it is clicked, why, and what can be done."""
    items: list[Item] = [ui.TextDisplay(_head(card, say))]
    if card.pictures:
        assert card.picture is not None
        items.append(
            ui.MediaGallery(
                discord.MediaGalleryItem(
                    f"attachment://{card.file_name}",
                    description=alt_text(card.picture.prompt),
                    spoiler=True,
                )
            )
        )
    items.append(ui.TextDisplay(_reasons(card.case.reports, say)))
    if card.case.verdict is None:
        items.append(_buttons(card.case.picture_id, say))
    return layout(*items)


def _head(card: CaseCard, say: Words) -> str:
    case, picture = card.case, card.picture
    lines = [f"**{moderation.verdict_sentence(case, say, when)}**"]
    requester = f"<@{case.user_id}>"
    if picture is None:  # a mere "by" would be about who decided
        lines.append("-# " + say("painted by {person}", person=requester))
    else:
        painted = say("painted {when}", when=when(picture.painted_at))
        lines.append("-# " + say("by {person}", person=requester) + f" · {painted}")
        lines.append(quoted(picture.prompt, PROMPT_SHOWN))
    if card.url:
        lines.append(say("It was posted here: {url}", url=card.url))
    if case.verdict is None:
        lines += [f"-# {line}" for line in _remarks(card, say)]
    return "\n".join(lines)


def _remarks(card: CaseCard, say: Words) -> list[str]:
    """What a moderator has to know before they press."""
    if card.picture is None:
        return [say("The picture has already been deleted.")]
    remarks = []
    if not card.pictures:
        remarks.append(say("The picture's file is no longer stored."))
    if card.series > 1:
        remarks.append(
            say.plural(
                "It is one of {n} picture in one message: they are all deleted together.",
                "It is one of {n} pictures in one message: they are all deleted together.",
                card.series,
            )
        )
    return remarks


def _reasons(reports: Sequence[Report], say: Words) -> str:
    """The newest reports, with as much of their reasons as there is room for."""
    shown = reports[-REPORTS_SHOWN:]
    cut = min(REASON_LIMIT_CHARS, REASONS_CHARS // len(shown))
    head = say.plural("{n} report", "{n} reports", len(reports))
    lines = [f"**{head}**"]
    if len(reports) > len(shown):
        lines.append("-# " + say("The newest {n}:", n=len(shown)))
    for each in shown:
        why = say("(no reason given)") if each.reason is None else quoted(each.reason, cut)
        lines.append(f"- <@{each.by}> {when(each.filed_at)}: {why}")
    return "\n".join(lines)


def _buttons(picture_id: int, say: Words) -> ui.ActionRow[ui.LayoutView]:
    danger, plain = discord.ButtonStyle.danger, discord.ButtonStyle.secondary
    offered = (
        (say("Delete"), danger, ComponentAction.DELETE_REPORTED),
        (say("Delete and block"), danger, ComponentAction.BLOCK_REPORTED),
        (say("Dismiss"), plain, ComponentAction.DISMISS),
    )
    return ui.ActionRow(
        *(
            ui.Button[ui.LayoutView](
                label=label, style=style, custom_id=custom_id(action, picture_id)
            )
            for label, style, action in offered
        )
    )


def reports_layout(found: OpenReports, say: Words) -> ui.LayoutView:
    """The open cases of a server, each with a button that shows it."""
    if found.cases:
        head = say.plural(
            "{n} reported picture is waiting for a decision.",
            "{n} reported pictures are waiting for a decision.",
            len(found.cases),
        )
        if found.more:
            head = say("The {n} oldest reported pictures; there are more.", n=len(found.cases))
    else:
        head = say("There are no open reports.")
    items: list[Item] = [ui.TextDisplay(f"**{head}**")]
    items += [_case_row(case, say) for case in found.cases]
    if found.channel_id is None:
        where = say("No channel is set for reports. Set one with /admin reports channel.")
    else:
        where = say("Reports are posted in {channel}.", channel=f"<#{found.channel_id}>")
    return layout(*items, ui.TextDisplay(f"-# {where}"))


def _case_row(case: Case, say: Words) -> ui.Section[ui.LayoutView]:
    facts = [
        say("by {person}", person=f"<@{case.user_id}>"),
        say.plural("{n} report", "{n} reports", len(case.reports)),
        when(case.opened_at),
        *([say("already deleted")] if case.picture_erased else []),
    ]
    reason = next((each.reason for each in reversed(case.reports) if each.reason), None)
    text = f"**#{case.picture_id}** " + (quoted(reason, LISTED_REASON) if reason else "")
    show = ui.Button[ui.LayoutView](
        label=say("Show"),
        style=discord.ButtonStyle.secondary,
        custom_id=custom_id(ComponentAction.CASE, case.picture_id),
    )
    return ui.Section(ui.TextDisplay(f"{text}\n-# {' · '.join(facts)}"), accessory=show)


def blocked_layout(blocks: Sequence[Block], say: Words) -> ui.LayoutView:
    """Who is blocked on a server, by whom and why."""
    if not blocks:
        return layout(ui.TextDisplay(say("Nobody is blocked on this server.")))
    head = say.plural("{n} member is blocked.", "{n} members are blocked.", len(blocks))
    lines = [f"**{head}**"]
    for each in blocks[:BLOCKS_SHOWN]:
        by = say("blocked by {person}", person=f"<@{each.by}>")
        why = f": {quoted(each.reason, LISTED_REASON)}" if each.reason else ""
        lines.append(f"- <@{each.user_id}> · {by} {when(each.blocked_at)}{why}")
    if len(blocks) > BLOCKS_SHOWN:
        rest = len(blocks) - BLOCKS_SHOWN
        more = say.plural("and {n} more", "and {n} more", rest)
        lines.append(f"-# {more}")
    return layout(ui.TextDisplay("\n".join(lines)))
