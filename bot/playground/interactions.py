"""Interactions: what a person did, the three seconds to answer, the fifteen minutes after."""

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
"""Interactions remembered; beyond, the oldest are forgotten with their tokens."""
NO_ANSWER: Final = "The application did not respond"


class InteractionKind(IntEnum):
    """What a person did, by Discord's numbers."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class State(StrEnum):
    """How far the bot's answer is."""

    SENT = "sent"
    THINKING = "thinking"
    ANSWERED = "answered"
    FAILED = "failed"


@dataclass(slots=True)
class Interaction:
    """One interaction. data: as Discord sends it; name: the command's path in words.

    source: the message that a component or modal belongs to. response_id: the message that
    answered. modal: the form that was answered with.
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
        """Of a command: chat input, user or message."""
        return self.data.get("type") if self.kind is InteractionKind.COMMAND else None


class Interactions:
    """All interactions that the bot may still answer.

    told: called with each one whose state changed. late: called with each that nobody answered.
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
        """A person did something; the bot has to answer in time from now on."""
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
        """Let everyone who listens know of its state."""
        for listener in list(self._listeners):
            listener(interaction)

    def of_user(self, user_id: int) -> list[Interaction]:
        """A person's interactions that are still open."""
        return [
            each
            for each in self._by_id.values()
            if each.user_id == user_id and each.state in (State.SENT, State.THINKING)
        ]

    def get(self, interaction_id: int) -> Interaction | None:
        """An interaction that is remembered."""
        return self._by_id.get(interaction_id)

    def awaiting(self, interaction_id: int, token: str) -> Interaction:
        """The interaction that a callback is for.

        Raises ApiError where it does not exist, its token is another, or the time is up.
        """
        interaction = self._by_id.get(interaction_id)
        if interaction is None or not same_secret(token, interaction.token):
            raise UNKNOWN_INTERACTION.error()
        if interaction.state is State.FAILED or self._is_expired(interaction):
            raise UNKNOWN_INTERACTION.error()
        return interaction

    def webhook(self, token: str) -> Interaction:
        """The interaction whose token edits and follow-ups use.

        Raises ApiError where the token is unknown or expired, or nothing was answered yet.
        """
        interaction = self._by_token.get(token)
        if interaction is None or self._is_expired(interaction):
            raise INVALID_WEBHOOK_TOKEN.error()
        if interaction.acknowledged is None:
            raise UNKNOWN_WEBHOOK.error()
        return interaction

    def acknowledge(self, interaction: Interaction, callback_type: int) -> None:
        """The bot has answered in time."""
        interaction.acknowledged = callback_type
        if interaction.timer is not None:
            interaction.timer.cancel()

    def set_state(self, interaction: Interaction, state: State) -> None:
        """The interaction's answer got this far."""
        interaction.state = state
        self.notify(interaction)

    def expire_all(self) -> None:
        """Let every token expire now, as if fifteen minutes had passed."""
        for interaction in self._by_id.values():
            interaction.expired = True

    def by_response(self, message_id: int) -> Interaction | None:
        """The interaction that a message answered."""
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
    """What a person's page shows of an interaction."""
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
