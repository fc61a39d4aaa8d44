"""Sentences for refusals, failed jobs and notes, the same on Discord and the command line."""

from __future__ import annotations

import math
from datetime import datetime
from typing import assert_never

from bot.i18n import Words
from bot.request.input_images import InputMismatch, MaskEmpty, MaskMissing, MaskSizeMismatch
from bot.request.notes import (
    Adapted,
    HighGuidance,
    NegativeAdded,
    NegativeIgnored,
    Note,
    NotExact,
    SmallSide,
    SomeFailed,
    StyleIgnored,
)
from bot.request.options import BY_NAME
from bot.request.outcomes import (
    BadAspect,
    BadSize,
    Blocked,
    EmptyPrompt,
    FileRemoved,
    FlagProblem,
    InputGone,
    JobFinished,
    ManyPermutations,
    NoPictures,
    NotAllowed,
    NotBlockable,
    NotBlocked,
    NothingToCancel,
    NotOwner,
    NotReported,
    OnePromptOnly,
    OutOfRange,
    OwnPicture,
    ProposalClosed,
    Quantity,
    QueueIsFull,
    QuotaSpent,
    ReasonTooLong,
    Refused,
    ReportDecided,
    ReportedBefore,
    ShuttingDown,
    SizeTooLarge,
    StagedPictureGone,
    StorageUnavailable,
    StrengthWithoutImage,
    TextTooLong,
    TooManyPermutations,
    TooManyTokens,
    UnknownJob,
    UnknownPicture,
    Unreachable,
    UnusableUpload,
)
from bot.wording.flags import flag_problem, permutations_problem
from bot.wording.labels import style_ignored
from bot.wording.moderation import When, moderation_refusal
from engine.errors import Scope
from engine.types import Adaptation, Mend
from engine.uploads import FORMATS, BadFormat, TooManyPixels, UploadRefused, UploadTooLarge


def refusal(refused: Refused, say: Words, when: When) -> str:
    """What is wrong, and what to do and when, in one or two sentences."""
    reason = refused.reason
    match reason:
        case EmptyPrompt():
            return say("The prompt is empty: please say what to paint.")
        case TextTooLong():
            return _text_too_long(reason, say)
        case TooManyTokens(tokens, limit):
            return say(
                "The prompt is too long: the model reads {limit} tokens (pieces of words), and "
                "with all that is added this has {tokens}. Please shorten it.",
                limit=limit,
                tokens=tokens,
            )
        case OutOfRange():
            return _out_of_range(reason, say)
        case BadSize(width, height, low, high, grid):
            return say(
                "{width}×{height} cannot be painted: both sides have to be multiples of {grid} "
                "between {low} and {high} pixels.",
                width=width,
                height=height,
                grid=grid,
                low=low,
                high=high,
            )
        case SizeTooLarge():
            return _size_too_large(reason, say)
        case BadAspect(text, ratios):
            return say(
                "{text} is not an aspect ratio that this model paints; try one of {ratios}.",
                text=f"“{text[:20]}”",
                ratios=", ".join(ratios),
            )
        case FlagProblem(bad):
            return flag_problem(bad, say)
        case ManyPermutations() | OnePromptOnly() | TooManyPermutations() | ProposalClosed():
            return permutations_problem(reason, say)
        case QueueIsFull():
            return _queue_full(reason, refused.retry_at, say, when)
        case QuotaSpent():
            return _quota_spent(reason, refused.retry_at, say, when)
        case ShuttingDown():
            return say("The bot is restarting; please try again in a minute.")
        case StorageUnavailable():
            return storage_unavailable(say)
        case UnknownJob(job):
            return say("There is no job {job} here.", job=f"“{job[:30]}”")
        case JobFinished():
            return say("There is nothing left to cancel: it is over.")
        case NothingToCancel():
            return say("You have no picture that waits or is being painted here.")
        case FileRemoved(picture_id, seed):
            return say(
                "The file of picture #{id} was removed to save space. "
                "/reroll with picture {id} and seed {seed} paints it again.",
                id=picture_id,
                seed=seed,
            )
        case InputGone():
            return say("The picture that this was painted from is not kept any more.")
        case NoPictures():
            return say("You have not painted anything on this server yet: try /imagine first.")
        case UnknownPicture(picture):
            return say(
                "There is no picture {picture} on this server; it may have been deleted. "
                "/history shows yours.",
                picture=f"“{picture[:30]}”",
            )
        case NotOwner(picture_id):
            return say(
                "Picture #{id} is somebody else's: only your own can be your favourites.",
                id=picture_id,
            )
        case NotAllowed():
            return not_allowed(say)
        case (
            Blocked()
            | OwnPicture()
            | ReportedBefore()
            | ReasonTooLong()
            | NotReported()
            | ReportDecided()
            | NotBlockable()
            | NotBlocked()
        ):
            return moderation_refusal(reason, say, when)
        case UnusableUpload():
            return _unusable_upload(reason, say)
        case Unreachable():
            return say("I could not fetch that file from Discord; please try again.")
        case StagedPictureGone():
            return say("That picture is not kept any more; please choose it again.")
        case StrengthWithoutImage():
            return say(
                "The strength (--strength or --iw in a prompt) says how far to go from a picture: "
                "give a picture too, or leave it out."
            )
        case _:
            assert_never(reason)


