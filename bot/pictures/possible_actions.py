"""What can be done with a picture, so that no button is offered that would only be refused."""

from __future__ import annotations

from dataclasses import dataclass

from bot.pictures.lineage import Lineage
from bot.request.resolve import can_upscale
from engine.diffusion.families import Family
from engine.types import Recipe
from storage.types import StoredPicture


@dataclass(frozen=True, slots=True)
class PossibleActions:
    """Which of the actions that can be impossible are possible.

    repaint: reroll and vary; not where the picture that was enlarged into it has been deleted.
    upscale: not where the result would be larger than the model can enlarge.
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

    def __init__(self, lineage: Lineage, family: Family) -> None:
        self._lineage = lineage
        self._family = family

    async def possible(self, picture: StoredPicture) -> PossibleActions:
        """Return what can be done with a picture."""
        before = await self._lineage.before_upscale(picture)
        request = Recipe.from_json(picture.recipe).request
        return PossibleActions(
            repaint=before.picture is not None, upscale=can_upscale(request, self._family)
        )
