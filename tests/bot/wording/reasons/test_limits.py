"""Sentences about limits."""

from __future__ import annotations

import pytest

from bot.i18n import words
from bot.request.outcomes import QueueIsFull, Refused
from bot.wording.rejections import refusal
from engine.errors import Scope


@pytest.mark.parametrize("scope", Scope)
def test_a_full_queue_is_full_of_jobs(scope: Scope):
    """The limits count jobs, each of which may have several pictures."""
    text = refusal(Refused(QueueIsFull(10, 10, scope)), words("en-US"), str)
    assert "10 jobs" in text and "pictures" not in text and "Nothing was charged" in text
