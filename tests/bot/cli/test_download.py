"""`zimagine download` as people use it: its sentences, its exit codes, and being interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest

from engine.hub import find_downloaded
from tests.bot.cli.calling import interruptible, zimagine
from tests.engine.hub.conftest import FILES, UNNEEDED, WEIGHTS, noise
from tests.engine.hub.hub_servers import MODEL, Hubs, answers, sends, serve, sha256, silent_after

ROOT = Path(__file__).parents[3]
VARIABLES = ("HF_HUB_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MODELSCOPE_API_TOKEN")


@pytest.fixture
def hubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hubs]:
    """A hub that the environment names, a cache, and a folder without a configuration."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    with serve({**FILES, **UNNEEDED}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", running.url)
        yield running


def fetched(*arguments: str) -> tuple[str, str]:
    """Run the command, which succeeds; return what it printed."""
    done = zimagine("download", *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def refused(code: int, *arguments: str) -> str:
    """Run the command, which fails with a sentence; return that."""
    done = zimagine("download", *arguments)
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.stderr and done.stdout == ""
    return done.stderr.strip().splitlines()[-1]


def test_what_it_prints(hubs: Hubs, tmp_path: Path) -> None:
    """Where the model is, and the two lines of configuration that use it."""
    out, err = fetched(MODEL)
    folder = find_downloaded(MODEL, root=tmp_path / "hub")
    assert f"{MODEL} is complete (" in out and str(folder) in out
    assert out.endswith(f'\n[engine]\nmodel = "{MODEL}"\n')
    assert f"Fetching {MODEL} from Hugging Face (127.0.0.1" in err and " free in " in err
    assert "100 % of" in err
    out, err = fetched(MODEL)
    assert "was complete already" in out and "Fetching" not in err


def test_the_other_hub_is_asked_aloud(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Hugging Face does not help, ModelScope does, and both are named."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    _, err = fetched(MODEL)
    assert "Hugging Face (127.0.0.1:9) cannot be reached: " in err
    assert "Asking ModelScope (127.0.0.1" in err


def test_a_mirror_and_a_hub_by_name(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """--from and --mirror choose who is asked; a mirror gets no token."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.delenv("HF_ENDPOINT")
    fetched(MODEL, "--mirror", hubs.url)
    assert hubs.seen and not any(each.has_token for each in hubs.seen)
    hubs.seen.clear()
    fetched(MODEL, "--from", "modelscope")
    assert all("/api/v1/" in path for path in hubs.requests("hub"))
    assert hubs.requests("hub")


def test_without_the_internet(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """With HF_HUB_OFFLINE a model that is here is enough, and one that is not is a sentence."""
    fetched(MODEL)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hubs.seen.clear()
    assert "was complete already" in fetched(MODEL)[0]
    assert "HF_HUB_OFFLINE is set" in refused(69, "Owner/Other")
    assert hubs.seen == []


def test_the_demo_model_is_built_in() -> None:
    """There is nothing to fetch for it."""
    assert "built in" in fetched("sketch")[0]


WRONG_ARGUMENTS = {
    ("z-imge-turbo",): "Did you mean z-image-turbo?",
    ("nothing",): "an id like owner/name, or one of these: z-image-turbo, z-image",
    ("https://example.org/Owner/Tiny",): "is no model",
    (MODEL, "--revision", "../main"): "is no branch, tag or commit",
    (MODEL, "--mirror", "ftp://example.org"): "begins with neither http:// nor https://",
    (MODEL, "--mirror", "https://me:secret@example.org"): "contains a user name or a token",
    (MODEL, "--include", "*.nothing"): "none of its files is called *.nothing",
}


@pytest.mark.parametrize("arguments", WRONG_ARGUMENTS)
def test_wrong_arguments(hubs: Hubs, arguments: tuple[str, ...]) -> None:
    """Each is one sentence with exit code 2, without anybody's secret."""
    sentence = refused(2, *arguments)
    assert WRONG_ARGUMENTS[arguments] in sentence
    assert "secret" not in sentence


REFUSALS = {
    401: "has no Owner/Tiny, or shows it only to members (401): check the name, or set HF_TOKEN",
    404: "has no Owner/Tiny",
    429: "asks for fewer requests (429): try again in 7 s",
    503: "failed: status 503",
}


@pytest.mark.parametrize("status", REFUSALS)
def test_what_a_hub_refuses(hubs: Hubs, status: int) -> None:
    """Each status has its sentence, and exit code 69."""
    hubs.overrides["/api"] = answers(status, None, Retry_After="7")
    assert REFUSALS[status] in refused(69, MODEL, "--from", "huggingface")


def test_a_token_that_is_not_enough(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable that it came from is named, never the token."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hubs.overrides["/api"] = answers(403)
    sentence = refused(69, MODEL, "--from", "huggingface")
    assert "the token in HF_TOKEN" in sentence and "hf_secret" not in sentence


def test_wrong_bytes_name_the_file(hubs: Hubs) -> None:
    """The file and the hub are named."""
    hubs.faults[WEIGHTS] = [sends(noise(300_000, 9))] * 2
    sentence = refused(69, MODEL)
    assert f"{WEIGHTS} was fetched twice" in sentence and "--from" in sentence


def start(hubs: Hubs, tmp_path: Path) -> subprocess.Popen[str]:
    """Start the command as a process of its own."""
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "download", MODEL],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT), "HF_HUB_CACHE": str(tmp_path / "hub")},
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(hubs: Hubs, path: Path, size_bytes: int) -> None:
    """Wait until so much of a file is kept."""
    deadline = time.monotonic() + 30
    while not (path.exists() and path.stat().st_size >= size_bytes):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(os.name != "posix", reason="Windows has other signals")
def test_killed_and_interrupted(hubs: Hubs, tmp_path: Path) -> None:
    """A kill loses at most a megabyte, Ctrl-C nothing; each next command goes on from there."""
    hubs.files[WEIGHTS] = data = noise(3_000_000, 11)
    part = tmp_path / "hub" / "models--Owner--Tiny" / "blobs" / f"{sha256(data)}.part"
    hubs.faults[WEIGHTS] = [silent_after(1_500_000)]
    with start(hubs, tmp_path) as process:
        wait_for(hubs, part, 1 << 20)
        process.kill()
    kept = part.stat().st_size
    hubs.faults[WEIGHTS] = [silent_after(600_000)]
    with interruptible(), start(hubs, tmp_path) as process:
        while hubs.silences < 2:
            time.sleep(0.02)
        time.sleep(1)  # for what is in the connection still
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=30)[1]
    assert process.returncode == 130 and "Traceback" not in errors
    assert "are kept; the same command goes on from there." in errors
    assert part.stat().st_size == kept + 600_000
    fetched(MODEL)
    assert hubs.ranges(WEIGHTS) == [None, f"bytes={kept}-", f"bytes={kept + 600_000}-"]
    folder = find_downloaded(MODEL, root=tmp_path / "hub")
    assert folder is not None and (folder / WEIGHTS).read_bytes() == data
