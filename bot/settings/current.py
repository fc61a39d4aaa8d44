"""The settings that hold now, and which changes of them a running bot takes up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from bot.settings.loading import Settings


class TakesEffect(StrEnum):
    """When a changed setting holds: from the next reload on, or from the next start."""

    LIVE = "live"
    RESTART = "restart"


TAKES_EFFECT: Final[Mapping[str, TakesEffect]] = {
    "discord.token": TakesEffect.RESTART,
    "discord.proxy": TakesEffect.RESTART,
    "discord.guilds": TakesEffect.LIVE,
    "discord.owners": TakesEffect.LIVE,
    "discord.owner_server": TakesEffect.RESTART,
    "discord.previews": TakesEffect.LIVE,
    "discord.answer_mentions": TakesEffect.RESTART,
    "discord.remove_old_commands": TakesEffect.RESTART,
    "discord.welcome": TakesEffect.RESTART,
    "engine.model": TakesEffect.RESTART,
    "engine.models": TakesEffect.RESTART,
    "engine.family": TakesEffect.RESTART,
    "engine.text_encoder": TakesEffect.RESTART,
    "engine.vae": TakesEffect.RESTART,
    "engine.tokenizer": TakesEffect.RESTART,
    "engine.revision": TakesEffect.RESTART,
    "engine.download": TakesEffect.RESTART,
    "engine.device": TakesEffect.RESTART,
    "engine.threads": TakesEffect.RESTART,
    "engine.queue_limit": TakesEffect.LIVE,
    "engine.user_limit": TakesEffect.LIVE,
    "engine.server_limit": TakesEffect.LIVE,
    "engine.stall_s": TakesEffect.LIVE,
    "engine.drain_s": TakesEffect.LIVE,
    "engine.memory": TakesEffect.RESTART,
    "engine.compile": TakesEffect.RESTART,
    "engine.allow_quantized": TakesEffect.RESTART,
    "engine.reserve_gib": TakesEffect.RESTART,
    "engine.idle_unload_s": TakesEffect.LIVE,
    "engine.smart_limit_s": TakesEffect.RESTART,
    "engine.loras": TakesEffect.RESTART,
    "engine.lora_max_rank": TakesEffect.RESTART,
    "engine.lora_strict": TakesEffect.RESTART,
    "storage.data_dir": TakesEffect.RESTART,
    "storage.backups": TakesEffect.LIVE,
    "storage.backup_hour": TakesEffect.LIVE,
    "storage.keep_days": TakesEffect.LIVE,
    "storage.limit_gib": TakesEffect.LIVE,
    "storage.keep_prompts_days": TakesEffect.LIVE,
    "storage.keep_audit_days": TakesEffect.LIVE,
    "storage.server_grace_days": TakesEffect.LIVE,
    "quota.pictures": TakesEffect.LIVE,
    "quota.hours": TakesEffect.LIVE,
    "quota.server_pictures": TakesEffect.LIVE,
    "quota.server_hours": TakesEffect.LIVE,
    "quota.servers": TakesEffect.LIVE,
    "quota.cancelled_s": TakesEffect.LIVE,
    "jobs.max_wait_s": TakesEffect.LIVE,
    "jobs.max_age_s": TakesEffect.LIVE,
    "jobs.direct_messages": TakesEffect.LIVE,
    "moderation.picture_check": TakesEffect.LIVE,
    "moderation.picture_check_s": TakesEffect.LIVE,
    "moderation.picture_check_failure": TakesEffect.LIVE,
    "log.level": TakesEffect.LIVE,
    "log.format": TakesEffect.LIVE,
}
"""For every setting, by its section and key. Live is what is read at each use; the rest shaped
something at the start: the connection to Discord, the model, the folders."""


class CurrentSettings:
    """Holds the settings of now: one immutable snapshot, which a reload replaces as a whole.

    Whoever needs a live setting reads it here at each use and keeps no copy.
    """

    def __init__(self, settings: Settings) -> None:
        self._now = settings

    @property
    def now(self) -> Settings:
        """The snapshot; read it once where several values have to belong together."""
        return self._now

    def replace(self, settings: Settings) -> None:
        """Let other settings hold from now on."""
        self._now = settings


def setting_names() -> list[str]:
    """Return every setting as section.key, in the order of the sections."""
    return [
        f"{section}.{key}"
        for section, field in Settings.model_fields.items()
        for key in getattr(field.annotation, "model_fields", {})
    ]


def changed_settings(before: Settings, after: Settings) -> tuple[str, ...]:
    """Return the settings whose values differ."""
    return tuple(
        name for name in setting_names() if value_of(before, name) != value_of(after, name)
    )


def value_of(settings: Settings, name: str) -> object:
    """Return the value of a setting that is named section.key."""
    section, key = name.split(".")
    return getattr(getattr(settings, section), key)


def with_live_changes(before: Settings, after: Settings) -> Settings:
    """Return `before` with the values that `after` has for live settings."""
    return before.model_copy(update=dict(_changed_sections(before, after)))


def _changed_sections(before: Settings, after: Settings) -> Iterator[tuple[str, object]]:
    for section in type(before).model_fields:
        wanted, kept = getattr(after, section), getattr(before, section)
        live = {
            key: getattr(wanted, key)
            for key in type(kept).model_fields
            if TAKES_EFFECT.get(f"{section}.{key}") is TakesEffect.LIVE
        }
        yield section, kept.model_copy(update=live)
