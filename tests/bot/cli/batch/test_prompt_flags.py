"""`zimagine imagine` and `explain`: flags in a prompt are obeyed or named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import group
from tests.bot.cli.calling import QUICK, painted, refused, zimagine
from tests.bot.sample_pictures import a_picture


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test starts in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_flags_are_obeyed():
    """A flag does what the option does, however its dashes came out, and leaves the prompt."""
    (found,) = painted(
        "/imagine prompt: a lake — size 128x256, -steps 2 --种子 ５ --no fog --private",
        "--out",
        "x",
    )
    assert found["prompt"] == "a lake" and found["seed"] == 5
    recipe = json.loads(zimagine("inspect", "--json", found["file"]).stdout)["request"]
    assert (recipe["width_px"], recipe["height_px"], recipe["steps"]) == (128, 256, 2)
    assert recipe["negative_prompt"] == "fog"


def test_a_pasted_command_is_obeyed():
    """What Discord's client copies of a command is read as if its options were flags."""
    prompt = "/imagine prompt:a red house aspect:2:1 seed:5 model:flux"
    done = zimagine("imagine", prompt, "--out", "x", "--steps", "2")
    assert done.exit_code == 0 and "“model:flux”" in done.stderr
    recipe = json.loads(zimagine("inspect", "--json", done.stdout.strip()).stdout)["request"]
    assert recipe["prompt"] == "a red house model:flux" and recipe["seed"] == 5
    assert recipe["width_px"] > 1.8 * recipe["height_px"]


def test_a_region_in_a_prompt_is_the_option(own_folder: Path):
    """--region in a prompt repaints that part of --image, for that prompt alone."""
    (own_folder / "photo.png").write_bytes(a_picture(300, 200))
    quick = ("--steps", "2", "--out", "x")
    found = painted(
        "a lake --region left", "a lake --区域 右", "a lake", "--image", "photo.png", *quick
    )
    assert [each["mode"] for each in found] == ["inpaint", "inpaint", "image"]
    assert len({tuple(each["inputs"]) for each in found}) == 3
    (option,) = painted("a lake", "--image", "photo.png", "--region", "left", *quick)
    assert option["inputs"] == found[0]["inputs"]


def test_repeat_counts_up_the_seed():
    """--repeat in a prompt is --count for that prompt alone."""
    found = painted("a lake --repeat 2 --seed 7", "a boat", "--out", "some", *QUICK)
    assert [each["prompt"] for each in found] == ["a lake", "a lake", "a boat"]
    assert [each["seed"] for each in found[:2]] == [7, 8]


def test_choices_may_hold_flags():
    """Each choice has its own flags."""
    found = painted("{a lake --seed 5, a boat --seed 6}", "--yes", "--out", "some", *QUICK)
    assert [(each["prompt"], each["seed"]) for each in found] == [("a lake", 5), ("a boat", 6)]


def test_prompts_of_a_file_have_flags(own_folder: Path):
    """In a file of prompts, a wrong flag is that prompt's own trouble."""
    (own_folder / "prompts.txt").write_text(
        'a lake --seed 5\na boat --foo\n{"subject": "a house", "place": "snow"}\n', "utf-8"
    )
    done = zimagine("imagine", "--prompts", "prompts.txt", "--out", "some", "--json", *QUICK)
    assert done.exit_code == 2
    prompts = [json.loads(line)["prompt"] for line in done.stdout.splitlines()]
    assert prompts == ["a lake", '{"subject": "a house", "place": "snow"}']
    assert "`--foo`" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("a lake --foo --tile --ar wider",), ("`--foo`", "`--tile`", "`wider`")),
        (("a lake --seed 5", "--seed", "6"), ("`--seed 5`", "`seed: 6`", "contradict")),
        (("a lake --repeat 2", "--count", "3"), ("`--count 2`", "contradict")),
        (("a lake --draft", "--steps", "3"), ("`--speed fast`", "`--steps 3`", "contradict")),
        (("a lake --steps 3", "--grid", "steps=1,2"), ("`--steps`", "`--grid`")),
        (("a lake --draft", "--grid", "steps=1,2"), ("`--speed`", "`--grid`")),
        (("a lake --repeat 2", "--grid", "seed=1,2"), ("`--count`", "`--grid`")),
        (("a lake --strength 0.5",), ("--strength", "picture")),
        (("a lake --region left",), ("--region", "one picture")),
        (("a lake --steps 3 --speed fast",), ("`--steps 3`", "`--speed fast`", "4 steps")),
        (("/imagine prompt:a lake seed:abc",), ("`abc`", "`--seed`")),
        (("a lake --public",), ("`--public`", "no effect")),
        (("a lake — no people",), ("Did you mean `--no people`?",)),
        (("https://example.com/a.png a lake",), ("https://example.com/a.png", "--image")),
        (("a lake --ar 99:1",), ("99:1",)),
    ],
)
def test_what_cannot_be_obeyed_is_named(arguments: tuple[str, ...], parts: tuple[str, ...]):
    """One line names every wrong flag, and nothing is painted."""
    sentence = refused(*arguments, "--out", "some")
    assert all(part in sentence for part in parts), sentence
    assert not Path("some").exists()


def test_flags_and_options_that_agree():
    """The same value twice is no contradiction, and --no adds to --negative."""
    (found,) = painted(
        "a lake --seed 5 --no fog --ar 1:1",
        "--seed",
        "5",
        "--negative",
        "rain",
        "--out",
        "x",
        *QUICK,
    )
    recipe = json.loads(zimagine("inspect", "--json", found["file"]).stdout)["request"]
    assert recipe["seed"] == 5 and recipe["negative_prompt"] == "rain, fog"


