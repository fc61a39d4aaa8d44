"""A prompt is analysed in its own words."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.prompts import Advice, Hint, analyse, clean, idle_syntax, lexicon_en, lexicon_zh
from engine.prompts.concepts import ConceptKind, Sense


@pytest.mark.parametrize(
    ("prompt", "subject"),
    [
        ("a red boat on a mountain lake at dawn", "a red boat"),
        ("oil painting of a sleeping cat in a basket", "a sleeping cat"),
        ("portrait of an old fisherman, natural light", "an old fisherman"),
        ("portrait of a fox", "a fox"),
        ("a bowl of ramen with egg", "a bowl of ramen"),
        ("a mountain lake at dawn", "a mountain lake"),
        ("a zorgon on the table", "a zorgon"),
        ("at dawn, a zorgon", "a zorgon"),
        ("no people, a zorgon", "a zorgon"),
        ("street without people", "street"),
        ("a glass of water", "a glass of water"),
        ("a child's drawing of a house", "a house"),
        ("CAT", "CAT"),
        ("кот на крыше", "кот на крыше"),
        ("watercolor, dawn", ""),
        ("🐈", ""),
        ("?!", ""),
        ("", ""),
        ("黎明时分山间湖泊上的一艘红船", "一艘红船"),
        ("晨曦中的山湖", "山湖"),
        ("夜莺在树上歌唱", "夜莺"),
        ("没有人的街道，正午", "街道"),
        ("一只橘猫的肖像", "一只橘猫"),
        ("穿红裙子的女孩站在樱花树下", "穿红裙子的女孩"),
        ("夜晚的城市街道，下着雨", "城市街道"),
    ],
)
def test_the_main_phrase(prompt: str, subject: str) -> None:
    """The subject is the phrase that names it, as it was written."""
    assert analyse(prompt).subject == subject


def test_everything_in_english() -> None:
    """Each kind of word is listed as written, in order, once."""
    found = analyse(
        "Oil painting of a wooden boat on a foggy lake at Dawn, soft light, blue and red, red oars"
    )
    assert dataclasses.replace(found, subject="") == dataclasses.replace(
        analyse(""),
        styles=("Oil painting",),
        materials=("wooden",),
        lights=("soft light",),
        places=("lake",),
        times=("Dawn",),
        weathers=("foggy",),
        colours=("blue", "red"),
    )


def test_everything_in_chinese() -> None:
    """Each kind of word is listed in Chinese too; the longest word wins."""
    found = analyse("油画，大雾中的湖泊，日落，逆光，木质小船，红色和蓝色")
    assert dataclasses.replace(found, subject="", language="en") == dataclasses.replace(
        analyse(""),
        styles=("油画",),
        materials=("木质",),
        lights=("逆光",),
        places=("湖泊",),
        times=("日落",),
        weathers=("大雾",),
        colours=("红色", "蓝色"),
    )


@pytest.mark.parametrize(
    "prompt",
    ["a wall, no dawn, without fog", 'a wall "foggy dawn"', "Dawnguard", "夜莺", "墙，没有日出"],
)
def test_what_is_denied_or_quoted_is_not_listed(prompt: str) -> None:
    """Denied words, quoted words and parts of words do not count as time or weather."""
    found = analyse(prompt)
    assert found.times == found.weathers == ()


@pytest.mark.parametrize(
    "prompt",
    [
        "A POSTER THAT SAYS ROCK AND ROLL",
        "Black AND White",
        "a sign that says BREAK",
        "take a break and rest",
        "a poster with www.example.com on it",
        "a page at https://example.com/cats",
        'a screen that says "a BREAK b https://example.com/a.png"',
    ],
)
def test_words_that_are_no_syntax(prompt: str) -> None:
    """Capitals, names of pages and lettering are ordinary words."""
    assert idle_syntax(prompt) == ()


@pytest.mark.parametrize(
    ("prompt", "hint", "words"),
    [
        ("a street without people, at noon", Hint.NEGATION, ("without people",)),
        ("no people and no cars on a street", Hint.NEGATION, ("no people", "no cars")),
        ("a street --no people", Hint.NEGATION, ("no people",)),
        ("不要水印，没有人的街道", Hint.NEGATION, ("不要水印", "没有人")),
        ("a (red:1.3) boat, ((big)), sea::2", Hint.WEIGHTS, ("(red:1.3)", "((big))", "sea::2")),
        (
            "__colour__ boat, [a|b], 2$$, [red:blue:0.5]",
            Hint.OTHER_SYNTAX,
            ("__colour__", "[a|b]", "2$$", "[red:blue:0.5]"),
        ),
        ("a boat BREAK a lake, AND a house", Hint.OTHER_SYNTAX, ("BREAK", "AND")),
        (
            "a boat like https://example.com/a.png?x=1, at sea",
            Hint.OTHER_SYNTAX,
            ("https://example.com/a.png?x=1",),
        ),
        ("a boat --ar 16:9 --v 6 --tile", Hint.FLAGS, ("--ar 16:9", "--v 6", "--tile")),
        ("a boat —ar 16:9", Hint.FLAGS, ("—ar 16:9",)),
        ("a boat <lora:ink:0.8>", Hint.LORA_TAGS, ("<lora:ink:0.8>",)),
        ("a boat, steps: 30, cfg 7", Hint.SETTINGS, ("steps: 30", "cfg 7")),
        ("a boat, 30 steps", Hint.SETTINGS, ("30 steps",)),
        ("小船，步数 30", Hint.SETTINGS, ("步数 30",)),
        (
            "8k, Best Quality, masterpiece, highly detailed boat",
            Hint.QUALITY_TAGS,
            ("8k", "Best Quality", "masterpiece", "highly detailed"),
        ),
        ("小船，超高清，杰作，8K画质", Hint.QUALITY_TAGS, ("超高清", "杰作", "8K")),
        ('a sign "open" and “shut”', Hint.QUOTED_TEXT, ("open", "shut")),
        ("招牌「開店」", Hint.QUOTED_TEXT, ("開店",)),
    ],
)
def test_advice(prompt: str, hint: Hint, words: tuple[str, ...]) -> None:
    """Each part of a prompt that has no effect is named, with its words."""
    assert [each.words for each in analyse(prompt).advice if each.hint is hint] == [words]


@pytest.mark.parametrize(
    "prompt",
    [
        "a mountain lake at dawn",
        "20 steps leading up to a temple",
        "a no-nonsense teacher",
        "a boat (red) on the sea",
        "an endless sea, nothing else",
        "无垠的大海",
        "无人机",
        "a knot in a rope",
        "a 5:3 picture (wide)",
        "noon in Norway",
        "not only a boat",
        "it's a dog's life",
    ],
)
def test_no_advice_without_need(prompt: str) -> None:
    """Ordinary prompts give no advice."""
    assert analyse(prompt).advice == ()


def test_tokens() -> None:
    """The count is reported, and whether it is too large; both only where it is known."""
    assert analyse("ab", count=len, max_tokens=2).advice == ()
    long = analyse("abc", count=len, max_tokens=2)
    assert (long.tokens, long.advice) == (3, (Advice(Hint.TOO_LONG, tokens=3, max_tokens=2),))
    assert analyse("abc", count=lambda _: None, max_tokens=2).tokens is None


@given(st.text().map(clean))
def test_all_words_are_the_prompts_own(prompt: str) -> None:
    """Everything that is found stands in the prompt."""
    found = analyse(prompt)
    lists = (found.styles, found.materials, found.lights, found.places, found.times)
    words = [word for each in (*lists, found.weathers, found.colours) for word in each]
    assert all(word in prompt for word in [found.subject, *words])


@pytest.mark.parametrize("lexicon", [lexicon_en.WORDS, lexicon_zh.WORDS], ids=["en", "zh"])
def test_the_lexicons_are_whole(lexicon: dict[ConceptKind, dict[Sense, str]]) -> None:
    """Both languages have words for every sense, each in the form that the reader looks up."""
    assert {sense for senses in lexicon.values() for sense in senses} == set(Sense)
    for senses in lexicon.values():
        for listed in senses.values():
            terms = listed.split(", ")
            assert all(term == term.strip() and "-" not in term for term in terms)
            assert len(terms) == len(set(terms))


@pytest.mark.parametrize(
    ("prompt", "subject", "lettering"),
    [
        ('{"subject": "a red house", "place": "snow"}', "a red house", ()),
        ('{"scene": {"subject": "an old fisherman"}, "mood": ["calm"]}', "an old fisherman", ()),
        ('{ "style" : "oil painting", "main":"a cat" } --ar 16:9', "a cat", ()),
        ('{"subject": "一座红色的房子", "time": "黄昏"}', "一座红色的房子", ()),
        ('{"negative_prompt": "people", "subject": "a lake"}', "a lake", ()),
        ('{"subject": "a shop", "avoid": ["a man", "cars"]}', "a shop", ()),
        (r'{"subject": "a sign \"OPEN\""}', "a sign", ("OPEN",)),
        ('{"subject": "a sign “OPEN”"}', "a sign", ("OPEN",)),
        ('she holds a card "to: you", "from: me"', "she", ("to: you", "from: me")),
    ],
)
def test_json_is_no_lettering(prompt: str, subject: str, lettering: tuple[str, ...]) -> None:
    """A prompt written as JSON is read by its values; what should be left out is no subject."""
    found = analyse(prompt)
    assert subject in found.subject
    shown = [each.words for each in found.advice if each.hint is Hint.QUOTED_TEXT]
    assert shown == ([lettering] if lettering else [])
