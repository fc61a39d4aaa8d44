"""Build the card of a report for moderators, and find the messages that show its picture."""

from __future__ import annotations

import asyncio

from bot.accounts.server_languages import ServerLanguages
from bot.delivery.cards import CaseCard, ShownPicture
from bot.delivery.messenger import Address
from bot.pictures.gallery import message_refs
from storage.deliveries import Deliveries
from storage.files import PictureFiles
from storage.history import History
from storage.jobs import Jobs
from storage.report_messages import ReportMessages
from storage.reports import Reports
from storage.types import Case, Delivery, Job, Route, StoredPicture


class ReportCards:
    """Builds report cards from the current state; only reads."""

    def __init__(
        self,
        reports: Reports,
        history: History,
        jobs: Jobs,
        deliveries: Deliveries,
        files: PictureFiles,
        languages: ServerLanguages,
        messages: ReportMessages,
    ) -> None:
        self._reports = reports
        self._history = history
        self._jobs = jobs
        self._deliveries = deliveries
        self._files = files
        self._languages = languages
        self._messages = messages

    async def card(self, case: Case) -> CaseCard:
        """Return the card, with the picture unless it is private, erased or its file is gone."""
        job, delivery = await self._job_and_delivery(case)
        said = "en-US" if job is None else job.locale  # as Discord said when it was requested
        locale = self._languages.of(case.guild_id, said)
        picture = await self._history.get(case.picture_id)
        messages = await self._messages.of_case(case.id)
        if picture is None or job is None:
            return CaseCard(case, locale=locale, messages=messages)
        shown = await self._shown_pictures(picture)
        return CaseCard(
            case=case,
            picture=picture,
            pictures=shown,
            file_name=f"SPOILER_reported-{picture.id}.png",
            url=_url(job, delivery),
            series=job.pictures,
            locale=locale,
            messages=messages,
        )

    async def messages(self, case: Case) -> list[Address]:
        """Return the public messages that show the picture or its request."""
        job, delivery = await self._job_and_delivery(case)
        if job is None or delivery is None:
            return []
        guild_id, refs = job.place.guild_id, message_refs(delivery)
        return [Address(guild_id, each.channel_id, each.message_id) for each in refs]

    async def _job_and_delivery(self, case: Case) -> tuple[Job | None, Delivery | None]:
        job_id = await self._reports.job_of(case.picture_id)
        if job_id is None:
            return None, None
        return await self._jobs.get(job_id), await self._deliveries.get(job_id)

    async def _shown_pictures(self, picture: StoredPicture) -> tuple[ShownPicture, ...]:
        if picture.private or not picture.on_disk:  # a filter reports private ones too
            return ()
        path = await asyncio.to_thread(self._files.existing, picture.file)
        return () if path is None else (ShownPicture(picture.id, picture.seed, path),)


def _url(job: Job, delivery: Delivery | None) -> str:
    """Return the link to the message with the picture, "" if it is unknown or a direct message."""
    if delivery is None or delivery.route is Route.DIRECT or job.private:
        return ""
    shown = next(iter(message_refs(delivery)), None)
    return "" if shown is None else shown.url(job.place.guild_id)
