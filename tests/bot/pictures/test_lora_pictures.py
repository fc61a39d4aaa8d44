"""Sample pictures beside LoRAs: which are shown, and what is left out."""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image
from structlog.testing import capture_logs

from bot.pictures.lora_pictures import LIMITS, LoraPictures
from bot.request.loras import NO_LORAS, LoraCatalog
from engine.diffusion.lora.shelf import LoraShelf


def shelved(folder: Path, names: list[str]) -> LoraCatalog:
    """LoRAs with these names, of which nothing is read but where they are."""
    for name in names:
        (folder / f"{name}.safetensors").touch()
    return LoraCatalog(LoraShelf(folder))


def painted(file: Path, size: tuple[int, int], colour: str = "red") -> None:
    Image.new("RGB", size, colour).save(file)


def shown(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        image.load()
    return image


async def test_pictures_are_shown_small(tmp_path: Path) -> None:
    """A picture with the LoRA's name, in any of the usual formats and places, becomes a JPEG of at
    most 256 pixels; one that was replaced is shown anew, and one that is gone no more."""
    for name, size in (("a.png", (600, 300)), ("b.preview.webp", (40, 30)), ("c.jpeg", (300, 900))):
        painted(tmp_path / name, size)
    pictures, shelf = LoraPictures(), shelved(tmp_path, ["a", "b", "c", "d"])
    found = await pictures.of(["a", "b", "c", "d"], shelf)
    sizes = {name: shown(data).size for name, data in found.items()}
    assert sizes == {"a": (256, 128), "b": (40, 30), "c": (85, 256)}
    assert (await pictures.of(["a"], shelf))["a"] is found["a"]
    painted(tmp_path / "a.png", (601, 300), "blue")
    red, _, blue = shown((await pictures.of(["a"], shelf))["a"]).resize((1, 1)).tobytes()
    assert red < 50 < 200 < blue
    (tmp_path / "a.png").unlink()
    assert await pictures.of(["a"], shelf) == {}
    assert await pictures.of(["a"], NO_LORAS) == {}


async def test_what_cannot_be_shown_is_left_out(tmp_path: Path) -> None:
    """Damaged files, other files, those over the limits, and what leads out of the folder are left
    out with one line in the log each, once until they change."""
    folder = tmp_path / "loras"
    folder.mkdir()
    painted(tmp_path / "outside.png", (8, 8))
    (folder / "linked.png").symlink_to(tmp_path / "outside.png")
    (folder / "dangling.png").symlink_to(folder / "nothing.png")
    (folder / "within.png").symlink_to(folder / "good.png")
    painted(folder / "good.png", (8, 8))
    (folder / "cut.png").write_bytes((folder / "good.png").read_bytes()[:45])
    (folder / "page.jpg").write_bytes(b"<!DOCTYPE html>")
    os.mkfifo(folder / "pipe.png")
    with (folder / "huge.png").open("wb") as file:
        file.truncate(LIMITS.bytes + 1)
    Image.new("1", (5000, 5000)).save(folder / "wide.png")
    names = ["linked", "dangling", "within", "good", "cut", "page", "pipe", "huge", "wide"]
    pictures, shelf = LoraPictures(), shelved(folder, names)
    with capture_logs() as logged:
        assert set(await pictures.of(names, shelf)) == {"within", "good"}
        assert set(await pictures.of(names, shelf)) == {"within", "good"}
    assert sorted(each["lora"] for each in logged) == sorted(set(names) - {"within", "good"})
    assert all(str(tmp_path) not in each["detail"] for each in logged)
