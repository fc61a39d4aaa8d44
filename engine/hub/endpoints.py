"""Where a hub is, from the environment that people already have, and which is asked first."""

from __future__ import annotations

import ipaddress
import locale
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from engine.hub.errors import EndpointInvalid, Hub, Offline

MIRROR: Final = "--mirror"
_DEFAULT: Final = {
    Hub.HUGGING_FACE: "https://huggingface.co",
    Hub.MODELSCOPE: "https://modelscope.cn",
}
_ADDRESS_NAMES: Final = {
    Hub.HUGGING_FACE: ("HF_ENDPOINT",),
    Hub.MODELSCOPE: ("MODELSCOPE_ENDPOINT", "MODELSCOPE_DOMAIN"),
}
"""Read in this order, as the hubs' own clients do."""
_TOKEN_NAMES: Final = {
    Hub.HUGGING_FACE: ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
    Hub.MODELSCOPE: ("MODELSCOPE_API_TOKEN",),
}
_OFFLINE_NAMES: Final = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_TRUE: Final = frozenset({"1", "ON", "YES", "TRUE"})
_LOCALE_NAMES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A hub's address without a slash at its end, and the token for this host alone, if any."""

    hub: Hub
    url: str
    token: str | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """Its host, with a port if the address has one, as people know it."""
        return urlsplit(self.url).netloc


def token_names(hub: Hub) -> tuple[str, ...]:
    """Return the environment variables that a hub's token is read from."""
    return _TOKEN_NAMES[hub]


def require_online(environ: Mapping[str, str] = os.environ) -> None:
    """Raise Offline if the environment forbids downloads."""
    for name in _OFFLINE_NAMES:
        if environ.get(name, "").upper() in _TRUE:
            raise Offline(name)


def endpoint(
    hub: Hub, environ: Mapping[str, str] = os.environ, mirror: str | None = None
) -> Endpoint:
    """Return where a hub is reached.

    mirror: an address that wins over the environment. The token is for the hub itself, or for the
    address that the environment names beside it; a mirror from the command line gets it only if it
    is that very host, and an unencrypted connection to another machine never does. Raises
    EndpointInvalid.
    """
    named = next((name for name in _ADDRESS_NAMES[hub] if environ.get(name, "").strip()), None)
    own = _address(named, environ[named]) if named else _DEFAULT[hub]
    url = own if mirror is None else _address(MIRROR, mirror)
    token = next((environ[name].strip() for name in _TOKEN_NAMES[hub] if environ.get(name)), "")
    trusted = {_origin(own), _origin(_DEFAULT[hub])}
    if _origin(url) not in trusted or not _is_private(url) or not token.isprintable():
        token = ""
    return Endpoint(hub, url, token or None)


def endpoints(
    environ: Mapping[str, str] = os.environ,
    *,
    hub: Hub | None = None,
    mirror: str | None = None,
) -> tuple[Endpoint, ...]:
    """Return the hubs to ask, in order.

    hub: the only one; None for both, ModelScope first where the language is Chinese and no other
    address for Hugging Face is set. A mirror is asked alone; without `hub` it is taken for one of
    Hugging Face, as nearly all are. Raises EndpointInvalid.
    """
    if mirror is not None:
        return (endpoint(hub or Hub.HUGGING_FACE, environ, mirror),)
    if hub is not None:
        return (endpoint(hub, environ),)
    order = [Hub.HUGGING_FACE, Hub.MODELSCOPE]
    if is_chinese(environ) and not environ.get("HF_ENDPOINT", "").strip():
        order.reverse()
    return tuple(endpoint(each, environ) for each in order)


def is_chinese(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether this machine's language is Chinese, from which Hugging Face is often cut off.

    The first of LC_ALL, LC_MESSAGES and LANG that is set counts, as everywhere; where none is, as
    on Windows, the system is asked.
    """
    for name in _LOCALE_NAMES:
        if value := environ.get(name, ""):
            return value.lower().startswith("zh")
    try:
        system = locale.getlocale()[0] or ""
    except ValueError:
        return False
    return system.lower().startswith(("zh", "chinese"))


def _address(source: str, text: str) -> str:
    address = text.strip()
    if "://" not in address:
        address = f"https://{address}"
    scheme, _, rest = address.partition("://")
    address = f"{scheme}://{rest.rstrip('/')}"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise EndpointInvalid(source, text, "it is no address") from None
    if parts.scheme not in ("http", "https"):
        raise EndpointInvalid(source, text, "it begins with neither http:// nor https://")
    if not host or not address.isprintable() or " " in address:
        raise EndpointInvalid(source, text, "it is no address")
    if parts.username is not None:
        # It would be printed with the address; tokens have variables of their own.
        hidden = text.replace(parts.netloc.rpartition("@")[0], "…")
        raise EndpointInvalid(source, hidden, "it contains a user name or a token")
    if parts.query or parts.fragment:
        raise EndpointInvalid(source, text, "it has a ? or # in it")
    return address


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").removeprefix("www."), parts.port


def _is_private(url: str) -> bool:
    """Whether nobody between here and there can read along."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return True
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
