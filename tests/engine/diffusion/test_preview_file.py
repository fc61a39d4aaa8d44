"""What was learned about a model is saved, and a damaged file harms nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.diffusion.previews import (
    READY_PICTURES,
    PreviewMap,
)
from tests.engine.diffusion.preview_models import change, filled, noise


def test_what_was_learned_survives(tmp_path: Path) -> None:
    """A saved map shows the same pixels after loading, and continues learning."""
    path = tmp_path / "cache" / "preview.json"
    made = filled()
    assert made.save(path)
    again = PreviewMap.load(path, "r1")
    assert again.pictures == READY_PICTURES
    assert again.render(noise(16, 16)) == made.render(noise(16, 16))
    assert again.learn(noise(8, 8), torch.zeros(64, 64, 3, dtype=torch.uint8))
    assert again.save(path) and PreviewMap.load(path, "r1").pictures == READY_PICTURES + 1
    assert [each.name for each in path.parent.iterdir()] == ["preview.json"]


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "not text": lambda path: path.write_bytes(b"\xff\xfe\x00garbage"),
    "another kind": lambda path: path.write_text("[1, 2, 3]"),
    "too deep": lambda path: path.write_text("[" * 100_000),
    "too large": lambda path: path.write_bytes(path.read_bytes() + b" " * 1_000_000),
    "another model": lambda path: change(path, revision="r2"),
    "another version": lambda path: change(path, version=0),
    "no pictures": lambda path: change(path, pictures="3"),
    "too many pictures": lambda path: change(path, pictures=10**6),
    "a wrong count": lambda path: change(path, pictures=READY_PICTURES + 1),
    "not a number": lambda path: change(path, moment=[[math.nan] * 3] * 17),
    "a huge number": lambda path: change(path, moment=[[10**400] * 3] * 17),
    "colours beyond white": lambda path: change(path, moment=[[99.0] * 3] * 17),
    "another shape": lambda path: change(path, gram=[[1.0, 2.0], [2.0, 1.0]]),
    "no rectangle": lambda path: change(path, gram=[[1.0], [2.0, 1.0]]),
    "words": lambda path: change(path, gram="gram"),
    "no squares": lambda path: change(
        path, gram=[[-1.0 if i == j < 16 else READY_PICTURES for i in range(17)] for j in range(17)]
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_counts_as_none(tmp_path: Path, damage: str) -> None:
    """Whatever is wrong with the file, loading gives an empty map, and saving overwrites it."""
    path = tmp_path / "preview.json"
    filled().save(path)
    DAMAGE[damage](path)
    made = PreviewMap.load(path, "r1")
    assert made.pictures == 0 and not made.ready
    assert filled().save(path)
    assert PreviewMap.load(path, "r1").pictures == READY_PICTURES


def test_a_map_of_other_channels_counts_as_none(tmp_path: Path) -> None:
    """A file for sixteen channels is not used for a model of four."""
    filled().save(tmp_path / "preview.json")
    assert PreviewMap.load(tmp_path / "preview.json", "r1", channels=4).pictures == 0


def test_a_folder_that_cannot_be_written_harms_nothing(tmp_path: Path) -> None:
    """If saving is impossible it returns False, leaves no draft, and the map still works."""
    file = tmp_path / "file"
    file.write_text("in the way")
    (tmp_path / "folder").mkdir()
    made = filled()
    for path in (None, file / "preview.json", tmp_path / "folder"):
        assert not made.save(path)
        assert PreviewMap.load(path, "r1").pictures == 0
    assert made.render(noise(8, 8)) is not None
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder"]
