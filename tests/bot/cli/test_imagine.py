"""`zimagine imagine` and `zimagine inspect`, painting with the embedded model."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from bot.cli.batch import run
from engine.renderer import RendererFactory
from engine.settings import EngineSettings
from tests.bot.cli.calling import QUICK, names, painted, pixels, refused, zimagine
from tests.bot.pictures.foreign.files import (
    USER_COMMENT,
    exif,
    jpeg,
    png,
    png_with,
    text_chunk,
    user_comment,
    webp,
)
from tests.bot.pictures.foreign.workflows import packed

FOREIGN = (
    "a red house\nNegative prompt: fog\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 12, Size: 512x768, Version: v1.10.1"
)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test starts in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_codes_of_discord_are_read_as_names():
    """A prompt that was copied from Discord is painted, and its file named, by the names in it."""
    (found,) = painted(
        "<:red_house:123456789012345678> of <@123456789012345678>", *QUICK, "--out", "some"
    )
    assert found["prompt"] == "red house of somebody"
    assert Path(found["file"]).name.startswith("red-house-of-somebody-")


def test_a_prompt_becomes_a_file_and_its_name_is_printed():
    """The one line on standard output is the path of a PNG of the right size."""
    done = zimagine("imagine", "a lake", *QUICK)
    assert done.exit_code == 0
    (line,) = done.stdout.splitlines()
    with Image.open(line) as image:
        assert image.format == "PNG" and image.size == (128, 128)


def test_json_holds_what_was_painted():
    """The JSON has all fields that scripts rely on, and they match the picture."""
    (found,) = painted("a lake", *QUICK, "--seed", "5", "--guidance", "1.5", "--negative", "fog")
    assert set(found) == {
        "file", "seed", "width", "height", "steps", "guidance", "prompt",
        "effective_prompt", "negative_prompt", "model", "seconds", "mode", "inputs", "strength",
        "variations", "variety", "refine", "style", "plan", "plan_reason", "adaptations",
        "source_changes", "loras",
    }  # fmt: skip
    assert (found["seed"], found["width"], found["height"]) == (5, 128, 128)
    assert (found["steps"], found["guidance"], found["model"]) == (2, 1.5, "sketch")
    assert found["prompt"] == "a lake" and found["negative_prompt"] == "fog"
    assert found["effective_prompt"] == "a lake"  # nothing is added unless it is asked for
    assert (found["mode"], found["inputs"], found["strength"]) == ("text", [], 1.0)
    assert found["plan"] and found["plan_reason"] and found["adaptations"] == []


def test_a_picture_is_painted_again_from_its_own_png():
    """--recipe gives identical pixels, and says so."""
    painted("a red house", *QUICK, "--seed", "9", "--no-enhance", "--out", "one.png")
    done = zimagine("imagine", "--recipe", "one.png", "--out", "two.png")
    assert done.exit_code == 0 and "identical" in done.stderr
    assert pixels("one.png") == pixels("two.png")
    (found,) = painted("--recipe", "one.png", "--out", "three.png")
    assert found["exact"] is True and found["differences"] == []


def test_a_replay_with_other_weights_is_called_not_exact(tmp_path: Path):
    """If the model is not the one in the recipe, the output names the differences."""
    import shutil

    from engine.sketch import MODEL_DIR

    painted("a red house", *QUICK, "--seed", "9", "--out", "one.png")
    shutil.copytree(MODEL_DIR, tmp_path / "other")
    index = tmp_path / "other" / "model_index.json"
    index.write_text(index.read_text() + "\n")
    (found,) = painted("--recipe", "one.png", "--model", str(tmp_path / "other"), "--out", "2.png")
    assert found["differences"] and "weights" in " ".join(found["differences"])


def test_the_same_seed_the_same_pixels_and_another_seed_others():
    """A seed determines the picture, whether it is given or random."""
    one, two, other = (
        painted("a lake", *QUICK, "--seed", seed, "--out", name)[0]
        for seed, name in (("5", "a.png"), ("5", "b.png"), ("6", "c.png"))
    )
    assert pixels(one["file"]) == pixels(two["file"]) != pixels(other["file"])


def test_several_pictures_have_seeds_in_a_row_and_files_of_their_own():
    """--count with a seed counts up from it, and wraps around after the highest."""
    found = painted("a lake", *QUICK, "--count", "3", "--seed", "4294967295", "--out", "some")
    assert [each["seed"] for each in found] == [4294967295, 0, 1]
    assert len({each["file"] for each in found}) == 3


def test_out_may_be_a_file_or_a_folder():
    """--out overwrites a named .png file; in a folder nothing is ever overwritten."""
    assert painted("a", *QUICK, "--out", "x/one.png")[0]["file"] == str(Path("x/one.png"))
    painted("a", *QUICK, "--out", "x/one.png")
    assert names("x") == ["one.png"]
    painted("a", *QUICK, "--seed", "1", "--out", "folder")
    painted("a", *QUICK, "--seed", "1", "--out", "folder")
    assert names("folder") == ["a-1-2.png", "a-1.png"]


def test_aspect_gives_the_shape():
    """--aspect paints at the model's pixel budget in that shape."""
    (found,) = painted("a lake", "--steps", "1", "--aspect", "16:9")
    assert found["width"] / found["height"] == pytest.approx(16 / 9, rel=0.05)
    assert found["width"] * found["height"] == pytest.approx(256 * 256, rel=0.1)


