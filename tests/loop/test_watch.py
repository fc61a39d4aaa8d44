"""The watch itself: it finds what blocks a loop, says where, and reports nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.loop.clocks import LINUX
from tests.loop.findings import Findings, from_json

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not LINUX, reason="the clocks of threads are Linux's")


def after(*deeds: str) -> Findings:
    """Return what the watch found while a loop did this."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.loop.mischief", *deeds],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return from_json(done.stdout)


@pytest.mark.parametrize("deed", ["computes", "sleeps", "waits_for_a_lock"])
def test_a_callback_that_keeps_the_loop_is_named(deed: str) -> None:
    """Computing, sleeping and waiting for another thread are reported with their line."""
    found = after("behaves", deed, "behaves").violations()
    assert found and all(deed in each and "mischief.py" in each for each in found), found


def test_a_plain_callback_is_named() -> None:
    """Callbacks that are not tasks are found as well."""
    (found,) = after("calls_back").violations()
    assert "plain_callback" in found


def test_what_may_block_is_found_however_quick_it_was() -> None:
    """A single file access on the loop is found, however quick; on other threads it is not."""
    found = after("reads_a_file", "looks_for_a_file", "behaves").violations()
    assert len(found) == 2
    assert "open" in found[0] and "reads_a_file" in found[0]
    assert "os.stat" in found[1] and "looks_for_a_file" in found[1]


def test_a_collection_of_garbage_is_found_on_any_thread() -> None:
    """A garbage collection is found on any thread, since all threads wait for it."""
    found = after("collects").violations()
    assert any("garbage collection on asyncio" in each for each in found), found


def test_a_crowded_interpreter_is_nobodys_fault() -> None:
    """Waiting for the interpreter's lock among busy threads is not reported."""
    findings = after("behaves", "crowded")
    assert findings.callbacks > 60 and findings.violations() == [], str(findings)
