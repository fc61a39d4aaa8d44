"""`zimagine imagine` with choices in braces: asked about, or agreed to with --yes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import group
from bot.cli.batch import permutations
from tests.bot.cli.calling import QUICK, painted, refused, zimagine


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test starts in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answered(answer: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    """The command with somebody at the terminal who types this."""
    monkeypatch.setattr(permutations, "_somebody_is_there", lambda: True)
    command = ["imagine", "{a lake, a boat}", "--out", "some", *QUICK]
    return CliRunner().invoke(group, command, input=answer, catch_exceptions=False)


def test_yes_paints_every_choice():
    """Each is a prompt of its own, with as many pictures as were asked for."""
    found = painted(
        "a {red, blue} lake", "a boat", "--yes", "--count", "2", "--out", "some", *QUICK
    )
    prompts = [each["prompt"] for each in found]
    assert prompts == ["a red lake"] * 2 + ["a blue lake"] * 2 + ["a boat"] * 2


def test_where_nobody_can_be_asked_yes_is_needed(own_folder: Path):
    """In a script: one sentence with the number, code 2, and nothing painted."""
    sentence = refused("a {red, blue} {lake, boat}", "--count", "2", "--out", "some")
    assert "8 pictures" in sentence and "--yes" in sentence
    assert not (own_folder / "some").exists()


def test_at_a_terminal_it_is_asked(own_folder: Path, monkeypatch: pytest.MonkeyPatch):
    """On standard error, and a no paints nothing without being an error."""
    no = answered("n\n", monkeypatch)
    assert no.exit_code == 0 and no.stdout == "" and "make 2 pictures" in no.stderr
    assert not (own_folder / "some").exists()
    yes = answered("y\n", monkeypatch)
    assert yes.exit_code == 0 and len(yes.stdout.splitlines()) == 2


def test_a_brace_that_is_none_is_written_with_a_backslash():
    """Escaped braces are words, and so is a single choice; nothing is asked about them."""
    found = painted(r"a \{red, blue\} lake", "a {green} boat", "--out", "some", *QUICK)
    assert [each["prompt"] for each in found] == ["a {red, blue} lake", "a green boat"]


def test_a_broken_brace_is_that_prompts_own_trouble():
    """The others are painted, and the exit code is 2."""
    done = zimagine("imagine", "a {red lake", "a boat", "--out", "some", *QUICK)
    assert done.exit_code == 2 and len(done.stdout.splitlines()) == 1
    assert "matching brace" in done.stderr


def test_far_too_many_are_counted_and_refused():
    """However many there are: one sentence, at once."""
    assert "at most 10000" in refused("{a,b,c,d,e,f,g,h,i,j}" * 5, "--yes")
    assert "millions" in refused("{a,b}" * 60, "--yes")
