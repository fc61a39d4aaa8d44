"""Build every part of the bot from its settings, for `bot.runtime.app`; nothing runs yet."""

from __future__ import annotations

from dataclasses import dataclass

from bot.accounts.permissions import Permissions
from bot.accounts.presets import DefaultsService, PresetService
from bot.accounts.quota_reminders import ReminderService
from bot.accounts.rules.administration import RuleAdministration
from bot.accounts.rules.imports import RuleImports
from bot.delivery.copies import CopySender
from bot.delivery.exports import ExportService
from bot.delivery.message_removals import MessageRemover
from bot.delivery.owner_alerts import OwnerAlerts
from bot.discord.client import ZimagineClient, create_client
from bot.discord.interaction.other_copies import OtherCopies
from bot.discord.interaction.services import Services
from bot.discord.interaction.threads import ThreadLookup
from bot.jobs.cancellation import CancellationService
from bot.jobs.completion import CompletionService
from bot.jobs.device_memory import DeviceMemoryHistory
from bot.jobs.generation.image_to_image import ImageToImageService
from bot.jobs.generation.rerolls import RerollService
from bot.jobs.generation.text_to_image import GenerationService
from bot.jobs.generation.variations import VariationService
from bot.jobs.painting_control import PaintingControl
from bot.jobs.proposals.corrections import CorrectionService
from bot.jobs.proposals.explained_requests import ExplainedRequests
from bot.jobs.proposals.permutations import PermutationService
from bot.jobs.proposals.suggestions import SuggestionService
from bot.jobs.queue_overview import QueueService
from bot.jobs.recovery import RecoveryService
from bot.jobs.status import StatusService
from bot.jobs.where_asked import WhereAsked
from bot.moderation.blocks import BlockService
from bot.moderation.conversations import ConversationService
from bot.moderation.filter.administration import FilterAdministration
from bot.moderation.reports import ReportService
from bot.operation.announcements import AnnouncementService
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
from bot.pictures.thumbnails import Thumbnails
from bot.privacy.departures import DepartureService
from bot.privacy.erasure import ErasureService
from bot.privacy.export import DataExport
from bot.privacy.purging import PurgeLoop
from bot.runtime.administration import administration_services
from bot.runtime.maintenance import Maintenance
from bot.runtime.outgoing import Outgoing
from bot.runtime.shared import Shared
from bot.runtime.stores import Infrastructure, Stores, random_nonce
from storage.erasure.departures import DepartedServers
from storage.erasure.erase import Erasing
from storage.erasure.words import WordRetention
from storage.retention import Retention
from storage.shown import ShownPictures

SYNC_FILE = "commands.synced"
OWNER_SYNC_FILE = "owner-commands.synced"


@dataclass(frozen=True, slots=True)
class Components:
    """The parts that `bot.runtime.app` starts and stops."""

    services: Services
    client: ZimagineClient
    completion: CompletionService
    recovery: RecoveryService
    maintenance: Maintenance
    stores: Stores
    purging: PurgeLoop
    message_remover: MessageRemover
    owner_alerts: OwnerAlerts
    control: PaintingControl
    memory: DeviceMemoryHistory


def wire(base: Infrastructure) -> Components:
    """Build everything; nothing is started."""
    settings, clock = base.settings, base.clock
    live = base.live
    stores = Stores(base)
    permissions = Permissions(live.owners, stores.admin_roles.of)
    outgoing = Outgoing(base, stores, permissions)
    shared = Shared(base, stores, outgoing, permissions)
    purging = PurgeLoop(
        stores.purge,
        quiet_hour=live.quiet_hour,
        is_active=lambda job_id: shared.active.get(job_id) is not None,
        alert_owner=outgoing.owner_alerts.alert,
        clock=clock,
    )
    services = _services(base, stores, outgoing, shared, purging)
    words = WordRetention(base.db, clock)

    async def empty_words(keep_days: int) -> int:
        if emptied := await words.apply(keep_days):
            shared.recent.forget_all()
            outgoing.message_remover.wake()  # what showed them in a channel of starred pictures
        return emptied

    maintenance = Maintenance(
        live.storage,
        Retention(base.db, stores.files, clock),
        alert_owner=outgoing.owner_alerts.alert,
        clock=clock,
        sweep_proposals=stores.proposals.sweep,
        sweep_lists=stores.lists.sweep,
        date_back=stores.quotas.date_back_all,
        sweep_usage=stores.erased_usage.sweep,
        sweep_blocks=stores.blocks.sweep,
        copying=stores.purge.copying,
        empty_words=empty_words,
        erase_departed=services.departures.erase_due,
        forget_audit=stores.audit_log.forget,
    )
    recovery = RecoveryService(
        engine_jobs=shared.engine_jobs,
        completion=shared.completion,
        jobs=stores.jobs,
        history=stores.history,
        expires_before=shared.control.expires_before,
        models=base.models,
    )
    client = create_client(
        services,
        settings.storage.data_dir / SYNC_FILE,
        owner_sync_state=settings.storage.data_dir / OWNER_SYNC_FILE,
        answer_mentions=settings.discord.answer_mentions,
        proxies=settings.discord.proxies,
        remove_old_commands=settings.discord.remove_old_commands,
        welcomes=settings.discord.welcome,
        http_trace=services.other_copies.trace(),
    )
    outgoing.messenger.attach(client)
    return Components(
        services,
        client,
        shared.completion,
        recovery,
        maintenance,
        stores,
        purging,
        outgoing.message_remover,
        outgoing.owner_alerts,
        shared.control,
        shared.memory,
    )


