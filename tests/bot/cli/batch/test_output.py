"""Generating and writing pictures on the command line."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.cli.batch import output
from bot.cli.batch.output import (
    MAX_SLUG_CHARS,
    FolderSink,
    HistorySink,
    paint_local,
    slug,
    write_new,
    write_over,
)
from bot.request.outcomes import BadSize, EmptyPrompt, OutOfRange, ResolvedRequest
from bot.request.params import GenerationParams
from bot.request.resolve import replay_problem, resolve
from engine.diffusion.families import SKETCH_FAMILY
from engine.errors import Defunct, NonFinite
from engine.queue import Bounds
from engine.service import Engine
from engine.types import Mode, Painted, Progress, Raster
from engine.uploads import Upload, canonical
from storage.database import FILE_NAME, Database
from storage.files import PictureFiles
from storage.inputs import Inputs
from storage.jobs import Jobs
from storage.types import utc_now
from tests.fakes import ScriptedRenderer, a_request, fake_recipe, gradient

RESOLVED = resolve(GenerationParams("a lake", seed=5, size=(128, 128)), SKETCH_FAMILY, lambda: 5)
assert isinstance(RESOLVED, ResolvedRequest)


async def paint(renderer: ScriptedRenderer, out: Path) -> list[Progress]:
    """Paint one picture and return the reported steps."""
    engine = Engine(renderer.load, bounds=Bounds(queue=1))
    engine.start()
    await engine.ready()
    steps: list[Progress] = []
    assert isinstance(RESOLVED, ResolvedRequest)
    try:
        async with asyncio.timeout(10):
            await paint_local(engine, FolderSink(out), 1, RESOLVED, steps.append)
    finally:
        await engine.drain()
    return steps


async def test_a_picture_is_written_and_its_steps_are_told(tmp_path: Path):
    """Only the picture's file is written, and every step is reported in order."""
    steps = await paint(ScriptedRenderer(), tmp_path / "one.png")
    assert [path.name for path in tmp_path.iterdir()] == ["one.png"]
    assert [(each.step, each.steps) for each in steps] == [(step, 8) for step in range(9)]


@pytest.mark.parametrize("error", [NonFinite("step 3"), Defunct("gone")])
async def test_an_error_ends_the_wait(tmp_path: Path, error: Exception):
    """A failed picture, and even a lost device, raises; nothing is written."""
    renderer = ScriptedRenderer()
    renderer.failures["a lake"] = error
    with pytest.raises(type(error)):
        await paint(renderer, tmp_path / "one.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"steps": 10**9}, OutOfRange),
        ({"guidance": 99.0}, OutOfRange),
        ({"width_px": 4096}, BadSize),
        ({"prompt": ""}, EmptyPrompt),
    ],
)
def test_a_recipe_that_somebody_wrote_is_checked(change: dict, kind: type):
    """A recipe in a PNG is held to the same bounds as typed options."""
    assert isinstance(RESOLVED, ResolvedRequest)
    assert replay_problem(RESOLVED.request, SKETCH_FAMILY) is None
    changed = dataclasses.replace(RESOLVED.request, **change)
    assert isinstance(replay_problem(changed, SKETCH_FAMILY), kind)


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A mountain lake, at dawn!", "a-mountain-lake-at-dawn"),
        ("  ../../etc/passwd\\x:y\0z", "etc-passwd-x-y-z"),
        ("黎明时分的山间湖泊，水墨画", "黎明时分的山间湖泊-水墨画"),
        ("हिन्दी में झील", "हिन्दी-में-झील"),
        ("Cafe\u0301", "café"),
        ("🎨🎨", "zimagine"),
        ("", "zimagine"),
        ("CON", "zimagine"),
        ("com1", "zimagine"),
        ("lpt²", "zimagine"),
        ("x" * 100, "x" * 60),
        ("word " * 30, "-".join(["word"] * 12)),
        ("𠀀" * 60, "𠀀" * 45),
    ],
)
def test_a_file_is_called_after_its_prompt(prompt: str, name: str):
    """A file name is the prompt's words in any script, joined by hyphens and cut between words,
    without anything that a file system forbids."""
    assert slug(prompt) == name


