"""Settings for the delivery of pictures, chosen by members and admins, and their precedence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from bot.accounts.permissions import Action, Actor, Permissions
from bot.accounts.server_languages import ServerLanguages
from bot.request.outcomes import NotAllowed, Refused
from storage import preferences as stored
from storage.types import DeliveryMode, Job, SettingsLevels, StoredSettings

T = TypeVar("T")

_BY_VISIBILITY: Final = (DeliveryMode.CHANNEL, DeliveryMode.THREAD, DeliveryMode.DIRECT)
"""Delivery modes from the most public to the most private."""


class Source(StrEnum):
    """Where an effective setting comes from, lowest precedence first."""

    DEFAULT = "default"
    SERVER = "server"
    CHANNEL = "channel"
    USER = "user"


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """The settings in effect for one member in one channel; the defaults apply without any choice.

    spoiler: pictures are hidden until they are clicked. quiet: no previews.
    """

    delivery: DeliveryMode = DeliveryMode.CHANNEL
    spoiler: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class EffectiveSetting(Generic[T]):
    """A value in effect and its source. own_choice: the member's own choice if it is overruled."""

    value: T
    source: Source
    own_choice: T | None = None

    @property
    def chosen(self) -> T | None:
        """The member's own choice, in effect or overruled; None if there is none."""
        return self.value if self.source is Source.USER else self.own_choice


@dataclass(frozen=True, slots=True)
class SettingsOverview:
    """The settings in effect for one member in one channel, with their sources.

    channel_id: the channel that they apply to, for a thread its parent. direct_messages: whether
    the bot's owner allows direct messages.
    """

    channel_id: int
    delivery: EffectiveSetting[DeliveryMode]
    spoiler: EffectiveSetting[bool]
    quiet: EffectiveSetting[bool]
    direct_messages: bool = True


@dataclass(frozen=True, slots=True)
class SettingsScope:
    """The choices for a server, or for one channel if there is a channel_id; None = no choice.

    language: of what everybody on the server reads, as a locale of Discord's. timezone: a name of
    the time zone database. weighted: large pictures count more than one against quotas.
    """

    channel_id: int | None
    delivery: DeliveryMode | None = None
    spoiler: bool | None = None
    quiet: bool | None = None
    direct_messages: bool = True
    language: str | None = None
    timezone: str | None = None
    weighted: bool | None = None


@dataclass(frozen=True, slots=True)
class SettingChange(Generic[T]):
    """The new value of a setting; None removes the choice."""

    to: T | None


@dataclass(frozen=True, slots=True)
class SettingChanges:
    """Changes of settings; None leaves a setting as it is. The last three: of a server alone."""

    delivery: SettingChange[DeliveryMode] | None = None
    spoiler: SettingChange[bool] | None = None
    quiet: SettingChange[bool] | None = None
    language: SettingChange[str] | None = None
    timezone: SettingChange[str] | None = None
    weighted: SettingChange[bool] | None = None

    def chosen(self) -> Mapping[str, Any]:
        """Return the new values by name, as storage takes them."""
        named = {
            "delivery": self.delivery,
            "spoiler": self.spoiler,
            "quiet": self.quiet,
            "locale": self.language,
            "timezone": self.timezone,
            "weighted": self.weighted,
        }
        return {name: change.to for name, change in named.items() if change is not None}


