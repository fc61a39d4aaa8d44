"""Measure a server's filter: `python -m tests.scale.filtering`, or `make bench-filter`.

1,000 patterns are looked for in prompts of 4,000 characters, each of them new, so that nothing is
known of it. What counts is the time of the processor, on the thread that does it: other work on
the same machine changes little. The median is held against the goal; the exit status is 1 if it is
missed. Compiling, which happens once after each change, is measured apart.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from bot.moderation.filter.folding import fold
from bot.moderation.filter.matcher import Matcher
from storage.filters import FilterRule
from tests.scale.stopwatch import Timing, machine, table

GOAL_MS: Final = 5.0
PATTERNS: Final = 1000
PROMPT_CHARS: Final = 4000
PROMPTS: Final = 200
SEED: Final = 18
_LETTERS: Final = "eeettaaooiinnsshrrdlucmfwypvbgkjqxz"


def word(rng: random.Random) -> str:
    """Return a made-up English word."""
    return "".join(rng.choice(_LETTERS) for _ in range(rng.randint(3, 10)))


def characters(rng: random.Random, count: int) -> str:
    """Return common Chinese characters, some of them Traditional."""
    return "".join(chr(rng.randint(0x4E00, 0x7FFF)) for _ in range(count))


def english(rng: random.Random) -> str:
    """Return an English prompt."""
    return " ".join(word(rng) for _ in range(PROMPT_CHARS // 4))[:PROMPT_CHARS]


def chinese(rng: random.Random) -> str:
    """Return a Chinese prompt, with a comma now and then."""
    return "".join(f"{characters(rng, 9)}，" for _ in range(PROMPT_CHARS // 10))


def mixed(rng: random.Random) -> FilterRule:
    """Return a rule as admins have them: mostly words, and some of all other kinds."""
    words = [word(rng) for _ in range(500)]
    words += (f"{word(rng)} {word(rng)}" for _ in range(100))
    words += (f"*{word(rng)}*" for _ in range(100))
    words += (characters(rng, rng.randint(2, 4)) for _ in range(200))
    regexes = [rf"\b{word(rng)[:4]}[aeiou]+\w*{word(rng)[:3]}s?\b" for _ in range(100)]
    return FilterRule(1, "mixed", "mixed", words=tuple(words), regexes=tuple(regexes))


def expressions(rng: random.Random) -> FilterRule:
    """Return a rule of regular expressions alone, the most expensive kind."""
    found = (rf"\b{word(rng)[:4]}[aeiou]+\w*{word(rng)[:3]}s?\b" for _ in range(PATTERNS))
    return FilterRule(1, "regex", "regex", regexes=tuple(found))


async def processor_time(
    name: str, works: Iterable[Callable[[], object]], goal_ms: float | None = None
) -> Timing:
    """Do each on another thread, and return how long the processor was at it."""

    def taken_ms(work: Callable[[], object]) -> float:
        began_s = time.thread_time()
        work()
        return (time.thread_time() - began_s) * 1000

    taken = [await asyncio.to_thread(taken_ms, each) for each in works]
    p95_ms = statistics.quantiles(taken, n=20)[-1]
    return Timing(name, statistics.median(taken), p95_ms, len(taken), goal_ms)


async def measured(rule: FilterRule, rng: random.Random) -> list[Timing]:
    """Return how long compiling and both languages take."""
    compiling = [partial(Matcher, [rule]) for _ in range(5)]
    rows = [await processor_time("compile, once after a change", compiling)]
    for name, prompt in (("English prompt", english), ("Chinese prompt", chinese)):
        matcher, prompts = Matcher([rule]), [prompt(rng) for _ in range(PROMPTS)]
        works = (partial(matcher.matches, each) for each in prompts)
        rows.append(await processor_time(name, works, GOAL_MS))
    return rows


async def measure() -> dict[str, list[Timing]]:
    """Return the columns of the table."""
    fold("")  # the tables of characters are made once in a process
    return {
        "mixed": await measured(mixed(random.Random(SEED)), random.Random(SEED + 1)),
        "regular expressions": await measured(
            expressions(random.Random(SEED)), random.Random(SEED + 1)
        ),
    }


def missed(columns: Iterable[list[Timing]]) -> list[Timing]:
    """Return what takes longer than its goal."""
    rows = (each for column in columns for each in column)
    return [each for each in rows if each.goal_ms is not None and each.median_ms > each.goal_ms]


def main() -> int:
    """Print the table; 1 if a goal is missed."""
    columns = asyncio.run(measure())
    print(f"{PATTERNS} patterns, {PROMPTS} prompts of {PROMPT_CHARS} characters, processor time")
    print(f"{datetime.now(UTC):%Y-%m-%d}: {machine()}")
    print(table(columns))
    return 1 if missed(columns.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
