"""Pure: the layouts (Components V2) of delivery cards."""

from __future__ import annotations

import discord
from discord import ui

from bot.delivery.attachments import PREVIEW_NAME
from bot.delivery.cards import (
    ANNOUNCEMENT_CHARS,
    AlertCard,
    AnnouncementCard,
    AuditCard,
    Card,
    CaseCard,
    FailureCard,
    KeptCard,
    ModelLoading,
    MovedCard,
    PaintingCard,
    PictureCard,
    ReminderCard,
    ReporterCard,
    SentCard,
    StarCard,
    WaitingCard,
)
from bot.discord.views.administration import posted_layout
from bot.discord.views.attachments import describe_picture, describe_prompt
from bot.discord.views.buttons import Row, picture_rows, single_picture_rows
from bot.discord.views.conversations import reporter_layout
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import (
    PROMPT_SHOWN,
    formatted,
    layout,
    quoted,
    small_print,
    timestamp,
)
from bot.discord.views.moderation import report_layout
from bot.discord.views.pictures import picture_gallery, starred_layout
from bot.i18n import Words, paragraph
from bot.pictures.filenames import attachment_name
from bot.request.notes import Adapted, HighGuidance, NegativeAdded, Note, SmallSide
from bot.request.summary import RequestSummary
from bot.wording import labels, rejections
from bot.wording.alerts import alert_sentence
from bot.wording.delivery import fallback_reason, kept_reason, sent_directly
from bot.wording.lists import enumerated
from bot.wording.names import command_link
from bot.wording.origins import origin_label
from bot.wording.reminders import quota_back, quota_back_in_channel, reminder_asked
from engine.model_names import MAX_NAME_CHARS
from engine.types import ImageRequest

NOTE_SHOWN = 300
SERVER_NAME_CHARS = 100
"""The longest name that Discord allows for a server."""
BAR_CELLS = 16
IN_DETAILS = (NegativeAdded, HighGuidance, SmallSide, Adapted)
"""Notes that only Details shows once the picture is there: all that was asked for was done."""


def card_layout(card: Card, say: Words) -> ui.LayoutView:
    """Return the layout of a status or result message."""
    match card:
        case WaitingCard():
            return _waiting(card, say)
        case PaintingCard():
            return _painting(card, say)
        case PictureCard():
            return _picture(card, say)
        case FailureCard():
            return _failure(card, say)
        case KeptCard():
            return _kept(card, say)
        case MovedCard():
            return _moved(card, say)
        case SentCard():
            return _sent(card, say)
        case AlertCard():
            return layout(ui.TextDisplay(f"⚠️ zimagine: {alert_sentence(card.alert, say)}"))
        case AnnouncementCard():
            by = small_print(say("An announcement by the bot's owner"))
            text = formatted(card.text, ANNOUNCEMENT_CHARS)
            return layout(ui.TextDisplay(f"{text}\n{by}"))
        case CaseCard():
            return report_layout(card, say)
        case StarCard():
            return starred_layout(card, say)
        case AuditCard():
            return posted_layout(card.entries, say)
        case ReporterCard():
            return reporter_layout(card, say)
        case ReminderCard():
            return layout(ui.TextDisplay(_reminder(card, say)))


def _prompt_line(request: ImageRequest) -> str:
    return f"**{quoted(request.prompt, PROMPT_SHOWN)}**"


def _notes(notes: tuple[Note, ...], say: Words) -> list[str]:
    # They may quote the prompt.
    return [quoted(rejections.note_sentence(note, say), NOTE_SHOWN) for note in notes]


def _result_notes(notes: tuple[Note, ...], say: Words) -> list[str]:
    """Return what did not go as requested; everything else is in Details."""
    return _notes(tuple(each for each in notes if not isinstance(each, IN_DETAILS)), say)


def job_line(job_id: int, say: Words) -> str:
    """Return a job's number in small print; it helps the owner, and identifies the message
    later."""
    return small_print(say("job {id}", id=job_id))


def _waiting(card: WaitingCard, say: Words) -> ui.LayoutView:
    if card.ready_at is not None:
        # Discord keeps a relative time up to date; a count of pictures would soon be wrong.
        place = say("In the queue. Expected {when}.", when=timestamp(card.ready_at))
    elif card.ahead == 0:
        place = say("Next in line.")
    else:
        place = say.plural(
            "In the queue: {n} picture ahead of yours.",
            "In the queue: {n} pictures ahead of yours.",
            card.ahead,
        )
    if card.paused:
        place = paragraph(place, say("Painting is paused; your request waits until it goes on."))
    if card.loading:
        place = paragraph(place, say("The model is still loading."))
    if card.model_loading is not None:
        place = _loading(card.model_loading, say)
    return _status(card, [place], say)


