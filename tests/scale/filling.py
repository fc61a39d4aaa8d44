"""Fill a database of the first schema quickly with as many pictures as a busy year brings."""

import asyncio
import dataclasses
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from engine.loras import LoraUse
from engine.types import Conditions, ImageRequest, Recipe, request_to_json
from storage.database import Database
from storage.migrate import load_migrations
from storage.timestamps import to_us
from storage.types import Place
from tests.scale.prompts import FOREIGN, RARE, Prompts

GUILD_ID: Final = 1_100_000_000_000_000_000
"""Discord's ids have 18 or 19 digits."""
CHANNEL_ID: Final = GUILD_ID + 1
START: Final = datetime(2025, 1, 1, tzinfo=UTC)
EVERY: Final = timedelta(seconds=30)
"""The time between two pictures."""

_BATCH: Final = 10_000
FAILS_EVERY: Final = 20
"""One job fails per this many pictures."""
_RARE_AT: Final = 3
"""The index of a user's picture with the rare words."""
_MARK: Final = "PROMPT"
_SEED: Final = 20261121
_REQUEST: Final = ImageRequest(
    prompt=_MARK,
    effective_prompt=f"{_MARK}, highly detailed, sharp focus",
    negative_prompt="",
    seed=_SEED,
    width_px=1024,
    height_px=1024,
    steps=8,
    guidance=1.0,
)
MODEL: Final = "base"
LORA: Final = "ink"
_NAMED: Final = (
    _REQUEST,
    dataclasses.replace(_REQUEST, model=MODEL),
    _REQUEST,
    dataclasses.replace(_REQUEST, model=MODEL, loras=(LoraUse(LORA, 0.8),)),
)
"""Requests by turns, with and without names that a search finds."""
_NAMES_CHANGE_EVERY: Final = 997
"""Pictures painted by the same request, so that every user has some of each. Prime."""
_RECIPE: Final = Recipe(
    model="Tongyi-MAI/Z-Image-Turbo",
    revision="5f1e0b9c" * 5,
    family="z-image-turbo",
    request=_REQUEST,
    conditions=Conditions(
        device="NVIDIA GeForce RTX 4090",
        threads=None,
        dtype="bfloat16",
        attention="sdpa",
        plan="resident",
        versions={"torch": "2.11.0", "diffusers": "0.42.1", "transformers": "5.23.0"},
    ),
)


@dataclass(frozen=True, slots=True)
class FillingCrowd:
    """Assigns pictures to users: `owner` maps the number of a picture to its owner.

    Owner 0 is never measured.
    """

    name: str
    owner: Callable[[int], int]
    measured: tuple[int, ...]


def many(users: int) -> FillingCrowd:
    """Everyone paints as much as everyone else."""
    return FillingCrowd(
        f"{users:,} people", lambda number: number % users, tuple(range(1, users))[:50]
    )


def one() -> FillingCrowd:
    """One user paints nearly everything."""
    return FillingCrowd("one person", lambda number: 0 if number % 1000 == 0 else 1, (1,))


def place_of(owner: int) -> Place:
    """The place and the user of an owner."""
    return Place(guild_id=GUILD_ID, channel_id=CHANNEL_ID, user_id=GUILD_ID + 1000 + owner)


def fill(path: Path, pictures: int, crowd: FillingCrowd) -> None:
    """Create the database; besides the jobs of the pictures, some failed. Blocking."""
    asyncio.run(_create(path))
    filling = _Filling(crowd)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for first in range(0, pictures, _BATCH):
            for number in range(first, min(pictures, first + _BATCH)):
                filling.add(number)
            for table, rows in filling.rows.items():
                marks = ", ".join("?" * len(rows[0]))
                names = ", ".join(rows[0])
                values = (tuple(row.values()) for row in rows)
                connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
            filling.rows = {}
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def _create(path: Path) -> None:
    await (await Database.open(path, migrations=load_migrations()[:1])).close()


@dataclass
class _Filling:
    crowd: FillingCrowd
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])

    def __post_init__(self) -> None:
        self._prompts = Prompts(_SEED)
        self._random = random.Random(_SEED)
        self._painted: Counter[int] = Counter()
        self._job_id = 0
        self._request = request_to_json(_REQUEST)
        self._recipes = [dataclasses.replace(_RECIPE, request=each).to_json() for each in _NAMED]

    def add(self, number: int) -> None:
        owner = self.crowd.owner(number)
        place = dataclasses.asdict(place_of(owner))
        now_us = to_us(START + number * EVERY)
        prompt = self._prompt(owner)
        if number % FAILS_EVERY == 0:
            self._job(place, prompt, now_us, "failed")
        self._job(place, prompt, now_us, "painted")
        recipe = self._recipes[number // _NAMES_CHANGE_EVERY % len(self._recipes)]
        self._rows("pictures").append(
            {
                "job_id": self._job_id,
                "guild_id": place["guild_id"],
                "user_id": place["user_id"],
                "file": f"pictures/2025/{number // 100_000:02}/zimagine-{number}.png",
                "sha256": self._random.randbytes(32).hex(),
                "recipe": _written(recipe, prompt),
                "seed": number,
                "width_px": 1024,
                "height_px": 1024,
                "duration_s": 4.2,
                "painted_at": now_us + 6_000_000,
            }
        )

    def _job(self, place: dict[str, int], prompt: str, now_us: int, state: str) -> None:
        self._job_id += 1
        job_id, finished_us = self._job_id, now_us + 6_000_000
        self._rows("jobs").append(
            {
                "id": job_id,
                **place,
                "state": state,
                "request": _written(self._request, prompt),
                "prompt": prompt,
                "seed": job_id,
                "pictures": 1,
                "attempts": 1,
                "locale": "zh-CN",
                "accepted_at": now_us,
                "started_at": now_us + 1_000_000,
                "finished_at": finished_us,
            }
        )
        self._rows("ledger").append(
            {
                "job_id": job_id,
                "guild_id": place["guild_id"],
                "user_id": place["user_id"],
                "pictures": 1,
                "charged_at": now_us,
                "refunded_at": finished_us if state == "failed" else None,
            }
        )
        self._rows("deliveries").append(
            {
                "job_id": job_id,
                "state": "delivered",
                "channel_id": CHANNEL_ID,
                "message_id": GUILD_ID + job_id,
                "road": "edit",
                "nonce": f"old-{job_id}",
                "attempted_at": finished_us,
                "settled_at": finished_us,
                "result_message_id": GUILD_ID + job_id,
            }
        )

    def _prompt(self, owner: int) -> str:
        before, self._painted[owner] = self._painted[owner], self._painted[owner] + 1
        words = [self._prompts.next()]
        if owner == 0:
            words += FOREIGN
        elif before == _RARE_AT:
            words += RARE
        return " ".join(words)

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return self.rows.setdefault(table, [])


def _written(text: str, prompt: str) -> str:
    return text.replace(_MARK, json.dumps(prompt, ensure_ascii=False)[1:-1])
