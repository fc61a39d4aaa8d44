"""Promises compared with the evidence: one function per promise. Pure except for reading."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, ImageStat

from bot.delivery.attachments import PREVIEW_NAME
from bot.playground.model import MessageFlag
from tests.chaos.evidence import Evidence, Row
from tests.chaos.simulated_users import SentInteraction

MAX_ATTEMPTS: Final = 2
ACCEPTED_WITHIN_US: Final = 6_000_000
DEAD_BOT: Final = (
    "It was not acknowledged within three seconds.",
    "The interaction was already acknowledged.",
    "It came before the time that a 429 had given was over.",
)
"""Problems of a bot that was killed, or whose response was lost."""
EXPLAINED: Final = {
    "database busy": re.compile(r"database is locked|DatabaseBusy"),
    "disk full": re.compile(r"No space left|disk is full|DiskFull|disk I/O error"),
}
"""Tracebacks that are explained by a fault."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was not kept. kind: which one."""

    kind: str
    detail: str


def judge(evidence: Evidence) -> list[Violation]:
    """Return every broken promise."""
    return [violation for check in CHECKS for violation in check(evidence)]


def accepted(evidence: Evidence, sent: SentInteraction) -> bool:
    """Return whether a request was confirmed to its user: its response exists and is a layout."""
    record = evidence.record(sent.interaction.response_id)
    return sent.paints and record is not None and bool(record.flags & MessageFlag.IS_COMPONENTS_V2)


def job_of(evidence: Evidence, sent: SentInteraction) -> Row | None:
    """Return the job of a request: by its response, its words, or user, place and time."""
    interaction = sent.interaction
    for job_id, delivery in evidence.deliveries.items():
        if delivery["message_id"] == interaction.response_id is not None:
            return evidence.jobs[job_id]
    if sent.prompt is not None:
        found = (job for job in evidence.jobs.values() if job["prompt"] == sent.prompt)
        return next((job for job in found if job["parent_picture_id"] is None), None)
    placed = {job for job, row in evidence.deliveries.items() if row["message_id"] is not None}
    asked_us = int(interaction.created_at.timestamp() * 1e6)
    for job_id, job in evidence.jobs.items():
        same = (job["user_id"], job["channel_id"]) == (interaction.user_id, interaction.channel.id)
        soon = -100_000 <= job["accepted_at"] - asked_us <= ACCEPTED_WITHIN_US
        if job_id not in placed and same and soon:
            return job
    return None


def _accepted_is_a_job(evidence: Evidence) -> Iterator[Violation]:
    for sent in evidence.sent:
        if accepted(evidence, sent) and job_of(evidence, sent) is None:
            yield Violation("lost", f"{sent.what} {sent.interaction.id} has no job")


def _jobs_end(evidence: Evidence) -> Iterator[Violation]:
    for job_id, job in evidence.jobs.items():
        if job["finished_at"] is None:
            yield Violation("stuck", f"job {job_id} is {job['state']}")
        if job["attempts"] > MAX_ATTEMPTS:
            yield Violation("attempts", f"job {job_id} was painted {job['attempts']} times")
    for job_id, row in evidence.deliveries.items():
        if row["state"] == "pending":
            yield Violation("stuck", f"the delivery of job {job_id} is pending by {row['road']}")
    for job_id in evidence.jobs.keys() - evidence.deliveries.keys():
        yield Violation("lost", f"job {job_id} has no delivery")


def _users_are_notified(evidence: Evidence) -> Iterator[Violation]:
    erased = {row["job_id"] for row in evidence.pictures if row["deleted_at"] is not None}
    waiting = {
        job["id"]: sent
        for sent in evidence.sent
        if accepted(evidence, sent) and (job := job_of(evidence, sent)) is not None
    }
    for job_id, row in evidence.deliveries.items():
        job = evidence.jobs[job_id]
        match row["state"]:
            case "delivered":
                yield from _delivered(evidence, job, row, erased=job_id in erased)
            case "kept" if not row["detail"]:
                yield Violation("untold", f"job {job_id} was kept without a reason")
            case "dropped" if job["state"] != "cancelled" and job_id not in erased:
                yield Violation("lost", f"job {job_id} ({job['state']}) was dropped")
            case "dropped" if job_id in waiting and job_id not in erased:
                detail = f"job {job_id} was accepted and then dropped without notice"
                yield Violation("untold", detail)
            case _:
                pass


def _delivered(evidence: Evidence, job: Row, row: Row, *, erased: bool) -> Iterator[Violation]:
    message = evidence.record(row["result_message_id"] or row["message_id"])
    if message is None:
        yield Violation("lost", f"job {job['id']} counts as delivered, but there is no message")
        return
    if not evidence.reaches(message, job["user_id"]):
        yield Violation("lost", f"the message of job {job['id']} is not for its user")
    if not _stands_where_it_may(evidence, message.channel_id, job, row):
        yield Violation("astray", f"job {job['id']} is shown in {message.channel_id}")
    if not message.gone and any(name.endswith(PREVIEW_NAME) for name in message.showing):
        yield Violation("covered", f"the message of job {job['id']} still shows a preview")
    if job["state"] != "painted" or erased:
        return
    if message not in evidence.showing.get(job["id"], []):
        yield Violation("lost", f"job {job['id']} counts as delivered, but was never shown")
    elif not message.gone and not any(f"zimagine-{job['id']}-" in name for name in message.showing):
        yield Violation("covered", f"the picture of job {job['id']} was replaced by a later edit")


def _stands_where_it_may(evidence: Evidence, channel_id: int, job: Row, row: Row) -> bool:
    """Return whether a result is in the direct messages, the stored thread or the channel."""
    match row["road"]:
        case "direct":
            return evidence.person_of(channel_id) == job["user_id"]
        case "thread":
            parent_id = evidence.parent_of(channel_id)
            return channel_id == row["thread_id"] and parent_id in (job["channel_id"], None)
        case _:
            return channel_id == job["channel_id"]


