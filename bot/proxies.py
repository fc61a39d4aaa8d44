"""Which proxy the bot's requests go through: from `[discord] proxy` or from the environment."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit

import aiohttp

_SCHEMES = frozenset({"http", "https"})
_ALL = "all"
_NONE = "no"
"""The keys under which urllib returns ALL_PROXY and NO_PROXY."""


class ProxyRefused(ValueError):
    """A proxy that cannot be used; str() says why, in lower case and without any credentials."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its address without credentials, and the credentials it asks for, if any."""

    url: str
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)

    @property
    def secrets(self) -> frozenset[str]:
        """The forms in which the credentials could appear in a log."""
        if self.user is None:
            return frozenset()
        plain = f"{self.user}:{self.password}"
        encoded = base64.b64encode(plain.encode()).decode()
        return frozenset({plain, f"{quote(self.user)}:{quote(self.password, safe='')}", encoded})


def parse_proxy(address: str) -> Proxy:
    """Read an address like http://user:password@proxy.example:3128; http:// may be left out.

    Special characters in user and password are percent-encoded. Raises ProxyRefused.
    """
    text = address.strip()
    if "://" not in text:
        text = f"http://{text}"
    scheme = text.partition("://")[0].lower()
    if scheme.startswith("socks"):
        raise ProxyRefused(
            "SOCKS proxies would need the extra package aiohttp-socks, which zimagine does not "
            "use; give the address of an HTTP proxy (http://…)"
        )
    if scheme not in _SCHEMES:
        raise ProxyRefused("the address of a proxy begins with http:// or https://")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ProxyRefused(_UNREADABLE) from None
    if not host or "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise ProxyRefused(_UNREADABLE)
    if re.search(r"[\s\x00-\x1f]", host):
        raise ProxyRefused("the host of a proxy contains no blanks")
    user, password = _credentials(parts)
    where = f"[{host}]" if ":" in host else host
    return Proxy(f"{scheme}://{where}{'' if port is None else f':{port}'}", user, password)


_UNREADABLE = (
    "expected an address like http://user:password@host:port, in which special characters of user "
    "and password are percent-encoded (%40 for @, %2F for /, %23 for #)"
)


def _credentials(parts: SplitResult) -> tuple[str | None, str]:
    if parts.username is None:
        return None, ""
    user, password = unquote(parts.username), unquote(parts.password or "")
    if ":" in user:
        raise ProxyRefused("the user name of a proxy contains no colon")
    return user, password


def proxy_auth(proxy: Proxy) -> aiohttp.BasicAuth | None:
    """Return the credentials as aiohttp takes them; they are never part of an address."""
    if proxy.user is None:
        return None
    return aiohttp.BasicAuth(proxy.user, proxy.password, encoding="utf-8")


class Proxies:
    """Chooses the proxy of each request.

    setting: the proxy of every request; "" for none whatever the environment says; None for what
    HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say, in capitals or small letters. Requests to
    this machine itself only use a proxy that was set explicitly.
    """

    def __init__(self, setting: str | None, environ: Mapping[str, str] = os.environ) -> None:
        self._setting = setting
        self._environ = environ

    def for_url(self, url: str) -> Proxy | None:
        """Return the proxy of a request; None for a direct one. Raises ProxyRefused."""
        if self._setting is not None:
            return parse_proxy(self._setting) if self._setting.strip() else None
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:  # the request itself will report it
            return None
        found = _from_environment(self._environ)
        if _is_local(host) or _is_excluded(host, port, found.get(_NONE, "")):
            return None
        for name in (parts.scheme, _ALL):
            if address := found.get(name, "").strip():
                return _parse_named(f"{name}_proxy".upper(), address)
        return None


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the variables *_proxy by their first part; small letters win."""
    found: dict[str, str] = {}
    for name, value in sorted(environ.items()):  # capitals sort first
        if name.lower().endswith("_proxy"):
            found[name.lower().removesuffix("_proxy")] = value
    return found


def _parse_named(name: str, address: str) -> Proxy:
    try:
        return parse_proxy(address)
    except ProxyRefused as error:
        raise ProxyRefused(f"the proxy in {name} cannot be used: {error}") from None


def _is_local(host: str) -> bool:
    return host in ("localhost", "::1") or host.endswith(".localhost") or host.startswith("127.")


def _is_excluded(host: str, port: int | None, excluded: str) -> bool:
    """Return whether NO_PROXY names the host or a domain that it is in, or is "*"."""
    for name in re.split(r"[,\s]+", excluded.lower()):
        domain = name.removeprefix("*.").lstrip(".")
        if name == "*" or (domain and f".{host}".endswith(f".{domain}")):
            return True
        if port is not None and domain and f".{host}:{port}".endswith(f".{domain}"):
            return True
    return False
