"""What can be done with a picture, so that no button is offered that would only be refused."""

from __future__ import annotations

from dataclasses import dataclass

from bot.pictures.lineage import Lineage
from bot.request.models import ModelCatalog
from bot.request.resolve import can_upscale
from engine.types import Recipe
from storage.types import StoredPicture


@dataclass(frozen=True, slots=True)
class PossibleActions:
    """Which of the actions that can be impossible are possible.

    repaint: reroll and vary; not where the picture that was enlarged into it has been deleted.
    upscale: not where the result would be larger than the model can enlarge. Neither where its
    model is not offered any more.
    """

    repaint: bool = True
    upscale: bool = True


EVERYTHING = PossibleActions()
"""As long as nothing else is known."""


@dataclass(frozen=True, slots=True)
class AllowedActions:
    """The actions on a job's pictures that an actor is allowed.

    own: they may be marked as favourites. erasable: they may be deleted.
    """

    pictures: tuple[StoredPicture, ...]
    own: bool
    erasable: bool


class ActionChecker:
    """Finds out what is possible with a picture now, while its message is made."""

    def __init__(self, lineage: Lineage, models: ModelCatalog) -> None:
        self._lineage = lineage
        self._models = models

    async def possible(self, picture: StoredPicture) -> PossibleActions:
        """Return what can be done with a picture."""
        before = await self._lineage.before_upscale(picture)
        request = Recipe.from_json(picture.recipe).request
        model = self._models.get(request.model)
        return PossibleActions(
            repaint=before.picture is not None and model is not None,
            upscale=model is not None and can_upscale(request, model.family),
        )
