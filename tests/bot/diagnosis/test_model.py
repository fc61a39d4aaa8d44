"""The cache of downloads, the model's refusals, and LoRA files."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from bot.diagnosis import model
from bot.diagnosis.findings import Code, Level
from bot.diagnosis.machine import check_others
from bot.diagnosis.model import check_cache, check_loras, check_model, check_refusal
from engine.diffusion.families import SDXL_TURBO, SKETCH, Feature
from engine.diffusion.lora import configured
from engine.errors import ModelInvalid, ModelNotFound
from engine.settings import EngineSettings
from tests.bot.diagnosis.reading import levels, said

Z_IMAGE = "Tongyi-MAI/Z-Image-Turbo"


def weights(values: int = 4) -> bytes:
    """A file of weights in safetensors' format with one tensor."""
    entry = {"dtype": "F32", "shape": [values], "data_offsets": [0, 4 * values]}
    header = json.dumps({"w": entry, "__metadata__": {"format": "pt"}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(4 * values)


def snapshot(cache: Path) -> Path:
    """Make a cache with one whole model; return the folder of its files."""
    folder = cache / "models--Tongyi-MAI--Z-Image-Turbo" / "snapshots" / "0123"
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    (folder / "transformer.safetensors").write_bytes(weights())
    (cache / "version.txt").write_text("1")
    return folder


def test_a_whole_cache(tmp_path: Path) -> None:
    """Models are counted; a cache that does not exist is empty."""
    assert levels(check_cache(tmp_path / "none")) == {Code.CACHE_EMPTY: Level.OK}
    snapshot(tmp_path)
    assert levels(check_cache(tmp_path)) == {Code.CACHE_WHOLE: Level.OK}


def test_what_an_interrupted_download_leaves(tmp_path: Path) -> None:
    """Parts of downloads are counted with their size, and named without the cache's own path."""
    blobs = snapshot(tmp_path).parents[1] / "blobs"
    blobs.mkdir()
    (blobs / "4f2a.1b2c.incomplete").write_bytes(bytes(3 * 2**20))
    (blobs / "9e8d.part").write_bytes(bytes(2**20))
    found = check_cache(tmp_path)
    assert levels(found) == {Code.CACHE_LEFTOVERS: Level.NOTE}
    text = said(found)
    assert "(2, 4 MiB)" in text and "9e8d.part" in text and "4f2a.1b2c.incomplete" in text
    assert str(tmp_path) not in text


def test_what_an_interrupted_conversion_leaves(tmp_path: Path) -> None:
    """Files of a copy that was never whole are leftovers, and none of them is called damaged."""
    copy = snapshot(tmp_path).parents[1] / "converted" / "0123" / ".z-image-turbo-int8.partial"
    (copy / "vae").mkdir(parents=True)
    (copy / "vae" / "config.json").write_text("{}")
    (copy / "vae" / "cut.safetensors").write_bytes(weights()[:-1])
    found = check_cache(tmp_path)
    assert levels(found) == {Code.CACHE_LEFTOVERS: Level.NOTE}
    assert "(2, " in said(found) and "cut.safetensors" in said(found)


def test_files_that_are_not_whole(tmp_path: Path) -> None:
    """A shard that was cut off, a web page in its place and a link to nothing are each named."""
    folder = snapshot(tmp_path)
    (folder / "cut-00001-of-00002.safetensors").write_bytes(weights()[:-1])
    (folder / "page.safetensors").write_bytes(b"<!DOCTYPE html><html></html>")
    (folder / "config.json").symlink_to(tmp_path / "gone")
    found = check_cache(tmp_path)
    assert levels(found) == {Code.CACHE_DAMAGED: Level.NOTE}
    text = said(found)
    assert "(3)" in text and "cut-00001" in text and "page." in text and "config.json" in text


def test_a_cache_that_is_no_folder(tmp_path: Path) -> None:
    """A file in the place of the cache is noted with the system's reason."""
    (tmp_path / "hub").write_text("x")
    assert levels(check_cache(tmp_path / "hub")) == {Code.CACHE_UNREADABLE: Level.NOTE}


def test_a_model_that_loads() -> None:
    """What loading would repair is told, a few of them only: it is one page."""
    found = check_model("folder", "z-image-turbo", "bfloat16", [f"repair {n}" for n in range(9)])
    assert [each.level for each in found] == [Level.OK] + [Level.NOTE] * 5


def test_models_that_do_not_load() -> None:
    """Absent is broken, unless it may be fetched; refused is broken with the loader's reason."""
    absent = ModelNotFound("Tongyi-MAI/Z-Image-Turbo", "no such folder")
    assert check_refusal(absent, download=False).level is Level.BROKEN
    assert check_refusal(absent, download=True).level is Level.NOTE
    for download in (True, False):
        text = said([check_refusal(absent, download=download)])
        assert "zimagine download Tongyi-MAI/Z-Image-Turbo" in text
    refused = check_refusal(ModelInvalid("m", "vae is missing"), download=True)
    assert refused.level is Level.BROKEN and "vae is missing" in said([refused])


@pytest.mark.parametrize("model", ["/no/such/folder", "z-image-tubro"])
def test_names_that_no_download_can_fetch(model: str) -> None:
    """A folder that is not there and a word that is no owner/name are broken, fetching or not."""
    for download in (True, False):
        found = [check_refusal(ModelNotFound(model, "no such folder"), download=download)]
        assert levels(found) == {Code.MODEL_MISNAMED: Level.BROKEN}
        assert model in said(found) and "zimagine download" not in said(found)


def lora(alpha: float) -> bytes:
    """A LoRA of rank 1 on one matrix of the full-size transformer, in kohya's dialect."""
    module, entries, data = "lora_unet_layers_0_attention_to_q", {}, b""
    for name, shape, values in (
        ("lora_down.weight", [1, 3840], bytes(4 * 3840)),
        ("lora_up.weight", [3840, 1], bytes(4 * 3840)),
        ("alpha", [], struct.pack("<f", alpha)),
    ):
        offsets = [len(data), len(data) + len(values)]
        entries[f"{module}.{name}"] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
        data += values
    header = json.dumps(entries).encode()
    return len(header).to_bytes(8, "little") + header + data


def test_loras_are_opened(tmp_path: Path) -> None:
    """Whether a file is admitted depends on its header, its alphas and the owner's limits."""
    (tmp_path / "soft.safetensors").write_bytes(lora(1))
    (tmp_path / "strong.safetensors").write_bytes(lora(8))
    settings = EngineSettings(model=Z_IMAGE, loras=tmp_path)
    assert levels(check_loras(settings)) == {Code.LORAS: Level.OK}
    found = check_loras(replace(settings, lora_strict=True))
    assert levels(found)[Code.LORA_REFUSED] is Level.NOTE
    assert "painted with: 1." in said(found) and "“strong”" in said(found)


def test_loras(tmp_path: Path) -> None:
    """Files that cannot be painted with are named with the reason, and beyond five counted."""
    settings = EngineSettings(model=Z_IMAGE, loras=tmp_path)
    assert check_loras(replace(settings, loras=None)) == []
    assert levels(check_loras(settings)) == {Code.LORAS: Level.OK}
    for number in range(7):
        (tmp_path / f"broken{number}.safetensors").write_bytes(b"<!DOCTYPE html>")
    found = check_loras(settings)
    assert [each.code for each in found] == [
        Code.LORAS,
        *[Code.LORA_REFUSED] * 5,
        Code.LORAS_REFUSED,
    ]
    assert "“broken0”" in said(found) and "2 more LoRA files" in said(found)
    gone = replace(settings, loras=tmp_path / "none")
    assert levels(check_loras(gone)) == {Code.LORAS_UNREADABLE: Level.BROKEN}


def test_loras_are_those_of_the_configured_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of Z-Image's size is refused for the small demo model and for SDXL, but not where a
    model of Z-Image is offered too; a family without LoRAs is noted."""
    (tmp_path / "soft.safetensors").write_bytes(lora(1))
    settings = EngineSettings(model=SKETCH, loras=tmp_path)
    found = check_loras(settings)
    assert levels(found)[Code.LORA_REFUSED] is Level.NOTE and "painted with: 0." in said(found)
    found = check_loras(replace(settings, model="stabilityai/x", family="sdxl-turbo"))
    assert levels(found)[Code.LORA_REFUSED] is Level.NOTE and "made for Z-Image" in said(found)
    found = check_loras(settings, replace(settings, model=Z_IMAGE))
    assert levels(found) == {Code.LORAS: Level.OK} and "painted with: 1." in said(found)
    unable = replace(SDXL_TURBO, name="bare", lacks=frozenset({Feature.LORA}))
    for module in (configured, model):
        monkeypatch.setattr(module, "family_of", lambda _settings: unable)
    found = check_loras(settings)
    assert levels(found) == {Code.LORAS_UNSUPPORTED: Level.NOTE} and "bare" in said(found)


def test_each_of_several_models_is_looked_at(tmp_path: Path) -> None:
    """What is beside the default model is whole, or named with what is wrong."""
    missing = str(tmp_path / "none")
    found = list(check_others([EngineSettings(), EngineSettings(model=missing)]))
    assert [each.code for each in found] == [Code.MODEL_READY, Code.MODEL_MISNAMED]
    assert missing in said(found[1:])
