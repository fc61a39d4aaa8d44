"""Translations: every text shown to people goes through `Words`, with catalogues in locales/.

The catalogues are compiled when zimagine is installed; without that, everything is in English.
"""

from __future__ import annotations

import copy
import gettext
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

DOMAIN = "zimagine"
LOCALES = Path(__file__).parent / "locales"
FALLBACK = "en"
LANGUAGES: Mapping[str, str] = {"en-US": "English", "zh-CN": "中文"}
"""The languages that a server can have: Discord's locale, and its name in the language itself."""
NAME = "name"
"""The context in catalogues of what is typed: the names of commands, options and flags."""
_FULL_WIDTH = frozenset("。！？")
"""What ends a sentence and has the space behind it in itself."""


class Words:
    """Translates into one language; call it with the English message and its values.

    `say("Seed {seed}", seed=5)`; `say.plural("{n} picture", "{n} pictures", n)`. Values are
    inserted after translation, so catalogues can reorder them. A translation that the values do not
    fit is logged once, and the English message shown.
    """

    def __init__(self, catalogue: gettext.NullTranslations) -> None:
        self._catalogue = catalogue
        self._unfit: set[str] = set()
        self.command_ids: Mapping[str, int] = {}

    def __call__(self, message: str, **values: object) -> str:
        return self._filled(self._catalogue.gettext(message), message, values)

    def plural(self, singular: str, plural: str, n: int, **values: object) -> str:
        """Return the form for the number `n`, which is also available as a value."""
        english = singular if n == 1 else plural
        return self._filled(
            self._catalogue.ngettext(singular, plural, n), english, {"n": n, **values}
        )

    def verbatim(self, message: str) -> str:
        """Return a message without placeholders, in which braces are nothing but braces."""
        return self._catalogue.gettext(message)

    def name(self, name: str) -> str:
        """Return what a command, an option or a flag is called; its own name if nothing else."""
        return self._catalogue.pgettext(NAME, name)

    def linking(self, command_ids: Mapping[str, int]) -> Words:
        """Return Words of the same language whose sentences link to these commands.

        command_ids: Discord's id of each command that can be run, by its name in English after
        those of its groups.
        """
        linked = copy.copy(self)
        linked.command_ids = command_ids
        return linked

    def _filled(self, text: str, english: str, values: Mapping[str, object]) -> str:
        if text != english and text not in self._unfit:
            try:
                return text.format(**values)
            except (LookupError, ValueError, AttributeError, TypeError) as error:
                self._unfit.add(text)
                _log().error("translation unusable", text=text, message=english, error=repr(error))
        return english.format(**values)


@dataclass(frozen=True, slots=True)
class Message:
    """A marked message with its values, which may be messages themselves; str() is in English."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict[str, object])

    def said(self, say: Words) -> str:
        """Return it in a language."""
        values = {
            name: value.said(say) if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        return say(self.text, **values)

    def __str__(self) -> str:
        return self.said(words())


def paragraph(*sentences: str) -> str:
    """Return whole sentences one after another, with the space that is usual between them.

    Empty ones are left out.
    """
    text = ""
    for sentence in filter(None, sentences):
        text += sentence if not text or text[-1] in _FULL_WIDTH else f" {sentence}"
    return text


def translatable(text: str) -> str:
    """Mark a text for the catalogues; `Words` translates it where it is shown."""
    return text


def _log() -> Any:
    import structlog  # not for `zimagine --help`, which needs no log

    return structlog.get_logger(__name__)


def typed_name(name: str) -> str:
    """Mark the name of a command, an option or a flag for the catalogues; see `Words.name`."""
    return name


@lru_cache(maxsize=64)
def words(locale: str = FALLBACK) -> Words:
    """Return the Words of a Discord locale ("en-US", "zh-CN"); English if it has no catalogue, or
    one that cannot be read."""
    languages = [locale.replace("-", "_"), locale.partition("-")[0]]
    try:
        return Words(gettext.translation(DOMAIN, LOCALES, languages, fallback=True))
    except (OSError, ValueError, LookupError, struct.error) as error:
        _log().error("catalogue unreadable", locale=locale, error=repr(error))
        return Words(gettext.NullTranslations())
