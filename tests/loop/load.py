"""Twenty users who use everything the bot offers, and how soon each action was answered."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bot.playground.interactions import Interaction, State
from bot.playground.model import Channel, Message
from bot.playground.people import ActingUser, ActionRefused
from bot.playground.registry import CHAT_INPUT, MESSAGE, Command
from bot.playground.standin_server import Playground
from tests.chaos.community import Community
from tests.chaos.simulated_users import BUTTON, SUBJECTS
from tests.scale.prompts import Prompts

PARTS_LOOKED_AT: Final = 25
"""How many of the newest messages a user looks at. Chosen by hand."""
LONG_SHARE: Final = 0.4
"""The share of prompts with the maximum length. Chosen by hand."""
HARD: Final = ("no a ", "a ", "x-", "湖", "not ", "a\n")
"""Repeated to build the prompts that take longest to analyse."""
PROMPT_CHARS: Final = 2000
PAUSE_S: Final = (0.0, 1.2)
"""Range of pauses between a response and the same user's next action. Chosen by hand."""
OFTEN: Final = {"/imagine": 3.0, "/imagine ×2–4": 2.0}
"""How often an action is done, compared with the others."""
TEXT_INPUT: Final = 4
FILE_UPLOAD: Final = 19
RADIO_GROUP: Final = 21
LOCALES: Final = ("en-US", "zh-CN", "de")
STRING, INTEGER, BOOLEAN, USER = 3, 4, 5, 6

Deed = Callable[[], Awaitable[Interaction | None]]


@dataclass(frozen=True, slots=True)
class ResponseTime:
    """One action and how soon it was answered; None: not within Discord's limit."""

    what: str
    took_ms: float | None


