"""What people see of a folder of LoRAs, from headers and from what the owner wrote beside them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import torch

from engine.diffusion.lora import shelf as module
from engine.diffusion.lora.headers import RawHeader
from engine.diffusion.lora.shelf import LoraShelf
from engine.diffusion.lora.targets import Group
from engine.errors import LoraInvalid
from tests.engine.diffusion.lora import writing
from tests.engine.diffusion.lora.test_dialects import shelf_of
from tests.engine.diffusion.lora.writing import DIALECTS


def saved(folder: Path, name: str = "it", metadata: dict[str, str] | None = None) -> Path:
    tensors = DIALECTS["ai-toolkit"](writing.low_rank())
    return writing.save(folder / f"{name}.safetensors", tensors, metadata)


def test_all_that_people_see(tmp_path: Path) -> None:
    """Title, words, weight and users from the owner; methods, ranks and parts from the header."""
    path = saved(tmp_path)
    (tmp_path / "it.toml").write_text(
        'title = "Old ink"\ntrigger_words = ["inkwash", "sumi"]\nweight = 0.8\n'
        'allow = [123456789012345678, "42"]\n',
        encoding="utf-8",
    )
    info = shelf_of(tmp_path).info("it")
    assert (info.name, info.title) == ("it", "Old ink")
    assert info.trigger_words == ("inkwash", "sumi")
    assert info.weight == 0.8
    assert info.allow == ("123456789012345678", "42")
    assert (info.family, info.methods, info.rank) == ("Z-Image", ("LoRA",), 4)
    assert info.groups == {
        Group.ATTENTION: 4,
        Group.FEED_FORWARD: 2,
        Group.REFINERS: 2,
        Group.MODULATION: 1,
    }
    assert info.size_bytes == path.stat().st_size
    assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (info.notes, info.problem) == ((), None)


def test_the_file_speaks_for_itself(tmp_path: Path) -> None:
    """Without a sidecar the metadata has title and words; texts of strangers become one line."""
    saved(
        tmp_path,
        metadata={
            "modelspec.title": "Fox\n\x1b[31m in \u202e snow " + "x" * 300,
            "modelspec.trigger_phrase": "fx1  style",
        },
    )
    info = shelf_of(tmp_path).info("it")
    assert info.title.startswith("Fox [31m in snow xxx") and info.title.endswith("…")
    assert len(info.title) == 100
    assert info.trigger_words == ("fx1 style",)
    assert info.weight == 1.0
    assert info.allow is None


def test_a_bare_file(tmp_path: Path) -> None:
    """A file that says nothing has its name as a title."""
    saved(tmp_path, "Ωmega fox 1.5")
    (info,) = shelf_of(tmp_path).listing()
    assert (info.name, info.title, info.trigger_words) == ("Ωmega fox 1.5", "Ωmega fox 1.5", ())
    assert info.sha256 is None


def test_web_interfaces(tmp_path: Path) -> None:
    """The notes that well-known web interfaces keep beside a LoRA are read."""
    saved(tmp_path)
    (tmp_path / "it.json").write_text(
        '{"description": "", "sd version": "Unknown", "activation text": "fox, snow", '
        '"preferred weight": 0.7, "notes": ""}'
    )
    info = shelf_of(tmp_path).info("it")
    assert (info.trigger_words, info.weight) == (("fox", "snow"), 0.7)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("it.toml", "title = ", r"it\.toml is not valid TOML \("),
        ("it.json", "{", r"it\.json is not valid JSON \("),
        ("it.json", "[]", r"it\.json is not a table of fields"),
        ("it.toml", "titel = 'x'", "has the field 'titel'; it may have title, trigger_words, st"),
        ("it.toml", "title = 3", "title in it.toml must be a text"),
        ("it.toml", "trigger_words = 3", "trigger_words in it.toml must be a list of at most 50"),
        ("it.toml", "trigger_words = [1]", "trigger_words in it.toml must be a text"),
        ("it.toml", "weight = 'much'", "weight in it.toml must be a number from -4 to 4"),
        ("it.toml", "weight = nan", "weight in it.toml must be a number from -4 to 4"),
        ("it.toml", "weight = 5", "weight in it.toml must be a number from -4 to 4"),
        ("it.toml", "weight = true", "weight in it.toml must be a number from -4 to 4"),
        ("it.toml", "allow = 3", "allow in it.toml must be a list"),
        ("it.toml", "training_adapter = 1", "training_adapter in it.toml must be true or false"),
        ("it.json", '{"peft_type": "LORA", "lora_alpha": "x"}', "the lora_alpha in it.json is 'x'"),
        ("it.json", "[" * 100_000, "it.json is not valid JSON"),
        ("it.toml", "title = '" + "x" * (1 << 20) + "'", "it.toml is larger than 1 MiB"),
    ],
)
def test_sidecars_that_are_wrong(name: str, text: str, message: str, tmp_path: Path) -> None:
    """A sidecar is understood wholly or named: a rule about users must not be lost."""
    saved(tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(LoraInvalid, match=message):
        shelf_of(tmp_path).info("it")
    (info,) = shelf_of(tmp_path).listing()
    assert info.problem is not None


def test_two_sidecars(tmp_path: Path) -> None:
    """Two sidecars would leave open which one counts."""
    saved(tmp_path)
    (tmp_path / "it.toml").write_text("weight = 0.5")
    (tmp_path / "it.json").write_text('{"weight": 0.7}')
    with pytest.raises(LoraInvalid, match=r"it\.toml and it\.json both describe it: keep one"):
        shelf_of(tmp_path).info("it")


def test_listing(tmp_path: Path) -> None:
    """All files in the order of their names, broken ones with their problem, others ignored."""
    for name in ("b", "a", "c"):
        saved(tmp_path, name)
    (tmp_path / "broken.safetensors").write_bytes(b"")
    for name in ("notes.txt", ".it.safetensors", "a.safetensors.part", "x.ckpt"):
        (tmp_path / name).write_bytes(b"x")
    found = shelf_of(tmp_path).listing()
    assert [each.name for each in found] == ["a", "b", "broken", "c"]
    assert [each.problem is None for each in found] == [True, True, False, True]
    assert all(each.size_bytes for each in found if each.problem is None)


def test_only_what_changed_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second listing reads only files that are new, or whose sidecar is."""
    for name in "abc":
        saved(tmp_path, name)
    shelf = shelf_of(tmp_path)
    first = shelf.listing()
    read: list[str] = []
    real = module.read_raw

    def counted(file: os.PathLike[str]) -> RawHeader:
        read.append(Path(file.name).stem)  # pyright: ignore[reportAttributeAccessIssue]
        return real(file)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(module, "read_raw", counted)
    assert shelf.listing() == first
    assert read == []
    (tmp_path / "b.toml").write_text("weight = 0.5")
    saved(tmp_path, "d")
    (tmp_path / "a.safetensors").unlink()
    assert [(each.name, each.weight) for each in shelf.listing()] == [
        ("b", 0.5),
        ("c", 1.0),
        ("d", 1.0),
    ]
    assert read == ["b", "d"]


