"""The Discord client: intents, command tree and persistent buttons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.discord.command_sync import sync_commands
from bot.discord.commands.admin import admin_commands
from bot.discord.commands.context_menus import message_menus
from bot.discord.commands.generate import generate_commands
from bot.discord.commands.help import help_commands
from bot.discord.commands.image_to_image import image_to_image_commands, image_to_image_menu
from bot.discord.commands.inspection import inspection_commands
from bot.discord.commands.moderation import moderator_commands
from bot.discord.commands.settings import settings_command
from bot.discord.handlers.image_to_image import staged_button_class
from bot.discord.handlers.router import button_class, submit
from bot.discord.interaction.error_handler import explain
from bot.discord.interaction.in_flight import InFlightInteractions
from bot.discord.interaction.responses import Interaction, reject_foreign_press, reject_server
from bot.discord.interaction.services import Services
from bot.discord.views.custom_ids import is_known

log = structlog.get_logger(__name__)

CONNECTIONS = 40
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    attach_files=True,
    create_public_threads=True,  # for members whose pictures go to a thread of their own
    read_message_history=True,  # to find its own earlier message before posting it again
    use_application_commands=True,
)
"""The permissions that the bot needs on a server, and the only ones the invitation asks for."""


class ZimagineTree(app_commands.CommandTree[discord.AutoShardedClient]):
    """The command tree; works only on the servers that the settings allow."""

    services: Services
    in_flight: InFlightInteractions

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Reject interactions from direct messages and from other servers."""
        self.in_flight.begin()
        if self.services.serves(interaction.guild_id):
            return True
        if interaction.type is discord.InteractionType.application_command:
            await reject_server(interaction)
        else:
            await interaction.response.autocomplete([])
        return False

    async def on_error(
        self, interaction: Interaction, error: app_commands.AppCommandError, /
    ) -> None:
        """Pass every error to the central error handler."""
        await explain(interaction, error)


class ZimagineClient(discord.AutoShardedClient):
    """The client. It caches servers but no members or messages, so memory use stays flat for
    months."""

    def __init__(self, services: Services, sync_state: Path | None) -> None:
        # The bot does not use voice, so discord.py need not warn about missing voice libraries.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            intents=discord.Intents(guilds=True),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            # Two hundred simultaneous responses reuse these instead of doing two hundred TLS
            # handshakes.
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
        )
        self._sync_state = sync_state
        self._command_ids: dict[str, int] = {}
        self.tree = ZimagineTree(
            self,
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=False, private_channel=False
            ),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )
        self.in_flight = InFlightInteractions()
        self.tree.services = services
        self.tree.in_flight = self.in_flight
        self._members = [
            *generate_commands(services),
            *image_to_image_commands(services),
            *inspection_commands(services),
            settings_command(services),
            *help_commands(services, self._registered),
        ]
        menus = [*message_menus(services), image_to_image_menu(services)]
        hidden = [admin_commands(services), moderator_commands(services)]
        for command in [*self._members, *menus, *hidden]:
            self.tree.add_command(command)
        self.add_dynamic_items(button_class(services, self.in_flight))
        self.add_dynamic_items(staged_button_class(services, self.in_flight))

    async def setup_hook(self) -> None:
        """Register the commands with Discord if they have changed."""
        assert self.application_id is not None
        self._command_ids = await sync_commands(self.tree, self.application_id, self._sync_state)

    async def on_interaction(self, interaction: Interaction) -> None:
        """Handle submitted forms, and answer presses of buttons that the bot did not make."""
        is_press = interaction.type is discord.InteractionType.component
        if not is_press and interaction.type is not discord.InteractionType.modal_submit:
            return
        custom_id = str((interaction.data or {}).get("custom_id", ""))
        if is_press and is_known(custom_id):
            return  # discord.py hands it to its DynamicItem
        self.in_flight.begin()
        try:
            if is_press:
                await reject_foreign_press(interaction)
            else:
                await submit(interaction, self.tree.services, custom_id)
        except Exception as error:
            await explain(interaction, error)

    async def on_ready(self) -> None:
        """Log that the connection is up, also after a reconnect."""
        log.info("online", user=str(self.user), servers=len(self.guilds))

    def _registered(self) -> list[tuple[app_commands.Command[Any, ..., None], int | None]]:
        return [(each, self._command_ids.get(each.name)) for each in self._members]


def create_client(services: Services, sync_state: Path | None = None) -> ZimagineClient:
    """Create a client that is ready to be started on the running loop.

    sync_state: the file that remembers the last command sync.
    """
    return ZimagineClient(services, sync_state)


def invitation(application_id: int) -> str:
    """Return the URL that adds the bot to a server with exactly the permissions it needs."""
    return discord.utils.oauth_url(
        application_id, permissions=PERMISSIONS, scopes=("bot", "applications.commands")
    )
