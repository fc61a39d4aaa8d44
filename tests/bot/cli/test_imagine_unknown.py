"""`zimagine imagine` and `explain` with the demo model, which knows little."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bot.cli.calling import QUICK, zimagine

TELLS = "The built-in demo model knows nothing in "


@pytest.mark.parametrize(
    ("prompts", "quoted"),
    [
        (["a giraffe"], "“a giraffe”. It knows: house, boat"),
        (["一只长颈鹿"], "“一只长颈鹿”. It knows: 房子、船"),
        (["a giraffe", "a house", "a zebra"], "“a giraffe”, “a zebra”. It knows: house"),
        (["a", "b", "c", "d", "e"], "“a”, “b”, “c” and 2 more. It knows: house"),
    ],
)
def test_one_line_names_what_it_knows(tmp_path: Path, prompts: list[str], quoted: str):
    """One line on standard error names the unknown prompts, and all are painted the same."""
    file = tmp_path / "prompts.txt"
    file.write_text("\n".join(prompts), encoding="utf-8")
    done = zimagine("imagine", "--prompts", str(file), *QUICK, "--out", str(tmp_path / "out"))
    assert done.exit_code == 0 and len(done.stdout.splitlines()) == len(prompts)
    (line,) = [each for each in done.stderr.splitlines() if "demo model" in each]
    assert line.startswith(f"{TELLS}{quoted}")


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_a_known_prompt_is_told_what_else_there_is(tmp_path: Path, extra: list[str]):
    """With a known prompt the line says that this is the demo model; standard output has none."""
    out = str(tmp_path / "out")
    done = zimagine("imagine", "a house", *QUICK, "--count", "2", "--out", out, *extra)
    assert done.exit_code == 0 and "demo" not in done.stdout
    assert done.stderr.count("Built-in demo model. It knows: house, boat") == 1


@pytest.mark.parametrize(
    ("prompt", "says"),
    [("a giraffe", "knows nothing in this prompt"), ("a house", "It knows: house")],
)
def test_explain_says_it_too(prompt: str, says: str):
    """`explain` says what the demo model knows, and nothing of the kind for other models."""
    assert says in zimagine("explain", prompt).stdout
    assert "demo" not in zimagine("explain", prompt, "--model", "org/model").stdout
