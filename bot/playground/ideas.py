"""What a newcomer could ask for: examples, and prompts by chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ideas:
    """Prompts that the model in use can paint.

    examples: by Discord's name of a language, which has to include en-US and zh-CN. surprise:
    returns another prompt each time, in such a language.
    """

    examples: Mapping[str, Sequence[str]]
    surprise: Callable[[str], str]
