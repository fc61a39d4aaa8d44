"""Select phrases for a prompt: implied by it, not contradicting it, not in it yet. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, auto
from functools import cache
from itertools import chain, pairwise
from random import Random

from engine.prompts import lighting, quality, subjects
from engine.prompts.analysis import main_place, main_subject
from engine.prompts.concepts import DENIED, FIGHTS, ConceptKind, Sense, Topic
from engine.prompts.language import Language, is_han, language
from engine.prompts.phrases import Phrase, Slot
from engine.prompts.reading import MASK, Reading, read, stems, without_quotes

SENTENCE_ENDS = ".!?…。！？"
SOFT_ENDS = " ,，、;；"


class Group(StrEnum):
    """A sentence's purpose: a prompt that has any phrase of a group gets no more of it."""

    LIGHT = auto()
    SUBJECT = auto()
    QUALITY = auto()
    EXTRA = auto()


@dataclass(frozen=True, slots=True)
class Context:
    """The user's own words, as far as a phrase must not contradict or repeat them.

    words: its content words as stems. used: stems, or for Chinese pairs of characters, of our own
    phrases that are already in it.
    """

    reading: Reading
    words: tuple[str, ...]
    spoken: Language
    senses: frozenset[Sense]
    blocked: frozenset[Topic]
    denied: tuple[str, ...]
    found: frozenset[Group]
    used: frozenset[str]


# What is known of the prompt


def context_of(prompt: str) -> Context:
    """Read the prompt without our own phrases in it, which do not count."""
    found, masked = _own(prompt)
    reading = read(masked)
    senses, denied = reading.senses(), reading.denied_senses()
    blocked = {topic for topic, against in FIGHTS.items() if against & senses}
    blocked.update(*(DENIED[sense] for sense in denied if sense in DENIED))
    if _has_coloured_time(reading):
        blocked |= {Topic.GOLD, Topic.COLOUR}
    return Context(
        reading=reading,
        words=stems(reading.text),
        spoken=language(prompt),
        senses=senses,
        blocked=frozenset(blocked),
        denied=tuple(reading.text[start:end] for start, end in reading.denials),
        found=frozenset(group for group, _ in found),
        used=frozenset(chain.from_iterable(_marks(wording) for _, wording in found)),
    )


def _has_coloured_time(reading: Reading) -> bool:
    """Whether the prompt gives the light a colour, as in a pink dawn."""
    for first, second in pairwise(reading.mentions):
        between = reading.text[first.end : second.start].strip(" 的")
        if first.is_a(ConceptKind.COLOUR) and second.is_a(ConceptKind.TIME) and not between:
            return True
    return False


def _own(prompt: str) -> tuple[tuple[tuple[Group, str], ...], str]:
    """Return our own phrases in a prompt, and the prompt with them masked."""
    unquoted = without_quotes(prompt)
    lowered = unquoted.lower()
    found = tuple((group, wording) for wording, group in _wordings() if wording in lowered)
    masked = prompt
    for _, wording in found:
        pattern = re.compile(rf"(?:\b(?:a|an) )?{re.escape(wording)}", re.IGNORECASE)
        masked = pattern.sub(lambda match: MASK * len(match[0]), masked)
    return found, masked


@cache
def _wordings() -> tuple[tuple[str, Group], ...]:
    """Return every possible addition, the longest first, in the form it has in a sentence."""
    slots: dict[Group, list[Slot]] = {
        Group.LIGHT: [
            *chain.from_iterable(lighting.LIGHT_OUTDOORS.values()),
            *chain.from_iterable(lighting.LIGHT_INDOORS.values()),
            *chain.from_iterable(lighting.LIGHT_OF_WEATHER.values()),
            *lighting.NIGHT_CITY,
        ],
        Group.SUBJECT: [*chain.from_iterable(subjects.IMPLIED.values())],
        Group.QUALITY: [*quality.PLAIN_QUALITY, *chain.from_iterable(quality.QUALITY.values())],
        Group.EXTRA: [quality.EXTRAS],
    }
    every = {
        bare(wording): group
        for group, listed in slots.items()
        for phrase in chain.from_iterable(listed)
        for wording in (*phrase.en, *phrase.zh)
    }
    return tuple(sorted(every.items(), key=lambda item: -len(item[0])))


