"""Which models a member may use: what the owner offers, and what admins opened here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from bot.accounts.permissions import Action, Actor, PermissionLevel, Permissions
from bot.request.models import ModelCatalog, OfferedModel
from bot.request.outcomes import NotAllowed, Refused, StorageUnavailable
from bot.request.reasons.models import ModelClosed, UnknownModel
from storage.errors import StorageError
from storage.open_names import OpenModels

log = structlog.get_logger(__name__)

READ_LIMIT_S = 0.5
"""How long the database may take to say what is open. Chosen by hand: LoRAs and accepting the job
come afterwards, and Discord waits three seconds for the answer."""
_ALL, _NONE = "all", "none"
_SEPARATOR = re.compile(r"[,，、;；\s]+")


@dataclass(frozen=True, slots=True)
class OpenedModels:
    """What admins opened on a server, or (channel_id) in one of its channels.

    names: None for all that the owner offers. as_server: the channel has no list of its own.
    """

    names: frozenset[str] | None
    channel_id: int | None = None
    as_server: bool = False


class ModelAccess:
    """Owners of the bot may use every model. With one model there is nothing to open or close."""

    def __init__(self, models: ModelCatalog, permissions: Permissions, opened: OpenModels) -> None:
        self._models = models
        self._permissions = permissions
        self._opened = opened

    async def refusal(self, actor: Actor, names: Iterable[str]) -> Refused | None:
        """Return why requests of these models cannot be accepted; None if they can.

        names: as requests carry them.
        """
        opened = await self._open_here(actor)
        if opened is None or isinstance(opened, Refused):
            return opened
        for name in names:
            model = self._models.get(name)
            if model is not None and model.name not in opened:
                usable = tuple(each for each in self._models.names if each in opened)
                return Refused(ModelClosed(model.name, usable))
        return None

    async def matching(self, actor: Actor, typed: str = "") -> tuple[OfferedModel, ...]:
        """Return the models that this member may use, whose names or titles have the typed text.

        Nothing while the database cannot be read.
        """
        opened = await self._open_here(actor)
        if isinstance(opened, Refused):
            return ()
        found = self._models.matching(typed)
        return tuple(each for each in found if opened is None or each.name in opened)

    def to_choose_from(self, actor: Actor, typed: str) -> tuple[OfferedModel, ...]:
        """Return, for admins, all models that have the typed text, whoever may use them."""
        allowed = self._permissions.allows(actor, Action.SET_SETTINGS)
        return self._models.matching(typed) if allowed else ()

    async def choose(
        self, actor: Actor, names: str | None, channel_id: int | None
    ) -> OpenedModels | Refused:
        """Open models on the actor's server, or (channel_id) in one of its channels.

        names: as they are typed, with commas; "none" for none; "all" for whatever the owner offers,
        in a channel for what is open on the server; None to change nothing. Returns what is open
        there then.
        """
        if not self._permissions.allows(actor, Action.SET_SETTINGS):
            return Refused(NotAllowed(Action.SET_SETTINGS))
        chosen = self._named(names or "")
        if isinstance(chosen, Refused):
            return chosen
        guild_id = actor.guild_id
        try:
            if names is not None and names.strip().casefold() == _ALL:
                await self._opened.clear(guild_id, channel_id)
            elif names is not None:
                await self._opened.open(guild_id, channel_id, chosen, actor.user_id)
            if channel_id is None:
                return OpenedModels(await self._opened.of(guild_id))
            return OpenedModels(
                await self._opened.of(guild_id, (channel_id,)),
                channel_id,
                as_server=not await self._opened.has_own(guild_id, channel_id),
            )
        except StorageError as error:
            log.warning("what is open was not stored", detail=str(error))
            return Refused(StorageUnavailable())

    def _named(self, names: str) -> tuple[str, ...] | Refused:
        if names.strip().casefold() in (_ALL, _NONE, ""):
            return ()
        found: list[str] = []
        for typed in filter(None, _SEPARATOR.split(names)):
            model = self._models.meant(typed)
            if isinstance(model, UnknownModel):
                return Refused(model)
            found.append(model.name)
        return tuple(dict.fromkeys(found))

    async def _open_here(self, actor: Actor) -> frozenset[str] | Refused | None:
        """Return the names that admins opened where the actor is; None for all."""
        if not self._models.several:
            return None
        if self._permissions.level(actor) is PermissionLevel.OWNER:
            return None
        channels = [actor.channel_id, *([actor.parent_id] if actor.parent_id is not None else [])]
        try:
            async with asyncio.timeout(READ_LIMIT_S):
                return await self._opened.of(actor.guild_id, channels)
        except (StorageError, TimeoutError) as error:
            log.warning("what is open is not known", detail=str(error) or type(error).__name__)
            return Refused(StorageUnavailable())
