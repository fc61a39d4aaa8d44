"""Sentences for refusals, failed jobs and notes, the same on Discord and the command line."""

from __future__ import annotations

import math
from datetime import datetime
from typing import assert_never

from bot.i18n import Words
from bot.request.input_images import InputMismatch
from bot.request.notes import (
    Adapted,
    FirstFrameUsed,
    GroundChosen,
    HighGuidance,
    InertSyntax,
    LimitedModel,
    NegativeAdded,
    NegativeGuidance,
    NegativeIgnored,
    Note,
    NotExact,
    PastedText,
    SmallSide,
    SomeFailed,
    SourceCut,
    StyleIgnored,
    SyntaxIgnored,
    UnknownOptions,
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
    NegativeUnsupported,
    NoPictures,
    NotAllowed,
    NotBlockable,
    NotBlocked,
    NothingKnown,
    NothingToCancel,
    NotOwner,
    NotReported,
    OnePromptOnly,
    OriginalDeleted,
    OutOfRange,
    OwnPicture,
    PictureAddress,
    PresetContradicted,
    ProposalClosed,
    Quantity,
    QueueIsFull,
    QuotaSpent,
    ReasonTooLong,
    Refused,
    RegionUnused,
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
from bot.wording.flags import flag_problem, permutations_problem, preset_contradicted
from bot.wording.foreign import format_sentence, pasted_text
from bot.wording.knowledge import limited_model, nothing_known
from bot.wording.labels import style_ignored, syntax_ignored, unknown_options
from bot.wording.moderation import When, moderation_refusal
from bot.wording.prompt_analysis import inert_syntax
from bot.wording.source_images import ground_chosen, mask_refusal, source_cut
from engine.errors import Scope
from engine.masks import MaskRefused
from engine.types import Adaptation, Mend
from engine.uploads import FORMATS, BadFormat, TooManyPixels, UploadRefused, UploadTooLarge
from storage.cancelled_painting import CHARGED

_FLAGS_SHOWN = 6
_ADDRESS_CHARS = 60
_LARGEST_SIDE = 32
"""Of a ratio in whole numbers, such as 21:9. Chosen by hand, above all that have names."""


def refusal(refused: Refused, say: Words, when: When) -> str:
    """Say what is wrong, and what to do or when to try again, in one or two sentences."""
    reason = refused.reason
    match reason:
        case EmptyPrompt():
            return say("The prompt is empty: please say what to paint.")
        case TextTooLong():
            return _text_too_long(reason, say)
        case NegativeUnsupported():
            return say(
                "A negative prompt does nothing with this model. Leave it out, and describe what "
                "should be there instead."
            )
        case TooManyTokens(tokens, limit):
            return say(
                "The prompt is too long: the model reads {limit} tokens (pieces of words), "
                "and with everything that is added it has {tokens}. Please shorten it.",
                limit=limit,
                tokens=tokens,
            )
        case OutOfRange():
            return _out_of_range(reason, say)
        case BadSize(width, height, low, high, grid):
            return say(
                "{width}×{height} cannot be painted: both sides must be multiples of {grid} "
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
                "{text} is not an aspect ratio that this model can paint. Try one of {ratios}.",
                text=f"“{_ratio(text)[:20]}”",
                ratios=", ".join(ratios),
            )
        case FlagProblem():
            return _flag_problems(reason, say, when)
        case ManyPermutations() | OnePromptOnly() | TooManyPermutations() | ProposalClosed():
            return permutations_problem(reason, say)
        case NothingKnown():
            return nothing_known(say)
        case QueueIsFull():
            return _queue_full(reason, refused.retry_at, say, when)
        case QuotaSpent():
            return _quota_spent(reason, refused.retry_at, say, when)
        case ShuttingDown():
            return say("I am restarting; please try again in a minute.")
        case StorageUnavailable():
            return storage_unavailable(say)
        case UnknownJob(job):
            return say("There is no job {job} here.", job=f"“{job[:30]}”")
        case JobFinished():
            return say("This job has already finished.")
        case NothingToCancel():
            return say("You have no picture waiting or being painted here.")
        case FileRemoved(picture_id, seed):
            return say(
                "The file of picture #{id} was removed to save space. To paint it again, use "
                "/reroll with picture {id} and seed {seed}.",
                id=picture_id,
                seed=seed,
            )
        case OriginalDeleted(picture_id, original_id):
            return _original_deleted(picture_id, original_id, say)
        case InputGone():
            return say("The source image of this picture is no longer stored.")
        case NoPictures():
            return say("You have not painted anything on this server yet. Try /imagine first.")
        case UnknownPicture(picture):
            return say(
                "There is no picture {picture} on this server; it may have been deleted. Use "
                "/history to see yours.",
                picture=f"“{picture[:30]}”",
            )
        case NotOwner(picture_id):
            return say(
                "Picture #{id} belongs to someone else: only your own pictures can be favourites.",
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
            return say("I could not download that file from Discord. Please try again.")
        case StagedPictureGone():
            return say("That picture is no longer available. Please choose it again.")
        case PictureAddress(address):
            return say(
                "No picture can be taken from {address}. Attach the file with the option "
                "“picture” of /imagine, or choose Apps → Paint from this on a message that shows "
                "it.",
                address=f"`{address.replace('`', '')[:_ADDRESS_CHARS]}`",
            )
        case StrengthWithoutImage():
            return say(
                "The strength (--strength or --iw in a prompt) says how much to change a "
                "picture: give a picture as well, or leave the strength out."
            )
        case PresetContradicted():
            return preset_contradicted(reason, say)
        case RegionUnused(True):
            return say(
                "The mask already says what to repaint: leave out the mask or the region "
                "(--region in a prompt)."
            )
        case RegionUnused():
            return say(
                "The region (--region in a prompt) says which part of a picture to repaint: give "
                "one picture for it, or leave the region out."
            )
        case _:
            assert_never(reason)


def _ratio(text: str) -> str:
    """Return a ratio as people write it: 2.35:1 rather than 47:20."""
    width, _, height = text.partition(":")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        return text
    sides = int(width), int(height)
    if max(sides) <= _LARGEST_SIDE or min(sides) == 1:
        return text
    return ":".join(f"{side / min(sides):.4g}" for side in sides)


def _original_deleted(picture_id: int, original_id: int | None, say: Words) -> str:
    if original_id is None:
        why = say("The picture that #{id} was enlarged from is not stored any more.", id=picture_id)
    else:
        why = say(
            "Picture #{id} was enlarged from #{original}, which has been deleted.",
            id=picture_id,
            original=original_id,
        )
    remedy = say(
        "It cannot be rerolled or varied, and nothing was charged. You can still remix it: /remix."
    )
    return f"{why} {remedy}"


def _flag_problems(problem: FlagProblem, say: Words, when: When) -> str:
    """Name every flag that cannot be obeyed, one on each line."""
    lines = [flag_problem(each, say) for each in problem.errors]
    lines += (refusal(Refused(each), say, when) for each in problem.reasons)
    shown = lines[: _FLAGS_SHOWN + (len(lines) == _FLAGS_SHOWN + 1)]
    rest = len(lines) - len(shown)
    more = [say.plural("and {n} more", "and {n} more", rest)] if rest else []
    return "\n".join([*shown, *more])


def _text_too_long(reason: TextTooLong, say: Words) -> str:
    match reason.what:
        case "prompt":
            name = say("prompt")
        case "negative":
            name = say("negative prompt")
        case "search":
            name = say("search")
    return say(
        "The {name} is too long: {chars} characters; the limit is {limit}. Please shorten it.",
        name=name,
        chars=reason.chars,
        limit=reason.limit_chars,
    )


def _out_of_range(reason: OutOfRange, say: Words) -> str:
    value, high = reason.value, reason.high
    if reason.what == "guidance" and isinstance(value, float | int) and value > high:
        return say(
            "Guidance {value} is too high: above {high}, this model's pictures fall apart.",
            value=_number(value),
            high=_number(high),
        )
    return say(
        "{what} must be between {low} and {high}, but is {value}.",
        what=_quantity(reason.what, say),
        low=_number(reason.low),
        high=_number(high),
        value=_number(value),
    )


def _size_too_large(reason: SizeTooLarge, say: Words) -> str:
    if reason.upscaled:
        return say(
            "{width}×{height} is larger than any picture can be upscaled to.",
            width=reason.width_px,
            height=reason.height_px,
        )
    return say(
        "{width}×{height} is too large to paint in one piece: the model would repeat "
        "objects. Paint {advised_width}×{advised_height} and upscale that.",
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
                "You already have {waiting} pictures waiting, the most that one member can have.",
                waiting=reason.waiting,
            )
        case Scope.SERVER:
            full = say(
                "This server already has {waiting} pictures waiting, the most that one "
                "server can have.",
                waiting=reason.waiting,
            )
    if retry_at is None:
        later = say("Nothing was charged; please try again in a few minutes.")
    else:
        later = say("Nothing was charged; a place will be free {when}.", when=when(retry_at))
    return full + " " + later


def _queue_too_full(reason: QueueIsFull, say: Words) -> str:
    """Refuse a batch for which some places are free, but too few."""
    values = {
        "requested": reason.requested,
        "limit": reason.limit,
        "free": max(0, reason.limit - reason.waiting),
    }
    match reason.scope:
        case Scope.QUEUE:
            full = say(
                "{requested} jobs do not fit into the queue: {free} of its {limit} places "
                "are free.",
                **values,
            )
        case Scope.USER:
            full = say(
                "{requested} jobs are too many: one member can have {limit} waiting, and you "
                "can add {free} now.",
                **values,
            )
        case Scope.SERVER:
            full = say(
                "{requested} jobs are too many: this server can have {limit} waiting, and "
                "{free} can be added now.",
                **values,
            )
    return full + " " + say("Nothing was charged; please ask for fewer, or try again later.")


def _quota_spent(reason: QuotaSpent, retry_at: datetime | None, say: Words, when: When) -> str:
    if reason.limit == 0:
        return say("You cannot paint on this server: your quota is 0 pictures.")
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
    """Refuse a batch for which some of the quota is left, but too little."""
    too_many = say.plural(
        "You asked for {requested} pictures, but only {n} of your {limit} in {window} is left.",
        "You asked for {requested} pictures, but only {n} of your {limit} in {window} are left.",
        left,
        requested=reason.requested,
        limit=reason.limit,
        window=window_length(reason.hours, say),
    )
    if retry_at is None:
        return too_many
    return too_many + " " + say("You can paint that many {when}.", when=when(retry_at))


def _unusable_upload(reason: UnusableUpload, say: Words) -> str:
    refused = reason.refused
    if reason.total == 1 or isinstance(refused, MaskRefused):
        return upload_refusal(refused, say)  # a number would not tell anything about the mask
    return say("Picture {n}: {problem}", n=reason.number, problem=upload_refusal(refused, say))


def upload_refusal(refused: UploadRefused, say: Words) -> str:
    """Explain why an uploaded picture cannot be used as an input."""
    match refused:
        case UploadTooLarge(size_bytes=size, limit_bytes=limit):
            return say(
                "The file is {size} MiB; the limit is {limit} MiB.",
                size=f"{math.ceil(size / 2**20 * 10) / 10:.1f}",
                limit=f"{limit / 2**20:g}",
            )
        case TooManyPixels(width_px=width, height_px=height, limit_pixels=limit):
            return say(
                "The picture is {width}×{height} pixels; the limit is {limit} megapixels.",
                width=width,
                height=height,
                limit=f"{limit / 1e6:g}",
            )
        case BadFormat(format=name, kind=kind):
            use = say("Please use one of {formats}.", formats=", ".join(FORMATS))
            return f"{format_sentence(name, kind, say)} {use}"
        case MaskRefused():
            return mask_refusal(refused, say)
        case InputMismatch():
            return say("This is not the source image of the recipe.")
        case _:  # NotAPicture, or any refusal that decoding may add
            return say("This file cannot be read as a picture. It may be damaged.")


def window_length(hours: int, say: Words) -> str:
    """Return the length of a quota's window, to follow "in"."""
    return say.plural("{n} hour", "{n} hours", hours)


def storage_unavailable(say: Words) -> str:
    """Say that the disk is full, or that the database cannot be written."""
    return say(
        "There is a problem with my disk, so nothing was accepted or charged. Please try again "
        "in a few minutes; the bot's owner has been notified."
    )


def not_allowed(say: Words) -> str:
    """Say that the member lacks a permission."""
    return say("You do not have permission to do that here.")


def failure_sentence(state: str, code: str, detail: str, say: Words) -> str:
    """Explain why a job ended without a picture, and whether it was charged.

    state: a value of JobState. code: an error's code. detail: technical, may be "".
    """
    refunded = say("Nothing was charged.")
    sentences = {
        "prompt_too_long": say(
            "The prompt is too long for the model. Please shorten it. ({detail})",
            detail=detail,
        ),
        "non_finite": say("The picture came out broken and was discarded. Try another seed."),
        "blank": say("The picture came out blank and was discarded. Try another seed."),
        "input_unfit": say("The source image does not have the expected size."),
        "input_missing": say("The source image is no longer available."),
        "out_of_memory": say("There was not enough memory to paint this picture."),
        "disk": say("The picture could not be saved: there is a problem with my disk."),
        "crashed": say("I crashed twice while painting this and gave up."),
    }
    if state == "cancelled" and code == CHARGED:
        return say("Cancelled while it was painted. It stays charged.")
    if state == "cancelled":
        return say("Cancelled.") + " " + refunded
    if state == "expired":
        return say("This job waited too long in the queue.") + " " + refunded
    return sentences.get(code, say("Something went wrong while painting.")) + " " + refunded


def note_sentence(remark: Note, say: Words) -> str:
    """Return the sentence for a note on a picture."""
    match remark:
        case NegativeIgnored():
            return say("The negative prompt does nothing at guidance 1; raise guidance to use it.")
        case NegativeGuidance(guidance):
            return say(
                "Guidance is {guidance}, so that the negative prompt works.",
                guidance=_number(guidance),
            )
        case NegativeAdded(words):
            return say("Negative prompt added: {words}", words=words)
        case HighGuidance(guidance, advised):
            return say(
                "Guidance {guidance} is high: above {advised}, pictures look burnt.",
                guidance=_number(guidance),
                advised=_number(advised),
            )
        case SmallSide(side, good):
            return say(
                "A side of {side} pixels is short: pictures come out better from {good} pixels up.",
                side=side,
                good=good,
            )
        case StyleIgnored():
            return style_ignored(remark, say)
        case SyntaxIgnored(words):
            return syntax_ignored(words, say)
        case InertSyntax(words):
            return inert_syntax(words, say)
        case UnknownOptions(words):
            return unknown_options(words, say)
        case PastedText():
            return pasted_text(remark, say)
        case LimitedModel():
            return limited_model(remark, say)
        case Adapted(adaptation):
            return _adapted(adaptation, say)
        case SourceCut():
            return source_cut(remark, say)
        case GroundChosen(ground):
            return ground_chosen(ground, say)
        case FirstFrameUsed():
            return say("The picture is animated: its first frame is used.")
        case SomeFailed(failed, wanted):
            return say.plural(
                "{n} of {wanted} could not be painted and was not charged.",
                "{n} of {wanted} could not be painted and were not charged.",
                failed,
                wanted=wanted,
            )
        case NotExact(differences):
            return say(
                "Not exact: painted under different conditions than the original ({why}).",
                why="; ".join(str(difference) for difference in differences),
            )
        case _:
            assert_never(remark)


def _adapted(adaptation: Adaptation, say: Words) -> str:
    match adaptation.mend:
        case Mend.GUIDANCE:
            return say(
                "After a numerical error, guidance was changed to {guidance}.",
                guidance=adaptation.value,
            )
        case Mend.FLOAT32:
            return say("After a numerical error, part of it was recomputed with higher precision.")
        case Mend.AGAIN:
            return say("The first attempt came out blank, so it was painted again.")
        case Mend.BLANK:
            return say("The picture is almost empty, even after a second attempt.")
        case Mend.MEMORY:
            return say(
                "Memory ran out, so it was painted with the memory plan {plan}.",
                plan=adaptation.value,
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
