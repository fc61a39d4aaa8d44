"""Which LoRAs a member may use: what the owner's folder offers, and whom it allows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from bot.accounts.permissions import Actor, PermissionLevel, Permissions
from bot.request.loras import LoraCatalog
from bot.request.outcomes import Refused
from engine.diffusion.lora.shelf import LoraInfo
from engine.loras import LoraUse


class LoraAccess:
    """Reads the folder on other threads. Owners of the bot may use everything in it."""

    def __init__(self, catalog: LoraCatalog, permissions: Permissions) -> None:
        self._catalog = catalog
        self._permissions = permissions

    @property
    def offered(self) -> bool:
        """Whether the owner has set a folder."""
        return self._catalog.offered

    async def refusal(self, actor: Actor, loras: Iterable[LoraUse]) -> Refused | None:
        """Return why a request with these LoRAs cannot be accepted; None if it can."""
        wanted = tuple(dict.fromkeys(loras))
        if not wanted:
            return None
        reason = await asyncio.to_thread(self._catalog.refusal, wanted, self._ids(actor))
        return None if reason is None else Refused(reason)

    async def listing(self, actor: Actor) -> tuple[LoraInfo, ...] | Refused:
        """Return all usable LoRAs that this member may use, by name; refused where none are offered
        or the folder cannot be read."""
        reason = await asyncio.to_thread(self._catalog.folder_problem)
        return await self.matching(actor) if reason is None else Refused(reason)

    async def matching(self, actor: Actor, typed: str = "") -> tuple[LoraInfo, ...]:
        """Return the LoRAs that this member may use, whose names, titles or trigger words have the
        typed text; the best first."""
        if not self.offered:
            return ()
        return await asyncio.to_thread(self._catalog.matching, typed, self._ids(actor))

    def _ids(self, actor: Actor) -> frozenset[int] | None:
        if self._permissions.level(actor) is PermissionLevel.OWNER:
            return None
        return actor.role_ids | {actor.user_id}
