"""Downloads never exceed their limit, and every failure is an OSError."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bot.jobs.generation.downloads import download as download_through
from bot.proxies import Proxies
from engine.uploads import UploadTooLarge
from tests.bot.http_proxy import HttpProxy, open_http_proxy

SERVED_BYTES = 10 * 2**20


async def download(url: str, limit_bytes: int, proxy: str = "") -> bytes:
    """Download through a proxy, directly by default."""
    return await download_through(url, limit_bytes, proxies=Proxies(proxy))


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """Run a server with a file, an endless and a broken one, and a redirect."""
    seen: dict[str, int] = {}

    async def file(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 1000)

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while seen.setdefault("sent", 0) < SERVED_BYTES:
            await response.write(b"x" * 2**16)
            seen["sent"] += 2**16
        raise AssertionError("everything was read")

    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x" * 10)
        assert request.transport is not None
        request.transport.close()
        return response

    async def elsewhere(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/file")

    app = web.Application()
    for handler in (file, endless, broken, elsewhere):
        app.router.add_get(f"/{handler.__name__}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_file_is_read_up_to_its_limit(address: str):
    """A file of exactly the limit is accepted; one byte more is refused before it is read."""
    assert await download(f"{address}/file", 1000) == b"x" * 1000
    with pytest.raises(UploadTooLarge) as caught:
        await download(f"{address}/file", 999)
    assert caught.value.size_bytes == 1000


async def test_a_file_without_a_size_is_cut_off(address: str):
    """Reading stops at the limit if the size is not declared."""
    with pytest.raises(UploadTooLarge) as caught:
        await download(f"{address}/endless", 2**17)
    assert caught.value.size_bytes < SERVED_BYTES


@pytest.mark.parametrize("path", ["/missing", "/broken", "/elsewhere"])
async def test_trouble_is_an_oserror(address: str, path: str):
    """A 404, a broken connection and a redirect raise OSError, without the URL in its message,
    because the URL gives access to the file."""
    with pytest.raises(OSError, match=r"^\w[\w ]+$") as caught:
        await download(f"{address}{path}?hm=secret", 10**6)
    assert "secret" not in repr(caught.value)


@pytest.mark.parametrize("url", ["", "x", "http://127.0.0.1:1/x", "file:///etc/passwd"])
async def test_no_address_is_an_oserror_too(url: str):
    """An invalid URL raises OSError."""
    with pytest.raises(OSError, match=r"\w"):
        await download(url, 100)


@pytest.mark.parametrize("credentials", [None, "ann:p@ß/w:密"])
async def test_a_file_comes_through_a_proxy(address: str, credentials: str | None):
    """The request goes to the proxy, with its credentials if it asks for any."""
    async with open_http_proxy(HttpProxy(credentials=credentials)) as proxy:
        userinfo = "" if credentials is None else "ann:p%40%C3%9F%2Fw%3A%E5%AF%86@"
        url = f"http://{userinfo}127.0.0.1:{proxy.port}"
        assert await download(f"{address}/file", 1000, url) == b"x" * 1000
    assert proxy.seen == [f"GET {address}/file HTTP/1.1"] and proxy.authorized == [credentials]


@pytest.mark.parametrize(
    "proxy", [HttpProxy(status=403), HttpProxy(status=502), HttpProxy(credentials="ann:pw")]
)
async def test_a_proxy_that_refuses_is_an_oserror(address: str, proxy: HttpProxy):
    """A proxy that refuses, asks for credentials or is not there raises OSError."""
    async with open_http_proxy(proxy):
        for target in (address, "https://cdn.discordapp.com"):
            with pytest.raises(OSError, match=r"^\w[\w ]+$"):
                await download(f"{target}/file", 1000, proxy.url)
    with pytest.raises(OSError, match="ClientProxyConnectionError"):
        await download(f"{address}/file", 1000, proxy.url)
