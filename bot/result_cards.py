"""What became of a job, as the card that tells its person."""

from __future__ import annotations

from collections.abc import Callable

from bot.cards import Card, FailureCard, PictureCard
from bot.studio.outcomes import Note, NotExact, adapted
from engine.prompts import addition
from engine.types import ImageRequest, Recipe, request_from_json
from storage.files import PictureFiles
from storage.history import History
from storage.types import JobState, PendingDelivery, Road


class ResultCards:
    """Makes cards of finished jobs. request_notes: remarks on a request alone."""

    def __init__(
        self,
        history: History,
        files: PictureFiles,
        request_notes: Callable[[ImageRequest], tuple[Note, ...]],
    ) -> None:
        self._history = history
        self._files = files
        self._request_notes = request_notes

    async def card(self, pending: PendingDelivery, road: Road, *, mention: bool = False) -> Card:
        """A picture, or why there is none. mention: it has to notify its person."""
        job = pending.job
        if job.state is not JobState.PAINTED or not pending.pictures:
            return FailureCard(
                job_id=job.id,
                request=request_from_json(job.request),
                requester_id=job.place.user_id,
                state=job.state.value,
                code=job.error_code or "",
                detail=job.error_detail or "",
                mention=mention,
            )
        picture = pending.pictures[0]
        recipe = Recipe.from_json(picture.recipe)
        return PictureCard(
            picture_id=picture.id,
            request=recipe.request,
            requester_id=job.place.user_id,
            path=self._files.path(picture.file),
            file_name=picture.file.rpartition("/")[2],
            duration_s=picture.duration_s,
            model=recipe.model,
            added=addition(recipe.request.prompt, recipe.request.effective_prompt),
            notes=await self._notes(job.parent_picture_id, recipe),
            mention=mention,
            direct=road is Road.DIRECT,
            origin_id=job.place.channel_id,
        )

    async def _notes(self, parent_id: int | None, recipe: Recipe) -> tuple[Note, ...]:
        """Remarks on the request; a replay of a seed also says where its pixels may differ."""
        notes = (*self._request_notes(recipe.request), *adapted(recipe))
        parent = None if parent_id is None else await self._history.get(parent_id)
        original = None if parent is None else Recipe.from_json(parent.recipe)
        if original is None or original.request != recipe.request:
            return notes
        differences = original.differences(recipe)
        return (*notes, NotExact(differences)) if differences else notes
