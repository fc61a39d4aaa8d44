"""Telling Discord our commands when, and only when, they are not the ones it has."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import discord
import structlog
from discord import Locale, app_commands
from discord.app_commands import locale_str

from bot.i18n import words

log = structlog.get_logger(__name__)


class CatalogueTranslator(app_commands.Translator):
    """Translates names and descriptions of commands with the catalogues of all other texts."""

    async def translate(
        self,
        string: locale_str,
        locale: Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Return the text in this language; None, which means English, if it has none."""
        translated = words(locale.value)(string.message)
        return None if translated == string.message else translated


async def sync_commands(
    tree: app_commands.CommandTree[Any], application_id: int, state_file: Path | None
) -> dict[str, int]:
    """Register the tree's commands, unless Discord has these very ones from an earlier start.

    state_file: remembers the last time: for which application, what we sent, and what Discord
    then had. Where any of it is otherwise now, or the file cannot be read, they are sent again.
    The answer is the id of each slash command, by its name. Raises discord.HTTPException.
    """
    translator = CatalogueTranslator()
    await tree.set_translator(translator)
    payload = [
        await command.get_translated_payload(tree, translator) for command in tree.get_commands()
    ]
    own_key = f"{application_id}:{_digest(payload)}"
    remembered = await asyncio.to_thread(_read, state_file)
    registered = await _registered_commands(tree.client, application_id)
    if remembered != f"{own_key}:{_digest(registered)}":
        await tree.sync()
        # Asked for once more: what the registration answers has other fields than what is asked.
        registered = await _registered_commands(tree.client, application_id)
        await asyncio.to_thread(_write, state_file, f"{own_key}:{_digest(registered)}")
        log.info("commands synced", count=len(payload))
    slash = discord.AppCommandType.chat_input.value
    return {each["name"]: int(each["id"]) for each in registered if _place(each)[0] == slash}


async def _registered_commands(client: discord.Client, application_id: int) -> list[Any]:
    """All that Discord knows of our commands, their versions too, whoever registered them."""
    # Not the tree's fetch_commands: it leaves out rights and versions.
    return sorted(await client.http.get_global_commands(application_id), key=_place)


def _place(command: Mapping[str, Any]) -> tuple[int, str]:
    """A slash command and a menu may have the same name."""
    return int(command.get("type", 1)), str(command["name"])


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _read(file: Path | None) -> str:
    """What is remembered; whatever is wrong with the file is as good as nothing."""
    try:
        return "" if file is None else file.read_bytes().decode("ascii", errors="replace")
    except OSError:
        return ""


def _write(file: Path | None, state: str) -> None:
    """A disk in trouble costs one more sync at the next start, nothing else."""
    if file is not None:
        try:
            file.write_text(state, encoding="ascii")
        except OSError as error:
            log.warning("sync not remembered", error=str(error))
