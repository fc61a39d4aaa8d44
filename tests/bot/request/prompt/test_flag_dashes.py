"""Dashes that begin a flag, dashes that are punctuation, and dashes about which it is asked."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import words
from bot.request.outcomes import FlagErrorKind, FlagProblem
from bot.request.prompt.flag_dashes import escape_flags, find_flags
from bot.request.prompt.flag_names import FLAGS
from bot.request.prompt.flags import ParsedPrompt, parse, without_flags
from bot.wording.reasons.flags import flag_problem
from engine.diffusion.families import Speed
from engine.prompts import EnhancementLevel, PictureStyle
from tests.bot.request.strange_texts import TEXTS

WIDE = {"aspect": "16:9"}
INVISIBLE = (
    "\u200b", "\u200c", "\u200d", "\ufeff", "\u2060", "\u2065", "\u00ad", "\u180e", "\u034f",
    "\ufe00", "\ufe0f", "\U000e0100", "\U000e0041", "\u115f", "\u1160", "\u3164", "\uffa0",
    "\u2800", "\ufffc",
)  # fmt: skip
"""Zero-width characters, selectors, tags and blanks, such as Discord users type for empty names."""
OBEYED: list[tuple[str, str, dict[str, Any]]] = [
    # a space behind the dashes, one hyphen, no space before
    ("a house — ar 16:9", "a house", WIDE),
    ("a house – ar 16:9", "a house", WIDE),
    ("a house -- ar 16:9", "a house", WIDE),
    ("a house —— ar 16:9", "a house", WIDE),
    ("a house - ar 16:9", "a house", WIDE),
    ("a house -ar 16:9", "a house", WIDE),
    ("a house ‑ar 16:9", "a house", WIDE),
    ("house--ar 16:9", "house", WIDE),
    ("house—ar 16:9", "house", WIDE),
    ("house-- ar 16:9", "house", WIDE),
    ("a café--ar 16:9", "a café", WIDE),
    ("a house -ar 16:9 -seed 5 -steps 9", "a house", WIDE | {"seed": 5, "steps": 9}),
    ("a house — size 512x256", "a house", {"size": (512, 256)}),
    ("a house -style anime", "a house", {"style": PictureStyle.ANIME}),
    ("a house -q 2", "a house", {"speed": Speed.FINE}),
    ("-- ar 16:9 a house", "a house", WIDE),
    ("猫-ar 16:9", "猫", WIDE),
    ("猫 — ar 16:9", "猫", WIDE),
    # invisible characters
    ("a house --a\u200br 16:9", "a house", WIDE),
    ("a house --ar\u200b 16:9", "a house", WIDE),
    ("a house --ar \u200b16:9", "a house", WIDE),
    ("a house --ar 16\u2060:\ufeff9", "a house", WIDE),
    ("a house -\u200b-ar 16:9", "a house", WIDE),
    ("a house --\u200dar\u200c 16:\u200d9", "a house", WIDE),
    ("a house \u200e--ar 16:9\u200f", "a house", WIDE),
    ("a house --s\u00adeed 5", "a house", {"seed": 5}),
    ("a house --ar\u00a016:9", "a house", WIDE),
    ("a house --ar\ufe0f 16:9", "a house", WIDE),
    *[
        (text.format(nothing), "a house", WIDE)
        for nothing in INVISIBLE
        for text in (
            "a house --ar{} 16:9",
            "a house --a{}r 16:9",
            "a house -{}-ar 16:9",
            "a house --{}ar 16:9",
            "a house --ar 16:9{}",
            "a house --ar 16{}:9",
            "a house --ar {}16:9",
            "a house {}--ar 16:9",
            "a house{}--ar 16:9",
        )
    ],
    # Chinese names
    ("一只猫 --比例 16:9", "一只猫", WIDE),
    ("一只猫--比例16:9", "一只猫", WIDE),
    ("一只猫 --比例：16：9", "一只猫", WIDE),
    ("一只猫 -比例 16:9", "一只猫", WIDE),
    ("一只猫 —— 比例 16:9", "一只猫", WIDE),
    ("一只猫——宽高比 16:9", "一只猫", WIDE),
    ("一只猫－－比例　１６：９", "一只猫", WIDE),
    ("一只猫 --比\u200b例 16:9", "一只猫", WIDE),
    ("a cat --比例 16:9", "a cat", WIDE),
    ("一只猫 --横版", "一只猫", {"aspect": "3:2"}),
    ("一只猫 -横版", "一只猫", {"aspect": "3:2"}),
    ("一只猫，--竖版", "一只猫", {"aspect": "2:3"}),
    ("一只猫 ——方形", "一只猫", {"aspect": "1:1"}),
    ("一只貓 --橫版", "一只貓", {"aspect": "3:2"}),
    ("一只猫 --种子 5 --步数 9", "一只猫", {"seed": 5, "steps": 9}),
    ("一只猫 --风格 水墨", "一只猫", {"style": PictureStyle.INK}),
    ("一只猫 --风格水墨", "一只猫", {"style": PictureStyle.INK}),
    ("一只猫 --画质 精细", "一只猫", {"speed": Speed.FINE}),
    ("一只猫 --增强 关", "一只猫", {"enhance": EnhancementLevel.OFF}),
    ("一只猫 --不要 雾，雨 --横版", "一只猫", {"negative": "雾，雨", "aspect": "3:2"}),
    ("一只猫 ——不要 雾", "一只猫", {"negative": "雾"}),
    ("一只猫 --数量 2 --私密", "一只猫", {"count": 2, "private": True}),
    ("a cat --landscape", "a cat", {"aspect": "3:2"}),
]


@pytest.mark.parametrize(("text", "prompt", "given_"), OBEYED, ids=[each[0] for each in OBEYED])
def test_a_dash_before_a_known_flag_and_its_value_is_obeyed(
    text: str, prompt: str, given_: dict[str, Any]
):
    """However the dashes came out, a known flag with a value of it is a flag."""
    assert parse(text) == ParsedPrompt(prompt, given_)


@pytest.mark.parametrize(
    "text",
    [
        "a house — red",
        "a house - red",
        "a house -red",
        "a house – raw concrete",
        "a house — private",
        "a street—no cars",
        "a well-known half-public house",
        "a house — size matters",
        "sneakers — size 10",
        "a seed—5 of them",
        "a ten-steps-8 ladder",
        "T-style 3 car",
        "x-ar 16:9",
        "https://example.com/a-ar-16:9",
        "https://example.com/a--ar/16:9 photo",
        "www.example.com/x--seed 5",
        "a_--ar 16:9",
        "a cat — arriving at 16:9",
        "mother-in-law, 1990–2000, −5 °C",
        "海报——中国",
        "他说——不要离开",
        "石头——大小不一",
        "一只猫 ——横版封面上的猫",
        "a cat --红色",
        "《007》——No Time to Die",
        '"— ar 16:9" on a sign',
    ],
)
def test_dashes_between_words_stay(text: str):
    """Without a known name and a value of it, a dash is punctuation."""
    assert parse(text) == ParsedPrompt(text)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("a street — no people", "--no people"),
        ("a street -- no people", "--no people"),
        ("a street -no people, cars", "--no people, cars"),
        ("street--no people", "--no people"),
        ("a house -raw", "--raw"),
        ("a house -- private", "--private"),
        ("a house--draft", "--draft"),
        ("a house — style anime", "--style anime"),
    ],
)
def test_what_may_be_prose_is_asked(text: str, suggestion: str):
    """Where words after a dash may be a flag or prose, it is asked, and "without" keeps them."""
    problem = parse(text)
    assert isinstance(problem, FlagProblem)
    (error,) = problem.errors
    assert error.kind is FlagErrorKind.PROSE
    assert flag_problem(error, words()) == f"Did you mean `{suggestion}`?"
    assert parse(without_flags(text, problem)) == ParsedPrompt(text)


def test_every_name_of_a_flag_is_known_after_two_hyphens():
    """Each name, Chinese ones included, is found and never called unknown."""
    for name in FLAGS:
        found = parse(f"x --{name}")
        unknown = isinstance(found, FlagProblem) and any(
            each.kind is FlagErrorKind.UNKNOWN for each in found.errors
        )
        assert find_flags(f"x --{name}").flags and not unknown


@pytest.mark.parametrize(
    ("text", "prompt", "aspect"),
    [
        ("一座紅房子 ──比例 16:9", "一座紅房子", "16:9"),
        ("a red house ──ar 16:9", "a red house", "16:9"),
        ("海報 ──AI時代", "海報 ──AI時代", None),
        ("a cat ───── dog", "a cat ───── dog", None),
    ],
)
def test_the_lines_of_chinese_keyboards_are_dashes(text: str, prompt: str, aspect: str | None):
    """Keyboards in Taiwan write a dash as two box-drawing lines."""
    found = parse(text)
    assert isinstance(found, ParsedPrompt)
    assert (found.prompt, found.given.get("aspect")) == (prompt, aspect)


@pytest.mark.parametrize("piece", [" -ar", "' -ar", "。 -ar", "<a:b: -ar", " -ar--no "])
def test_thousands_of_dashes_are_read_at_once(piece: str):
    """A prompt of 6,000 characters that are all flags without values takes no second."""
    before = time.thread_time()
    parse((piece * 6000)[:6000])
    assert time.thread_time() - before < 1.5


@given(TEXTS, st.sampled_from(["", " — no x", "a-ar 16:9", " -横版", " - seed 5"]))
def test_an_escaped_text_has_no_flags(text: str, more: str):
    """Escaping takes the meaning of every dash, and only that."""
    found = find_flags(escape_flags(text + more))
    assert found.flags == () and found.text == text + more
