"""Choose LoRAs from the owner's folder by what people write. Reads headers of files; blocking."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

from bot.request.params import GenerationParams
from bot.request.reasons.loras import (
    LoraBesideNone,
    LoraClosed,
    LoraReason,
    LorasNotOffered,
    LoraTwice,
    TooManyLoras,
    UnclearLoraTag,
    UnknownLora,
    UnusableLora,
)
from bot.request.values.loras import Choices, LoraChoice, agreed, has_tags, take_tags, without_none
from engine.diffusion.lora.shelf import LoraInfo, LoraShelf
from engine.errors import LoraUnusable
from engine.loras import MAX_LORAS, LoraUse
from engine.prompts import words_in

MAX_NEAR: Final = 3
"""Similar names that a refusal offers. Chosen by hand."""
_SIMILAR: Final = 0.5
"""How similar a name must be to be offered, from 0 to 1. Chosen by hand."""
_BETWEEN = re.compile(r"[\s_\-.]+")


class LoraCatalog:
    """What a folder of LoRAs offers. shelf: None where the owner has set no folder."""

    def __init__(self, shelf: LoraShelf | None) -> None:
        self._shelf = shelf

    @property
    def offered(self) -> bool:
        """Whether the owner has set a folder."""
        return self._shelf is not None

    def listing(self) -> tuple[LoraInfo, ...]:
        """Return all files by name; unusable ones with the problem. Raises LoraUnusable."""
        return () if self._shelf is None else self._shelf.listing()

    def picture(self, name: str) -> Path | None:
        """Return the sample picture of a LoRA; None if it has none. Raises LoraUnusable."""
        return None if self._shelf is None else self._shelf.picture(name)

    def folder_problem(self) -> LoraReason | None:
        """Return why nothing can be listed; None if it can."""
        if self._shelf is None:
            return LorasNotOffered()
        try:
            self._shelf.listing()
        except LoraUnusable as problem:
            return UnusableLora(problem.lora, problem.reason)
        return None

    def taken_from(
        self, prompt: str, choices: Choices, *, foreign: bool = False
    ) -> tuple[str, Choices] | LoraReason:
        """Return a prompt without its LoRA tags, and all that it and the options ask for; nothing
        where they say `none`.

        Where no LoRAs are offered, tags stay in the prompt: they do nothing, as a note says. So do
        those of LoRAs that are not here, if the prompt is of another program's text (foreign).
        """
        if self._shelf is None:
            return (prompt, ()) if not without_none(choices) else LorasNotOffered()
        try:
            prompt, tagged = take_tags(prompt, self._is_here if foreign else None)
        except ValueError as error:
            return UnclearLoraTag(str(error))
        together = agreed(choices, tagged)
        if together is None:
            return _contradiction((*choices, *tagged))
        return prompt, without_none(together)

    def uses(self, choices: Choices) -> tuple[LoraUse, ...] | LoraReason:
        """Return the LoRAs that are meant, with their weights and trigger words."""
        if not choices:
            return ()
        if self._shelf is None:
            return LorasNotOffered()
        try:
            infos = self._shelf.listing()
        except LoraUnusable as problem:
            return UnusableLora(problem.lora, problem.reason)
        found: dict[str, LoraUse] = {}
        for choice in choices:
            info = _meant(choice.name, infos)
            if isinstance(info, UnknownLora):
                return info
            if (problem := self._problem(info.name)) is not None:
                return problem
            weight = info.weight if choice.weight is None else choice.weight
            use = LoraUse(info.name, float(weight), info.trigger_words, choice.style_word)
            if found.setdefault(info.name, use) != use:
                return LoraTwice(info.name)
        if len(found) > MAX_LORAS:
            return TooManyLoras(len(found), MAX_LORAS)
        return tuple(found.values())

    def styled(
        self,
        params: GenerationParams,
        ids: Collection[int] | None = None,
        opened: Collection[str] | None = None,
    ) -> GenerationParams:
        """Return a request with the LoRA whose style words are in its prompt, if it names none.

        Of several the one with the longest words, then the first by name. ids: as for `refusal`.
        opened: names of those that are open where it is asked, None for all.
        """
        if params.lora or has_tags(params.prompt):
            return params
        found = [
            (-len(word), each.name.casefold(), LoraChoice(each.name, style_word=word))
            for each in self._readable()
            if each.style_words and allowed(each, ids) and (opened is None or each.name in opened)
            for word in words_in(params.prompt, each.style_words)
        ]
        for *_, choice in sorted(found, key=lambda row: row[:2]):
            if self._problem(choice.name) is None:
                return dataclasses.replace(params, lora=(choice,))
        return params

    def has_style(self, prompt: str) -> bool:
        """Return whether a prompt has style words of a LoRA, whoever may use it."""
        return any(words_in(prompt, each.style_words) for each in self._readable())

    def names(self, choices: Choices) -> tuple[str, ...] | LoraReason:
        """Return the names of the LoRAs that are meant, however many; usable or not."""
        if (problem := self.folder_problem()) is not None:
            return problem
        infos, found = self.listing(), list[str]()
        for choice in choices:
            info = _meant(choice.name, infos)
            if isinstance(info, UnknownLora):
                return info
            found.append(info.name)
        return tuple(dict.fromkeys(found))

    def refusal(self, uses: Iterable[LoraUse], ids: Collection[int] | None) -> LoraReason | None:
        """Return why a request with these LoRAs would fail now; None if it would not.

        ids: of the member and their roles; None for somebody who may use all.
        """
        for each in uses:
            if self._shelf is None:
                return LorasNotOffered()
            if (problem := self._problem(each.name)) is not None:
                return problem
            if not self._open_to(each.name, ids):
                return LoraClosed(each.name)
        return None

    def matching(self, typed: str, ids: Collection[int] | None) -> tuple[LoraInfo, ...]:
        """Return usable LoRAs whose name, title or trigger words have the typed text, best first.

        ids: as for `refusal`. Nothing where the folder cannot be read.
        """
        return best_first(typed, (each for each in self._readable() if allowed(each, ids)))

    def _readable(self) -> Sequence[LoraInfo]:
        """Return the LoRAs without a problem; nothing where the folder cannot be read."""
        try:
            return [each for each in self.listing() if each.problem is None]
        except LoraUnusable:
            return ()

    def _is_here(self, choice: LoraChoice) -> bool:
        return not choice.is_none and isinstance(self.uses((choice,)), tuple)

    def _problem(self, name: str) -> LoraReason | None:
        assert self._shelf is not None
        try:
            with self._shelf.opened(name):
                return None
        except LoraUnusable as problem:
            return UnusableLora(problem.lora, problem.reason)

    def _open_to(self, name: str, ids: Collection[int] | None) -> bool:
        try:
            infos = self.listing()
        except LoraUnusable:
            return False
        return any(each.name == name and allowed(each, ids) for each in infos)


StylePick = Callable[[LoraCatalog, GenerationParams], GenerationParams]
"""Takes the LoRAs of a request's model, and returns the request with the one that its prompt names
by style words; reads files."""

NO_LORAS: Final = LoraCatalog(None)
"""For whoever offers none."""


def best_first(typed: str, infos: Iterable[LoraInfo]) -> tuple[LoraInfo, ...]:
    """Return those whose name, title or trigger words have the typed text, best first."""
    needle = _plain(typed)
    ranked = [
        (rank, each.name.casefold(), each)
        for each in infos
        if (rank := _rank(needle, each)) is not None
    ]
    return tuple(each for *_, each in sorted(ranked, key=lambda row: row[:2]))


def allowed(info: LoraInfo, ids: Collection[int] | None) -> bool:
    """Return whether somebody may use a LoRA. ids: their own and their roles', None for all."""
    return info.allow is None or ids is None or any(str(each) in info.allow for each in ids)


