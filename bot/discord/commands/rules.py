"""/admin rules and /admin access: who may paint where and with what, and who decides it.

Permissions are checked again. Descriptions are short: Discord limits all texts of /admin together.
"""

from __future__ import annotations

from typing import Any, Final

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.accounts.rules.administration import kind_of
from bot.accounts.rules.decision import MemberFacts
from bot.accounts.rules.imports import MAX_FILE_KIB
from bot.accounts.rules.values import ALL, NONE, WORDS
from bot.discord.commands.options import CHOICES, RuledPlace
from bot.discord.handlers.rules import ask_import, existing_on
from bot.discord.interaction.downloads import file_content
from bot.discord.interaction.ranks import reach_of
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    refuse,
    reply_outcome,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.attachments import text_file
from bot.i18n import Words
from bot.request.outcomes import Refused
from bot.request.reasons.rules import (
    EverybodyAdmin,
    RulesFileTooLarge,
    SubjectGone,
    TwoSubjects,
)
from bot.wording import rule_lists as wording
from bot.wording.rules import KINDS
from engine.diffusion.families import Speed
from storage.access_rules import WHOLE_SERVER, RuleKind, RuleScope, RuleSubject

FETCH_LIMIT_S: Final = 30.0
"""How long the download of a file may take, whose answer is announced first. Chosen by hand."""
FILE_NAME: Final = "rules.json"
_VALUE_CHARS: Final = 1500
_CHOICE_CHARS: Final = 100
_SUGGESTED: Final = {
    RuleKind.SIZE: ("512x512", "768x768", "1024x1024", "1536x1536"),
    RuleKind.STEPS: ("4", "8", "20", "30"),
    RuleKind.COUNT: ("1", "2", "4"),
    RuleKind.PENDING: ("1", "2", "5"),
    RuleKind.COOLDOWN: ("0", "10", "30", "60", "300"),
}
"""Values that are suggested. Chosen by hand."""

Who = discord.User | discord.Role
What = Range[str, 1, 40]
Value = Range[str, 1, _VALUE_CHARS]

_FOR: Final = locale_str("For a member or role")
_IN: Final = locale_str("For a channel or category")


def admin_rules(services: Services) -> app_commands.Group:
    """Return the group /admin rules, bound to these services."""
    group = app_commands.Group(
        name="rules", description=locale_str("Who may paint where, and with what")
    )
    for command in (_set(services), _remove(services), _why(services), *_files(services)):
        group.add_command(command)
        if any(each.name == "what" for each in command.parameters):
            command.autocomplete("what")(_suggest_kinds)

    @group.command(name="list", description=locale_str("See all rules"))
    async def list_(interaction: Interaction) -> None:
        existing = existing_on(interaction.guild)
        outcome = await services.rules.listing(actor_of(interaction), existing)
        await reply_outcome(interaction, outcome, wording.rule_listing)

    return group


def admin_access(services: Services) -> app_commands.Group:
    """Return the group /admin access, bound to these services."""
    group = app_commands.Group(name="access", description=locale_str("Who may use these commands"))

    @group.command(name="role", description=locale_str("Let a role use these commands"))
    @app_commands.describe(
        role=locale_str("The role"), remove=locale_str("Whether to take it away again")
    )
    async def role_(interaction: Interaction, role: discord.Role, remove: bool = False) -> None:
        subject = services.rules.refusal(actor_of(interaction)) or _subject(role, None)
        if isinstance(subject, Refused) or subject == WHOLE_SERVER:
            refused = subject if isinstance(subject, Refused) else Refused(EverybodyAdmin())
            await refuse(interaction, refused)
            return
        outcome = await services.rules.set_admin_role(
            actor_of(interaction), role.id, not remove, reach_of(interaction)
        )
        await reply_outcome(interaction, outcome, wording.admin_role_changed)

    return group


