"""One cache for both hubs: the folder and the layout of Hugging Face's own client.

What people set for it (HF_HOME, HF_HUB_CACHE) holds here too, other programs find what was fetched,
and what they fetched is not fetched again. Contents are stored under their checksum, so that a file
begun from one hub is continued from the other. A snapshot becomes visible when it is whole.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from engine.hub.errors import Hub
from engine.hub.listing import RemoteFile
from engine.hub.manifest import Manifest
from engine.hub.model_ids import DEFAULT_REVISION, is_commit

_MANIFEST: Final = "zimagine.json"
_PART: Final = ".part"
_CACHE_REF: Final = DEFAULT_REVISION[Hub.HUGGING_FACE]
"""The branch that everything takes which names none."""
_LOCK_POLL_S: Final = 0.5


def default_cache() -> Path:
    """Return the folder of the cache, as the environment or the home folder says."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


class ModelCache:
    """The files of one model in the cache at `root`."""

    def __init__(self, root: Path, model: str) -> None:
        name = f"models--{model.replace('/', '--')}"
        self.root = root
        self.folder = root / name
        self._lock_file = root / ".locks" / name / "zimagine.lock"
        self.manifest = Manifest.read(self.folder / _MANIFEST)

    @contextlib.contextmanager
    def locked(self, on_wait: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Let only one process fetch this model at a time; the next one waits.

        on_wait: called once if another process is at work. The lock ends with its process,
        however that ends. Raises OSError.
        """
        self._lock_file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._lock_file)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            on_wait()
            lock.acquire(poll_interval=_LOCK_POLL_S)
        try:
            self.manifest = Manifest.read(self.manifest.file)  # what the other one has done
            yield
        finally:
            lock.release()

    def blob(self, file: RemoteFile) -> Path:
        """Where the contents of a file are stored."""
        return self.folder / "blobs" / file.blob_id

    def part(self, file: RemoteFile) -> Path:
        """Where the beginning of a file is kept while it is fetched."""
        return self.folder / "blobs" / f"{file.blob_id}{_PART}"

    def snapshot(self, commit: str) -> Path:
        """The folder in which the model lies at a commit."""
        return self.folder / "snapshots" / commit

    def stored(self, file: RemoteFile, commit: str) -> Path | None:
        """Return where a file of the right size is; None if there is none.

        Without symbolic links, as on Windows, Hugging Face's client stores files in the snapshot.
        """
        for path in (self.blob(file), self.snapshot(commit) / file.path):
            with contextlib.suppress(OSError):
                if path.is_file() and path.stat().st_size == file.size_bytes:
                    return path
        return None

    def kept_bytes(self, file: RemoteFile) -> int:
        """How much of a file was fetched before."""
        try:
            return min(self.part(file).stat().st_size, file.size_bytes)
        except OSError:
            return 0

    def publish(
        self,
        commit: str,
        revision: str | None,
        files: Iterable[RemoteFile],
        *,
        whole: bool = True,
    ) -> Path:
        """Make a snapshot of files that are all stored, and let its revision lead to it.

        revision: None for the default branch. whole: False for files of somebody's choice: they lie
        in the snapshot, but neither is it called complete nor does the revision lead to it anew.
        Raises OSError.
        """
        chosen = list(files)
        for file in chosen:
            stored = self.stored(file, commit)
            assert stored is not None
            _place(stored, self.snapshot(commit) / file.path)
        if not whole:
            self.manifest.write()
            return self.snapshot(commit)
        self.manifest.snapshots[commit] = {file.path: file.blob_id for file in chosen}
        self.manifest.write()
        name = revision or _CACHE_REF
        if not is_commit(name):
            ref = self.folder / "refs" / name
            ref.parent.mkdir(parents=True, exist_ok=True)
            fresh = ref.with_name(f"{ref.name}.tmp")
            fresh.write_text(commit, encoding="utf-8")
            fresh.replace(ref)
        return self.snapshot(commit)

    def complete_snapshot(self, revision: str | None = None) -> Path | None:
        """Return the folder of a revision if it was fetched here and every file is still whole.

        Sizes and times are compared, contents are not read. None also where another program fetched
        it. revision: None for the default branch.
        """
        commit = self._commit(revision or _CACHE_REF)
        files = self.manifest.snapshots.get(commit) if commit is not None else None
        if commit is None or not files:
            return None
        folder = self.snapshot(commit)
        whole = all(self.manifest.is_verified(blob, folder / path) for path, blob in files.items())
        return folder if whole else None

    def _commit(self, revision: str) -> str | None:
        if is_commit(revision):
            return revision
        try:
            return (self.folder / "refs" / revision).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return None


def find_downloaded(
    model: str, revision: str | None = None, root: Path | None = None
) -> Path | None:
    """Return the folder of a model that was fetched wholly; None if it was not, or has changed.

    model: an id like owner/name. Nothing is asked of a hub.
    """
    return ModelCache(root or default_cache(), model).complete_snapshot(revision)


def _place(stored: Path, target: Path) -> None:
    """Let `target` be the stored file: as a link, where links are possible, or in its place."""
    if target == stored:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.tmp")
    fresh.unlink(missing_ok=True)
    try:
        fresh.symlink_to(os.path.relpath(stored, target.parent))
    except OSError:  # Windows without the right to make links, or a file system without any
        try:
            fresh.hardlink_to(stored)
        except OSError:
            stored.replace(target)
            return
    fresh.replace(target)
