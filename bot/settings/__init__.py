"""Everything that the bot's owner can configure, checked as a whole.

loading reads and checks the whole; sections and engine have one class for each table of the file,
made of the types in values.
"""

from bot.settings.engine import ConfiguredModel, EngineSection
from bot.settings.loading import DEFAULT_CONFIG, InvalidSetting, Settings, load
from bot.settings.sections import ModerationSection, StorageSection

__all__ = [
    "DEFAULT_CONFIG",
    "ConfiguredModel",
    "EngineSection",
    "InvalidSetting",
    "ModerationSection",
    "Settings",
    "StorageSection",
    "load",
]
