"""Check whether what a language model wrote about a prompt can be painted from. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from enum import Enum, auto
from itertools import pairwise

from engine.prompts import Count, Language, analyse, clean
from engine.prompts.concepts import ConceptKind, Sense
from engine.prompts.language import is_han
from engine.prompts.reading import Reading, read, stems

MAX_WORDS = 80
MAX_HAN = 160
"""Sentences beyond this many words, or Chinese characters, are dropped. Chosen by hand: the
expander asks for 60 words or 90 characters, and models overshoot."""


class Flaw(Enum):
    """Why a text cannot be used. LETTERING: quotations of its own would be drawn as text."""

    EMPTY = auto()
    CHAT = auto()
    MARKUP = auto()
    LETTERING = auto()
    LANGUAGE = auto()
    LOOP = auto()
    CONTRADICTION = auto()
    SUBJECT = auto()
    TOO_LONG = auto()


_ENDS, _PAUSES = ".!?…。！？", " ,，、;；"
_SENTENCE = re.compile(r".+?(?:[.!?…]+[\"'”’)]*(?=\s|$)|[。！？…]+[”’」』）]*)")
_LATIN_WORD = re.compile(r"(?:(?![\u3400-\u9fff])[^\W\d_])+")
_QUOTES = '"“”„「」『』«»《》'
_QUOTED = re.compile(f"[{_QUOTES}]([^{_QUOTES}]+)[{_QUOTES}]")
_CHAT = re.compile(
    r"[<>]|\b(?:system|user|assistant) ?:|\b(?:as an ai|language model|the (?:user|prompt))\b"
    r"|^(?:sure|certainly|of course|ok(?:ay)?|here(?:['’]s| is| are)|i|i['’](?:m|ll|d)|sorry"
    r"|let(?:['’]s| me)|(?:\w+ )?(?:prompt|description|caption)(?= ?:))\b"
    r"|^(?:好的|当然|以下|您好|你好|抱歉|对不起|我|这是(?:扩展|优化|补充|根据|为))"
    r"|提示词|用户|人工智能|字数",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"[*#`|_~\\{}\[\]\ufffd]|https?:|^(?:[-•–—·]|\(?\d+[.)、）])|\s--\w|\(\D[^()]*:\d"
    r"|[\s；;,，]\(?\d[)、）]"
)
_FUNCTION_WORD = re.compile(
    r"an?|the|of|and|with|in|on|its?|is|are|by|from|to|as|at|that|this|under|over|across|through"
    r"|while|their|his|her|into|against|behind|beneath|along|near"
)
_DAY = (
    Sense.DAWN, Sense.MORNING, Sense.NOON, Sense.AFTERNOON, Sense.GOLDEN_HOUR, Sense.SUNSET,
    Sense.DUSK, Sense.NIGHT,
)  # fmt: skip
_GREYS = ("black", "white", "grey", "gray", "silver", *"黑白灰银", "黑色", "白色", "灰色", "银色")
_MEASURE = re.compile(r"^[一二两三四五六七八九十几\d]+[只条位名座幅朵匹头辆艘棵张片群对件把个]?")


def compose(
    prompt: str, raw: str, *, finished: bool, language: Language, count: Count, max_tokens: int
) -> str | Flaw:
    """Return the prompt with the usable part of a model's answer, or what is wrong with the answer.

    Whole sentences only, up to the first that contradicts the prompt, as many as fit. finished:
    whether the model ended the answer itself, so that its last words are a sentence too.
    """
    echoed, glue, text = _apart(prompt, _paragraph(raw), language)
    if flaw := _flaw_of_form(prompt, text):
        return flaw
    sentences = _sentences(text, finished, language)
    reading = read(prompt)
    kept = sentences[: next((i for i, one in enumerate(sentences) if _fights(reading, one)), None)]
    if sentences and not kept:
        return Flaw.CONTRADICTION
    space = "" if language == "zh" else " "
    if flaw := _flaw_of_words(prompt, space.join(kept), language):
        return flaw
    if not echoed and not _names_subject(prompt, " ".join(kept)):
        return Flaw.SUBJECT
    while kept:
        added = space.join(kept)
        tokens = count(prompt + glue + added)
        if _is_brief(added) and (tokens is None or tokens <= max_tokens):
            return prompt + glue + added
        kept.pop()
    return Flaw.TOO_LONG


def _paragraph(raw: str) -> str:
    """Return the first paragraph, cleaned, without quotation marks around all of it."""
    first = next((line for line in raw.splitlines() if line.strip()), "")
    text = clean(first.rstrip("\ufffd"))  # an incomplete character, where time ran out
    return text[1:-1].strip() if _QUOTED.fullmatch(text) else text


def _apart(prompt: str, text: str, language: Language) -> tuple[bool, str, str]:
    """Whether the answer repeats the prompt first; also the separator and what it adds."""
    stop, space = ("。", "") if language == "zh" else (". ", " ")
    glue = space if prompt.endswith(tuple(_ENDS + _PAUSES)) else stop
    stem = prompt.rstrip(_ENDS + _PAUSES)
    rest = text[len(stem) :]
    words_end = not rest[:1].isalnum() or is_han(rest[0])
    if not stem or text[: len(stem)].casefold() != stem.casefold() or not words_end:
        return False, glue, text
    bare = rest.lstrip(_PAUSES)
    if prompt == stem and not bare.startswith(tuple(_ENDS)):
        return True, rest[: len(rest) - len(bare)], bare
    bare = bare.lstrip(_ENDS + _PAUSES)
    return True, glue, bare[:1].upper() + bare[1:]


def _sentences(text: str, finished: bool, language: Language) -> list[str]:
    found = [match.group() for match in _SENTENCE.finditer(text)]
    tail = text[sum(map(len, found)) :].strip(_PAUSES)
    if finished and tail:
        found.append(tail + ("。" if language == "zh" else "."))
    return [sentence.strip() for sentence in found]


def _flaw_of_form(prompt: str, text: str) -> Flaw | None:
    if not any(map(str.isalpha, text)):
        return Flaw.EMPTY
    if _CHAT.search(text):
        return Flaw.CHAT
    if _MARKUP.search(text):
        return Flaw.MARKUP
    asked = prompt.casefold()
    unquoted = _QUOTED.sub(lambda one: "" if one[1].casefold() in asked else one[0], text)
    return Flaw.LETTERING if any(mark in unquoted for mark in _QUOTES) else None


def _flaw_of_words(prompt: str, text: str, language: Language) -> Flaw | None:
    if not _is_in(language, text, prompt):
        return Flaw.LANGUAGE
    words = _units(text, language)
    if len(words) < 4:
        return Flaw.EMPTY
    run = 4 if language == "zh" else 3
    runs = Counter(zip(*(words[shift:] for shift in range(run)), strict=False))
    same = any(len(set(words[at : at + run])) == 1 for at in range(len(words) - run + 1))
    return Flaw.LOOP if same or max(runs.values()) > 2 or max(map(len, words)) > 30 else None


def _units(text: str, language: Language) -> list[str]:
    """Split into words, or Chinese characters."""
    return [*filter(is_han, text)] if language == "zh" else _LATIN_WORD.findall(text.lower())


def _is_brief(text: str) -> bool:
    return len(_units(text, "en")) <= MAX_WORDS and len(_units(text, "zh")) <= MAX_HAN


def _is_in(language: Language, text: str, prompt: str) -> bool:
    """Whether everything is in the language, except for words that the prompt uses too."""
    own = [each for each in text if each.isalpha() and each not in prompt]
    if any(not is_han(each) and "LATIN" not in unicodedata.name(each, "") for each in own):
        return False
    words = _units(text, "en")
    if language == "en":
        idle = sum(1 for word in words if _FUNCTION_WORD.fullmatch(word))
        return not any(map(is_han, own)) and (len(words) < 8 or idle * 10 >= len(words))
    strange = sum(len(word) for word in words if word not in prompt.lower())
    return strange * 10 <= len(_units(text, "zh"))


def _names_subject(prompt: str, text: str) -> bool:
    """Whether it contains a word of the prompt's main phrase other than its colour and the like."""
    found = analyse(prompt)
    if any(map(is_han, found.subject)):
        head = _MEASURE.sub("", found.subject)[-1:] or found.subject
        return head in text
    aspects = (
        found.colours,
        found.materials,
        found.styles,
        found.lights,
        found.times,
        found.weathers,
    )
    beside = {stem for words in aspects for word in words for stem in stems(word)}
    own = set(stems(found.subject or prompt))
    return not own or bool((own - beside or own) & set(stems(text)))


