"""The parts that everything else is built on, and every store over the one database."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from bot.accounts.rules.admin_roles import AdminRoles
from bot.accounts.server_languages import ServerLanguages
from bot.jobs.generation.downloads import Download
from bot.pictures.filenames import job_id_of
from bot.pictures.lineage import Lineage
from bot.request.models import ModelCatalog
from bot.runtime.live_values import LiveValues
from bot.settings import Settings
from bot.settings.reload import ReloadService
from engine.service import Engine
from storage.access_rules import AccessRules
from storage.announcements import Announcements
from storage.audit import AuditLog
from storage.blocks import Blocks
from storage.database import Database
from storage.deliveries import Deliveries
from storage.erasure.export import PersonalData
from storage.erasure.purge import Purge
from storage.erasure.usage import ErasedUsage
from storage.files import PictureFiles
from storage.filters import Filters
from storage.history import History
from storage.inputs import Inputs
from storage.jobs import Jobs
from storage.lists import Lists
from storage.log_channels import LogChannels
from storage.painting_control import PaintingControls
from storage.pauses import Pauses
from storage.preferences import Preferences, Threads
from storage.presets import Presets, RequestDefaults
from storage.proposals import Proposals
from storage.quota_reminders import QuotaReminders
from storage.quotas import Quotas
from storage.recent_work import RecentWork
from storage.report_messages import ReportMessages
from storage.reports import Reports
from storage.stars import Stars
from storage.types import Clock


def random_nonce() -> str:
    """Return a text that no message had before: 24 of the 25 characters that Discord takes."""
    return secrets.token_hex(12)


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """The parts that everything else is built on.

    live: what is read of the settings at each use. models: that paint. fetch: downloads files that
    members point to. owners_locale: the language of the bot's owners, as Discord calls it.
    """

    live: LiveValues
    db: Database
    files: PictureFiles
    engine: Engine
    models: ModelCatalog
    clock: Clock
    fetch: Download
    reload: ReloadService
    owners_locale: str = "en-US"

    @property
    def settings(self) -> Settings:
        """The settings of now, for what is read at the start only."""
        return self.live.current.now


class Stores:
    """Every store over the one database."""

    def __init__(self, base: Infrastructure) -> None:
        self.db = db = base.db
        clock = base.clock
        self.files = base.files
        self.jobs = Jobs(db, clock, random_nonce, base.live.ceiling)
        self.history = History(db, clock)
        self.lists = Lists(db, clock)
        self.stars = Stars(db, clock)
        self.lineage = Lineage(self.jobs, self.history)
        self.deliveries = Deliveries(db, clock)
        self.inputs = Inputs(db, clock)
        self.quotas = Quotas(db, clock, base.live.ceiling)
        self.quota_reminders = QuotaReminders(db, clock)
        self.blocks = Blocks(db, clock)
        self.pauses = Pauses(db, clock)
        self.audit_log = AuditLog(db, clock)
        self.log_channels = LogChannels(db, clock)
        self.access_rules = AccessRules(db, clock)
        self.admin_roles = AdminRoles(self.access_rules)
        self.reports = Reports(db, clock)
        self.report_messages = ReportMessages(db, clock)
        self.proposals = Proposals(db, clock)
        self.preferences = Preferences(db, clock)
        self.languages = ServerLanguages(self.preferences)
        self.threads = Threads(db, clock)
        self.presets = Presets(db, clock)
        self.request_defaults = RequestDefaults(db, clock)
        self.filters = Filters(db, clock)
        self.painting_controls = PaintingControls(db, clock)
        self.announcements = Announcements(db, clock)
        self.recent_work = RecentWork(db, clock)
        self.personal_data = PersonalData(db)
        self.erased_usage = ErasedUsage(db, clock)
        self.purge = Purge(db, base.files, clock, job_of=job_id_of)
