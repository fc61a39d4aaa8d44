"""The measuring of previews is rehearsed, so that it works on the next machine too."""

from __future__ import annotations

import pytest

from tests.scale.previews import HEAD, main


def test_a_row_for_each_kind_of_picture(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """First and later pictures of a size each have a ratio and the size of a file."""
    monkeypatch.setattr("engine.diffusion.renderer._lower_priority", lambda: None)
    assert main(["--pairs", "1", "--sides", "128"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(lines) == 4
    for line, which in zip(lines[2:], ("first", "later"), strict=True):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert len(cells) == len(HEAD) and which in cells[0]
        assert 0.05 < float(cells[3]) < 20 and 0 < float(cells[5].removesuffix(" kB")) <= 60
