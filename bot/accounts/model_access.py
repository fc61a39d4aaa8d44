"""Which models a member may use: what the owner offers, and what admins opened here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.accounts.openings import Opened, Openings
from bot.accounts.permissions import Action, Actor, Permissions
from bot.accounts.rules.books import RuleBooks
from bot.request.models import ModelCatalog, OfferedModel
from bot.request.outcomes import Refused
from bot.request.reasons.models import ModelClosed, UnknownModel
from storage.access_rules import RuleKind
from storage.open_names import OpenModels

READ_LIMIT_S = 0.5
"""How long the database may take to say what is open. Chosen by hand: LoRAs and accepting the job
come afterwards, and Discord waits three seconds for the answer."""
_SEPARATOR = re.compile(r"[,，、;；\s]+")


class ModelAccess:
    """Owners of the bot may use every model. With one model there is nothing to open or close."""

    def __init__(
        self,
        models: ModelCatalog,
        permissions: Permissions,
        opened: OpenModels,
        rules: RuleBooks | None = None,
    ) -> None:
        """rules: as for `Openings`."""
        self._models = models
        self._permissions = permissions
        self._openings = Openings(opened, permissions, READ_LIMIT_S, RuleKind.MODELS, rules)

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
                rule = await self._openings.rule_here(actor)
                return Refused(ModelClosed(model.name, usable, rule))
        return None

    async def chosen(self, actor: Actor, typed: str | None) -> OfferedModel | Refused:
        """Return the model that an option names, None the default one; refused where there is no
        such model, or this member may not use it here."""
        model = self._models.meant(typed)
        if isinstance(model, UnknownModel):
            return Refused(model)
        return await self.refusal(actor, (model.name,)) or model

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
    ) -> Opened | Refused:
        """Open models on the actor's server, or (channel_id) in one of its channels.

        As `Openings.choose`.
        """
        return await self._openings.choose(actor, names, channel_id, self.named)

    def named(self, names: str) -> tuple[str, ...] | Refused:
        """Return the models that a text names, with commas or spaces between them."""
        found: list[str] = []
        for typed in filter(None, _SEPARATOR.split(names)):
            model = self._models.meant(typed)
            if isinstance(model, UnknownModel):
                return Refused(model)
            found.append(model.name)
        return tuple(dict.fromkeys(found))

    async def _open_here(self, actor: Actor) -> frozenset[str] | Refused | None:
        return await self._openings.here(actor) if self._models.several else None
