"""Why LoRAs cannot be painted with."""

from __future__ import annotations

from dataclasses import dataclass

from storage.access_rules import RuleSubject


@dataclass(frozen=True, slots=True)
class LorasNotOffered:
    """LoRAs were asked for, and the owner has set no folder of them."""


@dataclass(frozen=True, slots=True)
class ModelWithoutLoras:
    """The LoRAs of a model were asked for which can use none; another one can."""

    model: str


@dataclass(frozen=True, slots=True)
class UnknownLora:
    """No LoRA has this name, or several have one like it. near: similar names, closest first."""

    name: str
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnusableLora:
    """The LoRA, or the folder, cannot be used. detail: why, technical, in English."""

    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class LoraOfOtherModel:
    """The LoRA can be used, but not with the model of the request. models: those that can."""

    name: str
    model: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoraClosed:
    """The LoRA exists, and this member may not use it here. rule: whose rule says so, None if it is
    what is open, or the owner's choice."""

    name: str
    rule: RuleSubject | None = None


@dataclass(frozen=True, slots=True)
class LoraTwice:
    """One LoRA was asked for with two weights."""

    name: str


@dataclass(frozen=True, slots=True)
class LoraBesideNone:
    """A LoRA was asked for, and that there be none."""

    name: str


@dataclass(frozen=True, slots=True)
class TooManyLoras:
    """More LoRAs than one picture may have."""

    count: int
    limit: int


@dataclass(frozen=True, slots=True)
class UnclearLoraTag:
    """A tag in the prompt has more than a name and a weight. tag: as written."""

    tag: str


LoraReason = (
    LorasNotOffered
    | ModelWithoutLoras
    | UnknownLora
    | UnusableLora
    | LoraOfOtherModel
    | LoraClosed
    | LoraTwice
    | LoraBesideNone
    | TooManyLoras
    | UnclearLoraTag
)
