"""Notes for the requester of a picture that is generated nevertheless, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from bot.request.params import GenerationParams
from engine.prompts import KnownNames, PictureStyle
from engine.types import Adaptation, Difference, Ground, Recipe, SourceChange, SourceChangeKind


@dataclass(frozen=True, slots=True)
class NegativeIgnored:
    """A negative prompt was given, but guidance is off, so it has no effect."""


@dataclass(frozen=True, slots=True)
class NegativeGuidance:
    """Guidance is on so that a negative prompt acts; without one it would be off."""

    guidance: float


@dataclass(frozen=True, slots=True)
class NegativeAdded:
    """Enhancement added the default negative prompt: guidance is on and none was given."""

    words: str


@dataclass(frozen=True, slots=True)
class HighGuidance:
    """The guidance is above the highest value advised for this family."""

    guidance: float
    advised: float


@dataclass(frozen=True, slots=True)
class SmallSide:
    """The short side is below what this family needs for good pictures."""

    side_px: int
    good_px: int


@dataclass(frozen=True, slots=True)
class StyleIgnored:
    """A chosen style was ignored.

    words: the words of the prompt that name another style or reject this one, "" if the model does
    not know it.
    """

    style: PictureStyle
    words: str = ""


@dataclass(frozen=True, slots=True)
class LoraTaken:
    """A LoRA is painted with because of its style words in the prompt; none was named."""

    name: str
    style_word: str


@dataclass(frozen=True, slots=True)
class TriggerWordsAdded:
    """Words that the chosen LoRAs were trained with were added, since the prompt lacks them."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SyntaxIgnored:
    """The prompt has syntax of other programs that does nothing here. words: as written."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InertSyntax:
    """The prompt has weights, LoRA tags or settings of other programs, which do nothing here.

    words: as written.
    """

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnknownOptions:
    """What looks like an option of a pasted command and is none is part of the prompt.

    words: as written.
    """

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PastedText:
    """Prompt, negative prompt, seed and size are from another program's text or file.

    asked_px, size_px: the size in it and the nearest one that is painted instead, None where it is
    painted as it was asked for. overruled: which of "negative", "seed" and "size" were decided
    otherwise; "shape" where the size follows the source image. ignored: names of settings that mean
    nothing here. program: the one that wrote the file, "" if it is not known; None for a text.
    """

    asked_px: tuple[int, int] | None
    size_px: tuple[int, int] | None
    overruled: tuple[str, ...]
    ignored: tuple[str, ...]
    program: str | None = None


@dataclass(frozen=True, slots=True)
class PresetUsed:
    """A preset was used. left_out: what of it cannot be used here, as it is written."""

    name: str
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DefaultsUsed:
    """Settings that the request left open are the defaults of the member, channel or server.

    flags: as they are written.
    """

    flags: str


@dataclass(frozen=True, slots=True)
class LimitedModel:
    """The model knows little: the built-in demo model, or one of its kind.

    known: all of it, in the language of the prompt. recognized: whether any of it is in the prompt.
    """

    known: KnownNames
    recognized: bool


@dataclass(frozen=True, slots=True)
class Adapted:
    """The renderer had to deviate from the request; the picture is fine."""

    adaptation: Adaptation


@dataclass(frozen=True, slots=True)
class NotExact:
    """A replay may differ from the original's pixels, for these reasons."""

    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class SomeFailed:
    """`failed` of the `wanted` pictures could not be generated, and were not charged."""

    failed: int
    wanted: int


@dataclass(frozen=True, slots=True)
class SourceCut:
    """Only the middle of a given picture is used: its shape is not that of the result.

    percent: of it is cut off. several: it is one of several pictures. longest: the longest ratio
    ("21:9") if the model cannot paint a longer one, "" otherwise.
    """

    percent: int
    several: bool = False
    longest: str = ""


@dataclass(frozen=True, slots=True)
class GroundChosen:
    """A given picture is transparent and was laid on this, since it could not be seen on white."""

    ground: Ground


@dataclass(frozen=True, slots=True)
class FirstFrameUsed:
    """A given picture is animated, and its first frame is used."""


@dataclass(frozen=True, slots=True)
class FilterActed:
    """What a server's filter does about a request that it does not refuse."""

    spoiler: bool = False
    direct: bool = False
    reported: bool = False


Note = (
    NegativeIgnored
    | NegativeGuidance
    | NegativeAdded
    | HighGuidance
    | SmallSide
    | StyleIgnored
    | LoraTaken
    | TriggerWordsAdded
    | SyntaxIgnored
    | InertSyntax
    | UnknownOptions
    | PastedText
    | PresetUsed
    | DefaultsUsed
    | LimitedModel
    | Adapted
    | NotExact
    | SomeFailed
    | SourceCut
    | GroundChosen
    | FirstFrameUsed
    | FilterActed
)


def reading_notes(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Return those of the notes that say how a prompt was read, and that no advice is about."""
    kinds = (
        StyleIgnored
        | LoraTaken
        | TriggerWordsAdded
        | PastedText
        | UnknownOptions
        | PresetUsed
        | DefaultsUsed
    )
    return tuple(each for each in notes if isinstance(each, kinds))


def adaptation_notes(*recipes: Recipe) -> tuple[Adapted, ...]:
    """Return one note for each kind of adaptation, with the last of that kind."""
    last = {each.mend: each for recipe in recipes for each in recipe.adaptations}
    return tuple(map(Adapted, last.values()))


def pasted_note(params: GenerationParams, size: tuple[int, int]) -> PastedText | None:
    """Return what the requester should know of a pasted text; None if there was none.

    size: (width_px, height_px) of the picture.
    """
    pasted = params.pasted
    if pasted is None:
        return None
    fitted = None
    overruled = pasted.overruled
    if pasted.size not in (None, size) and "size" not in overruled:
        if params.start is None and params.size is None:
            fitted = size
        else:
            overruled = (*overruled, "size" if params.start is None else "shape")
    return PastedText(
        pasted.size if fitted else None, fitted, overruled, pasted.ignored, pasted.program
    )


def source_change_note(change: SourceChange, *, several: bool = False, longest: str = "") -> Note:
    """Return the note on one change of a given picture; the arguments are SourceCut's."""
    match change.kind:
        case SourceChangeKind.CUT:
            return SourceCut(int(change.value), several, longest)
        case SourceChangeKind.GROUND:
            return GroundChosen(Ground(change.value))
        case SourceChangeKind.FIRST_FRAME:
            return FirstFrameUsed()
        case _:
            assert_never(change.kind)
