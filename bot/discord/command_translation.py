"""Command and option descriptions in every language that there is a catalogue for."""

from __future__ import annotations

from discord import Locale, app_commands
from discord.app_commands import locale_str

from bot.i18n import words


class CatalogueTranslator(app_commands.Translator):
    """Looks descriptions up in the same catalogues as everything else that is said."""

    async def translate(
        self,
        string: locale_str,
        locale: Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """The description in this language; None, which is English, where there is none."""
        said = words(locale.value)(string.message)
        return None if said == string.message else said
