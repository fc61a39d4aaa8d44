"""The services behind commands and buttons, built by `bot.runtime.wiring`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.accounts.block_check import BlockCheck
from bot.accounts.delivery_settings import DeliverySettingsService
from bot.accounts.lora_access import LoraAccess
from bot.accounts.model_access import ModelAccess
from bot.accounts.presets import DefaultsService, PresetService
from bot.accounts.quota_reminders import ReminderService
from bot.accounts.quota_settings import QuotaService
from bot.accounts.rules.administration import RuleAdministration
from bot.accounts.rules.imports import RuleImports
from bot.accounts.server_languages import ServerLanguages
from bot.administration.services import AdministrationServices
from bot.delivery.copies import CopySender
from bot.delivery.exports import ExportService
from bot.delivery.progress import ProgressUpdater
from bot.delivery.quota_reminders import ReminderSender
from bot.delivery.worker import DeliveryWorker
from bot.discord.interaction.other_copies import OtherCopies
from bot.discord.interaction.threads import ThreadLookup
from bot.jobs.cancellation import CancellationService
from bot.jobs.engine_jobs import EngineJobs
from bot.jobs.generation.image_to_image import ImageToImageService
from bot.jobs.generation.rerolls import RerollService
from bot.jobs.generation.text_to_image import GenerationService
from bot.jobs.generation.variations import VariationService
from bot.jobs.proposals.corrections import CorrectionService
from bot.jobs.proposals.explained_requests import ExplainedRequests
from bot.jobs.proposals.permutations import PermutationService
from bot.jobs.proposals.suggestions import SuggestionService
from bot.jobs.queue_overview import QueueService
from bot.jobs.status import StatusService
from bot.jobs.where_asked import WhereAsked
from bot.moderation.answers import AnswerSender
from bot.moderation.blocks import BlockService
from bot.moderation.conversations import ConversationService
from bot.moderation.filter.administration import FilterAdministration
from bot.moderation.filter.pictures import PictureFilter
from bot.moderation.notifier import ReportNotifier
from bot.moderation.reports import ReportService
from bot.operation.announcements import AnnouncementService
from bot.operation.control import OperationService
from bot.operation.member_diagnosis import MemberDiagnosisService
from bot.operation.overview import OverviewService
from bot.pictures.deletion import DeletionService
from bot.pictures.gallery import Gallery
from bot.pictures.inspection import InspectionService
from bot.pictures.lora_pictures import LoraPictures
from bot.pictures.model_samples import ModelSamples
from bot.pictures.possible_actions import ActionChecker
from bot.pictures.prompt_suggestions import PromptSuggestionService
from bot.pictures.server_gallery import ServerGallery
from bot.privacy.departures import DepartureService
from bot.privacy.erasure import ErasureService
from bot.privacy.export import DataExport
from bot.request.models import ModelCatalog
from bot.settings.reload import ReloadService


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that an interaction may call.

    models: those that can paint. guilds: returns the servers that are served, empty = all.
    owner_server: the one that has the owners' commands, None = none.
    """

    generation: GenerationService
    rerolls: RerollService
    variations: VariationService
    image_to_image: ImageToImageService
    permutations: PermutationService
    suggestions: SuggestionService
    corrections: CorrectionService
    explained: ExplainedRequests
    cancellation: CancellationService
    engine_jobs: EngineJobs
    queue: QueueService
    status: StatusService
    gallery: Gallery
    server_gallery: ServerGallery
    deletion: DeletionService
    inspection: InspectionService
    where_asked: WhereAsked
    actions: ActionChecker
    block_check: BlockCheck
    lora_access: LoraAccess
    lora_pictures: LoraPictures
    model_access: ModelAccess
    model_samples: ModelSamples
    presets: PresetService
    prompt_suggestions: PromptSuggestionService
    request_defaults: DefaultsService
    quotas: QuotaService
    rules: RuleAdministration
    rule_imports: RuleImports
    reminders: ReminderService
    reminder_sender: ReminderSender
    delivery_settings: DeliverySettingsService
    delivery: DeliveryWorker
    progress: ProgressUpdater
    copies: CopySender
    exports: ExportService
    reports: ReportService
    conversations: ConversationService
    answer_sender: AnswerSender
    blocks: BlockService
    filter: FilterAdministration
    picture_filter: PictureFilter
    report_notifier: ReportNotifier
    administration: AdministrationServices
    erasure: ErasureService
    departures: DepartureService
    data_export: DataExport
    other_copies: OtherCopies
    threads: ThreadLookup
    models: ModelCatalog
    languages: ServerLanguages
    reload: ReloadService
    operation: OperationService
    overview: OverviewService
    member_diagnosis: MemberDiagnosisService
    announcements: AnnouncementService
    guilds: Callable[[], frozenset[int]] = frozenset
    owner_server: int | None = None

    def serves(self, guild_id: int | None) -> bool:
        """Return whether the owner lets the bot work on this server."""
        served = self.guilds()
        return guild_id is not None and (not served or guild_id in served)