def _text_too_long(reason: TextTooLong, say: Words) -> str:
    match reason.what:
        case "prompt":
            name = say("prompt")
        case "negative":
            name = say("negative prompt")
        case "search":
            name = say("search")
    return say(
        "The {name} is too long: {chars} characters, at most {limit} are read. Please shorten it.",
        name=name,
        chars=reason.chars,
        limit=reason.limit_chars,
    )


def _out_of_range(reason: OutOfRange, say: Words) -> str:
    value, high = reason.value, reason.high
    if reason.what == "guidance" and isinstance(value, float | int) and value > high:
        return say(
            "Guidance {value} is too high: above {high} this model's pictures break.",
            value=_number(value),
            high=_number(high),
        )
    return say(
        "{what} has to be between {low} and {high}; {value} is not.",
        what=_quantity(reason.what, say),
        low=_number(reason.low),
        high=_number(high),
        value=_number(value),
    )


def _size_too_large(reason: SizeTooLarge, say: Words) -> str:
    if reason.upscaled:
        return say(
            "{width}×{height} is larger than a picture can be enlarged to.",
            width=reason.width_px,
            height=reason.height_px,
        )
    return say(
        "{width}×{height} is too large to paint in one piece: things would be repeated. "
        "Paint {advised_width}×{advised_height} and upscale that.",
        width=reason.width_px,
        height=reason.height_px,
        advised_width=reason.advised_width_px,
        advised_height=reason.advised_height_px,
    )


def _queue_full(reason: QueueIsFull, retry_at: datetime | None, say: Words, when: When) -> str:
    if reason.requested > 1:
        return _queue_too_full(reason, say)
    match reason.scope:
        case Scope.QUEUE:
            full = say("The queue is full: {waiting} pictures are waiting.", waiting=reason.waiting)
        case Scope.USER:
            full = say(
                "You have {waiting} pictures waiting already, as many as one member may.",
                waiting=reason.waiting,
            )
        case Scope.SERVER:
            full = say(
                "This server has {waiting} pictures waiting already, as many as one server may.",
                waiting=reason.waiting,
            )
    if retry_at is None:
        later = say("please try again in a few minutes.")
    else:
        later = say("a place will be free {when}.", when=when(retry_at))
    return full + " " + say("Nothing was charged; {later}", later=later)


