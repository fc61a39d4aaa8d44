"""A hub on this machine, with the interface of Hugging Face or ModelScope, that can misbehave.

Files are served by a second server, to which the hub redirects, as the real ones do.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from engine.hub.endpoints import Endpoint
from engine.hub.errors import Hub

MODEL = "Owner/Tiny"
COMMIT = "a" * 40
SIGNATURE = "signature=a%2Fb%3D"
"""Of an address of the second server, which is only good as it stands."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Fault = Callable[["Hubs", web.Request, bytes], Awaitable[web.StreamResponse | None]]
"""Answers a request for a file in place of the server; None lets the server answer."""


def sha256(data: bytes) -> str:
    """Return the checksum of a large file."""
    return hashlib.sha256(data).hexdigest()


def git_sha1(data: bytes) -> str:
    """Return what git calls a small file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass(slots=True)
class Seen:
    """A request as it arrived."""

    server: str
    path: str
    query: str
    """The whole address as it was sent, decoded."""
    headers: dict[str, str]

    @property
    def has_token(self) -> bool:
        """Whether any secret came along."""
        return bool({"authorization", "cookie"} & {name.lower() for name in self.headers})


@dataclass(slots=True)
class Hubs:
    """The state of both servers.

    files: by path; those over `small_bytes` are "large" ones with a SHA-256. faults: by path, one
    for each request of a file in turn. overrides: by the beginning of a path, in place of the hub's
    own. page_size: of Hugging Face's list. listed: changes the entries of a list before it is sent.
    silences: how many answers have stopped in the middle on purpose.
    """

    files: dict[str, bytes]
    small_bytes: int = 4000
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    overrides: dict[str, Handler] = field(default_factory=dict[str, Handler])
    page_size: int = 1000
    listed: Callable[[list[dict[str, Any]]], None] = lambda entries: None
    silences: int = 0
    seen: list[Seen] = field(default_factory=list[Seen])
    url: str = ""
    cdn_url: str = ""

    def endpoint(self, hub: Hub, token: str | None = None) -> Endpoint:
        """The hub, with one of its two interfaces."""
        return Endpoint(hub, self.url, token)

    def requests(self, server: str = "cdn") -> list[str]:
        """The paths that were asked for, in order."""
        return [each.path for each in self.seen if each.server == server]

    def ranges(self, path: str) -> list[str | None]:
        """The ranges that were asked for of one file."""
        return [
            each.headers.get("Range")
            for each in self.seen
            if each.server == "cdn" and each.path == f"/blob/{path}"
        ]

    # The hub.

    def note(self, server: str, request: web.Request) -> None:
        """Remember a request."""
        self.seen.append(Seen(server, request.path, str(request.url), dict(request.headers)))

    async def hub(self, request: web.Request) -> web.StreamResponse:
        """Answer as Hugging Face or as ModelScope, by the address."""
        self.note("hub", request)
        for beginning, handler in self.overrides.items():
            if request.path.startswith(beginning):
                return await handler(request)
        path = request.path
        if path == f"/api/models/{MODEL}/revision/main":
            return web.json_response({"id": MODEL, "sha": COMMIT, "siblings": []})
        if path == f"/api/models/{MODEL}/tree/{COMMIT}":
            return self._huggingface_page(request)
        if path == f"/api/v1/models/{MODEL}/repo/files":
            entries = self._modelscope_entries()
            self.listed(entries)
            return web.json_response({"Code": 200, "Success": True, "Data": {"Files": entries}})
        resolve = f"/{MODEL}/resolve/{COMMIT}/"
        name = None
        if path.startswith(resolve):
            name = path.removeprefix(resolve)
        elif path == f"/api/v1/models/{MODEL}/repo":
            name = request.query["FilePath"]
        if name in self.files:
            # As a header of its own: aiohttp would rewrite the signature.
            location = f"{self.cdn_url}/blob/{name}?{SIGNATURE}"
            return web.Response(status=302, headers={"Location": location})
        return web.json_response({"error": "Repository not found"}, status=404)

    def _huggingface_page(self, request: web.Request) -> web.Response:
        assert request.query["recursive"] == "true"
        entries: list[dict[str, Any]] = [{"type": "directory", "path": "vae", "oid": "b" * 40}]
        for path, data in self.files.items():
            entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data)}
            if len(data) > self.small_bytes:
                entry["oid"] = "c" * 40
                entry["lfs"] = {"oid": sha256(data), "size": len(data), "pointerSize": 134}
                entry["xetHash"] = "d" * 64
            else:
                entry["oid"] = git_sha1(data)
            entries.append(entry)
        self.listed(entries)
        first = int(request.query.get("cursor", "0"))
        following = first + self.page_size
        headers = {}
        if following < len(entries):
            address = f"{self.url}{request.path}?recursive=true&cursor={following}"
            headers["Link"] = f'<{address}>; rel="next"'
        return web.json_response(entries[first:following], headers=headers)

    def _modelscope_entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = [{"Type": "tree", "Path": "vae", "Size": 0, "Sha256": ""}]
        for path, data in self.files.items():
            name = Path(path).name
            entry = {"Name": name, "Path": path, "Type": "blob", "Mode": "33188"}
            entries.append(entry | {"Size": len(data), "Sha256": sha256(data), "IsLFS": True})
        return entries

    # The server of the files.

    async def cdn(self, request: web.Request) -> web.StreamResponse:
        """Serve a file, or the part of it that is asked for, unless a fault is due."""
        self.note("cdn", request)
        assert request.raw_path.endswith(f"?{SIGNATURE}"), request.raw_path
        path = request.path.removeprefix("/blob/")
        data = self.files[path]
        if self.faults[path]:
            answer = await self.faults[path].pop(0)(self, request, data)
            if answer is not None:
                return answer
        return ranged(request, data)


def ranged(request: web.Request, data: bytes) -> web.Response:
    """Answer with the bytes from the place on that was asked for."""
    asked = request.headers.get("Range")
    if asked is None:
        return web.Response(body=data)
    first = int(asked.removeprefix("bytes=").removesuffix("-"))
    if first >= len(data):
        return web.Response(status=416)
    headers = {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"}
    return web.Response(body=data[first:], status=206, headers=headers)


def cut_after(count: int) -> Fault:
    """Send so many bytes, then close the connection."""

    async def fault(_: Hubs, request: web.Request, data: bytes) -> web.StreamResponse:
        whole = ranged(request, data)
        body = bytes(whole.body) if isinstance(whole.body, bytes | bytearray) else b""
        response = web.StreamResponse(status=whole.status, headers=whole.headers)
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[:count])
        await asyncio.sleep(0.02)
        assert request.transport is not None
        request.transport.abort() if count == 0 else request.transport.close()
        return response

    return fault


def silent_after(count: int) -> Fault:
    """Send so many bytes, then nothing more."""

    async def fault(hubs: Hubs, request: web.Request, data: bytes) -> web.StreamResponse:
        whole = ranged(request, data)
        body = bytes(whole.body) if isinstance(whole.body, bytes | bytearray) else b""
        response = web.StreamResponse(status=whole.status, headers=whole.headers)
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[:count])
        hubs.silences += 1
        await asyncio.sleep(60)
        return response

    return fault


def sends(data: bytes, status: int = 200, **headers: str) -> Fault:
    """Answer with other bytes, or another status."""

    async def fault(*_: object) -> web.StreamResponse:
        return web.Response(body=data, status=status, headers=headers)

    return fault


async def ignores_ranges(_: Hubs, request: web.Request, data: bytes) -> web.StreamResponse:
    """Send the whole file whatever part was asked for."""
    return web.Response(body=data)


def answers(status: int, body: Any = None, **headers: str) -> Handler:
    """Let the hub answer with a status."""

    async def handler(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(body, status=status, headers=named)

    return handler


async def _end_all() -> None:
    """End the requests that are silent on purpose."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def serve(files: dict[str, bytes]) -> Iterator[Hubs]:
    """Run both servers on a thread of their own."""
    hubs = Hubs(dict(files))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start(handler: Handler, host: str) -> tuple[web.AppRunner, str]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, host, 0)
        await site.start()
        port = runner.addresses[0][1]
        return runner, f"http://{host}:{port}"

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(10)

    hub_runner, hubs.url = run(start(hubs.hub, "127.0.0.1"))
    cdn_runner, hubs.cdn_url = run(start(hubs.cdn, "127.0.0.1"))
    try:
        yield hubs
    finally:
        run(hub_runner.cleanup())
        run(cdn_runner.cleanup())
        run(_end_all())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
