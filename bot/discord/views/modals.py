"""Pure: the modals, and parsing of what was submitted. They work across restarts, because
everything needed is in the custom_id and the submission."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import discord
from discord import ui

from bot.discord.views.attachments import text_file
from bot.discord.views.custom_ids import ComponentAction, custom_id, staged_id
from bot.discord.views.markdown import form, layout, replace_surrogates
from bot.i18n import Words
from bot.jobs.generation.variations import RemixChanges
from bot.request.bounds import DEFAULT_STRENGTHS
from bot.request.input_sources import StagedSource
from bot.request.notes import Note
from bot.request.params import MAX_TYPED_CHARS
from bot.request.prompt.flags import escape_prompt
from bot.wording.names import command_name
from bot.wording.rejections import note_sentence
from engine.prompts import MAX_PROMPT_CHARS, clean, is_ours
from engine.types import ImageRequest, Mode
from storage.report_messages import MESSAGE_LIMIT_CHARS
from storage.types import NOTE_LIMIT_CHARS, REASON_LIMIT_CHARS, Report, Verdict

SEED_CHARS = 10
STRENGTH_CHARS = 10
WORDS_LIMIT = 1200
"""Longer prompts are given back as a file."""
_FENCE = "```"
OPTION_CHARS = 100
"""The longest label of a menu's option that Discord accepts."""
REPORTERS_OFFERED = 24
"""Discord accepts 25 options, and one of them is for all."""


# The forms


def remix_form(picture_id: int, request: ImageRequest, prompt: str | None, say: Words) -> ui.Modal:
    """Return the form to change a picture's prompt. prompt: shown instead of the picture's own."""
    negative = "" if is_ours(request.negative_prompt) else request.negative_prompt
    words = clean(prompt or "") or escape_prompt(request.prompt)
    seed = ui.TextInput[ui.Modal](
        custom_id="seed",
        style=discord.TextStyle.short,
        required=False,
        max_length=SEED_CHARS,
    )
    return form(
        say("Remix picture #{id}", id=picture_id),
        custom_id(ComponentAction.REMIX, picture_id),
        _field(say("Prompt"), "prompt", words, required=True, limit=MAX_TYPED_CHARS),
        _field(say("Negative prompt"), "negative", negative),
        ui.Label(text=say("Seed"), description=say("Leave empty for a new one"), component=seed),
    )


def image_to_image_form(
    form_id: str, say: Words, pictures: Sequence[int] = (), notes: Sequence[Note] = ()
) -> ui.Modal:
    """Return the form with prompt and strength. pictures: if several, one of these ids is
    chosen. notes: on the picture that is painted from."""
    prompt = ui.TextInput[ui.Modal](
        custom_id="prompt",
        style=discord.TextStyle.paragraph,
        required=True,
        max_length=MAX_TYPED_CHARS,
    )
    strength = ui.TextInput[ui.Modal](
        custom_id="strength",
        style=discord.TextStyle.short,
        default=f"{DEFAULT_STRENGTHS[Mode.IMAGE]:g}",
        required=False,
        max_length=STRENGTH_CHARS,
    )
    description = say("From 0.01 (almost unchanged) to 1 (nothing of it remains)")
    return form(
        say("Paint from this picture"),
        form_id,
        *([ui.TextDisplay[Any](_note_lines(notes, say))] if notes else []),
        *([_choice(pictures, say)] if len(pictures) > 1 else []),
        ui.Label(text=say("Prompt"), component=prompt),
        ui.Label(text=say("Strength"), description=description, component=strength),
    )


def staged_layout(staged: StagedSource, say: Words) -> ui.LayoutView:
    """Return a button that opens the form, shown in its place when staging took too long."""
    button = ui.Button[ui.LayoutView](
        label=say("Paint from this"),
        style=discord.ButtonStyle.primary,
        custom_id=staged_id(staged),
    )
    text = say("I have the picture. Now tell me what to paint.")
    lines = "\n".join(filter(None, [text, _note_lines(staged.notes, say)]))
    return layout(ui.TextDisplay(lines), ui.ActionRow(button))


