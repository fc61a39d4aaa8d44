"""The engine's data types: frozen, without torch, safe to pass between threads."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.loras import MAX_LORAS, MAX_WEIGHT, LoraFile, LoraUse
from engine.model_names import is_model_name
from engine.modes import INPUTS as INPUTS
from engine.modes import Mode as Mode
from engine.modes import takes
from engine.prompts.styles import PictureStyle
from engine.schedule import steps_from

_SHA256 = re.compile(r"[0-9a-f]{64}")

MAX_SEED = 2**32 - 1
"""Torch's CPU generator uses only the low 32 bits of a seed."""
RECIPE_VERSION = 2
READABLE_VERSIONS = (1, 2)
"""Version 1 had no input pictures; a reader of version 1 only must not paint without them."""

MAX_SOURCE_CHANGES = 8
"""A limit for recipes that come from outside: there are fewer kinds. Chosen by hand."""
MAX_VARIATIONS = 16
"""A limit for recipes that come from outside; variations of variations add one each. Chosen by
hand."""


@dataclass(frozen=True, slots=True)
class Variation:
    """Noise rotated towards that of another seed by a fraction of the way: above 0, up to 1."""

    seed: int
    amount: float


class Ground(StrEnum):
    """What is laid under the transparent parts of a picture."""

    WHITE = "white"
    BLACK = "black"
    GREY = "grey"


class SourceChangeKind(StrEnum):
    """What was made of a given picture that its sender may not expect."""

    CUT = "cut"
    """Only its middle fits; the value is the percentage that is cut off."""
    GROUND = "ground"
    """It is transparent and lies on the ground that the value names: on white it would be lost."""
    FIRST_FRAME = "first_frame"
    """It is an animation, of which the first frame is used."""


@dataclass(frozen=True, slots=True)
class SourceChange:
    """One change of a given picture on its way to an input; `value` as the kind says, or ""."""

    kind: SourceChangeKind
    value: str = ""


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One picture, fully decided: the same request paints the same picture.

    prompt: the user's own words; effective_prompt: the text that the model reads. negative_prompt:
    has an effect only where guidance > 1. seed: 0..MAX_SEED. Sizes in pixels. guidance: classic
    classifier-free guidance, 1.0 = off.

    inputs: sha256 of each input's pixels, as many as `mode` takes. strength: the noise level σ at
    which painting begins, above 0 and up to 1 (nothing of the input is left). variations: rotate
    the seed's noise, one after the other. variety: how much of the prompt's embedding is seeded
    noise, 0 = none. refine: σ of a second pass over fine detail, 0 = none. expand: whether the
    model's own text encoder writes `effective_prompt` before painting. style: the chosen style; its
    words are in `effective_prompt`, as far as there was room for them. loras: applied while it is
    painted, each name once. source_changes: how the inputs differ from the pictures that were
    given, to be said with the result. model: the name by which the owner offers the one that
    paints; "" for the default one.
    """

    prompt: str
    effective_prompt: str
    negative_prompt: str
    seed: int
    width_px: int
    height_px: int
    steps: int
    guidance: float
    mode: Mode = Mode.TEXT
    inputs: tuple[str, ...] = ()
    strength: float = 1.0
    variations: tuple[Variation, ...] = ()
    variety: float = 0.0
    refine: float = 0.0
    expand: bool = False
    style: PictureStyle | None = None
    loras: tuple[LoraUse, ...] = ()
    source_changes: tuple[SourceChange, ...] = ()
    model: str = ""

    @property
    def forwards(self) -> int:
        """The steps that are computed: fewer where painting begins later, more with refinement."""
        again = steps_from(self.refine, self.steps) if self.refine else 0
        return steps_from(self.strength, self.steps) + again

    @property
    def work(self) -> float:
        """The work of this request in megapixel-steps (guidance doubles it)."""
        passes = 2 if self.guidance > 1.0 else 1
        return self.width_px * self.height_px / 1e6 * self.forwards * passes


@dataclass(frozen=True, slots=True)
class Conditions:
    """All that changes a picture's bits besides the request: pixels match only where all match.

    device: the GPU's name, or "cpu" and its vector instructions ("cpu AVX2"). threads: CPU threads,
    None where they do not matter. dtype: of the transformer's weights. plan: how they were kept in
    memory ("streamed+int8"); it changes bits only where it names other weights. batch_size and
    batch_row: the shape of the batch the picture was painted in, and its place. versions: of the
    libraries that compute. arithmetic: the revision of the renderer's own, 1 where none is
    recorded.
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
    arithmetic: int = 1

    def differences(self, other: Conditions) -> tuple[Difference, ...]:
        """Return everything in which `other` differs from this, in the order of the fields."""
        mine, theirs = _flat(self), _flat(other)
        return tuple(
            Difference(name, mine.get(name), theirs.get(name))
            for name in dict.fromkeys((*mine, *theirs))
            if mine.get(name) != theirs.get(name)
        )