def _set(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(name="set", description=locale_str("Set a rule"))
    @app_commands.describe(
        what=locale_str("What it decides"),
        value=locale_str("What it says"),
        who=_FOR,
        where=_IN,
    )
    async def set_(
        interaction: Interaction,
        what: What,
        value: Value,
        who: Who | None = None,
        where: RuledPlace | None = None,
    ) -> None:
        subject = services.rules.refusal(actor_of(interaction)) or _subject(who, where)
        if isinstance(subject, Refused):
            await refuse(interaction, subject)
            return
        outcome = await services.rules.set(
            actor_of(interaction), subject, what, value, reach_of(interaction)
        )
        await reply_outcome(interaction, outcome, wording.rule_changed)

    @set_.autocomplete("value")
    async def suggest_values(interaction: Interaction, current: str) -> list[Choice[str]]:
        kind = kind_of(str(getattr(interaction.namespace, "what", "")))
        if kind is None or not services.serves(interaction.guild_id):
            return []
        found = await _values(interaction, services, kind, current)
        fitting = [each for each in found if len(each) <= _CHOICE_CHARS]
        return [Choice(name=each, value=each) for each in fitting[:CHOICES]]

    return set_


def _remove(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(name="remove", description=locale_str("Remove rules"))
    @app_commands.describe(what=locale_str("Which one (default: all of them)"), who=_FOR, where=_IN)
    async def remove(
        interaction: Interaction,
        what: What | None = None,
        who: Who | None = None,
        where: RuledPlace | None = None,
    ) -> None:
        subject = services.rules.refusal(actor_of(interaction)) or _subject(who, where)
        if isinstance(subject, Refused):
            await refuse(interaction, subject)
            return
        outcome = await services.rules.remove(
            actor_of(interaction), subject, what, reach_of(interaction)
        )
        await reply_outcome(interaction, outcome, wording.rules_removed)

    return remove


def _why(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(name="why", description=locale_str("See which rules decide"))
    @app_commands.describe(
        who=locale_str("The member"), where=locale_str("The channel (default: this one)")
    )
    async def why(
        interaction: Interaction, who: discord.User, where: RuledPlace | None = None
    ) -> None:
        actor = actor_of(interaction)
        channel_id = actor.channel_id if actor.parent_id is None else actor.parent_id
        category_id = actor.category_id
        if where is not None:
            channel_id, category_id = where.id, getattr(where, "category_id", None)
        channels = (channel_id,) if category_id is None else (channel_id, category_id)
        roles = frozenset(each.id for each in getattr(who, "roles", ()))
        outcome = await services.rules.why(actor, MemberFacts(who.id, roles, channels))
        await reply_outcome(interaction, outcome, wording.rule_reasons)

    return why


def _files(services: Services) -> list[app_commands.Command[Any, ..., None]]:
    @app_commands.command(description=locale_str("Get all rules as a file"))
    async def export(interaction: Interaction) -> None:
        guild = interaction.guild

        def name_of(subject: RuleSubject) -> str | None:
            if guild is None or subject.scope not in (RuleScope.ROLE, RuleScope.CHANNEL):
                return None
            is_role = subject.scope is RuleScope.ROLE
            found = guild.get_role(subject.id) if is_role else guild.get_channel(subject.id)
            return None if found is None else found.name

        outcome = await services.rules.export(actor_of(interaction), existing_on(guild), name_of)
        if isinstance(outcome, Refused):
            await refuse(interaction, outcome)
            return
        say = words_of(interaction)
        file = text_file(FILE_NAME, outcome.encode())
        await reply_privately(interaction, say("The rules of this server:"), [file])

    @app_commands.command(name="import", description=locale_str("Replace all rules by a file"))
    @app_commands.describe(file=locale_str("A file of rules"))
    async def import_(interaction: Interaction, file: discord.Attachment) -> None:
        refused = services.rules.refusal(actor_of(interaction))
        if refused is None and file.size > MAX_FILE_KIB * 1024:
            refused = Refused(RulesFileTooLarge(MAX_FILE_KIB))
        if refused is not None:
            await refuse(interaction, refused)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        data = await file_content(file, FETCH_LIMIT_S)
        if isinstance(data, Refused):
            await refuse(interaction, data)
        else:
            await ask_import(interaction, services, data)

    return [export, import_]


async def _suggest_kinds(interaction: Interaction, current: str) -> list[Choice[str]]:
    """Suggest what rules decide, by its name in the reader's language."""
    say: Words = words_of(interaction)
    found = {each: say(KINDS[each]) for each in RuleKind}
    typed = current.strip().casefold()
    return [
        Choice(name=label, value=kind.value)
        for kind, label in found.items()
        if typed in label.casefold() or typed in kind
    ]


async def _values(
    interaction: Interaction, services: Services, kind: RuleKind, current: str
) -> list[str]:
    """Return values that a rule of this kind can have, those that have the typed text."""
    actor, typed = actor_of(interaction), current.strip().casefold()
    match kind:
        case RuleKind.MODELS | RuleKind.LORAS:
            *chosen, last = current.split(",")
            if kind is RuleKind.MODELS:
                names = [each.name for each in services.model_access.to_choose_from(actor, last)]
            else:
                found = await services.lora_access.to_choose_from(actor, last)
                names = [each.name for each in found]
            before = [each.strip() for each in chosen]
            words = [each for each in (ALL, NONE) if not before and typed in each]
            return [*words, *(", ".join([*before, name]) for name in names)]
        case RuleKind.PAINT | RuleKind.PRIVATE | RuleKind.SPOILER:
            values = list(WORDS[kind])
        case RuleKind.SPEED:
            values = [each.value for each in Speed]
        case _:
            values = list(_SUGGESTED[kind])
    return [each for each in values if typed in each]


def _subject(
    who: discord.User | discord.Member | discord.Role | None, where: RuledPlace | None
) -> RuleSubject | Refused:
    """Return for whom or where a rule holds: nobody chosen, or @everyone, is the server."""
    if who is not None and where is not None:
        return Refused(TwoSubjects())
    if where is not None:
        return RuleSubject(RuleScope.CHANNEL, where.id)
    if who is None:
        return WHOLE_SERVER
    if isinstance(who, discord.Role):
        if who.is_default():
            return WHOLE_SERVER
        if not who.guild.unavailable and who.guild.get_role(who.id) is None:
            return Refused(SubjectGone())
        return RuleSubject(RuleScope.ROLE, who.id)
    if not isinstance(who, discord.User | discord.Member):  # Discord no longer knows it
        return Refused(SubjectGone())
    return RuleSubject(RuleScope.USER, who.id)
