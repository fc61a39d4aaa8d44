"""What grows with waiting jobs and stored pictures: a process of `zimagine bench scale`.

`python -m tests.scale.growth queue COUNT` prints the median seconds of each operation on the queue
while so many jobs wait, of one user or of one each, whichever is slower. `fill COUNT FOLDER`
creates a database of so many pictures unless it is there; `storage COUNT FOLDER` measures in it:
`accept_ms`, the median, and `search_ms`, that of the slowest kind of search. The last line is a
JSON object.
"""

import argparse
import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from storage.database import Database
from tests.engine.queue_cost import medians_s
from tests.scale.filling import FillingCrowd, fill, many
from tests.scale.stopwatch import timed
from tests.scale.storage import SEARCHES, Town

USERS = 1000
PICTURES_EACH = 10
"""At least: every user has a rare word in the fourth."""
REPEATS = 100


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("queue", "fill", "storage"))
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path, nargs="?", default=Path())
    chosen = parser.parse_args()
    path: Path = chosen.folder / f"pictures-{chosen.count}.db"
    measured: dict[str, Callable[[], dict[str, float]]] = {
        "queue": lambda: _queue_s(chosen.count),
        "fill": lambda: _filled(path, chosen.count),
        "storage": lambda: asyncio.run(_storage_ms(path, chosen.count)),
    }
    print(json.dumps(measured[chosen.what]()))


def _queue_s(waiting: int) -> dict[str, float]:
    users = [asyncio.run(medians_s(waiting, one_user=each)) for each in (True, False)]
    return {name: max(each[name] for each in users) for name in users[0]}


def _crowd(pictures: int) -> FillingCrowd:
    return many(min(USERS, pictures // PICTURES_EACH))


def _filled(path: Path, pictures: int) -> dict[str, float]:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        fill(unfinished, pictures, _crowd(pictures))
        asyncio.run(_migrated(unfinished))
        unfinished.rename(path)
    return {}


async def _migrated(path: Path) -> None:
    await (await Database.open(path)).close()


async def _storage_ms(path: Path, pictures: int) -> dict[str, float]:
    async with await Database.open(path) as db:
        town = Town(db, _crowd(pictures), pictures)
        accept = await timed("accept", [town.accept] * 3 * REPEATS)
        searches = [
            await timed(name, [lambda text=text: town.search(text)] * REPEATS)
            for name, text in SEARCHES.items()
        ]
    return {
        "accept_ms": accept.median_ms,
        "search_ms": max(each.median_ms for each in searches),
    }


if __name__ == "__main__":
    main()
