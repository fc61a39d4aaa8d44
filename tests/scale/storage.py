"""Measure the speed of storage with a million pictures: `python -m tests.scale.storage`."""

import argparse
import asyncio
import itertools
import secrets
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Final

from bot.accounts.rules.books import RuleBooks
from bot.accounts.rules.check import ruled
from bot.accounts.rules.decision import MemberFacts, WantedPicture
from bot.accounts.rules.values import to_json
from bot.request.reasons.rules import RuleValue
from engine.diffusion.families import Speed
from storage.access_rules import AccessRules, RuleKind, RuleScope, RuleSubject, StoredRule
from storage.database import Database
from storage.deliveries import Deliveries
from storage.history import History
from storage.jobs import Jobs
from storage.preferences import Preferences
from storage.quota_policies import EVERYBODY, QuotaSubject
from storage.quotas import Quotas
from storage.search import PictureQuery
from storage.shown import ShownPictures
from storage.types import Job, NewJob, NewPicture, PolicySource, QuotaPolicy
from tests.scale.filling import (
    EVERY,
    FAILS_EVERY,
    GUILD_ID,
    LORA,
    MODEL,
    START,
    FillingCrowd,
    fill,
    many,
    one,
    place_of,
)
from tests.scale.prompts import FOREIGN, RARE, Prompts
from tests.scale.stopwatch import Timing, machine, table, timed

DAY: Final = QuotaPolicy(pictures=1_000_000, hours=24, source=PolicySource.CONFIG)
YEAR: Final = QuotaPolicy(pictures=1_000_000, hours=8760, source=PolicySource.CONFIG)
ROLES: Final = frozenset(range(1, 10))
"""Of every user; each has a quota, and so has the server."""
RULED: Final[dict[RuleKind, RuleValue]] = {
    RuleKind.PAINT: True,
    RuleKind.SIZE: (1024, 1024),
    RuleKind.STEPS: 20,
    RuleKind.COUNT: 4,
    RuleKind.SPEED: Speed.FINE,
}
WANTED: Final = WantedPicture(1024, 1024, 8, 4, {Speed.FINE: 10})
RESERVE_GOAL_MS: Final = 3.0
READ_GOAL_MS: Final = 20.0
PAGE: Final = 10
NOBODYS: Final = "zzyzx"
SEARCHES: Final = {
    "a common word": "lake",
    "two common words": "mountain lake",
    "common words, seldom together": "lighthouse aurora 江南水乡",
    "a rare word": RARE[0],
    "others' word": FOREIGN[0],
    "nobody's word": NOBODYS,
    "common, 1 letter": "e",
    "common, 2 letters": "4k",
    "Chinese, common, 1 character": "湖",
    "Chinese, common, 2": "日落",
    "Chinese, common, 3": "水墨画",
    "Chinese, common, 4": "赛博朋克",
    "Chinese, rare, 1": RARE[1],
    "Chinese, rare, 2": RARE[2],
    "Chinese, rare, 3": RARE[3],
    "Chinese, rare, 4": RARE[4],
    "Chinese, others' word": FOREIGN[1],
    "mixed": "lake 日落",
    "mixed and rare": f"lake {RARE[2]}",
}
NOTED: Final = "birthday"
TEN_MONTHS: Final = PictureQuery(since=date(2025, 1, 3), until=date(2025, 11, 5))
FINDINGS: Final = {
    "ten months": TEN_MONTHS,
    "a common word in ten months": replace(TEN_MONTHS, text="lake"),
    "a model": PictureQuery(model=MODEL),
    "a LoRA and a common word": PictureQuery("lake", lora=LORA),
    "a note": PictureQuery(NOTED),
    "favourites with a common word": PictureQuery("lake", favourites=True),
    "everything at once": replace(TEN_MONTHS, text="lake", model=MODEL, lora=LORA),
}
GALLERY: Final = {
    "everything": PictureQuery(),
    "a common word": PictureQuery("lake"),
    "common words, seldom together": PictureQuery(SEARCHES["common words, seldom together"]),
    "a rare word": PictureQuery(RARE[0]),
    "nobody's word": PictureQuery(NOBODYS),
    "common, 1 letter": PictureQuery("e"),
    "Chinese, common, 1 character": PictureQuery("湖"),
    "Chinese, common, 4": PictureQuery("赛博朋克"),
    "mixed": PictureQuery("lake 日落"),
    "a seed": PictureQuery(seed=1),
    "a common word in ten months": replace(TEN_MONTHS, text="lake"),
    "a model and a LoRA": PictureQuery(model=MODEL, lora=LORA),
}
"""Of all members' pictures that channels saw."""
EXPECTED: Final = dict.fromkeys(RARE, 1) | dict.fromkeys((*FOREIGN, NOBODYS), 0)
"""The number of pictures that some of them match."""


