"""Add to a prompt, and compose the text that the model reads in the end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import chain

from engine.prompts.advice import Count
from engine.prompts.analysis import main_subject
from engine.prompts.language import Language, is_foreign
from engine.prompts.negatives import DEFAULT_NEGATIVE, defects, within
from engine.prompts.reading import MASK, read
from engine.prompts.selection import SENTENCE_ENDS, SOFT_ENDS, bare, context_of, implied, plain


class EnhancementLevel(StrEnum):
    """How much is added."""

    OFF = "off"
    LIGHT = "light"
    """One sentence of quality, the same for every prompt."""
    FULL = "full"
    """Also what the prompt implies: light, subject, the craft of its style."""
    SMART = "smart"
    """Written by a language model, by the caller; here the same as FULL, its fallback."""


class Style(StrEnum):
    """The form of prompts that a family of models prefers."""

    SENTENCES = "sentences"
    TAGS = "tags"


@dataclass(frozen=True, slots=True)
class Enhancement:
    """The text that the model reads, and which part of it the user did not write.

    added: appended to the prompt, "" for nothing.
    """

    effective_prompt: str
    negative_prompt: str
    added: str


def enhance(
    prompt: str,
    *,
    negative: str,
    level: EnhancementLevel,
    style: Style,
    negative_works: bool,
    seed: int = 0,
    variety: float = 0.0,
    count: Count | None = None,
    max_tokens: int | None = None,
) -> Enhancement:
    """Add what the prompt implies, in its own language, without contradicting or repeating it.

    prompt and negative are cleaned texts; a negative prompt is made only where the user gave none
    and it has an effect. variety, 0 to 1, is how often `seed` influences the wording. Sentences and
    defects that would not fit into max_tokens are left out, the last ones first; where `count`
    returns None, all stay.
    """
    if level is EnhancementLevel.OFF:
        return Enhancement(prompt, negative, "")
    context = context_of(prompt)
    # In a script that no lexicon covers, nothing could be checked against the prompt.
    light = level is EnhancementLevel.LIGHT or is_foreign(context.reading.text.replace(MASK, ""))
    groups = plain(prompt, context) if light else implied(prompt, context, seed, variety)
    fitting = _fitting(prompt, groups, context.spoken, style, count, max_tokens)
    added = _text(fitting, context.spoken, style)
    if negative_works and not negative:
        ours = DEFAULT_NEGATIVE[context.spoken] if light else _negative(prompt, context.spoken)
        negative = within(ours, partial(_fits, count, max_tokens))
    return Enhancement(_join(prompt, added, context.spoken, style), negative, added)


def addition(prompt: str, effective_prompt: str) -> str:
    """Return what `enhance` added, read back from its result; "" if nothing was."""
    stem = _stem(prompt)
    if effective_prompt == prompt or not effective_prompt.startswith(stem):
        return ""
    return effective_prompt[len(stem) :].lstrip(SENTENCE_ENDS + SOFT_ENDS)


def _negative(prompt: str, spoken: Language) -> str:
    reading = read(prompt)
    return defects(reading, main_subject(reading), spoken)


# Wording


def _fitting(
    prompt: str,
    groups: list[tuple[str, ...]],
    spoken: Language,
    style: Style,
    count: Count | None,
    max_tokens: int | None,
) -> list[tuple[str, ...]]:
    for kept in range(len(groups), 0, -1):
        text = _text(groups[:kept], spoken, style)
        if _fits(count, max_tokens, _join(prompt, text, spoken, style)):
            return groups[:kept]
    return []


def _fits(count: Count | None, max_tokens: int | None, text: str) -> bool:
    tokens = None if count is None or max_tokens is None else count(text)
    return tokens is None or max_tokens is None or tokens <= max_tokens


def _text(groups: list[tuple[str, ...]], spoken: Language, style: Style) -> str:
    if style is Style.TAGS:
        tags = map(bare, chain.from_iterable(groups))
        return ("，" if spoken == "zh" else ", ").join(tags)
    if spoken == "zh":
        return "".join("，".join(group) + "。" for group in groups)
    return " ".join(map(_sentence, groups))


def _sentence(group: tuple[str, ...]) -> str:
    *most, last = group
    text = f"{', '.join(most)} and {last}" if most else last
    return f"{text[0].upper()}{text[1:]}."


def _stem(prompt: str) -> str:
    return prompt.rstrip(SOFT_ENDS) or prompt


def _join(prompt: str, added: str, spoken: Language, style: Style) -> str:
    if not added or not prompt:
        return prompt or added
    stop, comma, space = ("。", "，", "") if spoken == "zh" else (".", ",", " ")
    stem = _stem(prompt)
    if not stem.endswith(tuple(SENTENCE_ENDS + SOFT_ENDS)):
        stem += comma if style is Style.TAGS else stop
    return f"{stem}{space}{added}"
