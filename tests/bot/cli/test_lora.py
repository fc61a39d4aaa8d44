"""`zimagine lora`, and LoRAs in `zimagine imagine`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from structlog.testing import capture_logs

from bot.cli.batch.prompt_plan import resolve_later
from bot.request.loras import LoraCatalog
from bot.request.outcomes import ResolvedRequest
from bot.request.params import GenerationParams
from bot.runtime.app import log_loras
from bot.settings import Settings
from engine.diffusion.families import SDXL_TURBO, SKETCH_FAMILY, Feature
from engine.diffusion.lora import configured
from engine.diffusion.lora.configured import configured_shelf
from engine.settings import EngineSettings
from tests.bot.cli.calling import QUICK, names, painted, pixels, refused, zimagine
from tests.bot.lora_files import write_large_lora, write_lora

CONFIGURED = '[engine]\nloras = "loras"\n'
UNABLE = dataclasses.replace(SDXL_TURBO, name="bare", lacks=frozenset({Feature.LORA}))
"""A family that can use no LoRAs; every one that there is can."""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test starts in a folder of its own, with two LoRAs that are configured."""
    monkeypatch.chdir(tmp_path)
    write_lora(
        tmp_path / "loras",
        "ink",
        'title = "Ink wash"\ntrigger_words = ["inkwash"]\nstyle_words = ["in ink"]\n',
    )
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


async def test_each_model_has_its_own() -> None:
    """The start logs how many each model can use, and why none can use a file; `list` and `check`
    tell of the model that --model names."""
    write_large_lora(Path("loras"), "oil")
    models = {"large": {"source": "models/z-image", "family": "z-image"}}
    settings = {"engine": {"loras": "loras", "models": models}}
    with capture_logs() as logged:
        await log_loras(Settings.model_validate(settings))
    assert [(each["model"], each["offered"], each["unusable"]) for each in logged[:2]] == [
        ("sketch", 1, 2),
        ("large", 1, 2),
    ]
    assert [each["lora"] for each in logged[2:]] == ["broken"]
    named = '[engine.models]\nlarge = { source = "models/z-image", family = "z-image" }\n'
    Path("config.toml").write_text(CONFIGURED + named)
    for model, name in (("sketch", "ink"), ("large", "oil")):
        listed = json.loads(zimagine("lora", "list", "--json", "--model", model).stdout)
        assert [each["name"] for each in listed if each["problem"] is None] == [name]
        assert zimagine("lora", "check", name, "--model", model).exit_code == 0
    assert "oil cannot be used" in zimagine("lora", "check", "oil").stderr


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
    said = zimagine("inspect", "ink.png").stdout
    assert "LoRAs:" in said and "--lora ink:0.8" in said and "--lora none" not in said
    assert "--lora none" in zimagine("inspect", "plain.png").stdout
    assert "Did you mean `ink`?" in refused("a lake", "--lora", "inc")
    catalog = LoraCatalog(configured_shelf(EngineSettings(loras=Path("loras"))))
    styled = resolve_later(GenerationParams("a lake in ink"), SKETCH_FAMILY, loras=catalog)(None)
    assert isinstance(styled, ResolvedRequest)
    assert [(each.name, each.style_word) for each in styled.request.loras] == [("ink", "in ink")]
    assert "in ink” in the prompt chose the LoRA ink" in zimagine("explain", "a lake in ink").stdout
    assert "contradict" in refused("a lake --lora ink:0.5", "--lora", "ink:0.8")
    assert "two weights" in refused("a lake", "--lora", "Ink:0.5", "--lora", "ink:0.8")
    assert "the weight of a LoRA" in refused("a lake", "--lora", "ink:strong")
    Path("loras/ink.safetensors").unlink()
    assert "`ink` cannot be used" in refused("--recipe", "ink.png")
    assert "`ink` cannot be used" in refused("--vary", "ink.png")


def test_a_trial_is_painted() -> None:
    """--paint writes three pictures, which differ, and says how far; two where there are no trigger
    words. A LoRA that changes nothing gets one sentence and code 69, and nothing is written."""
    done = zimagine("lora", "check", "ink", "--paint", "--out", "out", "--json")
    assert done.exit_code == 0, done.output
    trial = json.loads(done.stdout)["trial"]
    assert names("out") == ["ink-with.png", "ink-without.png", "ink-words.png"]
    assert trial["adapted"] == sum(json.loads(done.stdout)["changes"].values())
    assert [each["kind"] for each in trial["pictures"]] == ["without", "with", "words"]
    assert [each["mean_difference"] > 1 for each in trial["pictures"]] == [False, True, True]
    assert len({pixels(each["file"]) for each in trial["pictures"]}) == 3
    assert "Painting with its trigger words" in done.stderr
    tensors = load_file("loras/ink.safetensors")
    flat = {name: each * ("lora_A" in name) for name, each in tensors.items()}
    save_file(flat, "flat.safetensors")
    done = zimagine("lora", "check", "flat.safetensors", "--paint", "--prompt", "a hill")
    assert done.exit_code == 69 and not done.stdout and not Path("flat-with.png").exists()
    assert done.stderr.splitlines()[-1] == (
        "zimagine: flat.safetensors changes nothing: with it, at weight 1, every pixel is the same."
    )
    done = zimagine("lora", "check", "ink", "--out", "out")
    assert done.exit_code == 2 and "--prompt and --out go with --paint" in done.stderr
