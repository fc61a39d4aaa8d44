"""Where a picture, a job or a question was asked for, by the number that a button carries."""

from __future__ import annotations

from storage.jobs import Jobs
from storage.proposals import Proposals
from storage.types import Place


class WhereAsked:
    """Looks up the server, channel and member.

    None for what is unknown, and for the command line's work.
    """

    def __init__(self, jobs: Jobs, proposals: Proposals) -> None:
        self._jobs = jobs
        self._proposals = proposals

    async def of_picture(self, picture_id: int) -> Place | None:
        """Return the place of a picture, also of one that was deleted. Raises StorageError."""
        job = await self._jobs.of_picture(picture_id)
        return None if job is None else _on_server(job.place)

    async def of_job(self, job_id: int) -> Place | None:
        """Return the place of a job. Raises StorageError."""
        job = await self._jobs.get(job_id)
        return None if job is None else _on_server(job.place)

    async def of_proposal(self, proposal_id: int) -> Place | None:
        """Return the place of a proposal, a suggestion or a correction. Raises StorageError."""
        found = await self._proposals.get(proposal_id)
        return None if found is None else _on_server(found.place)

    async def servers_of(self, user_id: int) -> tuple[int, ...]:
        """Return the servers on which a user has asked for pictures. Raises StorageError."""
        return await self._jobs.servers_of(user_id)


def _on_server(place: Place) -> Place | None:
    return place if place.guild_id else None
