"""`zimagine run` and `zimagine invite`: their refusals and exit codes."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import discord
import pytest
from click.testing import CliRunner

from bot.cli import group
from bot.discord.client import PERMISSIONS
from storage.lock import DataFolderLock

TOKEN = base64.b64encode(b"123456789012345678").decode().rstrip("=") + ".GaBcDe.x" + "y" * 37


def run_bot(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `zimagine run` in a separate process."""
    return subprocess.run(
        [sys.executable, "-m", "bot", "run"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_token_it_says_so(tmp_path: Path):
    """A missing token exits with code 78 and one sentence that names DISCORD_TOKEN."""
    done = run_bot(tmp_path)
    assert done.returncode == 78 and "DISCORD_TOKEN" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and done.stdout == ""


def test_a_wrong_setting_stops_it(tmp_path: Path):
    """An invalid setting exits with code 78 and one sentence that names it, without the token."""
    (tmp_path / "config.toml").write_text("[engine]\nqueue_limit = -3\n")
    done = run_bot(tmp_path, DISCORD_TOKEN=TOKEN)
    assert done.returncode == 78 and "engine.queue_limit" in done.stderr
    assert TOKEN not in done.stderr


CHINESE = {"LC_ALL": "zh_CN.UTF-8", "PYTHONUTF8": "1"}


def test_it_ends_in_the_language_of_the_terminal(tmp_path: Path):
    """What stops it is said in Chinese too, with the names of settings as they are written."""
    done = run_bot(tmp_path, **CHINESE)
    assert done.returncode == 78 and "没有机器人令牌" in done.stderr
    assert "DISCORD_TOKEN" in done.stderr
    (tmp_path / "config.toml").write_text("[engine]\nqueue_limit = -3\n")
    done = run_bot(tmp_path, DISCORD_TOKEN=TOKEN, **CHINESE)
    assert done.returncode == 78 and "设置 engine.queue_limit = -3" in done.stderr
    assert "config.toml 第 2 行" in done.stderr
    (tmp_path / "config.toml").write_text("[engine]\nqeue_limit = 3\n")
    done = run_bot(tmp_path, DISCORD_TOKEN=TOKEN, **CHINESE)
    assert done.returncode == 78 and "是不是想写 engine.queue_limit" in done.stderr


def test_a_damaged_database_is_named_in_chinese(tmp_path: Path):
    """With the command, which is the same in every language."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "zimagine.db").write_bytes(b"not a database" * 500)
    data = str(tmp_path / "data")
    done = run_bot(tmp_path, DISCORD_TOKEN=TOKEN, ZIMAGINE_STORAGE__DATA_DIR=data, **CHINESE)
    assert done.returncode == 78 and "已损坏" in done.stderr and ".recover" in done.stderr


def test_a_misspelt_token_is_named(tmp_path: Path):
    """A token in a variable of a similar name is not read, which the sentence says without it."""
    done = run_bot(tmp_path, DISCORD_BOT_TOKEN=TOKEN)
    assert done.returncode == 78 and "DISCORD_BOT_TOKEN is not read" in done.stderr
    assert TOKEN not in done.stderr


def test_a_misspelt_variable_stops_it(tmp_path: Path):
    """A variable that is no setting exits with code 78 and one sentence with the right name."""
    done = run_bot(tmp_path, DISCORD_TOKEN=TOKEN, ZIMAGINE_QUOTA_PICTURES="20")
    assert done.returncode == 78 and "ZIMAGINE_QUOTA__PICTURES?" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and list(tmp_path.iterdir()) == []


def test_an_empty_data_folder_stops_it(tmp_path: Path):
    """An empty data_dir exits with code 78 and one sentence, and writes nothing anywhere."""
    done = run_bot(tmp_path, DISCORD_TOKEN=TOKEN, ZIMAGINE_STORAGE__DATA_DIR="")
    assert done.returncode == 78 and "storage.data_dir" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("variable", "address", "said"),
    [
        ("ALL_PROXY", "socks5://ann:hunter2secret@127.0.0.1:1080", "aiohttp-socks"),
        ("https_proxy", "ftp://ann:hunter2secret@127.0.0.1:1080", "HTTPS_PROXY"),
        ("ZIMAGINE_DISCORD__PROXY", "socks5h://ann:hunter2secret@[::1]", "discord.proxy"),
        ("ZIMAGINE_DISCORD__PROXY", "http://ann:hunter2secret@host:port", "discord.proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_stops_it(
    tmp_path: Path, variable: str, address: str, said: str
):
    """A wrong proxy exits with code 78 and one sentence without its password."""
    done = run_bot(tmp_path, DISCORD_TOKEN=TOKEN, **{variable: address})
    assert done.returncode == 78 and said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "hunter2secret" not in done.stderr


def test_a_file_as_data_folder_stops_it(tmp_path: Path):
    """A data_dir that is a file exits with code 78 and one sentence with its path."""
    (tmp_path / "data").write_text("a file")
    done = run_bot(tmp_path, DISCORD_TOKEN=TOKEN)
    assert done.returncode == 78 and str(tmp_path / "data") in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_second_bot_names_the_first(tmp_path: Path):
    """A second bot on the same data folder exits with the first one's pid in its sentence."""
    with DataFolderLock(tmp_path / "data"):
        done = run_bot(tmp_path, DISCORD_TOKEN=TOKEN)
    assert done.returncode == 69
    assert f"process {os.getpid()}" in done.stderr and "Traceback" not in done.stderr


def test_a_damaged_database_is_named_and_left_alone(tmp_path: Path):
    """A file that is not a database stops the bot with one sentence and stays unchanged."""
    (tmp_path / "data").mkdir()
    database = tmp_path / "data" / "zimagine.db"
    database.write_bytes(b"not a database at all" * 100)
    done = run_bot(tmp_path, DISCORD_TOKEN=TOKEN)
    assert done.returncode == 78 and "zimagine.db" in done.stderr
    assert "Traceback" not in done.stderr
    assert database.read_bytes() == b"not a database at all" * 100


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_a_shared_folder_stays_open(tmp_path: Path):
    """A data folder with other people's files is used, and not closed to them."""
    shared = tmp_path / "data"
    shared.mkdir()
    shared.chmod(0o775)
    (shared / "holiday.txt").write_text("somebody else's")
    # It gets as far as the lock and the database, which stops it.
    (shared / "zimagine.db").write_bytes(b"not a database at all" * 100)
    assert run_bot(tmp_path, DISCORD_TOKEN=TOKEN).returncode == 78
    assert (shared / "zimagine.lock").exists() and shared.stat().st_mode & 0o777 == 0o775


def test_the_invitation_asks_for_exactly_what_is_needed(monkeypatch: pytest.MonkeyPatch):
    """The link has the application's id, both scopes and the permissions, and nothing else."""
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    done = CliRunner().invoke(group, ["invite"], catch_exceptions=False)
    query = parse_qs(urlparse(done.stdout.strip()).query)
    assert query["client_id"] == ["123456789012345678"]
    assert set(query["scope"][0].split()) == {"bot", "applications.commands"}
    assert int(query["permissions"][0]) == PERMISSIONS.value
    assert not PERMISSIONS.administrator and not PERMISSIONS.manage_messages
    assert discord.Permissions(attach_files=True, send_messages=True) <= PERMISSIONS


def test_an_invitation_needs_an_application(monkeypatch: pytest.MonkeyPatch):
    """Without a token, or with an invalid one, the command says which, and asks for the id."""
    for token, word in (
        ("", "set DISCORD_TOKEN"),
        ("x", "token is wrong"),
        ("…", "token is wrong"),
        ("bm90LWRpZ2l0cw.a.b", "token is wrong"),
    ):
        monkeypatch.setenv("DISCORD_TOKEN", token)
        done = CliRunner().invoke(group, ["invite"], catch_exceptions=False)
        assert done.exit_code == 78 and "--application" in done.stderr
        assert word in done.stderr
    done = CliRunner().invoke(group, ["invite", "--application", "5"], catch_exceptions=False)
    assert "client_id=5" in done.stdout
