"""Read findings as a person does: every one has to have words for all of its values."""

from __future__ import annotations

from collections.abc import Iterable

from bot.diagnosis.findings import Code, Finding, Level
from bot.i18n import words
from bot.wording.diagnosis.sentences import remedy, sentence


def said(findings: Iterable[Finding]) -> str:
    """Return all sentences and remedies; whatever is broken has to have a remedy."""
    lines: list[str] = []
    for each in findings:
        help_text = remedy(each, words())
        assert each.level is not Level.BROKEN or help_text, each.code
        lines += [sentence(each, words()), help_text or ""]
    text = "\n".join(lines)
    assert "{" not in text, text
    return text


def levels(findings: Iterable[Finding]) -> dict[Code, Level]:
    """Return the level of each code that was found, and put all of them into words."""
    found = list(findings)
    said(found)
    return {each.code: each.level for each in found}
