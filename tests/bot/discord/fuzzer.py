"""Odd values for every option, and a client that sends them."""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from discord import AppCommandOptionType as Kind
from discord import InteractionType
from discord.app_commands import Command, ContextMenu, Group, Parameter
from simcord.backend import serializers
from simcord.backend.models import Interaction
from simcord.interactions import base_payload, resolve_handle

from bot.discord.command_sync import OWNER_COMMANDS
from tests.bot.discord.harness import BotHarness
from tests.bot.sample_pictures import a_picture

ANSWER_S = 3.0
"""Discord's limit for the first response; in this process's own time, because other tests that want
the same processors delay it too."""
WAIT_S = 60.0
"""How long an answer that takes no processor time is waited for."""
TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b\x1b[31m\r\n\x7f\x85",
    "a " * 3000,
    "x" * 6000,
    "🎨" * 500,
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "\u202eevil\u2066 مرحبا \u200f",
    "\u200b\u2060\ufeff",
    "\ud800",
    "half \udfff a character \ud83d",
    "\uffff\ufdd0\U0010ffff",
    "Z\u0351\u036b" * 40,
    "@everyone @here",
    "<@&123456789012345678> <@123456789012345678> <@!123456789012345678>",
    "<#123456789012345678> </imagine:123456789012345678> <t:0:R>",
    "**b** __u__ ~~s~~ ||s|| > q\n# h\n-# s [a](https://example.org)",
    "`code` ```block",
    "../../etc/passwd ..\\..\\windows",
    "'; DROP TABLE jobs; -- %s %n {0} {prompt} {self.__class__}",
    "all",
    "#1",
    "1",
    "-1",
    "0001",
    "９٣²",
    "9" * 18,
    "9" * 19,
    "9" * 5000,
    "16:9",
    "0:0",
    "1:" + "0" * 400 + "1",
    "nan:inf",
)
NUMBERS = (0, 1, -1, 2**31, 2**53 - 1, 2**53, -(2**53), 2**63 - 1, 2**63, -(2**63) - 1, 10**30)
DELETED_ROLE = 123456789012345678
FLOATS = (math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e308, 1, 2**53, 1.0000001)
FILES = (
    ("a lake.png", a_picture()),
    ("../../x.png", b""),
    ("x.png", b"\x89PNG\r\n\x1a\n"),
    ("x" * 250, b"\x00" * 1000),
)
PINGS = re.compile(r"@(everyone|here)\b|<@[!&]?123456789012345678>")
LEDGER = (
    "SELECT j.id, j.state FROM jobs AS j LEFT JOIN ledger AS l ON l.job_id = j.id WHERE "
    "l.job_id IS NULL OR j.finished_at IS NULL OR l.pictures <> j.pictures OR "
    "(j.state = 'painted') <> (l.refunded_at IS NULL)"
)


def numbers(low: float | None, high: float | None, others: Iterable[float]) -> list[float]:
    """Return the bounds, the values just outside them, and the others."""
    bounds = [each for each in (low, high) if each is not None]
    return [*bounds, *(each + step for each in bounds for step in (-1, 1)), *others]


def commands(found: Iterable[Any]) -> Iterator[Command[Any, ..., Any]]:
    """Yield every slash command of the tree, including those in groups."""
    for each in found:
        if isinstance(each, Group):
            yield from commands(each.commands)
        elif isinstance(each, Command):
            yield each


def menus(found: Iterable[Any]) -> list[str]:
    """Return the names of the tree's message context menus."""
    return [each.name for each in found if isinstance(each, ContextMenu)]


def command_path(data: dict[str, Any]) -> list[str]:
    """Return the names of a slash command, its group and its subcommand."""
    names, options = [str(data.get("name"))], data.get("options") or []
    while options and options[0].get("type") in (1, 2):
        names.append(options[0]["name"])
        options = options[0].get("options") or []
    return names


