"""Generate pictures from words: /imagine."""

from __future__ import annotations

from bot.accounts.permissions import Actor
from bot.accounts.presets import SettingsFiller
from bot.jobs.admission import AdmissionService
from bot.jobs.submission import JobSubmission
from bot.request.knowledge import confirmation
from bot.request.outcomes import Accepted, Refused
from bot.request.params import GenerationParams
from bot.request.prompt.apply_flags import count_problem
from bot.request.resolver import RequestResolver


class GenerationService:
    """Turn what a member asked for into an accepted job."""

    def __init__(
        self, *, admission: AdmissionService, resolver: RequestResolver, filler: SettingsFiller
    ) -> None:
        self._admission = admission
        self._filler = filler
        self._resolver = resolver

    async def imagine(
        self,
        actor: Actor,
        params: GenerationParams,
        *,
        private: bool = False,
        count: int | None = None,
        proposal_id: int | None = None,
    ) -> Accepted | Refused:
        """Paint what the member asked for, flags in the prompt included.

        private: visible to its requester alone. count: pictures, 1 to MAX_PICTURES; None if no
        option says it. proposal_id: the proposal that this answers.
        """
        parsed = await self._resolver.parse(params, count, private)
        if isinstance(parsed, Refused):
            return parsed
        filled = await self._filler.fill(actor, (parsed,))
        if isinstance(filled, Refused):
            return filled
        (parsed,) = filled
        if (problem := count_problem(parsed)) is not None:
            return problem
        pick = await self._admission.style_pick(actor)
        resolved = await self._resolver.resolve(parsed.params, pick)
        if isinstance(resolved, Refused):
            return resolved
        unknown = confirmation(parsed, resolved, self._resolver.models.family_of(resolved.request))
        return unknown or await self._admission.accept(
            actor, JobSubmission(resolved, parsed.pictures, parsed.private), proposal_id
        )
