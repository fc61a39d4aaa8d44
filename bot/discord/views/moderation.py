"""Pure: what moderators see: the card of a report, open reports, and blocked members."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import ui

from bot.delivery.cards import CaseCard
from bot.discord.views.attachments import describe_stored
from bot.discord.views.buttons import deletion_rows
from bot.discord.views.conversations import CONVERSATION_CHARS, conversation_text
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import layout, quoted, timestamp
from bot.discord.views.pictures import deletion_question
from bot.i18n import Words
from bot.moderation.conversations import reporters_of
from bot.moderation.reports import OpenReports
from bot.wording import moderation
from bot.wording.names import command_link
from storage.types import FILTER_USER_ID, REASON_LIMIT_CHARS, Block, Case, Report

PROMPT_CHARS = 300
REPORTS_SHOWN = 8
REASONS_CHARS = 1200
"""For all reasons on a card together; escaping can double every character."""
LISTED_REASON_CHARS = 60
BLOCKS_SHOWN = 15

Item = ui.Item[ui.LayoutView]


def report_layout(card: CaseCard, say: Words) -> ui.LayoutView:
    """Return the card of a report: the picture behind a spoiler, the reasons, and the verdict
    buttons."""
    items: list[Item] = [ui.TextDisplay(_heading(card, say))]
    if card.pictures:
        assert card.picture is not None
        items.append(
            ui.MediaGallery(
                discord.MediaGalleryItem(
                    f"attachment://{card.file_name}",
                    description=describe_stored(card.picture, say),
                    spoiler=True,
                )
            )
        )
    items.append(ui.TextDisplay(_reasons(card.case.reports, say, written=bool(card.messages))))
    if card.messages:
        items.append(ui.TextDisplay(conversation_text(card.messages, say)))
    if card.case.verdict is None:
        items.append(_buttons(card.case.picture_id, say))
        items.append(_more_buttons(card, say))
    return layout(*items)


def reported_deletion_layout(card: CaseCard, say: Words) -> ui.LayoutView:
    """Ask a moderator back before a reported picture and those of its message are deleted."""
    text = deletion_question(card.series, say)
    if card.picture is not None:
        text += f"\n{quoted(card.picture.prompt, PROMPT_CHARS)}"
    confirm = ComponentAction.CONFIRM_DELETE_REPORTED
    return layout(ui.TextDisplay(text), *deletion_rows(card.case.picture_id, say, confirm))


def _heading(card: CaseCard, say: Words) -> str:
    case, picture = card.case, card.picture
    lines = [f"**{moderation.verdict_sentence(case, say, timestamp)}**"]
    requester = f"<@{case.user_id}>"
    if picture is None:  # "by" alone would name who decided
        lines.append("-# " + say("painted by {person}", person=requester))
    else:
        painted = say("painted {when}", when=timestamp(picture.painted_at))
        lines.append("-# " + say("by {person}", person=requester) + f" · {painted}")
        lines.append(quoted(picture.prompt, PROMPT_CHARS))
    if card.url:
        lines.append(say("It was posted here: {url}", url=card.url))
    if case.verdict is None:
        lines += [f"-# {line}" for line in _remarks(card, say)]
    return "\n".join(lines)


def _remarks(card: CaseCard, say: Words) -> list[str]:
    """Return what a moderator has to know before deciding."""
    if card.picture is None:
        return [say("The picture has already been deleted.")]
    remarks = []
    if card.picture.private:
        remarks.append(say("The picture is private, so only its requester sees it."))
    elif not card.pictures:
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


def _reasons(reports: Sequence[Report], say: Words, *, written: bool) -> str:
    """Return the newest reports, with as much of their reasons as fits. written: messages between
    moderators and reporters stand below them."""
    newest = reports[-REPORTS_SHOWN:]
    limit = REASONS_CHARS - CONVERSATION_CHARS if written else REASONS_CHARS
    cut = min(REASON_LIMIT_CHARS, limit // len(newest))
    head = say.plural("{n} report", "{n} reports", len(reports))
    lines = [f"**{head}**"]
    if len(reports) > len(newest):
        lines.append("-# " + say("The newest {n}:", n=len(newest)))
    for each in newest:
        why = say("(no reason given)") if each.reason is None else quoted(each.reason, cut)
        by = say("The filter") if each.by == FILTER_USER_ID else f"<@{each.by}>"
        lines.append(f"- {by} {timestamp(each.filed_at)}: {why}")
    return "\n".join(lines)


def _buttons(picture_id: int, say: Words) -> ui.ActionRow[ui.LayoutView]:
    danger, plain = discord.ButtonStyle.danger, discord.ButtonStyle.secondary
    offered = (
        (say("Delete"), danger, ComponentAction.DELETE_REPORTED),
        (say("Delete and block"), danger, ComponentAction.BLOCK_REPORTED),
        (say("Dismiss"), plain, ComponentAction.DISMISS_REPORT),
    )
    return ui.ActionRow(
        *(
            ui.Button[ui.LayoutView](
                label=label, style=style, custom_id=custom_id(action, picture_id)
            )
            for label, style, action in offered
        )
    )


def _more_buttons(card: CaseCard, say: Words) -> ui.ActionRow[ui.LayoutView]:
    """Return what else can be done: with a reason, to the reporters, and about the picture."""
    offered = [(say("Decide with a reason"), ComponentAction.DECIDE_WITH_REASON)]
    if reporters_of(card.case):
        offered.append((say("Answer the reporters"), ComponentAction.ANSWER_REPORTERS))
    if card.picture is not None and card.picture.on_disk:
        label = say("Never paint from this picture")
        offered.append((label, ComponentAction.NEVER_PAINT_FROM))
    return ui.ActionRow(
        *(
            ui.Button[ui.LayoutView](
                label=label,
                style=discord.ButtonStyle.secondary,
                custom_id=custom_id(action, card.case.picture_id),
            )
            for label, action in offered
        )
    )


def reports_layout(reports: OpenReports, say: Words) -> ui.LayoutView:
    """List the open reports of a server, each with a button that shows it."""
    if reports.cases:
        head = say.plural(
            "{n} reported picture is waiting for a decision.",
            "{n} reported pictures are waiting for a decision.",
            len(reports.cases),
        )
        if reports.more:
            head = say("The {n} oldest reported pictures; there are more.", n=len(reports.cases))
    else:
        head = say("There are no open reports.")
    items: list[Item] = [ui.TextDisplay(f"**{head}**")]
    items += [_case_row(case, say) for case in reports.cases]
    if reports.channel_id is None:
        where = say(
            "No channel is set for reports. Set one with {command}.",
            command=command_link("admin log", say),
        )
    else:
        where = say("Reports are posted in {channel}.", channel=f"<#{reports.channel_id}>")
    return layout(*items, ui.TextDisplay(f"-# {where}"))


def _case_row(case: Case, say: Words) -> ui.Section[ui.LayoutView]:
    facts = [
        say("by {person}", person=f"<@{case.user_id}>"),
        say.plural("{n} report", "{n} reports", len(case.reports)),
        timestamp(case.opened_at),
        *([say("already deleted")] if case.picture_erased else []),
    ]
    reason = next((each.reason for each in reversed(case.reports) if each.reason), None)
    text = f"**#{case.picture_id}** " + (quoted(reason, LISTED_REASON_CHARS) if reason else "")
    show = ui.Button[ui.LayoutView](
        label=say("Show"),
        style=discord.ButtonStyle.secondary,
        custom_id=custom_id(ComponentAction.SHOW_REPORT, case.picture_id),
    )
    return ui.Section(ui.TextDisplay(f"{text}\n-# {' · '.join(facts)}"), accessory=show)


def blocked_layout(blocks: Sequence[Block], say: Words) -> ui.LayoutView:
    """List who is blocked on a server, by whom and why."""
    if not blocks:
        return layout(ui.TextDisplay(say("Nobody is blocked on this server.")))
    head = say.plural("{n} member is blocked.", "{n} members are blocked.", len(blocks))
    lines = [f"**{head}**"]
    for each in blocks[:BLOCKS_SHOWN]:
        by = say("blocked by {person}", person=f"<@{each.by}>")
        why = f": {quoted(each.reason, LISTED_REASON_CHARS)}" if each.reason else ""
        ends = "" if each.until is None else say("ends {when}", when=timestamp(each.until))
        facts = filter(None, (f"{by} {timestamp(each.blocked_at)}", ends))
        lines.append(f"- <@{each.user_id}> · {' · '.join(facts)}{why}")
    if len(blocks) > BLOCKS_SHOWN:
        rest = len(blocks) - BLOCKS_SHOWN
        more = say.plural("and {n} more", "and {n} more", rest)
        lines.append(f"-# {more}")
    return layout(ui.TextDisplay("\n".join(lines)))