def test_each_prompt_has_its_own_size_from_a_picture(own_folder: Path):
    """--ar in a prompt fits the source image for that prompt alone."""
    (own_folder / "photo.png").write_bytes(a_picture(300, 200))
    wide, plain = painted(
        "a lake --ar 2:1 --strength 0.5",
        "a lake",
        "--image",
        "photo.png",
        "--steps",
        "2",
        "--out",
        "x",
    )
    shapes = []
    for each in (wide, plain):
        recipe = json.loads(zimagine("inspect", "--json", each["file"]).stdout)["request"]
        shapes.append((recipe["width_px"] / recipe["height_px"], recipe["strength"]))
    assert shapes[0][0] > 1.8 > 1.6 > shapes[1][0] and shapes[0][1] == 0.5


PASTED = "a lake Negative prompt: fog Steps: 20, Sampler: x, CFG scale: 7, Seed: 12, Size: 128x160"


def test_a_pasted_text_has_flags_too():
    """Behind "/imagine prompt:", what was pasted counts where no flag says otherwise."""
    found = painted(f"/imagine prompt: {PASTED} --seed 5 --repeat 2", "--out", "x", "--steps", "2")
    assert [(each["prompt"], each["seed"]) for each in found] == [("a lake", 5), ("a lake", 6)]
    recipe = json.loads(zimagine("inspect", "--json", found[0]["file"]).stdout)["request"]
    assert (recipe["width_px"], recipe["height_px"]) == (128, 160)
    assert recipe["negative_prompt"] == "fog" and recipe["guidance"] == 1.8
    assert "`--foo`" in refused(f"{PASTED} --foo", "--out", "y")


def test_a_pasted_text_follows_the_picture(own_folder: Path):
    """From a picture, also from a part of it, the size is that of the picture."""
    (own_folder / "photo.png").write_bytes(a_picture(300, 200))
    source = ("--image", "photo.png", "--steps", "2", "--out", "x")
    for more in ((), ("--region", "centre")):
        (found,) = painted(f"{PASTED} --strength 0.5", *source, *more)
        recipe = json.loads(zimagine("inspect", "--json", found["file"]).stdout)["request"]
        assert recipe["width_px"] > recipe["height_px"] and recipe["strength"] == 0.5
        assert recipe["mode"] == ("inpaint" if more else "image")
        assert (recipe["seed"], recipe["negative_prompt"]) == (12, "fog")


def test_a_grid_of_guidance_keeps_it():
    """Guidance that is compared stays, although the prompt has a negative one as a flag."""
    found = painted("a lake --no fog", "--grid", "guidance=1,2", "--out", "x", *QUICK)
    recipes = [
        json.loads(zimagine("inspect", "--json", each["file"]).stdout)["request"] for each in found
    ]
    assert [each["guidance"] for each in recipes] == [1.0, 2.0]


def test_full_width_digits_count_everywhere():
    """Options take full-width digits, points and signs like flags do."""
    (found,) = painted(
        "a lake",
        "--seed",
        "４２",
        "--steps",
        "２",
        "--size",
        "１２８ｘ１２８",
        "--guidance",
        "１．５",
        "--out",
        "x",
    )
    recipe = json.loads(zimagine("inspect", "--json", found["file"]).stdout)["request"]
    assert (recipe["seed"], recipe["steps"], recipe["guidance"]) == (42, 2, 1.5)
    assert (recipe["width_px"], recipe["height_px"]) == (128, 128)
    grid = painted("a lake", "--grid", "steps=１，２", "--size", "128x128", "--out", "grid")
    assert len(grid) == 2


@pytest.mark.parametrize("seed", ["-1", "random", "随机"])
def test_any_seed(seed: str):
    """A seed of -1 or "random" is a new one, as an option and as a flag."""
    found = painted("a lake", f"a boat --seed {seed}", "--seed", seed, "--out", "some", *QUICK)
    assert len({each["seed"] for each in found}) == 2


def test_what_does_nothing_is_noted():
    """Syntax of other programs is named on standard error."""
    done = zimagine("imagine", "{2$$a|b} __lake__", "--yes", "--out", "some", *QUICK)
    assert done.exit_code == 0 and len(done.stdout.splitlines()) == 2
    assert "“2$$”" in done.stderr and "“__lake__”" in done.stderr


def test_explain_obeys_flags():
    """`zimagine explain` reads flags as `imagine` does, and names the wrong ones."""
    done = CliRunner().invoke(group, ["explain", "a lake --ar 16:9 --seed 5"])
    assert done.exit_code == 0 and "--ar" not in done.stdout
    done = CliRunner().invoke(group, ["explain", "a lake --foo --tile"])
    assert done.exit_code == 2 and "`--foo`" in done.stderr and "`--tile`" in done.stderr


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("/imagine prompt:a house seed:5 model:x", "read as words: “model:x”"),
        ("Prompt: a house Negative prompt: fog", "copied from another program"),
    ],
)
def test_explain_says_how_a_paste_was_read(prompt: str, told: str):
    """What was not taken, or was taken from another program's text, is among the advice."""
    done = zimagine("explain", prompt, "--model", "sketch")
    assert done.exit_code == 0 and told in done.stdout
