"""Everything that writes to people: the messenger, and those who write through it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from functools import partial

from bot.accounts.permissions import Permissions
from bot.administration.log_notifier import LogNotifier
from bot.delivery.message_removals import MessageRemover
from bot.delivery.owner_alerts import OwnerAlerts
from bot.delivery.progress import ProgressUpdater
from bot.delivery.result_cards import ResultCards
from bot.delivery.star_posts import StarPoster
from bot.delivery.status_messages import StatusEditor
from bot.delivery.user_threads import UserThreads
from bot.delivery.worker import DeliveryWorker
from bot.discord.messenger import DiscordMessenger, owners_of
from bot.moderation.answers import AnswerSender
from bot.moderation.cards import ReportCards
from bot.moderation.notifier import ReportNotifier
from bot.pictures.possible_actions import ActionChecker
from bot.request.models import ModelCatalog
from bot.request.notes import Note
from bot.request.resolve import request_notes
from bot.runtime.stores import Infrastructure, Stores, random_nonce
from engine.types import ImageRequest
from storage.erasure.messages import MessageRemovals
from storage.star_posts import StarPosts


class Outgoing:
    """Everything that writes to people: the messenger, and those who write through it."""

    def __init__(self, base: Infrastructure, stores: Stores, permissions: Permissions) -> None:
        clock = base.clock
        self.messenger = messenger = DiscordMessenger()
        self.owners = partial(_owners, messenger, permissions)
        self.owner_alerts = OwnerAlerts(
            messenger, self.owners, clock=clock, nonce=random_nonce, locale=base.owners_locale
        )
        editor = StatusEditor(messenger, clock)
        self.message_remover = MessageRemover(messenger, MessageRemovals(base.db), clock)
        self.progress_updater = ProgressUpdater(
            editor, base.engine, now_s=time.monotonic, clock=clock
        )
        self.delivery = DeliveryWorker(
            messenger=messenger,
            editor=editor,
            progress_updater=self.progress_updater,
            deliveries=stores.deliveries,
            cards=ResultCards(
                stores.lineage,
                ActionChecker(stores.lineage, base.models),
                stores.files,
                partial(_notes, base.models),
            ),
            threads=UserThreads(stores.threads, messenger),
            clock=clock,
            policy=base.live.delivery_policy,
            on_storage_error=self.owner_alerts.storage_failed,
        )
        self.report_notifier = ReportNotifier(
            messenger=messenger,
            reports=stores.reports,
            channels=stores.log_channels,
            cards=ReportCards(
                stores.reports,
                stores.history,
                stores.jobs,
                stores.deliveries,
                stores.files,
                stores.languages,
                stores.report_messages,
            ),
            clock=clock,
            on_storage_error=self.owner_alerts.storage_failed,
        )
        self.answer_sender = AnswerSender(
            messenger=messenger,
            messages=stores.report_messages,
            settled=self.report_notifier.wake,
            on_storage_error=self.owner_alerts.storage_failed,
        )

        self.log_notifier = LogNotifier(
            messenger,
            stores.log_channels,
            stores.languages,
            on_storage_error=self.owner_alerts.storage_failed,
        )
        base.db.on_logged = self.log_notifier.wake

        self.star_poster = StarPoster(
            messenger=messenger,
            posts=StarPosts(base.db, clock),
            deliveries=stores.deliveries,
            files=stores.files,
            languages=stores.languages,
            everybody_reads=messenger.everybody_reads,
            on_storage_error=self.owner_alerts.storage_failed,
        )

    def show_reports(self, picture_ids: Sequence[int]) -> None:
        """Show the reports of those of these pictures that a filter has reported."""
        for each in picture_ids:
            self.report_notifier.wake(each)


def _owners(messenger: DiscordMessenger, permissions: Permissions) -> Awaitable[frozenset[int]]:
    return owners_of(messenger, permissions.owners)


def _notes(models: ModelCatalog, request: ImageRequest) -> tuple[Note, ...]:
    return request_notes(request, models.family_of(request))