def _loading(loading: ModelLoading, say: Words) -> str:
    """Say which model is being loaded for this job, and about how long that takes."""
    if loading.seconds is None:
        return say("Loading the model {model}.", model=quoted(loading.model, MAX_NAME_CHARS))
    return say(
        "Loading the model {model} (about {seconds} s).",
        model=quoted(loading.model, MAX_NAME_CHARS),
        seconds=max(1, round(loading.seconds)),
    )


def _painting(card: PaintingCard, say: Words) -> ui.LayoutView:
    filled = round(BAR_CELLS * card.step / card.steps)
    bar = "▰" * filled + "▱" * (BAR_CELLS - filled)
    step = say("Painting: step {step} of {steps}", step=card.step, steps=card.steps)
    if card.pictures > 1:
        place = say("picture {number} of {count}", number=card.number, count=card.pictures)
        step = f"{step} · {place}"
    return _status(card, [step, bar], say, _preview(card, say))


def _preview(card: PaintingCard, say: Words) -> ui.MediaGallery[ui.LayoutView] | None:
    if card.preview is None:
        return None
    prompt = describe_prompt(card.request.prompt, say)
    placeholders = {"step": card.preview.step, "steps": card.steps, "prompt": prompt}
    if card.pictures == 1:
        described = say("Preview after step {step} of {steps}: {prompt}", **placeholders)
    else:
        described = say(
            "Preview of picture {number} of {count} after step {step} of {steps}: {prompt}",
            number=card.number,
            count=card.pictures,
            **placeholders,
        )
    name = attachment_name(PREVIEW_NAME, spoiler=card.spoiler)
    return picture_gallery(name, described, spoiler=card.spoiler)


def _status(
    card: WaitingCard | PaintingCard,
    lines: list[str],
    say: Words,
    gallery: ui.MediaGallery[ui.LayoutView] | None = None,
) -> ui.LayoutView:
    small = small_print(*_notes(card.notes, say))
    asked = small_print(_summary_line(card.asked, say))
    texts = [_prompt_line(card.request), *filter(None, [asked, *lines, small])]
    cancel = ui.Button[ui.LayoutView](
        label=say("Cancel"),
        style=discord.ButtonStyle.secondary,
        custom_id=custom_id(ComponentAction.CANCEL, card.job_id),
    )
    items = [ui.TextDisplay[ui.LayoutView]("\n".join(texts)), gallery, ui.ActionRow(cancel)]
    return layout(*(item for item in items if item is not None))


def _summary_line(asked: RequestSummary, say: Words) -> str:
    """Return the number of pictures and the chosen options; "" if there are none to show."""
    facts = [asked.shape]
    if asked.pictures > 1:
        facts.insert(0, say.plural("{n} picture", "{n} pictures", asked.pictures))
    if asked.style is not None:
        facts.append(labels.style_name(asked.style, say))
    facts.append(quoted(asked.model, MAX_NAME_CHARS))
    facts += (labels.lora_label(each, say) for each in asked.loras)
    if asked.speed is not None:
        facts.append(labels.speed_name(asked.speed, say))
    elif asked.steps:
        facts.append(say.plural("{n} step", "{n} steps", asked.steps))
    if asked.guidance is not None:
        facts.append(say("guidance {guidance}", guidance=f"{asked.guidance:g}"))
    return " · ".join(filter(None, facts))


def _picture(card: PictureCard, say: Words) -> ui.LayoutView:
    request = card.request
    head = f"<@{card.requester_id}> " if card.mention else ""
    what = [] if card.origin is None else [origin_label(card.origin, say)]
    facts = [
        _seeds(card, say),
        f"{request.width_px}×{request.height_px}",
        say("{seconds} s", seconds=f"{card.duration_s:.1f}"),
    ]
    small = small_print(
        " · ".join([*what, _byline(card, say)]),
        " · ".join(facts),
        *_result_notes(card.notes, say),
        fallback_reason(card.fallback, say) if card.fallback else "",
    )
    gallery = picture_gallery(card.file_name, _described(card, say), spoiler=card.spoiler)
    texts = head + _prompt_line(request)
    if card.direct and card.origin_id:
        why = say(
            "Requested in {channel}; only you can see it here.", channel=f"<#{card.origin_id}>"
        )
        texts = f"{texts}\n{why}"
    return layout(ui.TextDisplay(texts), gallery, ui.TextDisplay(small), *_rows(card, say))


