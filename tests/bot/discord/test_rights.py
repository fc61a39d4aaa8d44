"""Who may do what: every command, menu and button, used by everybody there is."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.accounts.rules import imports
from bot.accounts.rules.transfer import write
from bot.discord.interaction.auditing import AGAINST_OTHERS, AUDITED, NO_ENTRY, ROOTS
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.wording.audit import SENTENCES
from engine.sketch import MODEL_DIR
from storage.access_rules import WHOLE_SERVER, RuleKind, ServerAccess, StoredRule
from storage.types import Place
from tests.bot.discord.fuzzer import DELETED_ROLE, FILES, Fuzzer, commands, menus
from tests.bot.discord.harness import BotHarness, make_settings, open_harness
from tests.fakes import ScriptedRenderer

TABLE = tomllib.loads((Path(__file__).parent / "rights.toml").read_text(encoding="utf-8"))
ROLES = ("member", "moderator", "admin", "owner")
REFUSAL = "You do not have permission to do that here."
SECTIONS: dict[str, Any] = {
    "quota": {"pictures": 10_000},
    "engine": {"user_limit": None, "models": {"second": {"source": str(MODEL_DIR)}}},
}
SELECT = 3
RULES = write(
    ServerAccess((StoredRule(WHOLE_SERVER, RuleKind.COUNT, "3"),), frozenset()), lambda _: None
).encode()
"""A file for /admin rules import."""


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    least: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    audit: str = ""
    says: str = REFUSAL
    on: str = ""
    value: str = ""
    form: bool = False

    def allows(self, role: str) -> bool:
        return self.least != "nobody" and ROLES.index(role) >= ROLES.index(self.least)


def rows(section: str) -> dict[str, Row]:
    return {name: Row(**fields) for name, fields in TABLE[section].items()}


class Walk:
    """Uses commands and buttons as each of the people, and sees what comes of it."""

    def __init__(self, harness: BotHarness) -> None:
        self.harness = harness
        self.fuzzer = Fuzzer(harness)
        join, user = harness.guild.add_member, harness.env.create_user
        self.carol = join(user("carol"))
        people = (harness.bob, harness.moderator, harness.admin, join(user("owner")))
        self.people = dict(zip(ROLES, people, strict=True))
        self.pictures: Iterator[int] = iter(())

    @property
    def tree(self) -> Any:
        return self.harness.app.client.tree

    def commands(self) -> dict[str, Any]:
        """Return all commands by name, with those of the owners' server."""
        own = self.tree.get_commands(guild=discord.Object(self.harness.guild.id))
        return {each.qualified_name: each for each in commands([*self.tree.get_commands(), *own])}

    async def paint(self, pictures: int) -> None:
        """Paint pictures of a member."""
        for number in range(pictures):
            await self.harness.alice.slash(self.harness.channel, "imagine", prompt=f"lake {number}")
        await self.harness.settled()
        self.pictures = iter(range(1, pictures + 1))

    async def wait(self) -> int:
        """Let a job of a member wait until `release`; return it."""
        harness = self.harness
        harness.renderer.hold()
        await harness.bob.slash(harness.channel, "imagine", prompt="in the way")
        await harness.alice.slash(harness.channel, "imagine", prompt="waits")
        return harness.rows("SELECT max(id) FROM jobs")[0][0]

    async def release(self) -> None:
        """Paint what waits."""
        self.harness.renderer.release()
        await self.harness.settled()

    def value(self, chosen: Any) -> Any:
        """Return what a value of the table stands for."""
        named = {
            "@bob": self.harness.bob,
            "@carol": self.carol,
            "#painting": self.harness.channel,
            "file": FILES[0],
            "words": ("words.txt", b"zebra\n"),
            "rules": ("rules.json", RULES),
            "&painters": self.fuzzer.role,
            "@everyone": self.harness.guild.default_role,
        }
        return named.get(chosen, chosen) if isinstance(chosen, str) else chosen

    async def checked(self, row: Row, role: str, use: Any, audited: bool) -> str:
        """Use something; return what is wrong with what came of it, "" for nothing.

        audited: an entry is expected.
        """
        sent, before = len(self.harness.env.http_requests), self.entries()
        await use
        await self.harness.env.settle()
        text = self.said(sent)
        wrong = [] if text else ["no answer"]
        if (row.says in text) is row.allows(role):
            wrong.append("refused" if row.allows(role) else "allowed")
        if "went wrong" in text:
            wrong.append("an error")
        new = [action for action, actor in self.entries()[len(before) :]]
        expected = [row.audit] if audited and row.audit else []
        if (audited or not row.allows(role) or not row.audit) and new != expected:
            wrong.append(f"entries {new}")
        return f"{', '.join(wrong)}: {text[:100]}" if wrong else ""

    def pressed(self, person: Any, text: str, row: Row) -> Any:
        """Use a button, a menu or a form."""
        if row.form:
            return self.fuzzer.fill_in(person, text, "why", ("reason", "message"))
        if not row.value:
            return self.fuzzer.press(person, text, ephemeral=row.on == "rules")
        value = self.value(row.value)
        chosen = value if isinstance(value, str) else str(value.id)
        return self.fuzzer.press(person, text, SELECT, value=chosen)

    def entries(self) -> list[tuple[str, int]]:
        return self.harness.rows("SELECT action, actor_id FROM audit_log ORDER BY id")

    def said(self, since: int) -> str:
        """Return all that the bot has answered since."""
        found: list[str] = []
        for request in self.harness.env.http_requests[since:]:
            if "callback" in request.path or "webhooks" in request.path:
                found.append(json.dumps(request.json, ensure_ascii=False))
        return " ".join(found)

    async def row_id(self, row: Row, person: Any) -> int:
        """Return the number for a button, of something new that belongs to another member."""
        harness, stores = self.harness, self.harness.app.stores
        place = Place(harness.guild.id, harness.channel.id, person.id)
        match row.on:
            case "picture":
                return next(self.pictures) if row.audit else 1
            case "report":
                await stores.blocks.unblock(harness.guild.id, harness.alice.id)
                picture_id = next(self.pictures)
                await stores.reports.file(picture_id, self.carol.id, "why")
                return picture_id
            case "job":
                return await self.wait()
            case "cancel":
                if row.audit:
                    await self.wait()
                question = json.dumps({"cancel": harness.alice.id})
                return (await stores.proposals.ask(place, question)).id
            case "rules":
                access = await stores.access_rules.of(harness.guild.id)
                before = imports._fingerprint(access)
                question = json.dumps({imports._FILE: RULES.decode(), imports._BEFORE: before})
                return (await stores.proposals.ask(place, question)).id
            case "announcement":
                question = json.dumps({"announce": "hello"})
                return (await stores.proposals.ask(place, question)).id
            case "erase":
                question = json.dumps({"erase": self.carol.id})
                return (await stores.proposals.ask(place, question)).id
            case _:
                return 0


