"""Samples of quotas and settings."""

from __future__ import annotations

from typing import Any

from bot.accounts.delivery_settings import EffectiveSetting, SettingsOverview, SettingsScope, Source
from bot.accounts.presets import SavedPreset
from bot.accounts.quota_reminders import QuotaBack, ReminderSet
from bot.accounts.quota_settings import (
    EVERYBODY,
    QuotaCleared,
    QuotaGranted,
    QuotaListing,
    QuotaReasons,
    QuotaSet,
    QuotaSubject,
    ServerUsage,
)
from bot.discord.views.markdown import timestamp
from bot.discord.views.me import Overview, overview_layout
from bot.discord.views.quotas import granted_text, quota_reasons_text, quota_text
from bot.discord.views.settings import settings_layout
from bot.pictures.gallery import Totals
from bot.request.presets import PresetSettings, read_settings
from bot.wording import delivery as preferring
from bot.wording import presets as presets_wording
from bot.wording.quotas import (
    quota_cleared,
    quota_listing,
    quota_set,
    usage_chart,
    weights_now,
)
from bot.wording.reminders import reminder_set
from storage.presets import StoredPreset
from storage.quota_policies import QuotaRule
from storage.quotas import UserUsage
from storage.types import DeliveryMode, PolicySource, QuotaPolicy, QuotaStatus
from tests.bot.discord.views.samples.data import BOB, CHANNEL, READY_AT, Sample


def _quota(source: PolicySource, used: int, who: str | None = None) -> Sample:
    status = QuotaStatus(QuotaPolicy(20, 24, source), used, 20 - used, READY_AT if used else None)
    return lambda say, _: quota_text(status, who, say)


ROLE = 88
CONFIGURED = QuotaPolicy(20, 24, PolicySource.CONFIG)
_OF_ROLE = QuotaPolicy(3, None, PolicySource.ROLE, ROLE)


def _policy(policy: QuotaPolicy, used: int, granted: int = 0) -> Sample:
    left = None if policy.pictures is None else policy.pictures - used
    status = QuotaStatus(policy, used, left, READY_AT, granted)
    return lambda say, _: quota_text(status, None, say)


def _own(
    delivery: EffectiveSetting[DeliveryMode],
    spoiler: EffectiveSetting[bool],
    quiet: EffectiveSetting[bool],
    **changes: Any,
) -> Sample:
    settings = SettingsOverview(CHANNEL, delivery, spoiler, quiet, **changes)
    return lambda say, _: preferring.settings_overview(settings, say)


def _scope(channel_id: int | None = None, **changes: Any) -> Sample:
    return lambda say, _: preferring.settings_scope(SettingsScope(channel_id, **changes), say)


def _panel(
    delivery: EffectiveSetting[DeliveryMode],
    spoiler: EffectiveSetting[bool],
    quiet: EffectiveSetting[bool],
    defaults: str = "",
    **changes: Any,
) -> Sample:
    settings = SettingsOverview(CHANNEL, delivery, spoiler, quiet, **changes)
    usual = read_settings(defaults) if defaults else PresetSettings()
    assert isinstance(usual, PresetSettings)
    return lambda say, _: settings_layout(settings, usual, say)


DEFAULT_OFF = EffectiveSetting(False, Source.DEFAULT)