def _queue_too_full(reason: QueueIsFull, say: Words) -> str:
    """Some places are free, but fewer than were asked for."""
    values = {
        "requested": reason.requested,
        "limit": reason.limit,
        "free": max(0, reason.limit - reason.waiting),
    }
    match reason.scope:
        case Scope.QUEUE:
            full = say(
                "{requested} jobs do not fit into the queue: of its {limit} places {free} are "
                "free.",
                **values,
            )
        case Scope.USER:
            full = say(
                "{requested} jobs are too many: of the {limit} that one member may have waiting, "
                "you can add {free} now.",
                **values,
            )
        case Scope.SERVER:
            full = say(
                "{requested} jobs are too many: of the {limit} that this server may have waiting, "
                "{free} can be added now.",
                **values,
            )
    return full + " " + say("Nothing was charged; please ask for fewer, or try again later.")


def _quota_spent(reason: QuotaSpent, retry_at: datetime | None, say: Words, when: When) -> str:
    if reason.limit == 0:
        return say("You may not paint on this server: your quota is 0 pictures.")
    left = reason.limit - reason.used
    if 0 < left < reason.requested:
        return _quota_too_small(reason, left, retry_at, say, when)
    spent = say.plural(
        "Your quota is used up: {used} of {n} picture in {window}.",
        "Your quota is used up: {used} of {n} pictures in {window}.",
        reason.limit,
        used=reason.used,
        window=window_length(reason.hours, say),
    )
    if retry_at is None:
        return spent
    return spent + " " + say("You can paint again {when}.", when=when(retry_at))


def _quota_too_small(
    reason: QuotaSpent, left: int, retry_at: datetime | None, say: Words, when: When
) -> str:
    """Some pictures are left, and they are fewer than were asked for."""
    too_many = say.plural(
        "You asked for {requested} pictures, and {n} of your {limit} in {window} is left.",
        "You asked for {requested} pictures, and {n} of your {limit} in {window} are left.",
        left,
        requested=reason.requested,
        limit=reason.limit,
        window=window_length(reason.hours, say),
    )
    if retry_at is None:
        return too_many
    return too_many + " " + say("As many can be painted {when}.", when=when(retry_at))


def _unusable_upload(reason: UnusableUpload, say: Words) -> str:
    refused = reason.refused
    if reason.total == 1 or isinstance(refused, MaskEmpty | MaskMissing | MaskSizeMismatch):
        return upload_refusal(refused, say)  # about a mask, the picture's number says nothing
    return say("Picture {n}: {problem}", n=reason.number, problem=upload_refusal(refused, say))


def upload_refusal(refused: UploadRefused, say: Words) -> str:
    """Why a picture that somebody gave cannot be painted from, in one sentence."""
    match refused:
        case UploadTooLarge(size_bytes=size, limit_bytes=limit):
            return say(
                "The file has {size} MiB; at most {limit} MiB are taken.",
                size=f"{math.ceil(size / 2**20 * 10) / 10:.1f}",
                limit=f"{limit / 2**20:g}",
            )
        case TooManyPixels(width_px=width, height_px=height, limit_pixels=limit):
            return say(
                "The picture has {width}×{height} pixels; at most {limit} megapixels are taken.",
                width=width,
                height=height,
                limit=f"{limit / 1e6:g}",
            )
        case BadFormat(format=name):
            return say(
                "{format} pictures are not taken; please give one of {formats}.",
                format=name,
                formats=", ".join(FORMATS),
            )
        case MaskSizeMismatch(mask_px=(width, height), picture_px=(wide, high)):
            return say(
                "The mask has another shape ({mask}) than the picture ({picture}): "
                "it has to lie over it.",
                mask=f"{width}×{height}",
                picture=f"{wide}×{high}",
            )
        case MaskEmpty():
            return say("The mask is black all over: paint white what is to be painted anew.")
        case MaskMissing():
            return say(
                "What shall be painted anew? Give a mask that is white there, or a picture that is "
                "transparent there."
            )
        case InputMismatch():
            return say("This is not the picture that the recipe was painted from.")
        case _:  # NotAPicture, and whatever decoding a file may refuse later
            return say("This is no picture that can be read; the file may be damaged.")


