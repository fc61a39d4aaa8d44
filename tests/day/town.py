"""A public server with its members, roles and channels, the bot, and the reference."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import discord

from bot.accounts.rules import books
from bot.delivery import worker
from bot.jobs import admission, cancellation
from bot.moderation.filter import prompt_filter
from bot.privacy import purging
from bot.runtime import maintenance
from storage.database import FILE_NAME
from tests import fakes
from tests.bot.discord.harness import BotHarness, make_settings
from tests.databases import place_new_database
from tests.day.asking import Asker
from tests.day.calendar import Calendar
from tests.day.decisions import Decisions
from tests.day.ledger import Ledger
from tests.day.traces import spellings_of_number, spellings_of_text
from tests.fakes import FakeClock, ScriptedRenderer

CHANGES: Final = {
    # When the zone's clocks are set forward and back; in Havana at midnight.
    "Europe/Berlin": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "America/Havana": (datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 11, 1, 5, tzinfo=UTC)),
}
DEFAULT: Final = (6, 3)
"""The bot's own quota: pictures and hours."""
CEILING_HOURS: Final = 3
ROLES: Final = ("artists", "patrons", "muted")
CHANNELS: Final = ("lounge", "slow", "few", "calm", "whispers")
QUEUE: Final = 300
REQUESTS_PER_MEMBER: Final = 7
SETTLE_S: Final = 600.0
_LETTERS: Final = "bcdfghjklmnpqrstvwxz"
_SECRET_CHARS: Final = 9
_REAL_TIME: Final[tuple[tuple[Any, str, Any], ...]] = (
    (worker, "EARLIER_EDITS_S", 0.0),  # nothing that a killed bot sent is on its way
    (maintenance, "ROUND_INTERVAL_S", 0.3),
    (purging, "WAITS_S", (0.05,)),
    (cancellation, "LOOK_EVERY_S", 0.2),
    # Others may want the same processors, and hundreds ask at once.
    (admission, "ACCEPT_LIMIT_S", 120.0),
    (books, "READ_LIMIT_S", 120.0),
    (prompt_filter, "READ_LIMIT_S", 120.0),
    (fakes, "HELD_LIMIT_S", 600.0),
)
"""What goes by the real clock, while the simulated one runs hundreds of times as fast."""


@dataclass
class Person:
    """A member. secret: a word in everything that they write, nobody else's. fated: they will be
    erased."""

    actor: Any
    name: str
    secret: str
    roles: frozenset[int]
    fated: bool = False
    erased: bool = False
    written: int = 0

    @property
    def id(self) -> int:
        return self.actor.id

    def words(self, beginning: str = "a lake") -> str:
        """Return a new text of theirs, with letters that JSON escapes."""
        self.written += 1
        return f"{beginning} {self.secret}n{self.written} café 湖"

    def spellings(self) -> list[bytes]:
        """Return how their id, name and words can be written in a file."""
        texts = spellings_of_text(self.secret) | spellings_of_text(self.name)
        return sorted(texts | spellings_of_number(self.id))


@dataclass
class Scale:
    """How large a day is. kills: how often the bot is killed. erasures: of so many members.
    crowds: how often a member asks at once for as many pictures as `crowd`."""

    seed: int = 1
    members: int = 1000
    hours: int = 24
    minutes_per_step: int = 5
    kills: int = 12
    erasures: int = 40
    crowds: int = 3
    crowd: int = 200


@dataclass
class Town:
    """What every part of the day works with. wrong: broken promises, with where they were seen.
    ahead: by how much Discord's clock is ahead of the bot's."""

    scale: Scale
    folder: Path
    harness: BotHarness
    rng: random.Random
    people: list[Person] = field(default_factory=list[Person])
    places: dict[str, Any] = field(default_factory=dict[str, Any])
    roles: dict[str, Any] = field(default_factory=dict[str, Any])
    askers: dict[str, Asker] = field(default_factory=dict[str, Asker])
    wrong: list[str] = field(default_factory=list[str])
    counts: Counter[str] = field(default_factory=Counter[str])
    decisions: Decisions = field(default_factory=Decisions)
    ledger: Ledger = field(init=False)

    @property
    def now(self) -> datetime:
        """The bot's time."""
        return self.harness.clock.now

    @property
    def renderer(self) -> ScriptedRenderer:
        return self.harness.renderer

    @property
    def admin(self) -> Any:
        return self.harness.admin

    @property
    def asker(self) -> Asker:
        """A client in the open channel."""
        return self.askers["open"]

    def violation(self, what: str) -> None:
        """Note a broken promise."""
        self.wrong.append(f"{self.now:%d %H:%M} {what}")

    def expect(self, condition: object, what: Callable[[], str] | str) -> None:
        """Note a broken promise unless the condition holds."""
        if not condition:
            self.violation(what if isinstance(what, str) else what())

    def present(self) -> list[Person]:
        """Return the members who were not erased."""
        return [each for each in self.people if not each.erased]

    async def decide(self, name: str, by: Any = None, /, **options: Any) -> str:
        """Run an admin's command as Discord's client sends it; return the answer."""
        result = await (by or self.admin).slash(self.harness.channel, name, **options)
        self.counts["decisions"] += 1
        text = self.harness.texts(result.response)
        self.expect(result.ephemeral and text, f"/{name} was answered {text!r}")
        return text

    async def settled(self) -> None:
        """Wait until every job has ended and every result is delivered."""
        async with asyncio.timeout(SETTLE_S):
            while self.harness.rows("SELECT 1 FROM jobs WHERE finished_at IS NULL LIMIT 1"):
                await asyncio.sleep(0.01)
        await self.harness.settled()

    def pass_time(self, span: timedelta) -> None:
        """Let time pass, for the bot and for Discord."""
        self.harness.clock.advance(span.total_seconds())
        backend = self.harness.env.backend
        backend.advance_clock(span.total_seconds())
        # What simcord remembers of every event is not looked at again.
        backend.transcript.clear()
        backend.http_requests.clear()


