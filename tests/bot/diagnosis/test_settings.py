"""Token, configuration file, permissions of files, and the clock."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.diagnosis.configuration import (
    check_clock,
    check_configuration,
    check_picture_check,
    check_proxy,
    check_readers,
)
from bot.diagnosis.findings import Code, Level
from bot.diagnosis.report import Setup, diagnose
from bot.diagnosis.token import check_token
from bot.proxies import Proxies
from bot.settings import Settings
from tests.bot.diagnosis.reading import levels, said
from tests.bot.sample_token import TOKEN


def test_a_token_is_read_by_its_form() -> None:
    """A token in the right form is told by its application alone."""
    found = [check_token(TOKEN, [])]
    assert levels(found) == {Code.TOKEN: Level.OK}
    assert "123456789012345678" in said(found) and TOKEN not in said(found)


@pytest.mark.parametrize(
    "token", ["…", "Bot " + TOKEN, f'"{TOKEN}"', TOKEN + "\n", TOKEN.replace(".", ""), "a.b.c"]
)
def test_malformed_tokens(token: str) -> None:
    """Anything before or behind a token, and anything else, is broken and never printed."""
    found = [check_token(token, [])]
    assert levels(found) == {Code.TOKEN_MALFORMED: Level.BROKEN}
    assert TOKEN not in said(found)


def test_no_token() -> None:
    """The playground needs no token; one in a variable of a similar name is not read."""
    assert levels([check_token(None, ["PATH"])]) == {Code.NO_TOKEN: Level.NOTE}
    found = [check_token(" ", ["DISCORD_BOT_TOKEN"])]
    assert levels(found) == {Code.TOKEN_MISSPELT: Level.BROKEN}
    assert "DISCORD_BOT_TOKEN is not read" in said(found)


def test_the_configuration(tmp_path: Path) -> None:
    """A file that was read, none at all, and one that is wrong are told apart."""
    file = tmp_path / "config.toml"
    assert check_configuration(file, named=False, problem=None).code is Code.NO_CONFIGURATION
    file.write_text("")
    assert check_configuration(file, named=False, problem=None).code is Code.CONFIGURATION
    wrong = check_configuration(file, named=True, problem="There is no setting quota.picture.")
    assert wrong.level is Level.BROKEN and "no setting quota.picture" in said([wrong])


@pytest.mark.skipif(os.name == "nt", reason="there are no such modes")
def test_who_may_read_it(tmp_path: Path) -> None:
    """A file with a secret and a data folder that others can read are noted with the command."""
    config, data = tmp_path / "config.toml", tmp_path / "data"
    config.write_text("x")
    data.mkdir(mode=0o700)
    config.chmod(0o600)
    assert check_readers(config, data, secret=True) == []
    config.chmod(0o644)
    assert check_readers(config, data, secret=False) == []
    data.chmod(0o755)
    found = check_readers(config, data, secret=True)
    assert levels(found) == {Code.SECRET_READABLE: Level.NOTE, Code.DATA_READABLE: Level.NOTE}
    assert f"chmod 600 {config}" in said(found) and f"chmod 700 {data}" in said(found)


def test_the_proxy() -> None:
    """A proxy is told without its password; one that cannot be used is broken."""
    found = check_proxy(Proxies("http://ann:hunter2@127.0.0.1:3128"))
    assert levels(found) == {Code.PROXY: Level.OK} and "http://127.0.0.1:3128" in said(found)
    assert "hunter2" not in said(found) and check_proxy(Proxies("")) == []
    found = check_proxy(Proxies("socks5://ann:hunter2@127.0.0.1:1080"))
    assert levels(found) == {Code.PROXY_REFUSED: Level.BROKEN} and "hunter2" not in said(found)


def test_the_picture_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that is there is told; one that cannot be imported or called is broken."""
    (tmp_path / "zimagine_checks.py").write_text("limit = 3\ndef look(png): return 'pass'\n")
    (tmp_path / "zimagine_broken.py").write_text("raise ValueError('no weights')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert check_picture_check(None) == []
    found = check_picture_check("zimagine_checks:look")
    assert levels(found) == {Code.PICTURE_CHECK: Level.OK} and "zimagine_checks:look" in said(found)
    for name, why in (
        ("zimagine_checks:limit", "has no function limit"),
        ("zimagine_checks:loook", "has no function loook"),
        ("zimagine_none:look", "ModuleNotFoundError"),
        ("zimagine_broken:look", "ValueError: no weights"),
        ("look", "module:function"),
    ):
        found = check_picture_check(name)
        assert levels(found) == {Code.PICTURE_CHECK_UNUSABLE: Level.BROKEN}
        assert why in said(found) and "picture_check under [moderation]" in said(found)


def test_it_is_a_part_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """doctor looks at the function that the settings name."""
    monkeypatch.chdir(tmp_path)
    settings = Settings.model_validate({"moderation": {"picture_check": "zimagine_none:look"}})
    assert levels(diagnose(Setup(settings)))[Code.PICTURE_CHECK_UNUSABLE] is Level.BROKEN


def test_the_clock(tmp_path: Path) -> None:
    """A clock from before the installation is broken; any later one may be right."""
    file = tmp_path / "program"
    file.write_text("x")
    installed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    assert check_clock(installed, file).level is Level.OK
    assert check_clock(datetime(1970, 1, 1, tzinfo=UTC), file).code is Code.CLOCK_BEHIND
    assert check_clock(installed + timedelta(days=3000), file).level is Level.OK


def test_a_check_that_breaks_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One check that breaks off is told by its kind and place, and the others are still run."""

    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError(f"secret in {tmp_path}")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bot.diagnosis.report.check_machine", breaks)
    monkeypatch.setattr("bot.diagnosis.report.check_place", breaks)
    found = diagnose(Setup(Settings()))
    assert levels(found)[Code.CHECK_FAILED] is Level.BROKEN
    assert Code.CLOCK in levels(found) and Code.NO_DATABASE in levels(found)
    assert str(tmp_path) not in said(found) and "RuntimeError in test_settings.py" in said(found)
