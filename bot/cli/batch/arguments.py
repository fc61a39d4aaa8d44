"""The arguments of `zimagine imagine`, and the check that they go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.cli.batch.output import is_named
from bot.cli.common.errors import fail
from bot.exit_codes import BAD_INPUT
from bot.request.options import SAME_SETTING
from bot.request.values.regions import Region

PICTURE_ENDINGS: Final = {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}


@dataclass(frozen=True, slots=True)
class ImagineArguments:
    """The arguments and options as click parsed them.

    values: the options of bot.request.options, by name. given: the names of all parameters that
    were written on the command line.
    """

    words: tuple[str, ...]
    prompts: Path | None
    config: Path | None
    model: str | None
    values: Mapping[str, Any]
    no_enhance: bool
    image: Path | None
    mask: Path | None
    blend: tuple[Path, Path] | None
    vary: Path | None
    by: str
    upscale: Path | None
    recipe: Path | None
    grid: tuple[str, ...]
    out: Path | None
    save_steps: bool
    as_json: bool
    yes: bool
    given: frozenset[str]

    @property
    def seed(self) -> int | None:
        """The seed of the first picture, None for random seeds."""
        return self.values["seed"]

    @property
    def count(self) -> int:
        """The number of pictures of each prompt."""
        return self.values["count"]

    @property
    def strength(self) -> float | None:
        """The noise level over a source image, None for the mode's default."""
        return self.values["strength"]

    @property
    def region(self) -> Region | None:
        """The part to repaint in place of a mask, None if none was chosen."""
        value = self.values["region"]
        return None if value is None else Region(value)

    @property
    def has_prompt(self) -> bool:
        """Whether prompts were given."""
        return bool(self.words) or self.prompts is not None


_EXCLUSIVE: Final = (
    *SAME_SETTING,
    ("enhance", "no_enhance"),
    ("recipe", "vary", "upscale"),
    ("image", "blend", "upscale"),
    ("mask", "region"),
)
_REQUIRES: Final = {
    "mask": ("image",),
    "region": ("image",),
    "by": ("vary",),
    "strength": ("image", "blend", "upscale"),
}
_ALWAYS_ALLOWED: Final = frozenset({"config", "model", "out", "as_json", "save_steps", "yes"})
_SOURCE_IMAGES: Final = frozenset({"image", "mask", "region", "blend"})
_STANDALONE: Final = {
    "recipe": (
        _ALWAYS_ALLOWED | _SOURCE_IMAGES | {"recipe"},
        "--recipe paints a picture exactly as it was: give no prompt or settings with it",
    ),
    "vary": (
        _ALWAYS_ALLOWED | _SOURCE_IMAGES | {"vary", "by", "seed", "count"},
        "--vary keeps the picture's own prompt and settings: give none with it",
    ),
    "upscale": (
        _ALWAYS_ALLOWED | {"upscale", "strength"},
        "--upscale without a prompt keeps the picture's own prompt and settings: give a prompt "
        "to change them",
    ),
}
"""For each of these options, the parameters that may accompany it, and the error otherwise."""


def option(name: str) -> str:
    """Return how an option is written on the command line."""
    return "--json" if name == "as_json" else f"--{name.replace('_', '-')}"


def check(arguments: ImagineArguments) -> None:
    """Exit with one sentence and code 2 if options contradict each other."""
    if arguments.out is not None:
        _check_out(arguments.out)
    for names in _EXCLUSIVE:
        conflicting = [name for name in names if name in arguments.given]
        if len(conflicting) > 1:
            fail(f"Give {' or '.join(map(option, conflicting))}, not both.", BAD_INPUT)
    for name, needed in _REQUIRES.items():
        if name in arguments.given and not arguments.given.intersection(needed):
            fail(f"{option(name)} needs {' or '.join(map(option, needed))}.", BAD_INPUT)
    for name, (allowed, sentence) in _STANDALONE.items():
        if name not in arguments.given or (name == "upscale" and arguments.has_prompt):
            continue
        unexpected = sorted(arguments.given - allowed)
        if unexpected:
            fail(f"{sentence} ({', '.join(map(_parameter_name, unexpected))}).", BAD_INPUT)


def _parameter_name(name: str) -> str:
    return "a prompt" if name == "words" else option(name)


def _check_out(out: Path) -> None:
    if out.suffix.lower() in PICTURE_ENDINGS and not out.is_dir():
        fail("Pictures are written as PNG: give --out a name that ends in .png.", BAD_INPUT)
    if out.exists() and not out.is_dir() and not is_named(out):
        fail(f"{out} is a file: give --out a .png file or a folder.", BAD_INPUT)
