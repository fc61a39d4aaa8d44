"""The judge finds every kind of broken promise."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.delivery.attachments import PREVIEW_NAME
from bot.playground.audit import Record
from bot.playground.interactions import Interaction, InteractionKind
from bot.playground.model import Channel, ChannelType, MessageFlag
from tests.chaos.evidence import Evidence, UnrecordedJob
from tests.chaos.simulated_users import SentInteraction
from tests.chaos.verdict import judge

PERSON, OTHER, CHANNEL, DIRECT, THREAD, ELSEWHERE = 7, 8, 70, 71, 72, 73
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1e6)
LAYOUT = MessageFlag.IS_COMPONENTS_V2
FILE = "pictures/2026/01/zimagine-1-5.png"


def record(number: int, *files: str, **changes: Any) -> Record:
    """Return a message of the bot's in the channel."""
    made = Record(number, CHANNEL, 1, NOW, None, None, LAYOUT, list(files), list(files), ["words"])
    return replace(made, **changes)


def wish(**changes: Any) -> SentInteraction:
    """Return a request for a lake, answered by message 100."""
    channel = Channel(CHANNEL, ChannelType.TEXT, "paint", 1)
    asked = Interaction(
        1000, "secret-token", InteractionKind.COMMAND, PERSON, channel, "en-US", {}, NOW
    )
    asked.response_id = 100
    return replace(SentInteraction("/imagine", asked, "a lake", paints=True), **changes)


def paint(path: Path, *, black: bool = False) -> str:
    """Write a picture to disk, and return its hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (16, 16)) if black else Image.linear_gradient("L")
    image.save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def all_is_well(folder: Path) -> Evidence:
    """Return evidence of one job: painted, shown in the message that answered it, charged once."""
    job = {
        "id": 1, "state": "painted", "attempts": 1, "pictures": 1, "finished_at": NOW_US,
        "user_id": PERSON, "channel_id": CHANNEL, "prompt": "a lake", "accepted_at": NOW_US,
        "parent_picture_id": None, "error_code": None,
    }  # fmt: skip
    delivery = {
        "job_id": 1, "state": "delivered", "road": "edit", "message_id": 100,
        "result_message_id": 100, "detail": None, "thread_id": None,
    }  # fmt: skip
    picture = {"job_id": 1, "file": FILE, "sha256": paint(folder / FILE), "deleted_at": None}
    return Evidence(
        data_dir=folder,
        jobs={1: job},
        deliveries={1: delivery},
        ledger={1: {"job_id": 1, "pictures": 1, "refunded_at": None}},
        pictures=[picture],
        records=[record(100, "zimagine-1-5.png")],
        person_of={DIRECT: PERSON}.get,
        parent_of={THREAD: CHANNEL, ELSEWHERE: DIRECT}.get,
        sent=[wish()],
        log=['{"event": "online"}'],
        secrets=["secret-token"],
    )


def but(evidence: Evidence, **changes: Any) -> Evidence:
    """Return the same evidence with these changes."""
    return replace(evidence, showing={}, **changes)


def row(table: str, **changes: Any) -> Callable[[Evidence], Evidence]:
    """Change the only row of a table."""

    def changed(evidence: Evidence) -> Evidence:
        return but(evidence, **{table: {1: {**getattr(evidence, table)[1], **changes}}})

    return changed


def picture(**changes: Any) -> Callable[[Evidence], Evidence]:
    """Change the only picture's row."""
    return lambda evidence: but(evidence, pictures=[{**evidence.pictures[0], **changes}])


def messages(*records: Record) -> Callable[[Evidence], Evidence]:
    """Replace the bot's messages."""
    return lambda evidence: but(evidence, records=list(records))


def logged(line: str, **more: Any) -> Callable[[Evidence], Evidence]:
    """Add a line to the bot's log."""
    return lambda evidence: but(evidence, log=[line], **more)


def painted_black(evidence: Evidence) -> Evidence:
    digest = paint(evidence.data_dir / FILE, black=True)
    return but(evidence, pictures=[{**evidence.pictures[0], "sha256": digest}])


def private(evidence: Evidence) -> Evidence:
    """Show a private request's picture to everyone."""
    return but(evidence, sent=[wish(secret="lake")])


def whispered(evidence: Evidence) -> Evidence:
    """Let the log contain a private request's words."""
    told = but(private(evidence), records=[replace(SHOWN, reader_id=PERSON)])
    return but(told, log=["a lake"])


def nothing_written_down(evidence: Evidence) -> Evidence:
    return but(evidence, jobs={}, deliveries={}, ledger={}, pictures=[])


def series(evidence: Evidence) -> Evidence:
    """Make the job one of two pictures, shown on one sheet."""
    both = row("ledger", pictures=2)(row("jobs", pictures=2)(evidence))
    file = "pictures/2026/01/zimagine-1-6-2.png"
    second = {**evidence.pictures[0], "file": file, "sha256": paint(evidence.data_dir / file)}
    return but(both, pictures=[evidence.pictures[0], second], records=[SHEET])


def sent_to(channel_id: int, **delivery: Any) -> Callable[[Evidence], Evidence]:
    """Put the picture into another channel, and say so in the delivery."""

    def changed(evidence: Evidence) -> Evidence:
        there = record(101, "zimagine-1-5.png", channel_id=channel_id)
        told = row("deliveries", result_message_id=101, **delivery)(evidence)
        return but(told, records=[record(100), there])

    return changed


