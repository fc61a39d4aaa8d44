"""The Discord client: intents, command tree and persistent buttons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import aiohttp
import discord
import structlog
from discord import app_commands
from discord.http import Route

from bot.accounts.server_languages import ServerLanguages
from bot.discord.command_sync import (
    OWNER_COMMANDS,
    ids_of_runnable,
    sync_commands,
    sync_owner_commands,
)
from bot.discord.commands.admin import admin_commands
from bot.discord.commands.context_menus import message_menus
from bot.discord.commands.generate import generate_commands
from bot.discord.commands.help import MemberCommand, help_commands
from bot.discord.commands.image_to_image import image_to_image_commands, image_to_image_menu
from bot.discord.commands.inspection import inspection_commands
from bot.discord.commands.me import me_command
from bot.discord.commands.moderation import moderator_commands
from bot.discord.commands.owner import owner_commands
from bot.discord.commands.presets import preset_commands
from bot.discord.commands.privacy import privacy_commands
from bot.discord.commands.settings import settings_command
from bot.discord.handlers.bot_mentions import BotMentions
from bot.discord.handlers.image_to_image import staged_button_class
from bot.discord.handlers.router import button_class, submit
from bot.discord.handlers.setup import welcome
from bot.discord.interaction.auditing import audit_command
from bot.discord.interaction.error_handler import explain
from bot.discord.interaction.in_flight import InFlightInteractions
from bot.discord.interaction.responses import Interaction, reject_foreign_press, reject_server
from bot.discord.interaction.services import Services
from bot.discord.interaction.shared_servers import shared_servers
from bot.discord.interaction.unknown_commands import problem_of, reject_command
from bot.discord.leftover_commands import LeftoverCommands
from bot.discord.views.custom_ids import is_known
from bot.proxies import Proxies, Proxy, proxy_auth

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
    leftovers: LeftoverCommands

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Reject interactions from direct messages and from other servers, and commands that the
        bot does not have."""
        self.in_flight.begin()
        try:
            return await self._accepts(interaction)
        except Exception as error:
            # discord.py would let it go unnoticed.
            await explain(interaction, error, self.services)
            return False

    async def _accepts(self, interaction: Interaction) -> bool:
        whole = interaction.type is discord.InteractionType.application_command
        data = cast("Mapping[str, Any]", interaction.data or {})
        if self.services.serves(interaction.guild_id) or self._is_owners(interaction, data):
            problem = problem_of(self, data, whole=whole)
            if problem is None:
                if whole:
                    audit_command(interaction, self.services)
                return True
            await reject_command(interaction, problem)
            self.leftovers.look_soon(filter(None, [interaction.guild_id]))
        elif whole:
            servers: tuple[str, ...] = ()
            if interaction.guild_id is None:
                servers = await shared_servers(self.client, self.services, interaction.user.id)
            await reject_server(interaction, servers)
        else:
            await interaction.response.autocomplete([])
        return False

    def _is_owners(self, interaction: Interaction, data: Mapping[str, Any]) -> bool:
        """Return whether this is an owners' command, on the server that has them."""
        here = interaction.guild_id is not None and (
            interaction.guild_id == self.services.owner_server
        )
        return here and str(data.get("name")) in OWNER_COMMANDS

    async def on_error(
        self, interaction: Interaction, error: app_commands.AppCommandError, /
    ) -> None:
        """Pass every error to the central error handler."""
        await explain(interaction, error, self.services)


