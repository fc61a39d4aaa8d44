"""Requests to one hub: time limits, redirects, and a token that never leaves its host.

aiohttp follows redirects by itself, but drops only `Authorization` on the way to another host, and
not a token in a cookie, as ModelScope takes it; so redirects are followed here, one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from yarl import URL

from engine.hub.endpoints import Endpoint
from engine.hub.errors import (
    Hub,
    HubBusy,
    HubFailed,
    HubSilent,
    HubUnreachable,
    RedirectRefused,
)

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PROXY_WANTS_A_PASSWORD: Final = 407
_MAX_REDIRECTS: Final = 8
"""A real hub needs one or two; chosen by hand."""
_MAX_JSON_BYTES: Final = 32 << 20
"""Chosen by hand: ten thousand files need some 3 MiB."""
_AGENT: Final = "zimagine"


class ProxyUnusable(Exception):
    """The proxy that the environment names cannot be used; str() says why."""


ProxyChoice = Callable[[URL], str | None]
"""Returns the proxy of a request, None for a direct one. Raises ProxyUnusable."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for a hub, in seconds.

    answer_s: for a connection and the first byte of an answer; 10 is what Hugging Face's own client
    waits. listing_s: for a whole list of files. silence_s: for the next byte of a file. retries:
    how often a transfer that breaks off without progress is taken up again. wait_s: before the
    first of them, doubled each time. max_wait_s: the longest wait, also where a hub asks for a
    longer one. All but the first were chosen by hand.
    """

    answer_s: float = 10.0
    listing_s: float = 60.0
    silence_s: float = 30.0
    retries: int = 5
    wait_s: float = 1.0
    max_wait_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a hub answered. url: of the last redirect. body: read as it arrives."""

    status: int
    headers: Mapping[str, str]
    url: URL
    body: aiohttp.StreamReader

    def retry_after_s(self) -> float | None:
        """How long the hub asks to wait; None if it does not say so in seconds."""
        try:
            return max(0.0, float(self.headers.get("Retry-After", "")))
        except ValueError:
            return None


def proxy_from_environment(url: URL) -> str | None:
    """Return the proxy that HTTPS_PROXY and its relatives name; none for this machine itself.

    Raises ProxyUnusable.
    """
    host = url.host or ""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return None
    if urllib.request.proxy_bypass_environment(f"{host}:{url.port}"):  # pyright: ignore[reportAttributeAccessIssue]
        return None
    named = urllib.request.getproxies_environment()  # pyright: ignore[reportAttributeAccessIssue]
    found = named.get(url.scheme) or named.get("all")
    if not found:
        return None
    address = found if "://" in found else f"http://{found}"
    if not address.lower().startswith(("http://", "https://")):
        raise ProxyUnusable("the environment names a proxy that is no HTTP proxy (as SOCKS)")
    return address