@pytest.fixture
async def walk(data_dir: Path) -> Any:
    """A bot with several models, and everybody there is."""
    async with open_harness(data_dir, ScriptedRenderer().load, **SECTIONS) as harness:
        found = Walk(harness)
        owners = {
            "discord": {
                "owners": [found.people["owner"].id],
                "owner_server": harness.guild.id,
                "welcome": False,
            }
        }
        await harness.stop()
        harness.settings = make_settings(data_dir, **SECTIONS | owners)
        await harness.start()
        await harness.app.engine.ready()
        yield found
        harness.renderer.release()


async def test_everything_has_a_row(walk: Walk) -> None:
    """A command, menu or button that nobody decided about is refused, and so is a row for none."""
    assert set(TABLE["commands"]) == walk.commands().keys()
    assert set(TABLE["menus"]) == set(menus(walk.tree.get_commands()))
    assert set(TABLE["buttons"]) == {each.value for each in ComponentAction}


def test_what_leaves_an_entry_is_what_the_seam_drafts() -> None:
    """An administrative command without an entry is one that only shows or asks something, and
    every button with an entry is one that the seam knows."""
    for name, row in rows("commands").items():
        assert not row.audit or (name.split()[0] in ROOTS and name not in NO_ENTRY), name
        assert row.least == "member" or name.split()[0] in ROOTS, name
        assert not row.audit or row.audit == name
    for name, row in rows("buttons").items():
        drafted = AUDITED.get(ComponentAction(name))
        assert not row.audit or (drafted is not None and drafted.action == row.audit), name
    audited = {row.audit for each in ("commands", "buttons") for row in rows(each).values()}
    assert audited - {""} == SENTENCES.keys() and set(AGAINST_OTHERS.values()) <= audited


