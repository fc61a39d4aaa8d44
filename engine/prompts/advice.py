"""Find parts of a prompt that have no effect, or another effect than intended. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from engine.prompts.reading import FLAG, LORA_TAG, Reading, mask, without_quotes

Count = Callable[[str], int | None]
"""Returns how many tokens the model would read, chat template included; None if not known yet."""


class Hint(StrEnum):
    """A kind of advice about a prompt."""

    TOO_LONG = "too_long"
    """More tokens than the model reads."""
    QUALITY_TAGS = "quality_tags"
    """Asks for quality that Turbo gives anyway ("8k, masterpiece")."""
    SETTINGS = "settings"
    """Steps, guidance and the like have their own options; in a prompt they are just words."""
    NEGATION = "negation"
    """A model draws what it reads, with or without a "no" before it."""
    WEIGHTS = "weights"
    """(word:1.3), ((word)) and word::2 have no effect."""
    OTHER_SYNTAX = "other_syntax"
    """__wildcard__, 2$$, [a|b], BREAK and addresses of pictures have no effect."""
    FLAGS = "flags"
    """Midjourney's flags, such as --ar 16:9."""
    LORA_TAGS = "lora_tags"
    """<lora:name:0.8>, which the caller may have taken out before if it can load that LoRA."""
    QUOTED_TEXT = "quoted_text"
    """Not a problem: this will be drawn as lettering."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One hint and the words that it is about.

    words: as written, in order. tokens, max_tokens: with TOO_LONG only.
    """

    hint: Hint
    words: tuple[str, ...] = ()
    tokens: int | None = None
    max_tokens: int | None = None


_WEIGHT = re.compile(
    r"\([^()\x1f]{1,200}?:\s*\d+(?:\.\d+)?\s*\)|\(\([^()]{1,200}\)\)|\[\[[^\[\]]{1,200}\]\]"
    r"|[^\W_]+::-?(?:\d+(?:\.\d+)?|\.\d+)"
)
# Dynamic Prompts' wildcards and picks; A1111's alternating and scheduled words.
_OTHER_SYNTAX = re.compile(
    r"(?<!\w)__[^\W_][\w./*-]{0,80}?__(?!\w)|(?<![\w$])\d{1,2}(?:-\d{1,2})?\$\$"
    r"|\[[^\[\]|｜\n\x1f]{0,100}(?:[|｜][^\[\]|｜\n\x1f]{0,100})+\]"
    r"|\[[^\[\]:\n\x1f]{0,100}:(?:[^\[\]:\n\x1f]{0,100}:)?\s*\d+(?:\.\d+)?\s*\]"
    # A1111's keywords, which stand in capitals between parts that do not.
    r"|(?<=[\s,])(?:BREAK|AND|ADDBASE|ADDCOMM|ADDCOL|ADDROW)(?=[\s,]+[^\sA-Z])"
    # Of pictures; elsewhere an address may be lettering.
    r"|https?://[^\s<>]+\.(?:png|jpe?g|webp|gif|bmp|avif)(?:[?#][^\s<>]*[\w=&])?(?!\w)"
)
_PROMPT_WEIGHT = re.compile(r"[^\W_]+::(?:-?\d+(?:\.\d+)?)?(?![\w:])")
_QUALITY = re.compile(
    r"(?<![\w-])(?:(?:4|8|16|32)k(?:\s+(?:uhd|resolution|wallpaper))?|u?hdr?|uhd|masterpiece"
    r"|(?:best|high|highest|top|ultra|super|amazing)[ -]quality"
    r"|(?:ultra|hyper|highly|extremely|super|insanely)[ -]?detailed"
    r"|(?:ultra|hyper)[ -]?realistic|(?:ultra[ -])?high[ -]res(?:olution)?|award[ -]winning"
    r"|trending on artstation|artstation|best shot|intricate details?)(?![\w-])"
    r"|(?:超|全)?高清(?:画质)?|超清|杰作|(?:最佳|最高|极高|高)(?:质量|画质|品质)|大师(?:级)?作品"
    r"|超(?:级)?(?:精细|细节|写实)|获奖作品|(?<![\w-])[48][kK](?=[\u3400-\u9fff])",
    re.IGNORECASE,
)
_SETTING = re.compile(
    r"(?<![\w-])(?:(?:sampling )?steps?\s*[:=]\s*\d+|(?:sampling )steps?\s*\d+"
    r"|steps\s+\d+|(?:cfg|guidance)(?:[ _-]?scale)?\s*[:=]?\s*\d+(?:\.\d+)?"
    r"|cfg(?:[ _-]?scale)?(?!\w)|seed\s*[:=]?\s*\d+|sampler\s*[:=]?\s*[\w+]+"
    r"|clip[ _-]skip\s*[:=]?\s*\d+"
    r"|denoising(?: strength)?\s*[:=]?\s*[\d.]+|euler a(?!\w)|dpm\+\+(?:\s*\w+)?)"
    r"|(?:(?<=^)|(?<=[,;，；] )|(?<=[,;，；]))\d+ steps(?=\s*(?:$|[,;.，；。]))"
    r"|(?:步数|采样步数|引导(?:系数|强度)?|种子|采样器)\s*[:：=]?\s*\d+(?:\.\d+)?|\d+\s*步(?=$|[，,；;。])",
    re.IGNORECASE,
)


