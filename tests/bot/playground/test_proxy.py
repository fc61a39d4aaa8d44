"""The real bot reaches Discord's real addresses over TLS through nothing but a proxy."""

from __future__ import annotations

import io
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.playground.page.server import PageServer
from bot.playground.people import People
from bot.playground.process import BotProcess
from bot.playground.rest.gate import MAX_REQUEST_BYTES
from bot.playground.rest.routes import add_routes
from bot.playground.standin_server import Playground, build_standin
from tests.bot.http_proxy import HttpProxy, open_http_proxy
from tests.bot.playground.live import LivePlayground
from tests.bot.sample_pictures import a_picture

API, GATEWAY, FILES = "discord.com:443", "gateway.discord.gg:443", "cdn.discordapp.com:443"
PASSWORD = "s3cret/pw@home"
CREDENTIALS = f"bot:{PASSWORD}"
USERINFO = "bot:s3cret%2Fpw%40home@"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate for Discord's names, signed by itself; return it and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    names = ",".join(f"DNS:{each.removesuffix(':443')}" for each in (API, GATEWAY, FILES))
    found = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]
    command += ["/CN=test", "-addext", f"subjectAltName={names}"]
    try:
        subprocess.run(
            [*command, "-out", str(found[0]), "-keyout", str(found[1])],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return found


@asynccontextmanager
async def open_discord(
    folder: Path, certificate: tuple[Path, Path], proxy: HttpProxy, environment: Mapping[str, str]
) -> AsyncIterator[tuple[LivePlayground, io.StringIO]]:
    """Open a stand-in behind TLS that only the proxy leads to, with a bot that knows no stand-in.

    environment: of the bot. Yields what the bot prints as well.
    """
    standin = build_standin(folder / "files")

    @web.middleware
    async def by_host(request: web.Request, handler: Any) -> web.StreamResponse:
        is_gateway = request.host == GATEWAY.removesuffix(":443")
        return await (standin.gateway.handle if is_gateway else handler)(request)

    app = web.Application(client_max_size=MAX_REQUEST_BYTES + 2**20, middlewares=[by_host])
    add_routes(app, standin)
    people = People(standin)
    page = PageServer(standin, BotProcess([], {}), people)
    page.add_routes(app)  # they serve the files of messages
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    proxy.routes = dict.fromkeys((API, GATEWAY, FILES), runner.addresses[0][:2])
    standin.base_url = f"https://{FILES.removesuffix(':443')}"
    standin.gateway.url = f"wss://{GATEWAY.removesuffix(':443')}"
    printed = io.StringIO()
    known = {
        "ZIMAGINE_STORAGE__DATA_DIR": str(folder / "data"),
        "ZIMAGINE_LOG__LEVEL": "debug",
        "DISCORD_TOKEN": standin.token,
        "SSL_CERT_FILE": str(certificate[0]),
    }
    command = [sys.executable, "-m", "bot", "run", "--config", os.devnull]
    process = BotProcess(command, {**known, **environment}, output=printed)
    standin.gateway.watcher.online = process.set_online
    process.start()
    try:
        yield LivePlayground(Playground(standin, people, process, page, ""), folder), printed
    finally:
        await process.stop()
        await standin.gateway.close()
        await runner.cleanup()


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy", "ZIMAGINE_DISCORD__PROXY"])
async def test_everything_goes_through_the_proxy(
    tmp_path: Path, certificate: tuple[Path, Path], variable: str
) -> None:
    """Requests, the gateway and members' pictures are tunnelled, and the password is not logged."""
    async with open_http_proxy(HttpProxy(credentials=CREDENTIALS)) as proxy:
        environment = {variable: f"http://{USERINFO}127.0.0.1:{proxy.port}"}
        async with open_discord(tmp_path, certificate, proxy, environment) as (live, printed):
            await live.ready()
            photo = await live.playground.people.upload("photo.png", a_picture(300, 300))
            live.send("imagine", prompt="a lake", picture=str(photo.id), strength=0.5)
            await live.picture()
        assert {line.split()[1] for line in proxy.seen} == {API, GATEWAY, FILES}, proxy.seen
        assert {line.split()[0] for line in proxy.seen} == {"CONNECT"}
        assert set(proxy.authorized) == {CREDENTIALS}
    assert PASSWORD not in printed.getvalue() and "s3cret" not in printed.getvalue()


@pytest.mark.parametrize(
    ("proxy", "sentence"),
    [
        (HttpProxy(status=403), "the proxy refused to connect to Discord, with status 403"),
        (HttpProxy(credentials="someone:else"), "the proxy asks for a user name and a password"),
    ],
    ids=["refusing", "asking for credentials"],
)
async def test_a_proxy_that_refuses_is_said_and_tried_again(
    tmp_path: Path, certificate: tuple[Path, Path], proxy: HttpProxy, sentence: str
) -> None:
    """The log has one clear sentence, and the same process is online whenever it is let through."""
    async with open_http_proxy(proxy):
        environment = {"HTTPS_PROXY": f"http://{USERINFO}127.0.0.1:{proxy.port}"}
        async with open_discord(tmp_path, certificate, proxy, environment) as (live, printed):
            await live.until(lambda: sentence in printed.getvalue())
            pid = live.playground.process.pid
            assert pid is not None
            proxy.status = proxy.credentials = None
            await live.ready()
            assert "Traceback" not in printed.getvalue()
            proxy.status = 502  # from now on, and what was connected breaks off
            await proxy.stop()
            gateway = live.playground.standin.gateway
            await live.until(lambda: not gateway.online)
            before = len(proxy.seen)
            await live.until(lambda: len(proxy.seen) > before)
            proxy.status = None
            await live.until(lambda: gateway.online)
            assert live.playground.process.pid == pid
    assert "s3cret" not in printed.getvalue()


async def test_without_a_proxy_there_is_no_way(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    """NO_PROXY is obeyed: the proxy is left alone, and the bot cannot reach Discord."""
    async with open_http_proxy(HttpProxy()) as proxy:
        environment = {"HTTPS_PROXY": proxy.url, "NO_PROXY": "example.org,.discord.com"}
        async with open_discord(tmp_path, certificate, proxy, environment) as (live, printed):
            await live.until(lambda: "Discord not reached" in printed.getvalue())
        assert proxy.seen == []