def _fights(prompt: Reading, sentence: str) -> bool:
    """Whether it mentions what the prompt denies, or another time, style or colour."""
    for start, end in prompt.denials:
        denied = prompt.text[start:end]
        han = "".join(filter(is_han, denied))
        pairs = [a + b for a, b in pairwise(han)] or [han]
        if set(stems(denied)) & set(stems(sentence)) or any(
            one and one in sentence for one in pairs
        ):
            return True
    found = read(sentence)
    times = _senses(prompt, ConceptKind.TIME) & set(_DAY)
    near = {each for one in times for each in _DAY[max(0, _DAY.index(one) - 1) :][:3]}
    styles = _senses(prompt, ConceptKind.STYLE)
    grey = Sense.MONOCHROME in styles
    hues = {one.text.lower() for one in found.mentions if one.is_a(ConceptKind.COLOUR)}
    return bool(
        (times and (_senses(found, ConceptKind.TIME) & set(_DAY)) - near)
        or (styles and _senses(found, ConceptKind.STYLE) - styles)
        or (grey and hues.difference(_GREYS))
    )


def _senses(reading: Reading, kind: ConceptKind) -> set[Sense]:
    found = (each.sense(kind) for each in reading.mentions if not each.denied)
    return {each for each in found if each is not None}
