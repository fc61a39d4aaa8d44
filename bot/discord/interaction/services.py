"""What the front rooms work with, put together by `bot.runtime.app` and handed to `bot.discord`."""

from __future__ import annotations

from dataclasses import dataclass

from bot.accounts.delivery_settings import DeliverySettingsService
from bot.accounts.quotas import QuotaService
from bot.delivery.copies import CopySender
from bot.delivery.progress import ProgressUpdater
from bot.delivery.worker import DeliveryWorker
from bot.jobs.cancellation import CancellationService
from bot.jobs.generation import GenerationService
from bot.jobs.image_to_image import ImageToImageService
from bot.jobs.permutations import PermutationService
from bot.jobs.queue import QueueService
from bot.jobs.variations import VariationService
from bot.moderation.notifier import ReportNotifier
from bot.moderation.service import ModerationService
from bot.pictures.gallery import Gallery
from bot.pictures.inspection import InspectionService


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases and the ways back to people. guilds: the servers served, empty = all."""

    generation: GenerationService
    variations: VariationService
    image_to_image: ImageToImageService
    cancellation: CancellationService
    gallery: Gallery
    quotas: QuotaService
    inspection: InspectionService
    queue: QueueService
    copies: CopySender
    delivery: DeliveryWorker
    progress: ProgressUpdater
    moderation: ModerationService
    report_notifier: ReportNotifier
    permutations: PermutationService
    delivery_settings: DeliverySettingsService
    guilds: frozenset[int] = frozenset()

    def serves(self, guild_id: int | None) -> bool:
        """Is this one of the servers the owner wants the bot to work in?"""
        return guild_id is not None and (not self.guilds or guild_id in self.guilds)