def _note_lines(notes: Sequence[Note], say: Words) -> str:
    return "\n".join(f"-# {note_sentence(each, say)}" for each in notes)


def _reason(name: str = "reason") -> ui.TextInput[ui.Modal]:
    return ui.TextInput(
        custom_id=name,
        style=discord.TextStyle.paragraph,
        required=False,
        max_length=REASON_LIMIT_CHARS,
    )


def report_form(picture_id: int, say: Words) -> ui.Modal:
    """Return the form that asks why a picture is reported. It has no timeout."""
    description = say("Optional. The moderators will see this and your name.")
    return form(
        say("Report picture #{id}", id=picture_id),
        custom_id(ComponentAction.REPORT, picture_id),
        ui.Label(text=say("What is wrong with it?"), description=description, component=_reason()),
    )


def note_form(picture_id: int, note: str, say: Words) -> ui.Modal:
    """Return the form with a member's note on their own picture. note: the one that there is."""
    field = ui.TextInput[ui.Modal](
        custom_id="note",
        style=discord.TextStyle.paragraph,
        default=replace_surrogates(note) or None,
        required=False,
        max_length=NOTE_LIMIT_CHARS,
    )
    description = say(
        "Only you see it. {history} finds it. Leave it empty to remove it.",
        history=command_name("history", say),
    )
    return form(
        say("Note on picture #{id}", id=picture_id),
        custom_id(ComponentAction.NOTE, picture_id),
        ui.Label(text=say("Your note"), description=description, component=field),
    )


def block_form(picture_id: int, say: Words) -> ui.Modal:
    """Return the form that asks back before a picture is deleted and its requester blocked."""
    description = say("Optional. They see it when they try to paint.")
    return form(
        say("Delete picture #{id} and block", id=picture_id),
        custom_id(ComponentAction.BLOCK_REPORTED, picture_id),
        ui.Label(text=say("Why are they blocked?"), description=description, component=_reason()),
        ui.Label(
            text=say("What are the reporters told?"),
            description=say("Optional. They get it by direct message, without your name."),
            component=_reason("told"),
        ),
    )


def verdict_form(picture_id: int, say: Words) -> ui.Modal:
    """Return the form for a verdict whose reason everybody who reported the picture is told."""
    verdicts = [
        discord.SelectOption(
            label=say("Nothing is wrong with it"), value=Verdict.DISMISSED, default=True
        ),
        discord.SelectOption(label=say("Delete the picture"), value=Verdict.DELETED),
    ]
    menu = ui.Select[ui.Modal](custom_id="verdict", options=verdicts, required=True)
    description = say("Everybody who reported it gets this by direct message, without your name.")
    reason = ui.TextInput[ui.Modal](
        custom_id="reason",
        style=discord.TextStyle.paragraph,
        required=True,
        max_length=REASON_LIMIT_CHARS,
    )
    return form(
        say("Decide about picture #{id}", id=picture_id),
        custom_id(ComponentAction.DECIDE_WITH_REASON, picture_id),
        ui.Label(text=say("Verdict"), component=menu),
        ui.Label(text=say("The reason"), description=description, component=reason),
    )


def answer_form(picture_id: int, reports: Sequence[Report], say: Words) -> ui.Modal:
    """Return the form with a moderator's message. reports: if several, one or all are chosen."""
    description = say("It comes from the moderators of the server, without your name.")
    return form(
        say("Answer about picture #{id}", id=picture_id),
        custom_id(ComponentAction.ANSWER_REPORTERS, picture_id),
        *([_reporters(reports, say)] if len(reports) > 1 else []),
        ui.Label(text=say("Your message"), description=description, component=_message()),
    )


def reply_form(picture_id: int, say: Words) -> ui.Modal:
    """Return the form with a reporter's reply to the moderators."""
    description = say("All moderators of the server can see it, with your name.")
    return form(
        say("Reply about picture #{id}", id=picture_id),
        custom_id(ComponentAction.REPLY_TO_MODERATORS, picture_id),
        ui.Label(text=say("Your message"), description=description, component=_message()),
    )