def advise(
    prompt: str, reading: Reading, tokens: int | None, max_tokens: int | None
) -> tuple[Advice, ...]:
    """Return all advice about the prompt, the most serious first."""
    found: list[Advice] = []
    if tokens is not None and max_tokens is not None and tokens > max_tokens:
        found.append(Advice(Hint.TOO_LONG, tokens=tokens, max_tokens=max_tokens))
    # There is no advice about lettering.
    text = without_quotes(prompt)
    denied = tuple(prompt[start:end].strip() for start, end in reading.whole)
    for hint, words in (
        (Hint.NEGATION, denied),
        (Hint.WEIGHTS, _all(_WEIGHT, mask(text, LORA_TAG))),
        (Hint.OTHER_SYNTAX, _all(_OTHER_SYNTAX, text)),
        (Hint.FLAGS, _all(FLAG, text)),
        (Hint.LORA_TAGS, _all(LORA_TAG, text)),
        (Hint.SETTINGS, _settings(text)),
        (Hint.QUALITY_TAGS, _all(_QUALITY, _unflagged(text))),
        (Hint.QUOTED_TEXT, tuple(quote for quote in reading.quotes if quote)),
    ):
        if words:
            found.append(Advice(hint, tuple(dict.fromkeys(words))))
    return tuple(found)


def idle_syntax(prompt: str) -> tuple[str, ...]:
    """Return what other programs obey and the model reads as words: wildcards, picks, `[a|b]`,
    BREAK, and addresses of pictures.

    What `inert_syntax` returns is not among it.
    """
    return _undone(prompt)[1]


def lora_tags(prompt: str) -> tuple[tuple[int, int], ...]:
    """Return where `<lora:name:0.8>` begins and ends in a prompt, each time outside quotations."""
    found = LORA_TAG.finditer(without_quotes(prompt))
    return tuple(each.span() for each in found if "hypernet" not in each[0].lower().split(":")[0])


def inert_syntax(prompt: str) -> tuple[str, ...]:
    """Return the weights, LoRA tags and settings in a prompt, which do nothing; each once.

    Much quicker than `advise`: it needs no reading of the prompt.
    """
    return _undone(prompt)[0]


def _undone(prompt: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return inert and idle syntax in order, each once; of what overlaps only the longest."""
    text = without_quotes(prompt)
    inert = chain(
        _WEIGHT.finditer(mask(text, LORA_TAG)),
        LORA_TAG.finditer(text),
        _SETTING.finditer(_unflagged(text)),
    )
    idle = chain(_OTHER_SYNTAX.finditer(text), _PROMPT_WEIGHT.finditer(text))
    # Sorting is stable: of equally long ones, the inert syntax comes first.
    found = [(match, True) for match in inert] + [(match, False) for match in idle]
    found.sort(key=lambda each: each[0].start() - each[0].end())
    taken: set[int] = set()
    kept: list[tuple[int, str, bool]] = []
    for match, is_inert in found:
        places = range(*match.span())
        if taken.isdisjoint(places):
            taken.update(places)
            kept.append((match.start(), match[0].strip(), is_inert))
    kept.sort()
    first, second = (
        tuple(dict.fromkeys(words for _, words, is_inert in kept if is_inert == wanted))
        for wanted in (True, False)
    )
    return first, second


def _settings(text: str) -> tuple[str, ...]:
    return _all(_SETTING, _unflagged(text))


def _unflagged(text: str) -> str:
    return mask(mask(text, LORA_TAG), FLAG)


def _all(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(match[0].strip() for match in pattern.finditer(text))
