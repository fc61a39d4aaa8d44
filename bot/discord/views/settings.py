"""Pure: the panel of /settings, whose buttons change a setting each, and what they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import discord
from discord import ui

from bot.accounts.delivery_settings import SettingChange, SettingChanges, SettingsOverview
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import layout, small_print
from bot.i18n import Words
from bot.request.presets import PresetSettings
from bot.wording.delivery import setting_lines
from bot.wording.names import command_link
from bot.wording.presets import defaults_line
from storage.types import DeliveryMode

MODES: Final = (None, DeliveryMode.CHANNEL, DeliveryMode.THREAD, DeliveryMode.DIRECT)
"""What SET_DELIVERY sets, by its number. Old panels hold the numbers, so they never change."""
FLAGS: Final = (None, True, False)
"""What SET_SPOILER and SET_QUIET set, by their number."""
_CHOSEN: Final = "✓ "


def settings_layout(
    settings: SettingsOverview, defaults: PresetSettings, say: Words
) -> ui.LayoutView:
    """Show the settings in effect and why, with a button for each choice; the own one is marked.

    defaults: what the member's requests use where they leave a setting open.

    Buttons and no menus: a menu on a panel that is out of date would ignore its old choice.
    """
    lines = setting_lines(settings, say)
    delivery = ui.TextDisplay[ui.LayoutView](
        f"{lines.heading}\n{lines.delivery}\n{small_print(say('Where pictures are delivered'))}"
    )
    spoiler = ui.TextDisplay[ui.LayoutView](
        f"{lines.spoiler}\n{small_print(say('Whether pictures are hidden until clicked'))}"
    )
    hint = say("On = no previews while a picture is being painted")
    quiet = ui.TextDisplay[ui.LayoutView](f"{lines.quiet}\n{small_print(hint)}")
    hint_of_defaults = say(
        "The options of {command} change them.", command=command_link("settings", say)
    )
    clears = say("“Default” clears your choice.")
    return layout(
        delivery,
        ui.ActionRow(*_delivery_buttons(settings, say)),
        ui.Separator(),
        spoiler,
        ui.ActionRow(
            *_buttons(
                ComponentAction.SET_SPOILER,
                (say("Spoiler: default"), say("Spoiler: on"), say("Spoiler: off")),
                FLAGS.index(settings.spoiler.chosen),
            )
        ),
        ui.Separator(),
        quiet,
        ui.ActionRow(
            *_buttons(
                ComponentAction.SET_QUIET,
                (say("Quiet: default"), say("Quiet: on"), say("Quiet: off")),
                FLAGS.index(settings.quiet.chosen),
            )
        ),
        ui.TextDisplay(small_print(*lines.remarks, clears)),
        ui.Separator(),
        ui.TextDisplay(f"{defaults_line(defaults, say)}\n{small_print(hint_of_defaults)}"),
    )


def setting_change(action: ComponentAction, number: int) -> SettingChanges | None:
    """Return the change that a button stands for; None if this version has no such value."""
    values: Sequence[object] = MODES if action is ComponentAction.SET_DELIVERY else FLAGS
    if number >= len(values):
        return None
    match action:
        case ComponentAction.SET_DELIVERY:
            return SettingChanges(delivery=SettingChange(MODES[number]))
        case ComponentAction.SET_SPOILER:
            return SettingChanges(spoiler=SettingChange(FLAGS[number]))
        case ComponentAction.SET_QUIET:
            return SettingChanges(quiet=SettingChange(FLAGS[number]))
        case _:
            return None


def _delivery_buttons(settings: SettingsOverview, say: Words) -> Iterator[ui.Button[ui.LayoutView]]:
    """Yield the buttons for the delivery, without direct messages where the owner forbids them."""
    labels = (
        say("Delivery: default"),
        say("In the channel"),
        say("In a personal thread"),
        say("By direct message"),
    )
    chosen = MODES.index(settings.delivery.chosen)
    found = _buttons(ComponentAction.SET_DELIVERY, labels, chosen)
    direct = custom_id(ComponentAction.SET_DELIVERY, MODES.index(DeliveryMode.DIRECT))
    for button in found:
        if settings.direct_messages or button.custom_id != direct:
            yield button


def _buttons(
    action: ComponentAction, labels: Sequence[str], chosen: int
) -> list[ui.Button[ui.LayoutView]]:
    """Return a button for each value, the default last. chosen: the number of the own choice."""
    plain, marked = discord.ButtonStyle.secondary, discord.ButtonStyle.primary
    buttons = [
        ui.Button(
            label=f"{_CHOSEN}{label}" if number == chosen else label,
            style=marked if number == chosen else plain,
            custom_id=custom_id(action, number),
        )
        for number, label in enumerate(labels)
    ]
    return [*buttons[1:], buttons[0]]
