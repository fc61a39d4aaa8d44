"""File names of pictures, from which their job can be found on the disk and on Discord."""

from __future__ import annotations

import re
from typing import Final

SPOILER: Final = "SPOILER_"
"""Discord hides a file with this prefix until it is clicked."""
_SERIES_FILE: Final = re.compile(rf"(?:{SPOILER})?zimagine-[0-9]+-[0-9]+-([0-9]{{1,3}})\.")
_JOB_FILE: Final = re.compile(rf"(?:{SPOILER})?zimagine-([0-9]{{1,18}})-")


def picture_name(job_id: int, seed: int, number: int | None = None) -> str:
    """Return the file name of a job's only picture, or of one of several.

    number: counts from 1, None for an only picture.
    """
    return f"zimagine-{job_id}-{seed}{'' if number is None else f'-{number}'}.png"


def sheet_name(job_id: int) -> str:
    """Return the name under which Discord shows the contact sheet of a job."""
    return f"zimagine-{job_id}-sheet.png"


def thumbnail_name(picture_id: int, *, spoiler: bool) -> str:
    """Return the name of a thumbnail, which nothing takes for a result."""
    return attachment_name(f"thumbnail-{picture_id}.jpg", spoiler=spoiler)


def is_picture_of(job_id: int, file_name: str) -> bool:
    """Return whether this names a picture or the contact sheet of that job, in any form sent."""
    return job_id_of(file_name) == job_id


def job_id_of(file_name: str) -> int | None:
    """Return the job whose picture or contact sheet has this name, in any form it was sent in."""
    match = _JOB_FILE.match(file_name)
    return None if match is None else int(match[1])


def number_in_series(file_name: str) -> int | None:
    """Return which picture of its job this names, in any form it was sent in; None for an only
    picture, and for a sheet of several."""
    match = _SERIES_FILE.match(file_name)
    return None if match is None else int(match[1])


def attachment_name(file_name: str, *, spoiler: bool) -> str:
    """Return the name under which Discord should show a file."""
    return f"{SPOILER}{file_name}" if spoiler else file_name
