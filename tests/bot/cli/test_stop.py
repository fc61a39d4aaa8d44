"""`zimagine stop` ends what runs in a data folder, in order."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from storage.lock import DataFolderLock
from tests.bot.cli.calling import interruptible

WAIT_S = 60
ROOT = Path(__file__).parents[3]


def stop(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `zimagine stop` in a separate process."""
    return subprocess.run(
        [sys.executable, "-m", "bot", "stop"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


def test_it_stops_a_playground_in_order(tmp_path: Path) -> None:
    """A playground ends with 0 and leaves no bot, whether or not a request of before is left."""
    folder = tmp_path / "data" / "playground"
    folder.mkdir(parents=True)
    request = folder / "zimagine.stop"
    request.touch()
    os.utime(request, (0, 0))  # of a time when nothing was running
    with interruptible():
        running = subprocess.Popen(
            [sys.executable, "-m", "bot", "playground", "--no-browser", "--port", "0"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    assert running.stdout is not None
    for line in running.stdout:
        if "model loaded" in line:
            break
    done = stop(tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"process {running.pid}" in done.stdout
    running.communicate(timeout=WAIT_S)
    assert running.returncode == 0
    with DataFolderLock(tmp_path / "data"):
        assert not request.exists()


def test_where_nothing_runs_it_says_so(tmp_path: Path) -> None:
    """Without a data folder, or with one that nobody uses, it changes nothing and exits with 0."""
    done = stop(tmp_path)
    assert done.returncode == 0 and "Nothing is running" in done.stdout
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "data").mkdir()
    done = stop(tmp_path)
    assert done.returncode == 0 and "Nothing is running" in done.stdout
    assert not (tmp_path / "data" / "zimagine.stop").exists()
