"""Rules for the names of commands and options, and for languages."""

from __future__ import annotations

import unicodedata
from typing import Final

from bot.playground.rules.grammar import Field, Rule, mapping, text

LOCALES: Final = (
    *("ar", "bg", "cs", "da", "de", "el", "en-GB", "en-US", "es-419", "es-ES", "fi", "fr"),
    *("he", "hi", "hr", "hu", "id", "it", "ja", "ko", "lt", "nl", "no", "pl", "pt-BR", "ro"),
    *("ru", "sv-SE", "th", "tr", "uk", "vi", "zh-CN", "zh-TW"),
)
"""The languages of Discord's clients."""

_SCRIPTS: Final = (
    *((0x0900, 0x0950), (0x0955, 0x0963), (0x0966, 0x097F), (0xA8E0, 0xA8FF)),
    *((0x11B00, 0x11B09), (0x0E01, 0x0E3A), (0x0E40, 0x0E5B)),
)
"""Devanagari and Thai: their vowel signs are not letters, but part of words."""


def is_command_name(name: str) -> bool:
    """Return whether a slash command or option may have this name, apart from its length."""
    return all(_is_allowed(each) for each in name)


def _is_allowed(character: str) -> bool:
    if character in "-_'":
        return True
    if unicodedata.category(character)[0] in "LN":
        # A letter that has a lower case must use it; most scripts have no case.
        return character == character.lower()
    return any(low <= ord(character) <= high for low, high in _SCRIPTS)


def localized(item: Field) -> Field:
    """One text for each of some languages."""
    return mapping(LOCALES, item)


NAME: Final = text(
    1, 32, rule=Rule(is_command_name, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
)
MENU_NAME: Final = text(1, 32, trim=True)
"""The name of a context menu command: spaces and capitals are allowed."""
DESCRIPTION: Final = text(1, 100, trim=True)
