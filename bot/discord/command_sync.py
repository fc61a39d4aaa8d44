"""Registration of the commands with Discord, only when they differ from what Discord has."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import discord
import structlog
from discord import Locale, app_commands
from discord.app_commands import locale_str

from bot.i18n import words

log = structlog.get_logger(__name__)

_ENTRY_POINT = 4
"""The type of the command that launches an application's Activity. Discord creates it."""
_ENTRY_POINT_FIELDS = ("name", "type", "handler", "contexts", "integration_types")
OWNER_COMMANDS: Final = frozenset({"owner"})
"""The names of commands that one server alone has."""


class CatalogueTranslator(app_commands.Translator):
    """Translates names, descriptions and choices with the catalogues of all other texts."""

    async def translate(
        self,
        string: locale_str,
        locale: Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Return the text in this language, or None (use the English one) where there is no
        translation."""
        say = words(locale.value)
        typed = _is_typed(context)  # "seed" is a message too, and may have another translation
        translated = say.name(string.message) if typed else say(string.message)
        return None if translated == string.message else translated


def _is_typed(context: app_commands.TranslationContextTypes) -> bool:
    """Return whether this is the name of a slash command, a group or an option."""
    place = app_commands.TranslationContextLocation
    if context.location is place.command_name:
        return not isinstance(context.data, app_commands.ContextMenu)
    return context.location in (place.group_name, place.parameter_name)


async def sync_commands(
    tree: app_commands.CommandTree[Any], application_id: int, state_file: Path | None
) -> dict[str, int]:
    """Register the tree's commands unless Discord still has exactly those of an earlier sync.

    state_file: remembers the last sync: the application, the payload, and the commands that Discord
    listed afterwards. If any of these differs, or the file cannot be read, the commands are sent
    again.

    Returns the id of each slash command by name. Raises discord.HTTPException.
    """
    translator = CatalogueTranslator()
    await tree.set_translator(translator)
    payload = [
        await command.get_translated_payload(tree, translator) for command in tree.get_commands()
    ]
    own_key = f"{application_id}:{_digest(payload)}"
    remembered = await asyncio.to_thread(_read_state, state_file)
    registered = await _registered_commands(tree.client, application_id)
    if remembered != f"{own_key}:{_digest(registered)}":
        kept = [each for each in registered if _sort_key(each)[0] == _ENTRY_POINT]
        await _replace(tree, application_id, payload, kept)
        new = {_sort_key(each) for each in (*payload, *kept)}
        old = {_sort_key(each) for each in registered} - new
        if old:
            names = sorted(name for _, name in old)
            log.warning("commands removed that this version does not have", names=names)
        # Fetched again, because the response to the registration has other fields than a listing.
        registered = await _registered_commands(tree.client, application_id)
        await asyncio.to_thread(_write_state, state_file, f"{own_key}:{_digest(registered)}")
        log.info("commands synced", count=len(payload))
    slash = discord.AppCommandType.chat_input.value
    return {each["name"]: int(each["id"]) for each in registered if _sort_key(each)[0] == slash}


def ids_of_runnable(
    commands: Iterable[app_commands.Command[Any, ..., Any] | app_commands.Group],
    ids: Mapping[str, int],
) -> dict[str, int]:
    """Return the id of each command that can be run, by its name after those of its groups.

    ids: of the whole, by the first of these names.
    """
    paths = (each.qualified_name for each in commands if isinstance(each, app_commands.Command))
    first = ((path, path.partition(" ")[0]) for path in paths)
    return {path: ids[root] for path, root in first if root in ids}


@dataclass(frozen=True, slots=True)
class RegisteredCommands:
    """The commands that Discord has.

    unchanged: whether they are those that it listed after the last sync; None if there was no sync
    for this application.
    """

    count: int
    unchanged: bool | None


async def compare_commands(
    client: discord.Client, application_id: int, state_file: Path
) -> RegisteredCommands:
    """Compare Discord's global commands with those of the last sync. Raises discord.HTTPException.

    The client must be logged in. Nothing is registered.
    """
    registered = await _registered_commands(client, application_id)
    remembered = await asyncio.to_thread(_read_state, state_file)
    application, _, digests = remembered.partition(":")
    if application != str(application_id):
        return RegisteredCommands(len(registered), None)
    unchanged = digests.endswith(f":{_digest(registered)}")
    return RegisteredCommands(len(registered), unchanged)


async def sync_owner_commands(
    tree: app_commands.CommandTree[Any],
    application_id: int,
    guild_id: int | None,
    state_file: Path | None,
) -> None:
    """Register the owners' commands on one server alone, and remove them from where they were.

    guild_id: None for no server. state_file: remembers where they are, as `sync_commands` does, a
    line for each server. Other programs' commands of these servers are left alone. What Discord
    refuses or does not answer is logged, and tried again at the next start.
    """
    translator = CatalogueTranslator()
    await tree.set_translator(translator)
    lines = (await asyncio.to_thread(_read_state, state_file)).splitlines()
    known = {line.rpartition(":")[0]: line for line in lines}
    here = None if guild_id is None else f"{application_id}:{guild_id}"
    states: list[str] = []
    for place in known:
        if place != here and not await _remove_owner_commands(tree, application_id, place):
            states.append(known[place])
    if guild_id is not None and here is not None:
        server = discord.Object(guild_id)
        payload = [
            await command.get_translated_payload(tree, translator)
            for command in tree.get_commands(guild=server)
        ]
        states.append(
            await _register_on(tree, application_id, guild_id, payload, known.get(here, here))
        )
    if states != lines:
        await asyncio.to_thread(_write_state, state_file, "\n".join(states))


async def _register_on(
    tree: app_commands.CommandTree[Any],
    application_id: int,
    guild_id: int,
    payload: list[dict[str, Any]],
    remembered: str,
) -> str:
    """Register commands on a server unless it still has exactly these; return the state."""
    http, ours = tree.client.http, {_sort_key(each) for each in payload}
    place = f"{application_id}:{guild_id}"

    async def state() -> tuple[str, bool]:
        found = await http.get_guild_commands(application_id, guild_id)
        own = sorted((each for each in found if _sort_key(each) in ours), key=_sort_key)
        digest = f"{_digest(payload)}-{_digest(own)}"
        return f"{place}:{digest}", len(own) == len(found)

    try:
        now, alone = await state()
        if now == remembered:
            return now
        if alone:
            await http.bulk_upsert_guild_commands(application_id, guild_id, payload)  # pyright: ignore[reportArgumentType]
        else:
            for each in payload:
                await http.upsert_guild_command(application_id, guild_id, each)  # pyright: ignore[reportArgumentType]
        log.info("owners' commands registered", server=guild_id)
        return (await state())[0]
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        # Above all because the bot is not on that server.
        log.warning("owners' commands not registered", server=guild_id, error=str(error)[:200])
        return f"{place}:"


async def _remove_owner_commands(
    tree: app_commands.CommandTree[Any], application_id: int, place: str
) -> bool:
    """Remove the owners' commands from a server; False if it has to be tried again."""
    application, _, guild = place.partition(":")
    if application != str(application_id) or not guild.isdecimal():
        return True  # another application's, which this one cannot change
    http, guild_id = tree.client.http, int(guild)
    try:
        found = await http.get_guild_commands(application_id, guild_id)
        ours = [each for each in found if each["name"] in OWNER_COMMANDS]
        if len(ours) == len(found):
            await http.bulk_upsert_guild_commands(application_id, guild_id, [])
        else:
            for each in ours:
                await http.delete_guild_command(application_id, guild_id, each["id"])
    except (discord.Forbidden, discord.NotFound):
        return True  # the bot is not on that server any more, and nor are its commands
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.warning("owners' commands not removed", server=guild_id, error=str(error)[:200])
        return False
    log.info("owners' commands removed", server=guild_id)
    return True


async def _replace(
    tree: app_commands.CommandTree[Any],
    application_id: int,
    payload: list[dict[str, Any]],
    kept: list[Any],
) -> None:
    """Replace all global commands but the `kept` ones."""
    if not kept:
        await tree.sync()
        return
    # The tree knows nothing of them, and Discord refuses a list that leaves them out.
    same = [{name: each[name] for name in _ENTRY_POINT_FIELDS if name in each} for each in kept]
    await tree.client.http.bulk_upsert_global_commands(application_id, [*payload, *same])


async def _registered_commands(client: discord.Client, application_id: int) -> list[Any]:
    """Return Discord's full records of the application's global commands, whoever registered
    them."""
    # Not the tree's fetch_commands, which leaves out permissions and versions.
    return sorted(await client.http.get_global_commands(application_id), key=_sort_key)


def _sort_key(command: Mapping[str, Any]) -> tuple[int, str]:
    """Return a sort key. A slash command and a context menu may share a name."""
    return int(command.get("type", 1)), str(command["name"])


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _read_state(file: Path | None) -> str:
    """Return the remembered state; an unreadable file counts as empty."""
    try:
        return "" if file is None else file.read_bytes().decode("ascii", errors="replace")
    except OSError:
        return ""


def _write_state(file: Path | None, state: str) -> None:
    """Remember the state. A failure only costs another sync at the next start."""
    if file is not None:
        try:
            file.write_text(state, encoding="ascii")
        except OSError as error:
            log.warning("sync not remembered", error=str(error))
