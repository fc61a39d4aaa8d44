"""What was written on the command line of `zimagine imagine`, and what does not go together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.cli.batch.output import is_named
from bot.cli.common.errors import fail
from bot.exit_codes import BAD_INPUT

PICTURE_ENDINGS: Final = {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}


@dataclass(frozen=True, slots=True)
class ImagineArguments:
    """The arguments and options as click read them; given: the names of those that were written."""

    words: tuple[str, ...]
    prompts: Path | None
    config: Path | None
    model: str | None
    seed: int | None
    size: str | None
    aspect: str | None
    steps: int | None
    speed: str | None
    guidance: float | None
    strict: bool
    negative: str | None
    count: int
    enhance: str | None
    no_enhance: bool
    variety: float
    refine: float
    style: str | None
    image: Path | None
    mask: Path | None
    blend: tuple[Path, Path] | None
    vary: Path | None
    by: str
    upscale: Path | None
    strength: float | None
    recipe: Path | None
    grid: tuple[str, ...]
    out: Path | None
    save_steps: bool
    as_json: bool
    yes: bool
    given: frozenset[str]

    @property
    def has_prompt(self) -> bool:
        """Whether there are words to paint."""
        return bool(self.words) or self.prompts is not None


_ONE_OF: Final = (
    ("size", "aspect"),
    ("steps", "speed"),
    ("guidance", "strict"),
    ("enhance", "no_enhance"),
    ("recipe", "vary", "upscale"),
    ("image", "blend", "upscale"),
)
_NEEDS: Final = {
    "mask": ("image",),
    "by": ("vary",),
    "strength": ("image", "blend", "upscale"),
}
_ANYWAY: Final = frozenset({"config", "model", "out", "as_json", "save_steps", "yes"})
_SAME_INPUTS: Final = frozenset({"image", "mask", "blend"})
_ALONE: Final = {
    "recipe": (
        _ANYWAY | _SAME_INPUTS | {"recipe"},
        "--recipe paints a picture exactly as it was: give no prompt or settings with it",
    ),
    "vary": (
        _ANYWAY | _SAME_INPUTS | {"vary", "by", "seed", "count"},
        "--vary keeps the picture's own prompt and settings: give none with it",
    ),
    "upscale": (
        _ANYWAY | {"upscale", "strength"},
        "--upscale without a prompt keeps the picture's own prompt and settings: give a prompt "
        "to change them",
    ),
}
"""What these may be given with, and the sentence where there is more."""


def option(name: str) -> str:
    """How an option is written."""
    return "--json" if name == "as_json" else f"--{name.replace('_', '-')}"


def check(asked: ImagineArguments) -> None:
    """End the command with one sentence and code 2 where options contradict each other."""
    if asked.out is not None:
        _check_out(asked.out)
    for names in _ONE_OF:
        both = [name for name in names if name in asked.given]
        if len(both) > 1:
            fail(f"Give {' or '.join(map(option, both))}, not both.", BAD_INPUT)
    for name, needed in _NEEDS.items():
        if name in asked.given and not asked.given.intersection(needed):
            fail(f"{option(name)} needs {' or '.join(map(option, needed))}.", BAD_INPUT)
    for name, (allowed, sentence) in _ALONE.items():
        if name not in asked.given or (name == "upscale" and asked.has_prompt):
            continue
        others = sorted(asked.given - allowed)
        if others:
            fail(f"{sentence} ({', '.join(map(_written, others))}).", BAD_INPUT)


def _written(name: str) -> str:
    return "a prompt" if name == "words" else option(name)


def _check_out(out: Path) -> None:
    if out.suffix.lower() in PICTURE_ENDINGS and not out.is_dir():
        fail("Pictures are written as PNG: give --out a name that ends in .png.", BAD_INPUT)
    if out.exists() and not out.is_dir() and not is_named(out):
        fail(f"{out} is a file: give --out a .png file or a folder.", BAD_INPUT)
