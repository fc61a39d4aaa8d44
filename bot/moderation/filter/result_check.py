"""Check what was painted: what a model made of the prompt, and the picture itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from bot.jobs.content_check import FinishedPicture, ResultDecision, ResultRefusal
from bot.moderation.filter.picture_check import PictureCheck, PictureVerdict
from bot.moderation.filter.prompt_filter import CompiledFilter, CompiledFilters, decision_on
from engine.types import request_from_json
from storage.filters import FilterAction
from storage.jobs import Jobs
from storage.types import Job

PICTURE_REPORT: Final = "picture_check"
"""The reason of a report by the owner's function: the name of the setting, in no language."""


class ResultFilter:
    """Checks prompts that were written while they were painted, by the rules of their server, and
    pictures by the owner's function. picture_check: returns it, None if there is
    none."""

    def __init__(
        self,
        compiled: CompiledFilters,
        jobs: Jobs,
        picture_check: Callable[[], PictureCheck | None],
    ) -> None:
        self._compiled = compiled
        self._jobs = jobs
        self._picture_check = picture_check

    async def judge(
        self, job: Job, pictures: Sequence[FinishedPicture]
    ) -> tuple[ResultDecision, ...]:
        """See `ResultCheck`. Rules that did not concern the request do not concern its result."""
        decisions = await self._prompts(job, pictures)
        return tuple(
            [await self._with_verdict(*each) for each in zip(decisions, pictures, strict=True)]
        )

    async def _with_verdict(
        self, decision: ResultDecision, picture: FinishedPicture
    ) -> ResultDecision:
        """Add what the owner's function says of a picture that is not refused yet."""
        check = self._picture_check()
        if check is None or decision.refused is not None:
            return decision
        match await check.verdict(picture.png):
            case PictureVerdict.REFUSE:
                return replace(decision, refused=ResultRefusal.PICTURE)
            case PictureVerdict.SPOILER:
                return replace(decision, spoiler=True)
            case PictureVerdict.REPORT:
                report = "; ".join(filter(None, (decision.report, PICTURE_REPORT)))
                return replace(decision, report=report)
            case PictureVerdict.PASS:
                return decision

    async def _prompts(
        self, job: Job, pictures: Sequence[FinishedPicture]
    ) -> tuple[ResultDecision, ...]:
        known = request_from_json(job.request).effective_prompt
        texts = [each.request.effective_prompt for each in pictures]
        if all(text == known for text in texts):
            return tuple(ResultDecision() for _ in pictures)
        filter_ = await self._compiled.of(job.place.guild_id)
        kept = await self._jobs.filter_of(job.id)
        concerning = frozenset(each.id for each in filter_.stored.rules) - set(kept.exempt)
        return await asyncio.to_thread(_decisions, filter_, texts, concerning)


def _decisions(
    filter_: CompiledFilter, texts: Sequence[str], concerning: frozenset[int]
) -> tuple[ResultDecision, ...]:
    return tuple(_decision(filter_, text, concerning) for text in texts)


def _decision(filter_: CompiledFilter, text: str, concerning: frozenset[int]) -> ResultDecision:
    matches = filter_.found([text], concerning)
    if filter_.acting(matches, FilterAction.REFUSE):
        return ResultDecision(ResultRefusal.PROMPT)
    found = decision_on(filter_, matches)
    return ResultDecision(None, found.spoiler, found.direct, found.report)
