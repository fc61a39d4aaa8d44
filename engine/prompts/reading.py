"""Find the words of a prompt that have a known meaning, and which of them are denied. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from engine.prompts import lexicon_en, lexicon_zh
from engine.prompts.concepts import ConceptKind, Sense
from engine.prompts.language import Language, is_han

Concept = tuple[ConceptKind, Sense]
Span = tuple[int, int]

MASK = "\x1f"
"""Stands for a character that is not to be read; it ends every phrase."""

LORA_TAG = re.compile(r"<\s*(?:lora|lyco|hypernet)\s*:[^<>]{1,200}>", re.IGNORECASE)
# Phones turn two hyphens into a dash.
FLAG = re.compile(
    r"(?<!\S)(?:--|—|–)(?:"
    r"(?:ar|aspect|v|version|s|stylize|q|quality|chaos|c|weird|w|seed|stop|iw|sw|cw|sref|cref|niji"
    r"|style|repeat|r|p|profile|exp|ow|oref)(?:[ =]+[\w.:/]+)?(?!\w)"
    r"|(?:tile|hd|fast|relax|turbo|raw|draft|test|testp|video|loop|stealth|public|no)(?!\w))",
    re.IGNORECASE,
)
_SYNTAX = re.compile(rf"{LORA_TAG.pattern}|{FLAG.pattern.replace('|no)', ')')}", re.IGNORECASE)
"""Syntax that describes no picture; but --no denies like any other no."""

WORD = re.compile(r"(?:(?![\u3400-\u9fff])[^\W_])+(?:['’](?:(?![\u3400-\u9fff])[^\W_])+)*")
_QUOTED = re.compile(r'"[^"]+"|“[^”]+”|„[^“”]+[“”]|「[^」]+」|『[^』]+』|«[^»]+»|《[^》]+》')
# Prompts are written as JSON too: its keys describe nothing, its quotation marks are no lettering,
# and what should not be in the picture is not looked for.
_JSON = re.compile(r"[{,]\s*\"[^\"\n]+\"\s*:")
_JSON_SYNTAX = re.compile(
    r"\"(?:negative|avoid|exclude|without|no)(?![a-z])[^\"\n]*\"\s*:\s*(?:\"[^\"\n]*\"|\[[^\]]*\])"
    r"|\"[^\"\n]*\"\s*:|[{}\[\]]|(?<!\\)\"",
    re.IGNORECASE,
)
_LONGEST_TERM_WORDS = 5
_LONGEST_TERM_CHARS = 6
"""The longest entry that is looked up, in words and in Chinese characters."""

_DENYING = frozenset({"no", "without", "not", "never", "excluding", "exclude", "avoid", "lacking"})
_TWO_DENYING = frozenset({("free", "of"), ("don't", "include"), ("do", "not"), ("don't", "add")})
_NOT_DENYING = frozenset({"only", "just", "longer", "doubt", "matter"})
_SCOPE_ENDS = frozenset({
    "at", "on", "in", "with", "but", "under", "by", "near", "beside", "through", "during",
    "behind", "before", "after", "above", "below", "from", "into", "while", "that", "which",
    "who", "standing", "sitting", "walking", "there", "is", "are", "it", "its", "this",
})  # fmt: skip
_ARTICLES = frozenset({"a", "an", "the"})
_SCOPE_WORDS = 6
"""How many words after a denial it reaches at most. Chosen by hand."""
_DENYING_ZH = re.compile(
    r"无人机|无限|无垠|无边|无比|无数|无尽|无论|无名|无声|无敌|无花果|无聊|虚无|没落|淹没|沉没|埋没|出没|没入"
    r"|(?P<far>不要有|不要出现|不要|没有|不含|不带|不出现|无需|避免|去掉|去除|请勿|禁止|不是)"
    r"|(?P<near>无|没|勿)"
)
_SCOPE_ZH = re.compile(r"[^，。；、！？,.;!?\s\x1f的但而只在]*")
_NEAR_CHARS = 4
_FAR_CHARS = 12
"""How many characters a Chinese denial reaches, after a short word (无) and a long one (没有). By
hand."""

# Kinds whose words are names too: Dawn French, Amber Heard. A landmark's name is its subject.
_NAMES = frozenset(
    {
        ConceptKind.TIME,
        ConceptKind.LIGHT,
        ConceptKind.WEATHER,
        ConceptKind.COLOUR,
        ConceptKind.MATERIAL,
        ConceptKind.LOOK,
    }
)
_LANDMARKS = frozenset({Sense.BUILDING, Sense.LANDSCAPE})
_BEFORE_CAPITAL = frozenset({
    "at", "in", "during", "before", "after", "until", "by", "this", "the", "early", "late", "a",
    "an",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mention:
    """Words of a prompt that a lexicon knows: text[start:end], their meanings, whether denied."""

    start: int
    end: int
    text: str
    concepts: tuple[Concept, ...]
    denied: bool

    def is_a(self, kind: ConceptKind) -> bool:
        """Whether one of its meanings is of this kind."""
        return any(each is kind for each, _ in self.concepts)

    def sense(self, kind: ConceptKind) -> Sense | None:
        """Return its meaning of this kind."""
        return next((sense for each, sense in self.concepts if each is kind), None)


@dataclass(frozen=True, slots=True)
class Reading:
    """A prompt with its quotations masked, the mentions in it, and the spans that are denied.

    denials: the spans that no/without/没有 … apply to; each starts with the denying word in
    `whole`.
    """

    text: str
    quotes: tuple[str, ...]
    mentions: tuple[Mention, ...]
    denials: tuple[Span, ...]
    whole: tuple[Span, ...]

    def senses(self) -> frozenset[Sense]:
        """The senses that the prompt asks for."""
        return frozenset(s for each in self.mentions if not each.denied for _, s in each.concepts)

    def denied_senses(self) -> frozenset[Sense]:
        """The senses that the prompt asks to leave out."""
        return frozenset(s for each in self.mentions if each.denied for _, s in each.concepts)


def read(prompt: str) -> Reading:
    """Find quotations, denials and known words. Never raises."""
    plain = _without_json(prompt)
    quotes = tuple(match[0][1:-1].strip(" \\") for match in _QUOTED.finditer(plain))
    text = mask(mask(plain, _QUOTED), _SYNTAX)
    words = tuple(WORD.finditer(text))
    pairs = sorted([*_denials_en(text, words), *_denials_zh(text)])
    denials = tuple(inner for inner, _ in pairs)
    found = sorted([*_mentions_en(text, words, denials), *_mentions_zh(text, denials)], key=_start)
    return Reading(text, quotes, tuple(found), denials, tuple(whole for _, whole in pairs))


def mask(text: str, pattern: re.Pattern[str]) -> str:
    """Return the text with each character of every match replaced by a mask."""
    return pattern.sub(lambda match: MASK * len(match[0]), text)


def without_quotes(text: str) -> str:
    """Return the text with its quotations masked: they are to be drawn, not to be read.

    Those of JSON are not: there keys and signs are masked, and values are read like any words.
    """
    return mask(_without_json(text), _QUOTED)


def _without_json(text: str) -> str:
    return mask(text, _JSON_SYNTAX) if _JSON.search(text) else text


def stems(text: str) -> tuple[str, ...]:
    """Return the content words in order: lower case, singular, without articles, prepositions."""
    lowered = (stem(match[0]) for match in WORD.finditer(text))
    return tuple(each for each in lowered if each not in _IDLE)


def stem(word: str) -> str:
    """Return lower case and singular, roughly: one form for "Shadows", "shadow" and "shadow's"."""
    bare = re.sub(r"['’]s?$", "", word.lower())
    if len(bare) > 4 and bare.endswith("ies"):
        return bare[:-3] + "y"
    if len(bare) > 4 and bare.endswith(("ses", "xes", "zes", "ches", "shes")):
        return bare[:-2]
    return bare[:-1] if len(bare) > 3 and bare.endswith("s") and not bare.endswith("ss") else bare


_IDLE = frozenset({
    "a", "an", "the", "of", "and", "or", "in", "on", "to", "from", "through", "with", "by",
    "near", "at", "for", "as", "is", "are", "its", "it", "this", "that",
})  # fmt: skip


def _start(mention: Mention) -> int:
    return mention.start


def _mentions_en(
    text: str, words: tuple[re.Match[str], ...], denials: tuple[Span, ...]
) -> Iterator[Mention]:
    terms, titled = _terms("en"), _is_titled(words)
    index = 0
    while index < len(words):
        length, concepts = _longest_term(text, words, index, terms)
        if not length:
            yield from _lacking(words[index], terms)
            index += 1
            continue
        first, last = words[index], words[index + length - 1]
        start, end = first.start(), last.end()
        if not titled and _is_name(text, words, index, length):
            concepts = tuple(each for each in concepts if not _can_be_a_name(each))
        if last[0].lower().endswith(("'s", "’s")):
            # A child's drawing has no child in it.
            concepts = tuple(each for each in concepts if each[0] is not ConceptKind.SUBJECT)
        if concepts:
            lacking = text[end : end + 5].lower() == "-free"
            denied = lacking or any(low <= start < high for low, high in denials)
            yield Mention(start, end, text[start:end], concepts, denied)
        index += length


def _lacking(word: re.Match[str], terms: Mapping[str, tuple[Concept, ...]]) -> Iterator[Mention]:
    """Yield denials by suffix: shadowless denies shadows."""
    lower = word[0].lower()
    concepts = terms.get(lower.removesuffix("less"), ()) if lower.endswith("less") else ()
    if concepts:
        yield Mention(word.start(), word.end(), word[0], concepts, denied=True)


def _longest_term(
    text: str,
    words: tuple[re.Match[str], ...],
    index: int,
    terms: Mapping[str, tuple[Concept, ...]],
) -> tuple[int, tuple[Concept, ...]]:
    joined: list[str] = []
    best: tuple[int, tuple[Concept, ...]] = (0, ())
    for offset, word in enumerate(words[index : index + _LONGEST_TERM_WORDS]):
        if offset and text[words[index + offset - 1].end() : word.start()] not in {" ", "-", " & "}:
            break
        joined.append(word[0].lower().replace("’", "'"))
        concepts = _look_up(joined, terms)
        if concepts and not _is_within_a_compound(text, words[index].start(), word.end()):
            best = (offset + 1, concepts)
    return best


def _look_up(words: list[str], terms: Mapping[str, tuple[Concept, ...]]) -> tuple[Concept, ...]:
    last = re.sub(r"'s$", "", words[-1])
    for ending in (last, stem(last), last.removesuffix("es")):
        concepts = terms.get(" ".join([*words[:-1], ending]))
        if concepts:
            return concepts
    return ()


def _is_within_a_compound(text: str, start: int, end: int) -> bool:
    """Whether it is part of a compound: night-blooming is not the night, unlike shadow-free."""
    after = text[end : end + 2]
    tied = len(after) == 2 and after[0] == "-" and after[1].isalpha()
    if tied and text[end : end + 5].lower() != "-free":
        return True
    return start > 1 and text[start - 1] == "-" and text[start - 2].isalnum()


def _is_titled(words: tuple[re.Match[str], ...]) -> bool:
    """Whether capitals mean nothing here, as in Titles Of This Kind and in ALL CAPITALS."""
    capital = sum(1 for word in words if word[0][0].isupper())
    return len(words) > 3 and capital * 10 >= len(words) * 6


def _is_name(text: str, words: tuple[re.Match[str], ...], index: int, length: int) -> bool:
    if not all(_is_capitalised(word[0]) for word in words[index : index + length]):
        return False
    before = words[index - 1] if index else None
    after = words[index + length] if index + length < len(words) else None
    last = words[index + length - 1]
    if after is not None and text[last.end() : after.start()] == " " and _is_capitalised(after[0]):
        return True
    if before is None or text[before.end() : words[index].start()] != " ":
        return False
    return before[0].lower() not in _BEFORE_CAPITAL


def _is_capitalised(word: str) -> bool:
    return word[0].isupper() and not (len(word) > 1 and word.isupper())


def _can_be_a_name(concept: Concept) -> bool:
    kind, sense = concept
    return kind in _NAMES or (kind is ConceptKind.SUBJECT and sense not in _LANDMARKS)


def _mentions_zh(text: str, denials: tuple[Span, ...]) -> Iterator[Mention]:
    terms = _terms("zh")
    index = 0
    while index < len(text):
        if not is_han(text[index]):
            index += 1
            continue
        for length in range(_LONGEST_TERM_CHARS, 0, -1):
            term = text[index : index + length]
            if term in terms and len(term) == length:
                denied = any(low <= index < high for low, high in denials)
                yield Mention(index, index + length, term, terms[term], denied)
                index += length
                break
        else:
            index += 1


def _denials_en(text: str, words: tuple[re.Match[str], ...]) -> Iterator[tuple[Span, Span]]:
    lower = [word[0].lower().replace("’", "'") for word in words]
    index = 0
    while index < len(words):
        pair = (lower[index], lower[index + 1]) if index + 1 < len(words) else ("", "")
        first = index + 2 if pair in _TWO_DENYING else index + 1
        denies = pair in _TWO_DENYING or lower[index] in _DENYING
        tied = text[words[index].end() : words[index].end() + 1] == "-"
        if not denies or tied or pair[1] in _NOT_DENYING:
            index += 1
            continue
        last = _scope_end(text, words, lower, first)
        if last > first:
            end = words[last - 1].end()
            yield (words[first].start(), end), (words[index].start(), end)
        index = max(last, index + 1)


def _scope_end(text: str, words: tuple[re.Match[str], ...], lower: list[str], first: int) -> int:
    """Return the index after the last word that a denial before `first` reaches."""
    last = first
    while last < min(len(words), first + _SCOPE_WORDS):
        gap = text[words[last - 1].end() : words[last].start()]
        article_next = last + 1 < len(words) and lower[last + 1] in _ARTICLES
        if (
            gap.strip(" -")
            or lower[last] in _SCOPE_ENDS | _DENYING
            or (lower[last] == "and" and article_next)
        ):
            break
        last += 1
    while last > first and lower[last - 1] in {"and", "or"}:
        last -= 1
    return last


def _denials_zh(text: str) -> Iterator[tuple[Span, Span]]:
    position = 0
    while match := _DENYING_ZH.search(text, position):
        position = match.end()
        if match["far"] or match["near"]:
            reach = _FAR_CHARS if match["far"] else _NEAR_CHARS
            scope = _SCOPE_ZH.match(text, position, min(len(text), position + reach))
            if scope and scope[0]:
                position = scope.end()
                yield scope.span(), (match.start(), position)


@cache
def _terms(spoken: Language) -> Mapping[str, tuple[Concept, ...]]:
    lexicon = lexicon_en.WORDS if spoken == "en" else lexicon_zh.WORDS
    terms: dict[str, tuple[Concept, ...]] = {}
    for kind, senses in lexicon.items():
        for sense, listed in senses.items():
            for term in listed.split(", "):
                terms[term] = (*terms.get(term, ()), (kind, sense))
    return terms
