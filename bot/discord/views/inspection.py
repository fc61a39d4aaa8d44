"""Pure: the layouts of /queue, /explain and recipes. They are ephemeral, in the reader's
language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import layout, quoted, replace_surrogates, timestamp
from bot.i18n import Words
from bot.jobs.queue import OwnQueue, QueuedJob, WholeQueue
from bot.pictures.inspection import ForeignDetails, PictureDetails, PromptExplanation
from bot.wording import prompt_analysis, recipes, rejections
from bot.wording.foreign import fitted_size, foreign_heading, foreign_remark, foreign_rows
from bot.wording.labels import level_name, style_name
from bot.wording.origins import origin_label
from engine.types import Mode

TEXT_LIMIT = 4000
"""Discord's limit for all texts of a message together."""
QUEUE_PROMPT_CHARS = 70
"""Enough to recognise a prompt, and three lines beside a button on a phone."""
VALUE_CHARS = 120
BLOCK_LIMIT = 1200
"""Longer lines to copy are attached as a file."""
CUTS = (1000, 600, 350, 200, 100, 50)
"""Lengths that user texts are cut to, tried in turn until everything fits."""
NOTES_SHOWN = 5
ADVICE_SHOWN = 6

Item = ui.Item[ui.LayoutView]


@dataclass(frozen=True, slots=True)
class Panel:
    """A layout and the text file that it shows, if any, as (name, content)."""

    view: ui.LayoutView
    file: tuple[str, bytes] | None = None


# /queue


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
    else:
        items.append(ui.TextDisplay(say("You have nothing in the queue here. Try /imagine.")))
    items += [ui.Separator(), ui.TextDisplay(_queue_summary(everyone, say))]
    if everyone.following:
        head = say("Other members' next jobs here")
        items.append(ui.TextDisplay(f"**{head}**"))
        items += [_queue_row(job, say, with_user=True) for job in everyone.following]
    refresh = ui.Button[ui.LayoutView](
        label=say("Refresh"),
        style=discord.ButtonStyle.secondary,
        custom_id=custom_id(ComponentAction.REFRESH_QUEUE, 0),
    )
    return layout(*items, ui.ActionRow(refresh))


def _queue_row(job: QueuedJob, say: Words, *, with_user: bool) -> ui.Section[ui.LayoutView]:
    prompt = say("(private)") if job.prompt is None else quoted(job.prompt, QUEUE_PROMPT_CHARS)
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
            text += " " + say.plural(
                "All are from {n} person.", "They are from {n} people.", everyone.people
            )
    elif everyone.painting:
        text = say("The queue is empty; one job is being painted.")
    else:
        text = say("The queue is empty, and nothing is being painted.")
    if everyone.empty_at is not None:
        text += " " + say("The queue should be empty {when}.", when=timestamp(everyone.empty_at))
    return text


# /explain


def explanation_layout(explained: PromptExplanation, say: Words) -> ui.LayoutView:
    """Show what is parsed from a prompt, advice on it, and what enhancement would add."""

    def texts(cut: int) -> list[str]:
        analysis, enhancement = explained.analysis, explained.enhancement
        tokens = prompt_analysis.token_usage(analysis, explained.max_tokens, say)
        findings = [
            *(
                (heading, quoted(words, min(cut, VALUE_CHARS)))
                for heading, words in prompt_analysis.analysis_rows(analysis, say)
                if words
            ),
            *([(say("Chosen style"), style_name(explained.style, say))] if explained.style else []),
            (say("Tokens"), tokens),
        ]
        advice = [
            f"- {quoted(prompt_analysis.advice_sentence(each, say), 2 * cut)}"
            for each in analysis.advice[:ADVICE_SHOWN]
        ]
        advice += (
            f"- {quoted(rejections.note_sentence(each, say), 2 * cut)}" for each in explained.notes
        )
        nothing = say("(nothing)")
        added = [
            (
                say("What would be added ({level})", level=level_name(explained.level, say)),
                quoted(enhancement.added or nothing, cut),
            ),
            (
                say("Negative prompt if guidance is above 1 and none is given"),
                quoted(enhancement.negative_prompt or nothing, cut),
            ),
        ]
        head = [f"**{quoted(explained.prompt, cut)}**", *_permutation_lines(explained, say)]
        blocks = ["\n".join(head), _labelled_lines(findings), _labelled_lines(added)]
        if advice:
            heading = say("Advice")
            blocks.insert(2, "\n".join([f"**{heading}**", *advice]))
        small = [rejections.note_sentence(explained.limited, say)] if explained.limited else []
        small.append(say("Nothing was painted or charged."))
        return [*blocks, "\n".join(f"-# {line}" for line in small)]

    return layout(*map(ui.TextDisplay, _fit(texts)))


