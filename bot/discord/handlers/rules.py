"""Importing the rules of a server: the question, and its answers."""

from __future__ import annotations

import discord

from bot.accounts.rules.administration import Existing
from bot.discord.interaction.ranks import reach_of
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refusal_text,
    refuse,
    reject_foreign_press,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.permutations import closed_layout
from bot.discord.views.rules import import_question_layout
from bot.request.outcomes import Refused
from bot.wording.rule_lists import rules_imported


def existing_on(guild: discord.Guild | None) -> Existing | None:
    """Return the roles and channels of a server; None while Discord does not say."""
    if guild is None or guild.unavailable:
        return None
    return Existing(
        frozenset(each.id for each in guild.roles), frozenset(each.id for each in guild.channels)
    )


async def ask_import(interaction: Interaction, services: Services, data: bytes) -> None:
    """Answer a deferred /admin rules import with what the file would change."""
    existing, reach = existing_on(interaction.guild), reach_of(interaction)
    question = await services.rule_imports.ask(actor_of(interaction), data, existing, reach)
    if isinstance(question, Refused):
        await refuse(interaction, question)
    else:
        view = import_question_layout(question, words_of(interaction))
        await interaction.edit_original_response(view=view, allowed_mentions=NO_MENTIONS)


async def import_rules(interaction: Interaction, services: Services, question_id: int) -> None:
    """Import the file that the question was about; the outcome takes the place of the question."""
    if not _is_question(interaction):
        await reject_foreign_press(interaction)
        return
    await interaction.response.defer()
    existing, reach = existing_on(interaction.guild), reach_of(interaction)
    done = await services.rule_imports.accept(actor_of(interaction), question_id, existing, reach)
    if isinstance(done, Refused):
        text = refusal_text(interaction, done)
    else:
        text = rules_imported(done, words_of(interaction))
    await interaction.edit_original_response(view=closed_layout(text), allowed_mentions=NO_MENTIONS)


async def keep(interaction: Interaction, _services: Services, _question_id: int) -> None:
    """Close the question."""
    if not _is_question(interaction):
        await reject_foreign_press(interaction)
        return
    view = closed_layout(words_of(interaction)("Nothing was changed."))
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)


def _is_question(interaction: Interaction) -> bool:
    """Return whether the pressed button is on an answer that only the admin sees; a message that
    others can see is never replaced."""
    return interaction.message is not None and interaction.message.flags.ephemeral
