"""Interactions: what a user did, with three seconds to respond and fifteen minutes to follow up."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any, Final

from bot.playground.errors import INVALID_WEBHOOK_TOKEN, UNKNOWN_INTERACTION, UNKNOWN_WEBHOOK
from bot.playground.model import Channel, Message
from bot.playground.protocol import same_secret
from bot.playground.world import World

Json = dict[str, Any]

ACKNOWLEDGE_S: Final = 3.0
TOKEN_LIFE: Final = timedelta(minutes=15)
KEPT: Final = 500
"""How many interactions are kept; the oldest expire beyond that. Chosen by hand."""
NO_ANSWER: Final = "The application did not respond"


class InteractionKind(IntEnum):
    """The kind of a user's action, with Discord's numbers."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class State(StrEnum):
    """How far the bot's response has got."""

    SENT = "sent"
    THINKING = "thinking"
    ANSWERED = "answered"
    FAILED = "failed"


@dataclass(slots=True)
class Interaction:
    """One interaction. data: as Discord sends it; name: the command's path as text.

    source: the message that a component or modal belongs to. response_id: the message that
    responded. modal: the modal it was answered with.
    """

    id: int
    token: str
    kind: InteractionKind
    user_id: int
    channel: Channel
    locale: str
    data: Json
    created_at: datetime
    name: str = ""
    source: Message | None = None
    target_message_id: int | None = None
    state: State = State.SENT
    acknowledged: int | None = None
    response_id: int | None = None
    deferred: bool = False
    modal: Json | None = None
    followups: list[int] = field(default_factory=list[int])
    choices: asyncio.Future[list[Json]] | None = None
    timer: asyncio.TimerHandle | None = None
    expired: bool = False

    @property
    def command_type(self) -> int | None:
        """For a command: chat input, user or message."""
        return self.data.get("type") if self.kind is InteractionKind.COMMAND else None


class Interactions:
    """All interactions that the bot may still respond to.

    acknowledge_s, token_life: Discord's documented limits, or others for tests.
    """

    def __init__(
        self,
        world: World,
        *,
        acknowledge_s: float = ACKNOWLEDGE_S,
        token_life: timedelta = TOKEN_LIFE,
    ) -> None:
        self._world = world
        self._acknowledge_s = acknowledge_s
        self._token_life = token_life
        self._by_id: dict[int, Interaction] = {}
        self._by_token: dict[str, Interaction] = {}
        self._listeners: list[Callable[[Interaction], None]] = []

    def listen(self, listener: Callable[[Interaction], None]) -> None:
        """Call this with every interaction whose state changes."""
        self._listeners.append(listener)

    def open(
        self,
        kind: InteractionKind,
        user_id: int,
        channel: Channel,
        data: Json,
        *,
        locale: str,
        name: str = "",
        source: Message | None = None,
        target_message_id: int | None = None,
    ) -> Interaction:
        """Create an interaction; from now on the bot has to respond in time."""
        interaction = Interaction(
            id=self._world.ids.new(),
            token=secrets.token_urlsafe(48),
            kind=kind,
            user_id=user_id,
            channel=channel,
            locale=locale,
            data=data,
            created_at=self._world.clock(),
            name=name,
            source=source,
            target_message_id=target_message_id,
        )
        loop = asyncio.get_running_loop()
        if kind is InteractionKind.AUTOCOMPLETE:
            interaction.choices = loop.create_future()
        self._by_id[interaction.id] = interaction
        self._by_token[interaction.token] = interaction
        while len(self._by_id) > KEPT:
            self._forget(next(iter(self._by_id)))
        interaction.timer = loop.call_later(self._acknowledge_s, self._too_late, interaction)
        self.notify(interaction)
        return interaction

    def notify(self, interaction: Interaction) -> None:
        """Notify every listener of its state."""
        for listener in list(self._listeners):
            listener(interaction)

    def of_user(self, user_id: int) -> list[Interaction]:
        """Return a user's interactions that are still open."""
        return [
            each
            for each in self._by_id.values()
            if each.user_id == user_id and each.state in (State.SENT, State.THINKING)
        ]

    def get(self, interaction_id: int) -> Interaction | None:
        """Return a stored interaction."""
        return self._by_id.get(interaction_id)

    def awaiting(self, interaction_id: int, token: str) -> Interaction:
        """Return the interaction that a callback is for.

        Raises ApiError if it does not exist, has another token, or the time is up.
        """
        interaction = self._by_id.get(interaction_id)
        if interaction is None or not same_secret(token, interaction.token):
            raise UNKNOWN_INTERACTION.error()
        if interaction.state is State.FAILED or self._is_expired(interaction):
            raise UNKNOWN_INTERACTION.error()
        return interaction

    def webhook(self, token: str) -> Interaction:
        """Return the interaction whose token is used for an edit or follow-up.

        Raises ApiError if the token is unknown or expired, or there was no response yet.
        """
        interaction = self._by_token.get(token)
        if interaction is None or self._is_expired(interaction):
            raise INVALID_WEBHOOK_TOKEN.error()
        if interaction.acknowledged is None:
            raise UNKNOWN_WEBHOOK.error()
        return interaction

    def acknowledge(self, interaction: Interaction, callback_type: int) -> None:
        """Record that the bot responded in time."""
        interaction.acknowledged = callback_type
        if interaction.timer is not None:
            interaction.timer.cancel()

    def set_state(self, interaction: Interaction, state: State) -> None:
        """Set the state of the bot's response and notify listeners."""
        interaction.state = state
        self.notify(interaction)

    def expire_all(self) -> None:
        """Expire every token now, as if fifteen minutes had passed."""
        for interaction in self._by_id.values():
            interaction.expired = True

    def by_response(self, message_id: int) -> Interaction | None:
        """Return the interaction that a message responded to."""
        return next((i for i in self._by_id.values() if i.response_id == message_id), None)

    def _is_expired(self, interaction: Interaction) -> bool:
        age = self._world.clock() - interaction.created_at
        return interaction.expired or age > self._token_life

    def _too_late(self, interaction: Interaction) -> None:
        if interaction.acknowledged is None:
            if interaction.choices is not None and not interaction.choices.done():
                interaction.choices.cancel()
            self.set_state(interaction, State.FAILED)

    def _forget(self, interaction_id: int) -> None:
        gone = self._by_id.pop(interaction_id)
        del self._by_token[gone.token]
        if gone.timer is not None:
            gone.timer.cancel()


def state_json(interaction: Interaction) -> Mapping[str, Any]:
    """Return what a user's page shows of an interaction."""
    kinds = {
        InteractionKind.COMMAND: "command",
        InteractionKind.COMPONENT: "component",
        InteractionKind.MODAL: "modal",
    }
    kind = kinds.get(interaction.kind, "autocomplete")
    if interaction.command_type in (2, 3):
        kind = "context"
    source = interaction.source
    return {
        "id": str(interaction.id),
        "channel_id": str(interaction.channel.id),
        "user_id": str(interaction.user_id),
        "kind": kind,
        "name": interaction.name,
        "message_id": None if source is None else str(source.id),
        "custom_id": interaction.data.get("custom_id"),
        "state": interaction.state.value,
        "message": NO_ANSWER if interaction.state is State.FAILED else "",
    }
