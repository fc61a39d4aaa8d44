"""Keyed hashes of persons: without the key in the data folder nobody can tell whose they are."""

import hashlib
import hmac
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Final

from storage import folders
from storage.errors import DataFolderUnusable
from storage.files import write_whole

KEY_FILE: Final = "erasure.key"
"""Name of the key in the data folder. Whoever copies a data folder has to copy it too."""
_KEY_BYTES: Final = 32


def make_key(data_dir: Path) -> None:
    """Make the key at its first use; one that exists is left alone. Blocking.

    Raises DataFolderUnusable or DiskFull.
    """
    path = Path(data_dir).absolute() / KEY_FILE
    if path.exists():
        return
    try:
        write_whole(path, secrets.token_bytes(_KEY_BYTES))
    except OSError as error:
        raise folders.unusable(path, error) from error


def has_key(data_dir: Path) -> bool:
    """Return whether anybody was ever erased here. Blocking."""
    return (Path(data_dir).absolute() / KEY_FILE).exists()


def person_hash(data_dir: Path, user_id: int) -> str:
    """Return the hash of a person, 64 hex digits: always the same in one data folder.

    Raises DataFolderUnusable if the key is missing or damaged. Blocking at its first call.
    """
    key = _key(Path(data_dir).absolute() / KEY_FILE)
    return hmac.new(key, str(user_id).encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=8)  # an error is not kept
def _key(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as error:
        raise folders.unusable(path, error) from error
    if len(key) != _KEY_BYTES:
        raise DataFolderUnusable(path, "the key of erased persons is damaged")
    return key