SETTINGS: dict[str, Sample] = {
    "quota": _quota(PolicySource.CONFIG, 0),
    "quota-used": _quota(PolicySource.SERVER, 20),
    "quota-member": _quota(PolicySource.USER, 1, who=f"<@{BOB}>"),
    "quota-day": _policy(QuotaPolicy(3, None, PolicySource.ROLE, ROLE, "Asia/Tokyo"), 2),
    "quota-unlimited": _policy(QuotaPolicy(None, 24, PolicySource.USER), 7),
    "quota-granted": _policy(QuotaPolicy(5, 24, PolicySource.SERVER), 5, granted=4),
    "quota-grant": lambda say, _: granted_text(
        QuotaGranted(4, READY_AT, QuotaStatus(CONFIGURED, 0, 20, None, 4)), f"<@{BOB}>", say
    ),
    "quota-why": lambda say, _: quota_reasons_text(
        QuotaReasons(
            QuotaStatus(_OF_ROLE, 1, 2, READY_AT),
            (_OF_ROLE, QuotaPolicy(1, 1, PolicySource.SERVER)),
        ),
        f"<@{BOB}>",
        say,
    ),
    "quota-list": lambda say, _: quota_listing(
        QuotaListing(
            (QuotaRule(QuotaSubject(PolicySource.ROLE, ROLE), _OF_ROLE, 1),), CONFIGURED, 2
        ),
        1,
        say,
    ),
    "quota-list-long": lambda say, _: quota_listing(
        QuotaListing((QuotaRule(EVERYBODY, CONFIGURED, 1),) * 45, CONFIGURED), 2, say
    ),
    "quota-usage": lambda say, _: usage_chart(
        ServerUsage(24, tuple(UserUsage(BOB + n, 100 - 5 * n) for n in range(18))), say
    ),
    "quota-usage-none": lambda say, _: usage_chart(ServerUsage(1, ()), say),
    "quota-weights": lambda say, _: weights_now(True, say),
    "quota-set-role": lambda say, _: quota_set(
        QuotaSet(QuotaSubject(PolicySource.ROLE, ROLE), _OF_ROLE), say
    ),
    "quota-cleared": lambda say, _: quota_cleared(QuotaCleared(EVERYBODY, True), say),
    "settings": _own(
        EffectiveSetting(DeliveryMode.CHANNEL, Source.DEFAULT), DEFAULT_OFF, DEFAULT_OFF
    ),
    "settings-chosen": _own(
        EffectiveSetting(DeliveryMode.DIRECT, Source.USER),
        EffectiveSetting(True, Source.SERVER),
        DEFAULT_OFF,
    ),
    "settings-overruled": _own(
        EffectiveSetting(DeliveryMode.THREAD, Source.CHANNEL, DeliveryMode.CHANNEL),
        EffectiveSetting(True, Source.SERVER, False),
        EffectiveSetting(True, Source.USER),
    ),
    "settings-no-direct": _own(
        EffectiveSetting(DeliveryMode.CHANNEL, Source.DEFAULT, DeliveryMode.DIRECT),
        DEFAULT_OFF,
        DEFAULT_OFF,
        direct_messages=False,
    ),
    "settings-panel": _panel(
        EffectiveSetting(DeliveryMode.CHANNEL, Source.DEFAULT), DEFAULT_OFF, DEFAULT_OFF
    ),
    "settings-panel-overruled": _panel(
        EffectiveSetting(DeliveryMode.THREAD, Source.CHANNEL, DeliveryMode.CHANNEL),
        EffectiveSetting(True, Source.SERVER, False),
        EffectiveSetting(True, Source.USER),
        defaults="--aspect 16:9 --style ink --count 2",
    ),
    "settings-panel-no-direct": _panel(
        EffectiveSetting(DeliveryMode.CHANNEL, Source.DEFAULT, DeliveryMode.DIRECT),
        DEFAULT_OFF,
        DEFAULT_OFF,
        direct_messages=False,
    ),
    "settings-server": _scope(),
    "settings-channel": _scope(CHANNEL, delivery=DeliveryMode.THREAD, spoiler=True, quiet=False),
    "settings-server-no-direct": _scope(delivery=DeliveryMode.DIRECT, direct_messages=False),
}


def _me(used: int, defaults: str = "", pictures: int = 0) -> Sample:
    usual = read_settings(defaults) if defaults else PresetSettings()
    assert isinstance(usual, PresetSettings)
    overview = Overview(
        QuotaStatus(QuotaPolicy(20, 24, PolicySource.SERVER), used, 20 - used, READY_AT),
        Totals(pictures, pictures // 3),
        SettingsOverview(
            CHANNEL, EffectiveSetting(DeliveryMode.DIRECT, Source.USER), DEFAULT_OFF, DEFAULT_OFF
        ),
        usual,
        pictures,
    )

    return lambda say, _: overview_layout(overview, say)


def _preset(name: str, line: str, code: str = "7KX2MPQ9") -> StoredPreset:
    return StoredPreset(name, code, line, READY_AT)


_SHORT = _preset("ink", "--style ink --aspect 1:1")
_LONG = _preset(
    "软光 人像", f"soft light, {'warm colours, ' * 30}--aspect 2:3 --no text", "QW3RT6YH"
)

REMINDERS: dict[str, Sample] = {
    "reminder-set": lambda say, _: reminder_set(
        ReminderSet(READY_AT, channel_id=1), say, timestamp
    ),
    "reminder-known": lambda say, _: reminder_set(
        ReminderSet(READY_AT, known=True), say, timestamp
    ),
    "reminder-direct": lambda say, _: reminder_set(ReminderSet(READY_AT), say, timestamp),
    "reminder-public": lambda say, _: reminder_set(
        ReminderSet(READY_AT, direct=False, channel_id=1), say, timestamp
    ),
    "reminder-needless": lambda say, _: reminder_set(QuotaBack(), say, timestamp),
}

PRESETS: dict[str, Sample] = {
    **REMINDERS,
    "me": _me(20, "--aspect 16:9 --count 2", 3),
    "me-new": _me(0),
    "preset-saved": lambda say, _: presets_wording.saved(SavedPreset(_SHORT, False), say),
    "preset-replaced": lambda say, _: presets_wording.saved(SavedPreset(_LONG, True), say),
    "preset-deleted": lambda say, _: presets_wording.deleted(_SHORT, say),
    "presets": lambda say, _: presets_wording.listed((_SHORT, _LONG), say),
    "presets-none": lambda say, _: presets_wording.listed((), say),
    "presets-many": lambda say, _: presets_wording.listed((_LONG,) * 50, say),
}
