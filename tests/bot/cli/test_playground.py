"""`zimagine playground` as a separate process."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from bot.exit_codes import BAD_CONFIG, UNAVAILABLE
from tests.bot.cli.calling import interruptible

WAIT_S = 60


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """The command in a folder of its own, without a browser."""
    with interruptible():
        return subprocess.Popen(
            [sys.executable, "-m", "bot", "playground", "--no-browser", *options],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent otherwise there")
def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    """The address is printed, the page is served, and after Ctrl-C no process is left."""
    running = start(tmp_path, "--port", "0")
    assert running.stdout is not None
    line = running.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert found, line
    with urllib.request.urlopen(found[0], timeout=10) as answer:
        assert b"zimagine playground" in answer.read()
    below = psutil.Process(running.pid).children(recursive=True)
    assert below
    running.send_signal(signal.SIGINT)
    assert running.wait(WAIT_S) == 0
    _, left = psutil.wait_procs(below, timeout=5)
    assert left == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_the_bot_does_not_outlive_a_killed_playground(tmp_path: Path) -> None:
    """Even kill -9 leaves no bot behind: it shuts down automatically and cleanly."""
    running = start(tmp_path, "--port", "0")
    assert running.stdout is not None and running.stdout.readline()
    below: list[psutil.Process] = []
    deadline = time.monotonic() + WAIT_S
    while not below or not (tmp_path / "data" / "zimagine.db").exists():
        assert time.monotonic() < deadline
        below = psutil.Process(running.pid).children(recursive=True)
        time.sleep(0.1)
    running.kill()
    _, left = psutil.wait_procs(below, timeout=30)
    assert left == []


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent otherwise there")
def test_another_bot_is_told_what_it_does_wrong(tmp_path: Path) -> None:
    """With --no-bot the command prints where to connect, and reports each mistake of a bot."""
    running = start(tmp_path, "--port", "0", "--no-bot")
    assert running.stdout is not None
    output = dict(running.stdout.readline().partition(": ")[::2] for _ in range(5))
    request = urllib.request.Request(output["API"].strip() + "/users/@me")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 401
    running.send_signal(signal.SIGINT)
    _, reported = running.communicate(timeout=WAIT_S)
    assert running.returncode == 0
    assert "GET /users/@me: 0 401: Unauthorized" in reported
    assert not (tmp_path / "data").exists()


def test_a_taken_port_is_explained(tmp_path: Path) -> None:
    """A taken port exits with one sentence and code 69."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        running = start(tmp_path, "--port", port)
        _, output = running.communicate(timeout=WAIT_S)
    assert running.returncode == UNAVAILABLE
    assert f"Port {port}" in output and "Traceback" not in output


def test_a_wrong_setting_is_explained(tmp_path: Path) -> None:
    """An invalid setting exits with one sentence and code 78, before anything is started."""
    (tmp_path / "config.toml").write_text("[engine]\nqueue_limit = 0\n")
    running = start(tmp_path)
    output, explained = running.communicate(timeout=WAIT_S)
    assert running.returncode == BAD_CONFIG
    assert output == "" and "engine.queue_limit" in explained
