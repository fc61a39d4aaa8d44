"""The bot started for the playground exits as it would on its own."""

import os
import subprocess
import sys

from bot.exit_codes import BAD_CONFIG


def test_an_early_end_is_an_orderly_one() -> None:
    """A bot that gives up while its input is open exits with its own code, not by a signal."""
    addresses = ["http://127.0.0.1:9/api", "ws://127.0.0.1:9"]
    command = [sys.executable, "-m", "bot.playground.redirected", *addresses, "run"]
    with subprocess.Popen(
        [*command, "--config", "/nowhere/config.toml"],
        env=os.environ | {"DISCORD_TOKEN": "x"},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as bot:
        assert bot.stderr is not None
        told = bot.stderr.read()
        assert bot.wait(30) == BAD_CONFIG, told
    assert "does not exist" in told
