"""A model that was fetched is loaded by its id, without the network."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch

from bot.cli.common.token_count import token_counter
from engine.diffusion.loading import load_model, locate
from engine.errors import ModelNotFound
from engine.hub.errors import Hub
from engine.hub.logged import fetch
from engine.settings import EngineSettings
from tests.bot.cli.calling import zimagine
from tests.engine.diffusion.tiny import COMPONENTS
from tests.engine.hub.hub_servers import COMMIT, MODEL, Hubs, serve


@pytest.fixture(scope="module")
def tiny_files(tiny: Path) -> dict[str, bytes]:
    """The files of the tiny model, by their paths."""
    files = [path for path in tiny.rglob("*") if path.is_file()]
    return {path.relative_to(tiny).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def hubs(
    tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hubs]:
    """A hub with the tiny model, named by the environment, and an empty cache."""
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    with serve({**tiny_files, "README.md": b"# Tiny"}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", running.url)
        yield running


def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every attempt to reach a machine fail."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("hub", list(Hub))
def test_a_fetched_model_loads_offline(
    hub: Hub, hubs: Hubs, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its id alone, every weight equals the original, and its tokenizer counts prompts."""
    if hub is Hub.MODELSCOPE:
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    fetch(MODEL)
    no_network(monkeypatch)
    here: Any = load_model(EngineSettings(model=MODEL), torch.device("cpu"), torch.float32).pipeline
    there: Any = load_model(EngineSettings(model=str(tiny)), torch.device("cpu")).pipeline
    for name in COMPONENTS:
        weights = getattr(there, name).state_dict()
        for key, value in getattr(here, name).state_dict().items():
            assert torch.equal(value, weights[key])
    count = token_counter(MODEL)
    assert count is not None and count("a fox") > 0


def test_the_bot_fetches_its_model(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `download = true` a start fetches it, and the next start asks no hub."""
    folder = locate(EngineSettings(model=MODEL, download=True))
    assert (folder / "model_index.json").is_file()
    no_network(monkeypatch)
    assert locate(EngineSettings(model=MODEL, download=True)) == folder


def test_a_model_that_was_fetched_in_part_is_not_loaded(hubs: Hubs) -> None:
    """A file that is missing is fetched if that is allowed, and otherwise named as not here."""
    folder = fetch(MODEL)
    shutil.rmtree(folder)
    with pytest.raises(ModelNotFound, match="zimagine download Owner/Tiny"):
        locate(EngineSettings(model=MODEL))
    assert locate(EngineSettings(model=MODEL, download=True)) == folder


def test_what_another_program_left_half_fetched_is_fetched(hubs: Hubs, tmp_path: Path) -> None:
    """A snapshot with some of the files is completed where that is allowed; where no hub answers,
    loading says what it lacks."""
    cached = tmp_path / f"models--{MODEL.replace('/', '--')}"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("b" * 40)
    part = cached / "snapshots" / ("b" * 40)
    part.mkdir(parents=True)
    (part / "model_index.json").write_text('{"_class_name": "ZImagePipeline"}')
    assert locate(EngineSettings(model=MODEL)) == part
    whole = locate(EngineSettings(model=MODEL, download=True))
    assert whole != part and (whole / "transformer").is_dir()


def test_a_copy_in_int8_is_made_by_the_command(hubs: Hubs, tmp_path: Path) -> None:
    """`download --convert int8` fetches, converts once, and names the folder that then loads."""
    for first in (True, False):
        done = zimagine("download", MODEL, "--convert", "int8", "--from", "huggingface")
        assert done.exit_code == 0, done.output
        assert ("Writing transformer (" in done.stderr) == first
    folder = tmp_path / "models--Owner--Tiny" / "converted" / COMMIT[:12] / "Tiny-int8"
    assert done.stdout.endswith(f'\n[engine]\nmodel = "{folder}"\n')
    loaded = load_model(EngineSettings(model=str(folder)), torch.device("cpu"))
    assert loaded.checkpoint is not None
    assert any("I8 × scale" in note for note in loaded.checkpoint.notes)
