"""The application services, assembled by `bot.runtime.wiring` for `bot.discord`."""

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
from bot.jobs.variations import VariationService
from bot.moderation.notifier import ReportNotifier
from bot.moderation.service import ModerationService
from bot.pictures.gallery import Gallery
from bot.pictures.inspection import InspectionService


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases and the delivery of results. guilds: the servers to work on; empty means
    all."""

    generation: GenerationService
    variations: VariationService
    image_to_image: ImageToImageService
    cancellation: CancellationService
    gallery: Gallery
    quotas: QuotaService
    inspection: InspectionService
    copies: CopySender
    delivery: DeliveryWorker
    progress: ProgressUpdater
    moderation: ModerationService
    report_notifier: ReportNotifier
    permutations: PermutationService
    delivery_settings: DeliverySettingsService
    guilds: frozenset[int] = frozenset()

    def serves(self, guild_id: int | None) -> bool:
        """Return whether the bot works on this server."""
        return guild_id is not None and (not self.guilds or guild_id in self.guilds)
