"""Pure: the setup panel of a server, which is updated in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import discord
from discord import ui

from bot.accounts.quota_settings import TypedQuota
from bot.administration.setup import SetupState
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.help import first_picture
from bot.discord.views.log_channels import channel_menu
from bot.discord.views.markdown import layout, small_print
from bot.i18n import LANGUAGES, Words
from bot.wording.log_channels import channel_problem
from bot.wording.names import command_link
from bot.wording.quotas import allowed_pictures
from storage.types import PolicySource

DEFAULT: Final = "default"
"""The value of an option that takes a choice back."""
UNLIMITED: Final = "unlimited"
PER_DAY: Final = (5, 10, 20, 50, 100)
"""Pictures per member and day that are offered. Chosen by hand."""
ROLES: Final = 25
"""How many roles a menu of Discord can have chosen. Where more may administer, only the command
changes them."""


def setup_layout(
    state: SetupState, ideas: Sequence[str], say: Words, notice: str = ""
) -> ui.LayoutView:
    """Show the first choices of a server with a menu for each, and prompts to begin with.

    notice: the outcome of a choice, shown first.
    """
    welcome = say(
        "I paint pictures from words: {command} and a description are enough. With Manage Server, "
        "you choose here what matters first; everything can be changed later.",
        command=command_link("imagine", say),
    )
    return layout(
        *([ui.TextDisplay[ui.LayoutView](notice), ui.Separator()] if notice else []),
        ui.TextDisplay(welcome),
        ui.Separator(),
        _heading(say("Reported pictures"), "admin log", say, channel_problem(state.reports, say)),
        ui.ActionRow(_reports(state, say)),
        _heading(say("Language"), "admin settings server", say),
        ui.ActionRow(_languages(state, say)),
        _heading(say("Quota of each member"), "admin quota set", say),
        ui.ActionRow(_quotas(state, say)),
        _heading(say("Who may do that"), "admin access role", say, _who(say)),
        *([ui.ActionRow(_roles(state, say))] if len(state.admin_roles) <= ROLES else []),
        ui.Separator(),
        *first_picture(ideas, say),
    )


def quota_of(value: str) -> TypedQuota | None:
    """Return the quota that an option stands for; None for the bot's default.

    ValueError for any other text.
    """
    if value == DEFAULT:
        return None
    if value == UNLIMITED:
        return TypedQuota(limit="unlimited")
    pictures = int(value)
    if pictures not in PER_DAY:
        raise ValueError(f"{pictures} is no quota of the panel")
    return TypedQuota(pictures, daily=True)


def _heading(title: str, command: str, say: Words, more: str = "") -> ui.TextDisplay[ui.LayoutView]:
    later = say("Later with {command}", command=command_link(command, say))
    return ui.TextDisplay("\n".join(filter(None, [f"**{title}**", more, small_print(later)])))


def _reports(state: SetupState, say: Words) -> ui.ChannelSelect[ui.LayoutView]:
    chosen = None if state.reports is None else state.reports.channel_id
    placeholder = say("The channel for reports, best one of moderators alone")
    return channel_menu(ComponentAction.SETUP_REPORTS, 0, chosen, placeholder)


def _roles(state: SetupState, say: Words) -> ui.RoleSelect[ui.LayoutView]:
    return ui.RoleSelect(
        custom_id=custom_id(ComponentAction.SETUP_ROLES, 0),
        placeholder=say("Roles that may use the admin commands, too"),
        min_values=0,
        max_values=ROLES,
        default_values=[
            discord.SelectDefaultValue(id=each, type=discord.SelectDefaultValueType.role)
            for each in sorted(state.admin_roles)
        ],
    )


def _languages(state: SetupState, say: Words) -> ui.Select[ui.LayoutView]:
    options = [
        discord.SelectOption(label=name, value=locale, default=state.language == locale)
        for locale, name in LANGUAGES.items()
    ]
    usual = discord.SelectOption(
        label=say("As Discord says"), value=DEFAULT, default=state.language not in LANGUAGES
    )
    return ui.Select(
        custom_id=custom_id(ComponentAction.SETUP_LANGUAGE, 0), options=[usual, *options]
    )


def _quotas(state: SetupState, say: Words) -> ui.Select[ui.LayoutView]:
    quota = state.quota
    own = quota.source is not PolicySource.CONFIG
    options = [
        discord.SelectOption(
            label=say("The bot's default"),
            value=DEFAULT,
            default=not own,
            description=None if own else allowed_pictures(quota, say),
        )
    ]
    for pictures in PER_DAY:
        label = say.plural("{n} picture a day", "{n} pictures a day", pictures)
        chosen = own and quota.hours is None and quota.pictures == pictures
        options.append(discord.SelectOption(label=label, value=str(pictures), default=chosen))
    endless = own and quota.pictures is None
    options.append(discord.SelectOption(label=say("Unlimited"), value=UNLIMITED, default=endless))
    return ui.Select(
        custom_id=custom_id(ComponentAction.SETUP_QUOTA, 0),
        placeholder=allowed_pictures(quota, say),
        options=options,
    )


def _who(say: Words) -> str:
    admins = say(
        "Members with Manage Server use {admin}; those with Manage Messages decide reports and "
        "use {moderation}.",
        admin=command_link("admin", say),
        moderation=command_link("moderation", say),
    )
    fewer = say(
        "In the server settings under Integrations, each command can be taken from roles, members "
        "and channels."
    )
    return f"{admins}\n{small_print(fewer)}"
