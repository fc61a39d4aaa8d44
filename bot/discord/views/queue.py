"""Pure: the layout of /queue, which is ephemeral and changed in place."""

from __future__ import annotations

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import layout, quoted, timestamp
from bot.i18n import Words, paragraph
from bot.jobs.queue_overview import OwnQueue, QueuedJob, WholeQueue
from bot.wording.names import command_link

PROMPT_CHARS = 70
"""Enough to recognise a prompt, and three lines beside a button on a phone."""

Item = ui.Item[ui.LayoutView]


def queue_layout(
    own: OwnQueue, everyone: WholeQueue, say: Words, notice: str = ""
) -> ui.LayoutView:
    """Show the member's own jobs, the length of the queue, and others' jobs that they may cancel.

    notice: the outcome of a press, already escaped; shown first.
    """
    items: list[Item] = [ui.TextDisplay(notice), ui.Separator()] if notice else []
    if own.jobs:
        head = say("Your pictures here")
        items.append(ui.TextDisplay(f"**{head}**"))
        items += [_queue_row(job, say, with_user=False) for job in own.jobs]
        if own.total > len(own.jobs):
            more = say.plural("and {n} more", "and {n} more", own.total - len(own.jobs))
            items.append(ui.TextDisplay(f"-# {more}"))
        if own.total > 1:
            items.append(ui.ActionRow(_cancel_all(everyone, say)))
    else:
        imagine = command_link("imagine", say)
        empty = say("You have nothing in the queue here. Try {imagine}.", imagine=imagine)
        items.append(ui.TextDisplay(empty))
    summary = _queue_summary(everyone, say)
    if everyone.following:
        # In one text: with both, a full panel would have one component too many.
        head = say("Other members' next jobs here")
        summary = f"{summary}\n**{head}**"
    items += [ui.Separator(), ui.TextDisplay(summary)]
    items += [_queue_row(job, say, with_user=True) for job in everyone.following or ()]
    refresh = ui.Button[ui.LayoutView](
        label=say("Refresh"),
        style=discord.ButtonStyle.secondary,
        custom_id=custom_id(ComponentAction.REFRESH_QUEUE, 0),
    )
    return layout(*items, ui.ActionRow(refresh))


def _cancel_all(everyone: WholeQueue, say: Words) -> ui.Button[ui.LayoutView]:
    """Return the button that cancels all of the member's own jobs here."""
    # Those who may cancel others' jobs must not read it as all that are listed.
    label = say("Cancel all of mine") if everyone.following else say("Cancel all")
    return ui.Button(
        label=label,
        style=discord.ButtonStyle.danger,
        custom_id=custom_id(ComponentAction.CANCEL_ALL_IN_QUEUE, 0),
    )


def _queue_row(job: QueuedJob, say: Words, *, with_user: bool) -> ui.Section[ui.LayoutView]:
    prompt = say("(private)") if job.prompt is None else quoted(job.prompt, PROMPT_CHARS)
    facts = [
        *([f"<@{job.user_id}>"] if with_user else []),
        _position(job, say),
        *([say("expected {when}", when=timestamp(job.ready_at))] if job.ready_at else []),
        *([say.plural("{n} picture", "{n} pictures", job.pictures)] if job.pictures > 1 else []),
        say("job {id}", id=job.id),
    ]
    cancel = ui.Button[ui.LayoutView](
        label=say("Cancel"),
        style=discord.ButtonStyle.secondary,
        custom_id=custom_id(ComponentAction.CANCEL_IN_QUEUE, job.id),
    )
    return ui.Section(ui.TextDisplay(f"**{prompt}**\n-# {' · '.join(facts)}"), accessory=cancel)


def _position(job: QueuedJob, say: Words) -> str:
    if job.ahead is None:
        return say("being painted")
    if job.ahead == 0:
        return say("next in line")
    return say.plural("{n} job ahead of it", "{n} jobs ahead of it", job.ahead)


def _queue_summary(everyone: WholeQueue, say: Words) -> str:
    if everyone.waiting:
        text = say.plural(
            "In total, {n} job is waiting.", "In total, {n} jobs are waiting.", everyone.waiting
        )
        if everyone.waiting > 1:
            people = say.plural(
                "All are from {n} person.", "They are from {n} people.", everyone.people
            )
            text = paragraph(text, people)
    elif everyone.painting:
        text = say("Nothing is waiting; one job is being painted.")
    else:
        text = say("The queue is empty, and nothing is being painted.")
    if everyone.paused:
        return paragraph(text, say("Painting is paused; what waits is painted once it goes on."))
    if everyone.empty_at is None:
        return text
    when = timestamp(everyone.empty_at)
    if everyone.waiting:
        return paragraph(text, say("The queue should be empty {when}.", when=when))
    return paragraph(text, say("It should be finished {when}.", when=when))
