"""Proxies are read from the setting and the environment, and never show their credentials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.proxies import Proxies, Proxy, ProxyRefused, parse_proxy, proxy_auth

DISCORD = "https://discord.com/api/v10"
SECRET = "hunter2secret"


@pytest.mark.parametrize(
    ("address", "proxy"),
    [
        ("http://proxy.example:3128", Proxy("http://proxy.example:3128")),
        ("http://proxy.example:3128/", Proxy("http://proxy.example:3128")),
        (" http://proxy.example:3128\n", Proxy("http://proxy.example:3128")),
        ("proxy.example:3128", Proxy("http://proxy.example:3128")),
        ("proxy.example", Proxy("http://proxy.example")),
        ("10.0.0.1:8080", Proxy("http://10.0.0.1:8080")),
        ("HTTP://Proxy.Example:80", Proxy("http://proxy.example:80")),
        ("https://proxy.example:443", Proxy("https://proxy.example:443")),
        ("http://[::1]:3128", Proxy("http://[::1]:3128")),
        ("http://ann:pw@proxy.example:1", Proxy("http://proxy.example:1", "ann", "pw")),
        ("ann:pw@proxy.example:1", Proxy("http://proxy.example:1", "ann", "pw")),
        ("http://ann@proxy.example:1", Proxy("http://proxy.example:1", "ann", "")),
        ("http://a%40b:p%3Aw%2F@p.example:1", Proxy("http://p.example:1", "a@b", "p:w/")),
        ("http://ann:p@w@proxy.example:1", Proxy("http://proxy.example:1", "ann", "p@w")),
        ("http://DOMAIN%5Cann:pw@p.example", Proxy("http://p.example", "DOMAIN\\ann", "pw")),
        ("http://ann:%E5%AF%86@p.example", Proxy("http://p.example", "ann", "密")),
    ],
)
def test_an_address_is_read(address: str, proxy: Proxy):
    """Address and credentials are told apart, with or without a scheme."""
    assert parse_proxy(address) == proxy


@pytest.mark.parametrize(
    "address",
    [
        "",
        " ",
        "http://",
        "://x",
        "ftp://proxy.example:21",
        "socks5://proxy.example:1080",
        "http://proxy.example:port",
        "http://proxy.example:99999",
        "http://[::1:3128",
        "http://a b:1",
        f"http://ann:{SECRET}/x@proxy.example:3128",
        f"http://ann:1/{SECRET}@proxy.example:3128",
        f"http://ann:1?{SECRET}@proxy.example:3128",
        f"http://ann:1#{SECRET}@proxy.example:3128",
        f"http://a%3Ab:{SECRET}@proxy.example:3128",
        f"socks5h://ann:{SECRET}@proxy.example:1080",
    ],
)
def test_a_wrong_address_is_refused_without_repeating_it(address: str):
    """Every mistake raises ProxyRefused, whose sentence contains nothing of the credentials."""
    with pytest.raises(ProxyRefused) as caught:
        parse_proxy(address)
    assert SECRET not in str(caught.value) and "ann" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["socks", "socks4", "socks4a", "socks5", "socks5h", "SOCKS5"])
def test_socks_needs_an_extra(scheme: str):
    """The sentence about a SOCKS proxy names the package that would be needed."""
    with pytest.raises(ProxyRefused, match="aiohttp-socks"):
        parse_proxy(f"{scheme}://127.0.0.1:1080")


@given(st.text(max_size=60))
def test_any_text_is_a_proxy_or_refused(text: str):
    """No text raises anything else, and no address contains credentials."""
    try:
        proxy = parse_proxy(text)
    except ProxyRefused:
        return
    assert "@" not in proxy.url


@given(st.text(min_size=1).filter(lambda text: ":" not in text), st.text())
def test_credentials_arrive_and_are_never_shown(user: str, password: str):
    """Whatever user and password are, they are sent as they are and not printed."""
    proxy = Proxy("http://proxy.example:1", user, password)
    auth = proxy_auth(proxy)
    assert auth is not None and (auth.login, auth.password) == (user, password)
    assert repr(proxy) == "Proxy(url='http://proxy.example:1')"


@pytest.mark.parametrize(
    ("environ", "url", "used"),
    [
        ({}, DISCORD, None),
        ({"HTTPS_PROXY": "http://a:1"}, DISCORD, "http://a:1"),
        ({"https_proxy": "http://a:1"}, DISCORD, "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:1"}, DISCORD, "http://b:1"),
        ({"HTTPS_PROXY": "http://a:1", "https_proxy": ""}, DISCORD, None),
        ({"ALL_PROXY": "http://a:1"}, DISCORD, "http://a:1"),
        ({"all_proxy": "a:1"}, DISCORD, "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "ALL_PROXY": "socks5://b:1"}, DISCORD, "http://a:1"),
        ({"HTTP_PROXY": "http://a:1"}, DISCORD, None),
        ({"HTTP_PROXY": "http://a:1"}, "http://discord.com/", "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*"}, DISCORD, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "discord.com"}, DISCORD, None),
        ({"HTTPS_PROXY": "http://a:1", "no_proxy": "x, .discord.com"}, DISCORD, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*.discord.com"}, DISCORD, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "DISCORD.com:443"}, DISCORD, "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "discord.com:8"}, "https://discord.com:8", None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "cord.com,com.discord"}, DISCORD, "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": ", ,"}, DISCORD, "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "discord.com"}, "https://cdn.x", "http://a:1"),
        ({"HTTP_PROXY": "http://a:1", "ALL_PROXY": "http://a:1"}, "http://127.0.0.1:8765", None),
        ({"ALL_PROXY": "http://a:1"}, "http://localhost:8765", None),
        ({"ALL_PROXY": "http://a:1"}, "https://[::1]/", None),
        ({"ALL_PROXY": "http://a:1"}, "https://[broken", None),
    ],
)
def test_the_environment_chooses(environ: dict[str, str], url: str, used: str | None):
    """Small letters win over capitals, the scheme over ALL_PROXY, and NO_PROXY over both."""
    proxy = Proxies(None, environ).for_url(url)
    assert (None if proxy is None else proxy.url) == used


def test_the_setting_wins():
    """An explicit proxy is used for every request, and an explicit empty one for none."""
    environ = {"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*"}
    for url in (DISCORD, "http://127.0.0.1:1"):
        proxy = Proxies("http://b:1", environ).for_url(url)
        assert proxy is not None and proxy.url == "http://b:1"
        assert Proxies("", environ).for_url(url) is None


def test_a_wrong_variable_is_named():
    """The sentence about a proxy of the environment has the variable, and not its value."""
    with pytest.raises(ProxyRefused, match=r"^the proxy in ALL_PROXY cannot be used: ") as caught:
        Proxies(None, {"all_proxy": f"socks5://ann:{SECRET}@a:1"}).for_url(DISCORD)
    assert SECRET not in str(caught.value)
