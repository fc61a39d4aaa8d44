"""`zimagine imagine` with many prompts and grids: one load of the model, independent failures."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from engine.diffusion import renderer
from tests.bot.cli.calling import QUICK, interruptible, names, painted, pixels, refused, zimagine


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test starts in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Record one entry for each load of a model."""
    real, seen = renderer.load_model, list[object]()

    def load(*arguments: object) -> object:
        seen.append(arguments)
        return real(*arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(renderer, "load_model", load)
    return seen


def test_prompts_come_from_words_files_and_standard_input_and_the_model_is_loaded_once(
    loads: list[object],
):
    """Comments, blank lines and a byte order mark are not part of the prompts."""
    Path("p.txt").write_bytes(b"\xef\xbb\xbf# mine\r\n\r\n  a boat  \r\na # house\r\n")
    found = painted(
        "a lake", "-", "--prompts", "p.txt", *QUICK, "--steps", "1", "--out", "some",
        stdin="一只猫\n".encode(),
    )  # fmt: skip
    assert [each["prompt"] for each in found] == ["a lake", "一只猫", "a boat", "a # house"]
    assert len(loads) == 1
    assert {Path(each["file"]).name for each in found} == {
        f"{slug}-{each['seed']}.png"
        for slug, each in zip(("a-lake", "一只猫", "a-boat", "a-house"), found, strict=True)
    }


def test_one_bad_prompt_is_reported_and_the_others_are_painted():
    """An empty prompt and one with too many tokens are both named, and the exit code is 2."""
    long = "ß€" * 600
    done = zimagine("imagine", "", "a lake", long, "a boat", *QUICK, "--out", "some")
    assert done.exit_code == 2 and len(done.stdout.splitlines()) == 2
    complaints = [line for line in done.stderr.splitlines() if line.startswith("zimagine:")]
    assert len(complaints) == 2 and "empty" in complaints[0]
    assert "ß€" in complaints[1] and "tokens" in complaints[1]
    assert len(names("some")) == 2


def test_what_enhancement_adds_never_makes_a_prompt_too_long():
    """Additions that do not fit into the model's tokens are left out, and it is painted."""
    (found,) = painted("ß" * 245, *QUICK, "--out", "a.png")
    assert found["effective_prompt"] == found["prompt"]


def test_a_grid_is_every_combination_on_one_sheet_per_prompt():
    """All pictures of a prompt share a seed; the sheet has as many columns as the last axis has
    values."""
    done = zimagine(
        "imagine", "a lake", "a boat", "--size", "128x128", "--grid", "steps=1,2",
        "--grid", "enhance=off,light", "--seed", "3", "--out", "some",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    single = {
        f"a-{what}-3-steps-{steps}-enhance-{level}.png"
        for what in ("lake", "boat")
        for steps in (1, 2)
        for level in ("off", "light")
    }
    assert set(names("some")) == single | {"a-lake-sheet.png", "a-boat-sheet.png"}
    lines = done.stdout.splitlines()
    assert len(lines) == 10 and lines[4].endswith("a-lake-sheet.png")
    with Image.open("some/a-lake-sheet.png") as sheet:
        assert 2 * 128 <= sheet.width < 3 * 128 and 2 * 128 < sheet.height < 3 * 128
        first = sheet.crop((8, 8, 136, 136)).tobytes()
    with Image.open("some/a-lake-3-steps-1-enhance-off.png") as picture:
        assert picture.tobytes() == first


def test_speed_strictness_and_levels_are_what_they_say():
    """fast, standard and fine are 4, 8 and 10 steps, strict is guidance 1.8, full adds more."""
    found = painted(
        "a mountain lake at dawn", "--size", "128x128", "--strict", "--out", "some",
        "--grid", "speed=fast,standard,fine", "--grid", "enhance=light,full",
    )  # fmt: skip
    assert [each["steps"] for each in found] == [4, 4, 8, 8, 10, 10]
    assert {each["guidance"] for each in found} == {1.8}
    assert len({each["seed"] for each in found}) == 1
    light, full = found[:2]
    assert light["effective_prompt"] != full["effective_prompt"]
    assert "golden light" in full["effective_prompt"] and full["negative_prompt"]


def test_a_negative_prompt_raises_guidance_but_not_that_of_a_comparison():
    """--negative raises guidance that is off and says so; the values of a grid are painted as they
    are, because they are compared."""
    done = zimagine("imagine", "a lake", *QUICK, "--negative", "fog", "--out", "a.png")
    assert done.exit_code == 0 and "Guidance is 1.8" in done.stderr
    (explicit,) = painted(
        "a lake", *QUICK, "--negative", "fog", "--guidance", "1", "--out", "b.png"
    )
    assert explicit["guidance"] == 1.8
    compared = painted(
        "a lake", *QUICK, "--negative", "fog", "--grid", "guidance=1,1.5", "--out", "some"
    )
    assert [each["guidance"] for each in compared] == [1.0, 1.5]


def test_a_style_the_model_does_not_know_is_said_and_does_nothing():
    """sketch knows no oil painting: the pixels are the same, there is a note, and the JSON has the
    choice."""
    done = zimagine("imagine", "a lake", *QUICK, "--seed", "1", "--style", "oil", "--out", "a.png")
    assert done.exit_code == 0 and "the style oil painting, so it was left out" in done.stderr
    (plain,) = painted("a lake", *QUICK, "--seed", "1", "--out", "b.png")
    (styled,) = painted("a lake", *QUICK, "--seed", "1", "--style", "oil", "--out", "c.png")
    assert pixels("a.png") == pixels("b.png") == pixels("c.png")
    assert (plain["style"], styled["style"]) == (None, "oil")
    fancy = zimagine("imagine", "a lake", "--style", "fancy")
    assert fancy.exit_code == 2 and "watercolour" in fancy.stderr


def test_without_enhancement_nothing_is_added_and_smart_falls_back():
    """--no-enhance is --enhance off; without a language model, smart is the same as full."""
    off, smart = (
        painted("a lake at dawn", *QUICK, "--seed", "1", *how, "--out", "x.png")[0]
        for how in (["--no-enhance"], ["--enhance", "smart"])
    )
    assert off["effective_prompt"] == "a lake at dawn"
    assert smart["effective_prompt"].startswith("a lake at dawn. ")


def test_high_guidance_warns_and_too_high_is_refused_with_its_reason():
    """Guidance above 2.5 is noted, as pictures look burnt; above the family's bound it is
    refused."""
    done = zimagine("imagine", "a lake", *QUICK, "--guidance", "3", "--out", "a.png")
    assert done.exit_code == 0 and "burnt" in done.stderr
    assert "above 5" in refused("a lake", "--guidance", "5.5")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["a", "--grid", "steps=" + ",".join(map(str, range(1, 10))),
          "--grid", "seed=1,2,3,4,5,6,7,8"], "72"),
        (["a", "--grid", "steps=1,2,3", "--count", "30"], "90"),
        (["a", "--grid", "steps"], "steps=4,6,8"),
        (["a", "--grid", "colour=red"], "colour"),
        (["a", "--grid", "steps=4,x"], "whole number"),
        (["a", "--grid", "speed=slow"], "fast"),
        (["a", "--grid", "steps=4,4"], "repeats a value"),
        (["a", "--grid", "style=oil,fancy"], "watercolour"),
        (["a", "--grid", "style=oil,ink", "--style", "oil"], "--style"),
        (["a", "--grid", "steps=4", "--grid", "steps=5"], "twice"),
        (["a", "--grid", "steps=4", "--grid", "speed=fast"], "same"),
        (["a", "--grid", "steps=4", "--steps", "8"], "--steps"),
        (["a", "--grid", "seed=4", "--seed", "8"], "--seed"),
        (["a", "--grid", "guidance=2", "--strict"], "--strict"),
        (["a", "--grid", "strength=0.5"], "--image"),
        (["a", "--grid", "steps=4,99"], "steps"),
        (["a", "--grid", "guidance=1,nan"], "guidance"),
        (["a", "--steps", "4", "--speed", "fast"], "not both"),
        (["a", "--strict", "--guidance", "2"], "not both"),
        (["a", "--no-enhance", "--enhance", "full"], "not both"),
        (["--prompts", "none.txt"], "none.txt"),
        (["--prompts", "empty.txt"], "no prompts"),
        (["--prompts", "latin.txt"], "UTF-8"),
        (["-", "-"], "once"),
        (["a"] * 11 + ["--count", "1000"], "11000"),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_is_refused_in_one_sentence(arguments: list[str], word: str):
    """Contradictory or invalid options exit with code 2 before anything is loaded."""
    Path("empty.txt").write_text("# nothing\n\n")
    Path("latin.txt").write_bytes("café".encode("latin-1"))
    assert word in refused(*arguments)
    assert not Path("data").exists()


def test_several_bad_prompts_are_each_named_where_nothing_is_left():
    """Different reasons have a line each; a reason that is the same for all is printed once."""
    done = zimagine("imagine", "", "x" * 4000)
    assert done.exit_code == 2 and len(done.stderr.strip().splitlines()) == 2
    assert "steps" in refused("a", "b", "--steps", "0")


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_ctrl_c_ends_it_between_two_steps_and_leaves_whole_pictures():
    """Ctrl-C prints one line, exits with 130, and leaves no incomplete files."""
    code = "import sys; from bot.cli import main; main(sys.argv[1:])"
    call = [sys.executable, "-c", code, "imagine", "a lake", *QUICK, "--count", "900"]
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with interruptible():
        process = subprocess.Popen(
            [*call, "--out", "some"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
    with process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().strip().endswith(".png")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in errors
    assert errors.strip().splitlines()[-1].startswith("zimagine: stopped;")
    for name in names("some"):
        assert name.endswith(".png")
        with Image.open(Path("some", name)) as image:
            image.load()
