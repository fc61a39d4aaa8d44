"""Request parameters as the requester gave them, before defaults are filled in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final

from bot.request.values.loras import LoraChoice
from bot.request.values.regions import Region
from engine.diffusion.families import Speed
from engine.prompts import EnhancementLevel, PictureStyle, clean
from engine.types import Mode, SourceChange

MAX_TYPED_CHARS: Final = 4000
MAX_LINE_CHARS: Final = 6000
"""Of a prompt as it is typed, with its flags, escapes and what was pasted with it: what Discord's
forms hold, and what the option of a command does. Everything that may have to be edited in a form
has the first limit; only /imagine takes more, and the line to copy into it may be that long. What
is painted of either has at most MAX_PROMPT_CHARS."""


@dataclass(frozen=True, slots=True)
class InitImages:
    """The source images of a request.

    inputs: hashes of the mode's inputs, which have the size of the picture. strength: noise level,
    None = the mode's default. changes: how they differ from the pictures that were given.
    """

    mode: Mode
    inputs: tuple[str, ...]
    strength: float | None = None
    changes: tuple[SourceChange, ...] = ()


@dataclass(frozen=True, slots=True)
class PastedSettings:
    """What another program's text or file held beside the prompt.

    size: (width_px, height_px), as it was written. ignored: names of settings that mean nothing
    here. overruled: the names of these fields that the member decided otherwise. program: the one
    that wrote a file, "" if it is not known; None for a text that was typed.
    """

    negative: str = ""
    seed: int | None = None
    size: tuple[int, int] | None = None
    ignored: tuple[str, ...] = ()
    overruled: tuple[str, ...] = ()
    program: str | None = None


@dataclass(frozen=True, slots=True)
class GenerationParams:
    """Parameters of a picture; None = the default.

    aspect: "16:9". size: (width_px, height_px); at most one of both. guidance: classic CFG;
    `strict` is a preset of it, `speed` one of the steps. style: the visual style; random_style: one
    that the seed chooses. lora: the LoRAs that options and flags name; a prompt may name more in
    tags. variety, refine: 0 = none. region:
    the part to repaint of a source image that is not there yet. pasted: settings that were pasted
    within the prompt; they yield to all others. unknown_options: names in a pasted command that no
    option has; what they stood before is text. model: the name or title of the one that paints.
    preset: the name of the one to use, until that is done; used_preset: of the one that was;
    left_out: what of it cannot be used here. defaults: the flags that were taken from the defaults
    of the member, the channel or the server.
    """

    prompt: str
    aspect: str | None = None
    size: tuple[int, int] | None = None
    seed: int | None = None
    steps: int | None = None
    speed: Speed | None = None
    guidance: float | None = None
    strict: bool = False
    negative: str | None = None
    enhance: EnhancementLevel | None = None
    variety: float = 0.0
    refine: float = 0.0
    start: InitImages | None = None
    style: PictureStyle | None = None
    random_style: bool = False
    lora: tuple[LoraChoice, ...] = ()
    region: Region | None = None
    pasted: PastedSettings | None = None
    unknown_options: tuple[str, ...] = ()
    model: str | None = None
    preset: str | None = None
    used_preset: str | None = None
    left_out: tuple[str, ...] = ()
    defaults: str = ""


def cleaned(params: GenerationParams) -> GenerationParams:
    """Return the parameters without characters that cannot be stored; resolving drops them too."""
    negative = None if params.negative is None else clean(params.negative)
    return dataclasses.replace(params, prompt=clean(params.prompt), negative=negative)
