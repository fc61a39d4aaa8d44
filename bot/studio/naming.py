"""How a job's picture is called: the name finds it again on the disk and on Discord."""

from __future__ import annotations


def picture_name(job_id: int, seed: int) -> str:
    """The file name of a job's picture."""
    return f"zimagine-{job_id}-{seed}.png"


def names_picture_of(job_id: int, file_name: str) -> bool:
    """Whether this is the name of that job's picture, in whatever form it was sent."""
    return file_name.startswith(f"zimagine-{job_id}-")
