"""Find what a prompt is about, in the words it was written in. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.prompts.advice import Advice, Count, advise
from engine.prompts.concepts import ConceptKind, Sense
from engine.prompts.language import Language, is_foreign, is_han, language
from engine.prompts.reading import MASK, WORD, Mention, Reading, read


@dataclass(frozen=True, slots=True)
class Analysis:
    """The analysis of a prompt: words as written, in order, each once, without denied ones.

    subject: the main phrase, "" if none was found. tokens: None while the count is not known.
    """

    language: Language
    subject: str
    styles: tuple[str, ...]
    materials: tuple[str, ...]
    lights: tuple[str, ...]
    places: tuple[str, ...]
    times: tuple[str, ...]
    weathers: tuple[str, ...]
    colours: tuple[str, ...]
    tokens: int | None
    advice: tuple[Advice, ...]


_PLACE_AS_SUBJECT = {
    Sense.MOUNTAIN: Sense.LANDSCAPE,
    Sense.SEA: Sense.LANDSCAPE,
    Sense.LAKE: Sense.LANDSCAPE,
    Sense.FOREST: Sense.LANDSCAPE,
    Sense.DESERT: Sense.LANDSCAPE,
    Sense.COUNTRYSIDE: Sense.LANDSCAPE,
    Sense.CITY: Sense.CITY,
    Sense.INDOOR: Sense.INDOOR,
    Sense.SPACE: Sense.SPACE,
    Sense.UNDERWATER: Sense.UNDERWATER,
}
# Chinese puts the head last; a living thing is the subject wherever it stands.
_RANKS_ZH = (
    Sense.PORTRAIT, Sense.PERSON, Sense.ANIMAL, Sense.BIRD, Sense.SCALY, Sense.INSECT,
    Sense.CREATURE, Sense.ROBOT, Sense.LETTERING, Sense.FOOD, Sense.PRODUCT, Sense.VEHICLE,
    Sense.FLOWER, Sense.BUILDING, Sense.TREE, Sense.LANDSCAPE,
)  # fmt: skip
_LIVING = frozenset(_RANKS_ZH[2:8])
_BOUNDARIES_EN = frozenset({
    "of", "on", "in", "at", "with", "by", "near", "under", "over", "above", "below", "beneath",
    "beside", "behind", "before", "after", "between", "among", "around", "across", "along",
    "through", "against", "from", "into", "during", "while", "who", "which", "that", "and",
    "featuring", "showing", "depicting", "as", "to", "without", "no",
})  # fmt: skip
_MEASURES = frozenset({
    "bowl", "cup", "plate", "glass", "bottle", "group", "pair", "slice", "piece", "pile", "herd",
    "flock", "stack", "row", "bunch", "basket", "pot", "box", "jar", "mug", "field", "kind",
    "crowd", "swarm", "bouquet",
})  # fmt: skip
_CLAUSE = re.compile(r"[^,.;:!?()\[\]{}|/，。；：！？、（）\x1f\n]+")
_LEADING_ZH = re.compile(r"^(?:[的里中上下内外边旁间时处前后]|时分|之中|有|画|着|在|一幅|一张)+")


def analyse(prompt: str, *, count: Count | None = None, max_tokens: int | None = None) -> Analysis:
    """Analyse a cleaned text of any language. Never raises."""
    reading = read(prompt)
    tokens = count(prompt) if count is not None else None
    return Analysis(
        language=language(prompt),
        subject=_subject_phrase(prompt, reading),
        styles=_words(reading, ConceptKind.STYLE),
        materials=_words(reading, ConceptKind.MATERIAL),
        lights=_words(reading, ConceptKind.LIGHT),
        places=_words(reading, ConceptKind.PLACE),
        times=_words(reading, ConceptKind.TIME),
        weathers=_words(reading, ConceptKind.WEATHER),
        colours=_words(reading, ConceptKind.COLOUR),
        tokens=tokens,
        advice=advise(prompt, reading, tokens, max_tokens),
    )


def main_subject(reading: Reading) -> Sense | None:
    """Return the subject, as far as the lexicons know it; a place if there is nothing else."""
    mention = _main_mention(reading)
    if mention is None:
        return None
    sense = mention.sense(ConceptKind.SUBJECT)
    place = mention.sense(ConceptKind.PLACE)
    return sense or (_PLACE_AS_SUBJECT.get(place) if place else None)


def main_place(reading: Reading) -> Sense | None:
    """Return the first place that is more than "outside"."""
    places = (each.sense(ConceptKind.PLACE) for each in reading.mentions if not each.denied)
    return next((each for each in places if each in _PLACE_AS_SUBJECT), None)


def _words(reading: Reading, kind: ConceptKind) -> tuple[str, ...]:
    found = (each.text for each in reading.mentions if each.is_a(kind) and not each.denied)
    return tuple(dict.fromkeys(found))


def _main_mention(reading: Reading) -> Mention | None:
    asked = [each for each in reading.mentions if not each.denied]
    subjects = [each for each in asked if each.is_a(ConceptKind.SUBJECT)]
    # "An oil painting of" names no subject, nor does the style of a logo; but lettering may be
    # both.
    if not subjects:
        places = (each for each in asked if each.sense(ConceptKind.PLACE) in _PLACE_AS_SUBJECT)
        return next(places, None)
    first = subjects[0]
    if language(reading.text) == "zh":
        first = min(subjects, key=lambda each: (_rank(each), each.start))
    if first.sense(ConceptKind.SUBJECT) is Sense.PORTRAIT:
        # A cat's portrait is a picture of a cat.
        living = (each for each in subjects if each.sense(ConceptKind.SUBJECT) in _LIVING)
        return next(living, first)
    return first


def _rank(mention: Mention) -> int:
    sense = mention.sense(ConceptKind.SUBJECT)
    return _RANKS_ZH.index(sense) if sense in _RANKS_ZH else len(_RANKS_ZH)


def _subject_phrase(prompt: str, reading: Reading) -> str:
    mention = _main_mention(reading)
    if mention is not None and mention.sense(ConceptKind.SUBJECT) is Sense.PORTRAIT:
        mention = _portrayed(reading) or mention
    if mention is None:
        return _first_phrase(prompt, reading)
    clause = _clause_at(reading.text, mention)
    if any(is_han(each) for each in mention.text):
        return _phrase_zh(prompt, reading, clause, mention)
    start, end = _phrase_en(reading.text, clause, mention)
    return prompt[start:end].strip()


def _portrayed(reading: Reading) -> Mention | None:
    people = (each for each in reading.mentions if not each.denied)
    return next((each for each in people if each.sense(ConceptKind.SUBJECT) is Sense.PERSON), None)


def _clause_at(text: str, mention: Mention) -> tuple[int, int]:
    for match in _CLAUSE.finditer(text):
        if match.start() <= mention.start < match.end():
            return match.span()
    return mention.start, mention.end


def _phrase_en(text: str, clause: tuple[int, int], mention: Mention) -> tuple[int, int]:
    """Return the words around the mention, up to the next preposition on either side."""
    start, end = clause
    last = ""
    for word in WORD.finditer(text, *clause):
        lower, before = word[0].lower(), last
        last = lower
        if lower not in _BOUNDARIES_EN or (lower == "of" and before in _MEASURES):
            continue
        if word.end() <= mention.start:
            start = word.end()
        elif word.start() >= mention.end:
            end = word.start()
            break
    return start, end


def _phrase_zh(prompt: str, reading: Reading, clause: tuple[int, int], mention: Mention) -> str:
    """Return the words from the time or place before the mention up to its end."""
    start, end = clause[0], mention.end
    for other in reading.mentions:
        ends = (
            other.is_a(ConceptKind.TIME)
            or other.is_a(ConceptKind.PLACE)
            or other.is_a(ConceptKind.STYLE)
        )
        if ends and start < other.end <= mention.start:
            start = other.end
        if other.start == end and (
            other.is_a(ConceptKind.PLACE) or other.is_a(ConceptKind.SUBJECT)
        ):
            end = other.end
    for _, denied_end in reading.whole:
        if start < denied_end <= mention.start:
            start = denied_end
    bare = _LEADING_ZH.sub("", prompt[start:end].strip())
    return bare or mention.text


def _first_phrase(prompt: str, reading: Reading) -> str:
    if is_foreign(reading.text.replace(MASK, "")):
        match = _CLAUSE.search(reading.text)
        return prompt[match.start() : match.end()].strip() if match else ""
    asked = "".join(
        MASK if any(start <= index < end for start, end in reading.whole) else character
        for index, character in enumerate(reading.text)
    )
    for match in _CLAUSE.finditer(asked):
        for start, end in _parts(asked, match.span()):
            if _says_what(reading, start, end, asked):
                return prompt[start:end].strip()
    return ""


def _parts(text: str, clause: tuple[int, int]) -> list[tuple[int, int]]:
    start, parts, last = clause[0], list[tuple[int, int]](), ""
    for word in WORD.finditer(text, *clause):
        lower, before = word[0].lower(), last
        last = lower
        if lower in _BOUNDARIES_EN and not (lower == "of" and before in _MEASURES):
            parts.append((start, word.start()))
            start = word.end()
    return [*parts, (start, clause[1])]


def _says_what(reading: Reading, start: int, end: int, text: str) -> bool:
    """Whether letters remain that no style, time or other such word accounts for."""
    rest = list(text[start:end])
    for each in reading.mentions:
        if start <= each.start < end:
            rest[each.start - start : each.end - start] = " " * (each.end - each.start)
    words = [word[0].lower() for word in WORD.finditer("".join(rest))]
    han = any(is_han(character) for character in rest)
    return han or any(word not in {"a", "an", "the"} for word in words)
