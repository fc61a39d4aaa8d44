"""A resolved request on its way to becoming a job."""

from __future__ import annotations

from dataclasses import dataclass

from bot.accounts.delivery_settings import EffectiveSettings
from bot.accounts.permissions import Actor
from bot.request.outcomes import ResolvedRequest
from engine.types import Conditions, request_to_json
from storage.types import NewJob, Place


@dataclass(frozen=True, slots=True)
class JobSubmission:
    """A job to be accepted.

    count: pictures. private: visible to its requester alone. parent_id: the picture that it starts
    from. replay: the conditions of that picture, where they are to be repeated.
    """

    resolved: ResolvedRequest
    count: int = 1
    private: bool = False
    parent_id: int | None = None
    replay: Conditions | None = None

    def new_job(self, actor: Actor, settings: EffectiveSettings, weight: int = 1) -> NewJob:
        """Return the job as storage takes it. settings: how its requester wants it delivered.
        weight: how many pictures each of its pictures counts as.

        What is requested in direct messages is private: nobody else ever sees it.
        """
        request, private = self.resolved.request, self.private or actor.direct
        return NewJob(
            place=Place(actor.guild_id, actor.channel_id, actor.user_id),
            request=request_to_json(request),
            prompt=request.prompt,
            seed=request.seed,
            pictures=self.count,
            parent_picture_id=self.parent_id,
            locale=actor.locale,
            own_locale=actor.own_locale,
            private=private,
            upload_limit_bytes=actor.upload_limit_bytes,
            reply_token=actor.reply_token,
            inputs=request.inputs,
            delivery=settings.delivery,
            spoiler=settings.spoiler,
            quiet=settings.quiet,
            role_ids=actor.role_ids,
            weight=weight,
        )
