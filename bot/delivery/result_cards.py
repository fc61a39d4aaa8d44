"""Build the card that shows the result of a job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bot.delivery.cards import Card, FailureCard, FallbackNote, PictureCard, ShownPicture
from bot.pictures.filenames import attachment_name, sheet_name
from bot.pictures.lineage import Lineage, Parent
from bot.pictures.origins import origin_of
from bot.pictures.possible_actions import ActionChecker
from bot.request.notes import Note, NotExact, SomeFailed, adaptation_notes
from engine.types import ImageRequest, Recipe, request_from_json
from storage.files import PictureFiles
from storage.jobs import PARTIAL
from storage.types import DeliveryMode, Job, JobState, PendingDelivery, Route, StoredPicture


class ResultCards:
    """Builds cards of finished jobs. request_notes: returns the notes on a request alone."""

    def __init__(
        self,
        lineage: Lineage,
        actions: ActionChecker,
        files: PictureFiles,
        request_notes: Callable[[ImageRequest], tuple[Note, ...]],
    ) -> None:
        self._lineage = lineage
        self._actions = actions
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
        parent = await self._lineage.parent(job.parent_picture_id)
        return PictureCard(
            pictures=await self._shown_pictures(pictures),
            request=recipe.request,
            requester_id=job.place.user_id,
            file_name=attachment_name(file_name, spoiler=job.spoiler),
            duration_s=sum(each.duration_s for each in pictures),
            origin=origin_of(request_from_json(job.request), parent),
            notes=self._notes(job, recipes, parent),
            mention=mention,
            direct=route is Route.DIRECT,
            origin_id=job.place.channel_id,
            spoiler=job.spoiler,
            fallback=fallback_note(pending),
        )

    async def _shown_pictures(self, pictures: Sequence[StoredPicture]) -> tuple[ShownPicture, ...]:
        """Return the pictures with the paths of their files, and what can be done with them."""
        paths = await asyncio.to_thread(lambda: [self._files.path(each.file) for each in pictures])
        possible = [await self._actions.possible(each) for each in pictures]
        return tuple(
            ShownPicture(each.id, each.seed, path, actions)
            for each, path, actions in zip(pictures, paths, possible, strict=True)
        )

    def _notes(
        self, job: Job, recipes: Sequence[Recipe], parent: Parent | None
    ) -> tuple[Note, ...]:
        """Return the notes on the request and, for a repeated seed, where its pixels may differ."""
        recipe = recipes[0]
        notes = (
            *_some_failed(job),
            *self._request_notes(recipe.request),
            *adaptation_notes(*recipes),
        )
        original = None if parent is None else parent.recipe
        if original is None or original.request != recipe.request:
            return notes
        differences = original.differences(recipe)
        return (*notes, NotExact(differences)) if differences else notes


def fallback_note(pending: PendingDelivery) -> FallbackNote | None:
    """Return why a result is not in the thread or direct message that its requester wanted."""
    why, wanted = pending.delivery.fallback_reason, pending.job.delivery
    # Only a direct message can stand in for the channel, and it says itself where it belongs.
    return None if why is None or wanted is DeliveryMode.CHANNEL else FallbackNote(wanted, why)


def _some_failed(job: Job) -> tuple[SomeFailed, ...]:
    """Return a note if the job made fewer pictures than were requested."""
    if job.error_code != PARTIAL:
        return ()
    wanted = int(job.error_detail or job.pictures)
    return (SomeFailed(wanted - job.pictures, wanted),)