class HubClient:
    """A session with one hub; use as an async context manager."""

    def __init__(
        self,
        endpoint: Endpoint,
        patience: Patience,
        proxy: ProxyChoice = proxy_from_environment,
    ) -> None:
        self.endpoint = endpoint
        self.patience = patience
        self._origin = URL(endpoint.url).origin()
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> HubClient:
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0),
            headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    @property
    def hub(self) -> Hub:
        """The kind of hub."""
        return self.endpoint.hub

    @property
    def host(self) -> str:
        """The hub's host."""
        return self.endpoint.host

    @property
    def has_token(self) -> bool:
        """Whether requests to the hub itself carry a token."""
        return self.endpoint.token is not None

    def is_own(self, url: URL) -> bool:
        """Whether an address is on the hub itself, not on a server that it redirects to."""
        return url.origin() == self._origin

    async def get_json(self, url: str) -> tuple[Answer, Any]:
        """Return an answer with its JSON; None for JSON where the answer has none.

        Raises HubUnreachable, HubSilent, RedirectRefused, and HubFailed for an answer that is too
        long or breaks off.
        """
        try:
            async with asyncio.timeout(self.patience.listing_s), self.get(url) as answer:
                text = bytearray()
                async for chunk in answer.body.iter_any():
                    text += chunk
                    if len(text) > _MAX_JSON_BYTES:
                        raise HubFailed(self.hub, self.host, answer.status, "an endless answer")
        except TimeoutError:
            raise HubSilent(self.hub, self.host, self.patience.listing_s) from None
        except aiohttp.ClientError as error:
            raise HubFailed(self.hub, self.host, 0, f"its answer broke off ({error})") from error
        try:
            return answer, json.loads(text)
        except (ValueError, RecursionError):
            return answer, None

    @contextlib.asynccontextmanager
    async def get(
        self, url: str | URL, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Answer]:
        """Request an address of the hub, follow its redirects, and yield the answer.

        Raises HubUnreachable, HubSilent and RedirectRefused before it yields; what breaks while the
        body is read is aiohttp's own error, or TimeoutError after `silence_s`.
        """
        target = url if isinstance(url, URL) else URL(url, encoded=True)
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._request(target, headers or {})
            try:
                if response.status not in _REDIRECTS:
                    yield Answer(response.status, response.headers, response.url, response.content)
                    return
                target = self._redirected(target, response.headers.get("Location"))
            finally:
                response.close()
        raise RedirectRefused(self.host, str(target.origin()), "too many redirects")

    def busy(self, answer: Answer) -> HubBusy:
        """Return the error for an answer with the status 429."""
        return HubBusy(self.hub, self.host, answer.retry_after_s())

    async def _request(self, url: URL, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        assert self._session is not None
        own = self._credentials() if self.is_own(url) else {}
        where = self.host if self.is_own(url) else url.host or self.host
        patience = self.patience
        limits = aiohttp.ClientTimeout(
            total=None, connect=patience.answer_s, sock_read=patience.silence_s
        )
        proxy: str | None = None
        try:
            proxy = self._proxy(url)
            async with asyncio.timeout(patience.answer_s):
                response = await self._session.get(
                    url,
                    headers={**headers, **own},
                    allow_redirects=False,
                    proxy=proxy,
                    timeout=limits,
                )
        except TimeoutError:
            raise HubSilent(self.hub, where, patience.answer_s) from None
        except (aiohttp.ClientError, OSError, ValueError, ProxyUnusable) as error:
            through = "" if proxy is None else " (through the proxy of the environment)"
            raise HubUnreachable(self.hub, where, f"{_reason(error)}{through}") from error
        if response.status == _PROXY_WANTS_A_PASSWORD:
            response.close()
            raise HubUnreachable(self.hub, where, "the proxy of the environment refuses it (407)")
        return response

    def _credentials(self) -> dict[str, str]:
        token = self.endpoint.token
        if token is None:
            return {}
        found = {"Authorization": f"Bearer {token}"}
        if self.hub is Hub.MODELSCOPE:  # older parts of its interface only read the cookie
            found["Cookie"] = f"m_session_id={token}"
        return found

    def _redirected(self, url: URL, location: str | None) -> URL:
        try:
            target = url.join(URL(location or "", encoded=True))
            origin = str(target.origin())
        except ValueError:
            raise RedirectRefused(self.host, "an address that is none", "it is empty") from None
        if not location:
            raise RedirectRefused(self.host, "nowhere", "it names no address")
        if target.scheme not in ("http", "https"):
            raise RedirectRefused(self.host, origin, "it is no web address")
        if url.scheme == "https" and target.scheme == "http":
            raise RedirectRefused(self.host, origin, "it is not encrypted")
        return target


def _reason(error: BaseException) -> str:
    """Return what is wrong with a connection in a few words, without any address's credentials."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted by this machine"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"it is refused ({error.status})"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known (no connection to the internet?)"
    if isinstance(error, ProxyUnusable):
        return str(error)
    number = getattr(getattr(error, "os_error", error), "errno", None)
    return os.strerror(number) if number else type(error).__name__
