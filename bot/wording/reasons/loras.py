"""Sentences about LoRAs that cannot be painted with."""

from __future__ import annotations

from typing import assert_never

from bot.i18n import Words, paragraph
from bot.request.reasons.loras import (
    LoraBesideNone,
    LoraClosed,
    LoraOfOtherModel,
    LoraReason,
    LorasNotOffered,
    LoraTwice,
    ModelWithoutLoras,
    TooManyLoras,
    UnclearLoraTag,
    UnknownLora,
    UnusableLora,
)
from bot.wording.lists import alternatives, listed
from bot.wording.names import command_link, flag_name, option_name
from bot.wording.rules import rule_sentence

_SHOWN_CHARS = 60
_MODELS_SHOWN = 5
"""Names of models in one sentence. Chosen by hand."""


def lora_refusal(reason: LoraReason, say: Words) -> str:
    """Say which LoRA cannot be used, and what can be done instead."""
    match reason:
        case LorasNotOffered():
            return say(
                "No LoRAs are offered here. Please leave the LoRA out; for a picture that has one, "
                "{flag} does.",
                flag=f"`{flag_name('lora', say)} none`",
            )
        case ModelWithoutLoras(model):
            return say("The model {model} can use no LoRAs.", model=_quoted(model))
        case UnknownLora(name, near):
            problem = say("There is no LoRA {name}.", name=_quoted(name))
            if near:
                names = alternatives(map(_quoted, near), say)
                return paragraph(problem, say("Did you mean {names}?", names=names))
            listed = say("{loras} lists those that there are.", loras=command_link("loras", say))
            return paragraph(problem, listed)
        case UnusableLora(name, detail):
            return say(
                "The LoRA {name} cannot be used: {detail}.", name=_quoted(name), detail=detail
            )
        case LoraOfOtherModel():
            return _of_other_model(reason, say)
        case LoraClosed(name, rule):
            closed = say("You may not use the LoRA {name} here.", name=_quoted(name))
            return paragraph(closed, rule_sentence(rule, say))
        case LoraTwice(name):
            return say(
                "The LoRA {name} is given with two weights: please keep one of them.",
                name=_quoted(name),
            )
        case LoraBesideNone(name):
            return say(
                "The LoRA {name} is given, and {none} too: please keep one of them.",
                name=_quoted(name),
                none="`none`",
            )
        case TooManyLoras(count, limit):
            return say(
                "{count} LoRAs are too many: a picture can have {limit}.", count=count, limit=limit
            )
        case UnclearLoraTag(tag):
            return say(
                "{tag} is not understood: write a name and a weight, such as {example}.",
                tag=_quoted(tag),
                example="`<lora:name:0.8>`",
            )
        case _:
            assert_never(reason)


def _of_other_model(reason: LoraOfOtherModel, say: Words) -> str:
    first, *others = reason.models[:_MODELS_SHOWN]
    names = {
        "name": _quoted(reason.name),
        "other": _quoted(reason.model),
        "option": option_name("model", say),
        "flag": f"`{flag_name('model', say)} {first}`",
        "none": f"`{flag_name('lora', say)} none`",
    }
    if not others:
        return say(
            "The LoRA {name} is for the model {model}, not for {other}: choose that one with "
            "{option} or {flag}, or leave the LoRA out ({none}).",
            model=_quoted(first),
            **names,
        )
    return say(
        "The LoRA {name} is for the models {models}, not for {other}: choose one of them with "
        "{option} or {flag}, or leave the LoRA out ({none}).",
        models=listed(map(_quoted, (first, *others)), say),
        **names,
    )


def _quoted(text: str) -> str:
    """Quote as inline code, shortened; a backtick would end the quotation in Markdown."""
    shown = text.replace("`", "'")
    return f"`{shown if len(shown) <= _SHOWN_CHARS else shown[:_SHOWN_CHARS] + '…'}`"
