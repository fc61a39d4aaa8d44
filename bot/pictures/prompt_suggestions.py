"""What a member is shown while they type a prompt: how it is read, and what they wrote before."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

import structlog

from bot.accounts.permissions import Actor
from bot.accounts.presets import PresetService
from bot.pictures.recent import RecentPictures
from bot.request.outcomes import Refused
from bot.request.params import GenerationParams
from bot.request.prompt.apply_flags import apply_flags_to_each
from bot.request.prompt.prompt_keys import fits, is_key, key_of
from bot.request.reasons.values import PromptForgotten
from engine.prompts import PictureStyle, analyse, clean
from storage.errors import StorageError
from storage.presets import StoredPreset

log = structlog.get_logger(__name__)

READ_CHARS: Final = 600
"""How much of a prompt is read while it is typed: the slowest text of that length takes 20 ms, and
the subject stands at the beginning. Chosen by hand."""
READ_LIMIT_S: Final = 0.5
"""How long the database may take on the first use; slower, and there is only what memory has.
Chosen by hand."""
KEPT_TYPED: Final = 8
"""Of the texts that a member typed last: suggestions of older ones are not shown any more. Chosen
by hand."""
KEPT_PEOPLE: Final = 200
"""Members whose typed texts are in memory: with the longest ones that are 20 MB. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class PromptReading:
    """How a prompt is read so far. subject: "" if none was found; style: one that a flag sets.
    chars: of its words, without flags."""

    subject: str
    style: PictureStyle | None
    styles: tuple[str, ...]
    materials: tuple[str, ...]
    chars: int


@dataclass(frozen=True, slots=True)
class PromptSuggestions:
    """What to show for a text. reading: None of an empty one. prompts: earlier ones of the member
    that have the typed text, newest first. presets: all of the member's, by name."""

    reading: PromptReading | None
    prompts: tuple[str, ...]
    presets: tuple[StoredPreset, ...]


@dataclass(frozen=True, slots=True)
class _Typed:
    """A text, and the line that it was offered by."""

    text: str
    line: str


class PromptSuggestionService:
    """Suggests only what a member wrote themselves, on this server, and their own presets.

    A suggestion that is too long to be chosen as it is has a key in its place (`value_of`), which
    `resolve` turns into the whole prompt again, for this member alone.
    """

    def __init__(self, recent: RecentPictures, presets: PresetService) -> None:
        self._recent = recent
        self._presets = presets
        self._typed: OrderedDict[int, deque[_Typed]] = OrderedDict()

    async def suggest(self, actor: Actor, typed: str) -> PromptSuggestions:
        """Return what to show for the text that was typed so far."""
        prompts, presets = await self._known(actor)
        needle = typed.casefold().strip()
        found = tuple(each for each in prompts if needle in each.casefold() and each != typed)
        # Off the loop: a text without spaces takes some milliseconds.
        reading = await asyncio.to_thread(read, typed) if clean(typed) else None
        return PromptSuggestions(reading, found, presets)

    def typed(self, actor: Actor, text: str) -> str:
        """Return what a member typed.

        Discord shows the line of a choice in place of what was typed, and sends that line when
        they go on typing behind it.
        """
        for each in reversed(self._typed.get(actor.user_id, ())):
            if text.startswith(each.line):
                return each.text + text.removeprefix(each.line)
        return text

    def value_of(self, actor: Actor, text: str, line: str) -> str:
        """Return what stands for a typed text in a choice, and remember the text.

        line: how the choice is shown.
        """
        kept = self._typed.setdefault(actor.user_id, deque(maxlen=KEPT_TYPED))
        kept.append(_Typed(text, line))
        self._typed.move_to_end(actor.user_id)
        while len(self._typed) > KEPT_PEOPLE:
            self._typed.popitem(last=False)
        return text if fits(text) else key_of(text)

    async def resolve(self, actor: Actor, prompt: str) -> str | Refused:
        """Return the prompt that a key of the member's stands for; any other text as they typed it.

        Refused with a key whose prompt is gone: its beginning would be painted in its place.
        """
        if not is_key(prompt):
            return self.typed(actor, prompt)
        typed = [each.text for each in self._typed.get(actor.user_id, ())]
        for each in (*typed, *await self._recent.prompts(actor.user_id, actor.guild_id)):
            if key_of(each) == prompt:
                return each
        return Refused(PromptForgotten())

    def forget(self, user_id: int) -> None:
        """Drop what a member typed, and their presets, from memory."""
        self._typed.pop(user_id, None)
        self._presets.forget(user_id)

    async def _known(self, actor: Actor) -> tuple[tuple[str, ...], tuple[StoredPreset, ...]]:
        try:
            async with asyncio.timeout(READ_LIMIT_S):
                prompts = await self._recent.prompts(actor.user_id, actor.guild_id)
                return prompts, await self._presets.listed(actor)
        except TimeoutError:
            log.warning("the database took too long")
        except StorageError as error:
            log.warning("suggestions not read", detail=str(error))
        return (), ()


def read(typed: str) -> PromptReading:
    """Return how a prompt is read so far; flags that are not complete yet are words."""
    beginning = typed[:READ_CHARS]
    parsed = apply_flags_to_each(GenerationParams(beginning), 1, False)
    words, style = beginning, None
    if not isinstance(parsed, Refused):
        words, style = parsed[0].params.prompt, parsed[0].params.style
    analysis = analyse(clean(words))
    return PromptReading(
        subject=analysis.subject,
        style=style,
        styles=analysis.styles,
        materials=analysis.materials,
        chars=len(clean(words)) + len(typed[READ_CHARS:].rstrip()),
    )