def _flat(conditions: Conditions) -> dict[str, object]:
    flat = dataclasses.asdict(conditions)
    versions = flat.pop("versions")
    # Where exact weights are kept changes no bit, and tiles have their own field.
    options = conditions.plan.split("+")[1:]
    flat["plan"] = "+".join(option for option in options if option != "tiled") or "exact"
    return flat | {f"versions.{name}": value for name, value in sorted(versions.items())}


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between a replay and the original; `before` and `now` as recorded."""

    name: str
    before: object
    now: object

    def __str__(self) -> str:
        before, now = ("–" if value is None else value for value in (self.before, self.now))
        return f"{self.name}: {before} → {now}"


class Mend(StrEnum):
    """How the renderer recovered from broken numbers or from a device that ran out of memory."""

    GUIDANCE = "guidance"
    FLOAT32 = "float32"
    AGAIN = "again"
    BLANK = "blank"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Adaptation:
    """One way in which a picture was not painted as requested, without harm to it.

    stage: "reading", "step 3", "decoding" or "painting". value: the guidance from there on, or the
    plan that fitted; "" where there is nothing to say.
    """

    mend: Mend
    stage: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything needed to paint a picture again.

    model: "sketch", a hub id or a folder's name (never its full path). revision: fingerprint of the
    weights. conditions: what else changes bits. loras: the files of the request's LoRAs that acted.
    adaptations: in the order in which they happened.
    """

    model: str
    revision: str
    family: str
    request: ImageRequest
    conditions: Conditions
    loras: tuple[LoraFile, ...] = ()
    adaptations: tuple[Adaptation, ...] = ()
    version: int = RECIPE_VERSION

    def to_json(self) -> str:
        """Return one line of JSON with sorted keys."""
        return _to_json(self)

    def differences(self, other: Recipe) -> tuple[Difference, ...]:
        """Return why `other`, painted by the same request, may have other pixels; empty = same."""
        own = (("model", self.model, other.model), ("weights", self.revision, other.revision))
        mine = {f"LoRA {each.name}": each.sha256[:12] for each in self.loras}
        theirs = {f"LoRA {each.name}": each.sha256[:12] for each in other.loras}
        files = ((name, mine.get(name), theirs.get(name)) for name in {**mine, **theirs})
        changed = tuple(Difference(*row) for row in (*own, *files) if row[1] != row[2])
        return changed + self.conditions.differences(other.conditions)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read the output of `to_json`. Raises ValueError with a reason for anything else."""
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or _typed(data, "version", int) not in READABLE_VERSIONS:
                raise ValueError(
                    f"not a zimagine recipe of version {READABLE_VERSIONS[-1]} or older"
                )
            if data["version"] > 1:
                _need(data, cls)
                _need(data["request"], ImageRequest)
            return cls(
                model=_typed(data, "model", str),
                revision=_typed(data, "revision", str),
                family=_typed(data, "family", str),
                request=_request(_typed(data, "request", dict)),
                conditions=_conditions(_typed(data, "conditions", dict)),
                loras=tuple(map(_lora_file, _typed(data, "loras", list))),
                adaptations=tuple(map(_adaptation, data.get("adaptations", ()))),
                version=data["version"],
            )
        except (KeyError, TypeError, OverflowError, RecursionError) as error:
            raise ValueError(f"not a zimagine recipe: {error}") from None


def request_to_json(request: ImageRequest) -> str:
    """Return one line of JSON for a request that has not been painted yet."""
    return _to_json(request)


def request_from_json(text: str) -> ImageRequest:
    """Read the output of `request_to_json`. Raises ValueError for anything else."""
    try:
        return _request(json.loads(text))
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a request: {error}") from None


_LEFT_OUT = ("loras", "source_changes", "model")
"""Fields of a request that are written only where there is something in them."""


def _to_json(record: Recipe | ImageRequest) -> str:
    data = dataclasses.asdict(record)
    request = data.get("request", data)
    for name in _LEFT_OUT:
        if not request[name]:  # most have none, and read as they did before there were any
            del request[name]
    for each in request.get("loras", ()):
        if not each["style_word"]:  # as before there were any
            del each["style_word"]
    if data.get("conditions", {}).get("arithmetic") == 1:  # as before there was another
        del data["conditions"]["arithmetic"]
    if "loras" in data and data is not request:
        # Names alone, as they were written before there were hashes, stay names.
        data["loras"] = [each if each["sha256"] else each["name"] for each in data["loras"]]
    # NaN and infinity are not valid JSON: refused here, before anything has been stored with them.
    return json.dumps(data, ensure_ascii=False, sort_keys=True, allow_nan=False)


def _typed(data: Mapping[str, Any], key: str, kind: type) -> Any:
    value = data[key]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{key} is not a {kind.__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{key} is not a finite number")
    if isinstance(value, str):
        value.encode()  # half a surrogate pair is not text: it could be neither stored nor shown
    return value


def _need(data: Mapping[str, Any], record: type[Recipe] | type[ImageRequest]) -> None:
    for each in dataclasses.fields(record):
        # Added later; left out where there are none.
        if record is Recipe or each.name not in ("style", *_LEFT_OUT):
            data[each.name]  # raises KeyError


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(_typed({"text": value}, "text", str) for value in values)


_REQUIRED: Mapping[str, type] = {
    "prompt": str,
    "effective_prompt": str,
    "negative_prompt": str,
    "seed": int,
    "width_px": int,
    "height_px": int,
    "steps": int,
    "guidance": float,
}
_SINCE_VERSION_2 = {"strength": float, "variety": float, "refine": float, "expand": bool}


def _request(data: Mapping[str, Any]) -> ImageRequest:
    fields = {key: _typed(data, key, kind) for key, kind in _REQUIRED.items()}
    fields |= {
        key: _typed(data, key, kind) for key, kind in _SINCE_VERSION_2.items() if key in data
    }
    request = ImageRequest(
        **fields,
        mode=Mode(data.get("mode", Mode.TEXT)),
        inputs=_texts(data.get("inputs", ())),
        variations=tuple(map(_variation, data.get("variations", ())[: MAX_VARIATIONS + 1])),
        style=None if data.get("style") is None else PictureStyle(data["style"]),
        loras=tuple(map(_lora_use, data.get("loras", ())[: MAX_LORAS + 1])),
        source_changes=tuple(map(_source_change, data.get("source_changes", ()))),
        model=_typed({"model": data.get("model", "")}, "model", str),
    )
    if request.model and not is_model_name(request.model):
        raise ValueError("the model has a name that no model can have")
    if not 0 <= request.seed <= MAX_SEED:
        raise ValueError(f"seed is not between 0 and {MAX_SEED}")
    if min(request.width_px, request.height_px, request.steps) < 1:
        raise ValueError("width, height and steps are not all above 0")
    if not 0 < request.strength <= 1 or not all(
        0 <= each <= 1 for each in (request.variety, request.refine)
    ):
        raise ValueError("strength, variety and refine are not all between 0 and 1")
    if len(request.variations) > MAX_VARIATIONS:
        raise ValueError(f"more than {MAX_VARIATIONS} variations")
    names = {each.name for each in request.loras}
    if not len(request.loras) == len(names) <= MAX_LORAS:
        raise ValueError(f"more than {MAX_LORAS} LoRAs, or one of them twice")
    if request.mode is Mode.TEXT and request.strength != 1:
        raise ValueError("without a picture to start from, nothing but noise is left")
    if not takes(request.mode, len(request.inputs)):
        raise ValueError(f"{request.mode} takes {INPUTS[request.mode]} input pictures")
    if len(request.source_changes) > MAX_SOURCE_CHANGES:
        raise ValueError(f"more than {MAX_SOURCE_CHANGES} changes of pictures")
    if not all(_SHA256.fullmatch(each) for each in request.inputs):
        raise ValueError("an input is not named by a sha256")
    return request


def _lora_use(data: Mapping[str, Any]) -> LoraUse:
    found = LoraUse(
        _typed(data, "name", str),
        _typed(data, "weight", float),
        _texts(_typed(data, "words", list)),
        _typed(data, "style_word", str) if "style_word" in data else "",
    )
    if not found.name or not abs(found.weight) <= MAX_WEIGHT:
        raise ValueError(f"a LoRA has no name, or a weight beyond {MAX_WEIGHT:g}")
    return found


def _lora_file(data: Mapping[str, Any] | str) -> LoraFile:
    if isinstance(data, str):
        return LoraFile(_texts([data])[0], "")
    found = LoraFile(_typed(data, "name", str), _typed(data, "sha256", str))
    if not _SHA256.fullmatch(found.sha256):
        raise ValueError("the file of a LoRA is not named by a sha256")
    return found


def _variation(data: Mapping[str, Any]) -> Variation:
    found = Variation(_typed(data, "seed", int), _typed(data, "amount", float))
    if not 0 <= found.seed <= MAX_SEED or not 0 < found.amount <= 1:
        raise ValueError("a variation has no seed, or an amount that is not between 0 and 1")
    return found


def _source_change(data: Mapping[str, Any]) -> SourceChange:
    found = SourceChange(SourceChangeKind(data["kind"]), _typed(data, "value", str))
    if found.kind is SourceChangeKind.CUT and found.value not in map(str, range(101)):
        raise ValueError("a picture is cut by no percentage")
    if found.kind is SourceChangeKind.GROUND:
        Ground(found.value)  # raises ValueError
    return found


def _adaptation(data: Mapping[str, Any]) -> Adaptation:
    stage, value = (_typed(data, key, str) for key in ("stage", "value"))
    return Adaptation(Mend(data["mend"]), stage, value)


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
        arithmetic=_typed({"arithmetic": 1, **data}, "arithmetic", int),
    )


@dataclass(frozen=True, slots=True)
class Raster:
    """Pixels: `rgb` holds height_px × width_px × 3 bytes, row by row."""

    width_px: int
    height_px: int
    rgb: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """Step `step` of `steps` is done; step 0 means that painting has begun.

    preview: a small picture of the expected result, where previews were requested.
    """

    step: int
    steps: int
    preview: Raster | None = None


@dataclass(frozen=True, slots=True)
class Painted:
    """A picture as the renderer returns it. duration_s: wall time on the executor thread.

    plan_reason: why the memory plan in the recipe's conditions was chosen.
    """

    raster: Raster
    recipe: Recipe
    duration_s: float
    plan_reason: str = ""


class Remark(StrEnum):
    """Something that the owner should know about the device."""

    CPU = "cpu"
    MPS = "mps"
    NO_BFLOAT16 = "no_bfloat16"
    FLOAT16 = "float16"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model that a renderer has loaded. plan_reason: why this memory plan was chosen."""

    model: str
    revision: str
    family: str
    device: str
    dtype: str
    plan: str
    plan_reason: str = ""
    remarks: tuple[Remark, ...] = ()
