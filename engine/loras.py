"""The LoRAs of a request and of a recipe, as data. No torch."""

from __future__ import annotations

from dataclasses import dataclass

MAX_LORAS = 5
"""Of one picture. Chosen by hand: each takes memory and time at every step."""
MAX_WEIGHT = 4.0
"""The strongest weight, in both directions. Chosen by hand: pictures break long before."""


@dataclass(frozen=True, slots=True)
class LoraUse:
    """A LoRA of a request, by its name on the shelf.

    weight: 1 as trained, 0 not at all; negative ones act the other way. words: its trigger words,
    which the text that the model reads has to have. style_word: the words of the prompt that asked
    for it, "" if it was named.
    """

    name: str
    weight: float
    words: tuple[str, ...] = ()
    style_word: str = ""


@dataclass(frozen=True, slots=True)
class LoraFile:
    """The file of a LoRA that a picture was painted with.

    sha256: of all its bytes, in hex; "" in recipes from before hashes were written.
    """

    name: str
    sha256: str


def weights_of(loras: tuple[LoraUse, ...]) -> dict[str, float]:
    """Return the weights by name."""
    return {each.name: each.weight for each in loras}


def words_of(loras: tuple[LoraUse, ...]) -> tuple[str, ...]:
    """Return the trigger words of those that act, each once."""
    return tuple(dict.fromkeys(word for each in loras if each.weight for word in each.words))
