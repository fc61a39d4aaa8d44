"""Sentences about settings, token and clock, and about what Discord says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.diagnosis.findings import Code
from bot.i18n import translatable
from bot.wording.diagnosis.phrase import Phrase

_COPY: Final = translatable(
    "Copy it again from Bot, Reset Token, in Discord's developer portal, without anything before "
    "or behind it."
)

SETTINGS: Final[Mapping[Code, Phrase]] = {
    Code.CONFIGURATION: Phrase(
        translatable("The settings in {file} and the environment are known and valid.")
    ),
    Code.NO_CONFIGURATION: Phrase(
        translatable("There is no configuration file: the defaults and the environment count.")
    ),
    Code.SETTING_INVALID: Phrase(
        translatable("The settings cannot be used. {sentence}"),
        translatable(
            "config.example.toml explains every setting. What depends on the settings was not "
            "checked."
        ),
    ),
    Code.SECRET_READABLE: Phrase(
        translatable("{file} holds a secret, and others on this machine can read it."),
        translatable("chmod 600 {file}"),
    ),
    Code.DATA_READABLE: Phrase(
        translatable("Others on this machine can list the data folder {folder}."),
        translatable("chmod 700 {folder}"),
    ),
    Code.TOKEN: Phrase(
        translatable("There is a bot token in the right form, for the application {application}.")
    ),
    Code.NO_TOKEN: Phrase(
        translatable(
            "There is no bot token: the playground and zimagine imagine need none, zimagine run "
            "does."
        ),
        translatable("Set DISCORD_TOKEN; the README says where to get one."),
    ),
    Code.TOKEN_MISSPELT: Phrase(
        translatable("There is no bot token; {variable} is not read."),
        translatable("Call the variable DISCORD_TOKEN."),
    ),
    Code.TOKEN_MALFORMED: Phrase(
        translatable("The bot token does not have the form of one."),
        _COPY,
    ),
    Code.PROXY: Phrase(translatable("Discord is reached through the proxy {url}.")),
    Code.PROXY_REFUSED: Phrase(
        translatable("The proxy cannot be used: {reason}."),
        translatable("Change proxy under [discord], or HTTPS_PROXY in the environment."),
    ),
    Code.PICTURE_CHECK: Phrase(translatable("Pictures are looked at by {name}.")),
    Code.PICTURE_CHECK_UNUSABLE: Phrase(
        translatable("The function {name} cannot look at pictures: {reason}."),
        translatable(
            "Change picture_check under [moderation] to the module and the name of a function, or "
            "remove it; Python has to find the module. Until then zimagine run does not start."
        ),
    ),
    Code.CLOCK: Phrase(translatable("The clock says {now}.")),
    Code.CLOCK_BEHIND: Phrase(
        translatable(
            "The clock says {now}, but zimagine was installed at {installed}: it is behind."
        ),
        translatable("Set the clock: timedatectl set-ntp true"),
    ),
    Code.CLOCK_BEHIND_DATABASE: Phrase(
        translatable(
            "The clock says {now}, but the database has a job from {newest}: the clock is behind, "
            "or was ahead."
        ),
        translatable("Set the clock: timedatectl set-ntp true"),
    ),
    Code.CHECK_FAILED: Phrase(
        translatable("A check broke off with {error} in {where}."),
        translatable("Please report that; the other findings stand."),
    ),
}

DISCORD: Final[Mapping[Code, Phrase]] = {
    Code.NOT_ASKED: Phrase(translatable("Discord was not asked; zimagine doctor --online does.")),
    Code.NOTHING_TO_ASK: Phrase(
        translatable("Discord was not asked: there is no usable token to ask with.")
    ),
    Code.APPLICATION: Phrase(
        translatable("Discord accepts the token: {name}, on {servers} servers.")
    ),
    Code.TOKEN_REFUSED: Phrase(translatable("Discord rejects the bot token."), _COPY),
    Code.UNREACHABLE: Phrase(
        translatable("Discord cannot be reached: {reason}."),
        translatable(
            "Check the connection; behind a firewall see docs/running.md, “Behind a firewall”."
        ),
    ),
    Code.NO_SERVERS: Phrase(
        translatable("The bot is on no server yet."),
        translatable("Open the link that zimagine invite prints."),
    ),
    Code.SERVER_MISSING: Phrase(
        translatable("The settings name the server {server}, and the bot is not on it."),
        translatable("Invite it there (zimagine invite), or change guilds under [discord]."),
    ),
    Code.SERVER: Phrase(
        translatable("On {servers} servers the bot has all permissions that it needs.")
    ),
    Code.PERMISSIONS_MISSING: Phrase(
        translatable("On the server {server} ({name}) the bot lacks permissions: {missing}."),
        translatable("Give them to its role, or open the link of zimagine invite again."),
    ),
    Code.COMMANDS: Phrase(
        translatable("Discord has the commands that the bot registered: {count}.")
    ),
    Code.COMMANDS_UNREGISTERED: Phrase(
        translatable("The bot has registered no commands from this data folder yet."),
        translatable("zimagine run does at its start."),
    ),
    Code.COMMANDS_STALE: Phrase(
        translatable("Discord has other commands than the bot registered last."),
        translatable("Restart the bot: it registers its own. One token is for one bot."),
    ),
    Code.COMMANDS_UNREADABLE: Phrase(
        translatable("The commands on the server {server} cannot be read."),
        translatable("Invite the bot again with the link of zimagine invite."),
    ),
    Code.LEFTOVER_COMMANDS: Phrase(
        translatable("An earlier program left commands on the server {server}: {names}."),
        translatable(
            "Set remove_old_commands = true under [discord] to remove them at the next start."
        ),
    ),
    Code.CLOCK_SKEW: Phrase(
        translatable("The clock is {seconds} s away from Discord's."),
        translatable("Set the clock: timedatectl set-ntp true"),
    ),
}