def test_without_out_the_picture_is_in_the_history():
    """Without --out the file goes to the data folder and the row to the database, uncharged."""
    (found,) = painted("a lake", *QUICK, "--seed", "5")
    with sqlite3.connect("data/zimagine.db") as db:
        (row,) = db.execute("SELECT file, seed, user_id FROM pictures").fetchall()
        assert db.execute("SELECT count(*) FROM ledger").fetchone() == (0,)
    assert Path("data", row[0]).samefile(found["file"]) and row[1:] == (5, 0)


def test_what_is_learned_of_a_model_is_kept_only_in_the_data_folder(
    monkeypatch: pytest.MonkeyPatch,
):
    """The renderer gets the cache folder of the data folder; with --out it gets none."""
    real, seen = run.diffusion_factory, list[Path | None]()

    def factory(settings: EngineSettings) -> RendererFactory:
        seen.append(settings.cache_dir)
        return real(settings)

    monkeypatch.setattr(run, "diffusion_factory", factory)
    painted("a lake", *QUICK, "--out", "a.png")
    assert not Path("data").exists()
    painted("a lake", *QUICK)
    assert seen == [None, Path("data/cache")]


def test_inspect_prints_the_recipe():
    """`inspect` prints the recipe for people, and with --json for programs."""
    painted("一座红色的房子", *QUICK, "--seed", "5", "--out", "one.png")
    recipe = json.loads(zimagine("inspect", "one.png", "--json").stdout)
    assert recipe["request"]["prompt"] == "一座红色的房子" and recipe["request"]["seed"] == 5
    assert recipe["model"] == "sketch" and recipe["pixels"]["untouched"] is True
    assert "torch" in recipe["conditions"]["versions"]
    lines = zimagine("inspect", "one.png").stdout.splitlines()
    assert lines[0] == "Painted by zimagine" and "{" not in "".join(lines)
    rows = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert (rows["Prompt"], rows["Seed"], rows["Size"]) == ("一座红色的房子", "5", "128×128")
    assert rows["Pixels"] == "unmodified"
    assert lines[-1].startswith("一座红色的房子 --size 128x128 --seed 5")
    assert recipe["line"] == lines[-1]


def edit(file: str, to: str) -> None:
    """Change a pixel of a picture and keep its texts."""
    with Image.open(file) as image:
        assert isinstance(image, PngImageFile)
        image.load()
        info = PngInfo()
        for key, text in image.text.items():
            info.add_itxt(key, str(text))
        image.putpixel((3, 3), (1, 2, 3))
        image.save(to, pnginfo=info)


def test_an_edited_file_is_called_so():
    """--recipe of an edited file says that this file was edited, and never calls the result
    identical to it."""
    painted("a red house", *QUICK, "--seed", "9", "--out", "one.png")
    edit("one.png", "edited.png")
    assert "edited after it was painted" in zimagine("inspect", "edited.png").stdout
    done = zimagine("imagine", "--recipe", "edited.png", "--out", "two.png")
    assert "edited.png was edited after it was painted" in done.stderr
    assert "identical" not in done.stderr
    assert pixels("two.png") == pixels("one.png") != pixels("edited.png")
    (found,) = painted("--recipe", "edited.png", "--out", "three.png")
    assert (found["exact"], found["edited"], found["differences"]) == (False, True, [])


