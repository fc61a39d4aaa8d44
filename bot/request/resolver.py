"""Resolve requests for the loaded model, away from the event loop."""

from __future__ import annotations

import asyncio
import dataclasses
from functools import partial

from bot.request.loras import NO_LORAS, LoraCatalog, StylePick
from bot.request.model_loras import of_other_model
from bot.request.models import CountOfModel, ModelCatalog, OfferedModel, only
from bot.request.outcomes import FlagProblem, Refused, ResolvedRequest
from bot.request.params import GenerationParams
from bot.request.prompt.apply_flags import (
    ParsedRequest,
    apply_flags,
    blame_flags,
    count_problem,
    joined,
)
from bot.request.prompt.flags import without_flags
from bot.request.reasons.models import ModelGone, UnknownModel
from bot.request.resolve import (
    SeedSource,
    resolve,
    resolve_reroll,
    resolve_upscale,
    resolve_variation,
)
from engine.diffusion.families import Family
from engine.prompts import Count
from engine.types import ImageRequest


class RequestResolver:
    """Turn parameters into requests with the families, the seeds and the token count of this bot.

    models: all that are offered; without it, the only one is of this family, with these LoRAs.
    """

    def __init__(
        self,
        family: Family,
        seeds: SeedSource,
        count_tokens: Count | CountOfModel,
        loras: LoraCatalog = NO_LORAS,
        models: ModelCatalog | None = None,
    ) -> None:
        """count_tokens: None for a text while the model is not loaded."""
        self.models = models or only(family, loras)
        self._count_tokens = count_tokens
        self._seeds = seeds

    def family_for(self, params: GenerationParams) -> Family:
        """Return the family that parameters are meant for; the default's if there is no such
        model, which resolving refuses."""
        model = self.models.meant(params.model)
        return (self.models.default if isinstance(model, UnknownModel) else model).family

    def count_for(self, model: str) -> Count:
        """Return the token count of a model. model: its name in a request."""
        return partial(self._count_tokens, model=model) if model else self._count_tokens

    async def resolve(
        self, params: GenerationParams, pick: StylePick | None = None
    ) -> ResolvedRequest | Refused:
        """Resolve on another thread: a long prompt takes tens of milliseconds to be analysed.

        pick: chooses a LoRA by style words; None to paint only with those that are named.
        """
        return await asyncio.to_thread(self.resolve_blocking, params, pick)

    def resolve_blocking(
        self, params: GenerationParams, pick: StylePick | None = None
    ) -> ResolvedRequest | Refused:
        """Resolve on this thread, for callers that have left the event loop already."""
        found = self._with_model(params)
        if isinstance(found, Refused):
            return found
        params, model = found
        if pick is not None:
            params = pick(model.loras, params)
        return self._resolved(params, model, self._seeds, self.count_for(params.model or ""))

    async def parse(
        self, params: GenerationParams, count: int | None, private: bool, *, usual: str = ""
    ) -> ParsedRequest | Refused:
        """Apply the flags of a prompt, or name all that cannot be obeyed in one refusal.

        Values that only this model refuses are named too. usual: the model where none is named.
        """
        problems: list[FlagProblem] = []
        left = params
        while True:
            # On another thread: a long prompt full of dashes takes a while to be read.
            outcome = await asyncio.to_thread(apply_flags, left, count, private)
            if isinstance(outcome, ParsedRequest) and outcome.flagged:
                found = count_problem(outcome) or await self.check(outcome.params, usual)
                outcome = blame_flags(found, outcome) if found else outcome
            problem = outcome.reason if isinstance(outcome, Refused) else None
            if not isinstance(problem, FlagProblem):
                return Refused(joined(problems)) if problems else outcome
            problems.append(problem)
            text = await asyncio.to_thread(without_flags, left.prompt, problem)
            if text == left.prompt:
                return Refused(joined(problems))
            left = dataclasses.replace(left, prompt=text)

    async def check(self, params: GenerationParams, usual: str = "") -> Refused | None:
        """Return why these parameters cannot be painted, before anything is drawn or counted.

        What a preset would add is not known yet. usual: the model where none is named.
        """
        params = dataclasses.replace(params, model=params.model or usual or None, preset=None)
        found = self._with_model(params)
        if isinstance(found, Refused):
            return found
        outcome = await asyncio.to_thread(self._resolved, *found, lambda: 0)
        return outcome if isinstance(outcome, Refused) else None

    def _resolved(
        self,
        params: GenerationParams,
        model: OfferedModel,
        seeds: SeedSource,
        count: Count | None = None,
    ) -> ResolvedRequest | Refused:
        if (problem := of_other_model(params, model, self.models)) is not None:
            return Refused(problem)
        return resolve(params, model.family, seeds, count, loras=model.loras)

    def _with_model(
        self, params: GenerationParams
    ) -> tuple[GenerationParams, OfferedModel] | Refused:
        """Return the model that is meant, and the parameters with the name that requests have."""
        model = self.models.meant(params.model)
        if isinstance(model, UnknownModel):
            return Refused(model)
        return dataclasses.replace(params, model=self.models.written(model) or None), model

    def reroll(self, original: ImageRequest, seed: int | None) -> ResolvedRequest | Refused:
        """Repeat a request with exactly this seed, or (None) with a new one."""
        again = self.models.repeated(original)
        if isinstance(again, ModelGone):
            return Refused(again)
        return resolve_reroll(again, seed, self.models.family_of(again), self._seeds)

    def variation(self, original: ImageRequest, amount: float) -> ResolvedRequest | Refused:
        """Repeat a request with its noise turned by `amount`, over 0 up to 1."""
        again = self.models.repeated(original)
        if isinstance(again, ModelGone):
            return Refused(again)
        return resolve_variation(again, amount, self.models.family_of(again), self._seeds)

    def upscale(self, original: ImageRequest, picture: str) -> ResolvedRequest | Refused:
        """Paint a request at twice its size. picture: the hash of its pixels, "" if not known."""
        again = self.models.repeated(original)
        if isinstance(again, ModelGone):
            return Refused(again)
        return resolve_upscale(again, picture, self.models.family_of(again))