FULL = frozenset({"disk full"})
TRACE = '{"event": "x", "exception": "Traceback (most recent call last)\\nOSError: %s"}'
FILE_NAME = "zimagine-1-5.png"
SHOWN = record(100, FILE_NAME)
SHEET = record(100, "zimagine-1-sheet.png")
SECOND = record(101, "zimagine-1-sheet.webp")
AGAIN = UnrecordedJob(1, 1, 3)
BROKEN: dict[str, tuple[str, Callable[[Evidence], Evidence]]] = {
    "accepted, but no job": ("lost", nothing_written_down),
    "a job is stuck": ("stuck", row("jobs", state="queued", finished_at=None)),
    "a delivery is stuck": ("stuck", row("deliveries", state="pending")),
    "no delivery": ("lost", lambda e: but(e, deliveries={})),
    "painted three times": ("attempts", row("jobs", attempts=3)),
    "kept without a reason": ("untold", row("deliveries", state="kept")),
    "dropped although painted": ("lost", row("deliveries", state="dropped")),
    "delivered nowhere": ("lost", messages()),
    "delivered without its picture": ("lost", messages(record(100))),
    "delivered to somebody else": ("lost", messages(replace(SHOWN, reader_id=OTHER))),
    "edited away": ("covered", messages(replace(SHOWN, showing=[]))),
    "a preview stays": ("covered", messages(replace(SHOWN, showing=[FILE_NAME, PREVIEW_NAME]))),
    "posted twice": ("double", messages(SHOWN, record(101, "zimagine-1-5.webp"))),
    "in another channel": ("astray", sent_to(99, road="post")),
    "in somebody else's thread": ("astray", sent_to(THREAD, road="thread", thread_id=75)),
    "in a thread of another channel": (
        "astray", sent_to(ELSEWHERE, road="thread", thread_id=ELSEWHERE)
    ),
    "no direct message": ("astray", sent_to(CHANNEL, road="direct")),
    "no picture row": ("lost", lambda e: but(e, pictures=[])),
    "a picture of a series is lost": ("lost", lambda e: but(series(e), pictures=e.pictures)),
    "a series charged as one": ("ledger", lambda e: but(series(e), ledger=e.ledger)),
    "a series shown twice": ("double", lambda e: but(series(e), records=[SHEET, SECOND])),
    "two picture rows": ("double", lambda e: but(e, pictures=[*e.pictures, *e.pictures])),
    "never charged": ("ledger", lambda e: but(e, ledger={})),
    "refunded although painted": ("ledger", row("ledger", refunded_at=NOW_US)),
    "charged although failed": ("ledger", row("jobs", state="failed")),
    "charged twice": ("ledger", row("ledger", pictures=2)),
    "a charge out of nowhere": ("ledger", lambda e: but(e, ledger={**e.ledger, 2: e.ledger[1]})),
    "the file is missing": ("file", picture(file="no.png")),
    "another hash": ("file", picture(sha256="0")),
    "erased but still there": ("erased", picture(deleted_at=NOW_US)),
    "black": ("black", painted_black),
    "painted again": ("repainted", lambda e: but(row("jobs", attempts=2)(e), unrecorded=[AGAIN])),
    "private words in public": ("leak", private),
    "private words in the log": ("leak", whispered),
    "a token in the log": ("leak", logged("POST /webhooks/1/secret-token")),
    "a traceback": ("traceback", logged(TRACE % "broken")),
    "a traceback of another mishap": ("traceback", logged(TRACE % "broken", faults=FULL)),
    "a broken database": ("database", lambda e: but(e, database_says=["page 3 is never used"])),
    "a broken rule": ("rule", lambda e: but(e, problems=["POST /x: 50035 Invalid Form Body"])),
}  # fmt: skip


def test_nothing_is_found_where_all_is_well(tmp_path: Path) -> None:
    """The judge finds nothing if nothing is wrong."""
    assert judge(all_is_well(tmp_path)) == []


@pytest.mark.parametrize("name", BROKEN)
def test_every_broken_promise_is_found(tmp_path: Path, name: str) -> None:
    """Each violation is reported by its kind."""
    kind, spoil = BROKEN[name]
    assert kind in {each.kind for each in judge(spoil(all_is_well(tmp_path)))}


FINE: dict[str, Callable[[Evidence], Evidence]] = {
    "a second one where the first went with its channel": messages(
        replace(SHOWN, gone=True), record(101, "zimagine-1-5.png", channel_id=DIRECT)
    ),
    "in its person's thread": sent_to(THREAD, road="thread", thread_id=THREAD),
    "sent directly": sent_to(DIRECT, road="direct"),
    "deleted by its person": messages(replace(SHOWN, gone=True, showing=[])),
    "two pictures on a sheet": series,
    "kept, with a reason": row("deliveries", state="kept", detail="no access"),
    "what a kill explains": lambda e: but(
        e, problems=["GATEWAY x: It was not acknowledged within three seconds."]
    ),
    "what a full disk explains": logged(TRACE % "No space left on device", faults=FULL),
    "seen again on request": lambda e: but(
        e,
        sent=[wish(), replace(wish(act="show", paints=False), interaction=_pressed())],
        records=[SHOWN, record(101, "zimagine-1-5.png", answers_id=2000, reader_id=PERSON)],
    ),
}


def _pressed() -> Interaction:
    channel = Channel(CHANNEL, ChannelType.TEXT, "paint", 1)
    return Interaction(
        2000, "other-token", InteractionKind.COMPONENT, PERSON, channel, "en-US", {}, NOW
    )


@pytest.mark.parametrize("name", FINE)
def test_what_may_happen_is_no_violation(tmp_path: Path, name: str) -> None:
    """The judge does not report what nobody promised."""
    assert judge(FINE[name](all_is_well(tmp_path))) == []