def _described(card: PictureCard, say: Words) -> str:
    """Return what a result shows: one picture, or the numbered pictures on a sheet."""
    described = describe_picture(card.request.prompt, card.file_name, say)
    if len(card.pictures) == 1:
        return described
    return say.plural(
        "{n} picture on a sheet, numbered from left to right and top to bottom: {prompt}",
        "{n} pictures on a sheet, numbered from left to right and top to bottom: {prompt}",
        len(card.pictures),
        prompt=described,
    )


def _rows(card: PictureCard, say: Words) -> list[Row]:
    if not card.alone:
        return picture_rows(card.pictures, say)
    first = card.pictures[0]
    return single_picture_rows(first.id, first.possible, say)


def _seeds(card: PictureCard, say: Words) -> str:
    """Return the seeds in the order of the pictures; a shared seed appears once."""
    seeds = list(dict.fromkeys(each.seed for each in card.pictures))
    if len(seeds) == 1:
        return say("seed {seed}", seed=seeds[0])
    return say("seeds {seeds}", seeds=_join_numbers(seeds, "", say))


def _byline(card: PictureCard, say: Words) -> str:
    actor, ids = f"<@{card.requester_id}>", [each.id for each in card.pictures]
    if len(ids) == 1:
        return say("by {person} · picture #{id}", person=actor, id=ids[0])
    return say("by {person} · pictures {ids}", person=actor, ids=_join_numbers(ids, "#", say))


def _join_numbers(numbers: list[int], sign: str, say: Words) -> str:
    """Join numbers, each with the sign before it; a consecutive range shows only its ends."""
    first, last = numbers[0], numbers[-1]
    in_a_row = len(numbers) > 1 and numbers == list(range(first, last + 1))
    span = f"{sign}{first}…{sign}{last}"
    return span if in_a_row else enumerated((f"{sign}{each}" for each in numbers), say)


def _failure(card: FailureCard, say: Words) -> ui.LayoutView:
    head = f"<@{card.requester_id}> " if card.mention else ""
    sentence = rejections.failure_sentence(card.state, card.code, card.detail, say)
    number = job_line(card.job_id, say)
    return layout(ui.TextDisplay(f"{head}{_prompt_line(card.request)}\n{sentence}\n{number}"))


def _kept(card: KeptCard, say: Words) -> ui.LayoutView:
    if not card.painted:
        sentence = say("This was not painted. Nothing was charged.")
    elif card.direct:
        sentence = say(
            "Your picture is ready, but I could not send it to you here. Use {history} on the "
            "server to see it.",
            history=command_link("history", say),
        )
    elif card.old:
        sentence = say(
            "Your picture is ready, but it is too late to post it here. Use {history} to see it.",
            history=command_link("history", say),
        )
    else:
        sentence = kept_reason(card.reason, say)
    return layout(ui.TextDisplay(f"{_prompt_line(card.request)}\n{sentence}"))


def _moved(card: MovedCard, say: Words) -> ui.LayoutView:
    where = card.guild_id or "@me"  # as Discord's own links to direct messages have it
    url = f"https://discord.com/channels/{where}/{card.channel_id}/{card.message_id}"
    lines = [_prompt_line(card.request), say("Your picture is ready: {url}", url=url)]
    if card.fallback is not None:
        lines.append(small_print(fallback_reason(card.fallback, say)))
    return layout(ui.TextDisplay("\n".join(lines)))


def _reminder(card: ReminderCard, say: Words) -> str:
    server = quoted(card.server, SERVER_NAME_CHARS)
    whom = f"<@{card.requester_id}>"
    text = quota_back(server, say) if card.direct else quota_back_in_channel(whom, say)
    return f"{text}\n{small_print(reminder_asked(timestamp(card.asked_at), say))}"


def _sent(card: SentCard, say: Words) -> ui.LayoutView:
    sent = sent_directly(card.reason, f"<@{card.requester_id}>", say)
    return layout(ui.TextDisplay(f"{_prompt_line(card.request)}\n{sent}"))
