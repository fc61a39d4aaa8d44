"""Why something that only the bot's owners do was not done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OwnersOnly:
    """Whoever asked is no owner of the bot."""


@dataclass(frozen=True, slots=True)
class OwnersUnknown:
    """Discord did not say who the owners are."""


@dataclass(frozen=True, slots=True)
class EngineEnds:
    """The engine stops or has failed, so nothing can be done to its model."""


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """A model could not be loaded. detail: why, without a full stop."""

    model: str
    detail: str


@dataclass(frozen=True, slots=True)
class NothingToRetry:
    """No model failed to load of late."""


@dataclass(frozen=True, slots=True)
class ServerUnknown:
    """The bot is on no server that is meant by this."""

    typed: str


@dataclass(frozen=True, slots=True)
class NoAnnouncementChannels:
    """No server has chosen a channel for announcements."""


@dataclass(frozen=True, slots=True)
class AnnouncementEmpty:
    """An announcement has no words."""


OperationReason = (
    OwnersOnly
    | OwnersUnknown
    | EngineEnds
    | ModelFailed
    | NothingToRetry
    | ServerUnknown
    | NoAnnouncementChannels
    | AnnouncementEmpty
)
