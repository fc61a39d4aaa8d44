"""Everything that the bot's owner can configure, checked as a whole.

loading reads and checks the whole; sections and engine have one class for each table of the file,
made of the types in values. provenance tells where each value comes from; current holds the
settings of now, and reload replaces them while the bot runs.
"""

from bot.settings.current import CurrentSettings
from bot.settings.engine import ConfiguredModel, EngineSection
from bot.settings.loading import DEFAULT_CONFIG, InvalidSetting, Settings, load
from bot.settings.sections import ModerationSection, StorageSection

__all__ = [
    "DEFAULT_CONFIG",
    "ConfiguredModel",
    "CurrentSettings",
    "EngineSection",
    "InvalidSetting",
    "ModerationSection",
    "Settings",
    "StorageSection",
    "load",
]
