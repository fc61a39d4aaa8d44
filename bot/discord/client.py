"""The client: intents, command tree, buttons; `create_client` puts it together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.discord.answers import Interaction, disown, turn_away
from bot.discord.attending import Attending
from bot.discord.commands.admin import admin_commands
from bot.discord.commands.guide import guide_commands
from bot.discord.commands.lookup import lookup_commands
from bot.discord.commands.member import member_commands
from bot.discord.commands.menus import message_menus
from bot.discord.commands.settings import settings_command
from bot.discord.commands.starting import start_commands, start_menu
from bot.discord.components import button_class
from bot.discord.custom_ids import Act, parse, parse_kept
from bot.discord.errors import explain
from bot.discord.moderating import submit_report
from bot.discord.repainting import submit_remix
from bot.discord.starting import kept_button_class, submit_from, submit_kept
from bot.discord.translation import CatalogueTranslator
from bot.services import Services

log = structlog.get_logger(__name__)

CONNECTIONS = 40
FORMS = {Act.REMIX: submit_remix, Act.REPORT: submit_report, Act.FROM: submit_from}
"""What takes a form that is sent in."""
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    attach_files=True,
    create_public_threads=True,  # for who wants their pictures in a thread of their own
    read_message_history=True,  # to find its own earlier message before it posts one again
    use_application_commands=True,
)
"""Exactly what the bot needs in a server; the invitation asks for no more."""


class PaintTree(app_commands.CommandTree[discord.AutoShardedClient]):
    """The commands: only in servers, only where the owner wants them."""

    services: Services
    attending: Attending

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Turn away other servers and private messages."""
        self.attending.begin()
        if self.services.serves(interaction.guild_id):
            return True
        if interaction.type is discord.InteractionType.application_command:
            await turn_away(interaction)
        else:
            await interaction.response.autocomplete([])
        return False

    async def on_error(
        self, interaction: Interaction, error: app_commands.AppCommandError, /
    ) -> None:
        """Hand every error to the one place that explains them."""
        await explain(interaction, error)


class PaintClient(discord.AutoShardedClient):
    """A client that knows servers and nothing else, so that it stays small for months."""

    def __init__(self, services: Services, sync_state: Path | None) -> None:
        # The bot has no voice: discord.py need not warn that it lacks the libraries for one.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            intents=discord.Intents(guilds=True),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            # Two hundred answers at once reuse these instead of shaking hands two hundred times.
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
        )
        self._sync_state = sync_state
        self._command_ids: dict[str, int] = {}
        self.tree = PaintTree(
            self,
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=False, private_channel=False
            ),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )
        self.attending = Attending()
        self.tree.services = services
        self.tree.attending = self.attending
        self._members = [
            *member_commands(services),
            *lookup_commands(services),
            *guide_commands(services, self._registered),
        ]
        for command in self._members:
            self.tree.add_command(command)
        for menu in message_menus(services):
            self.tree.add_command(menu)
        for command in start_commands(services):
            self.tree.add_command(command)
        self.tree.add_command(start_menu(services))
        self.tree.add_command(settings_command(services))
        self.tree.add_command(admin_commands(services))
        self.add_dynamic_items(button_class(services, self.attending))
        self.add_dynamic_items(kept_button_class(services, self.attending))

    async def setup_hook(self) -> None:
        """Tell Discord our commands if they are not the ones it has."""
        assert self.application_id is not None
        translator = CatalogueTranslator()
        await self.tree.set_translator(translator)
        payload = [
            await command.get_translated_payload(self.tree, translator)
            for command in self.tree.get_commands()
        ]
        state = f"{self.application_id}:{_digest(payload)}"
        # A slash command and a menu may have the same name.
        there = await self.tree.fetch_commands()
        known = {(each.type.value, each.name) for each in there}
        wanted = {(each["type"], each["name"]) for each in payload}
        self._learn(there)
        if known == wanted and state == self._synced():
            return
        self._learn(await self.tree.sync())
        self._remember(state)
        log.info("commands synced", count=len(payload))

    async def on_interaction(self, interaction: Interaction) -> None:
        """Take the forms that are sent in, and answer a press that no button of ours takes."""
        pressed = interaction.type is discord.InteractionType.component
        if not pressed and interaction.type is not discord.InteractionType.modal_submit:
            return
        custom_id = str((interaction.data or {}).get("custom_id", ""))
        known, kept = parse(custom_id), parse_kept(custom_id)
        if pressed and (known is not None or kept is not None):
            return
        self.attending.begin()
        try:
            submit = None if known is None else FORMS.get(known[0])
            if kept is not None:
                await submit_kept(interaction, self.tree.services, kept)
            elif known is None or submit is None:
                await disown(interaction)
            else:
                await submit(interaction, self.tree.services, known[1])
        except Exception as error:
            await explain(interaction, error)

    async def on_ready(self) -> None:
        """Say that the bot is there (again)."""
        log.info("online", user=str(self.user), servers=len(self.guilds))

    def _learn(self, there: Sequence[app_commands.AppCommand]) -> None:
        slash = discord.AppCommandType.chat_input
        self._command_ids = {each.name: each.id for each in there if each.type is slash}

    def _registered(self) -> list[tuple[app_commands.Command[Any, ..., None], int | None]]:
        return [(each, self._command_ids.get(each.name)) for each in self._members]

    def _remember(self, state: str) -> None:
        """A disk in trouble costs one more sync at the next start, nothing else."""
        if self._sync_state is not None:
            try:
                self._sync_state.write_text(state, encoding="utf-8")
            except OSError as error:
                log.warning("sync not remembered", error=str(error))

    def _synced(self) -> str | None:
        try:
            return self._sync_state.read_text(encoding="utf-8") if self._sync_state else None
        except OSError:
            return None


def create_client(services: Services, sync_state: Path | None = None) -> PaintClient:
    """A client ready to be started, on the running loop.

    sync_state: a small file that remembers the last sync.
    """
    return PaintClient(services, sync_state)


def invitation(application_id: int) -> str:
    """The link that adds the bot to a server with exactly the permissions it needs."""
    return discord.utils.oauth_url(
        application_id, permissions=PERMISSIONS, scopes=("bot", "applications.commands")
    )


def _digest(payload: object) -> str:
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
