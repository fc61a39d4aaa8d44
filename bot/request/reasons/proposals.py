"""Requests that need a confirmation first, and confirmations that are over."""

from __future__ import annotations

from dataclasses import dataclass

from bot.request.notes import LimitedModel
from bot.request.params import GenerationParams


@dataclass(frozen=True, slots=True)
class ManyPermutations:
    """A prompt with `total` permutations, which need confirmation first.

    params: as given, with braces. count: pictures of each permutation. parent_id: the picture that
    they are remixed from.
    """

    total: int
    params: GenerationParams
    count: int | None
    private: bool
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class OnePromptOnly:
    """A prompt with `total` permutations where only one prompt is allowed."""

    total: int


@dataclass(frozen=True, slots=True)
class TooManyPermutations:
    """A prompt with more permutations than are allowed at once."""

    total: int
    limit: int


@dataclass(frozen=True, slots=True)
class ProposalClosed:
    """The proposal cannot be answered any more.

    answered: it was answered before; otherwise it has expired or belongs to somebody else.
    """

    answered: bool


@dataclass(frozen=True, slots=True)
class NothingKnown:
    """A prompt with nothing in it that the model knows, which needs confirmation first.

    params: without flags. count, private, parent_id: as for a job. model: what it knows. examples:
    prompts that it paints well.
    """

    params: GenerationParams
    count: int
    private: bool
    model: LimitedModel
    examples: tuple[str, ...]
    parent_id: int | None = None


ProposalReason = (
    ManyPermutations | OnePromptOnly | TooManyPermutations | ProposalClosed | NothingKnown
)
