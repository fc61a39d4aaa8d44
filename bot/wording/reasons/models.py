"""Sentences about models that cannot paint a request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from bot.i18n import Words, paragraph
from bot.request.reasons.models import (
    ModelBroken,
    ModelClosed,
    ModelGone,
    ModelReason,
    UnknownModel,
)
from bot.wording.lists import enumerated
from bot.wording.rules import rule_sentence

_SHOWN_CHARS = 60


def model_refusal(reason: ModelReason, say: Words) -> str:
    """Say which model cannot be used, and which others can."""
    match reason:
        case UnknownModel(name, names):
            return say(
                "There is no model {name} here. There are: {names}.",
                name=_quoted(name),
                names=enumerated(map(_quoted, names), say),
            )
        case ModelGone(name, names):
            return say(
                "The model that painted this picture, {name}, is not offered here any more. There "
                "are: {names}.",
                name=_quoted(name),
                names=enumerated(map(_quoted, names), say),
            )
        case ModelClosed(name, names, rule):
            closed = say("The model {name} is not open here.", name=_quoted(name))
            return paragraph(closed, rule_sentence(rule, say), _open(names, say))
        case ModelBroken(name):
            return say(
                "The model {name} could not be loaded a short while ago. Please choose another "
                "one, or try again later.",
                name=_quoted(name),
            )
        case _:
            assert_never(reason)


def _open(names: Iterable[str], say: Words) -> str:
    shown = enumerated(map(_quoted, names), say)
    return say("Open here: {names}.", names=shown) if shown else say("No other one is, either.")


def _quoted(text: str) -> str:
    """Quote as inline code, shortened; a backtick would end the quotation in Markdown."""
    shown = text.replace("`", "'")
    return f"`{shown if len(shown) <= _SHOWN_CHARS else shown[:_SHOWN_CHARS] + '…'}`"
