"""What owners read of compiled blocks."""

from __future__ import annotations

import pytest

from bot.i18n import words
from bot.wording.compilation import compilation_state
from engine.compilation import Compilation, CompilationState, Obstacle


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_state_has_words(language: str) -> None:
    """And no two of them the same."""
    say = words(language)
    states = [
        *(Compilation(state) for state in CompilationState if state is not CompilationState.OFF),
        *(Compilation(CompilationState.UNSUITED, each) for each in Obstacle),
        Compilation(CompilationState.READY, speedup=1.234),
    ]
    texts = [compilation_state(each, say) for each in states]
    assert all(texts) and len(set(texts)) == len(texts) - 1  # what is unsuited has an obstacle


def test_what_was_measured_and_what_failed_is_named() -> None:
    """The factor to two digits, the compiler's own words in parentheses."""
    say = words("en")
    faster = Compilation(CompilationState.READY, speedup=1.234)
    assert compilation_state(faster, say) == "ready, 1.23 times as fast"
    failed = Compilation(CompilationState.FAILED, failure="g++ is broken")
    assert compilation_state(failed, say) == "failed; the plain ones paint (g++ is broken)"
