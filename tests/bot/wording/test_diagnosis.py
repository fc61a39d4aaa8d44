"""Every finding has words, in a form that gettext can translate."""

from __future__ import annotations

import pytest

from bot.diagnosis.findings import Code, Finding, Level, Section, note, ok
from bot.i18n import words
from bot.wording.diagnosis.sentences import (
    PHRASES,
    amount,
    first_start,
    heading,
    level_name,
    summary,
)
from engine.diffusion.recommendation import Hardware, Pool, recommend

GIB = 2**30


def test_every_code_has_words() -> None:
    """There is one sentence for each code, and each section has a heading."""
    assert set(PHRASES) == set(Code)
    assert all(phrase.sentence.endswith((".", ":", "{sentence}")) for phrase in PHRASES.values())
    assert len({heading(each, words()) for each in Section}) == len(Section)
    assert {Section(code.partition(".")[0]) for code in Code} == set(Section)


def test_amounts() -> None:
    """Memory is told in GiB, and what is smaller in MiB."""
    assert (amount(19 * GIB), amount(44 * 2**20), amount(0)) == ("19.0 GiB", "44 MiB", "0.0 GiB")


@pytest.mark.parametrize(
    ("levels", "line"),
    [
        ([Level.OK], "All is well."),
        ([Level.OK, Level.NOTE], "Nothing is broken; 1 note."),
        ([Level.NOTE, Level.NOTE], "Nothing is broken; 2 notes."),
        ([Level.NOTE, Level.BROKEN], "1 thing is broken."),
        ([Level.BROKEN, Level.BROKEN], "2 things are broken."),
    ],
)
def test_the_last_line(levels: list[Level], line: str) -> None:
    """The last line counts what is broken, or else the notes."""
    assert summary([Finding(Code.NO_CARD, each, {}) for each in levels], words()) == line
    assert level_name(Level.BROKEN, words()) == "broken"


def test_the_line_at_the_first_start() -> None:
    """It names what fits, its size and the one command, in exact and in 8-bit weights."""
    large = first_start(recommend(Hardware(Pool.CARD, 24 * GIB, 64 * GIB)), words())
    assert "bfloat16 (19.1 GiB)" in large and "zimagine download z-image-turbo;" in large
    small = first_start(recommend(Hardware(Pool.CARD, 12 * GIB, 64 * GIB)), words())
    assert "8 bits (10.1 GiB)" in small and "--convert" not in small
    assert "z-image-turbo, and set allow_quantized = true under [engine]" in small
    assert "\n" not in large + small


def test_findings_know_their_section() -> None:
    """The part of a code before its full stop is the section."""
    assert ok(Code.FREE).section is Section.DISK and note(Code.CLOCK).section is Section.SETTINGS
