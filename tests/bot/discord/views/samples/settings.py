"""Samples of quotas and settings."""

from __future__ import annotations

from typing import Any

from bot.accounts.delivery_settings import EffectiveSetting, SettingsOverview, SettingsScope, Source
from bot.discord.views.jobs import quota_text
from bot.wording import delivery as preferring
from storage.types import DeliveryMode, PolicySource, QuotaPolicy, QuotaStatus
from tests.bot.discord.views.samples.data import BOB, CHANNEL, SOON, Case


def _quota(source: PolicySource, used: int, who: str | None = None) -> Case:
    status = QuotaStatus(QuotaPolicy(20, 24, source), used, 20 - used, SOON if used else None)
    return lambda say, _: quota_text(status, who, say)


def _own(
    delivery: EffectiveSetting[DeliveryMode],
    spoiler: EffectiveSetting[bool],
    quiet: EffectiveSetting[bool],
    **changes: Any,
) -> Case:
    settings = SettingsOverview(CHANNEL, delivery, spoiler, quiet, **changes)
    return lambda say, _: preferring.settings_overview(settings, say)


def _level(channel_id: int | None = None, **changes: Any) -> Case:
    return lambda say, _: preferring.settings_scope(SettingsScope(channel_id, **changes), say)


USUAL = EffectiveSetting(False, Source.DEFAULT)

SETTINGS: dict[str, Case] = {
    "quota": _quota(PolicySource.CONFIG, 0),
    "quota-used": _quota(PolicySource.SERVER, 20),
    "quota-member": _quota(PolicySource.USER, 1, who=f"<@{BOB}>"),
    "settings": _own(EffectiveSetting(DeliveryMode.CHANNEL, Source.DEFAULT), USUAL, USUAL),
    "settings-chosen": _own(
        EffectiveSetting(DeliveryMode.DIRECT, Source.USER),
        EffectiveSetting(True, Source.SERVER),
        USUAL,
    ),
    "settings-overruled": _own(
        EffectiveSetting(DeliveryMode.THREAD, Source.CHANNEL, DeliveryMode.CHANNEL),
        EffectiveSetting(True, Source.SERVER, False),
        EffectiveSetting(True, Source.USER),
    ),
    "settings-no-direct": _own(
        EffectiveSetting(DeliveryMode.CHANNEL, Source.DEFAULT, DeliveryMode.DIRECT),
        USUAL,
        USUAL,
        direct_messages=False,
    ),
    "settings-server": _level(),
    "settings-channel": _level(CHANNEL, delivery=DeliveryMode.THREAD, spoiler=True, quiet=False),
    "settings-server-no-direct": _level(delivery=DeliveryMode.DIRECT, direct_messages=False),
}