# Candidates

_SAME_LIGHT = (
    frozenset({Sense.DAWN, Sense.MORNING, Sense.GOLDEN_HOUR}),
    frozenset({Sense.AFTERNOON, Sense.GOLDEN_HOUR, Sense.SUNSET, Sense.DUSK}),
    frozenset({Sense.DUSK, Sense.NIGHT}),
)
_PLAIN_FIGHTS = frozenset(
    {Sense.BLURRY, Sense.BOKEH, Sense.GRAINY, Sense.MINIMAL, Sense.FLAT, Sense.CHAOTIC}
)
_PHOTOGRAPHIC = frozenset({Sense.PHOTO, Sense.FILM, Sense.MONOCHROME})
_SETTING = frozenset({Sense.MONOCHROME, Sense.OTHER_STYLE})


def plain(prompt: str, context: Context) -> list[tuple[str, ...]]:
    wordings = [slot[0].wordings(context.spoken)[0] for slot in quality.PLAIN_QUALITY]
    lowered = prompt.lower()
    there = all(bare(each) in lowered for each in wordings) or _ends_in_ours(prompt)
    fights = context.senses & _PLAIN_FIGHTS or any(_is_denied(each, context) for each in wordings)
    return [] if there or fights else [tuple(wordings)]


def implied(prompt: str, context: Context, seed: int, variety: float) -> list[tuple[str, ...]]:
    """Return the sentences that fit, as their phrases."""
    if _ends_in_ours(prompt):
        return []
    used = set(context.used)
    made: list[tuple[str, ...]] = []
    for group, slots in (
        (Group.LIGHT, _light_slots(context)),
        (Group.SUBJECT, _subject_slots(context)),
        (Group.EXTRA, _extra_slots(seed, variety)),
        (Group.QUALITY, _quality_slots(context)),
    ):
        if group in context.found:
            continue
        chosen: list[str] = []
        for slot in slots:
            wording = _choose(slot, context, used, seed, variety)
            if wording is not None:
                chosen.append(wording)
                used |= _marks(wording)
        if group is Group.EXTRA and chosen and made:
            made[-1] = (*made[-1], *chosen)
        elif chosen:
            made.append(tuple(chosen))
    return made


def _light_slots(context: Context) -> tuple[Slot, ...]:
    times = list(dict.fromkeys(_asked(context.reading, ConceptKind.TIME)))
    times = [each for each in times if each is not Sense.SEASON]
    if len(times) > 1 and not any(same.issuperset(times) for same in _SAME_LIGHT):
        return ()
    if times:
        if Sense.NIGHT in times and Sense.CITY in context.senses:
            return () if Sense.INDOOR in context.senses else lighting.NIGHT_CITY
        inside = Sense.INDOOR in context.senses
        return (lighting.LIGHT_INDOORS if inside else lighting.LIGHT_OUTDOORS)[times[-1]]
    weathers = [each for each in lighting.LIGHT_OF_WEATHER if each in context.senses]
    return lighting.LIGHT_OF_WEATHER[weathers[0]] if weathers else ()


def _subject_slots(context: Context) -> tuple[Slot, ...]:
    subject, place = main_subject(context.reading), main_place(context.reading)
    if context.reading.quotes and subject is None:
        subject = Sense.LETTERING
    slots = subjects.IMPLIED.get(subject, ()) if subject else ()
    if subject in {Sense.PORTRAIT, Sense.CITY, Sense.LANDSCAPE} or place in {None, Sense.INDOOR}:
        return slots
    if place in {Sense.SPACE, Sense.UNDERWATER}:
        return slots
    # Something in a wide place: the place needs its depth just as much.
    return (*slots[:1], (subjects.DEPTH,))