@dataclass(slots=True)
class UserLoad:
    """Users and their actions. Every possible action is done about equally often.

    `run` may be called again. answered: in the order of the responses.
    """

    playground: Playground
    community: Community
    choose: random.Random
    pause_s: tuple[float, float] = PAUSE_S
    answered: list[ResponseTime] = field(default_factory=list[ResponseTime])
    done: Counter[str] = field(default_factory=Counter[str])
    _left: int = 0
    _begun: dict[int, tuple[str, float, asyncio.Event]] = field(
        default_factory=dict[int, tuple[str, float, asyncio.Event]]
    )
    _prompts: Prompts = field(default_factory=lambda: Prompts(seed=1))
    _forms: dict[int, list[Interaction]] = field(default_factory=dict[int, list[Interaction]])

    def __post_init__(self) -> None:
        self.playground.standin.interactions.listen(self._heard)

    async def begin(self) -> None:
        """Let the first user paint, open their history and More, so that there is more to use.

        They mark a favourite too: of all that the panel behind More has, too little is used later.
        """
        first = ActingUser(self.community.people[0])
        place = self.community.channels_of(first.user_id)[0]
        names = {each.name: each for each in self.playground.standin.registry.all(None)}

        async def use(name: str, **values: Any) -> None:
            async def deed() -> Interaction:
                return self.playground.people.command(first, place.id, names[name].id, [], values)

            await self._timed(f"/{name}", deed)

        for count in (3, 2, 1):
            await use("imagine", prompt="a lake at dawn --steps 1", count=count)
        while sum(bool(each.attachments) for each in self._seen(first, place)) < 3:
            await asyncio.sleep(0.05)
        await use("history")
        await self._press_first(first, self._seen(first, place)[2], "more")
        await self._press_first(first, self._seen(first, place)[-1], "favour")

    async def _press_first(self, actor: ActingUser, message: Message, act: str) -> None:
        for part in list(parts(message.components)):
            if f":{act}:" in str(part.get("custom_id")):
                deed = self._presses(actor, message, part["custom_id"], None)
                await self._timed(f"button {act}", deed)

    async def run(self, acts: int) -> None:
        """Let all users act at once until `acts` actions are done and answered."""
        self._left = acts
        await asyncio.gather(*(self._live(person) for person in self.community.people))

    async def _live(self, person: int) -> None:
        actor = ActingUser(person, LOCALES[person % len(LOCALES)])
        while self._left > 0:
            self._left -= 1
            await self._act(actor)
            await asyncio.sleep(self.choose.uniform(*self.pause_s))

    async def _act(self, actor: ActingUser) -> None:
        """Do the least frequent of all possible actions; failed ones are not counted."""
        offers = dict(self._offers(actor))
        while offers:
            what = min(offers, key=self._urgency)
            self.done[what] += 1
            try:
                if await self._timed(what, offers.pop(what)):
                    return
            except ActionRefused:  # by Discord's client: the message is gone, for example
                pass
            self.done[what] -= 1

    def _urgency(self, what: str) -> tuple[float, float]:
        return self.done[what] / OFTEN.get(what, 1.0), self.choose.random()

    async def _timed(self, what: str, deed: Deed) -> bool:
        began_s = time.perf_counter()
        interaction = await deed()
        if interaction is None:  # an autocompletion, already answered
            self.answered.append(ResponseTime(what, (time.perf_counter() - began_s) * 1000))
            return True
        over = asyncio.Event()
        self._begun[interaction.id] = (what, began_s, over)
        self._heard(interaction)
        await over.wait()
        return True

    def _heard(self, interaction: Interaction) -> None:
        late = interaction.state is State.FAILED
        if interaction.acknowledged is None and not late:
            return
        begun = self._begun.pop(interaction.id, None)
        if begun is None:
            return
        what, began_s, over = begun
        took_ms = None if late else (time.perf_counter() - began_s) * 1000
        self.answered.append(ResponseTime(what, took_ms))
        if interaction.modal is not None:
            self._forms.setdefault(interaction.user_id, []).append(interaction)
        over.set()

    # Possible actions

    def _offers(self, actor: ActingUser) -> Iterator[tuple[str, Deed]]:
        places = self.community.channels_of(actor.user_id)
        place = self.choose.choice(places)
        commands = self.playground.standin.registry.usable(
            self.playground.standin.world, place, actor.user_id
        )
        for command in commands:
            # A server-wide setting of an admin would end the load.
            if command.body.get("default_member_permissions") is not None:
                continue
            if command.type == CHAT_INPUT:
                yield from self._uses(actor, place, command)
                yield from self._suggestions(actor, place, command)
            elif command.type == MESSAGE:
                yield from self._menus(actor, place, command)
        for each in places:
            yield from self._parts(actor, each)
        for form in self._forms.get(actor.user_id, [])[-1:]:
            what = str(form.modal and form.modal["custom_id"]).split(":")
            yield f"form {what[1] if len(what) > 1 else what[0]}", self._sends(actor, form)

    def _uses(
        self, actor: ActingUser, place: Channel, command: Command
    ) -> Iterator[tuple[str, Deed]]:
        people, options = self.playground.people, {o["name"]: o for o in leaves(command)}
        if any(option["type"] <= 2 for option in options.values()):
            return  # a group, whose commands are unknown here
        needed = {n: self._value(o) for n, o in options.items() if o.get("required")}
        if any(value is None for value in needed.values()):
            return

        def use(values: dict[str, Any]) -> Deed:
            async def deed() -> Interaction:
                return people.command(actor, place.id, command.id, [], needed | values)

            return deed

        yield f"/{command.name}", use({"speed": "fast"} if "speed" in options else {})
        if "count" in options:
            count = self.choose.randint(2, 4)
            yield f"/{command.name} ×2–4", use({"count": count, "speed": "fast"})
        for name in ("private", "negative", "picture", "job"):
            if name in options and (value := self._value(options[name])) is not None:
                yield f"/{command.name} {name}", use({name: value})
        if "file" in options:
            yield f"/{command.name} file", self._uploads(actor, place, command)

    async def _uploaded(self, actor: ActingUser, place: Channel) -> str:
        """Upload a picture that the user sees there, and return the id of the file."""
        shown = [m for m in self._seen(actor, place) if m.attachments]
        if not shown:
            raise ActionRefused("No picture yet.")
        file = self.choose.choice(shown).attachments[0]
        files = self.playground.standin.world.files
        data = await asyncio.to_thread(files.path(file.id).read_bytes)
        return str((await self.playground.people.upload(file.filename, data)).id)

    def _uploads(self, actor: ActingUser, place: Channel, command: Command) -> Deed:
        async def deed() -> Interaction:
            file = await self._uploaded(actor, place)
            return self.playground.people.command(actor, place.id, command.id, [], {"file": file})

        return deed

    def _suggestions(
        self, actor: ActingUser, place: Channel, command: Command
    ) -> Iterator[tuple[str, Deed]]:
        for option in leaves(command):
            if option.get("autocomplete"):
                yield (
                    f"typing /{command.name} {option['name']}",
                    self._types(actor, place, command, option["name"]),
                )

    def _types(self, actor: ActingUser, place: Channel, command: Command, name: str) -> Deed:
        async def deed() -> None:
            typed = {name: self.choose.choice(("", "a", "#1", "湖"))}
            await self.playground.people.autocomplete(actor, place.id, command.id, [], typed, name)

        return deed

    def _menus(
        self, actor: ActingUser, place: Channel, command: Command
    ) -> Iterator[tuple[str, Deed]]:
        messages = self._seen(actor, place)
        if not messages:
            return

        async def deed() -> Interaction:
            target = self.choose.choice(messages)
            return self.playground.people.context(actor, place.id, command.id, target.id)

        yield f"Apps → {command.name}", deed

    def _parts(self, actor: ActingUser, place: Channel) -> Iterator[tuple[str, Deed]]:
        """Yield every button, and one option of each select menu; one of each kind."""
        # The user's own messages last, so that they are used: they allow more.
        for message in sorted(self._seen(actor, place), key=lambda each: is_of(each, actor)):
            for part in parts(message.components):
                match = BUTTON.match(part.get("custom_id") or "")
                if match is None or part.get("disabled"):
                    continue
                values: list[str] | None = None
                what = f"button {match['act']}"
                if part["type"] != 2:
                    if not (options := part.get("options")):
                        continue
                    values = [self.choose.choice(options)["value"]]
                    chosen = BUTTON.match(values[0])
                    what = f"menu {chosen['act'] if chosen else match['act']}"
                yield what, self._presses(actor, message, part["custom_id"], values)

    def _presses(
        self, actor: ActingUser, message: Message, custom_id: str, values: list[str] | None
    ) -> Deed:
        async def deed() -> Interaction:
            return self.playground.people.component(
                actor, message.channel_id, message.id, custom_id, values
            )

        return deed

    def _sends(self, actor: ActingUser, form: Interaction) -> Deed:
        async def deed() -> Interaction:
            self._forms[actor.user_id].remove(form)
            assert form.modal is not None
            values = {
                part["custom_id"]: await self._filled(part, actor, form.channel)
                for part in parts(form.modal["components"])
                if part.get("custom_id")
            }
            return self.playground.people.modal(actor, form.id, form.modal["custom_id"], values)

        return deed

    async def _filled(self, part: dict[str, Any], actor: ActingUser, place: Channel) -> Any:
        if part["type"] == TEXT_INPUT:
            return part.get("value") or ("" if part.get("required") is False else "a lake")
        if part["type"] == FILE_UPLOAD:
            return [await self._uploaded(actor, place)]
        values = [option["value"] for option in (part.get("options") or ())[:1]]
        return values[0] if part["type"] == RADIO_GROUP else values

    # Typed values

    def _value(self, option: dict[str, Any]) -> Any:
        """Return a value that fits an option; None if none is known."""
        if option.get("choices"):
            return self.choose.choice(option["choices"])["value"]
        if option.get("autocomplete"):
            return str(self.choose.randint(1, 40))
        kind = option["type"]
        if kind == STRING:
            return self._prompt()[: option.get("max_length") or PROMPT_CHARS]
        if kind == INTEGER:
            return option.get("min_value") or 1
        if kind == BOOLEAN:
            return True
        return str(self.choose.choice(self.community.people)) if kind == USER else None

    def _prompt(self) -> str:
        if self.choose.random() > LONG_SHARE:
            return f"{self.choose.choice(SUBJECTS)}, {self._prompts.next()}"
        text = self.choose.choice(("", *HARD)) * PROMPT_CHARS
        while len(text) < PROMPT_CHARS:
            text += f"{self._prompts.next()}, "
        return text[:PROMPT_CHARS]

    def _seen(self, actor: ActingUser, place: Channel) -> list[Message]:
        seen = self.playground.standin.world.visible(place, actor.user_id)
        return seen[-PARTS_LOOKED_AT:]


def is_of(message: Message, actor: ActingUser) -> bool:
    """Return whether this user requested it."""
    return message.origin is not None and message.origin["user"]["id"] == str(actor.user_id)


def leaves(command: Command) -> list[dict[str, Any]]:
    """Return the options of a command."""
    return list(command.body.get("options") or ())


def parts(components: Any) -> Iterator[dict[str, Any]]:
    """Yield all components of a message or modal, including nested ones."""
    todo: list[Any] = list(components)
    while todo:
        part = todo.pop()
        yield part
        todo.extend(part.get("components") or ())
        todo.extend(part[key] for key in ("accessory", "component") if part.get(key))