def _permutation_lines(explained: PromptExplanation, say: Words) -> list[str]:
    if explained.choices == 1:
        return []
    made = say.plural(
        "The choices in braces make {n} picture.",
        "The choices in braces make {n} pictures.",
        explained.pictures,
    )
    first = say("Only the first prompt is analysed here.")
    return [f"-# {made} {first}"]


# Details


def details_panel(details: PictureDetails, say: Words) -> Panel:
    """Show how a picture was made, a line to copy, and a button to paint it again."""
    file, line = None, replace_surrogates(details.line)
    if len(line) > BLOCK_LIMIT or "```" in line:
        file = (_file_name(details), line.encode())

    def texts(cut: int) -> list[str]:
        words = [
            (heading, quoted(text, cut))
            for heading, text in recipes.prompt_rows(details.recipe.request, say)
        ]
        values = [
            (heading, quoted(text, VALUE_CHARS))
            for heading, text in [*recipes.parameter_rows(details.recipe, say)]
        ]
        blocks = [
            _heading(details, say),
            _labelled_lines(words),
            _labelled_lines([*values, *_painted_rows(details, say)]),
        ]
        notes = [rejections.note_sentence(each, say) for each in details.notes[-NOTES_SHOWN:]]
        if notes:
            marked = (f"- {quoted(note, 2 * VALUE_CHARS)}" for note in notes)
            heading = say("Notes")
            blocks.append("\n".join([f"**{heading}**", *marked]))
        return [*blocks, _copy_block(details, say, in_file=file is not None)]

    items: list[Item] = [*map(ui.TextDisplay, _fit(texts))]
    if file is not None:
        items.append(ui.File(f"attachment://{file[0]}"))
    return Panel(layout(*items, *_detail_buttons(details, say)), file)


def foreign_panel(details: ForeignDetails, say: Words) -> Panel:
    """Show how another program made a picture, and a line to copy that paints something like it."""
    file, line, recipe = None, replace_surrogates(details.line), details.recipe
    if len(line) > BLOCK_LIMIT or "```" in line:
        file = ("prompt-flags.txt", line.encode())

    def texts(cut: int) -> list[str]:
        head = quoted(foreign_heading(recipe, say), VALUE_CHARS)
        rows = [(heading, quoted(text, cut)) for heading, text in foreign_rows(recipe, say)]
        copied = _foreign_line(line, say, in_file=file is not None)
        if line and recipe.size is not None and details.size not in (None, recipe.size):
            copied += f"\n-# {fitted_size(recipe.size, details.size, say)}"
        return [
            f"**{head}**\n-# {foreign_remark(recipe.program, say)}",
            _labelled_lines(rows),
            copied,
        ]

    items: list[Item] = [*map(ui.TextDisplay, _fit(texts))]
    if file is not None:
        items.append(ui.File(f"attachment://{file[0]}"))
    return Panel(layout(*items), file)


def _foreign_line(line: str, say: Words, *, in_file: bool) -> str:
    if not line:
        return say("Its prompt is too long for /imagine: please shorten it.")
    if in_file:
        return _line_in_file(say)
    text = say("To paint something like it, copy this into the prompt of /imagine:")
    return f"{text}\n{_code(line)}"


