"""The language that admins chose for what everybody on their server reads."""

from __future__ import annotations

from storage.preferences import Preferences


class ServerLanguages:
    """Knows every choice without asking the database, from `load` on.

    A server without a choice has the language that Discord says, which is English for every server
    that is not a Community.
    """

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences
        self._chosen: dict[int, str] = {}

    async def load(self) -> None:
        """Read the choices that are stored. Raises StorageError."""
        self._chosen = dict(await self._preferences.languages())

    def of(self, guild_id: int, default: str) -> str:
        """Return the language of a server. default: the one that Discord says."""
        return self._chosen.get(guild_id, default)

    def chosen(self, guild_id: int, locale: str | None) -> None:
        """Take note of a choice that was stored; None removes it."""
        if locale is None:
            self._chosen.pop(guild_id, None)
        else:
            self._chosen[guild_id] = locale
