"""A small real HTTP proxy on loopback: CONNECT, and plain requests with an absolute address."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Address = tuple[str, int]


@dataclass(slots=True)
class HttpProxy:
    """A listening proxy.

    routes: where a host really is, by "host:port"; unknown ones are reached as named. credentials:
    "user:password" that it asks for. status: what it answers instead of connecting. seen: the
    first line of every request; authorized: the credentials that came with them.
    """

    routes: Mapping[str, Address] = field(default_factory=dict[str, Address])
    credentials: str | None = None
    status: int | None = None
    seen: list[str] = field(default_factory=list[str])
    authorized: list[str | None] = field(default_factory=list["str | None"])
    port: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def url(self) -> str:
        """The proxy's address without credentials."""
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side closes it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def stop(self) -> None:
        """End all connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        self.seen.append(first)
        sent = headers.get("proxy-authorization")
        self.authorized.append(sent and base64.b64decode(sent.removeprefix("Basic ")).decode())
        if self.credentials is not None and self.authorized[-1] != self.credentials:
            return await self._refuse(writer, 407)
        if self.status is not None:
            return await self._refuse(writer, self.status)
        method, target, version = first.split(" ")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            began = b""
        else:
            parts = urlsplit(target)
            host, port = parts.hostname or "", str(parts.port or 80)
            path = parts._replace(scheme="", netloc="").geturl() or "/"
            began = "\r\n".join([f"{method} {path} {version}", *lines]).encode("latin-1")
        where = self.routes.get(f"{host}:{port}", (host, int(port)))
        there_reader, there = await asyncio.open_connection(*where)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            there.write(began)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, there))
                both.create_task(_pump(there_reader, writer))
        finally:
            there.close()

    async def _refuse(self, writer: asyncio.StreamWriter, status: int) -> None:
        writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(2**16):
            target.write(data)
            await target.drain()
    target.close()


@asynccontextmanager
async def open_http_proxy(proxy: HttpProxy) -> AsyncIterator[HttpProxy]:
    """Open the proxy on a free port; every connection ends with the block."""
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.stop()
