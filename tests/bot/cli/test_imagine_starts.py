"""`zimagine imagine` with source images: stored with the result, and reproducible."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.bot.cli.calling import QUICK, painted, pixels, refused, zimagine


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate a picture of 128 × 128 pixels."""
    file = tmp_path_factory.mktemp("first") / "first.png"
    painted("a white lighthouse at night", *QUICK, "--seed", "1", "--out", str(file))
    return file


@pytest.fixture(autouse=True)
def own_folder(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test starts in a folder with a picture, a photo and a mask of the photo's shape."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(first, "first.png")
    Image.radial_gradient("L").convert("RGB").resize((192, 128)).save("photo.jpg")
    mask = Image.new("L", (96, 64))
    ImageDraw.Draw(mask).rectangle((0, 0, 40, 63), fill=255)
    mask.save("mask.png")
    return tmp_path


def kept() -> list[str]:
    """Return the hashes of the inputs in the data folder."""
    return sorted(path.stem for path in Path("data/inputs").rglob("*.png"))


def test_an_image_gives_its_shape_and_is_kept_with_the_picture():
    """The picture has the photo's aspect ratio, and the fitted pixels are stored with the job."""
    (found,) = painted("a lake", "--image", "photo.jpg", "--steps", "1", "--strength", "0.5")
    assert found["mode"] == "image" and found["strength"] == 0.5
    assert found["width"] / found["height"] == pytest.approx(1.5, rel=0.05)
    assert kept() == found["inputs"]
    with sqlite3.connect("data/zimagine.db") as db:
        rows = db.execute("SELECT sha256 FROM job_inputs").fetchall()
    assert [row[0] for row in rows] == found["inputs"]


def test_the_less_strength_the_nearer_to_the_picture():
    """Low strength gives nearly the same picture, high strength a different one."""
    near, far = painted(
        "a lake at noon", "--image", "first.png", "--size", "128x128", "--seed", "4",
        "--grid", "strength=0.2,0.9", "--out", "some",
    )  # fmt: skip
    original = pixels("first.png")

    def off(each: dict) -> float:
        pairs = zip(pixels(each["file"]), original, strict=True)
        return sum(abs(a - b) for a, b in pairs) / len(original)

    assert off(near) < 0.5 * off(far)
    assert not Path("data").exists()


def test_a_mask_keeps_what_is_black_and_the_recipe_replays_from_the_data_folder():
    """Black areas keep their exact pixels; the replay needs no file but the picture itself."""
    (found,) = painted(
        "a red house", "--image", "photo.jpg", "--mask", "mask.png", "--size", "192x128",
        "--seed", "2", "--steps", "2",
    )  # fmt: skip
    assert found["mode"] == "inpaint" and len(kept()) == 2
    with Image.open(found["file"]) as after, Image.open("photo.jpg") as before:
        right = (100, 0, 192, 128)
        assert after.crop(right).tobytes() == before.crop(right).tobytes()
        left = (0, 0, 60, 128)
        assert after.crop(left).tobytes() != before.crop(left).tobytes()
    (again,) = painted("--recipe", found["file"], "--out", "again.png")
    assert again["exact"] is True and again["inputs"] == found["inputs"]


def in_another_way(name: str) -> None:
    """Write mask.png's marks, drawn in another way, to this file."""
    mask = Image.open("mask.png")
    if name == "strokes.png":
        layer = Image.new("RGBA", mask.size, (255, 255, 255, 0))
        layer.paste((255, 255, 255, 255), mask=mask)
    else:
        layer = Image.open("photo.jpg").convert("RGBA")
        layer.paste((0, 0, 0, 0), mask=mask.resize(layer.size, Image.Resampling.NEAREST))
    layer.save(name)


@pytest.mark.parametrize("name", ["strokes.png", "hole.png"])
def test_a_mask_may_be_drawn_in_other_ways(name: str):
    """Strokes on a transparent layer and a hole in a copy mark what black and white do."""
    in_another_way(name)
    usual, other = (
        painted("a red house", "--image", "photo.jpg", "--mask", mask, *QUICK, "--seed", "2",
                "--out", f"{mask}-out.png")[0]
        for mask in ("mask.png", name)
    )  # fmt: skip
    one, two = pixels(usual["file"]), pixels(other["file"])
    changed = sum(abs(a - b) > 8 for a, b in zip(one, two, strict=True)) / len(one)
    assert changed < 0.02


def test_a_region_needs_no_mask_and_its_recipe_can_be_painted_again():
    """--region repaints a part and nothing else; it takes the place of the mask in a replay."""
    painted(
        "a red house", "--image", "photo.jpg", "--region", "left", "--size", "192x128", "--seed",
        "2", "--steps", "1", "--out", "left.png",
    )  # fmt: skip
    with Image.open("left.png") as after, Image.open("photo.jpg") as before:
        right, left = (96, 0, 192, 128), (0, 0, 90, 128)
        assert after.crop(right).tobytes() == before.crop(right).tobytes()
        assert after.crop(left).tobytes() != before.crop(left).tobytes()
    replay = ("--recipe", "left.png", "--image", "photo.jpg", "--out", "again.png")
    assert "--region" in refused(*replay)
    assert "not the source image" in refused(*replay, "--region", "right")
    (again,) = painted(*replay, "--region", "left")
    assert again["exact"] is True


def test_a_long_picture_says_what_is_cut_off():
    """How much is cut off is printed with the result, and a variation or a replay says it too."""
    Image.radial_gradient("L").convert("RGB").resize((1200, 100)).save("long.png")
    done = zimagine("imagine", "a lake", "--image", "long.png", "--steps", "1", "--out", "cut.png")
    assert "83 % of it is cut off" in done.stderr and "longer than 2:1" in done.stderr
    again = zimagine("imagine", "--recipe", "cut.png", "--image", "long.png", "--out", "b.png")
    assert "83 % of it is cut off" in again.stderr
    done = zimagine("imagine", "a lake", "--image", "photo.jpg", *QUICK, "--out", "c.png")
    assert "33 % of it is cut off" in done.stderr and "longer than" not in done.stderr
    done = zimagine("imagine", "a lake", "--image", "photo.jpg", "--steps", "1", "--out", "d.png")
    assert "cut off" not in done.stderr


def test_a_recipe_from_before_takes_the_files_that_it_was_made_from():
    """A recipe may name what earlier versions read of a file: white on white."""
    logo = Image.new("RGBA", (128, 128), (0, 0, 0, 0))
    logo.paste((255, 255, 255, 255), (30, 30, 90, 90))
    logo.save("logo.png")
    white = Image.new("RGB", (128, 128), "white")
    white.save("white.png")
    # On white there is nothing to tell, so the plain file stands for what was read of the logo.
    painted("a hill", "--image", "white.png", *QUICK, "--seed", "4", "--out", "old.png")
    (again,) = painted("--recipe", "old.png", "--image", "logo.png", "--out", "again.png")
    assert again["exact"] is True


def test_a_recipe_takes_its_pictures_when_they_are_given_again():
    """Without a data folder, source images must be given again; they are checked, and the pixels
    are the same."""
    painted(
        "a boat", "--blend", "first.png", "photo.jpg", *QUICK, "--seed", "3", "--out", "blend.png"
    )
    assert "--blend" in refused("--recipe", "blend.png")
    assert "two pictures" in refused("--recipe", "blend.png", "--image", "first.png")
    sentence = refused("--recipe", "blend.png", "--blend", "first.png", "mask.png")
    assert "mask.png" in sentence and "not the source image" in sentence
    (again,) = painted(
        "--recipe", "blend.png", "--blend", "first.png", "photo.jpg", "--out", "again.png"
    )
    assert again["exact"] is True and pixels("again.png") == pixels("blend.png")


def test_a_variation_keeps_the_recipe_and_turns_its_noise():
    """A variation keeps prompt, seed and size; the same variation seed gives the same pixels."""
    one, two = painted(
        "--vary", "first.png", "--by", "0.3", "--seed", "8", "--count", "2", "--out", "v"
    )
    assert one["prompt"] == "a white lighthouse at night" and one["seed"] == 1
    assert [one["variations"], two["variations"]] == [
        [{"seed": 8, "amount": 0.3}],
        [{"seed": 9, "amount": 0.3}],
    ]
    assert len({pixels(each["file"]) for each in (one, two)} | {pixels("first.png")}) == 3
    (strong,) = painted("--vary", one["file"], "--by", "strong", "--out", "w.png")
    assert [each["amount"] for each in strong["variations"]] == [0.3, 0.6]


def test_upscaling_doubles_a_picture_by_its_own_recipe_or_any_by_a_prompt():
    """A generated PNG needs no prompt; a photo of 192 × 128 becomes 384 × 256."""
    (own,) = painted("--upscale", "first.png", "--strength", "0.2", "--out", "own.png")
    assert (own["mode"], own["width"], own["height"]) == ("upscale", 256, 256)
    assert own["prompt"] == "a white lighthouse at night" and own["strength"] == 0.2
    (any_,) = painted("a dark disc", "--upscale", "photo.jpg", "--steps", "1", "--out", "any.png")
    assert (any_["mode"], any_["width"], any_["height"]) == ("upscale", 384, 256)
    assert "no zimagine recipe" in refused("--upscale", "mask.png")


def test_refinement_and_variety_are_in_the_recipe():
    """--refine needs no number, and does not consume the prompt as one."""
    (found,) = painted(
        "--refine", "a lake", "--variety", "0.4", *QUICK, "--seed", "5", "--out", "a.png"
    )
    assert (found["refine"], found["variety"], found["prompt"]) == (0.25, 0.4, "a lake")
    (again,) = painted("--recipe", "a.png", "--out", "b.png")
    assert again["exact"] is True
    (other,) = painted("a lake", "--refine", "0.3", *QUICK, "--seed", "5", "--out", "c.png")
    assert other["refine"] == 0.3


def test_every_step_is_shown_beside_the_picture():
    """There is one preview for every step, with the picture's aspect ratio."""
    (found,) = painted(
        "a lake", *QUICK, "--steps", "4", "--save-steps", "--seed", "5", "--out", "a.png"
    )
    assert found["step_files"] == [f"a-step{number}.png" for number in (1, 2, 3, 4)]
    for file in found["step_files"]:
        with Image.open(file) as preview:
            assert preview.width == preview.height > 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["a", "--image", "none.png"], "none.png"),
        (["a", "--image", "text.png"], "text.png"),
        (["a", "--image", "."], "cannot be read"),
        (["a", "--image", "anim.gif"], "GIF"),
        (["a", "--image", "film.mp4"], "video (MP4)"),
        (["a", "--image", "vast.png"], "megapixels"),
        (["a", "--image", "heavy.png"], "MiB"),
        (["a", "--image", "photo.jpg", "--mask", "first.png"], "aspect ratio"),
        (["a", "--image", "photo.jpg", "--mask", "black.png"], "black"),
        (["a", "--image", "photo.jpg", "--mask", "photo.jpg"], "same as the picture"),
        (["a", "--image", "photo.jpg", "--mask", "grey.png"], "cannot tell"),
        (["a", "--image", "photo.jpg", "--mask", "clear.png"], "transparent all over"),
        (["a", "--image", "photo.jpg", "--mask", "mask.png", "--region", "top"], "not both"),
        (["a", "--region", "top"], "--image"),
        (["a", "--mask", "mask.png"], "--image"),
        (["a", "--strength", "0.5"], "--image"),
        (["a", "--image", "photo.jpg", "--strength", "0"], "strength"),
        (["a", "--image", "photo.jpg", "--strength", "1.5"], "strength"),
        (["a", "--image", "photo.jpg", "--blend", "photo.jpg", "first.png"], "not both"),
        (["a", "--image", "photo.jpg", "--size", "100x100"], "100×100"),
        (["a", "--upscale", "first.png", "--strength", "0.9"], "strength"),
        (["--upscale", "first.png", "--steps", "4"], "--steps"),
        (["a", "--vary", "first.png"], "a prompt"),
        (["--vary", "photo.jpg"], "PNG"),
        (["--vary", "first.png", "--by", "much"], "much"),
        (["--vary", "first.png", "--by", "2"], "variation"),
        (["--vary", "first.png", "--seed", "-2"], "seed"),
        (["--recipe", "first.png", "--strength", "0.5"], "--image"),
        (["--recipe", "first.png", "--guidance", "2"], "--guidance"),
        (["--recipe", "first.png", "--image", "photo.jpg"], "text only"),
        (["a", "--variety", "1.5"], "variety"),
        (["a", "--variety", "nan"], "variety"),
        (["a", "--refine", "0.9"], "refinement"),
    ],
)
def test_what_cannot_be_painted_from_is_refused_in_one_sentence(arguments: list[str], word: str):
    """An unusable source image exits with code 2 and a sentence that names the file or option."""
    Path("text.png").write_text("no picture")
    Image.new("P", (8, 8)).save("anim.gif")
    Path("film.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0isom")
    Image.new("1", (8000, 8000)).save("vast.png")
    Image.new("L", (96, 64)).save("black.png")
    Image.new("L", (96, 64), 128).save("grey.png")
    Image.new("RGBA", (96, 64)).save("clear.png")
    with Path("heavy.png").open("wb") as file:
        file.truncate(26 * 2**20)
    assert word in refused(*arguments)
    assert not Path("data").exists()


def test_a_damaged_input_in_the_data_folder_is_not_painted_from():
    """A modified input file counts as missing: the command asks for it."""
    (found,) = painted("a lake", "--image", "photo.jpg", *QUICK)
    (stored,) = Path("data/inputs").rglob("*.png")
    Image.new("RGB", (128, 128)).save(stored)
    done = zimagine("imagine", "--recipe", found["file"], "--out", "b.png")
    assert done.exit_code == 2 and "--image" in done.stderr and not Path("b.png").exists()


def test_the_line_of_an_enlarged_picture_can_be_painted():
    """The line that `inspect` shows for an enlarged picture has the size before it was enlarged."""
    painted("a lake", *QUICK, "--seed", "5", "--out", "small.png")
    painted("--upscale", "small.png", "--strength", "0.2", "--out", "large.png")
    line = zimagine("inspect", "large.png").stdout.strip().splitlines()[-1]
    small = zimagine("inspect", "small.png").stdout.strip().splitlines()[-1]
    size = small.split("--size ")[1].split()[0]
    assert f"--size {size}" in line and "--strength" not in line
