"""What a request leaves open, within the rules: so that asking for nothing special is allowed."""

from __future__ import annotations

import dataclasses
from typing import Final

from bot.accounts.rules.decision import MemberFacts, RuleBook
from bot.accounts.rules.values import MAX_STEPS, pixels, steps_limit
from bot.request.params import GenerationParams
from bot.request.prompt.apply_flags import ParsedRequest
from bot.request.sizes import size_for, size_problem
from engine.diffusion.families import Family
from engine.sizing import size_for_aspect
from storage.access_rules import RuleKind

_SHRINKING: Final = (1.0, 0.95, 0.9, 0.8)
"""Shares of the largest area that are tried: the grid of sizes may round up. Chosen by hand."""


def kept_private(parsed: ParsedRequest, book: RuleBook, member: MemberFacts) -> ParsedRequest:
    """Return a request that only its requester sees, where a rule says so."""
    private = book.decide(member, RuleKind.PRIVATE)
    if private is None or not private.value:
        return parsed
    return dataclasses.replace(parsed, private=True)


def fitted(
    parsed: ParsedRequest, book: RuleBook, member: MemberFacts, family: Family
) -> ParsedRequest:
    """Return a request whose steps and size are as many as the rules let it, where it names none.

    What it does name stays, and is refused if it is too much.
    """
    params = parsed.params
    limit = _most_steps(book, member, family)
    if params.steps is None and params.speed is None and family.default_steps > limit:
        params = dataclasses.replace(params, steps=limit)
    size = book.decide(member, RuleKind.SIZE)
    if size is not None:
        params = _within(params, family, pixels(size.value))
    return dataclasses.replace(parsed, params=params)


def _most_steps(book: RuleBook, member: MemberFacts, family: Family) -> int:
    steps, speed = book.decide(member, RuleKind.STEPS), book.decide(member, RuleKind.SPEED)
    most = MAX_STEPS
    if steps is not None and isinstance(steps.value, int):
        most = steps.value
    return most if speed is None else min(most, steps_limit(speed.value, family.speeds))


def _within(params: GenerationParams, family: Family, limit_px: int) -> GenerationParams:
    """Return parameters of the same shape with no more pixels than this, if there are any."""
    if params.size is not None or params.start is not None or params.pasted is not None:
        return params
    usual = size_for(params, family)
    if not isinstance(usual, tuple) or pixels(usual) <= limit_px:
        return params
    for share in _SHRINKING:
        size = size_for_aspect(*usual, int(limit_px * share))
        if pixels(size) <= limit_px and size_problem(*size, family) is None:
            return dataclasses.replace(params, size=size, aspect=None)
    return params