def _meant(name: str, infos: Sequence[LoraInfo]) -> LoraInfo | UnknownLora:
    """Return the LoRA of this name, or of this name or title but for case, spaces and dashes."""
    exact = next((each for each in infos if each.name == name), None)
    if exact is not None:
        return exact
    plain = _plain(name)
    for texts in ((each.name for each in infos), (each.title for each in infos)):
        like = [each for each, text in zip(infos, texts, strict=True) if _plain(text) == plain]
        if len(like) == 1:
            return like[0]
        if like:
            return UnknownLora(name, tuple(each.name for each in like[:MAX_NEAR]))
    return UnknownLora(name, _near(plain, infos))


def _near(plain: str, infos: Sequence[LoraInfo]) -> tuple[str, ...]:
    """Return similar names of LoRAs that everybody may use."""
    by_text: dict[str, str] = {}
    for each in infos:
        if each.allow is None and each.problem is None:
            for text in (each.name, each.title, *each.trigger_words):
                by_text.setdefault(_plain(text), each.name)
    holding = [text for text in by_text if plain and (plain in text or (text and text in plain))]
    alike = difflib.get_close_matches(plain, by_text, MAX_NEAR, _SIMILAR)
    return tuple(dict.fromkeys(by_text[text] for text in (*alike, *holding)))[:MAX_NEAR]


def _rank(needle: str, info: LoraInfo) -> int | None:
    """Return how well a LoRA fits what is typed, 0 is best; None where it does not."""
    name, others = _plain(info.name), (_plain(info.title), *map(_plain, info.trigger_words))
    if name.startswith(needle):
        return 0
    if needle in name:
        return 1
    return 2 if any(needle in each for each in others) else None


def _plain(text: str) -> str:
    return _BETWEEN.sub(" ", text.casefold()).strip()


def _contradiction(choices: Choices) -> LoraReason:
    named = without_none(choices)
    if named and len(named) < len(choices):
        return LoraBesideNone(named[0].name)
    return LoraTwice(_twice(choices))


def _twice(choices: Sequence[LoraChoice]) -> str:
    """Return the first name that is there with two weights."""
    seen: dict[str, float | None] = {}
    for each in choices:
        if seen.setdefault(each.name, each.weight) not in (None, each.weight):
            return each.name
    return choices[0].name
