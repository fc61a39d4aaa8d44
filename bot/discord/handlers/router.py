"""Dispatch of buttons, menus and forms. They work across restarts, because everything a handler
needs is in the custom_id and the database."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Self, cast

from discord import ui

from bot.discord.handlers import (
    administration,
    conversations,
    deletion,
    details,
    history,
    image_to_image,
    log_channels,
    loras,
    models,
    moderation,
    owner,
    permutations,
    pictures,
    privacy,
    queue,
    reminders,
    requests,
    rerolls,
    rules,
    settings,
    setup,
    suggestions,
    upload_forms,
    variations,
)
from bot.discord.interaction.access import admit
from bot.discord.interaction.auditing import audit_press
from bot.discord.interaction.error_handler import explain
from bot.discord.interaction.in_flight import InFlightInteractions
from bot.discord.interaction.responses import Interaction, reject_foreign_press, reject_server
from bot.discord.interaction.services import Services
from bot.discord.views.custom_ids import (
    EXAMPLE_ACTIONS,
    MENU_ACTIONS,
    PATTERN,
    ComponentAction,
    parse,
    parse_staged,
)
from bot.request.resolve import STRONG, SUBTLE
from storage.types import Verdict

Handler = Callable[[Interaction, Services, int], Awaitable[None]]
"""Answers an interaction. The number is the row id from the custom_id."""


def button_class(services: Services, in_flight: InFlightInteractions) -> type[ui.DynamicItem[Any]]:
    """Return a DynamicItem bound to these services, to be registered with the client."""

    class PictureButton(ui.DynamicItem[ui.Item[Any]], template=PATTERN):
        """Any button or menu of the bot, rebuilt from its custom_id when it is used."""

        @classmethod
        async def from_custom_id(
            cls, _interaction: Interaction, item: ui.Item[Any], _match: re.Match[str], /
        ) -> Self:
            return cls(item)

        async def callback(self, interaction: Interaction) -> None:
            in_flight.begin()
            try:
                await press(interaction, services, self.custom_id)
            except Exception as error:
                # discord.py would only log what a DynamicItem raises.
                await explain(interaction, error, services)

    return PictureButton


async def press(interaction: Interaction, services: Services, custom_id: str) -> None:
    """Run the handler of a button, or of the chosen option of a menu."""
    known = parse(custom_id)
    if known is None:
        await reject_foreign_press(interaction)
    elif await admit(interaction, services, *known):
        action, row_id = known
        audit_press(interaction, services, action, row_id)
        await BUTTON_HANDLERS[action](interaction, services, row_id)


async def submit(interaction: Interaction, services: Services, custom_id: str) -> None:
    """Run the handler of a submitted form."""
    staged, known = parse_staged(custom_id), parse(custom_id)
    handler = None if known is None else FORM_HANDLERS.get(known[0])
    if staged is not None:
        if services.serves(interaction.guild_id):
            await image_to_image.submit_staged(interaction, services, staged)
        else:
            await reject_server(interaction)
    elif known is None or handler is None:
        await reject_foreign_press(interaction)
    elif await admit(interaction, services, *known):
        audit_press(interaction, services, *known)
        await handler(interaction, services, known[1])


def chosen_option(interaction: Interaction) -> tuple[ComponentAction, int] | None:
    """Return the action and row id of the chosen menu option; None if it is not one of the
    bot's."""
    values = cast("Mapping[str, Any]", interaction.data or {}).get("values")
    chosen = parse(str(values[0])) if isinstance(values, list) and values else None
    return chosen if chosen is not None and chosen[0] in MENU_ACTIONS else None


async def _choose(interaction: Interaction, services: Services, _row_id: int) -> None:
    """Run the handler of the chosen option. The menu's own row id is not needed."""
    chosen = chosen_option(interaction)
    if chosen is None:
        await reject_foreign_press(interaction)
    else:
        action, row_id = chosen
        await BUTTON_HANDLERS[action](interaction, services, row_id)


async def _reject(interaction: Interaction, _services: Services, _row_id: int) -> None:
    """Reject an action that only forms have; no button of the bot has it."""
    await reject_foreign_press(interaction)


