"""Samples of quotas and settings."""

from __future__ import annotations

from typing import Any

from bot.accounts.delivery_settings import EffectiveSetting, SettingsOverview, SettingsScope, Source
from bot.discord.views.jobs import quota_text
from bot.discord.views.settings import settings_layout
from bot.wording import delivery as preferring
from storage.types import DeliveryMode, PolicySource, QuotaPolicy, QuotaStatus
from tests.bot.discord.views.samples.data import BOB, CHANNEL, READY_AT, Sample


def _quota(source: PolicySource, used: int, who: str | None = None) -> Sample:
    status = QuotaStatus(QuotaPolicy(20, 24, source), used, 20 - used, READY_AT if used else None)
    return lambda say, _: quota_text(status, who, say)


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
    **changes: Any,
) -> Sample:
    settings = SettingsOverview(CHANNEL, delivery, spoiler, quiet, **changes)
    return lambda say, _: settings_layout(settings, say)


DEFAULT_OFF = EffectiveSetting(False, Source.DEFAULT)

SETTINGS: dict[str, Sample] = {
    "quota": _quota(PolicySource.CONFIG, 0),
    "quota-used": _quota(PolicySource.SERVER, 20),
    "quota-member": _quota(PolicySource.USER, 1, who=f"<@{BOB}>"),
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
