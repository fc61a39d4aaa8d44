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
from engine.sketch.learned import EVERYTHING, LEARNED, Learned
from engine.sketch.spec import COLOURS, THINGS, TIMES, WEATHERS, Scene, Subject
from engine.sketch.vocabulary import EXAMPLES, sketch_vocabulary

STATES = pytest.mark.parametrize("learned", [LEARNED, EVERYTHING], ids=["committed", "everything"])
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
    "a cat", "CATS", "a dragon", "kittens", "a black cat", "two puppies", "a spaceship", "a UFO",
    "ufo", "bowls of noodles", "ramen", "an astronaut riding a horse", "castles", "princess",
    "gentlemen", "on the grass", "in the kitchen", "indoors", "outer space", "underwater",
    "a coral reef", "three snowmen", "wolves in a field", "a wizard's robot", "bunnies",
    "a pixel art mushroom", "the crown of a king", "un chat, a cat",
    "一只猫", "猫", "喵", "龙", "机器人", "一碗面", "拉面", "两只狗", "花园", "雪人", "宇宙飞船",
    "红色的龙", "白马", "草地上", "太空", "一本书", "一把剑", "海底", "房间里",
)  # fmt: skip
UNKNOWN = (
    "Pikachu", "Batman", "Spider-Man", "cartoon", "a carpet", "a seahorse", "dogma", "catalogue",
    "a snow leopard", "snowy owl", "rain", "red", "a blue sphere", "bookshop", "Einstein", "",
    "pixel art", "neon", "a watercolour", "an elephant", "horseshoe", "starfish", "grey", "pizza",
    "ein Hund", "un gato negro", "кошка", "ネコ", "皮卡丘", "花猫鱼", "火车", "马路", "大象",
    "灰色", "面包", "书店", "龙虾", "像素画", "霓虹",
    "a cartoon mouse", "humans", "a treehouse", "birdlike", "a boatload", "shipping", "x", "🐱",
    "!!!", "12345", "une maison rouge", "고양이", "森の中の家", "夜の街", "自行车", "烟花", "雪豹",
    "人鱼", "海豚", "金字塔尖", "车站",
)  # fmt: skip


@pytest.mark.parametrize("text", KNOWN)
@STATES
def test_a_known_word_is_found(learned: Learned, text: str):
    """A thing, place or time is found as a whole word, in the plural, in any case, in Chinese."""
    assert sketch_vocabulary(learned).knows(text)


@pytest.mark.parametrize("text", UNKNOWN)
@STATES
def test_other_words_are_not_known(learned: Learned, text: str):
    """Styles, colours and weather alone, parts of words, and other languages make no picture."""
    assert not sketch_vocabulary(learned).knows(text)


def test_the_bot_answers_for_the_committed_weights():
    """Without an argument, the vocabulary is that of the weights in the folder."""
    assert sketch_vocabulary() is sketch_vocabulary(LEARNED)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("thing", THINGS)
def test_every_caption_of_training_is_known(language: Language, thing: str):
    """Whatever the captions say of a thing, it is known: nothing is listed a second time."""
    vocabulary, rng = sketch_vocabulary(EVERYTHING), np.random.default_rng(1)
    for number, pattern in enumerate(patterns(language) * 4):
        omitted = frozenset({"place", "time", "weather"})
        wording = Wording(language, pattern, True, omitted, loose=number % 2 == 0)
        subject = Subject(thing, COLOURS[int(rng.integers(len(COLOURS)))], 1 + number % 3)
        text = caption(Scene("lake", "dawn", "clear", (subject,)), wording, rng)
        assert vocabulary.knows(text), text


def test_every_place_and_time_is_known():
    """Every noun for a place or a time is known by itself."""
    vocabulary = sketch_vocabulary(EVERYTHING)
    for phrases in (phrases_en, phrases_zh):
        nouns = [noun for texts in phrases.PLACE_NOUNS.values() for noun in texts]
        times = [time for texts in phrases.TIME_PHRASES.values() for time in texts]
        assert [each for each in (*nouns, *times) if not vocabulary.knows(each)] == []


@pytest.mark.parametrize("language", ["en", "zh"])
@STATES
def test_the_names_are_all_it_knows(learned: Learned, language: Language):
    """Each group is listed with one name for each; clear weather, which nobody says, has none."""
    names = dict(sketch_vocabulary(learned).names[language])
    expected = {
        Topic.THINGS: len(learned.things),
        Topic.PLACES: len(learned.places),
        Topic.TIMES: len(TIMES),
        Topic.WEATHERS: len(WEATHERS) - 1,
        Topic.COLOURS: len(learned.colours),
        Topic.STYLES: len(learned.styles) - 1,
    }
    assert {topic: len(each) for topic, each in names.items()} == {
        topic: count for topic, count in expected.items() if count
    }
    listed = [*names[Topic.THINGS], *names[Topic.PLACES], *names[Topic.TIMES]]
    assert all(map(sketch_vocabulary(learned).knows, listed))
    assert len(set(listed)) == len(listed)


@given(text=st.text(max_size=60))
@STATES
def test_examples_work_for_any_prompt(learned: Learned, text: str):
    """Three different examples, all known, in the prompt's language, the same each time."""
    vocabulary = sketch_vocabulary(learned)
    examples = vocabulary.examples_for(text)
    assert len(set(examples)) == EXAMPLES and examples == vocabulary.examples_for(text)
    assert all(map(vocabulary.knows, examples))


@STATES
def test_examples_speak_the_language_of_the_prompt(learned: Learned):
    """A Chinese prompt gets Chinese examples, any other gets English ones."""
    vocabulary = sketch_vocabulary(learned)
    assert all(each.isascii() for each in vocabulary.examples_for("ein Hund"))
    assert not any(character.isascii() for character in "".join(vocabulary.examples_for("一只猫")))


@STATES
def test_examples_show_things_where_they_belong(learned: Learned):
    """No example puts a boat on dry land; every thing and style is offered to somebody."""
    vocabulary = sketch_vocabulary(learned)
    texts = {each for n in range(600) for each in vocabulary.examples_for(f"x {n}")}
    boats = [each for each in texts if " boat " in each]
    assert boats and all("lake" in each or "sea" in each for each in boats)
    assert len(texts) > 20
    names = dict(vocabulary.names["en"])
    for name in (*names[Topic.THINGS], *names.get(Topic.STYLES, ())):
        assert any(name in each for each in texts), name
    fish = [each for each in texts if " fish " in each]
    assert all("underwater" in each for each in fish)
    assert bool(fish) == ("fish" in learned.things)


@given(st.text(), st.text())
def test_any_text_is_read_without_an_error(before: str, after: str):
    """A known word between spaces is known, whatever stands around it."""
    vocabulary = sketch_vocabulary()
    vocabulary.knows(before + after)
    assert vocabulary.knows(f"{before} , house , {after}")
