"""The summary of a chaos run, and what is needed to investigate a violation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.chaos.chaos_run import ChaosResult, ChaosSettings
from tests.chaos.verdict import Violation, accepted


def table(result: ChaosResult, violations: Iterable[Violation]) -> str:
    """Return all counts, in lines of two columns."""
    found, steps = result.evidence, result.steps
    jobs, deliveries = found.jobs.values(), found.deliveries.values()
    shown = [each for each in found.showing.values() if each]
    rows: list[tuple[str, Any]] = [
        ("kills", steps.counts["kill"]),
        ("starts of the bot", result.starts),
        ("user actions", len(found.sent)),
        ("accepted", sum(accepted(found, each) for each in found.sent)),
        ("private ones", sum(each.secret is not None for each in found.sent)),
        ("jobs", _counted(row["state"] for row in jobs)),
        ("failed by", _counted(row["error_code"] for row in jobs if row["error_code"])),
        ("painted on the second attempt", sum(row["attempts"] == 2 for row in jobs)),
        ("deliveries", _counted(row["state"] for row in deliveries)),
        ("routes", _counted(row["road"] for row in deliveries if row["road"])),
        (
            "kept because",
            _counted(str(r["detail"])[:50] for r in deliveries if r["state"] == "kept"),
        ),
        ("pictures shown", len(shown)),
        ("unrecorded files at a kill", len(found.unrecorded)),
        ("messages of the bot", len(found.records)),
        ("gave up at", _counted(result.gave_up)),
        ("small disk", "yes" if result.small_disk else "skipped: cannot mount one here"),
        ("everything finished", "yes" if result.settled else "NO"),
        *((f"  {name}", times) for name, times in sorted(steps.counts.items()) if name != "kill"),
        ("violations", _counted(each.kind for each in violations)),
    ]
    return "\n".join(f"{name:36}{value}" for name, value in rows)


def trail(settings: ChaosSettings, violations: Iterable[Violation]) -> str:
    """Return each violation, and where to find the details."""
    lines = [f"VIOLATION {each.kind}: {each.detail}" for each in violations]
    again = f"python -m tests.chaos --seed {settings.seed} --kills {settings.kills}"
    return "\n".join(
        [
            *lines,
            f"repeat: {again}",
            f"details: {settings.folder} (steps.jsonl, bot.log, zimagine.db)",
        ]
    )


def _counted(names: Iterable[str]) -> str:
    found = Counter(names)
    return ", ".join(f"{name} {number}" for name, number in found.most_common()) or "none"
