"""`zimagine lora`, and LoRAs in `zimagine imagine`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.runtime.app import log_loras
from bot.settings import Settings
from engine.diffusion.families import SDXL_TURBO, Feature
from engine.diffusion.lora import configured
from tests.bot.cli.calling import QUICK, painted, refused, zimagine
from tests.bot.lora_files import write_lora

CONFIGURED = '[engine]\nloras = "loras"\n'
UNABLE = dataclasses.replace(SDXL_TURBO, name="bare", lacks=frozenset({Feature.LORA}))
"""A family that can use no LoRAs; every one that there is can."""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test starts in a folder of its own, with two LoRAs that are configured."""
    monkeypatch.chdir(tmp_path)
    write_lora(tmp_path / "loras", "ink", 'title = "Ink wash"\ntrigger_words = ["inkwash"]\n')
    (tmp_path / "loras" / "broken.safetensors").write_bytes(b"<!DOCTYPE html><html></html>")
    Path("config.toml").write_text('[engine]\nloras = "loras"\n')
    return tmp_path


@pytest.fixture
def unable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The configured model is of a family without LoRAs."""
    monkeypatch.setattr(configured, "family_of", lambda _settings: UNABLE)


def test_the_folder_is_listed() -> None:
    """Every file is listed, usable or not; without a folder, or with one that is not there, there
    is one sentence."""
    done = zimagine("lora", "list")
    assert done.exit_code == 0
    broken, ink = done.stdout.splitlines()
    assert ink == "ink  Ink wash · 1 · inkwash · Z-Image"
    assert broken.startswith("broken  cannot be used: ")
    found = json.loads(zimagine("lora", "list", "--json").stdout)
    assert [(each["name"], each["problem"] is None) for each in found] == [
        ("broken", False),
        ("ink", True),
    ]
    for text, code, sentence in (
        ("", 2, "No folder of LoRAs is configured"),
        ('[engine]\nloras = "nowhere"\n', 69, "The folder of LoRAs cannot be used"),
    ):
        Path("config.toml").write_text(text)
        done = zimagine("lora", "list")
        assert done.exit_code == code and sentence in done.stderr and not done.stdout


def test_a_file_is_checked() -> None:
    """A usable file gets its facts and code 0; a damaged, missing or other file is refused with
    code 2, and one over the owner's limits, or for another model, with 69."""
    for name in ("ink", "loras/ink.safetensors"):
        done = zimagine("lora", "check", name)
        assert done.exit_code == 0 and "Rank:" in done.stdout and "SHA-256:" in done.stdout
    good = Path("loras/ink.safetensors").read_bytes()
    Path("nan.safetensors").write_bytes(good[:-4] + b"\x00\x00\xc0\x7f")
    Path("cut.safetensors").write_bytes(good[:-4])
    for name in ("nan.safetensors", "cut.safetensors", "broken", "nothing", "config.toml", "../x"):
        done = zimagine("lora", "check", name)
        assert done.exit_code == 2 and not done.stdout, name
        assert len(done.stderr.splitlines()) == 1 and Path(name).stem in done.stderr
    Path("config.toml").write_text('[engine]\nloras = "loras"\nlora_max_rank = 2\n')
    done = zimagine("lora", "check", "ink")
    assert done.exit_code == 69 and "rank is 4" in done.stderr
    Path("config.toml").write_text(CONFIGURED + 'model = "sdxl"\nfamily = "sdxl-turbo"\n')
    done = zimagine("lora", "check", "ink")
    assert done.exit_code == 69
    assert "it was made for Z-Image, and this model is of SDXL's family" in done.stderr


async def test_a_model_that_can_use_none(unable: None) -> None:
    """With a folder and a model of a family without LoRAs, the start logs one warning, and both
    commands say so with code 69."""
    with capture_logs() as logged:
        await log_loras(Settings.model_validate({"engine": {"loras": "loras"}}))
    (entry,) = logged
    assert entry["log_level"] == "warning" and "(bare)" in entry["why"]
    for arguments in (["list"], ["check", "ink"], ["check", "loras/ink.safetensors"]):
        done = zimagine("lora", *arguments)
        assert done.exit_code == 69 and "family (bare) has no LoRAs" in done.stderr


def test_a_lora_is_painted_with() -> None:
    """Options and tags give the same picture, which is repeated exactly; a file that is gone, a
    name that is not there and a weight that is none are refused before the model is loaded."""
    some = ["--seed", "5", *QUICK, "--enhance", "off", "--out"]
    (plain,) = painted("a lake", *some, "plain.png")
    (ink,) = painted("a lake", "--lora", "ink:0.8", *some, "ink.png")
    (tagged,) = painted("a lake <lora:ink:0.8>", *some, "tagged.png")
    (again,) = painted("--recipe", "ink.png", "--out", "again.png")
    pixels = [Path(f"{name}.png").read_bytes() for name in ("plain", "ink", "tagged", "again")]
    assert pixels[0] != pixels[1] == pixels[2] == pixels[3] and again["exact"]
    assert plain["loras"] == [] and tagged["loras"] == ink["loras"]
    ((use,), *_) = ink["loras"], None
    assert (use["name"], use["weight"], len(use["sha256"])) == ("ink", 0.8, 64)
    assert "LoRAs:" in zimagine("inspect", "ink.png").stdout
    assert "Did you mean `ink`?" in refused("a lake", "--lora", "inc")
    assert "contradict" in refused("a lake --lora ink:0.5", "--lora", "ink:0.8")
    assert "two weights" in refused("a lake", "--lora", "Ink:0.5", "--lora", "ink:0.8")
    assert "the weight of a LoRA" in refused("a lake", "--lora", "ink:strong")
    Path("loras/ink.safetensors").unlink()
    assert "`ink` cannot be used" in refused("--recipe", "ink.png")
    assert "`ink` cannot be used" in refused("--vary", "ink.png")
