"""Keeps the playground local: foreign hosts and origins are refused."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.playground.standin_parts import StandIn

POLICY: Final = (
    "default-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_NAMES: Final = ("127.0.0.1", "localhost")


def local_only(standin: StandIn) -> Middleware:
    """Answer 403 to every request sent by another site or under another host name.

    Otherwise, a host name that someone else's DNS resolves to this machine could read everything
    here.
    """

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        port = urlsplit(standin.base_url).port
        hosts = {f"{name}:{port}" for name in _NAMES}
        origin = request.headers.get("Origin")
        if request.headers.get("Host") not in hosts:
            raise web.HTTPForbidden(text="The playground is only for this machine.\n")
        if origin is not None and origin not in {f"http://{host}" for host in hosts}:
            raise web.HTTPForbidden(text="The playground is only for its own page.\n")
        response = await handler(request)
        if not response.prepared:
            response.headers["Content-Security-Policy"] = POLICY
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return guarded
