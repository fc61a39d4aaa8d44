"""What is stored of members: showing it, handing it out, and erasing it after a question."""

from __future__ import annotations

import discord

from bot.discord.interaction.ranks import is_out_of_reach
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refusal_text,
    refuse,
    reply_layout_privately,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.attachments import archive_file
from bot.discord.views.permutations import closed_layout
from bot.discord.views.privacy import member_question_layout, own_question_layout
from bot.request.outcomes import Refused
from bot.wording import privacy
from bot.wording.exports import export_failed
from bot.wording.names import command_link
from storage.errors import StorageError


async def show_info(interaction: Interaction, services: Services) -> None:
    """Answer /privacy info."""
    counts = await services.erasure.stored(interaction.user.id)
    await reply_privately(interaction, privacy.own_data(counts, words_of(interaction)))


async def export_data(interaction: Interaction, services: Services) -> None:
    """Answer /privacy export with one message for each zip."""
    say = words_of(interaction)
    if not interaction.app_permissions.attach_files:
        text = say(
            "I may not attach files in this channel. Please use {command} in another one.",
            command=command_link("privacy export", say),
        )
        await reply_privately(interaction, text)
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    sent, rows, refused = 0, 0, False
    try:
        parts = services.data_export.parts(interaction.user.id, interaction.filesize_limit)
        async for part in parts:
            if not part.rows:
                break
            if not sent:  # otherwise the first zip would take the place of this message
                await interaction.edit_original_response(content=say("Your zips are being made."))
            try:
                await interaction.followup.send(
                    file=archive_file(part.name, part.file),
                    ephemeral=True,
                    allowed_mentions=NO_MENTIONS,
                )
            except discord.HTTPException as error:
                if error.status not in (403, 413):
                    raise
                refused = True
                break
            sent, rows = sent + 1, rows + part.rows
        done = privacy.export_done(rows, say)
        text = export_failed(sent, say, refused=True) if refused else done
    except StorageError:
        text = export_failed(sent, say)
    await interaction.edit_original_response(content=text, allowed_mentions=NO_MENTIONS)


async def ask_own(interaction: Interaction, services: Services) -> None:
    """Answer /privacy erase with a question."""
    counts = await services.erasure.stored(interaction.user.id)
    await reply_layout_privately(interaction, own_question_layout(counts, words_of(interaction)))


async def ask_member(interaction: Interaction, services: Services, who: discord.User) -> None:
    """Answer /admin erase user with a question."""
    out_of_reach = await is_out_of_reach(interaction, who.id, who)
    question = await services.erasure.ask(actor_of(interaction), who.id, out_of_reach=out_of_reach)
    if isinstance(question, Refused):
        await refuse(interaction, question)
    else:
        view = member_question_layout(question, words_of(interaction))
        await reply_layout_privately(interaction, view)


async def erase_own(interaction: Interaction, services: Services, _row_id: int) -> None:
    """Erase the member who pressed; the outcome takes the place of the question."""
    await interaction.response.defer()
    done = await services.erasure.erase_own(actor_of(interaction))
    await _close(interaction, privacy.own_erased(done, words_of(interaction)))


async def erase_member(interaction: Interaction, services: Services, question_id: int) -> None:
    """Erase the member whom the question was about, from this server."""
    actor = actor_of(interaction)
    user_id = await services.erasure.asked_about(actor, question_id)
    if isinstance(user_id, Refused):
        await refuse(interaction, user_id)
        return
    out_of_reach = await is_out_of_reach(interaction, user_id)
    await interaction.response.defer()
    done = await services.erasure.erase_member(actor, question_id, out_of_reach=out_of_reach)
    if isinstance(done, Refused):
        await _close(interaction, refusal_text(interaction, done))
    else:
        await _close(interaction, privacy.member_erased(done, words_of(interaction)))


async def keep(interaction: Interaction, _services: Services, _row_id: int) -> None:
    """Close the question."""
    view = closed_layout(words_of(interaction)("Nothing was erased."))
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)


async def _close(interaction: Interaction, text: str) -> None:
    await interaction.edit_original_response(view=closed_layout(text), allowed_mentions=NO_MENTIONS)
