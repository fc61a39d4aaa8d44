"""Translations: every text shown to people goes through `Words`, with catalogues in locales/."""

from __future__ import annotations

import gettext
from functools import lru_cache
from pathlib import Path

DOMAIN = "zimagine"
LOCALES = Path(__file__).parent / "locales"
FALLBACK = "en"


class Words:
    """Translates into one language; call it with the English message and its values.

    `say("Seed {seed}", seed=5)`; `say.plural("{n} picture", "{n} pictures", n)`. Values are
    inserted after translation, so catalogues can reorder them.
    """

    def __init__(self, catalogue: gettext.NullTranslations) -> None:
        self._catalogue = catalogue

    def __call__(self, message: str, **values: object) -> str:
        return self._catalogue.gettext(message).format(**values)

    def plural(self, singular: str, plural: str, n: int, **values: object) -> str:
        """Return the form for the number `n`, which is also available as a value."""
        return self._catalogue.ngettext(singular, plural, n).format(n=n, **values)


def translatable(text: str) -> str:
    """Mark a text for the catalogues; `Words` translates it where it is shown."""
    return text


@lru_cache(maxsize=64)
def words(locale: str = FALLBACK) -> Words:
    """Return the Words of a Discord locale ("en-US", "zh-CN"); English if it has no catalogue."""
    languages = [locale.replace("-", "_"), locale.partition("-")[0]]
    return Words(gettext.translation(DOMAIN, LOCALES, languages, fallback=True))
