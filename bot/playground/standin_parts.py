"""All parts of the stand-in, put together; no sockets are opened here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.playground.audit import Audit
from bot.playground.faults import Faults
from bot.playground.gateway import Gateway
from bot.playground.interactions import Interactions
from bot.playground.model import User
from bot.playground.rate_limits import RateLimiter
from bot.playground.registry import Registry
from bot.playground.request_log import RequestLog
from bot.playground.response_order import Turns
from bot.playground.world import World


@dataclass(slots=True)
class StandIn:
    """The parts that routes, gateway and page share.

    bot, owner: the application's account and the account it belongs to. base_url: the address of
    the stand-in, without a trailing slash; known once the port is open.
    """

    world: World
    registry: Registry
    interactions: Interactions
    gateway: Gateway
    log: RequestLog
    faults: Faults
    limits: RateLimiter
    bot: User
    owner: User
    token: str
    audit: Audit = field(default_factory=Audit)
    turns: Turns = field(default_factory=Turns)
    base_url: str = ""
    on_commands: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])

    def commands_changed(self) -> None:
        """Notify listeners that the bot registered or removed commands."""
        for listener in list(self.on_commands):
            listener()
