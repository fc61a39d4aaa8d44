"""Which LoRAs a member may use: what a model can be painted with, and what admins opened here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial

from bot.accounts.openings import Opened, Openings
from bot.accounts.permissions import Action, Actor, PermissionLevel, Permissions
from bot.accounts.rules.books import RuleBooks
from bot.request.loras import LoraCatalog, StylePick
from bot.request.model_loras import any_offered, matching_any, names_for_any
from bot.request.models import ModelCatalog, OfferedModel
from bot.request.outcomes import Refused
from bot.request.params import GenerationParams
from bot.request.reasons.loras import LoraClosed, ModelWithoutLoras, UnknownLora
from bot.request.values.loras import read_loras
from engine.diffusion.lora.shelf import LoraInfo
from engine.loras import LoraUse
from storage.access_rules import RuleKind
from storage.open_names import OpenLoras

READ_LIMIT_S = 1.0
"""How long the database may take to say what is open. Chosen by hand: accepting a job may take two
seconds afterwards, and Discord waits three for the answer."""


class LoraAccess:
    """Reads folders on other threads. Owners of the bot may use everything in them.

    What is open has names alone: it is open with every model that can use it.
    """

    def __init__(
        self,
        models: ModelCatalog,
        permissions: Permissions,
        opened: OpenLoras,
        rules: RuleBooks | None = None,
    ) -> None:
        """rules: as for `Openings`."""
        self._models = models
        self._permissions = permissions
        self._openings = Openings(opened, permissions, READ_LIMIT_S, RuleKind.LORAS, rules)

    async def refusal(
        self, actor: Actor, loras: Iterable[LoraUse], model: OfferedModel
    ) -> Refused | None:
        """Return why a request of a model with these LoRAs cannot be accepted; None if it can."""
        wanted = tuple(dict.fromkeys(loras))
        if not wanted:
            return None
        reason = await asyncio.to_thread(model.loras.refusal, wanted, self._ids(actor))
        if reason is not None:
            return Refused(reason)
        opened = await self._openings.here(actor)
        if isinstance(opened, Refused):
            return opened
        closed = [each.name for each in wanted if opened is not None and each.name not in opened]
        if not closed:
            return None
        return Refused(LoraClosed(closed[0], await self._openings.rule_here(actor)))

    async def style_pick(self, actor: Actor) -> StylePick:
        """Return what chooses a LoRA for this member by style words: one that they may use here.

        It chooses none while the database cannot be read.
        """
        if not any_offered(self._models):
            return _as_it_is
        opened = await self._openings.here(actor)
        if isinstance(opened, Refused):
            return _as_it_is
        return partial(LoraCatalog.styled, ids=self._ids(actor), opened=opened)

    async def listing(self, actor: Actor, model: OfferedModel) -> tuple[LoraInfo, ...] | Refused:
        """Return all LoRAs that this member may paint with, with this model, by name.

        Refused where none are offered, with this model or at all, or the folder cannot be read.
        """
        if not model.loras.offered and any_offered(self._models):
            return Refused(ModelWithoutLoras(model.name))
        reason = await asyncio.to_thread(model.loras.folder_problem)
        return await self.matching(actor, model) if reason is None else Refused(reason)

    async def matching(
        self, actor: Actor, model: OfferedModel, typed: str = ""
    ) -> tuple[LoraInfo, ...]:
        """Return the LoRAs that this member may paint with, with this model, whose names, titles or
        trigger words have the typed text; the best first. Nothing while the database cannot be
        read."""
        if not model.loras.offered:
            return ()
        opened = await self._openings.here(actor)
        if isinstance(opened, Refused):
            return ()
        found = await asyncio.to_thread(model.loras.matching, typed, self._ids(actor))
        return tuple(each for each in found if opened is None or each.name in opened)

    async def to_choose_from(self, actor: Actor, typed: str) -> tuple[LoraInfo, ...]:
        """Return, for admins, all LoRAs that a model can use and that have the typed text, whoever
        may use them."""
        if not self._permissions.allows(actor, Action.SET_SETTINGS):
            return ()
        return await asyncio.to_thread(matching_any, self._models, typed)

    async def choose(
        self, actor: Actor, names: str | None, channel_id: int | None
    ) -> Opened | Refused:
        """Open LoRAs on the actor's server, or (channel_id) in one of its channels.

        As `Openings.choose`.
        """
        return await self._openings.choose(actor, names, channel_id, self.named)

    def named(self, names: str) -> tuple[str, ...] | Refused:
        """Return the LoRAs that a text names, with commas between them (blocking)."""
        try:
            choices = read_loras(names)
        except ValueError:
            return Refused(UnknownLora(names))
        found = names_for_any(self._models, choices)
        return found if isinstance(found, tuple) else Refused(found)

    def _ids(self, actor: Actor) -> frozenset[int] | None:
        if self._permissions.level(actor) is PermissionLevel.OWNER:
            return None
        return actor.role_ids | {actor.user_id}


def _as_it_is(_catalog: LoraCatalog, params: GenerationParams) -> GenerationParams:
    return params