def _nothing_is_doubled(evidence: Evidence) -> Iterator[Violation]:
    for job_id, records in evidence.showing.items():
        # Nobody can see what was deleted with its channel, so showing it elsewhere is no duplicate.
        standing = [each for each in records if not each.gone]
        if len(standing) > 1:
            places = ", ".join(f"{each.channel_id}/{each.id}" for each in standing)
            yield Violation("double", f"job {job_id} is shown {len(standing)} times: {places}")
    painted = Counter(row["job_id"] for row in evidence.pictures)
    for job_id, job in evidence.jobs.items():
        wanted = job["pictures"] if job["state"] == "painted" else 0
        if painted[job_id] != wanted:
            detail = f"job {job_id} ({job['state']}) has {painted[job_id]} picture rows"
            yield Violation("double" if painted[job_id] > wanted else "lost", detail)


def _whole_files_are_kept(evidence: Evidence) -> Iterator[Violation]:
    for left in evidence.unrecorded:
        job = evidence.jobs.get(left.job_id)
        if job is not None and job["attempts"] > left.attempts:
            detail = f"job {left.job_id} was painted again after kill {left.kill} despite its file"
            yield Violation("repainted", detail)


def _ledger_is_exact(evidence: Evidence) -> Iterator[Violation]:
    for job_id, job in evidence.jobs.items():
        row = evidence.ledger.get(job_id)
        if row is None:
            yield Violation("ledger", f"job {job_id} was never charged")
        elif (row["refunded_at"] is None) != (job["state"] == "painted"):
            kept = "is still charged" if row["refunded_at"] is None else "was refunded"
            yield Violation("ledger", f"job {job_id} ({job['state']}) {kept}")
        elif row["pictures"] != job["pictures"]:
            yield Violation("ledger", f"job {job_id} was charged {row['pictures']} pictures")
    for job_id in evidence.ledger.keys() - evidence.jobs.keys():
        yield Violation("ledger", f"a charge for job {job_id}, which does not exist")


def _files_are_whole(evidence: Evidence) -> Iterator[Violation]:
    for row in evidence.pictures:
        path = evidence.data_dir / row["file"]
        if row["deleted_at"] is not None or row.get("file_removed_at") is not None:
            if path.exists():
                yield Violation("erased", f"{row['file']} is still there")
            continue
        if not path.exists():
            yield Violation("file", f"{row['file']} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
            yield Violation("file", f"{row['file']} has another hash")
        elif is_blank(path):
            yield Violation("black", f"{row['file']} is blank")


def is_blank(path: Any) -> bool:
    """Return whether a picture has a single colour, or nearly."""
    with Image.open(path) as image:
        found = ImageStat.Stat(image.convert("L"))
        return found.stddev[0] < 2.0 or found.mean[0] < 2.0


def _private_stays_private(evidence: Evidence) -> Iterator[Violation]:
    everything = "\n".join(evidence.log)
    for sent in evidence.sent:
        if sent.secret is None:
            continue
        person, word = sent.interaction.user_id, sent.secret
        job = next((j for j in evidence.jobs.values() if word in j["prompt"]), None)
        shown = [] if job is None else evidence.showing.get(job["id"], [])
        for record in evidence.records:
            exposed = record in shown or any(word in text for text in record.texts)
            if exposed and not evidence.is_private_to(record, person):
                yield Violation("leak", f"message {record.id} shows {sent.what} of {person}")
        if word in everything:
            yield Violation("leak", f"the log contains the prompt of {sent.what} of {person}")


def _database_is_sound(evidence: Evidence) -> Iterator[Violation]:
    if list(evidence.database_says) != ["ok"]:
        yield Violation("database", "; ".join(evidence.database_says))


def _rules_are_kept(evidence: Evidence) -> Iterator[Violation]:
    counted = Counter(problem for problem in evidence.problems if not problem.endswith(DEAD_BOT))
    for problem, times in counted.items():
        yield Violation("rule", f"{problem} ({times}×)")


def _log_is_clean(evidence: Evidence) -> Iterator[Violation]:
    tracebacks = Counter[str]()
    everything = "\n".join(evidence.log)
    for secret in evidence.secrets:
        if secret in everything:
            yield Violation("leak", f"the log contains a token: {secret[:6]}…")
    for line in evidence.log:
        if (trace := traceback_in(line)) is not None and not _is_explained(evidence, trace):
            tracebacks[_last_words(line, trace)] += 1
    for words, times in tracebacks.items():
        yield Violation("traceback", f"{words} ({times}×)")


def traceback_in(line: str) -> str | None:
    """Return the traceback in a line of the log."""
    if "Traceback (most recent call last)" in line:
        try:
            found = json.loads(line)
        except ValueError:
            return line
        return str(found.get("exception", line))
    return None


def _is_explained(evidence: Evidence, trace: str) -> bool:
    return any(
        name in evidence.faults and pattern.search(trace) for name, pattern in EXPLAINED.items()
    )


def _last_words(line: str, trace: str) -> str:
    event = json.loads(line).get("event", "") if line.startswith("{") else ""
    return f"{event}: {trace.strip().splitlines()[-1][:200]}"


CHECKS: Final[tuple[Callable[[Evidence], Iterator[Violation]], ...]] = (
    _accepted_is_a_job,
    _jobs_end,
    _users_are_notified,
    _nothing_is_doubled,
    _whole_files_are_kept,
    _ledger_is_exact,
    _files_are_whole,
    _private_stays_private,
    _database_is_sound,
    _rules_are_kept,
    _log_is_clean,
)
