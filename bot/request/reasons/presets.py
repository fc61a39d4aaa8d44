"""Why a line of settings cannot be kept, or a preset not be used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EmptyPreset:
    """There are neither words nor flags in the line."""


@dataclass(frozen=True, slots=True)
class BracesInPreset:
    """The line has choices in braces, of which a preset could only have one."""


@dataclass(frozen=True, slots=True)
class NotInPreset:
    """The line has flags that belong to one picture. flags: as they are written."""

    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnnamedPreset:
    """The name is empty, or longer than `limit` characters."""

    limit: int


@dataclass(frozen=True, slots=True)
class PresetTooLong:
    """The line is longer than `limit` characters."""

    chars: int
    limit: int


@dataclass(frozen=True, slots=True)
class PresetLimit:
    """The member has as many presets as one can keep."""

    limit: int


@dataclass(frozen=True, slots=True)
class UnknownPreset:
    """The member has no preset of this name. names: those that there are, the nearest first."""

    name: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnknownPresetCode:
    """Nobody's preset has this code, or it is deleted."""

    code: str


@dataclass(frozen=True, slots=True)
class NoPresetsHere:
    """A preset is named where nobody has any: on the command line."""

    name: str


PresetReason = (
    NoPresetsHere
    | EmptyPreset
    | BracesInPreset
    | NotInPreset
    | UnnamedPreset
    | PresetTooLong
    | PresetLimit
    | UnknownPreset
    | UnknownPresetCode
)
