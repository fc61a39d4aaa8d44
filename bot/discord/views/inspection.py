"""Pure: the layouts of /explain and recipes. They are ephemeral, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import layout, quoted, replace_surrogates, timestamp
from bot.i18n import Words, paragraph
from bot.pictures.inspection import ForeignDetails, PictureDetails, PromptExplanation
from bot.wording import prompt_analysis, recipes, rejections
from bot.wording.foreign import (
    fitted_size,
    foreign_heading,
    foreign_remark,
    foreign_rows,
    workflow_remark,
)
from bot.wording.labels import level_name, style_name
from bot.wording.names import command_link
from bot.wording.origins import origin_label
from engine.types import Mode

TEXT_LIMIT = 4000
"""Discord's limit for all texts of a message together."""
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


# /explain


def explanation_layout(
    explained: PromptExplanation, say: Words, kept_id: int | None = None
) -> ui.LayoutView:
    """Show what is parsed from a prompt, advice on it, and what enhancement would add.

    kept_id: the proposal with the prompt, for a button that paints it; None = without one.
    """
    paint = say("Paint it")

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
        blocks = ["\n".join(head), _labelled_lines(findings, say), _labelled_lines(added, say)]
        if advice:
            heading = say("Advice")
            blocks.insert(2, "\n".join([f"**{heading}**", *advice]))
        small = [rejections.note_sentence(explained.limited, say)] if explained.limited else []
        small.append(say("Nothing was painted or charged."))
        if kept_id is not None:
            like_imagine = say.plural(
                "“{paint}” paints {n} picture, like {imagine}.",
                "“{paint}” paints {n} pictures, like {imagine}.",
                explained.pictures,
                paint=paint,
                imagine=command_link("imagine", say),
            )
            small[-1] = paragraph(small[-1], like_imagine)
        return [*blocks, "\n".join(f"-# {line}" for line in small)]

    items: list[Item] = [*map(ui.TextDisplay, _fit(texts))]
    if kept_id is not None:
        button = ui.Button[ui.LayoutView](
            label=paint,
            style=discord.ButtonStyle.primary,
            custom_id=custom_id(ComponentAction.PAINT_EXPLAINED, kept_id),
        )
        items.append(ui.ActionRow(button))
    return layout(*items)


def _permutation_lines(explained: PromptExplanation, say: Words) -> list[str]:
    if explained.choices == 1:
        return []
    return [f"-# {prompt_analysis.first_of_choices(explained.pictures, say)}"]


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
            _labelled_lines(words, say),
            _labelled_lines([*values, *_painted_rows(details, say)], say),
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


def foreign_panel(details: ForeignDetails, say: Words, kept_id: int | None = None) -> Panel:
    """Show how another program made a picture, and a line to copy that paints something like it.

    kept_id: the proposal with the line, for a button that paints it; None = without one.
    """
    file, line, recipe = None, replace_surrogates(details.line), details.recipe
    if len(line) > BLOCK_LIMIT or "```" in line:
        file = ("prompt-flags.txt", line.encode())

    def texts(cut: int) -> list[str]:
        head = quoted(foreign_heading(recipe, say), VALUE_CHARS)
        rows = [(heading, quoted(text, cut)) for heading, text in foreign_rows(recipe, say)]
        copied = _foreign_line(line, say, in_file=file is not None)
        if kept_id is not None:
            copied += "\n-# " + say(
                "“{paint}” paints it at once, as {imagine} would.",
                paint=say("Paint this"),
                imagine=command_link("imagine", say),
            )
        if line and recipe.size is not None and details.size not in (None, recipe.size):
            copied += f"\n-# {fitted_size(recipe.size, details.size, say)}"
        remarks = [foreign_remark(recipe.program, say)]
        remarks += [workflow_remark(say)] if recipe.from_workflow else []
        return [
            "\n-# ".join([f"**{head}**", *remarks]),
            _labelled_lines(rows, say),
            copied,
        ]

    items: list[Item] = [*map(ui.TextDisplay, _fit(texts))]
    if file is not None:
        items.append(ui.File(f"attachment://{file[0]}"))
    if kept_id is not None:
        button = ui.Button[ui.LayoutView](
            label=say("Paint this"),
            style=discord.ButtonStyle.primary,
            custom_id=custom_id(ComponentAction.PAINT_EXPLAINED, kept_id),
        )
        items.append(ui.ActionRow(button))
    return Panel(layout(*items), file)


def _foreign_line(line: str, say: Words, *, in_file: bool) -> str:
    if not line:
        return say(
            "Its prompt is too long for {imagine}: please shorten it.",
            imagine=command_link("imagine", say),
        )
    if in_file:
        return _line_in_file(say)
    text = say(
        "To paint something like it, copy this into the prompt of {imagine}:",
        imagine=command_link("imagine", say),
    )
    return f"{text}\n{_code(line)}"


def _code(line: str) -> str:
    # Code blocks keep mentions as text; the zero-width characters are cleaned when pasted back.
    return f"```\n{discord.utils.escape_mentions(line)}\n```"


def _line_in_file(say: Words) -> str:
    return say(
        "The text to copy into the prompt of {imagine} is long, so it is in the file below.",
        imagine=command_link("imagine", say),
    )


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
    text = say(
        "To paint it again, copy this into the prompt of {imagine}:",
        imagine=command_link("imagine", say),
    )
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
        notes[0] = paragraph(notes[0], say("“{again}” repeats it exactly.", again=again))
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


def _labelled_lines(rows: Sequence[tuple[str, str]], say: Words) -> str:
    return "\n".join(
        say("**{heading}:** {text}", heading=heading, text=text) for heading, text in rows
    )


def _fit(texts: Callable[[int], list[str]]) -> list[str]:
    """Return the texts with user input cut so far that the message fits Discord's limit."""
    shortened: list[str] = []
    for cut in CUTS:
        shortened = texts(cut)
        if sum(map(len, shortened)) <= TEXT_LIMIT:
            return shortened
    # The bot's own texts are never that long; a truncated reply is better than none.
    return [text[: TEXT_LIMIT // len(shortened)] for text in shortened]
