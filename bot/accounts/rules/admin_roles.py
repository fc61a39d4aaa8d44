"""The roles that may use /admin as Manage Server does, known without asking the database."""

from __future__ import annotations

from storage.access_rules import AccessRules


class AdminRoles:
    """Knows the roles of every server, from `load` on: permissions are asked for at once."""

    def __init__(self, stored: AccessRules) -> None:
        self._stored = stored
        self._roles: dict[int, frozenset[int]] = {}

    async def load(self) -> None:
        """Read the roles that are stored. Raises StorageError."""
        self._roles = await self._stored.admin_roles()

    def of(self, guild_id: int) -> frozenset[int]:
        """Return the roles of a server."""
        return self._roles.get(guild_id, frozenset())

    def changed(self, guild_id: int, roles: frozenset[int]) -> None:
        """Take note of roles that were stored."""
        self._roles[guild_id] = roles
        if not roles:
            del self._roles[guild_id]
