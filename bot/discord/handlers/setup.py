"""The setup panel: on a server that the bot has just joined, and by command."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import discord
import structlog

from bot.accounts.delivery_settings import SettingChange, SettingChanges
from bot.accounts.quota_settings import EVERYBODY
from bot.administration.setup import SetupState
from bot.discord.handlers import log_channels
from bot.discord.handlers.log_channels import menu_ids, menu_values
from bot.discord.interaction.command_links import linking_words, words_for
from bot.discord.interaction.ranks import reach_of
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refuse,
    reject_foreign_press,
    reply_layout_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.setup import DEFAULT, quota_of, setup_layout
from bot.i18n import LANGUAGES
from bot.request.outcomes import Refused
from bot.request.reasons.rules import EverybodyAdmin, SubjectGone
from bot.wording.knowledge import prompt_ideas
from bot.wording.names import command_name
from storage.errors import StorageError
from storage.log_entries import LogEvent

log = structlog.get_logger(__name__)


async def show(interaction: Interaction, services: Services) -> None:
    """Answer /admin setup with the panel."""
    state = await services.administration.setup.shown_to(actor_of(interaction))
    if isinstance(state, Refused):
        await refuse(interaction, state)
        return
    say = words_of(interaction)
    ideas = prompt_ideas(services.models.default.family, say)
    shown = _existing(state, interaction.guild)
    await reply_layout_privately(interaction, setup_layout(shown, ideas, say))


async def choose_reports(interaction: Interaction, services: Services, _row_id: int) -> None:
    """Choose the channel of reports; none chosen is none."""
    text = await log_channels.choose_picked(interaction, services, LogEvent.REPORTS)
    if text is not None:
        await _update(interaction, services, text)


async def choose_roles(interaction: Interaction, services: Services, _row_id: int) -> None:
    """Choose the roles that may use the admin commands, in place of those that could."""
    roles, guild = frozenset(menu_ids(interaction)), interaction.guild
    if interaction.guild_id in roles:
        await refuse(interaction, Refused(EverybodyAdmin()))
        return
    known = guild is None or guild.unavailable or all(map(guild.get_role, roles))
    if not known:
        await refuse(interaction, Refused(SubjectGone()))
        return
    actor, reach = actor_of(interaction), reach_of(interaction)
    done = await services.rules.set_admin_roles(actor, roles, reach)
    if isinstance(done, Refused):
        await refuse(interaction, done)
    else:
        await _update(interaction, services)


async def choose_language(interaction: Interaction, services: Services, _row_id: int) -> None:
    """Choose the server's language."""
    values = menu_values(interaction)
    if not values or values[0] not in (DEFAULT, *LANGUAGES):
        await reject_foreign_press(interaction)
        return
    change: SettingChange[str] = SettingChange(None if values[0] == DEFAULT else values[0])
    done = await services.delivery_settings.set_server(
        actor_of(interaction), SettingChanges(language=change)
    )
    if isinstance(done, Refused):
        await refuse(interaction, done)
    else:
        await _update(interaction, services)


async def choose_quota(interaction: Interaction, services: Services, _row_id: int) -> None:
    """Choose the quota of members without one of their own."""
    actor, values = actor_of(interaction), menu_values(interaction)
    try:
        quota = quota_of(values[0]) if values else None
    except ValueError:  # another version had it
        await reject_foreign_press(interaction)
        return
    done = (
        await services.quotas.clear(actor, EVERYBODY)
        if quota is None
        else await services.quotas.set(actor, EVERYBODY, quota)
    )
    if isinstance(done, Refused):
        await refuse(interaction, done)
    else:
        await _update(interaction, services)


async def welcome(client: discord.Client, guild: discord.Guild, services: Services) -> None:
    """Show the panel to a server that the bot has just joined.

    In its system channel, else in the first channel where the bot may write; if there is none, its
    owner is told by direct message how to go on. Nothing is raised: the command shows the panel,
    too.
    """
    locale = services.languages.of(guild.id, str(guild.preferred_locale))
    say = linking_words(client, guild.id, locale)
    try:
        channel = _first_writable(guild)
        if channel is not None:
            ideas = prompt_ideas(services.models.default.family, say)
            state = _existing(await services.administration.setup.of(guild.id), guild)
            view = setup_layout(state, ideas, say)
            await channel.send(view=view, allowed_mentions=NO_MENTIONS)
        elif guild.owner_id is not None:
            text = say(
                "Thank you for adding me to {server}. I may not write in any channel there: please "
                "let me, and choose what matters first with {command}.",
                server=discord.utils.escape_markdown(guild.name),
                command=command_name("admin setup", say),  # the owner reads it elsewhere
            )
            owner = await client.create_dm(discord.Object(guild.owner_id))
            await owner.send(text)
    except (discord.DiscordException, aiohttp.ClientError, OSError, StorageError) as error:
        log.warning("not welcomed", guild=guild.id, detail=str(error)[:200])


def _first_writable(guild: discord.Guild) -> discord.TextChannel | None:
    """Return where the panel is posted; None if the bot may write nowhere."""
    system = [] if guild.system_channel is None else [guild.system_channel]
    for channel in (*system, *guild.text_channels):
        can = channel.permissions_for(guild.me)
        if can.view_channel and can.send_messages:
            return channel
    return None


def _existing(state: SetupState, guild: discord.Guild | None) -> SetupState:
    """Return the choices without roles that were deleted since, as far as Discord says."""
    if guild is None or guild.unavailable:
        return state
    roles = frozenset(each for each in state.admin_roles if guild.get_role(each) is not None)
    return replace(state, admin_roles=roles)


async def _update(interaction: Interaction, services: Services, notice: str = "") -> None:
    """Show what is chosen now, in the language of whoever the panel is for."""
    actor, pressed = actor_of(interaction), interaction.message
    private = pressed is None or pressed.flags.ephemeral
    say = words_for(interaction, actor.locale_for(private=private))
    view = setup_layout(
        _existing(await services.administration.setup.of(actor.guild_id), interaction.guild),
        prompt_ideas(services.models.default.family, say),
        say,
        notice or say("Saved."),
    )
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)
