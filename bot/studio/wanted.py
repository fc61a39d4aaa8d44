"""What is handed to be accepted: a wish made precise, as one job."""

from __future__ import annotations

from dataclasses import dataclass

from bot.rights import Person
from bot.studio.outcomes import Composed, QuotaSpent, Refused
from bot.studio.preferences import Held
from engine.types import Conditions, request_to_json
from storage.types import NewJob, Place, QuotaExceeded


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job to be accepted. parent_id: the picture that it is painted from. replay: the conditions
    to repeat."""

    composed: Composed
    count: int = 1
    private: bool = False
    parent_id: int | None = None
    replay: Conditions | None = None

    def row(self, person: Person, held: Held) -> NewJob:
        """The job as storage takes it. held: where and how its person wants it to be shown."""
        request = self.composed.request
        return NewJob(
            place=Place(person.guild_id, person.channel_id, person.user_id),
            request=request_to_json(request),
            prompt=request.prompt,
            seed=request.seed,
            pictures=self.count,
            parent_picture_id=self.parent_id,
            locale=person.locale_for(private=self.private),
            private=self.private,
            upload_limit_bytes=person.upload_limit_bytes,
            reply_token=person.reply_token,
            inputs=request.inputs,
            delivery=held.delivery,
            spoiler=held.spoiler,
            quiet=held.quiet,
        )


def spent(exceeded: QuotaExceeded) -> Refused:
    """A refusal of the ledger's as an answer."""
    used, policy = exceeded.status.used, exceeded.status.policy
    reason = QuotaSpent(used, policy.pictures, policy.hours, exceeded.requested)
    return Refused(reason, exceeded.retry_at)
