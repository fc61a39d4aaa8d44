"""What services read of the settings at each use, so that a reload holds from then on."""

from __future__ import annotations

from datetime import timedelta

from bot.delivery.worker import DeliveryPolicy
from bot.i18n import translatable
from bot.moderation.filter.picture_check import PictureCheck, PictureVerdict
from bot.owner_functions import BadFunction, load_function
from bot.settings import (
    CurrentSettings,
    InvalidSetting,
    ModerationSection,
    Settings,
    StorageSection,
)
from engine.service import EngineLimits
from engine.settings import EngineSettings
from storage.cancelled_painting import FreeCancelling
from storage.types import Ceiling, PolicySource, QuotaPolicy


class LiveValues:
    """The current settings in the types of those who need them. Its methods are handed down."""

    def __init__(self, current: CurrentSettings) -> None:
        self.current = current
        self._looked_at: ModerationSection | None = None
        self._picture_check: PictureCheck | None = None

    def owners(self) -> frozenset[int]:
        """Return the user ids of the owners whom the settings name."""
        return frozenset(self.current.now.discord.owners)

    def guilds(self) -> frozenset[int]:
        """Return the servers that are served; empty for all."""
        return frozenset(self.current.now.discord.guilds)

    def serves(self, guild_id: int) -> bool:
        """Return whether the owner lets the bot work on this server."""
        guilds = self.current.now.discord.guilds
        return not guilds or guild_id in guilds

    def previews(self) -> bool:
        """Return whether pictures are shown while they are painted."""
        return self.current.now.discord.previews

    def fallback(self) -> QuotaPolicy:
        """Return the quota of members for whom no admin has set one."""
        quota = self.current.now.quota
        return QuotaPolicy(quota.pictures, quota.hours, PolicySource.CONFIG)

    def ceiling(self, guild_id: int) -> Ceiling | None:
        """Return what the owner lets a whole server paint; None for no ceiling."""
        quota = self.current.now.quota
        pictures = quota.ceiling(guild_id)
        return None if pictures is None else Ceiling(pictures, quota.server_hours)

    def free_cancelling(self) -> FreeCancelling:
        """Return how much painting a member may cancel without being charged."""
        return FreeCancelling(self.current.now.quota.cancelled_s, self.fallback())

    def max_wait(self) -> timedelta:
        """Return how long a job may wait to be started."""
        return timedelta(seconds=self.current.now.jobs.max_wait_s)

    def delivery_policy(self) -> DeliveryPolicy:
        """Return how long results are worth sending, and whether by direct message."""
        jobs = self.current.now.jobs
        return DeliveryPolicy(timedelta(seconds=jobs.max_age_s), jobs.direct_messages)

    def direct_messages(self) -> bool:
        """Return whether the bot may send pictures by direct message."""
        return self.current.now.jobs.direct_messages

    def storage(self) -> StorageSection:
        """Return what is kept, and for how long."""
        return self.current.now.storage

    def quiet_hour(self) -> int:
        """Return the hour of the day, in UTC, in which a large database may be written anew."""
        return self.current.now.storage.backup_hour

    def server_grace(self) -> timedelta:
        """Return after which time a server that removed the bot is erased."""
        return timedelta(days=self.current.now.storage.server_grace_days)

    def picture_check(self) -> PictureCheck | None:
        """Return what looks at pictures; None if the owner has not set a function.

        The same one as long as its settings are: it counts how many calls hang.
        """
        section = self.current.now.moderation
        if section != self._looked_at:
            self._picture_check = _picture_check(section)
            self._looked_at = section
        return self._picture_check


def engine_limits(engine: EngineSettings) -> EngineLimits:
    """Return the limits that the engine can change while it paints."""
    return EngineLimits(engine.bounds, engine.stall_s, engine.idle_unload_s)


def check_usable(settings: Settings) -> None:
    """Raise InvalidSetting if the function that looks at pictures cannot be used. Blocking."""
    name = settings.moderation.picture_check
    try:
        if name is not None:
            load_function(name)
    except BadFunction as error:
        raise InvalidSetting(
            translatable("The setting {name} = {value} cannot be used: {reason}."),
            name="moderation.picture_check",
            value=repr(name),
            reason=error,
        ) from None


def _picture_check(section: ModerationSection) -> PictureCheck | None:
    if section.picture_check is None:
        return None
    return PictureCheck(
        load_function(section.picture_check),
        timeout_s=section.picture_check_s,
        failure=PictureVerdict(section.picture_check_failure),
    )
