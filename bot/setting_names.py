"""Names of settings: which ones there are, and which one a misspelt name was meant to be."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches

ENV_PREFIX = "ZIMAGINE_"
TOKEN_ENV = "DISCORD_TOKEN"
_DELIMITER = "__"
_TOKEN = "discord.token"
SIMILARITY = 0.8
"""How similar two names must be, from 0 to 1, for one to be a likely spelling of the other. Chosen
by hand: with two letters swapped or one missing they are, with another word they are not."""

_INJECTED = re.compile(
    r"ZIMAGINE(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)"
)
"""Variables that Kubernetes sets in every container beside a service called zimagine."""


@dataclass(frozen=True, slots=True)
class UnknownName:
    """A name that no setting has. nearest: the one that was probably meant, if any is similar."""

    name: str
    nearest: str | None


def nearest_setting(name: str, settings: Mapping[str, Collection[str]]) -> str | None:
    """Return the setting that a dotted name was probably meant to be, or None.

    settings: the keys of each section. Separators and case do not count, and the section may be
    missing or a wrong one.
    """
    sections = [] if "." in name else list(settings)
    by_letters = {_letters(each): each for each in [*sections, *_dotted(settings)]}
    found = by_letters.get(_letters(name)) or _by_key(name.rpartition(".")[2], settings)
    if found is not None:
        return found
    close = get_close_matches(_letters(name), by_letters, n=1, cutoff=SIMILARITY)
    return by_letters[close[0]] if close else None


def unknown_variables(
    names: Iterable[str], settings: Mapping[str, Collection[str]]
) -> list[UnknownName]:
    """Return the environment variables that were meant to be settings and are none, sorted.

    These are all with the prefix ZIMAGINE_, except those that Kubernetes sets by itself, and any
    other that is a section and a key behind a similar prefix.
    """
    known = {_variable(each) for each in _dotted(settings)}
    known |= {f"{ENV_PREFIX}{section}".upper() for section in settings}
    found = []
    for name in sorted(names):
        spelt = name.upper()  # the settings are read in any case
        if spelt in known or _INJECTED.fullmatch(spelt):
            continue
        if spelt.startswith(ENV_PREFIX):
            found.append(UnknownName(name, _nearest_variable(spelt, settings)))
        elif (meant := _behind_another_prefix(spelt, known)) is not None:
            found.append(UnknownName(name, meant))
    return found


def misspelt_token(names: Iterable[str]) -> str | None:
    """Return the environment variable that was probably meant to be DISCORD_TOKEN, or None."""
    by_letters = {_letters(each): each for each in names if each.upper() != TOKEN_ENV}
    close = get_close_matches(_letters(TOKEN_ENV), by_letters, n=1, cutoff=SIMILARITY)
    return by_letters[close[0]] if close else None


def _nearest_variable(name: str, settings: Mapping[str, Collection[str]]) -> str | None:
    meant = nearest_setting(
        name.removeprefix(ENV_PREFIX).strip("_").replace(_DELIMITER, "."), settings
    )
    if meant == _TOKEN:
        return TOKEN_ENV
    return None if meant is None else _variable(meant)


def _behind_another_prefix(name: str, known: Collection[str]) -> str | None:
    """Return the variable that is meant by ZIMAGIN_QUOTA__PICTURES, or None."""
    for each in known:
        setting = each.removeprefix(ENV_PREFIX)
        if _DELIMITER in setting and name.endswith(f"_{setting}"):
            prefix = name.removesuffix(setting)
            if SequenceMatcher(None, prefix, ENV_PREFIX).ratio() >= SIMILARITY:
                return each
    return None


def _by_key(key: str, settings: Mapping[str, Collection[str]]) -> str | None:
    """Return the only setting that has this key, in whatever section."""
    found = [
        f"{section}.{each}"
        for section, keys in settings.items()
        for each in keys
        if _letters(each) == _letters(key)
    ]
    return found[0] if len(found) == 1 else None


def _dotted(settings: Mapping[str, Collection[str]]) -> list[str]:
    return [f"{section}.{key}" for section, keys in settings.items() for key in keys]


def _variable(setting: str) -> str:
    return f"{ENV_PREFIX}{setting.replace('.', _DELIMITER)}".upper()


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
