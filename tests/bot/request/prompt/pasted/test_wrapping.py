"""Marks around a whole prompt are no part of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given

from bot.request.params import GenerationParams
from bot.request.prompt.apply_flags import ParsedRequest, apply_flags
from bot.request.prompt.pasted.wrapping import unwrapped
from tests.bot.request.strange_texts import TEXTS


@pytest.mark.parametrize(
    "text",
    [
        "```a cat --ar 16:9```",
        "```\na cat --ar 16:9\n```",
        "```text\na cat --ar 16:9\n```",
        "```\na cat\n``` --ar 16:9",
        "`a cat --ar 16:9`",
        "``a cat --ar 16:9``",
        "> a cat --ar 16:9",
        "> a cat\n> --ar 16:9",
        ">>> a cat\n--ar 16:9",
        "**a cat --ar 16:9**",
        "***a cat --ar 16:9***",
        "*a cat --ar 16:9*",
        "~~a cat --ar 16:9~~",
        "||a cat --ar 16:9||",
        '"a cat --ar 16:9"',
        "“a cat --ar 16:9”",
        "「a cat --ar 16:9」",
        "> **`a cat --ar 16:9`**",
        "\u200b```a cat --ar 16:9```\u200b",
        "/imagine prompt: ```a cat --ar 16:9```",
        '/imagine prompt:"a cat --ar 16:9"',
        "**a cat** --ar 16:9",
        "||a cat|| —ar 16:9",
        "`a cat` --ar 16:9",
        "**a cat --ar 16:9** - <@123456789012345678> (fast)",
        "**a cat --ar 16:9** - Bob Miller (relaxed, stealth)",
        "**a cat --ar 16:9** - @Bob (31%) (fast)",
        "**a cat --ar 16:9** - Image #2 <@123456789012345678>",
        "**a cat --ar 16:9** - Variations (Strong) by Bob (turbo)",
        "a cat --ar 16:9 - @Bob (Waiting to start)",
        "a cat --ar 16:9 - Upscaled (Subtle) by @Bob (fast)",
    ],
)
def test_marks_around_the_whole_are_dropped(text: str):
    """Code blocks, quotes, emphasis, spoilers, and quotation marks around flags are dropped, and so
    is what Midjourney's bot writes behind a prompt."""
    outcome = apply_flags(GenerationParams(text), 1, False)
    assert isinstance(outcome, ParsedRequest), outcome
    prompt = " ".join(outcome.params.prompt.split())
    assert (prompt, outcome.params.aspect) == ("a cat", "16:9")


@pytest.mark.parametrize(
    "text",
    [
        '"OPEN"',
        "“Stay hungry, stay foolish”",
        "「营业中」",
        '"a" and "b"',
        "**a** and **b**",
        "**a** - a cat",
        "**a** - **b**",
        "`a` - `b`",
        "a sprinter - very (fast)",
        "a runner - @bob runs",
        "a house - zoomed in by night",
        "a cat - Image #1 of a series",
        "*sighs* a cat",
        "a `cat` and a `dog`",
        "`a` and `b`",
        "a ```cat```",
        "a > b",
        "> a cat\nand a dog",
        ">_< a cat",
        ">w<",
        "* * *",
        "**",
        "``",
        "```",
        "||",
        '"',
        "2 * 3 * 4",
        "***",
        "``````",
        "~~~~",
    ],
)
def test_other_marks_stay(text: str):
    """Lettering, marks around a part, and signs that only look like marks are left alone."""
    assert unwrapped(text) == text


@given(TEXTS)
def test_nothing_raises_and_nothing_is_left_over(text: str):
    """Whatever is unwrapped is unwrapped completely."""
    once = unwrapped(text)
    assert unwrapped(once) == once


@pytest.mark.parametrize(
    "piece",
    ["`", "*", "**a", "> ", "> a\n", '"', "||", "```a", "- a - @b (fast) ", "** - a (fast)"],
)
def test_a_long_text_is_read_quickly(piece: str):
    """The longest prompt takes no noticeable time."""
    before = time.process_time()
    unwrapped(piece * (6000 // len(piece)))
    assert time.process_time() - before < 1
