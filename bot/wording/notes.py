"""Sentences for the notes on a picture."""

from __future__ import annotations

from typing import assert_never

from bot.i18n import Words
from bot.request.notes import (
    Adapted,
    DefaultsUsed,
    FilterActed,
    FirstFrameUsed,
    GroundChosen,
    HighGuidance,
    InertSyntax,
    LimitedModel,
    LoraTaken,
    NegativeAdded,
    NegativeGuidance,
    NegativeIgnored,
    Note,
    NotExact,
    PastedText,
    PresetUsed,
    SmallSide,
    SomeFailed,
    SourceCut,
    StyleIgnored,
    SyntaxIgnored,
    TriggerWordsAdded,
    UnknownOptions,
)
from bot.wording.foreign import pasted_text
from bot.wording.knowledge import limited_model
from bot.wording.labels import lora_name, style_ignored, syntax_ignored, unknown_options
from bot.wording.lists import enumerated, listed, separated
from bot.wording.names import flag_name
from bot.wording.prompt_analysis import inert_syntax
from bot.wording.reasons.values import number_text
from bot.wording.source_images import ground_chosen, source_cut
from engine.types import Adaptation, Mend

_WORDS_SHOWN = 5
"""Trigger words in a note, which is one line. Chosen by hand."""


def note_sentence(remark: Note, say: Words) -> str:
    """Return the sentence for a note on a picture."""
    match remark:
        case NegativeIgnored():
            return say("The negative prompt does nothing at guidance 1; raise guidance to use it.")
        case NegativeGuidance(guidance):
            return say(
                "Guidance is {guidance}, so that the negative prompt works.",
                guidance=number_text(guidance),
            )
        case NegativeAdded(words):
            return say("Negative prompt added: {words}", words=words)
        case HighGuidance(guidance, advised):
            return say(
                "Guidance {guidance} is high: above {advised}, pictures look burnt.",
                guidance=number_text(guidance),
                advised=number_text(advised),
            )
        case SmallSide(side, good):
            return say(
                "A side of {side} pixels is short: pictures come out better from {good} pixels up.",
                side=side,
                good=good,
            )
        case StyleIgnored():
            return style_ignored(remark, say)
        case LoraTaken(name, word):
            return say(
                "“{word}” in the prompt chose the LoRA {name}; {flag} leaves it out.",
                word=word,
                name=lora_name(name),
                flag=f"{flag_name('lora', say)} none",
            )
        case TriggerWordsAdded(words):
            return say.plural(
                "Trigger word of the LoRA added: {words}.",
                "Trigger words of the LoRAs added: {words}.",
                len(words),
                words=enumerated((f"“{each}”" for each in words), say, shown=_WORDS_SHOWN),
            )
        case SyntaxIgnored(words):
            return syntax_ignored(words, say)
        case InertSyntax(words):
            return inert_syntax(words, say)
        case UnknownOptions(words):
            return unknown_options(words, say)
        case PastedText():
            return pasted_text(remark, say)
        case PresetUsed(name, left_out):
            return _preset_used(name, left_out, say)
        case DefaultsUsed(flags):
            return say("From the defaults: {flags}", flags=flags)
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
        case FilterActed():
            return _filter_acted(remark, say)
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
                why=separated(map(str, differences), say),
            )
        case _:
            assert_never(remark)


def _preset_used(name: str, left_out: tuple[str, ...], say: Words) -> str:
    if not left_out:
        return say("Preset used: “{name}”.", name=name)
    return say(
        "Preset used: “{name}”, without what cannot be used here: {left_out}.",
        name=name,
        left_out=listed((f"“{each}”" for each in left_out), say, shown=_WORDS_SHOWN),
    )


def _filter_acted(note: FilterActed, say: Words) -> str:
    done = [
        say("the picture is sent to you by direct message") if note.direct else "",
        say("it is hidden behind a spoiler") if note.spoiler else "",
        say("the moderators are told") if note.reported else "",
    ]
    return say("Because of words in the prompt: {done}.", done=listed(filter(None, done), say))


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
