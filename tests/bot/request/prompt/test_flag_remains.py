"""What is left of a prompt when its flags are taken out, and flags that are taken together."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.request.outcomes import FlagError, FlagErrorKind, FlagProblem
from bot.request.prompt.flag_remains import join_around_flags, keep_end
from bot.request.prompt.flags import ParsedPrompt, parse, without_flags
from bot.request.prompt.permutations import Permutations, permutations
from engine.diffusion.families import Speed
from engine.prompts import EnhancementLevel
from tests.bot.request.strange_texts import TEXTS


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("a cat, --ar 16:9", "a cat"),
        ("a cat,--ar 16:9,", "a cat"),
        ("a cat, --ar 16:9, --seed 5, on a sofa", "a cat, on a sofa"),
        ("a cat, --ar 16:9 on a sofa", "a cat, on a sofa"),
        ("a cat --ar 16:9; --seed 5;", "a cat"),
        ("a cat | --ar 16:9 | --seed 5", "a cat"),
        ("a cat - --ar 16:9", "a cat"),
        ("a cat: --ar 16:9", "a cat"),
        ("a cat. --ar 16:9.", "a cat."),
        ("A cat. --ar 16:9. On a sofa.", "A cat. On a sofa."),
        ("a cat! --ar 16:9", "a cat!"),
        ("一只猫，--ar 16:9。", "一只猫"),
        ("一只猫。--ar 16:9。", "一只猫。"),
        ("一只猫。--ar 16:9。戴帽子。", "一只猫。戴帽子。"),
        ("一只猫、--横版、戴帽子", "一只猫、戴帽子"),
        ("a cat (--ar 16:9)", "a cat"),
        ("a cat (--ar 16:9, --seed 5) on a sofa", "a cat on a sofa"),
        ("a cat, (--ar 16:9), on a sofa", "a cat, on a sofa"),
        ("a cat (--ar 16:9, red)", "a cat (red)"),
        ("a cat [--seed 5]", "a cat"),
        ("a cat {--seed 5}", "a cat"),
        ("一只猫（--比例 16:9）", "一只猫"),
        ("一只猫【--seed 5】", "一只猫"),
        ("a cat (--no fog)", "a cat"),
        ("a cat (--no fog (thick)) on a sofa", "a cat on a sofa"),
        ("a cat **--ar 16:9**", "a cat"),
        ("a cat `--seed 5`", "a cat"),
        ("(a cat) --ar 16:9", "(a cat)"),
        ("--ar 16:9", ""),
        ("--ar 16:9, --seed 5.", ""),
        ("(--ar 16:9)", ""),
    ],
)
def test_no_rubble_is_left(text: str, prompt: str):
    """Commas, stops and brackets that only stood around flags go with them."""
    parsed = parse(text)
    assert isinstance(parsed, ParsedPrompt) and parsed.prompt == prompt and parsed.given


@given(TEXTS, st.sampled_from(["", ",", " —", ",\\", "，\\\\", ":", " |"]))
def test_a_marked_end_stays(text: str, end: str):
    """The end of a prompt that `keep_end` marked is exactly what it was."""
    prompt = (text + end).strip()
    assert join_around_flags([f"{keep_end(prompt)} ", ""]) == prompt


@pytest.mark.parametrize(
    ("text", "given_"),
    [
        ("a --ar 16:9 --ar 16:9", {"aspect": "16:9"}),
        ("a --ar 16:9 --aspect 32:18", {"aspect": "16:9"}),
        ("a --landscape --横版 --ar 3:2", {"aspect": "3:2"}),
        ("a --size 256x192 --ar 4:3", {"size": (256, 192)}),
        ("a --ar 16:9 --size 1344x768", {"size": (1344, 768)}),
        ("a --no fog --no people", {"negative": "fog, people"}),
        ("a --no fog, --no fog", {"negative": "fog"}),
        ("a --no fog --negative rain --不要 snow", {"negative": "fog, rain, snow"}),
        ("a --seed 5 --seed=5", {"seed": 5}),
        ("a --seed random --seed -1", {"seed": None}),
        ("a --raw --style raw", {"enhance": EnhancementLevel.OFF}),
        ("a --draft --speed fast --q .5", {"speed": Speed.FAST}),
        ("a --chaos 50 --variety 0.5", {"variety": 0.5}),
        ("a --iw 1 --strength 0.75", {"strength": 0.75}),
        ("a --private --stealth", {"private": True}),
        ("a --repeat 2 --count 2", {"count": 2}),
    ],
)
def test_flags_that_agree_are_taken_together(text: str, given_: dict[str, Any]):
    """The same value twice, a size with its ratio and several --no are no contradiction."""
    assert parse(text) == ParsedPrompt("a", given_)


@pytest.mark.parametrize(
    ("text", "given_"),
    [
        ("a --ar portrait", {"aspect": "2:3"}),
        ("a --ar Landscape", {"aspect": "3:2"}),
        ("a --ar square", {"aspect": "1:1"}),
        ("a --ar 竖版", {"aspect": "2:3"}),
        ("a --ar 16-9", {"aspect": "16:9"}),
        ("a --ar 16–9", {"aspect": "16:9"}),
        ("a --ar 1.91:1", {"aspect": "191:100"}),
        ("a --ar 2.35:1", {"aspect": "47:20"}),
        ("a --ar 1:1.5", {"aspect": "2:3"}),
        ("a --ar 1.5", {"aspect": "3:2"}),
        ("a --ar 16 9", {"aspect": "16:9"}),
        ("a --ar 16，9。", {"aspect": "16:9"}),
        ("a --ar 4, 3 --raw", {"aspect": "4:3", "enhance": EnhancementLevel.OFF}),
        ("a --ar １．５：１", {"aspect": "3:2"}),
        ("a --ar (16:9)", {"aspect": "16:9"}),
        ("a --seed -1", {"seed": None}),
        ("a --seed random", {"seed": None}),
        ("a --seed Random", {"seed": None}),
        ("a --seed 随机", {"seed": None}),
        ("a --seed [5]", {"seed": 5}),
        ("a --size １０２４ｘ７６８", {"size": (1024, 768)}),
    ],
)
def test_values_as_people_write_them(text: str, given_: dict[str, Any]):
    """Shapes by name, decimal ratios, other signs between numbers, and random seeds are read."""
    assert parse(text) == ParsedPrompt("a", given_)


@pytest.mark.parametrize(
    ("text", "flags", "without"),
    [
        ("a cat --foo --ar x --tile", ["--foo", "--ar", "--tile"], "a cat"),
        ("a cat --foo 3 --v 6.1 on a sofa --seed 5", ["--foo", "--v"], "a cat on a sofa --seed 5"),
        ("a cat --sref https://x.org/a.png --seed 5", ["--sref"], "a cat --seed 5"),
        ("a cat, --tile, on a sofa", ["--tile"], "a cat, on a sofa"),
        ("a cat --tile please", ["--tile"], "a cat please"),
        ("a cat --mood happy --seed 5", ["--mood"], "a cat --seed 5"),
        ("a cat --mood=happy on a sofa", ["--mood"], "a cat on a sofa"),
        ("a cat (--tile) --seed 5", ["--tile"], "a cat --seed 5"),
        ("a cat --seed 5 --seed 6 --ar 1:1", ["--seed"], "a cat --ar 1:1"),
        ("{red --foo 1, blue --foo 2} cat", ["--foo"], "{red, blue} cat"),
        (r"a \{cat\} \--v 5 --tile", ["--tile"], r"a \{cat\} \--v 5"),
        ("a cat --seed --ar 99", ["--seed", "--ar"], "a cat"),
        ("--foo", ["--foo"], ""),
        ("a cat --seed {1..5} --ar 1:1", ["--seed"], "a cat --ar 1:1"),
        ("a cat --ar={9:0} at night", ["--ar"], "a cat at night"),
        ("a cat --v {5, 6.1} on a sofa", ["--v"], "a cat on a sofa"),
        ("a cat --sref {https://x.org/a, https://x.org/b}", ["--sref"], "a cat"),
        ("a cat --foo {a, b}", ["--foo"], "a cat"),
        ("a --tile {red, blue} cat", ["--tile"], "a {red, blue} cat"),
    ],
)
def test_all_wrong_flags_are_named_and_can_be_left_out(text: str, flags: list[str], without: str):
    """Every wrong flag is named once, and the text without them keeps its words and good flags."""
    problem = parse(text)
    assert isinstance(problem, FlagProblem)
    assert list(dict.fromkeys(each.flag for each in problem.errors)) == flags
    assert without_flags(text, problem) == without


def test_half_a_choice_is_kept_as_text():
    """Without the wrong flags, a brace that is half of a choice is text."""
    problem = FlagProblem(())
    assert without_flags("a {red, blue house --tile", problem) == r"a \{red, blue house"


@pytest.mark.parametrize(
    "piece",
    ["{a,", "{a,“*", "{a, -ar ", "－－比例 {a,", "||--foo {", "{a,b}{a,```", "{Steps: 20, "],
)
def test_thousands_of_halves_take_no_time(piece: str):
    """However many braces of a long prompt are half of a choice, the answer does not wait."""
    text = (piece * 6000)[:6000]
    problem = FlagProblem((FlagError(FlagErrorKind.UNBALANCED, "{"),))
    before = time.thread_time()
    left = without_flags(text, problem)
    assert time.thread_time() - before < 5
    assert isinstance(permutations(left), Permutations)


@given(TEXTS)
def test_without_its_wrong_flags_a_text_is_fine(text: str):
    """What is left has no wrong flag, and no error is about prose that was kept."""
    problem = parse(text)
    if isinstance(problem, FlagProblem):
        assert problem.errors
        left = parse(without_flags(text, problem))
        assert isinstance(left, ParsedPrompt), left
        assert all(each.kind is not FlagErrorKind.UNBALANCED for each in problem.errors)
