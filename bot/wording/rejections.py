"""The sentences for refusals, failures and notes: one place for Discord and the command line."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

from bot.i18n import Words
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
    EmptyPrompt,
    FileRemoved,
    FlagProblem,
    InputGone,
    JobFinished,
    ManyPermutations,
    NoPictures,
    NotAllowed,
    NothingToCancel,
    NotOwner,
    OnePromptOnly,
    OutOfRange,
    ProposalClosed,
    QueueIsFull,
    QuotaSpent,
    Reason,
    Refused,
    ShuttingDown,
    SizeTooLarge,
    StorageUnavailable,
    TextTooLong,
    TooManyPermutations,
    TooManyTokens,
    UnknownJob,
    UnknownPicture,
)
from bot.wording.flags import flag_problem, not_enough_room, permutations_problem
from bot.wording.labels import style_ignored
from bot.wording.moderation import moderation_refusal
from bot.wording.uploads import StartReason, start_refusal
from bot.wording.uploads import upload as upload
from engine.errors import Scope
from engine.types import Adaptation, Mend

When = Callable[[datetime], str]
"""How a point in time is written where the sentence is going to be read."""


def refusal(refused: Refused, say: Words, when: When) -> str:
    """What is wrong, and what to do and when, in one or two sentences."""
    reason = refused.reason
    if isinstance(reason, QueueIsFull):
        return _queue_refusal(reason, refused.retry_at, say, when)
    if isinstance(reason, QuotaSpent):
        return _quota_refusal(reason, refused.retry_at, say, when)
    if isinstance(reason, StartReason):
        return start_refusal(reason, say)
    said = _place_refusal(reason, say) or moderation_refusal(reason, say, when)
    return said or _input_refusal(reason, say)


def _queue_refusal(reason: QueueIsFull, retry_at: datetime | None, say: Words, when: When) -> str:
    if reason.requested > 1:
        return not_enough_room(reason, say)
    full = {
        Scope.QUEUE: say(
            "The queue is full: {waiting} pictures are waiting.", waiting=reason.waiting
        ),
        Scope.USER: say(
            "You have {waiting} pictures waiting already, as many as one member may.",
            waiting=reason.waiting,
        ),
        Scope.SERVER: say(
            "This server has {waiting} pictures waiting already, as many as one server may.",
            waiting=reason.waiting,
        ),
    }[reason.scope]
    if retry_at is None:
        later = say("please try again in a few minutes.")
    else:
        later = say("a place will be free {when}.", when=when(retry_at))
    return full + " " + say("Nothing was charged; {later}", later=later)


def _quota_refusal(reason: QuotaSpent, retry_at: datetime | None, say: Words, when: When) -> str:
    if reason.limit == 0:
        return say("You may not paint on this server: your quota is 0 pictures.")
    left = reason.limit - reason.used
    if 0 < left < reason.requested:
        return _too_many(reason, left, retry_at, say, when)
    spent = say.plural(
        "Your quota is used up: {used} of {n} picture in {window}.",
        "Your quota is used up: {used} of {n} pictures in {window}.",
        reason.limit,
        used=reason.used,
        window=hours_long(reason.hours, say),
    )
    if retry_at is None:
        return spent
    return spent + " " + say("You can paint again {when}.", when=when(retry_at))


def _too_many(
    reason: QuotaSpent, left: int, retry_at: datetime | None, say: Words, when: When
) -> str:
    """Some pictures are left, and they are fewer than were asked for."""
    asked = say.plural(
        "You asked for {requested} pictures, and {n} of your {limit} in {window} is left.",
        "You asked for {requested} pictures, and {n} of your {limit} in {window} are left.",
        left,
        requested=reason.requested,
        limit=reason.limit,
        window=hours_long(reason.hours, say),
    )
    if retry_at is None:
        return asked
    return asked + " " + say("As many can be painted {when}.", when=when(retry_at))


def _input_refusal(reason: Reason, say: Words) -> str:
    match reason:
        case EmptyPrompt():
            return say("The prompt is empty: please say what to paint.")
        case TextTooLong(what, chars, limit):
            names = {"negative": say("negative prompt"), "search": say("search")}
            name = names.get(what, say("prompt"))
            return say(
                "The {name} is too long: {chars} characters, at most {limit} are read. "
                "Please shorten it.",
                name=name,
                chars=chars,
                limit=limit,
            )
        case TooManyTokens(tokens, limit):
            return say(
                "The prompt is too long: the model reads {limit} tokens (pieces of words), and "
                "with all that is added this has {tokens}. Please shorten it.",
                limit=limit,
                tokens=tokens,
            )
        case OutOfRange("guidance", float() | int() as value, _, high) if value > high:
            return say(
                "Guidance {value} is too high: above {high} this model's pictures break.",
                value=_number(value),
                high=_number(high),
            )
        case OutOfRange(what, value, low, high):
            return say(
                "{what} has to be between {low} and {high}; {value} is not.",
                what=_quantity(what, say),
                low=_number(low),
                high=_number(high),
                value=_number(value),
            )
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
        case SizeTooLarge(width, height, advised_width, advised_height, enlarged):
            if enlarged:
                return say(
                    "{width}×{height} is larger than a picture can be enlarged to.",
                    width=width,
                    height=height,
                )
            return say(
                "{width}×{height} is too large to paint in one piece: things would be repeated. "
                "Paint {advised_width}×{advised_height} and upscale that.",
                width=width,
                height=height,
                advised_width=advised_width,
                advised_height=advised_height,
            )
        case FlagProblem(bad):
            return flag_problem(bad, say)
        case ManyPermutations() | OnePromptOnly() | TooManyPermutations() | ProposalClosed():
            return permutations_problem(reason, say)
        case BadAspect(text, ratios):
            return say(
                "{text} is not an aspect ratio that this model paints; try one of {ratios}.",
                text=f"“{text[:20]}”",
                ratios=", ".join(ratios),
            )
        case _:
            raise TypeError(f"no words for {reason!r}")


def _place_refusal(reason: Reason, say: Words) -> str | None:
    """What is wrong with the moment, the picture or the job that was meant."""
    match reason:
        case ShuttingDown():
            return say("The bot is restarting; please try again in a minute.")
        case StorageUnavailable():
            return storage_trouble(say)
        case NoPictures():
            return say("You have not painted anything on this server yet: try /imagine first.")
        case UnknownPicture(picture):
            return say(
                "There is no picture {picture} on this server; it may have been deleted. "
                "/history shows yours.",
                picture=f"“{picture[:30]}”",
            )
        case FileRemoved(picture_id, seed):
            return say(
                "The file of picture #{id} was removed to save space. "
                "/reroll with picture {id} and seed {seed} paints it again.",
                id=picture_id,
                seed=seed,
            )
        case InputGone():
            return say("The picture that this was painted from is not kept any more.")
        case UnknownJob(job):
            return say("There is no job {job} here.", job=f"“{job[:30]}”")
        case JobFinished():
            return say("There is nothing left to cancel: it is over.")
        case NothingToCancel():
            return say("You have no picture that waits or is being painted here.")
        case NotOwner(picture_id):
            return say(
                "Picture #{id} is somebody else's: only your own can be your favourites.",
                id=picture_id,
            )
        case NotAllowed(_):
            return no_right(say)
        case _:
            return None


def hours_long(hours: int, say: Words) -> str:
    """How long a quota's window is, after "in"."""
    return say.plural("{n} hour", "{n} hours", hours)


def storage_trouble(say: Words) -> str:
    """The disk is full, or the database is blocked."""
    return say(
        "The bot's disk is in trouble, so nothing was accepted or charged. "
        "Please try again in a few minutes; its owner has been told."
    )


def no_right(say: Words) -> str:
    """Somebody lacks a right."""
    return say("You do not have the right to do that here.")


def failure(state: str, code: str, detail: str, say: Words) -> str:
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


def note(note: Note, say: Words) -> str:
    """A remark beside a picture."""
    match note:
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
            return style_ignored(note, say)
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


def _quantity(what: str, say: Words) -> str:
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