@given(st.text(max_size=200))
@example("İ" * 60)
@example("\u0301")
def test_any_prompt_gives_a_plain_name(prompt: str):
    """No prompt leads to a separator, a dot, a space, or a reserved or overlong name."""
    name = slug(prompt)
    assert 0 < len(name) <= MAX_SLUG_CHARS and len(name.encode()) <= 180
    assert not re.search(r"[\s./\\:*?\"<>|\0-\x1f]", name)
    assert name.lower() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}
    assert slug(name) == name


def test_in_a_folder_nothing_is_replaced_and_half_a_picture_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A taken name gets a number; an interrupted write leaves no file."""
    for content in (b"one", b"two", b"three"):
        write_new(tmp_path / "a.png", content, "plain.png")
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert found == {"a.png": b"one", "a-2.png": b"two", "a-3.png": b"three"}
    with pytest.raises(TypeError):
        write_new(tmp_path / "b.png", "no bytes", "plain.png")  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError):
        write_over(tmp_path / "a.png", "no bytes")  # pyright: ignore[reportArgumentType]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == found


def test_a_name_that_the_file_system_does_not_take_becomes_a_plain_one(tmp_path: Path):
    """If the file system rejects a name, the picture is written under a plain one."""
    long = "长" * 100
    try:
        (tmp_path / long).touch()
    except OSError as error:
        assert error.errno == errno.ENAMETOOLONG
        assert write_new(tmp_path / f"{long}.png", b"x", "plain.png").name == "plain.png"
    assert write_new(tmp_path / "half\ud800.png", b"x", "plain.png").name.startswith("plain")


def from_picture() -> tuple[Painted, Upload]:
    """Return a picture with the source image that it was made from."""
    upload = Upload.of(Raster(2, 2, bytes(range(12))))
    request = a_request(mode=Mode.IMAGE, inputs=(upload.sha256,), strength=0.5)
    return Painted(gradient(request), fake_recipe(request), 0.1), upload


async def test_the_history_keeps_inputs_with_the_picture(tmp_path: Path):
    """The row names the input and its file is on the disk, even after a cancellation meanwhile."""
    painted, upload = from_picture()
    async with await Database.open(tmp_path / FILE_NAME) as db:
        inputs = Inputs(db, utc_now)
        jobs = Jobs(db, utc_now, lambda: "nonce")
        sink = HistorySink(PictureFiles(tmp_path), inputs, jobs, utc_now, lambda: "ab")
        keeping = asyncio.create_task(sink.keep(painted, (upload,)))
        await asyncio.sleep(0)
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping
        assert await inputs.of_job(1) == (upload.sha256,)
        assert await inputs.read(upload.sha256) == canonical(upload)
        rows = await db.fetch_all("SELECT file FROM pictures")
        assert (tmp_path / rows[0]["file"]).is_file()


async def test_with_out_no_input_is_kept(tmp_path: Path):
    """With --out, source images stay where they are and are not copied."""
    painted, upload = from_picture()
    file = await FolderSink(tmp_path / "some").keep(painted, (upload,), "strength-0.5")
    assert file.name == "a-red-boat-7-strength-0.5.png"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]


def test_previews_are_written_beside_the_picture(tmp_path: Path):
    """Previews are written as NAME-step1.png and so on, in order, and can be decoded."""
    previews = {2: Raster(1, 1, b"abc"), 1: Raster(1, 1, b"def")}
    written = output.write_steps(tmp_path / "a.b.png", previews)
    assert [path.name for path in written] == ["a.b-step1.png", "a.b-step2.png"]
    assert written[0].read_bytes() == canonical(Upload.of(previews[1]))
