"""Fixtures for deliveries on a messenger that is no Discord."""

from __future__ import annotations

import pytest

from bot.delivery import worker


@pytest.fixture(autouse=True)
def no_earlier_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that was sent before a restart is on its way, unless a test says so."""
    monkeypatch.setattr(worker, "EARLIER_EDITS_S", 0.0)
