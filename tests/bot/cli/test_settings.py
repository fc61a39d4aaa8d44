"""`zimagine settings`: each setting, its value and its source, without secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import group
from bot.cli.common.language import width
from bot.settings.current import TAKES_EFFECT, setting_names
from tests.bot.sample_token import TOKEN

PROXY = "http://ann:hunter2secret@127.0.0.1:3128"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A file with two settings, one of them a secret."""
    path = tmp_path / "config.toml"
    path.write_text(
        f'[discord]\nproxy = "{PROXY}"\n\n[quota]\nhours = 12\npictures = 7\n'
        '[engine.models]\nbase = { source = "a/b", vae = "x" }\n'
    )
    return path


def settings(config: Path, *arguments: str, **environment: str) -> Result:
    """Run `zimagine settings`; its output must never hold a secret."""
    done = CliRunner().invoke(
        group, ["settings", "--config", str(config), *arguments], env=environment
    )
    assert TOKEN not in done.output and "hunter2secret" not in done.output
    return done


def test_each_setting_says_where_it_comes_from(config: Path):
    """The environment, the file with its line, or the default; the environment wins."""
    done = settings(
        config, "--json", ZIMAGINE_QUOTA__PICTURES="9", DISCORD_TOKEN=TOKEN, LC_ALL="zh_CN.UTF-8"
    )
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert list(found) == setting_names()
    assert found["quota.pictures"] == {
        "value": 9,
        "source": "environment",
        "place": "ZIMAGINE_QUOTA__PICTURES",
        "line": None,
        "takes_effect": "live",
    }
    hours, backups = found["quota.hours"], found["storage.backups"]
    assert (hours["value"], hours["source"], hours["line"]) == (12, "file", 5)
    assert hours["place"] == str(config)
    assert (backups["value"], backups["source"], backups["place"]) == (7, "default", None)
    assert found["discord.token"]["place"] == "DISCORD_TOKEN"
    assert found["discord.token"]["value"] == found["discord.proxy"]["value"] == "********"
    assert found["engine.models"]["value"] == {"base": {"source": "a/b", "vae": "x"}}
    assert {name: each["takes_effect"] for name, each in found.items()} == dict(TAKES_EFFECT)


@pytest.mark.parametrize(
    ("language", "rows"),
    [
        ("C", ("default", "config.toml, line 6", "environment: ZIMAGINE_LOG__LEVEL", "none")),
        ("zh_CN.UTF-8", ("默认", "config.toml，第 6 行", "环境变量 ZIMAGINE_LOG__LEVEL", "无")),
    ],
)
def test_the_table_is_in_the_language_of_the_terminal(
    config: Path, language: str, rows: tuple[str, ...]
):
    """It has a row for every setting below its section, with columns below each other."""
    done = settings(config, LC_ALL=language, ZIMAGINE_LOG__LEVEL="debug", DISCORD_TOKEN=TOKEN)
    assert done.exit_code == 0 and all(each in done.stdout for each in rows)
    lines = done.stdout.splitlines()
    keys = [line.split()[0] for line in lines[1:] if line and not line.startswith("[")]
    assert keys == [name.partition(".")[2] for name in setting_names()]
    mode = next(line for line in lines if line.startswith("backups "))
    other = next(line for line in lines if line.startswith("keep_days "))
    shown = rows[0]
    assert width(mode[: mode.index(shown)]) == width(other[: other.index(shown)])


def test_without_a_file_all_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where there is no config.toml, no setting is said to come from it."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(group, ["settings", "--json"])
    assert {each["source"] for each in json.loads(done.stdout).values()} == {"default"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[quota]\n\npictures = -1\n", "line 3"),
        ("[quota]\npictures = 5\nhuors = 3\n", "line 3"),
        ("[quota]\npictures = 5\n[jobs\n", "line 3"),
    ],
)
def test_a_broken_file_is_one_sentence(config: Path, text: str, said: str):
    """A wrong file exits with code 78 and one sentence with the line, and prints no table."""
    config.write_text(text)
    done = settings(config)
    assert done.exit_code == 78 and done.stdout == "" and said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_wrong_variable_is_named(config: Path):
    """A wrong value from the environment is not blamed on the file."""
    done = settings(config, ZIMAGINE_QUOTA__HOURS="0")
    assert done.exit_code == 78 and "environment variable ZIMAGINE_QUOTA__HOURS" in done.stderr
    assert config.name not in done.stderr


def test_a_missing_file_is_said(tmp_path: Path):
    """A file that was named and does not exist exits with code 78."""
    done = settings(tmp_path / "none.toml")
    assert done.exit_code == 78 and "does not exist" in done.stderr
