"""How words in prompts are matched, letter by letter, in any script; pure.

Every run of one, two or three letters within a word becomes a token that also contains the user: a
search reads only that user's tokens, so it costs the same whatever others wrote, and two Chinese
characters are found as fast as an English word. The tokens of all pictures form one FTS5 index,
`pictures_search`. It knows which letters a prompt has but not where, so it returns candidates,
newest first, and `holds` decides.

Triggers maintain the index (migrations/0002): they call `tokens` as the SQL function
`picture_tokens`. The results of `fold` and `tokens` are stored in every database: changing them
requires a migration that rebuilds the index.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest
from typing import Final

SQL_FUNCTION: Final = "picture_tokens"
SQL_PARAMETERS: Final = 3

_RUN_LETTERS: Final = 3
_TOKENS_LIMIT: Final = 24
"""Per query: tokens only narrow down the candidates, and `holds` decides. Chosen by hand."""
_UNSIGNED: Final = 2**64 - 1


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


def tokens(guild_id: int, user_id: int, prompt: str) -> str:
    """Return a picture's index tokens, separated by spaces. Never raises: it runs in a trigger."""
    owner = _owner(guild_id, user_id)
    runs = set(chain.from_iterable(map(_runs, set(fold(prompt).split()))))
    return " ".join([owner + _hex(run) for run in runs])


def query(guild_id: int, user_id: int, words: Iterable[str]) -> str:
    """Return the MATCH expression for a user's pictures that may contain all of these words.

    Consists of ASCII letters and digits: nothing in it can be read as FTS5 syntax.
    """
    # The first run of every word before the second of any: runs of different words have less in
    # common, so the search skips further.
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
    # Every second run: each letter still appears next to its neighbours, at half the cost.
    last = max(0, len(word) - _RUN_LETTERS)
    return [word[start : start + _RUN_LETTERS] for start in (*range(0, last, 2), last)]


def _owner(guild_id: int, user_id: int) -> str:
    return f"{guild_id & _UNSIGNED:x}g{user_id & _UNSIGNED:x}u"


def _hex(run: str) -> str:
    # surrogatepass: no prompt contains half a character, but somebody may still search for one.
    return run.encode("utf-8", "surrogatepass").hex()