def _extra_slots(seed: int, variety: float) -> tuple[Slot, ...]:
    chance = Random(f"{seed} extra")
    return ((chance.choice(quality.EXTRAS),),) if chance.random() < variety else ()


def _quality_slots(context: Context) -> tuple[Slot, ...]:
    styles = _asked_styles(context.reading)
    if not styles:
        return quality.PLAIN_QUALITY
    if _PHOTOGRAPHIC.issuperset(styles):
        grey = Sense.MONOCHROME in styles
        return quality.QUALITY[Sense.MONOCHROME if grey else styles[0]]
    crafts = [each for each in styles if each not in _SETTING]
    return quality.QUALITY[crafts[0] if crafts else styles[0]]


def _asked_styles(reading: Reading) -> list[Sense]:
    """Drop styles that another one includes: a cinematic anime is an anime."""
    named = [each for each in reading.mentions if each.is_a(ConceptKind.STYLE) and not each.denied]
    telling = [each for each in named if each.text.lower() not in quality.VAGUE_STYLES]
    senses = (each.sense(ConceptKind.STYLE) for each in telling or named)
    return [each for each in senses if each is not None]


def _asked(reading: Reading, kind: ConceptKind) -> list[Sense]:
    senses = (each.sense(kind) for each in reading.mentions if not each.denied)
    return [each for each in senses if each is not None]


# Checks


def _choose(slot: Slot, context: Context, used: set[str], seed: int, variety: float) -> str | None:
    for phrase in slot:
        wordings = phrase.wordings(context.spoken)
        # Seeded per phrase: the choice of other phrases does not change the wording of this one.
        chance = Random(f"{seed} {phrase.en[0]}")
        wording = wordings[0]
        if chance.random() < variety:
            wording = chance.choice(wordings)
        if _fits(phrase, wording, context) and not _marks(wording) & used:
            return wording
    return None


def _fits(phrase: Phrase, wording: str, context: Context) -> bool:
    fights = phrase.about & context.blocked
    return not (fights or _is_denied(wording, context) or _repeats(wording, context))


def _is_denied(wording: str, context: Context) -> bool:
    """Whether it mentions something that the user denies."""
    for span in context.denied:
        if set(stems(wording)) & set(stems(span)):
            return True
        han = "".join(each for each in span if is_han(each) and each not in "的任何一个")
        pairs = {first + second for first, second in pairwise(han)} or ({han} if han else set())
        if any(pair in wording for pair in pairs):
            return True
    return False


def _repeats(wording: str, context: Context) -> bool:
    """Whether a pair of its words is in the prompt, or all of them are."""
    ours, theirs = stems(wording), context.words
    if ours:
        return bool(set(pairwise(ours)) & set(pairwise(theirs))) or set(ours) <= set(theirs)
    return any(
        "".join(run) in context.reading.text
        for run in zip(wording, wording[1:], wording[2:], strict=False)
    )


def _marks(wording: str) -> frozenset[str]:
    """Return what no two of our phrases may share."""
    if any(is_han(each) for each in wording):
        return frozenset(first + second for first, second in pairwise(wording))
    return frozenset(stems(wording))


def _ends_in_ours(prompt: str) -> bool:
    """Whether the last sentence is entirely ours: the prompt has been enhanced before."""
    if not prompt.endswith((".", "。")):
        return False
    masked = _own(prompt)[1].rstrip(SENTENCE_ENDS)
    start = max(masked.rfind(end) for end in SENTENCE_ENDS) + 1
    last = masked[start:]
    rest = re.sub(r"\band\b", "", last.replace(MASK, "")).strip(SOFT_ENDS)
    return MASK in last and not rest


def bare(wording: str) -> str:
    """Remove the article: as a tag, and as it is found within a sentence."""
    return re.sub(r"^(?:a|an) ", "", wording)
