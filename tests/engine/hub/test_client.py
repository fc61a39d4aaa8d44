"""The proxy of a request, as the environment says."""

from __future__ import annotations

import pytest
from yarl import URL

from engine.hub.client import HubClient, Patience, ProxyUnusable, proxy_from_environment
from engine.hub.endpoints import Endpoint
from engine.hub.errors import Hub, HubUnreachable

HUB = URL("https://huggingface.co/api")


def test_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTPS_PROXY or ALL_PROXY, but not where NO_PROXY or this machine itself is meant."""
    assert proxy_from_environment(HUB) is None
    monkeypatch.setenv("all_proxy", "proxy.example:3128")
    assert proxy_from_environment(HUB) == "http://proxy.example:3128"
    monkeypatch.setenv("https_proxy", "http://me:pw@other.example:1")
    assert proxy_from_environment(HUB) == "http://me:pw@other.example:1"
    for local in ("http://127.0.0.1:8000/a", "http://localhost/a", "http://[::1]/a"):
        assert proxy_from_environment(URL(local)) is None
    monkeypatch.setenv("no_proxy", "huggingface.co")
    assert proxy_from_environment(HUB) is None


async def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """SOCKS is refused before a connection; the sentence has no password in it."""
    monkeypatch.setenv("https_proxy", "socks5://me:pw@127.0.0.1:1080")
    with pytest.raises(ProxyUnusable):
        proxy_from_environment(HUB)
    hub = Endpoint(Hub.HUGGING_FACE, "https://huggingface.co")
    async with HubClient(hub, Patience()) as client:
        with pytest.raises(HubUnreachable, match="SOCKS") as caught:
            await client.get_json(f"{hub.url}/api")
        assert "pw" not in str(caught.value)
        monkeypatch.setenv("https_proxy", "http://me:pw@127.0.0.1:9")
        with pytest.raises(HubUnreachable, match=r"through the proxy") as caught:
            await client.get_json(f"{hub.url}/api")
        assert "pw" not in str(caught.value)
