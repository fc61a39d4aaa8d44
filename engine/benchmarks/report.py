"""Write what a benchmark found: a table in Markdown, or JSON."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol

from engine.benchmarks.sections import Row

HEAD: Final = ("what", "zimagine", "compared with", "ratio", "goal", "met")
YES: Final = "yes"
NO: Final = "no"
MACHINE: Final = "{day}. {processor}, {cores} cores, {system}, {versions}."
_PACKAGES: Final = ("zimagine", "torch", "diffusers", "transformers")


class Say(Protocol):
    """Puts values into a text, perhaps in another language."""

    def __call__(self, text: str, /, **values: object) -> str: ...


def machine() -> dict[str, str]:
    """Return the processor, its cores, the system and the versions that compute."""
    versions = {each: importlib.metadata.version(each) for each in _PACKAGES}
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count() or 1),
        "system": platform.system(),
        "python": platform.python_version(),
        **versions,
    }


def machine_line(facts: Mapping[str, str], today: date, say: Say = str.format) -> str:
    """Return these facts in one line, with the date. say: puts values into a text, translated."""
    versions = ", ".join(f"{each} {facts[each]}" for each in ("python", *_PACKAGES))
    return say(
        MACHINE,
        day=f"{today:%Y-%m-%d}",
        processor=facts["processor"],
        cores=facts["cores"],
        system=facts["system"],
        versions=versions,
    )


def table(rows: Sequence[Row], say: Say = str.format) -> list[str]:
    """Return a table in Markdown, line by line. say: puts values into a text, translated."""
    lines = [_line([say(each) for each in HEAD]), _line(("---", *["---:"] * (len(HEAD) - 1)))]
    met = {True: YES, False: NO, None: ""}
    for each in rows:
        texts = (each.what, each.ours, each.other, each.ratio, each.goal, met[each.met])
        lines.append(_line([say(text, **each.values) if text else "" for text in texts]))
    return lines


def fields(sections: Mapping[str, Sequence[Row]], today: date, quick: bool) -> dict[str, Any]:
    """Return everything as JSON values."""
    rows = [row for found in sections.values() for row in found]
    return {
        "date": today.isoformat(),
        "machine": machine(),
        "quick": quick,
        "numbers": {row.key: row.number for row in rows if row.key},
        "missed": [row.key for row in rows if row.met is False],
        "rows": [
            {
                "section": name,
                "what": row.said(row.what),
                "zimagine": row.said(row.ours),
                "other": row.said(row.other),
                "ratio": row.ratio,
                "goal": row.goal,
                "met": row.met,
            }
            for name, found in sections.items()
            for row in found
        ],
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        found = next(line for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
    return found.split(":", 1)[1].strip()


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
