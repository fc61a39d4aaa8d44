"""Reads everything in a data folder with the classes that the bot uses."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from engine.types import Recipe, request_from_json, request_to_json
from storage.blocks import Blocks
from storage.database import Database
from storage.deliveries import Deliveries
from storage.history import History
from storage.inputs import Inputs
from storage.jobs import Jobs
from storage.log_channels import LogChannels
from storage.log_entries import LogEvent
from storage.preferences import Preferences, Threads
from storage.proposals import Proposals
from storage.quotas import Quotas
from storage.reports import Reports
from storage.types import Clock, PolicySource, QuotaPolicy

FALLBACK = QuotaPolicy(500, 24, PolicySource.CONFIG)
WORDS = ("lake", "红船", "boat two", "nothing of the kind")
"""Search terms."""
_NAMED_BEFORE = {
    ("Delivery", "route"): "road",
    ("Delivery", "fallback_reason"): "detour",
    ("Proposal", "batch"): "wish",
}
"""Fields renamed in Python since the recording; their columns still have the old names."""

_ADDED: dict[tuple[str, str], Any] = {
    ("Job", "own_locale"): "",
    ("StoredSettings", "locale"): None,
    ("StoredPicture", "note"): None,
    ("StoredSettings", "timezone"): None,
    ("StoredSettings", "weighted"): None,
    ("QuotaPolicy", "role_id"): None,
    ("Block", "until"): None,
    ("QuotaPolicy", "zone"): "UTC",
    ("QuotaStatus", "granted"): 0,
}
"""Fields that the recording does not have, each with what old rows say."""


def plain(value: Any) -> Any:
    """Convert dataclasses, enums and datetimes to plain JSON values."""
    return json.loads(json.dumps(value, default=_plainer))


def _plainer(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        kind = type(value).__name__
        return {
            _NAMED_BEFORE.get((kind, name), name): each
            for name, each in fields.items()
            if (kind, name) not in _ADDED or each != _ADDED[kind, name]
        }
    return str(value)


async def read_everything(db: Database, clock: Clock, ids: Mapping[str, int]) -> dict[str, Any]:
    """Return everything that can be read from the database. ids: servers, channels and users by
    name."""
    jobs, deliveries, inputs = Jobs(db, clock, str), Deliveries(db, clock), Inputs(db, clock)
    history, reports, proposals = History(db, clock), Reports(db, clock), Proposals(db, clock)
    job_ids, picture_ids, proposal_ids = [
        [row["id"] for row in await db.fetch_all(f"SELECT id FROM {table} ORDER BY id")]
        for table in ("jobs", "pictures", "proposals")
    ]
    people = {name: ids[name] for name in ("alice", "bob", "carol", "dave")}
    return plain(
        {
            "jobs": [await _job(jobs, each) for each in job_ids],
            "deliveries": [await deliveries.get(each) for each in job_ids],
            "inputs": {each: await inputs.of_job(each) for each in job_ids},
            "pictures": {each: await _picture(history, jobs, each) for each in picture_ids},
            "cases": {each: await reports.last_for(each) for each in picture_ids},
            "open cases": [each.id for each in await reports.open(ids["guild"], 100)],
            "proposals": [await proposals.get(each) for each in proposal_ids],
            "people": {
                name: await _member(db, clock, ids, user_id) for name, user_id in people.items()
            },
            "blocked": await Blocks(db, clock).blocked(ids["guild"]),
        }
    )


async def _job(jobs: Jobs, job_id: int) -> Any:
    job = await jobs.get(job_id)
    assert job is not None
    # The row is the reference: parsing and serialising a request must not lose anything.
    assert request_to_json(request_from_json(job.request)) == job.request, job_id
    return _without("request", job)


async def _picture(history: History, jobs: Jobs, picture_id: int) -> Any:
    picture = await history.get(picture_id)
    if picture is None:
        return None
    assert Recipe.from_json(picture.recipe).to_json() == picture.recipe, picture_id
    job = await jobs.get(picture.job_id)
    assert job is not None and picture.spoiler == job.spoiler, picture_id
    return _without("recipe", _without("spoiler", picture))  # not read when it was recorded


def _without(field: str, value: Any) -> dict[str, Any]:
    return {name: each for name, each in plain(value).items() if name != field}


async def _levels(db: Database, clock: Clock, place: tuple[int, int, int]) -> dict[str, Any]:
    """Return the settings of a place, with the channel of reports, which has its own table now."""
    channel = await LogChannels(db, clock).of(place[0], LogEvent.REPORTS)
    chosen = {"server": None if channel is None else channel.channel_id}
    levels = plain(await Preferences(db, clock).levels(*place))
    return {
        name: level and level | {"reports_channel_id": chosen.get(name)}
        for name, level in levels.items()
    }


async def _member(db: Database, clock: Clock, ids: Mapping[str, int], user_id: int) -> Any:
    guild_id, history, quotas = ids["guild"], History(db, clock), Quotas(db, clock)
    who = (user_id, guild_id)
    channels, threads = ("channel", "mods"), Threads(db, clock)
    return {
        "history": [each.id for each in await history.page(*who, None, 100)],
        "favourites": [each.id for each in await history.favourites(*who, None, 100)],
        "found": {
            words: [each.id for each in await history.search(*who, words, None, 100)]
            for words in WORDS
        },
        "quota": await quotas.status(guild_id, user_id, FALLBACK),
        "settings": {
            name: await _levels(db, clock, (guild_id, ids[name], user_id)) for name in channels
        },
        "threads": {
            name: await threads.thread_of(guild_id, ids[name], user_id) for name in channels
        },
    }
