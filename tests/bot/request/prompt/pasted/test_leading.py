"""Addresses of pictures in front of a prompt."""

from __future__ import annotations

import pytest
from hypothesis import given

from bot.request.input_sources import InputSpec, PictureSource, UrlSource
from bot.request.params import GenerationParams
from bot.request.pending import PendingRequest, with_named_pictures
from bot.request.prompt.pasted.leading import is_attachment, picture_addresses
from engine.types import Mode
from tests.bot.request.strange_texts import TEXTS

FILE = "https://cdn.discordapp.com/attachments/12/34/cat.png?ex=1a&is=2b&hm=3c&"


@pytest.mark.parametrize(
    ("prompt", "addresses", "rest"),
    [
        (f"{FILE} a cat", (FILE,), "a cat"),
        (f"<{FILE}> a cat", (FILE,), "a cat"),
        (f"/imagine prompt: {FILE}, {FILE} a cat", (FILE, FILE), "a cat"),
        ("www.example.com/a.png 一只猫", ("www.example.com/a.png",), "一只猫"),
        (
            "data:image/png;base64,iVBORw0KGgo= a cat",
            ("data:image/png;base64,iVBORw0KGgo=",),
            "a cat",
        ),
        ("\u200bhttps://example.com/a.png", ("https://example.com/a.png",), ""),
        ("a cat https://example.com/a.png", (), "a cat https://example.com/a.png"),
        (f"a cat {FILE}", (FILE,), "a cat"),
        (f"a cat like <{FILE}>, in snow --ar 16:9", (FILE,), "a cat like, in snow --ar 16:9"),
        (f"{FILE} a cat and {FILE} a dog", (FILE, FILE), "a cat and a dog"),
        (f"像{FILE} 一样的猫", (FILE,), "像 一样的猫"),
        (f'a sign "{FILE}"', (), f'a sign "{FILE}"'),
        (f"a cat --sref {FILE}", (), f"a cat --sref {FILE}"),
        (f"a [cat]({FILE})", (), f"a [cat]({FILE})"),
        (
            "see https://cdn.discordapp.com/emojis/1.png",
            (),
            "see https://cdn.discordapp.com/emojis/1.png",
        ),
        ("https is a word", (), "https is a word"),
    ],
)
def test_addresses_in_front_are_found(prompt: str, addresses: tuple[str, ...], rest: str):
    """Addresses in front are told from the prompt; elsewhere only those of attachments are."""
    assert picture_addresses(prompt) == (addresses, rest)


@pytest.mark.parametrize(
    "address",
    [
        FILE,
        "https://cdn.discordapp.com/ephemeral-attachments/12/34/cat.webp",
        "https://media.discordapp.net/attachments/12/34/my_cat-1.jpg?width=100&height=50",
    ],
)
def test_attachments_of_discord_are_taken(address: str):
    """Files under the two folders of both hosts are attachments."""
    assert is_attachment(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://cdn.discordapp.com/attachments/12/34/cat.png",
        "https://cdn.discordapp.com:8443/attachments/12/34/cat.png",
        "https://user@cdn.discordapp.com/attachments/12/34/cat.png",
        "https://cdn.discordapp.com@example.com/attachments/12/34/cat.png",
        "https://cdn.discordapp.com.example.com/attachments/12/34/cat.png",
        "https://evilcdn.discordapp.com/attachments/12/34/cat.png",
        "https://cdn.discordapp.com/attachments/12/34/../../../emojis/1.png",
        "https://cdn.discordapp.com/attachments/12/34/..",
        "https://cdn.discordapp.com/attachments/12/34/%2e%2e",
        "https://cdn.discordapp.com/attachments/12/34/%2E%2E%2Femojis",
        "https://cdn.discordapp.com/attachments/12/34/a%5cb",
        "https://cdn.discordapp.com/attachments/12/cat.png",
        "https://cdn.discordapp.com/avatars/12/34.png",
        "https://cdn.discordapp.com/attachments/12/34/cat.png#x",
        "https://cdn.discordapp.com\\@example.com/attachments/12/34/cat.png",
        "https://media.discordapp.net/external/x/https/example.com/a.png",
        "https://example.com/attachments/12/34/cat.png",
    ],
)
def test_no_other_address_is_an_attachment(address: str):
    """Other hosts, ports, folders, users and paths that lead elsewhere are refused."""
    assert not is_attachment(address)


def test_named_pictures_become_source_images():
    """One attachment is painted from, up to four are blended; other pictures are never replaced."""
    source = UrlSource(FILE)
    for count, mode in ((1, Mode.IMAGE), (2, Mode.BLEND), (4, Mode.BLEND)):
        typed = PendingRequest(GenerationParams(f"{FILE} " * count + "a cat"), strength=0.3)
        found = with_named_pictures(typed)
        assert found.params.prompt == "a cat"
        assert found.spec == InputSpec(mode, (source,) * count, 0.3)
    spec = InputSpec(Mode.IMAGE, (PictureSource("1"),))
    for typed in (
        PendingRequest(GenerationParams(f"{FILE} " * 5 + "a cat")),
        PendingRequest(GenerationParams(f"{FILE} https://example.com/a.png a cat")),
        PendingRequest(GenerationParams(f"{FILE} a cat"), spec=spec),
        PendingRequest(GenerationParams(f"{FILE} a cat"), parent_id=3),
        PendingRequest(GenerationParams("a cat")),
    ):
        assert with_named_pictures(typed) == typed


@given(TEXTS)
def test_a_prompt_without_addresses_is_untouched(text: str):
    """Ordinary prompts come back as they are."""
    if "://" not in text and "www." not in text:
        assert picture_addresses(text) == ((), text)
