"""Pure: the audit log, the status of a server, and the question before jobs are cancelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import discord
from discord import ui

from bot.administration.audit import AuditPage, member_mark
from bot.administration.cancelling import CancelQuestion
from bot.administration.server_status import ServerStatus
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import layout, quoted, small_print, timestamp
from bot.i18n import Words
from bot.wording import administration as wording
from bot.wording.audit import audit_sentence
from bot.wording.lists import enumerated
from bot.wording.log_channels import channel_problem
from storage.audit import AuditEntry
from storage.log_entries import Value
from storage.types import REASON_LIMIT_CHARS

_PAGES: Final = 10**7
"""More than there are pages. The number of a button is the page and, above it, the mark of the
member whose entries are listed, because a custom_id has room for a number alone."""
_VALUE_CHARS: Final = 60
_VALUES_SHOWN: Final = 6
"""With their characters, ten entries fit into the 4000 of a message. Chosen by hand."""
_MENTIONS: Final = {"channel": "<#{}>", "role": "<@&{}>"}
"""Of what was chosen; nobody is notified by them."""
_MESSAGE: Final = "https://discord.com/channels/{guild}/{channel}/{message}"


def audit_layout(page: AuditPage, say: Words) -> ui.LayoutView:
    """Show a page of the audit log, for one admin."""
    head = f"**{say('Audit log')}**"
    if page.member_id is not None:
        head = f"**{say('Audit log of {person}', person=f'<@{page.member_id}>')}**"
    lines = [_line(each, say) for each in page.entries]
    if not lines:
        lines = [say("There is no entry.")]
    items: list[ui.Item[ui.LayoutView]] = [ui.TextDisplay("\n".join([head, *lines]))]
    if problem := channel_problem(page.channel, say):
        items.append(ui.TextDisplay(problem))
    if page.page or page.older:
        newer = _page_button(say("Newer"), page, -1, enabled=page.page > 0)
        items.append(ui.ActionRow(newer, _page_button(say("Older"), page, 1, enabled=page.older)))
    return layout(*items)


def posted_layout(entries: Sequence[AuditEntry], say: Words) -> ui.LayoutView:
    """Show entries in the channel that admins chose for them."""
    return layout(ui.TextDisplay("\n".join(_line(each, say) for each in entries)))


def audit_page_of(number: int) -> tuple[int, int]:
    """Return the page that a button's number stands for and the mark of its member, 0 for none."""
    mark, page = divmod(number, _PAGES)
    return page, mark


def server_status_layout(status: ServerStatus, missing: Sequence[str], say: Words) -> ui.LayoutView:
    """Show how a server is doing. missing: the bot's missing permissions in this channel."""
    if status.pause is None:
        paused = say("**Painting:** on")
    else:
        values = {"person": f"<@{status.pause.by}>", "when": timestamp(status.pause.since)}
        if not status.pause.by:
            values["person"] = say("somebody who was erased")
        paused = say("**Painting:** paused by {person} {when}", **values)
        if status.pause.reason:
            paused += f"\n> {quoted(status.pause.reason, REASON_LIMIT_CHARS)}"
    return layout(ui.TextDisplay(wording.server_status(status, paused, missing, say)))


def cancel_layout(question: CancelQuestion, say: Words) -> ui.LayoutView:
    """Ask an admin back before jobs are cancelled."""
    return layout(
        ui.TextDisplay(wording.cancel_question(question, say)),
        ui.ActionRow(
            ui.Button[ui.LayoutView](
                label=say.plural("Cancel {n} job", "Cancel {n} jobs", question.waiting.jobs),
                style=discord.ButtonStyle.danger,
                custom_id=custom_id(ComponentAction.CANCEL_WAITING, question.id),
            ),
            ui.Button[ui.LayoutView](
                label=say("Keep"),
                style=discord.ButtonStyle.secondary,
                custom_id=custom_id(ComponentAction.KEEP_WAITING, 0),
            ),
        ),
    )


def _line(entry: AuditEntry, say: Words) -> str:
    moment = discord.utils.format_dt(entry.done_at, "f")
    target = [] if entry.target_id is None else [f"<@{entry.target_id}>"]
    details = enumerated([*target, *_details(entry, say)], say, shown=_VALUES_SHOWN)
    return f"{moment} {audit_sentence(entry, say)}" + (f"\n{small_print(details)}" * bool(details))


def _details(entry: AuditEntry, say: Words) -> Iterator[str]:
    """Yield what was chosen, by the names of the command's options."""
    for name, value in entry.data.items():
        if name == "jobs" and isinstance(value, int):
            yield say.plural("{n} job", "{n} jobs", value)
        elif isinstance(value, Mapping) and "message" in value:
            yield _MESSAGE.format_map(value)
        else:
            yield say("{name}: {value}", name=say.name(name), value=_value(value, say))


def _value(value: Value, say: Words) -> str:
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, Mapping):
        ((kind, row_id),) = value.items()
        return _MENTIONS[kind].format(row_id)
    return quoted(str(value).replace("\n", " "), _VALUE_CHARS)


def _page_button(
    label: str, page: AuditPage, step: int, *, enabled: bool
) -> ui.Button[ui.LayoutView]:
    mark = 0 if page.member_id is None else member_mark(page.member_id)
    number = mark * _PAGES + max(0, page.page + step)
    return ui.Button(
        label=label,
        style=discord.ButtonStyle.secondary,
        custom_id=custom_id(ComponentAction.AUDIT_PAGE, number),
        disabled=not enabled,
    )
