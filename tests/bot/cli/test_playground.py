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
from storage.lock import DataFolderLock
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


def address_of(running: subprocess.Popen[str]) -> str:
    """Wait for a playground to print its address."""
    assert running.stdout is not None
    found = re.search(r"http://127\.0\.0\.1:\d+/", running.stdout.readline())
    assert found
    return found[0]


def ended(running: subprocess.Popen[str], how: int = signal.SIGTERM) -> str:
    """Stop a playground in order and return what it printed on standard error."""
    running.send_signal(how)
    _, printed = running.communicate(timeout=WAIT_S)
    assert running.returncode == 0, printed
    return printed


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_a_second_one_is_told_where_the_first_runs(tmp_path: Path) -> None:
    """A second start prints the first one's address and process and exits with 69, on any port.

    Another data folder is another playground; and once the first has ended, the next one starts.
    """
    first = start(tmp_path, "--port", "0")
    address = address_of(first)
    for options in (["--port", "0"], [], ["--port", address.rpartition(":")[2].rstrip("/")]):
        second = start(tmp_path, *options)
        output, explained = second.communicate(timeout=WAIT_S)
        assert second.returncode == UNAVAILABLE and output == ""
        (sentence,) = explained.strip().splitlines()
        assert address in sentence and f"process {first.pid}" in sentence
    (tmp_path / "other").mkdir()
    other = start(tmp_path / "other", "--port", "0")
    assert address_of(other) != address
    foreign = start(tmp_path, "--port", "0", "--no-bot")  # uses no data folder
    assert address_of(foreign) != address
    ended(foreign)
    ended(other)
    ended(first)
    third = start(tmp_path, "--port", "0")
    address_of(third)
    ended(third)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_after_a_kill_the_next_one_starts(tmp_path: Path) -> None:
    """What a killed playground left behind is no obstacle: no lock, no address, no bot."""
    first = start(tmp_path, "--port", "0")
    address_of(first)
    deadline = time.monotonic() + WAIT_S
    while not (tmp_path / "data" / "zimagine.pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (tmp_path / "data" / "playground" / "address").exists()
    bot = psutil.Process(int((tmp_path / "data" / "zimagine.pid").read_text()))
    bot.suspend()  # it needs a while to end
    first.kill()
    first.communicate()
    second = start(tmp_path, "--port", "0")
    assert second.stderr is not None
    assert f"process {bot.pid}" in second.stderr.readline()
    bot.resume()
    address_of(second)
    ended(second)


def test_a_bot_in_the_folder_is_named_at_once(tmp_path: Path) -> None:
    """Where `zimagine run` uses the data folder, the sentence has its process."""
    with DataFolderLock(tmp_path / "data"):
        running = start(tmp_path, "--port", "0")
        output, explained = running.communicate(timeout=WAIT_S)
    assert running.returncode == UNAVAILABLE and output == ""
    (sentence,) = explained.strip().splitlines()
    assert f"process {os.getpid()}" in sentence


def test_a_data_folder_that_cannot_be_is_explained(tmp_path: Path) -> None:
    """A file in place of the data folder, or of the playground's, is one sentence and code 78."""
    for place in ("data", "data/playground"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text("a file")
        running = start(tmp_path, "--port", "0")
        output, explained = running.communicate(timeout=WAIT_S)
        assert running.returncode == BAD_CONFIG and output == ""
        assert len(explained.strip().splitlines()) == 1
        (tmp_path / place).unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_the_data_folder_stays_private(tmp_path: Path) -> None:
    """A data folder that the playground creates is closed to others, its chat included."""
    running = start(tmp_path, "--port", "0")
    address_of(running)
    for folder in (tmp_path / "data", tmp_path / "data" / "playground"):
        assert folder.stat().st_mode & 0o077 == 0
    ended(running)
    assert (tmp_path / "data" / "playground" / "chat.db").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_closing_the_terminal_stops_everything(tmp_path: Path) -> None:
    """When its terminal is closed, the playground stops the bot in order and leaves nothing."""
    import pty

    terminal, inside = pty.openpty()
    program = (
        "import fcntl, os, runpy, sys, termios;"
        "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        "sys.argv = ['zimagine', 'playground', '--no-browser', '--port', '0'];"
        "runpy.run_module('bot', run_name='__main__')"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    shown = b""
    while b"model loaded" not in shown:
        shown += os.read(terminal, 4096)
    below = psutil.Process(running.pid).children(recursive=True)
    assert below
    os.close(terminal)
    assert running.wait(WAIT_S) == 0
    _, left = psutil.wait_procs(below, timeout=5)
    assert left == []
    assert not (tmp_path / "data" / "zimagine.pid").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent otherwise there")
def test_a_console_that_lacks_characters(tmp_path: Path) -> None:
    """On a console of Windows-1252 nothing fails for want of a character."""
    with interruptible():
        running = subprocess.Popen(
            [sys.executable, "-m", "bot", "playground", "--no-browser", "--port", "0"],
            cwd=tmp_path,
            env=os.environ
            | {"PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONIOENCODING": "cp1252"}
            | {"ZIMAGINE_STORAGE__DATA_DIR": str(tmp_path / "图片")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    assert running.stdout is not None
    printed = b""
    while b"model loaded" not in printed:
        line = running.stdout.readline()
        assert line, printed
        printed += line
    running.send_signal(signal.SIGINT)
    rest, _ = running.communicate(timeout=WAIT_S)
    assert running.returncode == 0
    printed += rest
    assert b"\\u56fe\\u7247" in printed and b"Traceback" not in printed
    printed.decode("cp1252")
