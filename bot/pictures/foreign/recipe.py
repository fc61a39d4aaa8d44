"""How another program made a picture, as far as it means anything here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.request.params import MAX_TYPED_CHARS, GenerationParams, PastedSettings
from bot.request.prompt.flag_line import line_with_flags
from bot.request.prompt.pasted.settings import RANDOM_SEED, merge_pasted
from bot.request.sizes import nearest_size
from engine.diffusion.families import Family
from engine.prompts import MAX_PROMPT_CHARS
from engine.types import MAX_SEED

MAX_SHOWN_SETTINGS: Final = 12
"""Chosen by hand, as many as web UIs usually write."""


@dataclass(frozen=True, slots=True)
class ForeignRecipe:
    """A recipe by another program.

    program: its name, "" if the file does not tell. prompt, negative: cleaned, like typed ones.
    seed, size: (width_px, height_px), as written, None where they are missing. settings: names of
    what else the file says and this bot does not take.
    """

    program: str
    prompt: str
    negative: str = ""
    seed: int | None = None
    size: tuple[int, int] | None = None
    settings: tuple[str, ...] = ()
    from_workflow: bool = False

    @property
    def usable_seed(self) -> int | None:
        """The seed, None if there is none or if it is beyond those that exist here."""
        return self.seed if self.seed is not None and 0 <= self.seed <= MAX_SEED else None

    @property
    def ignored(self) -> tuple[str, ...]:
        """The names of what is not taken: the settings, and a seed that does not exist here."""
        strange = self.seed is not None and self.usable_seed is None and self.seed != RANDOM_SEED
        return (*self.settings, *(["seed"] if strange else []))

    def size_here(self, family: Family) -> tuple[int, int] | None:
        """Return the nearest size (width_px, height_px) that this model can paint."""
        return None if self.size is None else nearest_size(self.size, family)

    def line(self, family: Family) -> str:
        """Return a prompt with flags that /imagine accepts, with the size that is painted here; ""
        if even the prompt alone is too long.

        A negative prompt for which there is no room is left out.
        """
        flags: list[str] = []
        if (size := self.size_here(family)) is not None:
            flags.append(f"--size {size[0]}x{size[1]}")
        if self.usable_seed is not None:
            flags.append(f"--seed {self.usable_seed}")
        if len(self.prompt) > MAX_PROMPT_CHARS:
            return ""
        texts = (self.negative if len(self.negative) <= MAX_PROMPT_CHARS else "", "")
        lines = (line_with_flags(self.prompt, flags, negative) for negative in texts)
        return next((line for line in lines if len(line) <= MAX_TYPED_CHARS), "")

    def params(self) -> GenerationParams:
        """Return the parameters with which it is painted here, and what is left out."""
        settings = PastedSettings(
            self.negative, self.usable_seed, self.size, self.ignored, program=self.program
        )
        return merge_pasted(GenerationParams(self.prompt, pasted=settings))
