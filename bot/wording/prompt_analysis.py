"""Labels and sentences for the analysis of a prompt and the advice on it."""

from __future__ import annotations

from bot.i18n import Words
from bot.wording.labels import syntax_ignored
from engine.prompts import Advice, Analysis, Hint

MAX_WORDS_SHOWN = 5


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
        return say("not counted (the model's tokenizer is not on this machine)")
    return say("{tokens} of {limit}", tokens=analysis.tokens, limit=max_tokens)


def advice_sentence(given: Advice, say: Words) -> str:
    """Give one piece of advice in one or two sentences."""
    words = _quoted_words(given.words)
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
                "{words}: words like these do nothing for Turbo, which paints as well as it "
                "can anyway. Describe what should be visible instead.",
                words=words,
            )
        case Hint.SETTINGS:
            return say(
                "{words}: in a prompt these are just words. Speed, guidance and seed have "
                "their own options, and there is a --steps flag.",
                words=words,
            )
        case Hint.NEGATION:
            return say(
                "{words}: the model tends to paint what it reads, with or without a “no”. "
                "Leave it out, or put it in the negative prompt with guidance above 1.",
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
            return say("{words}: a LoRA cannot be loaded from within a prompt.", words=words)
        case Hint.QUOTED_TEXT:
            return say("{words}: this will be drawn as lettering.", words=words)


def _quoted_words(found: tuple[str, ...]) -> str:
    quoted = [f"“{each}”" for each in found[:MAX_WORDS_SHOWN]]
    return ", ".join([*quoted, "…"] if len(found) > MAX_WORDS_SHOWN else quoted)
