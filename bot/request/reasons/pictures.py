"""Why a picture cannot be used."""

from __future__ import annotations

from dataclasses import dataclass

from engine.uploads import UploadRefused


@dataclass(frozen=True, slots=True)
class FileRemoved:
    """The picture's file was removed to save space; its recipe is still stored."""

    picture_id: int
    seed: int


@dataclass(frozen=True, slots=True)
class OriginalDeleted:
    """The picture was enlarged from one that was deleted, so there is nothing to paint again.

    original_id: None if it is unknown.
    """

    picture_id: int
    original_id: int | None


@dataclass(frozen=True, slots=True)
class InputGone:
    """A source image of the request no longer exists."""


@dataclass(frozen=True, slots=True)
class NothingToBlend:
    """A picture was to be blended with others, and none was chosen."""


@dataclass(frozen=True, slots=True)
class NoPictures:
    """The member has no picture yet that could be used."""


@dataclass(frozen=True, slots=True)
class UnknownPicture:
    """The picture does not exist (any more), or belongs to another server."""

    picture: str


@dataclass(frozen=True, slots=True)
class NotOwner:
    """Only the owner of a picture can mark it as a favourite, or write a note on it."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class UnusableUpload:
    """A given picture cannot be used as a source image. number: which of `total`, from 1."""

    refused: UploadRefused
    number: int = 1
    total: int = 1


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A given picture could not be downloaded."""


@dataclass(frozen=True, slots=True)
class StagedPictureGone:
    """A staged picture no longer exists."""


@dataclass(frozen=True, slots=True)
class PictureAddress:
    """The prompt begins with an address from which no picture is taken."""

    address: str


PictureReason = (
    FileRemoved
    | OriginalDeleted
    | InputGone
    | NoPictures
    | NothingToBlend
    | UnknownPicture
    | NotOwner
    | UnusableUpload
    | Unreachable
    | StagedPictureGone
    | PictureAddress
)
