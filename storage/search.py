"""How pictures are found by words, letter by letter in any script, and by what else is known; pure.

Every run of one, two or three letters within a word of a picture's prompt or note becomes a term
that also contains the user: a search reads only that user's terms, so it costs the same whatever
others wrote, and two Chinese characters are found as fast as an English word. Further terms stand
for the seed, the day, the model, each LoRA, and whether it is a favourite. The terms of all
pictures form one FTS5 index, `pictures_search`. It knows which letters a text has but not where, so
it returns candidates, newest first, and `holds` decides about the words; other terms are exact.

A second index, `shown_search`, has what was shown in the channels of a server: its terms contain
the server, one of them stands for the channel, and none for a note or a favourite, which are their
owner's alone.

Triggers maintain the indexes (migrations/0014 and 0024): they call `terms` as the SQL function
`picture_terms` and `shown_terms` by its name; migrations/0002 calls `tokens` as `picture_tokens`.
The results of these and of `fold` are stored in every database: changing them requires a migration
that rebuilds the indexes. This is the one part of storage that looks into a recipe, for two kinds
of names.
"""

import json
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from itertools import chain, zip_longest
from typing import Any, Final

from storage.timestamps import from_us

FIRST_DAY: Final = date(2015, 1, 1)
LAST_DAY: Final = date(2099, 12, 31)
"""Between them are all days that can be searched for: Discord began in 2015."""

_RUN_LETTERS: Final = 3
_TOKENS_LIMIT: Final = 24
"""Per query: tokens only narrow down the candidates, and `holds` decides. Chosen by hand."""
_UNSIGNED: Final = 2**64 - 1
_FAVOURITE: Final = "v"
_NOBODY: Final = 0
"""In place of a user, whose pictures have an index of their own."""
_NEVER: Final = "t"
"""The day of no picture, for a period without days."""


WHOLE_SERVER: Final = 0


@dataclass(frozen=True, slots=True)
class PictureQuery:
    """What somebody looks for among their pictures on a server.

    shown_in: not among their own, but in this channel or thread, or on the WHOLE_SERVER; notes and
    favourites count for nothing then. text: words of the prompt or of the note, in any order.
    since, until: the first and the last day, in UTC. model: the name by which its owner offers it.
    lora: the name of one that was used.
    """

    text: str = ""
    seed: int | None = None
    since: date | None = None
    until: date | None = None
    model: str = ""
    lora: str = ""
    favourites: bool = False
    shown_in: int | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the text, folded."""
        return words_of(self.text)

    @property
    def indexed(self) -> bool:
        """Whether the index of terms answers it; lists of everything have indices of their own."""
        return (
            bool(self.words or self.since or self.until or self.model or self.lora)
            or self.seed is not None
        )

    def to_json(self) -> str:
        """Return one line of JSON, the same for the same query."""
        # by identity: the seed 0 is one, and equal to False
        plain = {
            name: value
            for name, value in asdict(self).items()
            if value is not None and value is not False and value != ""
        }
        return json.dumps(plain, default=str, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "PictureQuery":
        """Read the output of `to_json`."""
        plain: dict[str, Any] = json.loads(text)
        for name in ("since", "until"):
            if name in plain:
                plain[name] = date.fromisoformat(plain[name])
        return cls(**plain)


def fold(text: str) -> str:
    """Return the text without the differences that a search ignores.

    Those are case, width (Ａ, A), and whether an accent is a separate character.
    """
    return unicodedata.normalize("NFKC", text).casefold()


def words_of(text: str) -> tuple[str, ...]:
    """Return the distinct words of a search, folded; any other input is literal text."""
    return tuple(dict.fromkeys(fold(text).split()))


def holds(prompt: str, words: Iterable[str]) -> bool:
    """Return whether each of these folded words occurs in the prompt, also within longer words."""
    folded = fold(prompt)
    return all(word in folded for word in words)


def searched(prompt: str, note: str | None) -> str:
    """Return the text of a picture in which words are looked for; none spans prompt and note."""
    return prompt if note is None else f"{prompt}\n{note}"


def tokens(guild_id: int, user_id: int, prompt: str) -> str:
    """Return the tokens of a text, separated by spaces. Never raises: it runs in a trigger."""
    owner = _owner(guild_id, user_id)
    runs = set(chain.from_iterable(map(_runs, set(fold(prompt).split()))))
    return " ".join([owner + _hex(run) for run in runs])


def terms(
    guild_id: int,
    user_id: int,
    prompt: str,
    note: str | None,
    seed: int,
    painted_us: int,
    favourite_us: int | None,
    recipe: str,
) -> str:
    """Return a picture's terms, separated by spaces. Never raises: it runs in triggers."""
    marks = [
        f"s{seed}",
        *_day_marks(painted_us),
        *_name_marks(recipe),
        *([] if favourite_us is None else [_FAVOURITE]),
    ]
    owner = _owner(guild_id, user_id)
    words = tokens(guild_id, user_id, searched(prompt, note))
    return " ".join([*filter(None, [words]), *(owner + mark for mark in marks)])


def shown_terms(
    guild_id: int, channel_id: int, prompt: str, seed: int, painted_us: int, recipe: str
) -> str:
    """Return the terms of a picture that was shown in a channel. Never raises, as `terms`."""
    everything = terms(guild_id, _NOBODY, prompt, None, seed, painted_us, None, recipe)
    return f"{everything} {_owner(guild_id, _NOBODY)}{_channel(channel_id)}"