def _services(
    base: Infrastructure,
    stores: Stores,
    outgoing: Outgoing,
    shared: Shared,
    purging: PurgeLoop,
) -> Services:
    admission, resolver, originals = shared.admission, shared.resolver, shared.originals
    permissions, actions = shared.permissions, ActionChecker(stores.lineage, shared.models)
    status = StatusService(base.engine, shared.models.default.family, shared.memory, shared.control)
    deletion = DeletionService(
        stores.history,
        stores.files,
        shared.recent,
        permissions,
        messages_to_remove=outgoing.message_remover.wake,
    )
    gallery = Gallery(
        stores.history,
        stores.lists,
        stores.stars,
        stores.deliveries,
        stores.files,
        shared.recent,
        Thumbnails(stores.files),
        deletion,
        starred=outgoing.star_poster.wake,
    )
    free = base.live.free_cancelling
    cancellation = CancellationService(
        base.engine,
        stores.jobs,
        shared.active,
        permissions,
        shared.events,
        clock=base.clock,
        expires_before=shared.control.expires_before,
        free=free,
        forget=deletion.forget,
    )

    def erased() -> None:
        purging.wake()
        outgoing.message_remover.wake()

    def forget_server(guild_id: int) -> None:
        shared.rule_books.forget(guild_id)
        stores.admin_roles.changed(guild_id, frozenset())
        shared.compiled_filters.forget(guild_id)

    presets = PresetService(stores.presets)
    prompt_suggestions = PromptSuggestionService(shared.recent, presets)
    erasure = ErasureService(
        Erasing(base.db, base.clock, free),
        stores.personal_data,
        stores.proposals,
        cancellation,
        shared.active,
        shared.recent,
        permissions,
        forget_card=outgoing.report_notifier.wake,
        forget_typed=prompt_suggestions.forget,
        forget_server=forget_server,
        erased=erased,
    )
    blocks = BlockService(stores.blocks, cancellation, permissions, base.clock)
    outgoing.delivery.attach(cancellation.disown)
    reports = ReportService(
        reports=stores.reports,
        channels=stores.log_channels,
        history=stores.history,
        deletion=deletion,
        blocks=blocks,
        permissions=permissions,
        changed=outgoing.report_notifier.wake,
        written=outgoing.answer_sender.wake,
    )
    rules = RuleAdministration(
        stores.access_rules,
        shared.rule_books,
        stores.admin_roles,
        permissions,
        models=shared.model_access,
        loras=shared.lora_access,
        pending_limit=lambda: base.engine.queue.bounds.user,
    )
    return Services(
        generation=GenerationService(admission=admission, resolver=resolver, filler=shared.filler),
        rerolls=RerollService(
            admission=admission, resolver=resolver, originals=originals, jobs=stores.jobs
        ),
        variations=VariationService(
            admission=admission,
            resolver=resolver,
            filler=shared.filler,
            originals=originals,
            files=stores.files,
            inputs=stores.inputs,
        ),
        image_to_image=_image_to_image(base, stores, shared),
        permutations=PermutationService(
            admission=admission,
            resolver=resolver,
            filler=shared.filler,
            originals=originals,
            proposals=stores.proposals,
            quotas=stores.quotas,
            fallback=base.live.fallback,
            estimator=base.engine.estimator,
        ),
        suggestions=SuggestionService(
            admission=admission,
            resolver=resolver,
            proposals=stores.proposals,
            quotas=stores.quotas,
            fallback=base.live.fallback,
        ),
        corrections=CorrectionService(admission=admission, proposals=stores.proposals),
        explained=ExplainedRequests(
            admission=admission, resolver=resolver, proposals=stores.proposals
        ),
        cancellation=cancellation,
        engine_jobs=shared.engine_jobs,
        queue=QueueService(
            engine=base.engine, active=shared.active, permissions=permissions, clock=base.clock
        ),
        status=status,
        operation=shared.operation,
        overview=OverviewService(shared.operation, status, shared.memory, stores.recent_work),
        member_diagnosis=MemberDiagnosisService(
            shared.operation,
            shared.control,
            base.engine,
            blocks=stores.blocks,
            pauses=stores.pauses,
            rule_books=shared.rule_books,
            quotas=stores.quotas,
            filters=stores.filters,
            recent=stores.recent_work,
            fallback=base.live.fallback,
        ),
        announcements=_announcements(base, stores, outgoing, shared),
        gallery=gallery,
        server_gallery=ServerGallery(
            stores.history, ShownPictures(stores.db), stores.lists, stores.files
        ),
        deletion=deletion,
        inspection=InspectionService(
            count_tokens=base.engine.count_tokens,
            models=shared.models,
            jobs=stores.jobs,
            history=stores.history,
            deliveries=stores.deliveries,
            lineage=stores.lineage,
            lora_access=shared.lora_access,
        ),
        actions=actions,
        block_check=shared.block_check,
        quotas=shared.quotas,
        rules=rules,
        rule_imports=RuleImports(rules, stores.proposals),
        reminders=ReminderService(
            stores.quota_reminders,
            stores.proposals,
            stores.quotas,
            base.live.fallback,
            direct_messages=base.live.direct_messages,
        ),
        reminder_sender=shared.reminder_sender,
        delivery_settings=shared.delivery_settings,
        presets=presets,
        prompt_suggestions=prompt_suggestions,
        request_defaults=DefaultsService(stores.request_defaults, permissions),
        delivery=outgoing.delivery,
        progress=outgoing.progress_updater,
        copies=CopySender(outgoing.messenger, actions, direct_messages=base.live.direct_messages),
        exports=ExportService(stores.history, stores.files, base.settings.storage.data_dir),
        where_asked=WhereAsked(stores.jobs, stores.proposals),
        reports=reports,
        conversations=ConversationService(
            stores.reports,
            stores.report_messages,
            permissions,
            direct_messages=base.settings.jobs.direct_messages,
            changed=outgoing.report_notifier.wake,
            written=outgoing.answer_sender.wake,
        ),
        answer_sender=outgoing.answer_sender,
        blocks=blocks,
        picture_filter=shared.picture_filter,
        filter=FilterAdministration(stores.filters, shared.compiled_filters, permissions),
        report_notifier=outgoing.report_notifier,
        administration=administration_services(
            base,
            stores,
            shared.active,
            cancellation,
            permissions,
            base.live.fallback,
            outgoing.log_notifier,
            reports,
            outgoing.star_poster,
        ),
        erasure=erasure,
        departures=DepartureService(
            DepartedServers(base.db, base.clock),
            erasure,
            base.live.server_grace,
        ),
        data_export=DataExport(stores.personal_data, base.settings.storage.data_dir),
        other_copies=OtherCopies(outgoing.owner_alerts.alert_soon),
        threads=ThreadLookup(),
        models=shared.models,
        languages=stores.languages,
        lora_access=shared.lora_access,
        lora_pictures=LoraPictures(),
        model_access=shared.model_access,
        model_samples=ModelSamples(),
        reload=base.reload,
        guilds=base.live.guilds,
        owner_server=base.settings.discord.owner_server,
    )


def _announcements(
    base: Infrastructure, stores: Stores, outgoing: Outgoing, shared: Shared
) -> AnnouncementService:
    def present() -> list[int]:
        guilds = base.live.guilds()
        return [each for each in outgoing.messenger.servers() if not guilds or each in guilds]

    return AnnouncementService(
        stores.announcements,
        stores.proposals,
        shared.operation,
        stores.log_channels,
        outgoing.messenger,
        present=present,
        locale=lambda guild_id: stores.languages.of(guild_id, "en-US"),
        nonce=random_nonce,
        told=outgoing.owner_alerts.tell_soon,
    )


def _image_to_image(base: Infrastructure, stores: Stores, shared: Shared) -> ImageToImageService:
    token = base.settings.discord.token
    return ImageToImageService(
        admission=shared.admission,
        resolver=shared.resolver,
        filler=shared.filler,
        originals=shared.originals,
        quotas=shared.quotas,
        files=stores.files,
        inputs=stores.inputs,
        download=base.fetch,
        key=b"" if token is None else token.get_secret_value().encode(),
    )