BUTTON_HANDLERS: Final[Mapping[ComponentAction, Handler]] = MappingProxyType(
    {
        ComponentAction.REROLL: rerolls.reroll,
        ComponentAction.DELETE: deletion.ask,
        ComponentAction.CONFIRM_DELETE: deletion.delete,
        ComponentAction.KEEP: deletion.keep,
        ComponentAction.CANCEL: queue.cancel,
        ComponentAction.SHOW_OWN: partial(pictures.show, anyones=False),
        ComponentAction.OLDER: partial(history.turn_page, favourites=False),
        ComponentAction.NEWER: partial(history.turn_page, favourites=False),
        ComponentAction.DETAILS: details.show_by_id,
        ComponentAction.PAINT_AGAIN: rerolls.paint_again,
        ComponentAction.REFRESH_QUEUE: queue.refresh,
        ComponentAction.VARY_SUBTLE: partial(variations.vary_picture, amount=SUBTLE),
        ComponentAction.VARY_STRONG: partial(variations.vary_picture, amount=STRONG),
        ComponentAction.UPSCALE: variations.upscale_picture,
        ComponentAction.REMIX: variations.show_remix_form,
        ComponentAction.INPAINT: upload_forms.show_inpaint_form,
        ComponentAction.BLEND: upload_forms.show_blend_form,
        ComponentAction.SHOW_ORIGINAL: partial(pictures.show, anyones=True),
        ComponentAction.ADD_FAVOURITE: partial(pictures.set_favourite, favourite=True),
        ComponentAction.REMOVE_FAVOURITE: partial(pictures.set_favourite, favourite=False),
        ComponentAction.COPY: pictures.send_copy,
        ComponentAction.MORE: pictures.show_more,
        ComponentAction.MORE_OF_ONE: pictures.show_more_of_one,
        ComponentAction.CHOOSE_PICTURE: pictures.choose_picture,
        ComponentAction.CHOOSE_ANOTHER: pictures.choose_another,
        ComponentAction.MENU: _choose,
        ComponentAction.CANCEL_IN_QUEUE: queue.cancel_in_panel,
        ComponentAction.CANCEL_ALL_IN_QUEUE: queue.cancel_all_in_panel,
        ComponentAction.FAVOURITES_OLDER: partial(history.turn_page, favourites=True),
        ComponentAction.FAVOURITES_NEWER: partial(history.turn_page, favourites=True),
        ComponentAction.REPORT: moderation.show_report_form,
        ComponentAction.SHOW_REPORT: moderation.show_report,
        ComponentAction.DELETE_REPORTED: moderation.ask_deletion,
        ComponentAction.CONFIRM_DELETE_REPORTED: moderation.delete,
        ComponentAction.BLOCK_REPORTED: moderation.ask_reason,
        ComponentAction.DISMISS_REPORT: partial(moderation.decide, verdict=Verdict.DISMISSED),
        ComponentAction.DECIDE_WITH_REASON: moderation.ask_verdict,
        ComponentAction.NEVER_PAINT_FROM: moderation.never_paint,
        ComponentAction.ANSWER_REPORTERS: conversations.show_answer_form,
        ComponentAction.REPLY_TO_MODERATORS: conversations.show_reply_form,
        ComponentAction.PAINT_FROM: _reject,
        ComponentAction.ACCEPT_PROPOSAL: permutations.accept,
        ComponentAction.DECLINE_PROPOSAL: permutations.decline,
        **{
            action: partial(suggestions.paint, example=index)
            for index, action in enumerate(EXAMPLE_ACTIONS)
        },
        ComponentAction.PAINT_ANYWAY: partial(suggestions.paint, example=None),
        ComponentAction.EDIT_PROMPT: requests.show_edit_form,
        ComponentAction.PAINT_WITHOUT: requests.paint_without,
        ComponentAction.PAINT_EXPLAINED: requests.paint_explained,
        ComponentAction.LORAS_PAGE: loras.turn_page,
        ComponentAction.MODELS_PAGE: models.turn_page,
        ComponentAction.PAINT_IDEA: requests.paint_idea,
        ComponentAction.LIST_PAGE: history.turn_list,
        ComponentAction.STAR: pictures.star,
        ComponentAction.SHOW_SHARED: pictures.show_shared,
        ComponentAction.NOTE: pictures.show_note_form,
        ComponentAction.ERASE_OWN: privacy.erase_own,
        ComponentAction.ERASE_MEMBER: privacy.erase_member,
        ComponentAction.KEEP_DATA: privacy.keep,
        ComponentAction.AUDIT_PAGE: administration.turn_audit,
        ComponentAction.CANCEL_WAITING: administration.cancel_waiting,
        ComponentAction.KEEP_WAITING: administration.keep_waiting,
        ComponentAction.SETUP_REPORTS: setup.choose_reports,
        ComponentAction.SETUP_LANGUAGE: setup.choose_language,
        ComponentAction.SETUP_QUOTA: setup.choose_quota,
        ComponentAction.SETUP_ROLES: setup.choose_roles,
        ComponentAction.LOG_EVENT: log_channels.pick_event,
        ComponentAction.LOG_CHANNEL: log_channels.pick_channel,
        ComponentAction.DRAIN: owner.drain,
        ComponentAction.UNLOAD: owner.unload,
        ComponentAction.ANNOUNCE: owner.announce,
        ComponentAction.LEAVE_AS_IS: owner.leave,
        ComponentAction.IMPORT_RULES: rules.import_rules,
        ComponentAction.KEEP_RULES: rules.keep,
        ComponentAction.REMIND: reminders.remind,
        **{
            action: partial(settings.change, action=action)
            for action in (
                ComponentAction.SET_DELIVERY,
                ComponentAction.SET_SPOILER,
                ComponentAction.SET_QUIET,
            )
        },
    }
)
"""One handler for each action, so that no press goes unanswered."""

FORM_HANDLERS: Final[Mapping[ComponentAction, Handler]] = MappingProxyType(
    {
        ComponentAction.REMIX: variations.submit_remix,
        ComponentAction.INPAINT: upload_forms.submit_inpaint,
        ComponentAction.BLEND: upload_forms.submit_blend,
        ComponentAction.REPORT: moderation.submit_report,
        ComponentAction.BLOCK_REPORTED: moderation.submit_block,
        ComponentAction.DECIDE_WITH_REASON: moderation.submit_verdict,
        ComponentAction.ANSWER_REPORTERS: conversations.submit_answer,
        ComponentAction.REPLY_TO_MODERATORS: conversations.submit_reply,
        ComponentAction.PAINT_FROM: image_to_image.submit_from,
        ComponentAction.EDIT_PROMPT: requests.submit_edit,
        ComponentAction.NOTE: pictures.submit_note,
    }
)
"""The handlers of submitted forms; those of staged pictures are found by `parse_staged`."""

if _unhandled := set(ComponentAction) - BUTTON_HANDLERS.keys():
    raise RuntimeError(f"no handler for {', '.join(sorted(_unhandled))}")