@contextmanager
def simulated_time() -> Iterator[None]:
    """Let the bot's own loops look more often, for an hour takes seconds, and be patient."""
    before = [getattr(module, name) for module, name, _ in _REAL_TIME]
    for module, name, value in _REAL_TIME:
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name, _), value in zip(_REAL_TIME, before, strict=True):
            setattr(module, name, value)


async def found(scale: Scale, folder: Path) -> Town:
    """Start the bot on a new server and let its members join."""
    rng = random.Random(f"day {scale.seed}")
    zone = rng.choice(sorted(CHANGES))
    begin = rng.choice(CHANGES[zone]) - timedelta(hours=max(1, scale.hours // 3))
    data_dir = folder / "data"
    place_new_database(data_dir / FILE_NAME)
    renderer = ScriptedRenderer()
    harness = BotHarness(_settings(scale, data_dir, None), renderer.load, FakeClock(begin))
    await harness.start()
    await harness.app.engine.ready()
    harness.env.settle_timeout = SETTLE_S
    town = Town(scale, folder, harness, rng)
    backend = harness.env.backend
    backend.advance_clock((begin - backend.clock.now()).total_seconds())
    _build(town)
    town.ledger = Ledger(
        Calendar(zone, begin),
        {each.id: each.roles for each in town.people},
        DEFAULT,
        (ceiling(scale), CEILING_HOURS),
    )
    # The owners' commands are those of one server, which exists only now.
    await harness.stop()
    harness.settings = _settings(scale, data_dir, harness.guild.id)
    await harness.start()
    await harness.app.engine.ready()
    await town.decide("admin settings server", timezone=zone)
    return town


def ceiling(scale: Scale) -> int:
    """Return what all members together may have painted in CEILING_HOURS: a little more than they
    usually are let to."""
    share = min(1.0, CEILING_HOURS / scale.hours)
    return int(scale.members * REQUESTS_PER_MEMBER * share)


def _settings(scale: Scale, data_dir: Path, owner_server: int | None) -> Any:
    return make_settings(
        data_dir,
        discord={"owner_server": owner_server},
        engine={"queue_limit": QUEUE, "user_limit": None},
        quota={
            "pictures": DEFAULT[0],
            "hours": DEFAULT[1],
            "server_pictures": ceiling(scale),
            "server_hours": CEILING_HOURS,
            "cancelled_s": 0.0,
        },
    )


def _build(town: Town) -> None:
    harness, rng, scale = town.harness, town.rng, town.scale
    guild, env = harness.guild, harness.env
    town.roles = {name: guild.create_role(name) for name in ROLES}
    town.places = {"open": harness.channel}
    town.places |= {name: guild.create_text_channel(name) for name in CHANNELS}
    blind = discord.PermissionOverwrite(view_channel=False)
    see = discord.PermissionOverwrite(view_channel=True)
    staff = dict.fromkeys((harness.moderator, harness.admin, guild.me), see)
    hidden = {guild.default_role: blind, **staff}
    town.places["mods"] = guild.create_text_channel("mods", overwrites=hidden)
    town.askers = {
        name: Asker(harness, place) for name, place in town.places.items() if name != "mods"
    }
    fated = set(rng.sample(range(scale.members), scale.erasures))
    for number in range(scale.members):
        word = "".join(rng.choice(_LETTERS) for _ in range(_SECRET_CHARS))
        held = [town.roles[each] for each in ROLES if rng.random() < 0.15]
        actor = guild.add_member(env.create_user(f"zn{word}"), roles=held)
        roles = frozenset(each.id for each in held)
        town.people.append(Person(actor, f"zn{word}", f"zq{word}", roles, number in fated))
