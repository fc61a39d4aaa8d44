"""T5's tokenizer is made of its file of pieces alone, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.diffusion.checkpoints import Unusable
from engine.diffusion.checkpoints.sentencepiece_model import FILE, read_pieces
from engine.diffusion.checkpoints.t5_tokenizer import load_tokenizer
from tests.engine.diffusion.tiny_pixart import GAPS, PIECES, pieces_file, tiny_tokenizer


def test_pieces_and_table_are_read(tmp_path: Path) -> None:
    """Every piece keeps its place, its text and its score; the table keeps its bytes."""
    file = tmp_path / FILE
    file.write_bytes(pieces_file(characters=b"\x00\x01" * 200))
    found = read_pieces(file)
    assert [text for text, _ in found.scored] == [text for text, _ in PIECES]
    assert [score for _, score in found.scored] == [score for _, score in PIECES]
    assert found.characters == b"\x00\x01" * 200
    file.write_bytes(pieces_file())
    assert read_pieces(file).characters is None


def test_it_reads_as_the_library_does(tmp_path: Path) -> None:
    """Words, parts of words, unknown letters, the end and what fills up have the same numbers."""
    (tmp_path / FILE).write_bytes(pieces_file())
    notes: list[str] = []
    own, made = tiny_tokenizer(), load_tokenizer(tmp_path, notes)
    for text in ("a lake in fog, 7 a.m.", "ü lake", "", "  two  spaces\n", "<pad></s>"):
        assert made(text).input_ids == own(text).input_ids
    filled = made("lake", padding="max_length", max_length=4, truncation=True)
    assert filled.input_ids == [PIECES.index(("▁lake", -4.0)), 1, 0, 0]
    assert filled.attention_mask == [1, 1, 0, 0]
    # T5's own number of gaps where the folder names none.
    assert len(made) == len(own) - GAPS + 100 and notes == []


BROKEN: dict[str, tuple[bytes, str]] = {
    "cut off": (pieces_file()[:300], "is damaged (it ends too early)"),
    "empty": (b"", "is damaged (it has no pieces)"),
    "a Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\n", "is damaged"),
    "no end of a number": (b"\xff" * 20, "is damaged (it is no protocol buffer)"),
    "a number in place of a piece": (b"\x08\x01", "is damaged (a field has another type)"),
    "text that is none": (b"\x0a\x03\x0a\x01\xff", "is damaged"),
    "pairs of bytes": (pieces_file(kind=2), "it is no unigram model, as T5's is"),
    "another model's": (pieces_file(PIECES[1:]), "is not T5's: it begins with </s>, <unk>, ▁"),
    "a broken table": (pieces_file(characters=b"\xff" * 9), "cannot be read from spiece.model"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_of_pieces(fault: str, tmp_path: Path) -> None:
    """What cannot be understood is refused by the name of the file."""
    content, words = BROKEN[fault]
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(Unusable) as caught:
        load_tokenizer(tmp_path, [])
    assert words in caught.value.reason and FILE in caught.value.reason
    assert "\n" not in caught.value.reason


def test_a_tokenizer_that_fills_up_on_the_wrong_side(tmp_path: Path) -> None:
    """Prompts are filled up and cut off at their end, whatever the folder says; a note says it."""
    tiny_tokenizer().save_pretrained(tmp_path)
    file = tmp_path / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"padding_side": "left"}))
    notes: list[str] = []
    made = load_tokenizer(tmp_path, notes)
    assert made("lake", padding="max_length", max_length=3).attention_mask == [1, 1, 0]
    assert notes == ["its tokenizer's padding_side is set to right"]