def test_the_hash_is_of_the_file_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash is computed once for each state of the file, and anew when it has changed."""
    path = saved(tmp_path)
    shelf = shelf_of(tmp_path)
    computed: list[int] = []
    real = hashlib.file_digest

    def counted(*args: object) -> object:
        computed.append(1)
        return real(*args)  # pyright: ignore[reportCallIssue, reportArgumentType]

    monkeypatch.setattr(hashlib, "file_digest", counted)
    first = shelf.info("it").sha256
    assert shelf.info("it").sha256 == first
    assert len(computed) == 1
    factors = writing.low_rank(seed=5)
    path.unlink()
    writing.save(path, DIALECTS["ai-toolkit"](factors))
    assert shelf.info("it").sha256 == hashlib.sha256(path.read_bytes()).hexdigest() != first


def test_equal_layouts_are_understood_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of one trainer and rank differ in their metadata only, and are parsed once."""
    for number in range(5):
        saved(tmp_path, f"l{number}", {"modelspec.title": f"Title {number}"})
    tensors = DIALECTS["ai-toolkit"](writing.low_rank(dtype=torch.bfloat16))
    writing.save(tmp_path / "other.safetensors", tensors)
    understood: list[int] = []
    real = module.understand

    def counted(*args: object) -> object:
        understood.append(1)
        return real(*args)  # pyright: ignore[reportCallIssue, reportArgumentType]

    monkeypatch.setattr(module, "understand", counted)
    titles = [each.title for each in shelf_of(tmp_path).listing()]
    assert titles == [*(f"Title {number}" for number in range(5)), "other"]
    assert len(understood) == 2


def test_files_for_the_published_model(tmp_path: Path) -> None:
    """Without a model at hand, files are checked against Z-Image as it was published."""
    shapes = {"lora_A.weight": (16, 3840), "lora_B.weight": (3840, 16)}
    tensors = {
        f"diffusion_model.layers.{number}.attention.to_q.{role}": torch.zeros(shape)
        for number in (0, 11, 29)
        for role, shape in shapes.items()
    }
    writing.save(tmp_path / "it.safetensors", tensors)
    (info,) = LoraShelf(tmp_path).listing()
    assert (info.problem, info.rank, info.groups) == (None, 16, {Group.ATTENTION: 3})
