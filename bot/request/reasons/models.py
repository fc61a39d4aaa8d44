"""Why a model cannot paint a request."""

from __future__ import annotations

from dataclasses import dataclass

from storage.access_rules import RuleSubject


@dataclass(frozen=True, slots=True)
class UnknownModel:
    """No model has this name, or several have one like it. names: those that there are."""

    name: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelGone:
    """The model that painted a picture is not offered any more. names: those that are."""

    name: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelClosed:
    """The model is offered, and not open here. names: those that are. rule: whose rule says so,
    None if it is what is open."""

    name: str
    names: tuple[str, ...] = ()
    rule: RuleSubject | None = None


@dataclass(frozen=True, slots=True)
class ModelBroken:
    """The model could not be loaded the last time it was tried."""

    name: str


ModelReason = UnknownModel | ModelGone | ModelClosed | ModelBroken
