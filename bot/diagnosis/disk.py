"""Room on the disks, and whether the bot may write there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.diagnosis.findings import Code, Finding, Place, broken, note, ok

FULL_BYTES = 100 * 2**20
"""Less than this is a full disk: the database's log alone may take 64 MiB. Chosen by hand."""
LOW_BYTES = 2**30
"""Less than this is worth a remark: some hundred pictures. Chosen by hand."""
FEW_INODES = 100
"""Fewer files than this are as good as none. Chosen by hand."""
_VARIABLES = {Place.MODELS: "HF_HOME", Place.TEMPORARY: "TMPDIR"}


@dataclass(frozen=True, slots=True)
class Room:
    """What is free on the disk of a folder. inodes: None where the system has no such limit."""

    free_bytes: int
    inodes: int | None = None


ReadRoom = Callable[[Path], Room]


def read_room(folder: Path) -> Room:
    """Return what this user may still write on the disk of an existing folder. Raises OSError."""
    if not hasattr(os, "statvfs"):
        return Room(shutil.disk_usage(folder).free)
    found = os.statvfs(folder)
    # File systems without a table of inodes report none at all.
    return Room(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)


def check_place(place: Place, folder: Path, read: ReadRoom = read_room) -> list[Finding]:
    """Return whether a folder can be written, or created, and how much room its disk has.

    Only the data folder is named, which is the owner's own choice; for the others, the variable
    that moves them.
    """
    named = _VARIABLES.get(place, str(folder))
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return [broken(Code.NOT_A_FOLDER, place=place, folder=named)]
    if not os.access(there, os.W_OK | os.X_OK):
        return [broken(Code.NOT_WRITABLE, place=place, folder=named)]
    try:
        room = read(there)
    except OSError as error:
        return [note(Code.UNREADABLE, place=place, reason=error.strerror or str(error))]
    found: list[Finding] = []
    if there != folder and place is Place.DATA:
        found.append(ok(Code.NEW_FOLDER, place=place, folder=named))
    if room.inodes is not None and room.inodes < FEW_INODES:
        found.append(broken(Code.NO_INODES, place=place, inodes=room.inodes))
    elif room.free_bytes < FULL_BYTES:
        found.append(broken(Code.FULL, place=place, free_bytes=room.free_bytes))
    elif room.free_bytes < LOW_BYTES:
        found.append(note(Code.LOW, place=place, free_bytes=room.free_bytes))
    else:
        found.append(ok(Code.FREE, place=place, free_bytes=room.free_bytes))
    return found
