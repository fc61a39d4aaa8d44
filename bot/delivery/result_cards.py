"""Build the card that shows the result of a job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bot.delivery.cards import Card, FailureCard, FallbackNote, PictureCard, ShownPicture
from bot.pictures.filenames import attachment_name, sheet_name
from bot.request.notes import Note, NotExact, SomeFailed, adaptation_notes
from engine.prompts import addition
from engine.types import ImageRequest, Recipe, request_from_json
from storage.files import PictureFiles
from storage.history import History
from storage.jobs import PARTIAL
from storage.types import Job, JobState, PendingDelivery, Route, StoredPicture


class ResultCards:
    """Builds cards of finished jobs. request_notes: returns the notes on a request alone."""

    def __init__(
        self,
        history: History,
        files: PictureFiles,
        request_notes: Callable[[ImageRequest], tuple[Note, ...]],
    ) -> None:
        self._history = history
        self._files = files
        self._request_notes = request_notes

    async def card(self, pending: PendingDelivery, route: Route, *, mention: bool = False) -> Card:
        """Return a card with the pictures or the reason for having none. mention: notify the
        requester."""
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
        pictures = pending.pictures
        recipes = [Recipe.from_json(each.recipe) for each in pictures]
        recipe = recipes[0]
        file_name = pictures[0].file.rpartition("/")[2]
        if len(pictures) > 1:
            file_name = sheet_name(job.id)
        return PictureCard(
            pictures=await asyncio.to_thread(self._shown_pictures, pictures),
            request=recipe.request,
            requester_id=job.place.user_id,
            file_name=attachment_name(file_name, spoiler=job.spoiler),
            duration_s=sum(each.duration_s for each in pictures),
            model=recipe.model,
            added=addition(recipe.request.prompt, recipe.request.effective_prompt),
            notes=await self._notes(job, recipes),
            mention=mention,
            direct=route is Route.DIRECT,
            origin_id=job.place.channel_id,
            spoiler=job.spoiler,
            fallback=_fallback_reason(pending),
        )

    def _shown_pictures(self, pictures: Sequence[StoredPicture]) -> tuple[ShownPicture, ...]:
        """Return the pictures with the paths of their files (blocking)."""
        return tuple(
            ShownPicture(each.id, each.seed, self._files.path(each.file)) for each in pictures
        )

    async def _notes(self, job: Job, recipes: Sequence[Recipe]) -> tuple[Note, ...]:
        """Return the notes on the request and, for a repeated seed, where its pixels may differ."""
        recipe, parent_id = recipes[0], job.parent_picture_id
        notes = (
            *_some_failed(job),
            *self._request_notes(recipe.request),
            *adaptation_notes(*recipes),
        )
        parent = None if parent_id is None else await self._history.get(parent_id)
        original = None if parent is None else Recipe.from_json(parent.recipe)
        if original is None or original.request != recipe.request:
            return notes
        differences = original.differences(recipe)
        return (*notes, NotExact(differences)) if differences else notes


def _fallback_reason(pending: PendingDelivery) -> FallbackNote | None:
    why = pending.delivery.fallback_reason
    return None if why is None else FallbackNote(pending.job.delivery, why)


def _some_failed(job: Job) -> tuple[SomeFailed, ...]:
    """Return a note if the job made fewer pictures than were requested."""
    if job.error_code != PARTIAL:
        return ()
    wanted = int(job.error_detail or job.pictures)
    return (SomeFailed(wanted - job.pictures, wanted),)
