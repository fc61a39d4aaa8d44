"""Captions: what they say and leave unsaid, in both languages, and the words to ignore."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sketch import phrases_en, phrases_zh
from engine.sketch.captions import (
    ANSWERS,
    LANGUAGES,
    Wording,
    aspects,
    caption,
    draw_caption,
    draw_labelled_caption,
    patterns,
)
from engine.sketch.fillers import fillers, made_up_word
from engine.sketch.learned import EVERYTHING, LEARNED
from engine.sketch.spec import (
    BARE_DEFAULT,
    COLOURS,
    DEFAULTS,
    MOST_ALIKE,
    PLACES,
    STYLES,
    THINGS,
    WEATHERS,
    Scene,
    Subject,
    draw_scene,
    times_of,
    unspoken,
)
from engine.sketch.tokenizer import train_tokenizer
from engine.sketch.vocabulary import sketch_vocabulary
from engine.sketch.words import SKYLESS, Filling

_ARTICLES = re.compile(r"\b(?:an?|the) ")
_SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def _scenes(draw: st.DrawFn) -> Scene:
    place = draw(st.sampled_from(PLACES))
    weather = "clear" if place in SKYLESS else draw(st.sampled_from(WEATHERS))
    things = draw(st.lists(st.sampled_from(THINGS), max_size=2, unique=True))
    count = draw(st.integers(1, MOST_ALIKE)) if len(things) == 1 else 1
    subjects = tuple(Subject(each, draw(st.sampled_from(COLOURS)), count) for each in things)
    time = draw(st.sampled_from(times_of(place)))
    return Scene(place, time, weather, subjects, draw(st.sampled_from(STYLES)))


def _words(language: str, aspect: str, value: str) -> tuple[str, ...]:
    """Return all words that a caption has for an aspect; one of them must be in it."""
    en, zh = phrases_en, phrases_zh
    kind = aspect.removesuffix("2")
    if language == "zh":
        tables = {
            "place": (zh.PLACE_NOUNS, zh.PLACE_PHRASES),
            "time": (zh.TIME_PHRASES, zh.SKY_PHRASES),
            "weather": (zh.WEATHER_PHRASES, {"clear": zh.SUNNY_PHRASES}),
            "colour": (zh.COLOUR_WORDS,),
            "style": (zh.STYLE_TAGS, zh.STYLE_OPENINGS, {"pencil": zh.COLOURLESS_TAGS}),
            "thing": ({each: tuple(n for _, n in zh.THING_WORDS[each]) for each in THINGS},),
            "count": ({str(n): words for n, words in zh.NUMBER_WORDS.items()},),
        }[kind]
    else:
        tables = {
            "place": (en.PLACE_NOUNS, en.PLACE_PHRASES),
            "time": (en.TIME_PHRASES, en.TIME_NOUNS, en.SKY_PHRASES, en.SKY_NOUNS),
            "weather": (
                en.WEATHER_PHRASES,
                en.WEATHER_TAGS,
                en.WEATHER_ADJECTIVES,
                {"clear": (*en.SUNNY_PHRASES, *en.SUNNY_TAGS)},
            ),
            "colour": (en.COLOUR_WORDS, {"orange": ("ginger",)}),
            "style": (en.STYLE_TAGS, en.STYLE_OPENINGS, {"pencil": en.COLOURLESS_TAGS}),
            "thing": (en.THING_WORDS, {word: (many,) for word, many in _MANY.items()}),
            "count": ({str(n): words for n, words in en.NUMBER_WORDS.items()},),
        }[kind]
    found = [word for table in tables for word in table.get(value, ())]
    return tuple(_plain(each.removesuffix("的")) for each in found)


_MANY = {"person": "people", "woman": "women", "man": "men", "child": "children"} | {
    "snowman": "snowmen", "noodles": "bowls of"
}  # fmt: skip


def _plain(text: str) -> str:
    return _ARTICLES.sub("", text.lower())


def _mentions(language: str, text: str, aspect: str, value: str) -> bool:
    text = _plain(text).replace("kitties", "kitty").replace("puppies", "puppy")
    for one, many in (("y", "ies"), ("man", "men")):
        text += " " + re.sub(f"{many}\\b", one, text)
    return any(word in text for word in _words(language, aspect, value))


@given(scene=_scenes(), seed=_SEEDS, enhanced=st.booleans(), data=st.data())
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("new", [False, True])
def test_every_caption_says_what_is_drawn(
    language: str, new: bool, scene: Scene, seed: int, enhanced: bool, data: st.DataObject
) -> None:
    """Any pattern of either language names everything about the scene but clear weather."""
    pattern = data.draw(st.sampled_from(patterns(language, held_out=new)))
    text = caption(scene, Wording(language, pattern, enhanced), np.random.default_rng(seed))
    for aspect, value in aspects(scene).items():
        if (aspect, value) != ("weather", "clear"):
            assert _mentions(language, text, aspect, value), (aspect, value, text)


@given(scene=_scenes(), seed=_SEEDS)
def test_a_training_caption_says_what_it_claims(scene: Scene, seed: int) -> None:
    """Whatever the label of a caption says is in it, with filler words and however it is typed."""
    text, said = draw_labelled_caption(scene, np.random.default_rng(seed))
    language = "zh" if re.search("[\u3400-\u9fff]", text) else "en"
    shown = aspects(scene)
    assert said <= shown.keys() <= ANSWERS.keys()
    for aspect in said:
        assert shown[aspect] in ANSWERS[aspect]
        assert _mentions(language, text, aspect, shown[aspect]), (aspect, shown[aspect], text)


def test_only_defaults_are_left_unsaid() -> None:
    """What is not a default is said, but for two captions in a hundred."""
    rng = np.random.default_rng(2)
    silent = dict.fromkeys(ANSWERS, 0)
    captions = 0
    for _ in range(6000):
        scene = draw_scene(rng, held_out=False)
        text, said = draw_labelled_caption(scene, rng)
        if not text or text in (*phrases_en.NEGATIVES, *phrases_zh.NEGATIVES):
            continue
        captions += 1
        default = unspoken(scene)
        for aspect in aspects(scene).keys() - said - default:
            number = 1 if aspect == "colour2" else 0
            usual = aspect.startswith("colour") and (
                scene.subjects[number].colour in DEFAULTS[scene.subjects[number].thing].colours
            )
            silent[aspect] += not usual
    assert {aspect for aspect, count in silent.items() if count / captions > 0.02} == set()
    assert silent["style"] == 0


def test_a_thing_alone_is_its_default() -> None:
    """Many captions of a cat on a meadow at noon say nothing of it but "cat"."""
    scene = Scene("meadow", "noon", "clear", (Subject("cat", "orange"),))
    rng = np.random.default_rng(3)
    said = [draw_labelled_caption(scene, rng)[1] for _ in range(500)]
    assert 0.2 < sum(each == {"thing"} for each in said) / len(said) < 0.5
    assert {"place", "time", "thing", "colour"} in said


def test_unknown_words_alone_are_a_plain_meadow() -> None:
    """A caption without any known word is only drawn for the default of bare scenes."""
    rng = np.random.default_rng(4)
    plain = Scene(BARE_DEFAULT.place, BARE_DEFAULT.time, BARE_DEFAULT.weather)
    drawn = [draw_labelled_caption(plain, rng) for _ in range(500)]
    texts = {text for text, said in drawn if not said and text}
    known = sketch_vocabulary(EVERYTHING)
    assert len(texts) > 100
    negatives = {*phrases_en.NEGATIVES, *phrases_zh.NEGATIVES}
    named = [text for text in texts - negatives if known.knows(text)]
    assert [text for text in named if "comic book art" not in text.lower()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_omitted_part_is_not_mentioned(language: str) -> None:
    """Omitted parts are not mentioned, and leave no doubled comma or dangling word behind."""
    scene = Scene("lake", "night", "rain", (Subject("boat", "red"),))
    shown = aspects(scene)
    parts = ("time", "weather", "thing", "colour")
    for pattern in (*patterns(language), *patterns(language, held_out=True)):
        for part in (*parts, "place"):
            wording = Wording(language, pattern, False, frozenset({part}))
            text = caption(scene, wording, np.random.default_rng(3))
            if part != "place":
                words = _words(language, part, shown[part])
                assert not any(f" {word} " in f" {_plain(text)} " for word in words), text
            assert not re.search(",,|，，|  |[\0\1]|^[的和，,]|[的和在，,]$|\\b(?:with|and)$", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_held_out_patterns_and_fillers_are_not_those_of_training(language: str) -> None:
    """The evaluation has sentence patterns and filler words that training does not use."""
    assert set(patterns(language)).isdisjoint(patterns(language, held_out=True))
    assert set(fillers(language).all()).isdisjoint(fillers(language, held_out=True).all())


def test_a_tenth_of_training_captions_names_nothing() -> None:
    """Guidance has something to steer away from: empty captions and negative prompts."""
    rng = np.random.default_rng(5)
    scene = Scene("sea", "noon", "clear", (Subject("bird", "blue"),))
    texts = [draw_caption(scene, rng) for _ in range(2000)]
    negatives = {*phrases_en.NEGATIVES, *phrases_zh.NEGATIVES}
    unnamed = [text for text in texts if not text or text in negatives]
    assert 0.07 < len(unnamed) / len(texts) < 0.13
    assert "" in unnamed and negatives & set(unnamed)


@pytest.mark.parametrize("held_out", [False, True])
def test_no_filler_is_a_known_word(held_out: bool) -> None:
    """Words to ignore name no thing, place, time, weather, colour, number or style."""
    known = sketch_vocabulary(EVERYTHING)
    en, zh = phrases_en, phrases_zh
    tables = (
        en.COLOUR_WORDS, en.WEATHER_TAGS, en.WEATHER_ADJECTIVES, en.STYLE_TAGS, en.THING_WORDS,
        en.TIME_NOUNS, {0: en.SUNNY_TAGS},
    )  # fmt: skip
    taken = {
        word for t in tables for texts in t.values() for each in texts for word in each.split()
    }
    taken |= {"two", "three", "pair", "couple", "2", "3"}
    taken -= {"a", "of", "in", "as", "the", "style", "art", "big", "colours", "soup", "light"}
    taken -= {"deep", "full", "clear", "little", "bit"}
    english, chinese = (fillers(each, held_out=held_out).all() for each in LANGUAGES)
    assert [each for each in english if known.knows(each)] == []
    assert [each for each in english if taken & set(re.findall("[a-z]+", each.lower()))] == []
    colours = {w.removesuffix("的").removesuffix("色") for t in zh.COLOUR_WORDS.values() for w in t}
    styles = {word for words in zh.STYLE_TAGS.values() for word in words}
    weathers = {word for words in zh.WEATHER_PHRASES.values() for word in words}
    styled = {each for each in (*en.OTHER_STYLES, *zh.OTHER_STYLES) if known.knows(each)}
    assert styled == {"comic book art"}  # a style that the bot offers: no book is meant
    for each in chinese:
        assert not known.knows(each), each
        assert not any(word in each for word in (*colours, *styles, *weathers)), each
    rng = np.random.default_rng(6)
    made_up = [made_up_word(language, rng) for language in LANGUAGES for _ in range(300)]
    assert not [each for each in made_up if known.knows(each)]


def _english(
    scene: Scene, pattern: str = "{thing} {verb} {place}", loose: bool = False
) -> set[str]:
    wording = Wording("en", pattern, False, frozenset({"time", "weather"}), loose)
    texts = (
        caption(scene, wording, np.random.default_rng(n), Filling()).lower() for n in range(150)
    )
    return {text.removesuffix(".") for text in texts}


def test_english_grammar() -> None:
    """Articles, plurals and verbs agree; a bowl has the colour of its noodles."""
    orange = _english(Scene("meadow", "noon", "clear", (Subject("cat", "orange"),)))
    assert any(text.startswith("an orange cat sits ") for text in orange)
    assert not any(re.search(r"\ba [aeio]", text) for text in orange)
    people = _english(Scene("city", "noon", "clear", (Subject("woman", "red", 2),)))
    assert any(text.startswith("two women in red dresses") for text in people)
    assert not any(re.search("womans|ladys|red women|are is", text) for text in people)
    lying = _english(Scene("room", "noon", "clear", (Subject("sword", "grey", 3),)))
    assert any("swords lie " in text for text in lying)
    noodles = _english(Scene("room", "noon", "clear", (Subject("noodles", "blue"),)))
    assert any(text.startswith("noodles in a blue bowl") for text in noodles)
    assert any(text.startswith("a blue bowl of noodles") for text in noodles)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_of_two_kinds_is_named_first(language: str) -> None:
    """Two kinds are named from left to right, each with its colour."""
    scene = Scene("forest", "noon", "clear", (Subject("cat", "red"), Subject("house", "blue")))
    words = {"en": ("red", "cat|kit", "blue", "house|cot|cabin|hut")}
    words["zh"] = ("红", "猫|喵", "蓝", "房|屋")
    order = ".*".join(f"(?:{each})" for each in words[language])
    for number in range(100):
        pattern = patterns(language)[number % len(patterns(language))]
        text = caption(scene, Wording(language, pattern, False), np.random.default_rng(number))
        plain = text.lower().replace("crimson", "red").replace("scarlet", "red")
        assert re.search(order, plain.replace("azure", "blue")), text


def test_no_caption_speaks_of_two_skies() -> None:
    """No sunshine in the rain, and no stars as a time of day where a star is the thing."""
    for text in _english(Scene("sea", "night", "rain", ()), "{noun} {time} {weather}"):
        assert "star" not in text and "moon" not in text
    star = Scene("sea", "night", "clear", (Subject("star", "red"),))
    for number in range(200):
        wording = Wording("en", "{time}, {noun}", False, frozenset({"thing"}))
        text = caption(star, wording, np.random.default_rng(number))
        assert "star" not in text and "moon" not in text


def test_a_word_is_the_same_token_wherever_it_stands() -> None:
    """Capitals, a plural and the beginning of a sentence change no word's token."""
    tokenizer = train_tokenizer(1)

    def tokens(text: str) -> list[int]:
        message = [{"role": "user", "content": text}]
        chat = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        return tokenizer(chat)["input_ids"]  # type: ignore[return-value]

    empty = tokens("")
    cat = [each for each in tokens("cat") if each not in empty]
    assert len(cat) == 1
    for text in ("Cat", "a cat", "CATS", "two cats", "the red cat."):
        assert cat[0] in tokens(text), text
    rng = np.random.default_rng(7)
    lengths = [len(tokens(draw_caption(draw_scene(rng, held_out=False), rng))) for _ in range(1500)]
    assert np.mean(np.array(lengths) <= 64) > 0.97 and np.mean(np.array(lengths) <= 32) > 0.75


def test_the_committed_weights_know_all_but_styles() -> None:
    """A scene in another style is beyond them; all is within what can be learned."""
    usual = Scene("sea", "noon", "clear", (Subject("cat", "grey", 2), Subject("boat", "red")))
    pixelled = replace(usual, style="pixel")
    assert LEARNED.covers(usual) and EVERYTHING.covers(usual)
    assert not LEARNED.covers(pixelled) and EVERYTHING.covers(pixelled)
    assert not replace(LEARNED, things=("boat",)).covers(usual)
