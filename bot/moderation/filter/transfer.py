"""A server's rules as a plain text file, and word lists of one word in each line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from bot.moderation.filter.folding import fold
from bot.request.reasons.filters import FilterFileRefused
from storage.filters import FilterAction, FilterRule

VERSION: Final = "1"
_TITLE: Final = "zimagine filter"
_FIRST_LINE: Final = re.compile(rf"#?\s*{_TITLE}\b\s*(\S*)")
_EVERYWHERE: Final = {"everywhere": True, "not age-restricted": False}
_LISTS: Final = {"word": "words", "regex": "regexes", "allowed": "allowed"}
_IDS: Final = {"role": "roles", "channel": "channels"}
_SNOWFLAKE: Final = re.compile(r"[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class ImportedRules:
    """All rules of a server, as a file has them."""

    rules: tuple[FilterRule, ...]


@dataclass(frozen=True, slots=True)
class ImportedWords:
    """A list without rules. words: each with the number of its line."""

    words: tuple[tuple[int, str], ...]


def write_rules(rules: Iterable[FilterRule]) -> str:
    """Return a file that `read_file` understands."""
    lines = [f"{_TITLE} {VERSION}"]
    for rule in rules:
        where = next(name for name, value in _EVERYWHERE.items() if value is rule.everywhere)
        lines += ["", f"rule: {rule.name}", f"action: {rule.action.value}", f"where: {where}"]
        for key, field in (_IDS | _LISTS).items():
            lines += (f"{key}: {each}" for each in getattr(rule, field))
    return "\n".join(lines) + "\n"


def read_file(data: bytes) -> ImportedRules | ImportedWords | FilterFileRefused:
    """Read what `write_rules` wrote, or a list of words, of which lines with # are no part.

    Patterns are not checked here.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return FilterFileRefused(data.count(b"\n", 0, error.start) + 1)
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    written = [(number, line) for number, line in lines if line]
    title = _FIRST_LINE.fullmatch(written[0][1]) if written else None
    if title is None:
        return ImportedWords(tuple(each for each in written if not each[1].startswith("#")))
    if title[1] != VERSION:
        return FilterFileRefused(version=title[1][:20] or "?")
    return _rules(written[1:])


def _rules(lines: list[tuple[int, str]]) -> ImportedRules | FilterFileRefused:
    rules: list[FilterRule] = []
    for number, line in lines:
        if line.startswith("#"):
            continue
        key, colon, value = (part.strip() for part in line.partition(":"))
        if key == "rule" and value and all(each.lookup != fold(value) for each in rules):
            rules.append(FilterRule(0, value, fold(value)))
            continue
        changed = _with(rules[-1], key, value) if rules and colon and value else None
        if changed is None:
            return FilterFileRefused(number)
        rules[-1] = changed
    return ImportedRules(tuple(_without_doubles(rules)))


def _with(rule: FilterRule, key: str, value: str) -> FilterRule | None:
    """Return the rule with what a line says; None for a line that says nothing."""
    if key == "action" and value in list(FilterAction):
        return replace(rule, action=FilterAction(value))
    if key == "where" and value in _EVERYWHERE:
        return replace(rule, everywhere=_EVERYWHERE[value])
    if key in _LISTS:
        field = _LISTS[key]
        return replace(rule, **{field: (*getattr(rule, field), value)})
    if key in _IDS and _SNOWFLAKE.fullmatch(value):
        field = _IDS[key]
        return replace(rule, **{field: (*getattr(rule, field), int(value))})
    return None


def _without_doubles(rules: Iterable[FilterRule]) -> Iterator[FilterRule]:
    for rule in rules:
        fields = (_LISTS | _IDS).values()
        yield replace(rule, **{each: tuple(dict.fromkeys(getattr(rule, each))) for each in fields})
