"""`zimagine imagine` with permutations, confirmed on a terminal or with --yes."""

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
    """Run the command on a terminal on which this answer is typed."""
    monkeypatch.setattr(permutations, "_is_interactive", lambda: True)
    command = ["imagine", "{a lake, a boat}", "--out", "some", *QUICK]
    return CliRunner().invoke(group, command, input=answer, catch_exceptions=False)


def test_yes_paints_every_choice():
    """With --yes, each permutation is painted as a separate prompt, --count times."""
    found = painted(
        "a {red, blue} lake", "a boat", "--yes", "--count", "2", "--out", "some", *QUICK
    )
    prompts = [each["prompt"] for each in found]
    assert prompts == ["a red lake"] * 2 + ["a blue lake"] * 2 + ["a boat"] * 2


def test_where_nobody_can_be_asked_yes_is_needed(own_folder: Path):
    """Without a terminal and --yes, one sentence names the number, the code is 2, and nothing is
    painted."""
    sentence = refused("a {red, blue} {lake, boat}", "--count", "2", "--out", "some")
    assert "8 pictures" in sentence and "--yes" in sentence
    assert not (own_folder / "some").exists()


def test_at_a_terminal_it_is_asked(own_folder: Path, monkeypatch: pytest.MonkeyPatch):
    """On a terminal the question is on standard error; a "no" paints nothing and is no error."""
    no = answered("n\n", monkeypatch)
    assert no.exit_code == 0 and no.stdout == "" and "make 2 pictures" in no.stderr
    assert not (own_folder / "some").exists()
    yes = answered("y\n", monkeypatch)
    assert yes.exit_code == 0 and len(yes.stdout.splitlines()) == 2


def test_a_brace_that_is_none_is_written_with_a_backslash():
    """Escaped braces and a single option are text and need no confirmation."""
    found = painted(r"a \{red, blue\} lake", "a {green} boat", "--out", "some", *QUICK)
    assert [each["prompt"] for each in found] == ["a {red, blue} lake", "a {green} boat"]


def test_a_broken_brace_is_that_prompts_own_trouble():
    """A prompt with unbalanced braces is reported with code 2, and the others are painted."""
    done = zimagine("imagine", "a {red, lake", "a boat", "--out", "some", *QUICK)
    assert done.exit_code == 2 and len(done.stdout.splitlines()) == 1
    assert "matching brace" in done.stderr


def test_far_too_many_are_counted_and_refused():
    """Any excessive number of permutations is refused at once, in one sentence."""
    assert "at most 10000" in refused("{a,b,c,d,e,f,g,h,i,j}" * 5, "--yes")
    assert "millions" in refused("{a,b}" * 60, "--yes")
