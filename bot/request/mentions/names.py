"""Put names in place of Discord's codes in a prompt: mentions, emoji, times, bare ids. Pure.

A code such as `<:red_house:1234…>` or `<@1234…>` is a picture or a name to whoever types it, and
digits to a model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, zip_longest

from bot.request.mentions.codes import (
    BARE_IDS,
    CODES,
    as_words,
    command_words,
    link_name,
    links_with_ids,
)
from bot.request.mentions.stand_ins import StandIns, stand_ins
from bot.request.mentions.times import time_words
from bot.request.quotations import is_cjk


@dataclass(frozen=True, slots=True)
class Names:
    """The names of people, roles and channels by their ids, as far as they are known."""

    people: Mapping[int, str] = field(default_factory=dict[int, str])
    roles: Mapping[int, str] = field(default_factory=dict[int, str])
    channels: Mapping[int, str] = field(default_factory=dict[int, str])


@dataclass(frozen=True, slots=True)
class Mentioned:
    """The ids in a text, in order: of people, of roles, of channels, and those of unknown kind."""

    people: tuple[int, ...] = ()
    roles: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()


def mentioned(text: str) -> Mentioned:
    """Return the ids whose names would help to read this text, each once."""
    codes = list(CODES.finditer(text))
    rest = _outside_links(CODES.sub(" ", text))
    return Mentioned(
        people=_ids(match["person"] or match["profile"] for match in codes),
        roles=_ids(match["role"] for match in codes),
        channels=_ids(match["channel"] or match["linked"] for match in codes),
        unknown=_ids(match["id"] for match in BARE_IDS.finditer(" ".join(rest))),
    )


def with_names(
    text: str, names: Names, now: datetime | None = None, within: str | None = None
) -> str:
    """Return a text with its codes in words, as its author sees them on Discord.

    Bare ids stay unless `names` has them: they may be the value of a flag. now: for relative times,
    which are given as a date without it. within: the whole that this is a part of, whose language
    the words have. The words contain no flags, braces or commas.
    """
    words = stand_ins(text if within is None else within)

    def code(match: re.Match[str]) -> str:
        return _code_words(match, names, words, now)

    def bare(match: re.Match[str]) -> str:
        kinds = (names.people, names.roles, names.channels)
        return next(filter(None, (_known(kind, match["id"]) for kind in kinds)), match[0])

    named = _replaced(CODES, code, text)
    parts = [_replaced(BARE_IDS, bare, part) for part in _outside_links(named)]
    links = [link[0] for link in links_with_ids(named)]
    return "".join(chain.from_iterable(zip_longest(parts, links, fillvalue="")))


def readable(text: str, within: str | None = None) -> str:
    """Return a text without codes and ids, for the model and for alt texts.

    Names that are not known are read as “somebody”, “a role” or “a channel”, in Chinese within a
    Chinese text. Digits after a decimal point and longer numbers are no ids, and stay. Doing it
    twice changes nothing. within: the whole that this is a part of, None for the text itself.
    """
    words = stand_ins(text if within is None else within)

    def bare(match: re.Match[str]) -> str:
        return {"#": words.channel, "@&": words.role}.get(match["sign"], words.somebody)

    read, before = text, None
    while read != before:  # words between colons may look like an emoji, for one
        before = read
        named = _replaced(CODES, lambda match: _code_words(match, Names(), words, None), read)
        read = _replaced(BARE_IDS, bare, words.link.join(_outside_links(named)))
    return read


def _outside_links(text: str) -> list[str]:
    """Return what is before, between and behind the links with ids, which may be pictures."""
    parts: list[str] = []
    last = 0
    for link in links_with_ids(text):
        parts.append(text[last : link.start()])
        last = link.end()
    return [*parts, text[last:]]


def _replaced(pattern: re.Pattern[str], words: Callable[[re.Match[str]], str], text: str) -> str:
    """Replace each match by its words, with a space where they would run into a neighbour."""
    whole, last = "", 0
    for match in pattern.finditer(text):
        found = words(match)
        before = text[last : match.start()]
        whole = _joined(_joined(whole, before) if last else before, found)
        last = match.end()
    return _joined(whole, text[last:]) if last else text


def _joined(left: str, right: str) -> str:
    both_words = left[-1:].isalnum() and right[:1].isalnum()
    unspaced = both_words and is_cjk(left[-1]) and is_cjk(right[0])
    return f"{left} {right}" if both_words and not unspaced else f"{left}{right}"


def _code_words(match: re.Match[str], names: Names, words: StandIns, now: datetime | None) -> str:
    """Return the words for one match of CODES."""
    groups = match.groupdict()
    if (person := groups["person"] or groups["profile"]) is not None:
        return _known(names.people, person) or words.somebody
    if (role := groups["role"]) is not None:
        return _known(names.roles, role) or words.role
    if (channel := groups["channel"] or groups["linked"]) is not None:
        return _known(names.channels, channel) or words.channel
    if groups["time"] is not None:
        return time_words(int(groups["time"]), groups["style"] or "", now, words.language)
    if groups["command"] is not None:
        return command_words(groups["command"], words.command)
    if groups["place"] is not None:
        return words.places.get(groups["place"]) or as_words(groups["place"])
    named = ("emoji", "loose", "shortcode", "label", "other")
    name = as_words(next((groups[each] for each in named if groups[each]), ""))
    return name or link_name(match[0]) or words.emoji


def _known(names: Mapping[int, str], digits: str) -> str:
    """Return a name in words, "" if it is not known or has no words."""
    return as_words(names.get(int(digits), ""))


def _ids(found: Iterable[str | None]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(int(each) for each in found if each))