class DeliverySettingsService:
    """Reads and changes settings. Member overrides channel, channel overrides server and default.

    A member cannot make pictures more visible than the server and channel allow: of two delivery
    modes the more private one applies, and a spoiler stays. A thread has the settings of its parent
    channel. direct_messages: returns whether the bot may send direct messages.
    """

    def __init__(
        self,
        preferences: stored.Preferences,
        permissions: Permissions,
        languages: ServerLanguages,
        *,
        direct_messages: Callable[[], bool] = lambda: True,
    ) -> None:
        self._stored = preferences
        self._permissions = permissions
        self._languages = languages
        self._direct_messages = direct_messages

    async def of(self, actor: Actor) -> EffectiveSettings:
        """Return the settings in effect for this member here, in one read. Raises StorageError.

        A request made inside a thread or in direct messages is delivered there.
        """
        settings = await self.overview(actor)
        delivery = settings.delivery.value
        in_thread = delivery is DeliveryMode.THREAD and actor.parent_id is not None
        if in_thread or actor.direct:
            delivery = DeliveryMode.CHANNEL
        return EffectiveSettings(delivery, settings.spoiler.value, settings.quiet.value)

    async def overview(self, actor: Actor) -> SettingsOverview:
        """Return the settings in effect here with their sources. Raises StorageError."""
        channel_id = _settings_channel(actor)
        levels = await self._stored.levels(actor.guild_id, channel_id, actor.user_id)
        return resolve_settings(levels, channel_id, direct_messages=self._direct_messages())

    async def set_own(self, actor: Actor, changes: SettingChanges) -> SettingsOverview | Refused:
        """Change a member's own choices on this server; return what is in effect here then."""
        if not self._permissions.allows(actor, Action.SET_OWN_SETTINGS):
            return Refused(NotAllowed(Action.SET_OWN_SETTINGS))
        if chosen := changes.chosen():
            user_id = actor.user_id
            await self._stored.set_user(actor.guild_id, user_id, by=user_id, **chosen)
        return await self.overview(actor)

    def shared_refusal(self, actor: Actor) -> Refused | None:
        """Return why the actor may not change what holds for others; None if they may."""
        allowed = self._permissions.allows(actor, Action.SET_SETTINGS)
        return None if allowed else Refused(NotAllowed(Action.SET_SETTINGS))

    async def set_server(self, actor: Actor, changes: SettingChanges) -> SettingsScope | Refused:
        """Change the choices for a server and return them; without changes, only return them."""
        if (refused := self.shared_refusal(actor)) is not None:
            return refused
        if chosen := changes.chosen():
            row = await self._stored.set_server(actor.guild_id, by=actor.user_id, **chosen)
            self._languages.chosen(actor.guild_id, row.locale)
        else:
            row = await self._stored.server(actor.guild_id)
        return self._scope(row, None)

    async def set_channel(
        self, actor: Actor, changes: SettingChanges, channel_id: int | None = None
    ) -> SettingsScope | Refused:
        """Change the choices for a channel of this server; None = the one that the actor is in."""
        if (refused := self.shared_refusal(actor)) is not None:
            return refused
        place = (actor.guild_id, _settings_channel(actor) if channel_id is None else channel_id)
        if chosen := changes.chosen():
            row = await self._stored.set_channel(*place, by=actor.user_id, **chosen)
        else:
            row = await self._stored.channel(*place)
        return self._scope(row, place[1])

    def _scope(self, row: StoredSettings | None, channel_id: int | None) -> SettingsScope:
        empty = SettingsScope(channel_id, direct_messages=self._direct_messages())
        if row is None:
            return empty
        return replace(
            empty,
            delivery=row.delivery,
            spoiler=row.spoiler,
            quiet=row.quiet,
            language=row.locale,
            timezone=row.timezone,
            weighted=row.weighted,
        )


def shows_previews(job: Job) -> bool:
    """Return whether the status message of a job may show previews.

    A picture that is delivered elsewhere, in a thread or a direct message, must not be previewed in
    the channel.
    """
    return not job.quiet and (job.private or job.delivery is DeliveryMode.CHANNEL)


def resolve_settings(
    levels: SettingsLevels, channel_id: int, *, direct_messages: bool = True
) -> SettingsOverview:
    """Combine the choices of all levels into the settings in effect, with their sources. Pure.

    direct_messages: whether they are allowed; otherwise choices of direct messages are ignored.
    """

    def allowed_mode(settings: StoredSettings | None) -> DeliveryMode | None:
        mode = None if settings is None else settings.delivery
        return mode if direct_messages or mode is not DeliveryMode.DIRECT else None

    def shared_choice(name: str) -> tuple[Any, Source]:
        """Return the choice for the channel, else for the server, else the default."""
        for source, settings in ((Source.CHANNEL, levels.channel), (Source.SERVER, levels.server)):
            value = allowed_mode(settings) if name == "delivery" else getattr(settings, name, None)
            if value is not None:
                return value, source
        return getattr(EffectiveSettings(), name), Source.DEFAULT

    user = levels.user
    return SettingsOverview(
        channel_id=channel_id,
        delivery=_effective_delivery(
            *shared_choice("delivery"), allowed_mode(user), None if user is None else user.delivery
        ),
        spoiler=_effective_spoiler(
            *shared_choice("spoiler"), None if user is None else user.spoiler
        ),
        quiet=_effective_quiet(*shared_choice("quiet"), None if user is None else user.quiet),
        direct_messages=direct_messages,
    )


def _effective_delivery(
    value: DeliveryMode,
    source: Source,
    allowed: DeliveryMode | None,
    own_choice: DeliveryMode | None,
) -> EffectiveSetting[DeliveryMode]:
    if allowed is not None and _BY_VISIBILITY.index(allowed) >= _BY_VISIBILITY.index(value):
        return EffectiveSetting(allowed, Source.USER)
    return EffectiveSetting(value, source, own_choice)


def _effective_spoiler(
    value: bool, source: Source, own_choice: bool | None
) -> EffectiveSetting[bool]:
    if own_choice is None or own_choice < value:
        return EffectiveSetting(value, source, own_choice)
    return EffectiveSetting(own_choice, Source.USER)


def _effective_quiet(
    value: bool, source: Source, own_choice: bool | None
) -> EffectiveSetting[bool]:
    return (
        EffectiveSetting(value, source)
        if own_choice is None
        else EffectiveSetting(own_choice, Source.USER)
    )


def _settings_channel(actor: Actor) -> int:
    return actor.channel_id if actor.parent_id is None else actor.parent_id
