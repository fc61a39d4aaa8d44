"""A series: the same request several times, each picture with different noise. Pure."""

from __future__ import annotations

import dataclasses
from typing import Final

from engine.types import MAX_SEED, ImageRequest

MAX_PICTURES: Final = 4
"""The most pictures of one request. Chosen by hand."""


def series(request: ImageRequest, count: int) -> tuple[ImageRequest, ...]:
    """Return `count` requests that differ only in their noise, the first of them `request` itself.

    Seeds count up, and continue at the first after the last possible one. Where the noise has
    variations, the seed of the last variation counts up instead: all pictures vary the same
    original. Raises ValueError for a count below 1.
    """
    if count < 1:
        raise ValueError(f"a series has at least one picture, not {count}")
    return tuple(_member(request, place) for place in range(count))


def place_in_series(first: ImageRequest, member: ImageRequest) -> int:
    """Return the index of `member` in the series that begins with `first`, counted from 0."""
    return (_counting_seed(member) - _counting_seed(first)) % (MAX_SEED + 1)


def _counting_seed(request: ImageRequest) -> int:
    return request.variations[-1].seed if request.variations else request.seed


def _member(first: ImageRequest, place: int) -> ImageRequest:
    seed = (_counting_seed(first) + place) % (MAX_SEED + 1)
    if not first.variations:
        return dataclasses.replace(first, seed=seed)
    *kept, last = first.variations
    return dataclasses.replace(first, variations=(*kept, dataclasses.replace(last, seed=seed)))
