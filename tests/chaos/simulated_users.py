"""Simulated users: seeded actions, recorded with their outcomes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from bot.playground.interactions import Interaction
from bot.playground.model import Channel, Message
from bot.playground.people import ActingUser, ActionRefused
from bot.playground.registry import Command
from bot.playground.standin_server import Playground
from tests.chaos.community import Community
from tests.chaos.steps import Steps

SUBJECTS: Final = ("a red house", "a boat", "a tree in snow", "a tower at night", "a balloon")
BUTTON: Final = re.compile(r"z\d+:(?P<act>[a-z]+):(?P<id>\d+)(?::[0-9a-f]{8})?")
PAINTING_BUTTONS: Final = ("reroll", "subtle", "strong", "upscale")
RARE_BUTTONS: Final = ("delete", "cancel", "unqueue", "show", "older", "newer", "more", "details")
ANSWERS: Final = ("paint", "decline")
"""Answers to the confirmation of a prompt's permutations."""
PRIVATE_SHARE: Final = 0.25
"""The share of private requests, where that is possible. Chosen by hand."""
SERIES_SHARE: Final = 0.2
"""The share of requests for more than one picture. Chosen by hand."""
WAYS: Final = (("thread", "direct", "channel", "default"), (6, 3, 1, 1))
"""Delivery settings, and how often each is chosen."""
RECENT: Final = 30
"""How many recent messages users look at; sometimes they go back further. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class SentInteraction:
    """One action of a user. prompt: of a new request. secret: a word that only they may see.

    paints: whether it requests a picture. act: of a button.
    """

    what: str
    interaction: Interaction
    prompt: str | None = None
    secret: str | None = None
    paints: bool = False
    act: str | None = None


class SimulatedUsers:
    """Users who use everything that the bot has registered. `sent` has all they ever did."""

    def __init__(
        self, playground: Playground, community: Community, choose: random.Random, steps: Steps
    ) -> None:
        self._playground = playground
        self._community = community
        self._choose = choose
        self._steps = steps
        self._wishes = 0
        self._met: set[int] = set()
        self.sent: list[SentInteraction] = []

    def act(self) -> SentInteraction | None:
        """Let one user do one thing; None if Discord's client would not allow it."""
        acts: list[tuple[Callable[[int, Channel], SentInteraction | None], float]] = [
            (self._imagine, 50.0),
            (self._reroll, 8.0),
            (self._press_reroll, 14.0),
            (self._press_another, 10.0),
            (self._choices, 5.0),
            (self._press_answer, 7.0),
            (self._cancel, 6.0),
            (self._look, 6.0),
            (self._settle_in, 8.0),
        ]
        person = self._choose.choice(self._community.people)
        places = self._community.channels_of(person)
        chosen = self._choose.choices([a for a, _ in acts], [w for _, w in acts])[0]
        if not places:
            return None
        if person not in self._met:  # short runs cover every delivery setting as well
            self._met.add(person)
            chosen = self._settle_in
        try:
            sent = chosen(person, self._choose.choice(places))
        except ActionRefused as error:
            self._steps.note("refused by the client", why=str(error))
            return None
        if sent is not None:
            self.sent.append(sent)
            self._note(sent)
        return sent

    def imagine(self, person: int, channel: Channel, *, private: bool = False) -> SentInteraction:
        """Request a picture with a prompt that no other request has."""
        self._wishes += 1
        word = f"q{self._wishes}x{self._choose.randrange(16**6):06x}"
        prompt = f"{self._choose.choice(SUBJECTS)}, {word}"
        values: dict[str, Any] = {"prompt": f"{prompt} --steps {self._choose.randint(1, 8)}"}
        if self._choose.random() < 0.3:
            values["seed"] = self._choose.randrange(2**31)
        if private:
            values["private"] = True
        if self._choose.random() < SERIES_SHARE and self._has_option("imagine", "count"):
            values["count"] = self._choose.randint(2, 3)
        interaction = self._command("imagine", person, channel, values)
        what = "/imagine private" if private else "/imagine"
        return SentInteraction(what, interaction, prompt, word if private else None, paints=True)

    def _imagine(self, person: int, channel: Channel) -> SentInteraction | None:
        asked = self._choose.random() < PRIVATE_SHARE
        return self.imagine(
            person, channel, private=asked and self._has_option("imagine", "private")
        )

    def _choices(self, person: int, channel: Channel) -> SentInteraction:
        """Request two or three permutations, which have to be confirmed first."""
        self._wishes += 1
        picked = self._choose.sample(SUBJECTS, self._choose.randint(2, 3))
        values: dict[str, Any] = {"prompt": f"{{{', '.join(picked)}}}, c{self._wishes} --steps 2"}
        if self._choose.random() < PRIVATE_SHARE:
            values["private"] = True
        return SentInteraction(
            "/imagine choices", self._command("imagine", person, channel, values)
        )

    def _press_answer(self, person: int, channel: Channel) -> SentInteraction | None:
        return self._press(person, channel, ANSWERS)

    def _reroll(self, person: int, channel: Channel) -> SentInteraction | None:
        seeded = self._choose.random() < 0.3
        values = {"seed": self._choose.randrange(2**31)} if seeded else {}
        return SentInteraction(
            "/reroll", self._command("reroll", person, channel, values), paints=True
        )

    def _press_reroll(self, person: int, channel: Channel) -> SentInteraction | None:
        return self._press(person, channel, PAINTING_BUTTONS)

    def _press_another(self, person: int, channel: Channel) -> SentInteraction | None:
        return self._press(person, channel, RARE_BUTTONS)

    def _cancel(self, person: int, channel: Channel) -> SentInteraction | None:
        if self._choose.random() < 0.5 or self._known("cancel") is None:
            return self._press(person, channel, ("cancel",))
        everything = self._has_option("cancel", "job") and self._choose.random() < 0.2
        values = {"job": "all"} if everything else {}
        return SentInteraction("/cancel", self._command("cancel", person, channel, values))

    def _look(self, person: int, channel: Channel) -> SentInteraction | None:
        name = self._choose.choice([n for n in ("history", "quota") if self._known(n)])
        return SentInteraction(f"/{name}", self._command(name, person, channel, {}))

    def _settle_in(self, person: int, channel: Channel) -> SentInteraction | None:
        """Choose another delivery setting, and sometimes a spoiler."""
        values: dict[str, Any] = {"delivery": self._choose.choices(*WAYS)[0]}
        if self._choose.random() < 0.3:
            values["spoiler"] = self._choose.choice(("on", "default"))
        return SentInteraction("/settings", self._command("settings", person, channel, values))

    def _press(
        self, person: int, channel: Channel, acts: tuple[str, ...]
    ) -> SentInteraction | None:
        """Press one of these buttons, on a recent message or an old one."""
        messages = self._playground.standin.world.visible(channel, person)
        if self._choose.random() < 0.7:
            messages = messages[-RECENT:]
        found = [
            (message, part["custom_id"])
            for message in messages
            for part in buttons(message)
            if (match := BUTTON.fullmatch(part["custom_id"])) and match["act"] in acts
        ]
        if not found:
            return None
        message, custom_id = self._choose.choice(found)
        pressed = self._playground.people.component(
            ActingUser(person), channel.id, message.id, custom_id
        )
        match = BUTTON.fullmatch(custom_id)
        assert match is not None
        act = match["act"]
        return SentInteraction(f"button {act}", pressed, paints=act in PAINTING_BUTTONS, act=act)

    def _command(
        self, name: str, person: int, channel: Channel, values: dict[str, Any]
    ) -> Interaction:
        command = self._known(name)
        if command is None:
            raise ActionRefused(f"There is no /{name} yet.")
        return self._playground.people.command(
            ActingUser(person), channel.id, command.id, [], values
        )

    def _known(self, name: str) -> Command | None:
        commands = self._playground.standin.registry.all(None)
        return next((each for each in commands if each.name == name), None)

    def _has_option(self, name: str, option: str) -> bool:
        command = self._known(name)
        options = command.body.get("options") or () if command else ()
        return any(each["name"] == option for each in options)

    def _note(self, sent: SentInteraction) -> None:
        interaction = sent.interaction
        self._steps.note(
            sent.what,
            interaction=interaction.id,
            person=interaction.user_id,
            channel=interaction.channel.id,
            data=interaction.data.get("custom_id") or interaction.data.get("options"),
        )


def buttons(message: Message) -> Iterator[dict[str, Any]]:
    """Yield the buttons of a message that can be pressed."""
    todo: list[Any] = list(message.components)
    while todo:
        part = todo.pop()
        if part.get("type") == 2 and part.get("custom_id") and not part.get("disabled"):
            yield part
        todo.extend(part.get("components") or ())
        if isinstance(part.get("accessory"), dict):
            todo.append(part["accessory"])
