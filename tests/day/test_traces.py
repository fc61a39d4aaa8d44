"""The search finds a person however their id and words are written, in files as they are stored."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.day.traces import spellings_of_number, spellings_of_text, traces

ID = 1456789012345678901
WORD = "zqbcdé"


def png(text: str, *, chunk: Callable[[PngInfo, str], None]) -> bytes:
    """Return a picture with a text in it."""
    info, out = PngInfo(), io.BytesIO()
    chunk(info, text)
    Image.new("RGB", (2, 2)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def archive(text: str) -> bytes:
    """Return a zip with a text in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("words.txt", text * 50)
    return out.getvalue()


WRITTEN: dict[str, bytes] = {
    "UTF-8": WORD.encode(),
    "UTF-16": WORD.encode("utf-16"),
    "JSON": json.dumps({"prompt": WORD}).encode(),
    "a compressed text chunk": png(
        "zqbcd", chunk=lambda info, text: info.add_text("a", text, zip=True)
    ),
    "a compressed international chunk": png(
        WORD, chunk=lambda info, text: info.add_itxt("a", text, "en", "a", zip=True)
    ),
    "a zip": archive(WORD),
    "the digits of an id": f"<@{ID}>".encode(),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_words_and_ids_are_found(tmp_path: Path, name: str) -> None:
    """Each way of writing is found, and nobody else is."""
    (tmp_path / "file").write_bytes(WRITTEN[name])
    spellings = spellings_of_text(WORD) | spellings_of_text("zqbcd") | spellings_of_number(ID)
    others = spellings_of_text("zqfghé") | spellings_of_number(ID + 1)
    wanted = {"person": sorted(spellings), "other": sorted(others)}
    assert traces(tmp_path, wanted) == {"file": {"person"}}


@pytest.mark.parametrize("number", [1 << 40, 1 << 46, 1 << 50, ID, (1 << 56) - 1, 1 << 62])
@pytest.mark.parametrize(
    "table",
    [
        "(person INTEGER, words TEXT)",
        "(person INTEGER PRIMARY KEY, words TEXT)",
        "(person INTEGER PRIMARY KEY, words TEXT) WITHOUT ROWID",
    ],
)
def test_ids_in_a_database_are_found(tmp_path: Path, number: int, table: str) -> None:
    """An id is found as a value and as the number of a row."""
    with closing(sqlite3.connect(tmp_path / "some.db")) as connection:
        connection.execute(f"CREATE TABLE people {table}")
        connection.execute("INSERT INTO people VALUES (?, 'x')", (number,))
        connection.commit()
    wanted = {"person": sorted(spellings_of_number(number))}
    assert traces(tmp_path, wanted) == {"some.db": {"person"}}
