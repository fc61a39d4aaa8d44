"""The engine's nouns: frozen, without torch, safe to hand between threads."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MAX_SEED = 2**32 - 1
RECIPE_VERSION = 1


class EngineState(StrEnum):
    """Where the engine is in its life; `ENGINE_TRANSITIONS` says where it may go from there."""

    STARTING = "starting"
    READY = "ready"
    PAINTING = "painting"
    DRAINING = "draining"
    STOPPED = "stopped"
    DEFUNCT = "defunct"


ENGINE_TRANSITIONS: Mapping[EngineState, frozenset[EngineState]] = {
    EngineState.STARTING: frozenset({EngineState.READY, EngineState.DRAINING, EngineState.DEFUNCT}),
    EngineState.READY: frozenset({EngineState.PAINTING, EngineState.DRAINING, EngineState.DEFUNCT}),
    EngineState.PAINTING: frozenset({EngineState.READY, EngineState.DRAINING, EngineState.DEFUNCT}),
    EngineState.DRAINING: frozenset({EngineState.STOPPED, EngineState.DEFUNCT}),
    EngineState.STOPPED: frozenset(),
    EngineState.DEFUNCT: frozenset({EngineState.STOPPED}),
}


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One picture, fully decided: the same request paints the same picture.

    prompt: the person's own words; effective_prompt: what the model reads.
    negative_prompt: acts only where guidance > 1. seed: 0..MAX_SEED. Sizes in pixels.
    guidance: classic classifier-free guidance, 1.0 = off.
    """

    prompt: str
    effective_prompt: str
    negative_prompt: str
    seed: int
    width_px: int
    height_px: int
    steps: int
    guidance: float

    @property
    def work(self) -> float:
        """Arithmetic of this request in megapixel-steps (guidance doubles it)."""
        passes = 2 if self.guidance > 1.0 else 1
        return self.width_px * self.height_px / 1e6 * self.steps * passes


@dataclass(frozen=True, slots=True)
class Conditions:
    """What changes the bits of a picture beside the request: pixels match only where all match.

    device: the GPU's name, or "cpu" and its vector instructions ("cpu AVX2"). threads: CPU
    threads, None where they do not matter. dtype: of the transformer's weights. plan: what is
    resident or offloaded.
    batch_size and batch_row: the shape of the batch the picture was painted in, and its place.
    versions: of the libraries that compute.
    """

    device: str
    threads: int | None
    dtype: str
    attention: str
    plan: str
    compiled: bool = False
    tiled: bool = False
    batch_size: int = 1
    batch_row: int = 0
    versions: Mapping[str, str] = field(default_factory=dict[str, str])

    def differences(self, other: Conditions) -> tuple[Difference, ...]:
        """Everything in which `other` is not like this, in the order of the fields."""
        mine, theirs = _flat(self), _flat(other)
        return tuple(
            Difference(name, mine.get(name), theirs.get(name))
            for name in dict.fromkeys((*mine, *theirs))
            if mine.get(name) != theirs.get(name)
        )


def _flat(conditions: Conditions) -> dict[str, object]:
    flat = dataclasses.asdict(conditions)
    versions = flat.pop("versions")
    return flat | {f"versions.{name}": value for name, value in sorted(versions.items())}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a replay is not like the original; `before` and `now` as recorded."""

    name: str
    before: object
    now: object

    def __str__(self) -> str:
        return f"{self.name}: {self.before} → {self.now}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """All there is to know to paint a picture again.

    model: "sketch", a hub id or a folder's name (never its full path).
    revision: fingerprint of the weights. conditions: what else changes bits.
    """

    model: str
    revision: str
    family: str
    request: ImageRequest
    conditions: Conditions
    loras: tuple[str, ...] = ()
    version: int = RECIPE_VERSION

    def to_json(self) -> str:
        """One line of JSON with sorted keys."""
        return _to_json(self)

    def differences(self, other: Recipe) -> tuple[Difference, ...]:
        """Why `other`, painted by the same request, may have other pixels; empty = identical."""
        own = (("model", self.model, other.model), ("weights", self.revision, other.revision))
        changed = tuple(Difference(*row) for row in own if row[1] != row[2])
        return changed + self.conditions.differences(other.conditions)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read what `to_json` wrote. Raises ValueError with a reason for anything else."""
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or _typed(data, "version", int) != RECIPE_VERSION:
                raise ValueError("not a zimagine recipe of version 1")
            return cls(
                model=_typed(data, "model", str),
                revision=_typed(data, "revision", str),
                family=_typed(data, "family", str),
                request=_request(_typed(data, "request", dict)),
                conditions=_conditions(_typed(data, "conditions", dict)),
                loras=_texts(_typed(data, "loras", list)),
            )
        except (KeyError, TypeError, OverflowError, RecursionError) as error:
            raise ValueError(f"not a zimagine recipe: {error}") from None


def request_to_json(request: ImageRequest) -> str:
    """One line of JSON for a request that has not been painted yet."""
    return _to_json(request)


def request_from_json(text: str) -> ImageRequest:
    """Read what `request_to_json` wrote; ValueError otherwise."""
    try:
        return _request(json.loads(text))
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a request: {error}") from None


def _to_json(record: Recipe | ImageRequest) -> str:
    # NaN and infinity are no JSON: refused here, before anything has been stored with them.
    return json.dumps(
        dataclasses.asdict(record), ensure_ascii=False, sort_keys=True, allow_nan=False
    )


def _typed(data: Mapping[str, Any], key: str, kind: type) -> Any:
    value = data[key]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{key} is not a {kind.__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{key} is not a finite number")
    if isinstance(value, str):
        value.encode()  # half an emoji is no text: nothing could store or show it
    return value


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(_typed({"text": value}, "text", str) for value in values)


def _request(data: Mapping[str, Any]) -> ImageRequest:
    kinds = {
        "prompt": str,
        "effective_prompt": str,
        "negative_prompt": str,
        "seed": int,
        "width_px": int,
        "height_px": int,
        "steps": int,
        "guidance": float,
    }
    request = ImageRequest(**{key: _typed(data, key, kind) for key, kind in kinds.items()})
    if not 0 <= request.seed <= MAX_SEED:
        raise ValueError(f"seed is not between 0 and {MAX_SEED}")
    if min(request.width_px, request.height_px, request.steps) < 1:
        raise ValueError("width, height and steps are not all above 0")
    return request


def _conditions(data: Mapping[str, Any]) -> Conditions:
    versions = _typed(data, "versions", dict)
    return Conditions(
        device=_typed(data, "device", str),
        threads=None if data["threads"] is None else _typed(data, "threads", int),
        dtype=_typed(data, "dtype", str),
        attention=_typed(data, "attention", str),
        plan=_typed(data, "plan", str),
        compiled=_typed(data, "compiled", bool),
        tiled=_typed(data, "tiled", bool),
        batch_size=_typed(data, "batch_size", int),
        batch_row=_typed(data, "batch_row", int),
        versions=dict(zip(_texts(versions), _texts(versions.values()), strict=True)),
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """Step `step` of `steps` is done; step 0 means that painting has begun."""

    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class Raster:
    """Pixels: `rgb` holds height_px × width_px × 3 bytes, row by row."""

    width_px: int
    height_px: int
    rgb: bytes


@dataclass(frozen=True, slots=True)
class Painted:
    """A picture fresh from the painter. duration_s: wall time on the executor thread."""

    raster: Raster
    recipe: Recipe
    duration_s: float


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a painter has loaded."""

    model: str
    revision: str
    family: str
    device: str
    dtype: str
    plan: str