class Fuzzer:
    """Sends what no Discord client would, and checks every response."""

    def __init__(self, harness: BotHarness, direct_channel_id: int | None = None) -> None:
        """direct_channel_id: everything is sent from these direct messages, not from the server."""
        self.harness = harness
        self.channel_id = direct_channel_id or harness.channel.id
        self.guild_id = None if direct_channel_id else harness.guild.id
        self.backend = harness.env.backend
        self.stranger = harness.env.create_user("stranger")
        self.role = harness.guild.create_role("painters")
        self.sent: dict[int, Any] = {}

    def values(self, option: Parameter) -> list[Any]:
        """Return the values to try for an option; a new option type needs an entry here."""
        harness, low, high = self.harness, option.min_value, option.max_value
        people = [harness.bob, harness.admin, harness.moderator, self.stranger]
        return {
            Kind.string: list(TEXTS),
            Kind.integer: numbers(low, high, NUMBERS),
            Kind.number: numbers(low, high, FLOATS),
            Kind.boolean: [True, False],
            Kind.user: people,
            # Also a role that was deleted while it was being chosen.
            Kind.mentionable: [*people, harness.guild.default_role, self.role, DELETED_ROLE],
            Kind.channel: [harness.channel],
            Kind.role: [harness.guild.default_role, self.role],
            Kind.attachment: list(FILES),
        }[option.type]

    def honest(self, option: Parameter) -> Any:
        """Return a value that a member would really choose."""
        if option.choices:
            return option.choices[0].value
        if option.type is Kind.string:
            return "a lake at dawn"
        return self.values(option)[0]

    async def use(
        self, actor: Any, command: Command[Any, ..., Any], chosen: dict[str, Any], focus: str = ""
    ) -> Interaction:
        """Run a command; with `focus`, ask for the suggestions for that option instead."""
        resolved: dict[str, Any] = {}
        options = []
        for option in command.parameters:
            if option.name not in chosen:
                continue
            value = self._wire(actor, option, chosen[option.name], resolved)
            sent = {"name": option.display_name, "type": option.type.value, "value": value}
            options.append(sent | ({"focused": True} if option.name == focus else {}))
        *groups, name = command.qualified_name.split()[1:] or [""]
        if name:
            options = [{"type": 1, "name": name, "options": options}]
        for group in reversed(groups):
            options = [{"type": 2, "name": group, "options": options}]
        root = command.qualified_name.split()[0]
        data = {"id": "1", "name": root, "type": 1, "options": options, "resolved": resolved}
        if root in OWNER_COMMANDS:  # which are registered on the server
            data["guild_id"] = str(self.guild_id)
        kind = InteractionType.autocomplete if focus else InteractionType.application_command
        return await self.send(actor, kind, data)

    def _wire(self, actor: Any, option: Parameter, value: Any, resolved: dict[str, Any]) -> Any:
        channel_id = self.harness.channel.id
        if option.type is Kind.attachment:
            (stored,) = self.backend.store_attachments(channel_id, [value])
            resolved.setdefault("attachments", {})[str(stored["id"])] = stored
            return str(stored["id"])
        if value is DELETED_ROLE:
            return str(value)
        if option.type in (Kind.user, Kind.channel, Kind.mentionable, Kind.role):
            resolve_handle(actor, value, resolved, channel_id=channel_id)
            return str(value.id)
        return value

    async def choose(self, actor: Any, menu: str, message: Any) -> Interaction:
        """Use a context menu on a message."""
        stored = self.backend.get_message(self.harness.channel.id, message.id)
        payload = dict(serializers.message_payload(self.backend, stored))
        target = str(message.id)
        data = {"id": "1", "name": menu, "type": 3, "target_id": target}
        data["resolved"] = {"messages": {target: payload}}
        return await self.send(actor, InteractionType.application_command, data)

    async def press(
        self,
        actor: Any,
        custom_id: str,
        component_type: int = 2,
        message: Any = None,
        value: str = "1",
        *,
        ephemeral: bool = False,
    ) -> Interaction:
        """Press a component with this custom_id on a message that shows a picture.

        ephemeral: as if only the actor saw that message.
        """
        message = message or self.harness.message_with_picture()
        stored = self.backend.get_message(self.channel_id, message.id)
        payload = dict(serializers.message_payload(self.backend, stored))
        part: dict[str, Any] = {"type": component_type, "custom_id": custom_id, "id": 9}
        part |= {"style": 2, "label": "x"} if component_type == 2 else {"options": []}
        payload["components"] = [{"type": 1, "id": 8, "components": [part]}]
        payload |= {"flags": 64} if ephemeral else {}
        data = {"custom_id": custom_id, "component_type": component_type}
        data |= {} if component_type == 2 else {"values": [value]}
        return await self.send(actor, InteractionType.component, data, payload)

    async def fill_in(
        self, actor: Any, custom_id: str, text: str, names: Sequence[str] = ("prompt",)
    ) -> Interaction:
        """Submit a form with this text in its fields."""
        fields = [{"type": 4, "custom_id": name, "value": text} for name in names]
        rows = [{"type": 1, "components": [each]} for each in fields]
        data = {"custom_id": custom_id, "components": rows}
        return await self.send(actor, InteractionType.modal_submit, data)

    async def send(
        self, actor: Any, kind: InteractionType, data: Any, message: Any = None
    ) -> Interaction:
        """Send an interaction and wait for its response. message: the payload of the pressed
        message."""
        record, payload = base_payload(
            self.backend,
            type=kind.value,
            channel_id=self.channel_id,
            guild_id=self.guild_id,
            user_id=actor.id,
            data=data,
        )
        if message is not None:
            record.source_message_id = int(message["id"])
            payload["message"] = message
        self.sent[record.id] = data
        # Not through simcord's member, which would wait each time until everything has settled.
        self.backend.emit("INTERACTION_CREATE", payload)
        limit = time.process_time() + ANSWER_S
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                while not record.responded and time.process_time() < limit:
                    await asyncio.sleep(0.001)
        if not record.responded:
            raise AssertionError(f"not answered: {data}")
        if kind is InteractionType.autocomplete:
            choices = record.autocomplete_choices or []
            assert len(choices) <= 25 and all(1 <= len(c["name"]) <= 100 for c in choices), data
        return record

    def answered_once(self) -> None:
        """Every interaction got exactly one response, and only those with files a followup."""
        paths = [r.path for r in self.harness.env.http_requests]
        called = Counter(int(path.split("/")[2]) for path in paths if path.endswith("/callback"))
        twice = [data for sent, data in self.sent.items() if called[sent] != 1]
        assert not twice, twice
        records = [self.backend.interactions[sent] for sent in self.sent]
        followed = [self.sent[each.id] for each in records if each.followup_ids]
        with_files = ("export", "picture", "import")
        odd = [each for each in followed if command_path(each)[-1] not in with_files]
        assert not odd, odd

    async def checked(self) -> None:
        """Check the final state: no pings, correct charges, and normal requests still work."""
        harness = self.harness
        await harness.settled()
        self.answered_once()
        before = harness.rows("SELECT count(*) FROM pictures")[0][0]
        await harness.alice.slash(harness.channel, "imagine", prompt="an honest lake")
        await harness.settled()
        assert harness.rows("SELECT count(*) FROM pictures")[0][0] == before + 1
        assert harness.rows(LEDGER) == []
        assert harness.rows("SELECT 1 FROM deliveries WHERE state = 'pending'") == []
        for request in harness.env.http_requests:
            if request.method in ("POST", "PATCH") and isinstance(request.json, dict):
                check_harmless(request.json)


def check_harmless(body: dict[str, Any]) -> None:
    """Check that a request body has valid text within Discord's limits and mentions nobody."""
    if body.get("type") == 9:  # a modal, whose texts cannot mention anybody
        str(body).encode()
        return
    body = body.get("data") or body
    mentions = body.get("allowed_mentions", {"parse": []})
    assert mentions["parse"] == [] and not mentions.get("roles"), body
    shown = [body.get("content") or ""]
    todo = list(body.get("components", []))
    while todo:
        part = todo.pop()
        shown.append(part.get("content") or "")
        todo += [*part.get("components", []), *filter(None, [part.get("accessory")])]
    text = "\n".join(shown)
    text.encode()
    assert len(text) <= 4000 and not PINGS.search(text), text
    if "content" in body or "components" in body:
        assert "allowed_mentions" in body, body
