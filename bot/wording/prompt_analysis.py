"""Labels and sentences for the analysis of a prompt and the advice on it."""

from __future__ import annotations

from bot.i18n import Words, paragraph
from bot.wording.labels import syntax_ignored
from bot.wording.lists import enumerated
from bot.wording.names import flag_name
from engine.prompts import Advice, Analysis, Hint

MAX_WORDS_SHOWN = 5
MAX_CHARS_SHOWN = 30
"""Of each of them in a note, which is one line. Chosen by hand."""


def analysis_rows(analysis: Analysis, say: Words) -> list[tuple[str, str]]:
    """Return (heading, words found in the prompt) for each category, "" if there are none."""
    comma = "、" if analysis.language == "zh" else ", "
    languages = {"en": say("English"), "zh": say("Chinese")}
    rows = [
        (say("Language"), languages[analysis.language]),
        (say("Subject"), analysis.subject),
    ]
    groups = (
        (say("Style"), analysis.styles),
        (say("Material"), analysis.materials),
        (say("Lighting"), analysis.lights),
        (say("Place"), analysis.places),
        (say("Time"), analysis.times),
        (say("Weather"), analysis.weathers),
        (say("Colours"), analysis.colours),
    )
    return rows + [(heading, comma.join(found)) for heading, found in groups]


def token_usage(analysis: Analysis, max_tokens: int, say: Words) -> str:
    """Say how many tokens the prompt has, and how many the model reads."""
    if analysis.tokens is None:
        return say("not counted (the model's tokenizer is not available)")
    return say("{tokens} of {limit}", tokens=analysis.tokens, limit=max_tokens)


def advice_sentence(given: Advice, say: Words) -> str:
    """Give one piece of advice in one or two sentences."""
    words = _quoted_words(given.words, say)
    match given.hint:
        case Hint.TOO_LONG:
            return say(
                "The prompt is too long: {tokens} tokens, and the model reads {limit}. "
                "Please shorten it.",
                tokens=given.tokens,
                limit=given.max_tokens,
            )
        case Hint.QUALITY_TAGS:
            return say(
                "{words}: words like these have no effect on Z-Image-Turbo, which paints as well "
                "as it can anyway. Describe what should be visible instead.",
                words=words,
            )
        case Hint.SETTINGS:
            return say(
                "{words}: in a prompt these are just words. Speed, guidance and seed have "
                "their own options, and there is a {steps} flag.",
                words=words,
                steps=flag_name("steps", say),
            )
        case Hint.NEGATION:
            return say(
                "{words}: the model tends to paint what it reads, with or without a “no”. "
                "Leave it out, or put it in the negative prompt.",
                words=words,
            )
        case Hint.WEIGHTS:
            return say(
                "{words}: weights have no effect; brackets and numbers are read as words. "
                "Describe what matters first, and in more detail.",
                words=words,
            )
        case Hint.OTHER_SYNTAX:
            return syntax_ignored(given.words, say)
        case Hint.FLAGS:
            return say(
                "{words}: written like this, a flag is read as words.",
                words=words,
            )
        case Hint.LORA_TAGS:
            return say(
                "{words}: this does nothing, because no LoRAs are offered here.", words=words
            )
        case Hint.QUOTED_TEXT:
            return say("{words}: this will be drawn as lettering.", words=words)


def inert_syntax(found: tuple[str, ...], say: Words) -> str:
    """Return in one short line that weights, LoRA tags and settings in a prompt do nothing."""
    short = tuple(
        each if len(each) <= MAX_CHARS_SHOWN else f"{each[: MAX_CHARS_SHOWN - 1]}…"
        for each in found
    )
    return say(
        "Weights, LoRA tags and settings in a prompt do nothing: {words}.",
        words=_quoted_words(short, say),
    )


def _quoted_words(found: tuple[str, ...], say: Words) -> str:
    return enumerated((f"“{each}”" for each in found), say, shown=MAX_WORDS_SHOWN)


def first_of_choices(pictures: int, say: Words) -> str:
    """Say how many pictures the choices of a prompt make, of which the first is explained."""
    made = say.plural(
        "The choices in braces make {n} picture.",
        "The choices in braces make {n} pictures.",
        pictures,
    )
    return paragraph(made, say("Only the first prompt is analysed here."))
