"""Why admins of a server cannot do something, and what they decided for everybody on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerPaused:
    """The admins of this server have paused it. reason: as they gave it, if at all."""

    reason: str | None


@dataclass(frozen=True, slots=True)
class NotPaused:
    """The server is not paused, so it cannot be resumed."""


@dataclass(frozen=True, slots=True)
class NobodyWaits:
    """There is no waiting job to cancel. user_id: of this member, None = of anybody. spared: how
    many wait whose members' ranks protect them."""

    user_id: int | None
    spared: int = 0


@dataclass(frozen=True, slots=True)
class NotCancellable:
    """An admin cannot cancel the jobs of somebody whose rank protects them."""

    user_id: int | None


AdministrationReason = ServerPaused | NotPaused | NobodyWaits | NotCancellable