def sql_functions() -> tuple[tuple[str, int, Callable[..., str]], ...]:
    """Return what migrations and triggers call: names, numbers of parameters, and functions."""
    return (
        ("picture_tokens", 3, tokens),
        ("picture_terms", 8, terms),
        ("shown_terms", 6, shown_terms),
    )


def match(guild_id: int, user_id: int, wanted: PictureQuery) -> str:
    """Return the MATCH expression for a user's pictures that may be what is wanted.

    Consists of letters, digits and the operators of FTS5 between them, whatever was typed. Raises
    ValueError for a query that wants nothing.
    """
    return " AND ".join(_parts(guild_id, user_id, wanted))


def match_shown(guild_id: int, channel_ids: Collection[int], wanted: PictureQuery) -> str:
    """Return the MATCH expression for pictures shown in any of these channels, as `match` does.

    Without any channel: for those of the whole server.
    """
    parts = _parts(guild_id, _NOBODY, replace(wanted, favourites=False))
    channels = [_any_of(guild_id, _NOBODY, map(_channel, channel_ids))] if channel_ids else []
    return " AND ".join([*parts, *channels])


def _parts(guild_id: int, user_id: int, wanted: PictureQuery) -> list[str]:
    marks = [
        *([] if wanted.seed is None else [f"s{wanted.seed}"]),
        *([f"o{_hex(fold(wanted.model))}"] if wanted.model else []),
        *([f"l{_hex(fold(wanted.lora))}"] if wanted.lora else []),
        *([_FAVOURITE] if wanted.favourites else []),
    ]
    runs = [*marks, *_narrowed(wanted.words)]
    dated = wanted.since is not None or wanted.until is not None
    days = (_days(wanted.since, wanted.until) or [_NEVER]) if dated else []
    if not runs and not days:
        raise ValueError("nothing is looked for")
    owner = _owner(guild_id, user_id)
    dates = [_any_of(guild_id, user_id, days)] if days else []
    return [*(owner + run for run in runs), *dates]


def _any_of(guild_id: int, user_id: int, marks: Iterable[str]) -> str:
    owner = _owner(guild_id, user_id)
    return f"({' OR '.join([owner + mark for mark in marks])})"


def _narrowed(words: Iterable[str]) -> list[str]:
    # The first run of every word before the second of any: runs of different words have less in
    # common, so the search skips further.
    turns = zip_longest(*map(_narrowing, words))
    runs = list(dict.fromkeys(run for turn in turns for run in turn if run is not None))
    step = -(-len(runs) // _TOKENS_LIMIT)
    return [_hex(run) for run in runs[::step]] if runs else []


def _runs(word: str) -> Iterator[str]:
    for letters in range(1, _RUN_LETTERS + 1):
        for start in range(len(word) - letters + 1):
            yield word[start : start + letters]


def _narrowing(word: str) -> list[str]:
    # Every second run: each letter still appears next to its neighbours, at half the cost.
    last = max(0, len(word) - _RUN_LETTERS)
    return [word[start : start + _RUN_LETTERS] for start in (*range(0, last, 2), last)]


def _day_marks(painted_us: int) -> tuple[str, ...]:
    """Return the terms for the day, month, year and decade; none for an impossible time."""
    try:
        day = from_us(painted_us).date()
    except OverflowError:
        return ()
    return f"t{day:%Y%m%d}", f"n{day:%Y%m}", f"y{day:%Y}", f"z{day.year // 10}"


def _days(since: date | None, until: date | None) -> list[str]:
    """Return the terms of which every day in this period has exactly one: whole decades, years and
    months, and single days at its ends."""
    day, last = since or FIRST_DAY, until or LAST_DAY
    marks: list[str] = []
    while day <= last:
        for mark, end in _spans(day):
            if end <= last:
                marks.append(mark)
                day = end + timedelta(days=1)
                break
    return marks


def _spans(day: date) -> Iterator[tuple[str, date]]:
    """Yield the terms of the periods that begin with this day, each with its last day, the longest
    first."""
    if (day.month, day.day) == (1, 1):
        if day.year % 10 == 0:
            yield f"z{day.year // 10}", date(day.year + 9, 12, 31)
        yield f"y{day:%Y}", date(day.year, 12, 31)
    if day.day == 1:
        month_end = date(day.year + day.month // 12, day.month % 12 + 1, 1) - timedelta(days=1)
        yield f"n{day:%Y%m}", month_end
    yield f"t{day:%Y%m%d}", day


def _name_marks(recipe: str) -> list[str]:
    """Return the terms for the model and the LoRAs that a recipe's request names."""
    try:
        request = json.loads(recipe).get("request") or {}
        model, loras = request.get("model") or "", request.get("loras") or ()
        names = [each["name"] for each in loras]
        marks = [f"l{_hex(fold(name))}" for name in names]
        return [*marks, f"o{_hex(fold(model))}"] if model else marks
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return []  # not a recipe of ours; a picture is found by all else


def _channel(channel_id: int) -> str:
    return f"w{channel_id & _UNSIGNED:x}"


def _owner(guild_id: int, user_id: int) -> str:
    return f"{guild_id & _UNSIGNED:x}g{user_id & _UNSIGNED:x}u"


def _hex(run: str) -> str:
    # surrogatepass: no prompt contains half a character, but somebody may still search for one.
    return run.encode("utf-8", "surrogatepass").hex()
