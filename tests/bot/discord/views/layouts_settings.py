"""What holds for a person or a server, as cases of the table: quotas and settings."""

from __future__ import annotations

from typing import Any

from bot.accounts.delivery_settings import Level, Setting, Settings, Source
from bot.discord.views.jobs import quota_text
from bot.wording import delivery as preferring
from storage.types import DeliveryMode, PolicySource, QuotaPolicy, QuotaStatus
from tests.bot.discord.views.layouts_samples import BOB, CHANNEL, SOON, Case


def _quota(source: PolicySource, used: int, who: str | None = None) -> Case:
    status = QuotaStatus(QuotaPolicy(20, 24, source), used, 20 - used, SOON if used else None)
    return lambda say, _: quota_text(status, who, say)


def _own(
    delivery: Setting[DeliveryMode],
    spoiler: Setting[bool],
    quiet: Setting[bool],
    **changes: Any,
) -> Case:
    settings = Settings(CHANNEL, delivery, spoiler, quiet, **changes)
    return lambda say, _: preferring.own_settings(settings, say)


def _level(channel_id: int | None = None, **changes: Any) -> Case:
    return lambda say, _: preferring.level(Level(channel_id, **changes), say)


USUAL = Setting(False, Source.DEFAULT)

SETTINGS: dict[str, Case] = {
    "quota": _quota(PolicySource.CONFIG, 0),
    "quota-used": _quota(PolicySource.SERVER, 20),
    "quota-member": _quota(PolicySource.USER, 1, who=f"<@{BOB}>"),
    "settings": _own(Setting(DeliveryMode.CHANNEL, Source.DEFAULT), USUAL, USUAL),
    "settings-chosen": _own(
        Setting(DeliveryMode.DIRECT, Source.USER), Setting(True, Source.SERVER), USUAL
    ),
    "settings-overruled": _own(
        Setting(DeliveryMode.THREAD, Source.CHANNEL, DeliveryMode.CHANNEL),
        Setting(True, Source.SERVER, False),
        Setting(True, Source.USER),
    ),
    "settings-no-direct": _own(
        Setting(DeliveryMode.CHANNEL, Source.DEFAULT, DeliveryMode.DIRECT),
        USUAL,
        USUAL,
        direct_messages=False,
    ),
    "settings-server": _level(),
    "settings-channel": _level(CHANNEL, delivery=DeliveryMode.THREAD, spoiler=True, quiet=False),
    "settings-server-no-direct": _level(delivery=DeliveryMode.DIRECT, direct_messages=False),
}