class Town:
    """The real classes over one full database, for one user after another."""

    def __init__(self, db: Database, crowd: FillingCrowd, pictures: int) -> None:
        now = START + pictures * EVERY
        self.db = db
        self.history = History(db, lambda: now)
        self.shown = ShownPictures(db)
        self.deliveries = Deliveries(db, lambda: now)
        self.jobs = Jobs(db, lambda: now, partial(secrets.token_hex, 12))
        self.deep = pictures // 20
        self.quotas = Quotas(db, lambda: now)
        self._clock = lambda: now
        self._owners = crowd.measured
        self._people = itertools.cycle(crowd.measured)
        self._prompts = Prompts(seed=1)
        self._books = RuleBooks(AccessRules(db, lambda: now))
        self._waiting: list[int] = []
        self._numbers = itertools.count(1)

    async def accept(self, policy: QuotaPolicy = DAY, roles: frozenset[int] = frozenset()) -> None:
        place = place_of(next(self._people))
        new = NewJob(place, "{}", self._prompts.next(), seed=1, role_ids=roles)
        job = await self.jobs.accept(new, policy)
        assert isinstance(job, Job)
        self._waiting.append(job.id)

    async def rule(self) -> None:
        """Set ten quotas that match every user: the server's, and those of nine roles."""
        for guild_id in {place_of(each).guild_id for each in self._owners}:
            await Preferences(self.db, self._clock).set_server(
                guild_id, by=1, timezone="Europe/Berlin"
            )
            await self.quotas.set(guild_id, EVERYBODY, 1, 24, by=1)
            for role_id in ROLES:
                subject = QuotaSubject(PolicySource.ROLE, role_id)
                hours = None if role_id == max(ROLES) else 24
                await self.quotas.set(guild_id, subject, 100_000 + role_id, hours, by=1)

    async def decide(self) -> None:
        """Decide under ten quotas, without writing anything."""
        place = place_of(next(self._people))
        assert await self.quotas.refusal(place, DAY, 1, ROLES) is None

    async def write_rules(self) -> None:
        """Store ten rules that concern every user: the channel's, and those of nine roles."""
        rules = AccessRules(self.db, self._clock)
        for place in {place_of(each) for each in self._owners}:
            subjects = [
                RuleSubject(RuleScope.CHANNEL, place.channel_id),
                *(RuleSubject(RuleScope.ROLE, role_id) for role_id in ROLES),
            ]
            for subject, (kind, value) in zip(
                subjects, itertools.cycle(RULED.items()), strict=False
            ):
                stored = StoredRule(subject, kind, to_json(value))
                await rules.set(place.guild_id, stored, by=1)

    async def rule_on(self) -> None:
        """Decide about one request under ten rules, as accepting it does."""
        place = place_of(next(self._people))
        member = MemberFacts(place.user_id, ROLES, (place.channel_id,))
        book = await self._books.of(place.guild_id)
        assert book.forbidden(member, [WANTED]) is None and not ruled(book, member).private

    async def begin(self, jobs: int) -> None:
        for job_id in self._waiting[:jobs]:
            assert await self.jobs.painting(job_id)

    async def paint(self) -> None:
        job_id = self._waiting.pop(0)
        picture = NewPicture(f"pictures/{job_id}.png", "ab" * 32, "{}" * 400, 1, 64, 64, 1.0)
        await self.jobs.painted(job_id, picture)

    async def page(self, before_id: int | None) -> None:
        place = place_of(next(self._people))
        assert await self.history.page(place.user_id, place.guild_id, before_id, PAGE)

    async def mark(self, crowd: FillingCrowd) -> None:
        """Write a note on one picture of every measured user, which becomes their favourite."""
        for owner in crowd.measured:
            place = place_of(owner)
            (picture,) = await self.history.page(place.user_id, place.guild_id, None, 1)
            await self.history.write_note(picture.id, place.user_id, f"for a {NOTED}")
            await self.history.favour(picture.id, place.user_id)

    async def find(self, wanted: PictureQuery, before_id: int | None = None) -> None:
        place = place_of(next(self._people))
        owner = (place.user_id, place.guild_id)
        found = await self.history.find(*owner, wanted, before_id, PAGE)
        assert found or wanted.favourites or wanted.lora, wanted

    async def find_shown(self, wanted: PictureQuery) -> None:
        """Look for what everybody painted, in the channels that showed it."""
        channels = await self.shown.channels(GUILD_ID)
        found = await self.shown.find(GUILD_ID, channels, wanted, None, PAGE)
        assert found or wanted.indexed, wanted

    async def find_seed(self) -> None:
        """Look for a seed that was painted once, by whoever painted it."""
        place, number = place_of(next(self._people)), next(self._numbers)
        await self.history.find(
            place.user_id, place.guild_id, PictureQuery(seed=number), None, PAGE
        )

    async def search(self, text: str, before_id: int | None = None) -> None:
        place = place_of(next(self._people))
        found = await self.history.search(place.user_id, place.guild_id, text, before_id, PAGE)
        if text in EXPECTED:
            assert len(found) == EXPECTED[text], text


