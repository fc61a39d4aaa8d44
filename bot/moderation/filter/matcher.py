"""Find a server's patterns in a text, all at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import re2

from bot.moderation.filter.folding import fold, fold_pattern, token_spans
from bot.moderation.filter.patterns import (
    PatternKind,
    Words,
    compile_regex,
    options,
    read_regex,
    read_words,
    spaced,
    token_expression,
)
from bot.request.reasons.filters import PatternRefused
from storage.filters import FilterRule

SET_MEMORY_BYTES: Final = 16 << 20
"""What RE2 may take for all expressions of a server together, and as much again for all words with
wildcards. 1,000 expressions of 30 characters need about 2 MiB of it; chosen by hand."""


@dataclass(frozen=True, slots=True)
class Match:
    """A pattern that was found. rule_id: of its rule. pattern: as an admin typed it."""

    rule_id: int
    kind: PatternKind
    pattern: str


class Matcher:
    """The patterns of some rules, compiled. Immutable, and safe to use from several threads.

    A pattern that this version does not accept any more is left out and counted in `unreadable`.
    Compiling blocks; so does `matches`, for some milliseconds at most.
    """

    def __init__(
        self, rules: Iterable[FilterRule], set_memory_bytes: int = SET_MEMORY_BYTES
    ) -> None:
        self.unreadable = 0
        self._plain: dict[str, list[tuple[tuple[str, ...], Match]]] = {}
        self._allowed: dict[int, tuple[Words, ...]] = {}
        wild: list[tuple[str, Match]] = []
        regexes: list[tuple[str, Match]] = []
        for rule in rules:
            for word in rule.words:
                words, match = read_words(word), Match(rule.id, PatternKind.WORD, word)
                if isinstance(words, PatternRefused):
                    self.unreadable += 1
                elif words.wild:
                    wild.append((words.expression(), match))
                else:
                    self._plain.setdefault(words.tokens[0], []).append((words.tokens, match))
            for regex in rule.regexes:
                folded = read_regex(regex)
                if isinstance(folded, PatternRefused):
                    self.unreadable += 1
                else:
                    regexes.append((folded, Match(rule.id, PatternKind.REGEX, regex.strip())))
            read = map(read_words, rule.allowed)
            allowed = tuple(each for each in read if isinstance(each, Words))
            self.unreadable += len(rule.allowed) - len(allowed)
            if allowed:
                self._allowed[rule.id] = allowed
        self._wild = _ExpressionSet(wild, set_memory_bytes)
        self._regexes = _ExpressionSet(regexes, set_memory_bytes)

    @property
    def fits(self) -> bool:
        """Whether all expressions fit into their memory; otherwise they are searched one by one,
        which finds the same and takes longer."""
        return self._wild.fits and self._regexes.fits

    def matches(self, text: str) -> tuple[Match, ...]:
        """Return every pattern that is found in a text as somebody wrote it."""
        folded = fold(text)
        spans = token_spans(folded)
        words = [token for token, _, _ in spans]
        found = [*self._plain_in(words), *self._wild.found_in(spaced(words))]
        found += self._regexes.found_in(folded)
        return tuple(each for each in found if not self._is_allowed(each, folded, spans))

    def _plain_in(self, words: Sequence[str]) -> list[Match]:
        found: dict[Match, None] = {}
        for index, word in enumerate(words):
            for wanted, match in self._plain.get(word, ()):
                if len(wanted) == 1 or tuple(words[index : index + len(wanted)]) == wanted:
                    found[match] = None
        return list(found)

    def _is_allowed(self, match: Match, folded: str, spans: Sequence[tuple[str, int, int]]) -> bool:
        """Return whether a pattern is found only in words that its rule allows."""
        allowed = self._allowed.get(match.rule_id)
        if allowed is None:
            return False
        inside = _tokens_inside(allowed, [token for token, _, _ in spans])
        rest, words = list(folded), [token for token, _, _ in spans]
        for index in inside:
            _, start, end = spans[index]
            rest[start:end] = "\0" * (end - start)
            words[index] = "\0"
        if match.kind is PatternKind.REGEX:
            return not compile_regex(fold_pattern(match.pattern)).search("".join(rest))
        wanted = read_words(match.pattern)
        assert isinstance(wanted, Words)
        return not compile_regex(wanted.expression()).search(spaced(words))


def _tokens_inside(allowed: Iterable[Words], words: Sequence[str]) -> set[int]:
    """Return the indexes of the tokens that belong to one of these words or phrases."""
    found: set[int] = set()
    for each in allowed:
        wanted = [compile_regex(f"^(?:{token_expression(token)})$") for token in each.tokens]
        for start in range(len(words) - len(wanted) + 1):
            if all(one.search(words[start + offset]) for offset, one in enumerate(wanted)):
                found.update(range(start, start + len(wanted)))
    return found


class _ExpressionSet:
    """Regular expressions that are searched in one pass."""

    def __init__(self, expressions: Sequence[tuple[str, Match]], memory_bytes: int) -> None:
        self._expressions = expressions
        self._set = re2.Set.SearchSet(options(memory_bytes))
        for expression, _ in expressions:
            self._set.Add(expression)
        # It is found in every text: if it is not, RE2 has given up for want of memory. Its binding
        # does not tell that from a text without matches.
        self._proof = self._set.Add("")
        try:
            self._set.Compile()
            self.fits = bool(self._set.Match(""))
        except re2.error:
            self.fits = False

    def found_in(self, text: str) -> list[Match]:
        if not self._expressions:
            return []
        found = self._set.Match(text) if self.fits else None
        if found is None or self._proof not in found:
            return [each for regex, each in self._expressions if compile_regex(regex).search(text)]
        return [self._expressions[index][1] for index in sorted(found) if index != self._proof]
