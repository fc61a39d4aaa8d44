"""What is typed wrong on the command line is answered with what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bot.cli.calling import QUICK, zimagine


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test starts in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a red house"], 'zimagine imagine "a red house"'),
        (["一只猫"], 'zimagine imagine "一只猫"'),
        (["start"], "Did you mean 'run'?"),
        (["Run"], "Did you mean 'run'?"),
        (["backup", "x.db"], "Did you mean 'db backup'?"),
        (["paint", "a red house"], "Did you mean 'imagine'?"),
        (["invit"], "Did you mean 'invite'?"),
        (["xyz"], "No such command 'xyz'."),
        (["imagine", "a house", "--ar", "16:9"], "belongs in the prompt"),
        (["imagine", "a house", "--no", "fog"], "belongs in the prompt"),
        (["imagine", "a house", "--width", "512"], "Use --size"),
        (["imagine", "a house", "--promt", "x"], "Did you mean '--prompts'?"),
        (["imagine", "a house", "--strngth", "1"], "Did you mean '--strength'?"),
        (["imagine", "a house", "--xyz"], "--help lists all."),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_one(arguments: list[str], words: str) -> None:
    """Prompts, other names of commands, misspelt ones, and flags outside the prompt."""
    done = zimagine(*arguments)
    assert done.exit_code == 2 and done.stdout == ""
    assert words in done.stderr, done.stderr


def test_a_prompt_without_quotation_marks_is_noticed() -> None:
    """Words that a shell has split are painted one by one, and it is said how to paint them as one.

    Prompts of several words, or in Chinese, are meant as they are.
    """
    said = zimagine("imagine", "red", "house", *QUICK, "--out", "some").stderr
    assert "2 prompts" in said and '"red house"' in said
    said = zimagine("imagine", "a red house", "boat", *QUICK, "--out", "some").stderr
    assert "prompts" not in said
    said = zimagine("imagine", "房子", "船", *QUICK, "--out", "some").stderr
    assert "2 prompts" not in said
