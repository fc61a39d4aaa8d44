"""A picture of one colour is right where the prompt asks for it."""

import pytest

from engine.prompts.blankness import asks_for_blank


@pytest.mark.parametrize(
    "prompt",
    [
        "a black square on black",
        "Blank paper",
        "solid red background",
        "plain white wall",
        "nothingness",
        "一片漆黑",
        "纯色背景",
        "白墙",
    ],
)
def test_next_to_nothing_was_asked_for(prompt: str) -> None:
    """Words for one colour or emptiness allow a blank picture, in both languages."""
    assert asks_for_blank(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat",
        "a black cat",
        "a white house",
        "an empty street",
        "黑猫",
        "白色的房子",
        "blackbird in a tree",
        "a mountain lake at dawn",
        "日落时的山",
        "emptying a cup",
    ],
)
def test_something_was_asked_for(prompt: str) -> None:
    """Other words do not allow it, nor do words that only contain such words."""
    assert not asks_for_blank(prompt)