def window_length(hours: int, say: Words) -> str:
    """How long a quota's window is, after "in"."""
    return say.plural("{n} hour", "{n} hours", hours)


def storage_unavailable(say: Words) -> str:
    """The disk is full, or the database is blocked."""
    return say(
        "The bot's disk is in trouble, so nothing was accepted or charged. "
        "Please try again in a few minutes; its owner has been told."
    )


def not_allowed(say: Words) -> str:
    """Somebody lacks a right."""
    return say("You do not have the right to do that here.")


def failure_sentence(state: str, code: str, detail: str, say: Words) -> str:
    """Why a job ended without a picture. What it took has been given back."""
    refunded = say("It was not charged.")
    sentences = {
        "prompt_too_long": say(
            "The prompt is longer than the model reads; please shorten it. ({detail})",
            detail=detail,
        ),
        "non_finite": say("The picture came out broken and was thrown away; try another seed."),
        "blank": say("The picture came out blank and was thrown away; try another seed."),
        "input_unfit": say("The picture to start from has another size than it should."),
        "input_missing": say("The picture to start from is not there any more."),
        "out_of_memory": say("The GPU ran out of memory for this picture."),
        "disk": say("The picture could not be saved: the disk of the bot is in trouble."),
        "crashed": say("The bot crashed twice while painting this, so it gave up on it."),
    }
    if state == "cancelled":
        return say("Cancelled.") + " " + refunded
    if state == "expired":
        return say("This waited too long in the queue.") + " " + refunded
    return sentences.get(code, say("Something went wrong while painting.")) + " " + refunded


def note_sentence(remark: Note, say: Words) -> str:
    """A remark beside a picture."""
    match remark:
        case NegativeIgnored():
            return say("The negative prompt does nothing at guidance 1; raise guidance to use it.")
        case NegativeAdded(words):
            return say("Added as negative prompt: {words}", words=words)
        case HighGuidance(guidance, advised):
            return say(
                "Guidance {guidance} is high: above {advised} pictures look burnt.",
                guidance=_number(guidance),
                advised=_number(advised),
            )
        case SmallSide(side, good):
            return say(
                "A side of {side} pixels is short: from {good} on pictures show what they should.",
                side=side,
                good=good,
            )
        case StyleIgnored():
            return style_ignored(remark, say)
        case Adapted(adaptation):
            return _adapted(adaptation, say)
        case SomeFailed(failed, wanted):
            return say.plural(
                "{n} of {wanted} could not be painted and was not charged.",
                "{n} of {wanted} could not be painted and were not charged.",
                failed,
                wanted=wanted,
            )
        case NotExact(differences):
            return say(
                "Not exact: painted under other conditions than the original ({why}).",
                why="; ".join(str(difference) for difference in differences),
            )
        case _:
            assert_never(remark)


def _adapted(adaptation: Adaptation, say: Words) -> str:
    match adaptation.mend:
        case Mend.GUIDANCE:
            return say(
                "The numbers broke, so guidance was adapted to {guidance}.",
                guidance=adaptation.value,
            )
        case Mend.FLOAT32:
            return say("The numbers broke, so a part was computed again more exactly.")
        case Mend.AGAIN:
            return say("The first try came out blank, so it was painted again.")
        case Mend.BLANK:
            return say("The picture is next to empty, also at the second try.")
        case Mend.MEMORY:
            return say(
                "Memory ran out, so it was painted with the plan {plan}.", plan=adaptation.value
            )


def _quantity(what: Quantity, say: Words) -> str:
    names = {
        "pictures": say("The number of pictures"),
        "hours": say("The number of hours"),
        "variation": say("The variation"),
    }
    return names[what] if what in names else say(BY_NAME[what].quantity)


def _number(value: object) -> str:
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:.10g}"
    return str(value)
