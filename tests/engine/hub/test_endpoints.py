"""Which hub is asked first, where it is, and who gets a token."""

from __future__ import annotations

import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.hub.endpoints import endpoint, endpoints, is_chinese, require_online
from engine.hub.errors import EndpointInvalid, Hub, NameInvalid, Offline
from engine.hub.listing import unsafe
from engine.hub.model_ids import ModelId, is_revision, parse_model

HF, MS = Hub.HUGGING_FACE, Hub.MODELSCOPE
TOKENS = {"HF_TOKEN": "hf_one", "MODELSCOPE_API_TOKEN": "ms_two"}


def order(**environ: str) -> list[Hub]:
    """Return the hubs in the order in which they are asked."""
    return [each.hub for each in endpoints(environ)]


def test_the_order() -> None:
    """Hugging Face first, but ModelScope where the language is Chinese and no mirror is set."""
    assert order(LANG="en_US.UTF-8") == order(LANG="") == [HF, MS]
    assert order(LANG="zh_CN.UTF-8") == order(LC_ALL="zh_TW", LANG="en_US") == [MS, HF]
    assert order(LANG="zh_CN.UTF-8", HF_ENDPOINT="https://mirror.example") == [HF, MS]
    assert not is_chinese({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"})


def test_a_named_hub_or_mirror_is_asked_alone() -> None:
    """Whoever chooses one does not get another."""
    (only,) = endpoints({}, hub=MS)
    assert (only.hub, only.url) == (MS, "https://modelscope.cn")
    (mirror,) = endpoints({}, mirror="hub.example.org/")
    assert (mirror.hub, mirror.url) == (HF, "https://hub.example.org")


TOKEN_OF: dict[str, tuple[Hub, dict[str, str], str | None, str | None]] = {
    "the hub": (HF, {}, None, "hf_one"),
    "the other hub": (MS, {}, None, "ms_two"),
    "what the environment names": (HF, {"HF_ENDPOINT": "https://a.example"}, None, "hf_one"),
    "a mirror": (HF, {}, "https://a.example", None),
    "a mirror that is the hub": (HF, {}, "https://huggingface.co/", "hf_one"),
    "another port": (HF, {}, "https://huggingface.co:444", None),
    "unencrypted": (HF, {"HF_ENDPOINT": "http://a.example"}, None, None),
    "this machine": (HF, {"HF_ENDPOINT": "http://127.0.0.1:8000"}, None, "hf_one"),
    "a name like this machine": (HF, {"HF_ENDPOINT": "http://127.0.0.1.a.example"}, None, None),
    "a broken token": (HF, {"HF_TOKEN": "one\r\nHost: a"}, None, None),
}


@pytest.mark.parametrize(("hub", "more", "mirror", "token"), TOKEN_OF.values(), ids=TOKEN_OF.keys())
def test_who_gets_a_token(
    hub: Hub, more: dict[str, str], mirror: str | None, token: str | None
) -> None:
    """Each hub its own, encrypted, and nobody else; it is not in the object's text."""
    found = endpoint(hub, {**TOKENS, **more}, mirror)
    assert found.token == token
    assert "hf_one" not in repr(found) and "ms_two" not in repr(found)


@pytest.mark.parametrize(
    "address", ["ftp://a.example", "https://", "https://a b", "https://me:pw@a.example", "a.b/?x=1"]
)
def test_addresses_that_are_none(address: str) -> None:
    """They are refused with the variable that they came from, and without a password."""
    with pytest.raises(EndpointInvalid) as caught:
        endpoint(HF, {"HF_ENDPOINT": address})
    assert caught.value.source == "HF_ENDPOINT" and "pw" not in str(caught.value)


def test_the_switch_against_downloads() -> None:
    """HF_HUB_OFFLINE holds for every hub; "0" is off."""
    require_online({"HF_HUB_OFFLINE": "0"})
    with pytest.raises(Offline):
        require_online({"HF_HUB_OFFLINE": "1"})


NAMES = {
    "z-image-turbo": ModelId("Tongyi-MAI/Z-Image-Turbo"),
    "Z_Image": ModelId("Tongyi-MAI/Z-Image"),
    "Owner/Tiny.v2": ModelId("Owner/Tiny.v2"),
    "https://huggingface.co/Owner/Tiny/tree/main": ModelId("Owner/Tiny", HF),
    "https://www.modelscope.cn/models/Owner/Tiny/files": ModelId("Owner/Tiny", MS),
}


@pytest.mark.parametrize("text", NAMES)
def test_names_of_models(text: str) -> None:
    """Short names, ids, and addresses copied from a browser."""
    assert parse_model(text) == NAMES[text]


@pytest.mark.parametrize(
    "text", ["", "tiny", "a/b/c", "../x", "a/..", "a--b/c", "https://a.example/Owner/Tiny", "a /b"]
)
def test_names_that_are_none(text: str) -> None:
    """They are refused before a hub is asked."""
    with pytest.raises(NameInvalid):
        parse_model(text)


def test_revisions() -> None:
    """Branches, tags and commits; nothing that leads out of a folder."""
    assert all(map(is_revision, ["main", "v1.0", "refs/pr/3", "a" * 40]))
    assert not any(map(is_revision, ["", "../main", "a/../b", "/main", "a b", "a\n", ".hidden"]))


@given(st.text(st.sampled_from("ab./\\:\0 \n\u202e"), max_size=12))
def test_a_path_that_is_not_refused_stays_inside(path: str) -> None:
    """Whatever a hub lists, on every system."""
    if unsafe(path) is None:
        for kind in (pathlib.PurePosixPath, pathlib.PureWindowsPath):
            joined = kind("/cache/model") / path
            assert joined.is_relative_to(kind("/cache/model")) and ".." not in joined.parts
            assert len(joined.parts) > 3
