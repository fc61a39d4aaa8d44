"""Fetch a model into the cache: ask, choose, check the disk, fetch, check, publish."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from engine.hub.cache import ModelCache
from engine.hub.client import HubClient, Patience, ProxyChoice, proxy_from_environment
from engine.hub.endpoints import Endpoint
from engine.hub.errors import (
    DiskTooSmall,
    Hub,
    HubUnavailable,
    ListingRefused,
    NoHub,
    SelectionFailed,
)
from engine.hub.interfaces import file_url, list_files
from engine.hub.listing import Listing, RemoteFile, storable
from engine.hub.selection import INDEX, select
from engine.hub.transfer import Sleep, Transfer, hash_stored

_AT_ONCE: Final = 4
"""Files that are fetched at the same time; chosen by hand: hubs limit each connection."""
_DISK_RESERVE_BYTES: Final = 64 << 20
"""What a file system needs for itself beside the files; chosen by hand."""
_MAX_INDEX_BYTES: Final = 1 << 20
"""Chosen by hand: a model_index.json has less than a thousand bytes."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """What to fetch, and from where.

    model: an id like owner/name. endpoints: asked in this order, until one helps. root: the folder
    of the cache. revision: None for the default branch. include: see `select`.
    """

    model: str
    endpoints: Sequence[Endpoint]
    root: Path
    revision: str | None = None
    include: tuple[str, ...] = ()
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is about to be fetched; sizes in bytes. kept: of earlier attempts, to be gone on with.

    present: in files that are complete already.
    """

    hub: Hub
    host: str
    model: str
    folder: Path
    files: int
    total_bytes: int
    present_bytes: int
    kept_bytes: int
    free_bytes: int

    @property
    def missing_bytes(self) -> int:
        """What is still to be fetched."""
        return self.total_bytes - self.present_bytes - self.kept_bytes


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A whole model. folder: its snapshot. fetched_bytes: what came over the network this time.

    host: of the hub; None where no hub could be asked, and the model was here all the same.
    """

    folder: Path
    host: str | None
    total_bytes: int
    fetched_bytes: int


class Observer(Protocol):
    """Told how a download goes on; called on the thread that downloads."""

    def waiting(self) -> None:
        """Another process is fetching the same model, and its end is waited for."""

    def passed_over(self, error: HubUnavailable, following: Endpoint) -> None:
        """A hub did not help, and the next one is asked."""

    def checking(self, file: str, size_bytes: int) -> None:
        """A file that is here already is compared with its checksum."""

    def damaged(self, file: str) -> None:
        """A file that was here has other contents than its checksum says, and is fetched anew."""

    def planned(self, plan: Plan) -> None:
        """The transfer begins."""

    def advanced(self, count_bytes: int) -> None:
        """So many bytes more are kept; negative for bytes that had to be thrown away."""


def download(
    request: Request,
    observer: Observer,
    *,
    proxy: ProxyChoice = proxy_from_environment,
    sleep: Sleep = asyncio.sleep,
) -> Downloaded:
    """Fetch a model, or what is missing of it, and return where it is.

    Blocks; may not be called in an event loop. Only one process at a time fetches a model. Where no
    hub can be asked and the model is whole, that is enough. An exception of any kind,
    KeyboardInterrupt included, keeps what was received. Raises HubError and OSError.
    """
    cache = ModelCache(request.root, request.model)
    with cache.locked(observer.waiting):
        return asyncio.run(_Download(request, cache, observer, proxy, sleep).run())


class _Download:
    def __init__(
        self,
        request: Request,
        cache: ModelCache,
        observer: Observer,
        proxy: ProxyChoice,
        sleep: Sleep,
    ) -> None:
        self._request = request
        self._cache = cache
        self._observer = observer
        self._proxy = proxy
        self._sleep = sleep
        self._fetched_bytes = 0

    async def run(self) -> Downloaded:
        errors: list[HubUnavailable] = []
        endpoints = self._request.endpoints
        for number, endpoint in enumerate(endpoints):
            async with HubClient(endpoint, self._request.patience, self._proxy) as client:
                try:
                    listing = await list_files(client, self._request.model, self._request.revision)
                except HubUnavailable as error:
                    errors.append(error)
                    if number + 1 < len(endpoints):
                        self._observer.passed_over(error, endpoints[number + 1])
                    continue
                return await self._fetch(client, listing)
        here = self._cache.complete_snapshot(self._request.revision)
        if here is not None and not self._request.include:
            return Downloaded(here, None, _total_bytes(here), 0)
        raise errors[0] if len(errors) == 1 else NoHub(errors)

    async def _fetch(self, client: HubClient, listing: Listing) -> Downloaded:
        def url_of(file: RemoteFile) -> str:
            return file_url(client, listing, file)

        quiet = Transfer(client, listing, url_of, lambda _: None, self._sleep)
        transfer = Transfer(client, listing, url_of, self._advanced, self._sleep)
        index = await self._index(quiet, listing)
        files = select(listing, index, self._request.include)
        missing = await self._missing(files, listing.commit)
        self._plan(listing, files, missing)
        await self._fetch_all(transfer, missing)
        folder = self._cache.publish(
            listing.commit,
            self._request.revision,
            files,
            whole=not self._request.include,
        )
        total = sum(file.size_bytes for file in files)
        return Downloaded(folder, listing.host, total, self._fetched_bytes)

    async def _index(self, transfer: Transfer, listing: Listing) -> Mapping[str, Any] | None:
        """Fetch and read the file that names a pipeline's components; None if there is none."""
        file = listing.by_path().get(INDEX)
        if file is None or self._request.include:
            return None
        (file,) = storable(listing.host, [file])
        if file.size_bytes > _MAX_INDEX_BYTES:
            raise ListingRefused(listing.host, INDEX, f"has the size {file.size_bytes}")
        for _ in await self._missing([file], listing.commit):
            await self._fetch_one(transfer, file)
        stored = self._cache.stored(file, listing.commit)
        assert stored is not None
        try:
            found = json.loads(stored.read_bytes())
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise SelectionFailed(listing.model, f"its {INDEX} cannot be read")
        return found

    async def _missing(self, files: Sequence[RemoteFile], commit: str) -> list[RemoteFile]:
        """Return the files to fetch, the contents of each once; check those that are here."""
        missing: dict[str, RemoteFile] = {}
        for file in files:
            stored = self._cache.stored(file, commit)
            if stored is None:
                missing.setdefault(file.blob_id, file)
            elif not self._cache.manifest.is_verified(file.blob_id, stored):
                self._observer.checking(file.path, file.size_bytes)
                if (await hash_stored(file, stored)).hexdigest() == file.blob_id:
                    self._cache.manifest.remember(file.blob_id, stored)
                    self._cache.manifest.write()
                else:
                    self._observer.damaged(file.path)
                    stored.unlink()
                    missing.setdefault(file.blob_id, file)
        return list(missing.values())

    def _plan(
        self, listing: Listing, files: Sequence[RemoteFile], missing: Sequence[RemoteFile]
    ) -> None:
        """Announce what is about to happen. Raises DiskTooSmall."""
        unique = {file.blob_id: file.size_bytes for file in files}
        total, absent = sum(unique.values()), sum(file.size_bytes for file in missing)
        plan = Plan(
            hub=listing.hub,
            host=listing.host,
            model=listing.model,
            folder=self._cache.folder,
            files=len(files),
            total_bytes=total,
            present_bytes=total - absent,
            kept_bytes=sum(self._cache.kept_bytes(file) for file in missing),
            free_bytes=shutil.disk_usage(_existing(self._cache.folder)).free,
        )
        needed = plan.missing_bytes
        if needed and needed + _DISK_RESERVE_BYTES > plan.free_bytes:
            raise DiskTooSmall(self._cache.folder, needed, plan.free_bytes)
        self._observer.planned(plan)

    async def _fetch_all(self, transfer: Transfer, files: Sequence[RemoteFile]) -> None:
        """Fetch files side by side; the first error stops all of them."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def fetch(file: RemoteFile) -> None:
            async with places:
                await self._fetch_one(transfer, file)

        try:
            async with asyncio.TaskGroup() as group:
                for file in sorted(files, key=lambda one: -one.size_bytes):
                    group.create_task(fetch(file))
        except BaseExceptionGroup as errors:
            first = errors.exceptions[0]
            for other in errors.exceptions[1:]:
                _log.info("another file failed too: %s", other)
            raise first from None

    async def _fetch_one(self, transfer: Transfer, file: RemoteFile) -> None:
        blob = self._cache.blob(file)
        await transfer.fetch(file, self._cache.part(file), blob)
        self._cache.manifest.remember(file.blob_id, blob)
        self._cache.manifest.write()

    def _advanced(self, count_bytes: int) -> None:
        self._fetched_bytes += max(0, count_bytes)
        self._observer.advanced(count_bytes)


def _existing(folder: Path) -> Path:
    """Return the nearest folder above that exists already."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def _total_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