async def test_commands(walk: Walk) -> None:
    """Every command does what the table says for everybody, and leaves the entry that it says."""
    harness = walk.harness
    await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
    await harness.settled()
    found = walk.commands()
    wrong: dict[str, str] = {}
    for name, row in rows("commands").items():
        chosen = {key: walk.value(value) for key, value in row.options.items()}
        for role, person in walk.people.items():
            use = walk.fuzzer.use(person, found[name], chosen)
            if problem := await walk.checked(row, role, use, audited=role == row.least):
                wrong[f"{name} as {role}"] = problem
    assert not wrong, "\n".join(f"{name}: {problem}" for name, problem in wrong.items())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("admin access role", {"role": "@everyone"}),
        ("admin rules set", {"what": "count", "value": "3", "who": "@bob", "where": "#painting"}),
        ("admin rules remove", {"who": "@bob", "where": "#painting"}),
        ("admin quota set", {"who": DELETED_ROLE, "pictures": 5}),
        ("admin quota clear", {"who": DELETED_ROLE}),
        ("admin settings server", {"timezone": "Mars/Olympus"}),
        ("admin settings channel", {"count": "99"}),
    ],
)
async def test_whoever_may_not_learns_nothing_else(
    walk: Walk, name: str, options: dict[str, Any]
) -> None:
    """What is wrong with what was chosen is said only to whoever may use a command."""
    chosen = {key: walk.value(value) for key, value in options.items()}
    command, row = walk.commands()[name], Row("admin")
    for role in ("member", "moderator"):
        use = walk.fuzzer.use(walk.people[role], command, chosen)
        assert await walk.checked(row, role, use, audited=False) == ""


async def test_menus(walk: Walk) -> None:
    """Every context menu does what the table says for everybody."""
    harness = walk.harness
    await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
    await harness.settled()
    message = harness.message_with_picture()
    wrong: dict[str, str] = {}
    for name, row in rows("menus").items():
        for role, person in walk.people.items():
            use = walk.fuzzer.choose(person, name, message)
            if problem := await walk.checked(row, role, use, audited=False):
                wrong[f"{name} as {role}"] = problem
    assert not wrong, "\n".join(f"{name}: {problem}" for name, problem in wrong.items())


@pytest.mark.parametrize(
    "on", ["picture", "report", "job", "cancel", "erase", "rules", "announcement", ""]
)
async def test_buttons(walk: Walk, on: str) -> None:
    """Every button and menu of the bot does what the table says for everybody, with what belongs to
    another member, and leaves the entry that it says."""
    uses = {name: row for name, row in rows("buttons").items() if row.on == on}
    each_time = [row for row in uses.values() if row.on == "report" or row.audit]
    await walk.paint(1 + len(ROLES) * len(each_time) * (on in ("picture", "report")))
    if on == "picture":
        next(walk.pictures)  # for the buttons after which it is still there
    wrong: dict[str, str] = {}
    for name, row in uses.items():
        for role, person in walk.people.items():
            text = custom_id(ComponentAction(name), await walk.row_id(row, person))
            use = walk.pressed(person, text, row)
            if problem := await walk.checked(row, role, use, audited=role == row.least):
                wrong[f"{name} as {role}"] = problem
            await walk.release()
    assert not wrong, "\n".join(f"{name}: {problem}" for name, problem in wrong.items())
