"""`zimagine doctor`: the page, its exit codes, and that it leaves everything as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.cli.common.language import terminal_words, width, wrapped
from bot.cli.doctor import page
from bot.diagnosis.findings import Code, Finding, Level, Section, broken, note, ok
from bot.i18n import words
from storage.lock import DataFolderLock
from tests.bot.cli.calling import zimagine
from tests.bot.sample_token import TOKEN
from tests.engine.diffusion.nvidia_smi import REPORT, install

FINDINGS = [
    ok(Code.CARD, number=0, name="NVIDIA GeForce RTX 4090", total_bytes=2**34, free_bytes=2**33),
    note(Code.SHARED_MEMORY_FALLBACK),
    broken(
        Code.DRIVER_TROUBLE, card="NVIDIA", reason="驱动程序与库的版本不一致，请重新启动计算机" * 4
    ),
    broken(Code.MODEL_ABSENT, model="x" * 100),
]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, in English, without a token and with an empty cache of models."""
    monkeypatch.chdir(tmp_path)
    for name in ("DISCORD_TOKEN", "LC_ALL", "LC_MESSAGES", "LANG", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def described(*arguments: str, code: int) -> dict[str, dict[str, Any]]:
    """Run `doctor --json`, check its exit code, and return the findings by their code."""
    done = zimagine("doctor", "--json", *arguments)
    assert done.exit_code == code, done.output
    return {each["code"]: each for each in json.loads(done.stdout)["findings"]}


def test_the_demo_setup_is_well_beside_a_bot(tmp_path: Path) -> None:
    """In a process of its own, with another that holds the data folder: one page of at most 80
    columns with every section, code 0, nothing written, and no token in it."""
    data = tmp_path / "data"
    with DataFolderLock(data):
        before = sorted(each.name for each in data.iterdir())
        done = subprocess.run(
            [sys.executable, "-m", "bot", "doctor"],
            env=os.environ
            | {
                "PYTHONPATH": str(Path(__file__).parents[3]),
                "DISCORD_TOKEN": TOKEN,
                "ZIMAGINE_ENGINE__DEVICE": "cpu",
                "HF_HOME": str(tmp_path / "hf"),
                "OMP_NUM_THREADS": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert sorted(each.name for each in data.iterdir()) == before
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    assert max(map(len, lines)) <= 80 and lines[-1].startswith("Nothing is broken")
    headings = [line for line in lines if line and not line.startswith(" ")][:-1]
    assert headings == [
        "GPU",
        "Memory",
        "What fits this machine",
        "Disk",
        "Model",
        "Database",
        "Settings",
        "Discord",
    ]
    assert f"process {os.getpid()}" in done.stdout and TOKEN not in done.stdout
    assert "“sketch” are whole" in done.stdout and "memory plan resident" in done.stdout
    assert [each.name for each in tmp_path.iterdir()] == ["data"]


def test_what_is_wrong_is_told_with_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU beside a torch without CUDA, a model that is not there, a file in the place of the data
    folder and a token that is none: each is broken with its remedy, whatever else is well."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("this torch finds a GPU of its own")
    install(tmp_path, monkeypatch, REPORT)
    monkeypatch.setenv("DISCORD_TOKEN", "secret-of-mine")
    (tmp_path / "file").write_text("x")
    (tmp_path / "config.toml").write_text(
        '[engine]\nmodel = "none/such"\ndevice = "cuda:9"\n[storage]\ndata_dir = "file"\n'
    )
    found = described(code=1)
    bad = {code for code, each in found.items() if each["level"] == "broken"}
    gpu = "gpu.unusable" if torch.version.cuda else "gpu.cpu_only_torch"
    assert bad == {gpu, "model.absent", "disk.not_a_folder", "settings.token_malformed"}
    assert not any(code.startswith("database.") for code in found)
    assert all(found[code]["remedy"] for code in bad)
    assert "secret-of-mine" not in json.dumps(found)
    assert found["fits.eight_bit"]["values"]["plan"] == "resident+int8+tiled"
    assert "allow_quantized = true" in found["fits.fetch_eight_bit"]["remedy"]


def test_a_compiler_that_is_missing_or_failed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a note with its remedy; a bot that compiled in vain has left the reason in its cache."""
    kept = tmp_path / "data" / "cache" / "compiled"
    kept.mkdir(parents=True)
    (kept / "failure.txt").write_text("CppCompileError: no such header.", encoding="utf-8")
    monkeypatch.setenv("CXX", sys.executable)
    found = described(code=0)
    assert found["gpu.compiler"]["values"] == {"compiler": sys.executable}
    assert found["gpu.compiling_failed"]["sentence"].endswith("CppCompileError: no such header.")
    monkeypatch.setenv("CXX", "no-such-compiler")
    found = described(code=0)
    assert found["gpu.no_compiler"]["level"] == "note"
    assert "apt install g++" in found["gpu.no_compiler"]["remedy"]
    assert "gpu.compiling_failed" not in found
    (tmp_path / "config.toml").write_text('[engine]\ncompile = "off"\n')
    assert not {"gpu.compiler", "gpu.no_compiler"} & described(code=0).keys()


def test_an_unknown_setting_is_a_finding(tmp_path: Path) -> None:
    """A misspelt key is broken with the name that was meant; the machine is looked at all the
    same."""
    (tmp_path / "config.toml").write_text("[engine]\nthread = 2\n")
    found = described(code=1)
    assert "did you mean engine.threads?" in found["settings.invalid"]["sentence"]
    assert "memory.host" in found and "model.ready" not in found


def test_the_page_fits_its_columns() -> None:
    """Lines are wrapped between words and wide characters; only a long word is longer."""
    for columns in (80, 60):
        lines = page(FINDINGS, words(), columns)
        assert [line for line in lines if width(line) > columns] == [
            line for line in lines if "x" * 100 in line
        ]
        assert lines[-1] == "2 things are broken." and lines[0] == "GPU"
        assert sum(line.lstrip().startswith("→") for line in lines) == 3
    assert len({Section.GPU, Section.MODEL}) == sum(
        bool(line) and not line.startswith(" ") for line in lines[:-1]
    )


def test_wrapping() -> None:
    """Chinese characters take two columns, and no line begins with their full stop."""
    assert wrapped("你好世界。", 8) == ["你好世", "界。"]
    assert wrapped("a bc  def", 4) == ["a bc", "def"]
    assert wrapped("GPU显卡", 5) == ["GPU显", "卡"]
    assert wrapped("", 10) == [""]
    assert (width("显卡"), width("e\u0301")) == (4, 1)


def test_the_language_is_the_terminals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LC_ALL, LC_MESSAGES and LANG are asked in this order, without encoding and modifier; the page
    is then in that language."""
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo

    folder = tmp_path / "zh_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalog = Catalog(locale="zh_CN")
    catalog.add("Memory", "内存")
    catalog.add("ok", "正常")
    with (folder / "zimagine.mo").open("wb") as file:
        write_mo(file, catalog)
    monkeypatch.setattr("bot.i18n.LOCALES", tmp_path)
    words.cache_clear()
    try:
        say = terminal_words({"LANG": "de_DE.UTF-8", "LC_ALL": "zh_CN.UTF-8@x"})
        host: list[Finding] = [ok(Code.HOST, total_bytes=2**35, free_bytes=2**34)]
        lines = page(host, say, 80)
        assert lines[0] == "内存" and lines[1].startswith("  正常    Main memory: 32.0 GiB")
        assert terminal_words({"LANG": "C.UTF-8"})("Memory") == "Memory"
        assert terminal_words({})("ok") == Level.OK
    finally:
        words.cache_clear()
