"""How a job's pictures are called: the name finds them again on the disk and on Discord."""

from __future__ import annotations

import re
from typing import Final

SPOILER: Final = "SPOILER_"
"""Discord hides a file whose name begins so until it is clicked."""
_OF_JOB: Final = re.compile(rf"(?:{SPOILER})?zimagine-([0-9]{{1,18}})-")


def picture_name(job_id: int, seed: int, number: int | None = None) -> str:
    """The file name of a job's only picture, or of one of several: `number` counts from 1."""
    return f"zimagine-{job_id}-{seed}{'' if number is None else f'-{number}'}.png"


def sheet_name(job_id: int) -> str:
    """What Discord shows the sheet of a job's pictures as."""
    return f"zimagine-{job_id}-sheet.png"


def is_picture_of(job_id: int, file_name: str) -> bool:
    """Whether this is the name of a picture of that job or of its sheet, in whatever form it was
    sent."""
    return job_id_of(file_name) == job_id


def job_id_of(file_name: str) -> int | None:
    """The job whose picture or sheet is called so, in whatever form it was sent."""
    match = _OF_JOB.match(file_name)
    return None if match is None else int(match[1])


def attachment_name(file_name: str, *, spoiler: bool) -> str:
    """What Discord is to show a file as."""
    return f"{SPOILER}{file_name}" if spoiler else file_name
