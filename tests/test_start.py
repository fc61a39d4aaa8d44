"""What has to be quick and light: help, and an import of the bot."""

from __future__ import annotations

import subprocess
import sys
import time


def test_importing_the_bot_leaves_torch_alone():
    """The bot is online while the model loads, so its import must not wait for torch."""
    code = (
        "import sys, bot.runtime.app; "
        "print([m for m in ('torch', 'diffusers', 'transformers', 'accelerate', 'peft') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_answers_within_half_a_second():
    """`zimagine --help` imports next to nothing (best of three: the machine may be busy)."""

    def seconds() -> float:
        began = time.perf_counter()
        command = [sys.executable, "-m", "bot", "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "imagine" in done.stdout and "run" in done.stdout
        return time.perf_counter() - began

    assert min(seconds() for _ in range(3)) < 0.5
