"""Pure: the panel of /me, which shows what is changed elsewhere and links there."""

from __future__ import annotations

from dataclasses import dataclass

from discord import ui

from bot.accounts.delivery_settings import SettingsOverview
from bot.discord.views.markdown import layout, small_print
from bot.discord.views.quotas import quota_text
from bot.i18n import Words, paragraph
from bot.pictures.gallery import Totals
from bot.request.presets import PresetSettings
from bot.wording.delivery import settings_overview
from bot.wording.names import command_link
from bot.wording.presets import defaults_line
from storage.types import QuotaStatus


@dataclass(frozen=True, slots=True)
class Overview:
    """What /me shows of a member on a server. presets: how many they have."""

    quota: QuotaStatus
    totals: Totals
    settings: SettingsOverview
    defaults: PresetSettings
    presets: int


def overview_layout(overview: Overview, say: Words) -> ui.LayoutView:
    """Show everything, with the command that changes it below each part."""
    totals = overview.totals
    painted = say.plural(
        "You have {n} picture here.", "You have {n} pictures here.", totals.pictures
    )
    favourites = say.plural(
        "{n} of them is a favourite.", "{n} of them are favourites.", totals.favourites
    )
    presets = say.plural("You have {n} preset.", "You have {n} presets.", overview.presets)
    settings = "\n".join(
        [settings_overview(overview.settings, say), defaults_line(overview.defaults, say)]
    )
    history = say("{command} lists them.", command=command_link("history", say))
    listing = say("{command} lists them.", command=command_link("preset list", say))
    change = say("{command} changes them.", command=command_link("settings", say))
    return layout(
        ui.TextDisplay(quota_text(overview.quota, None, say)),
        ui.Separator(),
        ui.TextDisplay(f"{paragraph(painted, favourites)}\n{small_print(history)}"),
        ui.Separator(),
        ui.TextDisplay(f"{settings}\n{small_print(change)}"),
        ui.Separator(),
        ui.TextDisplay(f"{presets}\n{small_print(listing)}"),
    )
