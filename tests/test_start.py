"""What has to be quick and light: help, and an import of the bot."""

from __future__ import annotations

import os
import subprocess
import sys


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
    """`zimagine --help` imports next to nothing (processor time; best of three)."""

    def seconds() -> float:
        before = os.times()
        command = [sys.executable, "-m", "bot", "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "imagine" in done.stdout and "run" in done.stdout
        after = os.times()
        used = after.children_user - before.children_user
        return used + after.children_system - before.children_system

    assert min(seconds() for _ in range(3)) < 0.5