def _message() -> ui.TextInput[ui.Modal]:
    return ui.TextInput(
        custom_id="message",
        style=discord.TextStyle.paragraph,
        required=True,
        max_length=MESSAGE_LIMIT_CHARS,
    )


def _reporters(reports: Sequence[Report], say: Words) -> ui.Label[ui.Modal]:
    """Return the choice of who is answered: all, or one of the newest reports by its reason."""
    options = [discord.SelectOption(label=say("All who reported it"), value="0", default=True)]
    for each in reversed(reports[-REPORTERS_OFFERED:]):
        reason = " ".join(replace_surrogates(each.reason or "").split())
        options.append(
            discord.SelectOption(
                label=reason[:OPTION_CHARS] or say("(no reason given)"),
                description=f"{each.filed_at:%Y-%m-%d %H:%M} UTC",
                value=str(each.id),
            )
        )
    menu = ui.Select[ui.Modal](custom_id="report", options=options, required=True)
    return ui.Label(text=say("Whom to answer"), component=menu)


def _choice(pictures: Sequence[int], say: Words) -> ui.Label[ui.Modal]:
    options = [
        discord.SelectOption(
            label=say("Picture {number} (#{id})", number=number, id=picture_id),
            value=str(picture_id),
            default=number == 1,
        )
        for number, picture_id in enumerate(pictures, 1)
    ]
    menu = ui.Select[ui.Modal](custom_id="picture", options=options, required=True)
    return ui.Label(text=say("Which picture"), component=menu)


def _field(
    label: str, name: str, text: str, *, required: bool = False, limit: int = MAX_PROMPT_CHARS
) -> ui.Label[ui.Modal]:
    return ui.Label(
        text=label,
        component=ui.TextInput(
            custom_id=name,
            style=discord.TextStyle.paragraph,
            default=replace_surrogates(text[:limit]) or None,
            required=required,
            max_length=limit,
        ),
    )


# Submissions


def remix_changes(interaction: discord.Interaction[Any]) -> RemixChanges:
    """Return the submitted remix; missing fields are empty."""
    values = submitted_values(interaction)
    return RemixChanges(*(values.get(name, "") for name in ("prompt", "negative", "seed")))


def submitted_values(interaction: discord.Interaction[Any]) -> dict[str, str]:
    """Return the submitted values by field name; of several choices the first."""
    data = cast("Mapping[str, Any]", interaction.data or {})
    values: dict[str, str] = {}
    for each in _fields(data):
        value = each["value"] if "value" in each else next(iter(each["values"] or ()), "")
        values[str(each.get("custom_id"))] = str(value or "")
    return values


def refusal_with_prompt(
    interaction: discord.Interaction[Any], refusal: str, say: Words
) -> tuple[str, list[discord.File]]:
    """Return the refusal with the submitted prompt below it, to be copied, or in a file.

    Discord discards the form, so the prompt would be lost otherwise. If no form with a prompt was
    submitted, the refusal alone is returned.
    """
    if interaction.type is not discord.InteractionType.modal_submit:
        return refusal, []
    prompt = replace_surrogates(submitted_values(interaction).get("prompt", "")).strip()
    if not prompt:
        return refusal, []
    if len(prompt) > WORDS_LIMIT or _FENCE in prompt:
        words = say("Your prompt is in the file, ready to copy.")
        return f"{refusal}\n{words}", [text_file("prompt.txt", prompt.encode())]
    # Code blocks keep mentions as text; the zero-width characters are cleaned when pasted back.
    block = f"{_FENCE}\n{discord.utils.escape_mentions(prompt)}\n{_FENCE}"
    words = say("Your prompt, ready to copy:")
    return f"{refusal}\n{words}\n{block}", []


def _fields(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield all fields that can be filled in, inside labels or rows."""
    if "value" in part or "values" in part:
        yield part
    children = [*part.get("components", ()), *filter(None, [part.get("component")])]
    for child in children:
        yield from _fields(child)
