"""Pure: how the words of prompts are found, letter by letter, in any script.

Every run of one, two and three letters within a word becomes a token that also carries its
person: a search reads the letters of one person's prompts and of nobody else's, so it costs the
same whatever others wrote, and two Chinese characters are found as fast as an English word. The
tokens of all pictures are one FTS5 index, `pictures_search`. It knows which letters a prompt has
and not where, so it hands out candidates, newest first, and `holds` decides.

Triggers keep the index (migrations/0002): they call `tokens` as the SQL function `picture_tokens`.
What `fold` and `tokens` answer lies in every database: a change here needs a migration that fills
the index anew.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest
from typing import Final

SQL_FUNCTION: Final = "picture_tokens"
SQL_PARAMETERS: Final = 3

_RUN_LETTERS: Final = 3
_TOKENS_LIMIT: Final = 24
"""In one query: they narrow the candidates down, and `holds` looks at the words themselves."""
_UNSIGNED: Final = 2**64 - 1


def fold(text: str) -> str:
    """The text without the differences that a search passes over.

    Those are case, width (Ａ, A) and whether an accent is a character of its own.
    """
    return unicodedata.normalize("NFKC", text).casefold()


def words_of(text: str) -> tuple[str, ...]:
    """The different words of what somebody looks for, folded; whatever else they typed is text."""
    return tuple(dict.fromkeys(fold(text).split()))


def holds(prompt: str, words: Iterable[str]) -> bool:
    """Whether each of the words of `words_of` is somewhere in the prompt, also within a word."""
    folded = fold(prompt)
    return all(word in folded for word in words)


def tokens(guild_id: int, user_id: int, prompt: str) -> str:
    """Under what a picture is found, separated by spaces. Never raises: a painting hangs on it."""
    owner = _owner(guild_id, user_id)
    runs = set(chain.from_iterable(map(_runs, set(fold(prompt).split()))))
    return " ".join([owner + _hex(run) for run in runs])


def query(guild_id: int, user_id: int, words: Iterable[str]) -> str:
    """What to MATCH for the pictures of one person that may hold all these words, at least one.

    ASCII letters and digits throughout: nothing in it can be read as syntax.
    """
    # The first run of every word before the second of any: runs of different words have less in
    # common, and the search skips the further.
    turns = zip_longest(*map(_narrowing, words))
    runs = list(dict.fromkeys(run for turn in turns for run in turn if run is not None))
    step = -(-len(runs) // _TOKENS_LIMIT)
    owner = _owner(guild_id, user_id)
    return " AND ".join(owner + _hex(run) for run in runs[::step])


def _runs(word: str) -> Iterator[str]:
    for letters in range(1, _RUN_LETTERS + 1):
        for start in range(len(word) - letters + 1):
            yield word[start : start + letters]


def _narrowing(word: str) -> list[str]:
    # Every second run: each letter still stands beside its neighbours, at half the cost.
    last = max(0, len(word) - _RUN_LETTERS)
    return [word[start : start + _RUN_LETTERS] for start in (*range(0, last, 2), last)]


def _owner(guild_id: int, user_id: int) -> str:
    return f"{guild_id & _UNSIGNED:x}g{user_id & _UNSIGNED:x}u"


def _hex(run: str) -> str:
    # surrogatepass: half a character is in no prompt, and somebody may look for it all the same.
    return run.encode("utf-8", "surrogatepass").hex()
