"""Paint a picture that is there again: /reroll, with a new seed or a chosen one.

It counts against the quota of whoever asks.
"""

from __future__ import annotations

from bot.accounts.permissions import Actor
from bot.jobs.admission import AdmissionService
from bot.jobs.submission import JobSubmission
from bot.pictures.originals import OriginalPictures
from bot.request.outcomes import Accepted, Refused
from bot.request.resolver import RequestResolver
from engine.series import MAX_PICTURES
from engine.types import Recipe
from storage.jobs import Jobs


class RerollService:
    """Accepts requests that repeat a picture; results of a private picture are private."""

    def __init__(
        self,
        *,
        admission: AdmissionService,
        resolver: RequestResolver,
        originals: OriginalPictures,
        jobs: Jobs,
    ) -> None:
        self._admission = admission
        self._resolver = resolver
        self._originals = originals
        self._jobs = jobs

    async def reroll(
        self,
        actor: Actor,
        *,
        picture: str | None = None,
        seed: int | None = None,
        anyones: bool = False,
        whole: bool = False,
    ) -> Accepted | Refused:
        """Paint a picture again, with exactly `seed` or with a new one.

        Of an enlarged picture, what was there before is painted again, unless `seed` is its own.
        picture, anyones: as for OriginalPictures.find(). whole: with all pictures that were painted
        with it.
        """
        shown = await self._originals.find(actor, picture, anyones=anyones)
        if isinstance(shown, Refused):
            return shown
        original = shown if shown.seed == seed else await self._originals.before_upscale(shown)
        if isinstance(original, Refused):
            return original
        recipe = Recipe.from_json(original.recipe)
        resolved = self._resolver.reroll(recipe.request, seed)
        if isinstance(resolved, Refused):
            return resolved
        exact = resolved.request.seed == recipe.request.seed
        submission = JobSubmission(
            resolved,
            count=await self._pictures_of(shown.job_id) if whole else 1,
            private=original.private,
            parent_id=original.id,
            replay=recipe.conditions if exact else None,
        )
        return await self._admission.accept(actor, submission)

    async def _pictures_of(self, job_id: int) -> int:
        job = await self._jobs.get(job_id)
        return 1 if job is None else min(job.pictures, MAX_PICTURES)
