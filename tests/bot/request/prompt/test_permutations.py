"""Choices in braces, and braces that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.request.outcomes import FlagError, FlagErrorKind
from bot.request.prompt.flags import ParsedPrompt, expand, parse
from bot.request.prompt.permutations import Permutations, permutations
from tests.bot.request.strange_texts import TEXTS


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("a house", ("a house",)),
        ("a  house\n", ("a  house\n",)),
        ("{red, blue} house", ("red house", "blue house")),
        ("{red,blue} {cat,dog}", ("red cat", "red dog", "blue cat", "blue dog")),
        ("{, red} house", ("house", "red house")),
        ("a {, red} house", ("a house", "a red house")),
        ("a house {, in fog}, at dawn", ("a house, at dawn", "a house in fog, at dawn")),
        ("a {, red}house", ("a house", "a redhouse")),
        ("{a {red, blue} cat, dog}", ("a red cat", "a blue cat", "dog")),
        ("{{a, b}, {c, d}}", ("a", "b", "c", "d")),
        (r"\{red, blue\} house", ("{red, blue} house",)),
        (r"{red\, white, blue} flag", ("red, white flag", "blue flag")),
        (r"{\{, \}}", ("{", "}")),
        ("｛红色，蓝色｝的房子", ("红色的房子", "蓝色的房子")),
        ("red, {a, b}, c", ("red, a, c", "red, b, c")),
        ("house --ar {1:1, 16:9}", ("house --ar 1:1", "house --ar 16:9")),
        ("{16:9, 1:1}", ("16:9", "1:1")),
        # other separators
        ("{red|blue} house", ("red house", "blue house")),
        ("{red | blue | green}", ("red", "blue", "green")),
        ("｛红｜蓝｝房子", ("红房子", "蓝房子")),
        ("{红、蓝, 绿}的房子", ("红的房子", "蓝的房子", "绿的房子")),
        (r"{red\|white|blue}", ("red|white", "blue")),
        ("red | {a, b} 、c", ("red | a 、c", "red | b 、c")),
        # quotation marks within a choice hold it together
        ('{"red, white", blue} flag', ('"red, white" flag', "blue flag")),
        ('{"red", "blue"} house', ('"red" house', '"blue" house')),
        # choices of templates and of labels
        ("{a {mood} cat, a dog}", ("a {mood} cat", "a dog")),
        ("{style: oil, style: ink}", ("style: oil", "style: ink")),
        ("{photo, painting: oil} of a cat", ("photo of a cat", "painting: oil of a cat")),
    ],
)
def test_every_choice_is_made(text: str, prompts: tuple[str, ...]):
    """Groups multiply, the last one varies fastest, and spaces around options are ignored."""
    assert permutations(text) == Permutations(prompts, len(prompts))


@pytest.mark.parametrize(
    "text",
    [
        # JSON and what looks like it
        '{"subject": "a red house", "place": "snow"}',
        '{"a": {"b": "x, y", "c": [1, 2]}, "d": "e",}',
        '[{"a": 1, "b": 2}, {"a": 3, "b": 4}]',
        '{\n  "subject": "a house",\n  "light": {"from": "left", "colour": "red"}\n}',
        '{"subject":"a } house","place":"snow"}',
        "{'subject': 'a red house', 'place': 'snow'}",
        "{“subject”: “a red house”, “place”: “snow”}",
        "{subject: a red house, place: snow}",
        "{subject: 'a house', place: \"snow\",}",
        "{主题：红房子，地点：雪地}",
        '{\u200b"subject": "a house", "place": "snow"}',
        'paint this: {"subject": "a house", "place": "snow"} in oil',
        '{"subject": "a red house", "place": "snow"',
        # quotations and code
        'a sign that says "{red, blue}"',
        "a sign that says “{red, blue} house”",
        "写着「{红，蓝}」的牌子",
        "a sign `{red, blue}` here",
        "```\n{red, blue} house\n```",
        # templates
        "{SALE} now",
        "a {mood} cat",
        "a {mood} cat in {place}, {time}",
        "{{mood}}",
        "{{masterpiece, best quality}}, a cat",
        "{{{red|blue}}}",
        "${a, b}",
        "{}",
        "{ }",
        "a {,} b",
        # formulas
        r"$\frac{a}{b}$",
        r"\frac{a, b}{c, d}",
        r"x_{i,j}^{2,3} on a blackboard",
        r"$\sum_{i, j} f\left(i, j\right)$",
        # braces without a counterpart that cannot be choices
        "a {red house",
        "a red} house",
        "{a {b} c",
        "a cat, smiling :}",
        "a cat, a dog, :-} and =}",
        "{: a cat, smiling",
        "｛红",
    ],
)
def test_braces_that_are_no_choices_stay_as_written(text: str):
    """JSON, formulas, templates and whatever is in quotation marks or back-ticks is text."""
    assert permutations(text) == Permutations((text,), 1)
    assert expand(text) == (ParsedPrompt(text),)
    assert parse(text) == ParsedPrompt(text)


@pytest.mark.parametrize(
    ("text", "brace", "around"),
    [
        ("a {red, blue house", "{", "a {red, blue house"),
        ("red|blue} house", "}", "red|blue} house"),
        ("{a, {b} c", "{", "{a, {b} c"),
        ("｛红，蓝", "｛", "｛红，蓝"),
        (r"{a, b\}", "{", r"{a, b\}"),
        ("x" * 99 + ",}" + "y" * 100, "}", "x" * 14 + ",}" + "y" * 24),
    ],
)
def test_half_a_choice_is_shown(text: str, brace: str, around: str):
    """A brace that could be half of a choice is an error that quotes the words around it."""
    assert permutations(text) == FlagError(FlagErrorKind.UNBALANCED, brace, around)


@pytest.mark.parametrize(
    ("text", "prompts", "ignored"),
    [
        ("{2$$red|blue|green} car", ("red car", "blue car", "green car"), ("2$$",)),
        ("{1-2$$ and $$red|blue}", ("red", "blue"), ("1-2$$ and $$",)),
        ("{3::red|0.5::blue} {1$$a, b}", ("red a", "red b", "blue a", "blue b"), None),
    ],
)
def test_picks_and_weights_of_choices_are_left_out(
    text: str, prompts: tuple[str, ...], ignored: tuple[str, ...] | None
):
    """What Dynamic Prompts would obey is no part of an option, and it is named."""
    found = permutations(text)
    assert isinstance(found, Permutations) and found.prompts == prompts
    assert found.ignored == ignored or (ignored is None and len(found.ignored) == 3)


@given(st.lists(st.sampled_from(["red", "blue sky", "a {mood}", "", "猫"]), min_size=2, max_size=4))
def test_a_backslash_always_makes_text(options: list[str]):
    """Whatever stands in escaped braces is one prompt."""
    text = ", ".join(options)
    assert permutations(rf"\{{{text}\}}") == Permutations((f"{{{text}}}",), 1)


@given(TEXTS)
def test_any_text_has_permutations(text: str):
    """Any text gives prompts whose number is the total, or the brace that is half of a choice."""
    found = permutations(text)
    assert isinstance(found, FlagError) or len(found.prompts) in (found.total, 0)