def test_inspect_says_where_only_a_workflow_is_left():
    """What is not certain in ComfyUI's drawing is not made up, and --json says so too."""
    Path("drawn.png").write_bytes(png_with(workflow=packed("a cat", None, 9)))
    said = zimagine("inspect", "drawn.png").stdout
    assert "The file holds only ComfyUI's workflow" in said and "Negative prompt" not in said
    found = json.loads(zimagine("inspect", "drawn.png", "--json").stdout)
    assert (found["prompt"], found["seed"], found["from_workflow"]) == ("a cat", 9, True)


def test_another_programs_file_is_read_and_painted():
    """`inspect` shows what another program wrote, and --recipe paints it with this model."""
    Path("web.png").write_bytes(png(text_chunk("parameters", FOREIGN)))
    Path("web.jpg").write_bytes(jpeg(exif({USER_COMMENT: user_comment(FOREIGN, b"", "utf-8")})))
    for name in ("web.png", "web.jpg"):
        lines = zimagine("inspect", name).stdout.splitlines()
        assert lines[0] == "Made by another program: A1111"
        assert lines[-1] == "a red house --size 208x320 --seed 12 --no fog"
        assert "512×768 cannot be painted here, so it became 208×320." in "\n".join(lines)
        found = json.loads(zimagine("inspect", name, "--json").stdout)
        assert (found["program"], found["prompt"], found["seed"]) == ("A1111", "a red house", 12)
        assert (found["width"], found["height"], found["line"]) == (512, 768, lines[-1])
    done = zimagine("imagine", "--recipe", "web.jpg", "--out", "one.png")
    assert done.exit_code == 0, done.output
    assert "Another program (A1111) made this file" in done.stderr
    assert "Not taken: Steps, Sampler, CFG scale" in done.stderr and "identical" not in done.stderr
    request = json.loads(zimagine("inspect", "one.png", "--json").stdout)["request"]
    assert (request["prompt"], request["seed"]) == ("a red house", 12)
    assert (request["width_px"], request["height_px"]) == (208, 320)


def test_another_programs_file_has_limits():
    """It cannot be varied, and no source picture goes with it; each is said in one sentence."""
    Path("web.png").write_bytes(png(text_chunk("parameters", FOREIGN)))
    assert "needs a picture that zimagine painted" in refused("--vary", "web.png")
    assert "give no picture" in refused("--recipe", "web.png", "--image", "web.png")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [""],
        ["\u200b"],
        ["x" * 4000],
        ["a", "--seed", "-2"],
        ["a", "--seed", "4294967296"],
        ["a", "--size", "250x256"],
        ["a", "--size", "100000x100000"],
        ["a", "--size", "0x0"],
        ["a", "--size", "big"],
        ["a", "--size", "256x256", "--aspect", "1:1"],
        ["a", "--aspect", "broad"],
        ["a", "--steps", "0"],
        ["a", "--guidance", "nan"],
        ["a", "--guidance", "-inf"],
        ["a", "--count", "0"],
        ["a", "--out", "x.jpg"],
        ["a", "--out", __file__],
        ["a", "--recipe", "none.png"],
        ["--recipe", "none.png"],
        ["a", "--seed", "x"],
        ["a", "--bogus"],
    ],
)
def test_bad_input_exits_2_with_one_sentence(arguments: list[str]):
    """Bad input exits with code 2 and one sentence; nothing is painted or written."""
    done = zimagine("imagine", *arguments)
    assert done.exit_code == 2 and done.stdout == ""
    assert "Traceback" not in done.stderr and done.stderr.strip()
    assert not Path("data").exists()


def test_a_prompt_beyond_the_models_tokens_exits_2():
    """Too many tokens are refused when they are counted, never cut off silently."""
    done = zimagine("imagine", "ß€" * 600, *QUICK)
    assert done.exit_code == 2 and "tokens" in done.stderr