async def measure(path: Path, pictures: int, crowd: FillingCrowd, repeats: int) -> list[Timing]:
    """Migrate a filled database and time everything; one row each."""

    async def open_and_close() -> None:
        await (await Database.open(path)).close()

    timings = [
        await timed("migration from version 1", [open_and_close]),
        await timed("Database.open", [open_and_close] * repeats),
    ]
    async with await Database.open(path) as db:
        town = Town(db, crowd, pictures)
        timings += await _writing(town, repeats)
        timings += await _reading(town, crowd, repeats)
        timings.append(await _painting_unsearched(town, repeats))
    return timings


async def _writing(town: Town, repeats: int) -> list[Timing]:
    name = "Jobs.accept: quota check and reserve"
    timings = [
        await timed(name, [town.accept] * 3 * repeats, RESERVE_GOAL_MS),
        await timed(
            "the same, with a quota of a year",
            [lambda: town.accept(YEAR)] * repeats,
            RESERVE_GOAL_MS,
        ),
    ]
    await town.begin(repeats)
    timings.append(await timed("Jobs.painted", [town.paint] * repeats))
    await town.rule()
    ruled = [lambda: town.accept(DAY, ROLES)] * repeats
    timings += [
        await timed("Jobs.accept with ten quotas", ruled, RESERVE_GOAL_MS),
        await timed("the decision alone", [town.decide] * repeats, RESERVE_GOAL_MS),
    ]
    await town.write_rules()
    timings.append(
        await timed("the decision under ten rules", [town.rule_on] * repeats, RESERVE_GOAL_MS)
    )
    return timings


async def _painting_unsearched(town: Town, repeats: int) -> Timing:
    """Time Jobs.painted without the search index, which is restored afterwards."""
    (trigger,) = await town.db.fetch_all(
        "SELECT sql, (SELECT max(id) FROM pictures) AS last_id FROM sqlite_schema "
        "WHERE name = 'pictures_become_found'"
    )
    async with town.db.transaction() as transaction:
        await transaction.execute("DROP TRIGGER pictures_become_found")
    await town.begin(repeats)
    timing = await timed("Jobs.painted, nothing to be searched", [town.paint] * repeats)
    async with town.db.transaction() as transaction:
        await transaction.execute(trigger["sql"])
        await transaction.execute(
            "INSERT INTO pictures_search (rowid, tokens) "
            "SELECT p.id, picture_terms(p.guild_id, p.user_id, j.prompt, p.note, p.seed, "
            "p.painted_at, p.favourite_at, p.recipe) "
            "FROM pictures AS p JOIN jobs AS j ON j.id = p.job_id WHERE p.id > ?",
            (trigger["last_id"],),
        )
    return timing


async def _reading(town: Town, crowd: FillingCrowd, repeats: int) -> list[Timing]:
    works = {
        "History.page, first": lambda: town.page(None),
        "History.page, deep": lambda: town.page(town.deep),
    }
    for name, text in SEARCHES.items():
        works[f"search: {name}"] = lambda text=text: town.search(text)
    await town.mark(crowd)
    works["find: a seed"] = town.find_seed
    for name, wanted in FINDINGS.items():
        works[f"find: {name}"] = lambda wanted=wanted: town.find(wanted)
    for name, wanted in GALLERY.items():
        works[f"gallery: {name}"] = lambda wanted=wanted: town.find_shown(wanted)
    works["search: a common word, deep"] = lambda: town.search(SEARCHES["a common word"], town.deep)
    timings = [await timed(name, [work] * repeats, READ_GOAL_MS) for name, work in works.items()]
    waiting = len(await town.deliveries.pending())
    pending = await timed(f"Deliveries.pending, {waiting}", [town.deliveries.pending] * repeats)
    live = len((await town.jobs.recover()).queued)
    return [
        *timings,
        pending,
        await timed(f"Jobs.recover, {live} waiting", [town.jobs.recover] * repeats),
    ]


def run(folder: Path, pictures: int, users: int, repeats: int) -> dict[str, list[Timing]]:
    """Fill and measure a database for each crowd, one after the other. Blocking."""
    columns = {}
    for crowd, name in ((many(users), "many"), (one(), "one")):
        path = folder / f"{name}.db"
        if path.exists():
            raise SystemExit(f"{path} is there already")
        print(f"filling {path} …", file=sys.stderr)
        fill(path, pictures, crowd)
        print("measuring …", file=sys.stderr)
        columns[crowd.name] = asyncio.run(measure(path, pictures, crowd, repeats))
        size_mb = path.stat().st_size / 1e6
        print(f"{crowd.name}: {size_mb:,.0f} MB", file=sys.stderr)
    return columns


def main() -> None:
    """Print the table and the machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=1000, help="of the first database")
    parser.add_argument("--repeats", type=int, default=100, help="of each measurement")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the databases here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        columns = run(folder, chosen.pictures, chosen.users, chosen.repeats)
    jobs = chosen.pictures + -(-chosen.pictures // FAILS_EVERY)
    print(f"{datetime.now(UTC):%Y-%m-%d}. {machine()}.")
    print(f"{chosen.pictures:,} pictures and {jobs:,} jobs, charges and deliveries each.\n")
    print(table(columns))


if __name__ == "__main__":
    main()
