"""Sentences about flags that cannot be used."""

from __future__ import annotations

import pytest

from bot.i18n import words
from bot.request.outcomes import FlagProblem
from bot.request.prompt.flags import parse
from bot.wording.reasons.flags import flag_problem


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        (
            "a cat --seed cat",
            "`cat` is not a valid value for `--seed`. It accepts 0 to 4294967295.",
        ),
        ("a cat --refine 3", "`3` is not a valid value for `--refine`. It accepts 0 to 0.35."),
        ("a cat --v 6", "`--v` has no effect here. Please leave it out."),
        (
            "a cat --seed 5 --seed 6",
            "`--seed 6` and `--seed 5` contradict each other: please keep one of them.",
        ),
        ("a cat --upscale 2", "There is no flag `--upscale`."),
        ("a cat --stylize 5", "`--stylize` has no effect here. Did you mean `--enhance`?"),
    ],
)
def test_the_sentence_says_what_to_do(prompt: str, sentence: str):
    """Numbers are written in full, and every sentence says what would be valid."""
    problem = parse(prompt)
    assert isinstance(problem, FlagProblem)
    assert [flag_problem(each, words()) for each in problem.errors] == [sentence]
