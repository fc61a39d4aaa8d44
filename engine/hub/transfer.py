"""Fetch one file so that nothing is fetched twice and nothing wrong is kept.

Why not the hubs' own clients: huggingface_hub 2.4 begins a file anew after a kill, leaves what it
had for ever, checks no contents and waits without end for a hub that is silent; ModelScope's hashes
33 GB again at each call. (Measured on 2026-11-28 with a hub on this machine; Hugging Face's client
over plain HTTP, without Xet.)
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO, Final

import aiohttp

from engine.hub.client import Answer, HubClient
from engine.hub.errors import (
    AccessDenied,
    HubBusy,
    HubFailed,
    HubSilent,
    HubUnreachable,
    ModelUnknown,
    TransferFailed,
    WrongBytes,
)
from engine.hub.listing import Listing, RemoteFile

_WRITE_BYTES: Final = 1 << 20
"""How much is written and hashed at a time, off the event loop: what a kill may cost of each file.
Chosen by hand."""
_READS_AT_A_TIME: Final = 64
"""Parts of that size that are hashed between two chances to stop; chosen by hand."""
_PROGRESS_BYTES: Final = 1 << 20
"""A transfer that got this far before it broke off starts with all its retries; by hand."""
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")
_ATTEMPTS_AT_WRONG_BYTES: Final = 2

Sleep = Callable[[float], Awaitable[object]]
OnBytes = Callable[[int], object]
"""Told of bytes that were added to what is kept; negative for those that are thrown away."""


class _Cut(Exception):
    """A transfer ended early; what was received counts."""


class _Wrong(Exception):
    """What is sent cannot be the file."""


class Transfer:
    """Fetches files of one listing. url_of: where a file is on the hub."""

    def __init__(
        self,
        client: HubClient,
        listing: Listing,
        url_of: Callable[[RemoteFile], str],
        on_bytes: OnBytes,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client = client
        self._listing = listing
        self._url_of = url_of
        self._on_bytes = on_bytes
        self._sleep = sleep

    async def fetch(self, file: RemoteFile, part: Path, blob: Path) -> None:
        """Complete `part`, check it, and move it to `blob`.

        Wrong contents are fetched once more from the beginning. Whatever ends this, also an end of
        the process, leaves what was received in `part`. Raises WrongBytes, TransferFailed, what a
        request raises, and OSError.
        """
        part.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(_ATTEMPTS_AT_WRONG_BYTES):
            try:
                if await self._receive(file, part) == file.blob_id:
                    await asyncio.to_thread(_settle, part, blob)
                    return
            except _Wrong:
                pass
            self._discard(part)
        raise WrongBytes(self._client.host, file.path)

    async def _receive(self, file: RemoteFile, part: Path) -> str:
        """Fetch what is missing, taking it up again where it breaks off; return the checksum."""
        patience = self._client.patience
        hasher = await self._resumed(file, part)
        failures = 0
        while (kept := _size(part)) < file.size_bytes or not _exists(part):
            wait_s = min(patience.wait_s * 2**failures, patience.max_wait_s)
            try:
                hasher = await self._stream(file, part, hasher)
                continue
            except (_Cut, HubUnreachable, HubSilent, HubFailed) as error:
                cause = str(error)
            except HubBusy as error:
                cause = str(error)
                wait_s = min(max(wait_s, error.retry_after_s or 0.0), patience.max_wait_s)
            failures = 0 if _size(part) - kept >= _PROGRESS_BYTES else failures + 1
            if failures > patience.retries:
                raise TransferFailed(file.path, _size(part), file.size_bytes, failures, cause)
            await self._sleep(wait_s)
        return hasher.hexdigest()

    async def _resumed(self, file: RemoteFile, part: Path) -> hashlib._Hash:
        """Return the checksum of what is already there."""
        if _size(part) > file.size_bytes:
            self._discard(part)
        return await hash_stored(file, part)

    async def _stream(self, file: RemoteFile, part: Path, hasher: hashlib._Hash) -> hashlib._Hash:
        """Append what one request gives. Raises _Cut, _Wrong, and what a request raises."""
        offset = _size(part)
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        async with self._client.get(self._url_of(file), headers) as answer:
            self._require_file(file, answer)
            if not _continues(answer, offset):  # the server sends everything again
                self._discard(part)
                offset, hasher = 0, file.hasher()
            if answer.status == 200 and "Content-Encoding" not in answer.headers:
                announced = answer.headers.get("Content-Length", "")
                if announced.isdigit() and int(announced) != file.size_bytes:
                    raise _Wrong
            with part.open("ab") as out:
                await self._append(answer, out.fileno(), hasher, file.size_bytes - offset)
        return hasher

    async def _append(
        self, answer: Answer, target: int, hasher: hashlib._Hash, missing: int
    ) -> None:
        waiting = bytearray()

        async def flush() -> None:
            data = bytes(waiting)
            waiting.clear()
            writing = asyncio.ensure_future(asyncio.to_thread(_write, target, data, hasher))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await writing  # the file is closed next
                raise
            self._on_bytes(len(data))

        try:
            async for chunk in answer.body.iter_any():
                missing -= len(chunk)
                if missing < 0:
                    waiting.clear()
                    raise _Wrong
                waiting += chunk
                if len(waiting) >= _WRITE_BYTES:
                    await flush()
        except TimeoutError as error:
            raise _Cut(f"nothing came for {self._client.patience.silence_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, aiohttp.ClientError):
                raise  # of the disk
            raise _Cut("the connection broke off") from error
        finally:
            if waiting:
                await flush()
        if missing:
            raise _Cut("the connection was closed early")

    def _require_file(self, file: RemoteFile, answer: Answer) -> None:
        """Raise the error that an answer stands for which is not the file."""
        status, client = answer.status, self._client
        if status in (200, 206):
            return
        if status == 416:  # it has less than was announced, or what is kept is no part of it
            raise _Wrong
        if status == 429:
            raise client.busy(answer)
        if not client.is_own(answer.url):
            # An address from a redirect is good for minutes only; the hub gives a new one.
            raise _Cut(f"{answer.url.host} answered {status}")
        model = self._listing.model
        if status in (401, 403):
            raise AccessDenied(client.hub, client.host, model, status, client.has_token)
        if status in (404, 410):
            raise ModelUnknown(client.hub, client.host, f"{model}/{file.path}", None)
        raise HubFailed(client.hub, client.host, status)

    def _discard(self, part: Path) -> None:
        self._on_bytes(-_size(part))
        part.unlink(missing_ok=True)


async def hash_stored(file: RemoteFile, path: Path) -> hashlib._Hash:
    """Return the checksum of what is in `path`, if anything, of the kind that `file` has.

    Can be cancelled within a fraction of a second. Raises OSError.
    """
    hasher = file.hasher()
    if _exists(path):
        with path.open("rb") as source:
            while await asyncio.to_thread(_hash_some, source, hasher):
                pass
    return hasher


def _hash_some(source: BinaryIO, hasher: hashlib._Hash) -> bool:
    """Hash the next part of a file; return whether there may be more."""
    for _ in range(_READS_AT_A_TIME):
        data = source.read(_WRITE_BYTES)
        hasher.update(data)
        if not data:
            return False
    return True


def _continues(answer: Answer, offset: int) -> bool:
    if answer.status == 200:
        return offset == 0
    match = _RANGE.match(answer.headers.get("Content-Range", ""))
    if match is None or int(match[1]) != offset:
        if offset == 0:
            raise _Wrong
        raise _Cut("the server continues elsewhere than asked")
    return True


def _write(target: int, data: bytes, hasher: hashlib._Hash) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
    hasher.update(data)


def _settle(part: Path, blob: Path) -> None:
    """Bring a whole file to the disk, then to its name: a checksum is remembered for it."""
    with part.open("rb+") as whole:
        os.fsync(whole.fileno())
    part.replace(blob)


def _exists(path: Path) -> bool:
    return path.exists()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
