"""The parts that several services are built on."""

from __future__ import annotations

import secrets

from bot.accounts.block_check import BlockCheck
from bot.accounts.cost_check import CostCheck
from bot.accounts.delivery_settings import DeliverySettingsService
from bot.accounts.lora_access import LoraAccess
from bot.accounts.model_access import ModelAccess
from bot.accounts.permissions import Permissions
from bot.accounts.presets import SettingsFiller
from bot.accounts.quota_settings import QuotaService
from bot.accounts.rules.books import RuleBooks
from bot.accounts.rules.check import RuleCheck
from bot.delivery.alerts import Drained
from bot.delivery.quota_reminders import ReminderSender
from bot.jobs.active import ActiveJobs
from bot.jobs.admission import AdmissionService
from bot.jobs.completion import CompletionService, JobEvents
from bot.jobs.device_memory import DeviceMemoryHistory
from bot.jobs.engine_jobs import EngineJobs
from bot.jobs.painting_control import PaintingControl
from bot.moderation.filter.pictures import PictureFilter
from bot.moderation.filter.prompt_filter import CompiledFilters, PromptFilter
from bot.moderation.filter.refusal_log import RefusalLog
from bot.moderation.filter.result_check import ResultFilter
from bot.operation.control import OperationService
from bot.operation.owners import Owners
from bot.pictures.originals import OriginalPictures
from bot.pictures.recent import RecentPictures
from bot.request.resolver import RequestResolver
from bot.runtime.outgoing import Outgoing
from bot.runtime.stores import Infrastructure, Stores
from engine.types import MAX_SEED
from storage.filter_pictures import FilterPictures
from storage.open_names import OpenLoras, OpenModels


def random_seed() -> int:
    """Return a seed that nobody can guess."""
    return secrets.randbelow(MAX_SEED + 1)


class Shared:
    """The parts that several services are built on."""

    def __init__(
        self,
        base: Infrastructure,
        stores: Stores,
        outgoing: Outgoing,
        permissions: Permissions,
    ) -> None:
        live = base.live
        self.permissions = permissions
        self.recent = RecentPictures(stores.history)
        self.active = ActiveJobs()
        self.memory = DeviceMemoryHistory(base.engine.memory)
        self.models = base.models
        self.control = PaintingControl(
            stores.painting_controls,
            base.engine,
            self.active,
            clock=base.clock,
            max_wait=live.max_wait,
            drained=lambda: outgoing.owner_alerts.tell_soon(Drained()),
        )
        self.operation = OperationService(
            Owners(outgoing.owners), self.control, base.engine, base.models
        )

        def finished(job_id: int) -> None:
            outgoing.delivery.wake(job_id)
            self.control.job_finished()

        self.events = JobEvents(
            accepted=outgoing.delivery.expect_status,
            finished=finished,
            storage_failed=outgoing.owner_alerts.storage_failed,
            stored=outgoing.show_reports,
        )
        self.compiled_filters = CompiledFilters(stores.filters)
        self.completion = CompletionService(
            stores.jobs,
            stores.files,
            self.recent,
            self.active,
            self.events,
            ResultFilter(self.compiled_filters, stores.jobs, live.picture_check),
        )
        self.rule_books = RuleBooks(stores.access_rules)
        self.rules = RuleCheck(self.rule_books, base.models)
        self.block_check = BlockCheck(stores.blocks, stores.pauses, self.rules)
        self.lora_access = LoraAccess(
            base.models, permissions, OpenLoras(stores.db, base.clock), self.rule_books
        )
        self.model_access = ModelAccess(
            base.models, permissions, OpenModels(stores.db, base.clock), self.rule_books
        )
        self.delivery_settings = DeliverySettingsService(
            stores.preferences,
            permissions,
            stores.languages,
            direct_messages=live.direct_messages,
        )
        self.picture_filter = PictureFilter(
            FilterPictures(stores.db, base.clock),
            history=stores.history,
            files=stores.files,
            inputs=stores.inputs,
            permissions=permissions,
        )
        self.reminder_sender = ReminderSender(
            outgoing.messenger,
            stores.quota_reminders,
            stores.quotas,
            stores.blocks,
            stores.languages,
            live.fallback,
            serves=live.serves,
            direct_messages=live.direct_messages,
        )
        self.quotas = QuotaService(
            stores.quotas,
            permissions,
            live.fallback,
            base.clock,
            stores.preferences,
            changed=self.reminder_sender.quota_changed,
        )
        self.filler = SettingsFiller(
            stores.presets,
            stores.request_defaults,
            self.lora_access,
            self.model_access,
            self.rule_books,
        )
        self.resolver = RequestResolver(
            self.models.default.family, random_seed, base.engine.count_tokens, models=self.models
        )
        self.originals = OriginalPictures(stores.history, self.block_check, stores.lineage)
        self.engine_jobs = EngineJobs(
            engine=base.engine,
            active=self.active,
            completion=self.completion,
            inputs=stores.inputs,
            previews=live.previews,
        )
        self.admission = AdmissionService(
            engine_jobs=self.engine_jobs,
            resolver=self.resolver,
            jobs=stores.jobs,
            block_check=self.block_check,
            lora_access=self.lora_access,
            model_access=self.model_access,
            rules=self.rules,
            content_check=PromptFilter(
                self.compiled_filters, self.picture_filter, RefusalLog(stores.audit_log)
            ),
            delivery_settings=self.delivery_settings,
            cost_check=CostCheck(stores.quotas, live.fallback),
            control=self.control,
            fallback=live.fallback,
            events=self.events,
            clock=base.clock,
        )
