"""From which picture another one was made, followed through the jobs in storage."""

from __future__ import annotations

from dataclasses import dataclass

from engine.types import ImageRequest, Mode, Recipe, request_from_json
from storage.history import History
from storage.jobs import Jobs
from storage.types import StoredPicture


@dataclass(frozen=True, slots=True)
class Parent:
    """The picture that another one was made from.

    request: with which it was painted; of the first picture of its job if it was deleted. recipe:
    None if it was deleted, and nobody can see it any more.
    """

    picture_id: int
    request: ImageRequest
    recipe: Recipe | None = None


@dataclass(frozen=True, slots=True)
class BeforeUpscale:
    """A picture as it was before it was enlarged, or the picture itself if it never was.

    picture: None if that picture was deleted, or is unknown. picture_id: None if it is unknown.
    request: with which it was painted.
    """

    picture: StoredPicture | None
    picture_id: int | None
    request: ImageRequest


class Lineage:
    """Finds the pictures that others were made from."""

    def __init__(self, jobs: Jobs, history: History) -> None:
        self._jobs = jobs
        self._history = history

    async def parent(self, parent_id: int | None) -> Parent | None:
        """Return what is known of the picture with a job's parent id; None if there is none."""
        if parent_id is None:
            return None
        picture = await self._history.get(parent_id)
        if picture is not None:
            recipe = Recipe.from_json(picture.recipe)
            return Parent(parent_id, recipe.request, recipe)
        job = await self._jobs.of_picture(parent_id)
        return None if job is None else Parent(parent_id, request_from_json(job.request))

    async def before_upscale(self, picture: StoredPicture) -> BeforeUpscale:
        """Follow a picture back to what was enlarged, however often it was, and painted again.

        A deleted picture in between is no obstacle: its job is still known.
        """
        request = Recipe.from_json(picture.recipe).request
        picture_id: int = picture.id
        while request.mode is Mode.UPSCALE:
            job = await self._jobs.of_picture(picture_id)
            parent = await self.parent(None if job is None else job.parent_picture_id)
            if parent is None:
                return BeforeUpscale(None, None, request)
            # Ids count up, and a parent is there before its child: this ends.
            picture_id, request = parent.picture_id, parent.request
        found = picture if picture_id == picture.id else await self._history.get(picture_id)
        return BeforeUpscale(found, picture_id, request)