def test_models_that_are_not_there_exit_69(tmp_path: Path):
    """An unknown name, a folder without a model and a truncated file exit with a sentence."""
    import shutil

    from engine.sketch import MODEL_DIR

    empty = tmp_path / "empty"
    empty.mkdir()
    broken = tmp_path / "broken"
    shutil.copytree(MODEL_DIR, broken)
    weights = next((broken / "transformer").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:10_000])
    for model in ("no-such-model", "owner/none", str(empty), str(broken)):
        done = zimagine("imagine", "a", "--model", model)
        assert done.exit_code == 69 and done.stdout == ""
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs a place where not even root may write")
def test_a_read_only_data_folder_is_said(monkeypatch: pytest.MonkeyPatch):
    """The sentence names the read-only folder, before anything is painted."""
    monkeypatch.setenv("ZIMAGINE_STORAGE__DATA_DIR", "/proc/zimagine")
    done = zimagine("imagine", "a", *QUICK)
    assert done.exit_code == 78 and "/proc/zimagine" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_data_folder_that_cannot_be_one_is_said(tmp_path: Path):
    """A file in place of the data folder is reported."""
    (tmp_path / "data").write_text("")
    done = zimagine("imagine", "a", *QUICK)
    assert done.exit_code == 78 and len(done.stderr.strip().splitlines()) == 1


def test_a_database_of_a_newer_version_is_left_alone():
    """A newer database is refused with one sentence and stays unchanged, byte for byte."""
    painted("a", *QUICK)
    with sqlite3.connect("data/zimagine.db") as db:
        db.execute("PRAGMA user_version = 999")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = Path("data/zimagine.db").read_bytes()
    done = zimagine("imagine", "a", *QUICK)
    assert done.exit_code == 78 and "newer" in done.stderr
    assert Path("data/zimagine.db").read_bytes() == before


def test_it_works_while_a_bot_has_the_data_folder():
    """The command line paints while a bot holds the lock of the data folder."""
    from storage.lock import DataFolderLock

    with DataFolderLock(Path("data")):
        painted("a", *QUICK)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "not a PNG, JPEG or WebP picture"),
        (b"hello", "not a PNG, JPEG or WebP picture"),
        (b"\x89PNG\r\n\x1a\n1234", "PNG"),
        (png(), "no zimagine recipe"),
        (jpeg(exif({})), "JPEG"),
        (webp(exif({})), "WebP"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isom", "video (MP4)"),
        (b"<!DOCTYPE html><html>", "web page (HTML)"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "vector drawing (SVG)"),
        (b"%PDF-1.7", "document (PDF)"),
        (b"PK\3\4", "archive (ZIP)"),
        (png_with(workflow="{}"), "ComfyUI"),
    ],
)
def test_inspect_refuses_other_files(content: bytes, word: str):
    """A file without a recipe is named for what it is, in one sentence and with code 2."""
    Path("x.png").write_bytes(content)
    for arguments in (["inspect", "x.png"], ["imagine", "--recipe", "x.png"]):
        done = zimagine(*arguments)
        assert done.exit_code == 2 and word in done.stderr and done.stdout == ""
        assert len(done.stderr.strip().splitlines()) == 1


PASTED = (
    "a lake\nNegative prompt: fog\nSteps: 20, Sampler: x, CFG scale: 7, Seed: 12, Size: 128x160\n"
)


@pytest.mark.parametrize("given", ["argument", "one line", "standard input", "file"])
def test_another_programs_text_is_taken_apart(given: str):
    """A pasted text paints its prompt with its seed and size, from wherever prompts come."""
    arguments, stdin = [PASTED], None
    if given == "one line":
        arguments = [" ".join(PASTED.split())]
    elif given == "standard input":
        arguments, stdin = ["-"], PASTED.encode()
    elif given == "file":
        Path("prompts.txt").write_text(f"{PASTED}\n# another one\na boat\n")
        arguments = ["--prompts", "prompts.txt"]
    found, *others = painted(*arguments, "--steps", "1", "--guidance", "1.5", stdin=stdin)
    assert (found["prompt"], found["negative_prompt"], found["seed"]) == ("a lake", "fog", 12)
    assert (found["width"], found["height"]) == (128, 160)
    assert [each["prompt"] for each in others] == (["a boat"] if given == "file" else [])


def test_options_win_over_another_programs_text():
    """What the command line says wins, and the note names what was not taken."""
    done = zimagine("imagine", PASTED, "--steps", "1", "--seed", "9", "--out", "a.png")
    assert done.exit_code == 0 and Image.open("a.png").size == (128, 160)
    assert "Your own were used for: seed" in done.stderr
    assert "Not taken: Steps, Sampler, CFG scale" in done.stderr