def _code(line: str) -> str:
    # Code blocks keep mentions as text; the zero-width characters are cleaned when pasted back.
    return f"```\n{discord.utils.escape_mentions(line)}\n```"


def _line_in_file(say: Words) -> str:
    return say("The text to copy into the prompt of /imagine is long, so it is in the file below.")


def _file_name(details: PictureDetails) -> str:
    number = f"-{details.picture.id}" if details.picture else ""
    return f"zimagine{number}-flags.txt"


def _heading(details: PictureDetails, say: Words) -> str:
    picture = details.picture
    if picture is None:
        head = say("The recipe in this file")
        small = say("The pixels are unmodified, but I cannot show you the picture here.")
    else:
        head = say("Picture #{id}", id=picture.id)
        facts = [] if details.origin is None else [origin_label(details.origin, say)]
        facts += [say("by {person}", person=f"<@{picture.place.user_id}>")]
        facts += [say("private")] if picture.private else []
        facts += [say("the pixels of this file are unmodified")] if details.from_file else []
        small = " · ".join(facts)
    return f"**{head}**\n-# {small}"


def _painted_rows(details: PictureDetails, say: Words) -> list[tuple[str, str]]:
    """Return a row on when and how fast it was painted."""
    picture = details.picture
    if picture is None:
        return []
    took = say("{seconds} s", seconds=f"{picture.duration_s:.1f}")
    return [(say("Painted"), f"{timestamp(picture.painted_at)} · {took}")]


def _copy_block(details: PictureDetails, say: Words, *, in_file: bool) -> str:
    text = say("To paint it again, copy this into the prompt of /imagine:")
    if in_file:
        text = _line_in_file(say)
    else:
        text += f"\n{_code(replace_surrogates(details.line))}"
    return "\n-# ".join([text, *_line_notes(details, say)])


def _line_notes(details: PictureDetails, say: Words) -> list[str]:
    """Explain in what the line differs from the picture, and what reproduces it."""
    request, again = details.recipe.request, say("Paint it again")
    notes: list[str] = []
    if request.mode is Mode.UPSCALE:
        notes.append(say("This paints it as it was before it was enlarged."))
    elif request.mode is not Mode.TEXT or request.variations:
        notes.append(say("A prompt cannot carry over source images or variations."))
    if notes and details.picture is not None and details.repeatable:
        notes[0] += " " + say("“{again}” repeats it exactly.", again=again)
    if details.adjusted:
        notes.append(say("Settings that the model in use cannot paint with were changed."))
    return notes


def _detail_buttons(details: PictureDetails, say: Words) -> list[ui.ActionRow[ui.LayoutView]]:
    picture = details.picture
    if picture is None:
        return []
    again = ui.Button[ui.LayoutView](
        label=say("Paint it again"),
        style=discord.ButtonStyle.primary,
        custom_id=custom_id(ComponentAction.PAINT_AGAIN, picture.id),
    )
    rows = [ui.ActionRow(again)] if details.repeatable else []
    others = [each for each in details.series if each != picture.id][:4]
    if others:
        rows.append(ui.ActionRow(*(_detail_button(each, say) for each in others)))
    return rows


def _detail_button(picture_id: int, say: Words) -> ui.Button[ui.LayoutView]:
    return ui.Button(
        label=say("Picture #{id}", id=picture_id),
        style=discord.ButtonStyle.secondary,
        custom_id=custom_id(ComponentAction.DETAILS, picture_id),
    )


def _labelled_lines(rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"**{heading}:** {text}" for heading, text in rows)


def _fit(texts: Callable[[int], list[str]]) -> list[str]:
    """Return the texts with user input cut so far that the message fits Discord's limit."""
    shortened: list[str] = []
    for cut in CUTS:
        shortened = texts(cut)
        if sum(map(len, shortened)) <= TEXT_LIMIT:
            return shortened
    # The bot's own texts are never that long; a truncated reply is better than none.
    return [text[: TEXT_LIMIT // len(shortened)] for text in shortened]
