"""A resolved request on its way to becoming a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.accounts.delivery_settings import EffectiveSettings
from bot.accounts.permissions import Actor
from bot.request.notes import FilterActed
from bot.request.outcomes import ResolvedRequest
from engine.types import Conditions, request_to_json
from storage.types import DeliveryMode, JobFilter, NewJob, Place


@dataclass(frozen=True, slots=True)
class ContentDecision:
    """How a request that may be painted is shown, by the rules of its server.

    spoiler: hidden until clicked. direct: by direct message, and never in the channel. report: why
    its first picture is reported to the moderators, None if it is not. exempt: the rules that do
    not concern it. ruled: the server has rules.
    """

    spoiler: bool = False
    direct: bool = False
    report: str | None = None
    exempt: tuple[int, ...] = ()
    ruled: bool = False

    @property
    def kept(self) -> JobFilter | None:
        """What has to be known of it once the job is painted."""
        return JobFilter(self.exempt, self.report) if self.ruled else None

    @property
    def note(self) -> FilterActed | None:
        """What the member is told."""
        acted = self.spoiler or self.direct or self.report is not None
        return FilterActed(self.spoiler, self.direct, self.report is not None) if acted else None


@dataclass(frozen=True, slots=True)
class ForcedDisplay:
    """What a server's rules decide about how pictures are shown, whoever asks.

    private: visible to the requester alone. spoiler: hidden until clicked.
    """

    private: bool = False
    spoiler: bool = False


FREE_DISPLAY: Final = ForcedDisplay()


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

    def new_job(
        self,
        actor: Actor,
        settings: EffectiveSettings,
        decision: ContentDecision,
        weight: int = 1,
        forced: ForcedDisplay = FREE_DISPLAY,
    ) -> NewJob:
        """Return the job as storage takes it. settings: how its requester wants it delivered.
        weight: how many pictures each of its pictures counts as.

        What is requested in direct messages is private: nobody else ever sees it. The same goes
        for what a server's rules send by direct message or keep private. The answer to a
        request with source images may be public by then, so nothing may be shown in it.
        """
        request = self.resolved.request
        hidden = decision.direct or forced.private
        private = self.private or actor.direct or hidden
        hidden_answer = self.private or actor.direct or not request.inputs
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
            reply_token=actor.reply_token if hidden_answer or not hidden else None,
            inputs=request.inputs,
            delivery=DeliveryMode.DIRECT if decision.direct else settings.delivery,
            spoiler=settings.spoiler or decision.spoiler or forced.spoiler,
            quiet=settings.quiet,
            role_ids=actor.role_ids,
            weight=weight,
            filter=decision.kept,
        )