class ZimagineClient(discord.AutoShardedClient):
    """The client. It caches servers but no members or messages, so memory use stays flat for
    months."""

    def __init__(
        self,
        services: Services,
        sync_state: Path | None,
        *,
        owner_sync_state: Path | None,
        answer_mentions: bool,
        proxy: Proxy | None,
        remove_old_commands: bool,
        welcomes: bool,
        http_trace: aiohttp.TraceConfig | None,
    ) -> None:
        # The bot does not use voice, so discord.py need not warn about missing voice libraries.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            # Messages are only received where mentions are to be answered. The intent is not
            # privileged: their text comes only with those that mention the bot.
            intents=discord.Intents(guilds=True, guild_messages=answer_mentions),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            # Two hundred simultaneous responses reuse these instead of doing two hundred TLS
            # handshakes.
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            # discord.py uses it for requests, for interactions' tokens and for the gateway. It
            # never looks at the environment, and aiohttp would not for a gateway's wss://.
            proxy=None if proxy is None else proxy.url,
            proxy_auth=None if proxy is None else proxy_auth(proxy),
            http_trace=http_trace or aiohttp.TraceConfig(),
        )
        self._sync_state = sync_state
        self._welcomes = welcomes
        self._owner_sync_state = owner_sync_state
        self._command_ids: Mapping[str, int] = {}
        mentions = BotMentions(services, lambda: self.command_ids)
        self._mentions = mentions if answer_mentions else None
        self.tree = ZimagineTree(
            self,
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=False, private_channel=False
            ),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )
        self.in_flight = InFlightInteractions()
        self.leftovers = self.tree.leftovers = LeftoverCommands(
            self.tree, remove_all=remove_old_commands
        )
        self.tree.services = services
        self.tree.in_flight = self.in_flight
        self._members: list[MemberCommand] = [
            *generate_commands(services),
            *image_to_image_commands(services),
            *inspection_commands(services),
            settings_command(services),
            preset_commands(services),
            me_command(services),
            privacy_commands(services),
            *help_commands(services, lambda: self._members),
        ]
        menus = [*message_menus(services), image_to_image_menu(services)]
        hidden = [admin_commands(services), moderator_commands(services)]
        for command in [*self._members, *menus, *hidden]:
            self.tree.add_command(command)
        if services.owner_server is not None:
            server = discord.Object(services.owner_server)
            self.tree.add_command(owner_commands(services), guild=server)
        self.add_dynamic_items(button_class(services, self.in_flight))
        self.add_dynamic_items(staged_button_class(services, self.in_flight))

    @property
    def languages(self) -> ServerLanguages:
        """The languages that admins chose for their servers."""
        return self.tree.services.languages

    @property
    def command_ids(self) -> Mapping[str, int]:
        """The id of each command that can be run, by its name after those of its groups."""
        return self._command_ids

    async def setup_hook(self) -> None:
        """Register the commands with Discord if they have changed."""
        assert self.application_id is not None
        ids = await sync_commands(self.tree, self.application_id, self._sync_state)
        self._command_ids = ids_of_runnable(self.tree.walk_commands(), ids)
        await self._sync_owner_commands()

    async def _sync_owner_commands(self) -> None:
        assert self.application_id is not None
        await sync_owner_commands(
            self.tree,
            self.application_id,
            self.tree.services.owner_server,
            self._owner_sync_state,
        )

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
            await explain(interaction, error, self.tree.services)

    async def on_message(self, message: discord.Message) -> None:
        """Answer a mention of the bot, where the owner wants that."""
        if self._mentions is not None and self.user is not None:
            await self._mentions.answer(message, self.user.id)

    async def on_ready(self) -> None:
        """Log that the connection is up, also after a reconnect."""
        log.info("online", user=str(self.user), servers=len(self.guilds))
        await self.tree.services.departures.compare([guild.id for guild in self.guilds])
        served = self.tree.services.guilds() or [guild.id for guild in self.guilds]
        self.leftovers.look_soon(served)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Look at a new server, where an earlier program may have left commands, or welcome one
        back whose data is still there; and show it the setup panel."""
        if guild.id == self.tree.services.owner_server:
            await self._sync_owner_commands()
        served = self.tree.services.serves(guild.id)
        if served:
            self.leftovers.look_soon([guild.id])
        await self.tree.services.departures.returned(guild.id)
        if served and self._welcomes:
            await welcome(self, guild, self.tree.services)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Begin the time after which a server is erased. An outage is not reported here."""
        await self.tree.services.departures.left(guild.id)


def create_client(
    services: Services,
    sync_state: Path | None = None,
    *,
    owner_sync_state: Path | None = None,
    answer_mentions: bool = False,
    proxies: Proxies | None = None,
    remove_old_commands: bool = False,
    welcomes: bool = True,
    http_trace: aiohttp.TraceConfig | None = None,
) -> ZimagineClient:
    """Create a client that is ready to be started on the running loop.

    sync_state: the file that remembers the last command sync. owner_sync_state: that of the owners'
    commands. answer_mentions: whether a mention of
    the bot is answered, for which Discord sends it every message of its servers. proxies: the
    gateway is reached by the same one as Discord's API. remove_old_commands: whether commands of
    other programs are removed from servers. welcomes: whether a server that adds the bot is shown
    the setup panel. http_trace: what observes the client's requests.
    Raises ProxyRefused.
    """
    return ZimagineClient(
        services,
        sync_state,
        owner_sync_state=owner_sync_state,
        answer_mentions=answer_mentions,
        proxy=None if proxies is None else proxies.for_url(Route.BASE),
        remove_old_commands=remove_old_commands,
        welcomes=welcomes,
        http_trace=http_trace,
    )


def invitation(application_id: int) -> str:
    """Return the URL that adds the bot to a server with exactly the permissions it needs."""
    return discord.utils.oauth_url(
        application_id, permissions=PERMISSIONS, scopes=("bot", "applications.commands")
    )
