"""Pure: the ephemeral layouts of a proposed batch of permutations, and of an accepted one."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import layout, quoted
from bot.discord.views.suggestions import example_items
from bot.i18n import Words, paragraph
from bot.jobs.proposals.permutations import AcceptedBatch, BatchProposal
from bot.jobs.proposals.suggestions import Suggestion
from bot.wording.knowledge import known_rows, nothing_known
from bot.wording.labels import syntax_ignored
from bot.wording.names import command_link
from storage.types import DeliveryMode

TEXTS_SHOWN = 5
"""Prompts listed in a proposal; an accepted batch lists all. A sixth and last one is listed too,
because "and 1 more" takes just as much space."""
TEXT_CHARS = 120
MINUTE_S = 60


def proposal_layout(proposed: BatchProposal, say: Words) -> ui.LayoutView:
    """Show what would be painted and what it costs, with the buttons Paint and Don't."""
    n, left = proposed.pictures, proposed.quota.available
    head = say.plural(
        "The choices in braces make {n} picture.",
        "The choices in braces make {n} pictures.",
        n,
    )
    shown_texts = proposed.texts[: TEXTS_SHOWN + (len(proposed.texts) == TEXTS_SHOWN + 1)]
    rest = len(proposed.texts) - len(shown_texts)
    others = say.plural("and {n} more", "and {n} more", rest)
    more = [f"-# {others}"] if rest > 0 else []
    costs: list[str] = []
    if proposed.extra_cost:
        costs.append(
            say.plural("They count as {n} picture.", "They count as {n} pictures.", proposed.cost)
        )
    if left is not None:
        after = left - proposed.cost
        costs.append(
            say("Your quota: {left} left now, {after} afterwards.", left=left, after=after)
        )
    if proposed.duration_s is not None:
        took = _duration(proposed.duration_s, say)
        costs.append(say("Painting them will take about {duration}.", duration=took))
    ignored = (
        quoted(syntax_ignored(proposed.ignored, say), 2 * TEXT_CHARS) if proposed.ignored else ""
    )
    paint = ui.Button[ui.LayoutView](
        label=say.plural("Paint {n} picture", "Paint {n} pictures", n),
        style=discord.ButtonStyle.primary,
        custom_id=custom_id(ComponentAction.ACCEPT_PROPOSAL, proposed.proposal_id),
    )
    decline = ui.Button[ui.LayoutView](
        label=say("Cancel"),
        style=discord.ButtonStyle.secondary,
        custom_id=custom_id(ComponentAction.DECLINE_PROPOSAL, proposed.proposal_id),
    )
    warning = [] if proposed.suggestion is None else [nothing_known(say)]
    lines = [f"**{head}**", *_numbered_lines(shown_texts), *more, *warning]
    blocks = filter(None, ("\n".join(lines), paragraph(*costs), ignored and f"-# {ignored}"))
    displays = map(ui.TextDisplay[ui.LayoutView], blocks)
    instead = [] if proposed.suggestion is None else _instead(proposed.suggestion, say)
    return layout(*displays, ui.ActionRow(paint, decline), *instead)


def _instead(suggestion: Suggestion, say: Words) -> list[ui.Item[ui.LayoutView]]:
    """Return what the model knows, and what it paints well instead of the choices."""
    known = [say("It knows only these:"), *known_rows(suggestion.model.known, say)]
    cost = say.plural(
        "Each of them is {n} picture, with the flags of your first choice.",
        "Each of them is {n} pictures, with the flags of your first choice.",
        suggestion.pictures,
    )
    return [
        ui.TextDisplay("\n".join(f"-# {row}" for row in known)),
        *example_items(suggestion, discord.ButtonStyle.secondary, say),
        ui.TextDisplay(f"-# {cost}"),
    ]


def accepted_layout(batch: AcceptedBatch, say: Words) -> ui.LayoutView:
    """List the accepted jobs, and say where their pictures will be delivered."""
    head = say.plural("{n} job was accepted.", "{n} jobs were accepted.", len(batch.jobs))
    jobs = [say("job {id}", id=each.job_id) for each in batch.jobs]
    lines = [f"**{head}**", *_numbered_lines(batch.texts, [f" · {job}" for job in jobs])]
    return layout(
        ui.TextDisplay("\n".join(lines)), ui.TextDisplay(f"-# {_delivery_note(batch, say)}")
    )


def _delivery_note(batch: AcceptedBatch, say: Words) -> str:
    """Return where the pictures will be delivered, and what can be done until then."""
    if all(each.private for each in batch.jobs):
        return say("Only you will see the pictures.")
    queue = command_link("queue", say)
    match batch.jobs[0].delivery:
        case DeliveryMode.DIRECT:
            return say(
                "Each will be sent to you by direct message when it is ready. Use {queue} to "
                "see or cancel them.",
                queue=queue,
            )
        case DeliveryMode.THREAD:
            return say(
                "Each will be posted in your thread when it is ready. Use {queue} to see or "
                "cancel them.",
                queue=queue,
            )
        case DeliveryMode.CHANNEL:
            return say(
                "Each will be posted here when it is ready. Use {queue} to see or cancel them.",
                queue=queue,
            )


def closed_layout(sentence: str) -> ui.LayoutView:
    """Return a sentence without buttons, in place of a proposal or panel that is closed."""
    return layout(ui.TextDisplay(sentence))


def _numbered_lines(texts: Sequence[str], cancellation: Sequence[str] = ()) -> list[str]:
    """Return a numbered line for each text; user input is escaped and kept on one line."""
    ends = cancellation or [""] * len(texts)
    return [
        f"{number}. {quoted(' '.join(text.split()), TEXT_CHARS)}{end}"
        for number, (text, end) in enumerate(zip(texts, ends, strict=True), 1)
    ]


def _duration(seconds: float, say: Words) -> str:
    if seconds < 1.5 * MINUTE_S:
        return say.plural("{n} second", "{n} seconds", max(1, round(seconds)))
    return say.plural("{n} minute", "{n} minutes", round(seconds / MINUTE_S))
