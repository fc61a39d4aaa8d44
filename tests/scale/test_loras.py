"""The measuring of LoRAs is rehearsed, so that it works on the next machine too."""

from __future__ import annotations

import importlib.util

import pytest

from tests.scale.loras import HEAD, main


def test_a_row_for_each_measure(capsys: pytest.CaptureFixture[str]) -> None:
    """Listings and the switch have a row each, with times."""
    small = ["--files", "12", "--layouts", "4", "12", "--rank", "2", "--layers", "1"]
    assert main([*small, "--times", "1"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(lines) == (6 if importlib.util.find_spec("peft") else 5)
    for line in lines[2:]:
        found = [cell.strip() for cell in line.strip("|").split("|")]
        assert len(found) == len(HEAD)
        assert float(found[1].removesuffix(" ms")) >= 0
