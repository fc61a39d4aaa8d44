"""Another language is a catalogue and one line: a copy of the bot is given a little French."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from setup import compile_catalogues
from tests.bot.catalogues import renewed

ROOT = Path(__file__).parents[2]
FRENCH = """\
msgid ""
msgstr ""
"Language: fr\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

msgid "Reroll"
msgstr "Relancer"

msgid "Your pictures on this server, newest first"
msgstr "Vos images sur ce serveur, les plus récentes d'abord"

msgctxt "name"
msgid "history"
msgstr "historique"

msgid "{n} picture"
msgid_plural "{n} pictures"
msgstr[0] "{n} image"
msgstr[1] "{n} images"

msgid ""
"There is no bot token: set the environment variable DISCORD_TOKEN (the README says where to get "
"one)."
msgstr ""
"Il n'y a pas de jeton : définissez la variable d'environnement DISCORD_TOKEN (voir le README)."

"""
SCRIPT = """
import asyncio, json
import discord
from discord import app_commands
from discord.app_commands import locale_str
from bot.cli.common.language import terminal_language, terminal_words
from bot.discord.command_sync import CatalogueTranslator
from bot.discord.commands.settings import _LANGUAGE_CHOICES
from bot.i18n import LANGUAGES, words

@app_commands.command(
    name="history", description=locale_str("Your pictures on this server, newest first")
)
async def command(interaction: discord.Interaction) -> None: ...

tree = app_commands.CommandTree(discord.Client(intents=discord.Intents.none()))
payload = asyncio.run(command.get_translated_payload(tree, CatalogueTranslator()))
say = words("fr")
print(json.dumps({
    "payload": payload,
    "choices": [each.value for each in _LANGUAGE_CHOICES],
    "said": [say("Reroll"), say("Remix"), words("zh-CN")("Reroll"), words("en-US")("Reroll")],
    "plural": [say.plural("{n} picture", "{n} pictures", n) for n in (0, 1, 2)],
    "terminal": [terminal_language(), terminal_words()("Reroll")],
    "names": list(LANGUAGES.values()),
}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bot with a French catalogue and its line in LANGUAGES."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "bot", folder / "bot", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("engine", "storage"):
        (folder / name).symlink_to(ROOT / name)
    module = folder / "bot" / "i18n.py"
    source = module.read_text(encoding="utf-8")
    changed = source.replace('"zh-CN": "中文"}', '"zh-CN": "中文", "fr": "Français"}')
    assert changed != source
    module.write_text(changed, encoding="utf-8")
    catalogue = folder / "bot" / "locales" / "fr" / "LC_MESSAGES" / "zimagine.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text(renewed(FRENCH), encoding="utf-8")
    compile_catalogues(folder / "bot" / "locales")
    return folder


def python(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the copy, in a French terminal."""
    spoken = {"LC_ALL": "fr_FR.UTF-8", "PYTHONPATH": str(copy), "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=os.environ | spoken,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def found(copy: Path) -> Any:
    """What the copy says of itself."""
    done = python(copy, "-c", SCRIPT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_is_translated_is_spoken_and_the_rest_is_english(found: Any):
    """A catalogue of a few sentences is enough to begin with; the other languages stay."""
    assert found["said"] == ["Relancer", "Remix", "重抽", "Reroll"]
    assert found["plural"] == ["0 image", "1 image", "2 images"]


def test_commands_have_french_names(found: Any):
    """Discord gets the name and the description in French, beside those in Chinese."""
    payload = found["payload"]
    assert payload["name_localizations"]["fr"] == "historique"
    assert payload["description_localizations"]["fr"].startswith("Vos images")
    assert payload["name_localizations"]["zh-CN"] == "历史"


def test_a_server_and_a_terminal_can_have_it(found: Any):
    """It can be chosen for a server, and the terminal of a French system speaks it."""
    assert "fr" in found["choices"] and found["names"][-1] == "Français"
    assert found["terminal"] == ["fr", "Relancer"]


def test_the_command_line_speaks_it(copy: Path):
    """A sentence with which a command ends, too."""
    done = python(copy, "-m", "bot", "run")
    assert done.returncode == 78 and "Il n'y a pas de jeton" in done.stderr
