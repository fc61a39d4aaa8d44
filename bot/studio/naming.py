"""How a job's pictures are called: the name finds them again on the disk and on Discord."""

from __future__ import annotations


def picture_name(job_id: int, seed: int, number: int | None = None) -> str:
    """The file name of a job's only picture, or of one of several: `number` counts from 1."""
    return f"zimagine-{job_id}-{seed}{'' if number is None else f'-{number}'}.png"


def sheet_name(job_id: int) -> str:
    """What Discord shows the sheet of a job's pictures as."""
    return f"zimagine-{job_id}-sheet.png"


def names_picture_of(job_id: int, file_name: str) -> bool:
    """Whether this is the name of a picture of that job or of its sheet, in whatever form it was
    sent."""
    return file_name.startswith(f"zimagine-{job_id}-")
