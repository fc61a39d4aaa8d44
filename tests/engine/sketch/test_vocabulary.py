"""What the embedded model knows: told from the words of its captions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.prompts import Topic
from engine.prompts.language import Language
from engine.sketch import phrases_en, phrases_zh
from engine.sketch.captions import Wording, caption, patterns
from engine.sketch.spec import COLOURS, PLACES, THINGS, TIMES, WEATHERS, Scene
from engine.sketch.vocabulary import EXAMPLES, sketch_vocabulary

KNOWN = (
    "house", "HOUSE", "a red house.", "houses", "two Houses, please", "the house's door", "a car",
    "cars", "birds", "a man", "men", "women", "two children", "many people", "a person",
    "lighthouses", "towers", "hot-air balloons", "hot air balloon", "leafy trees", "a tree.",
    "ｈｏｕｓｅ", "flowers!", "a dragon in a forest", "a cat by the sea", "a mountain", "mountains",
    "the woods", "sand dunes", "a dune", "a city street", "downtown", "a beach", "Pikachu at night",
    "a wolf under the moon", "stars", "good morning", "un chat, a boat", "tree,tree", "a\nboat",
    "一座红色的房子", "房子", "一棵树", "树", "两棵大树", "一朵花", "红花",
    "小红花", "一只鸟", "鸟飞过",
    "很多人", "一个人站着", "老人", "一辆车", "汽车", "小船", "船上的猫",
    "灯塔", "热气球", "一座山",
    "湖", "湖边的猫", "大海", "沙漠", "街道", "星空", "黄昏",
    "夜晚的龙", "在海边", "a cat 在森林里",
)  # fmt: skip
UNKNOWN = (
    "a cat", "a dragon", "Pikachu", "a black cat", "a red dragon",
    "Batman", "Spider-Man", "cartoon",
    "a cartoon mouse", "a spaceship", "a carpet", "starfish", "a treehouse", "a seahorse", "humans",
    "a snow leopard", "snowy owl", "rain", "red", "a blue sphere", "x", "🐱", "!!!", "", "12345",
    "an astronaut riding a horse", "ein Hund", "un gato negro", "une maison rouge", "кошка",
    "고양이", "ネコ", "森の中の家", "夜の街", "a dun horse", "birdlike", "a boatload", "shipping",
    "一只猫", "猫", "龙", "皮卡丘", "机器人", "火车", "自行车",
    "花猫", "一只花猫", "烟花", "雪豹", "人鱼",
    "宇宙飞船", "海豚", "红色的龙", "黑色", "金字塔尖", "车站", "花园", "雪人",
)  # fmt: skip


@pytest.mark.parametrize("text", KNOWN)
def test_a_known_word_is_found(text: str):
    """A thing, place or time is found as a whole word, in the plural, in any case, in Chinese."""
    assert sketch_vocabulary().knows(text)


@pytest.mark.parametrize("text", UNKNOWN)
def test_other_words_are_not_known(text: str):
    """Parts of words, colours and weather alone, and other languages are nothing it knows."""
    assert not sketch_vocabulary().knows(text)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("thing", THINGS)
def test_every_caption_of_training_is_known(language: Language, thing: str):
    """Whatever the captions say of a thing, it is known: nothing is listed a second time."""
    vocabulary, rng = sketch_vocabulary(), np.random.default_rng(1)
    for pattern in patterns(language) * 4:
        wording = Wording(language, pattern, True, frozenset({"place", "time", "weather"}))
        scene = Scene("lake", "dawn", "clear", thing, COLOURS[int(rng.integers(len(COLOURS)))])
        text = caption(scene, wording, rng)
        assert vocabulary.knows(text), text


def test_every_place_and_time_is_known():
    """Every noun for a place or a time is known by itself."""
    vocabulary = sketch_vocabulary()
    for phrases in (phrases_en, phrases_zh):
        nouns = [noun for texts in phrases.PLACE_NOUNS.values() for noun in texts]
        times = [time for texts in phrases.TIME_PHRASES.values() for time in texts]
        assert [each for each in (*nouns, *times) if not vocabulary.knows(each)] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_names_are_all_it_knows(language: Language):
    """Each group is listed with one name for each; clear weather, which nobody says, has none."""
    names = dict(sketch_vocabulary().names[language])
    assert {topic: len(each) for topic, each in names.items()} == {
        Topic.THINGS: len(THINGS),
        Topic.PLACES: len(PLACES),
        Topic.TIMES: len(TIMES),
        Topic.WEATHERS: len(WEATHERS) - 1,
        Topic.COLOURS: len(COLOURS),
    }
    listed = [*names[Topic.THINGS], *names[Topic.PLACES], *names[Topic.TIMES]]
    assert all(map(sketch_vocabulary().knows, listed))
    assert len(set(listed)) == len(listed)


@given(st.text(max_size=60))
def test_examples_work_for_any_prompt(text: str):
    """Three different examples, all known, in the prompt's language, the same each time."""
    vocabulary = sketch_vocabulary()
    examples = vocabulary.examples_for(text)
    assert len(set(examples)) == EXAMPLES and examples == vocabulary.examples_for(text)
    assert all(map(vocabulary.knows, examples))


def test_examples_speak_the_language_of_the_prompt():
    """A Chinese prompt gets Chinese examples, any other gets English ones."""
    vocabulary = sketch_vocabulary()
    assert all(each.isascii() for each in vocabulary.examples_for("ein Hund"))
    assert not any(character.isascii() for character in "".join(vocabulary.examples_for("一只猫")))


def test_boats_are_only_offered_on_water():
    """No example puts a boat on dry land."""
    texts = {each for n in range(300) for each in sketch_vocabulary().examples_for(f"cat {n}")}
    boats = [each for each in texts if " boat " in each]
    assert boats and all("lake" in each or "sea" in each for each in boats)
    assert len(texts) > 20


@given(st.text(), st.text())
def test_any_text_is_read_without_an_error(before: str, after: str):
    """A known word between spaces is known, whatever stands around it."""
    vocabulary = sketch_vocabulary()
    vocabulary.knows(before + after)
    assert vocabulary.knows(f"{before} , house , {after}")
