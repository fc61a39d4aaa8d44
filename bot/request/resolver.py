"""Resolve requests for the loaded model, away from the event loop."""

from __future__ import annotations

import asyncio
import dataclasses

from bot.request.loras import NO_LORAS, LoraCatalog, StylePick
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
    """Turn parameters into requests with the family, the seeds and the token count of this bot."""

    def __init__(
        self,
        family: Family,
        seeds: SeedSource,
        count_tokens: Count,
        loras: LoraCatalog = NO_LORAS,
    ) -> None:
        """count_tokens: None for a text while the model is not loaded."""
        self.family = family
        self.loras = loras
        self.count_tokens = count_tokens
        self._seeds = seeds

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
        params = params if pick is None else pick(params)
        return resolve(params, self.family, self._seeds, self.count_tokens, loras=self.loras)

    async def parse(
        self, params: GenerationParams, count: int, private: bool
    ) -> ParsedRequest | Refused:
        """Apply the flags of a prompt, or name all that cannot be obeyed in one refusal.

        Values that only this model refuses are named too.
        """
        problems: list[FlagProblem] = []
        left = params
        while True:
            # On another thread: a long prompt full of dashes takes a while to be read.
            outcome = await asyncio.to_thread(apply_flags, left, count, private)
            if isinstance(outcome, ParsedRequest) and outcome.flagged:
                found = count_problem(outcome) or await self.check(outcome.params)
                outcome = blame_flags(found, outcome) if found else outcome
            problem = outcome.reason if isinstance(outcome, Refused) else None
            if not isinstance(problem, FlagProblem):
                return Refused(joined(problems)) if problems else outcome
            problems.append(problem)
            text = await asyncio.to_thread(without_flags, left.prompt, problem)
            if text == left.prompt:
                return Refused(joined(problems))
            left = dataclasses.replace(left, prompt=text)

    async def check(self, params: GenerationParams) -> Refused | None:
        """Return why these parameters cannot be painted, before anything is drawn or counted."""
        found = await asyncio.to_thread(resolve, params, self.family, lambda: 0, loras=self.loras)
        return found if isinstance(found, Refused) else None

    def reroll(self, original: ImageRequest, seed: int | None) -> ResolvedRequest | Refused:
        """Repeat a request with exactly this seed, or (None) with a new one."""
        return resolve_reroll(original, seed, self.family, self._seeds)

    def variation(self, original: ImageRequest, amount: float) -> ResolvedRequest | Refused:
        """Repeat a request with its noise turned by `amount`, over 0 up to 1."""
        return resolve_variation(original, amount, self.family, self._seeds)

    def upscale(self, original: ImageRequest, picture: str) -> ResolvedRequest | Refused:
        """Paint a request at twice its size. picture: the hash of its pixels, "" if not known."""
        return resolve_upscale(original, picture, self.family)
