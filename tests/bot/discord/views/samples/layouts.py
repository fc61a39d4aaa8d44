"""Every layout that the bot can show, by name: the one table, put together.

A new layout is added to the part that it belongs to, as a case that takes the reader's language and
a person's words, which stand wherever people's words do.
"""

from __future__ import annotations

from tests.bot.discord.views.samples.data import Case
from tests.bot.discord.views.samples.inspection import LOOKUP
from tests.bot.discord.views.samples.lists import LISTS
from tests.bot.discord.views.samples.moderation import MODERATION
from tests.bot.discord.views.samples.permutations import ASKING
from tests.bot.discord.views.samples.results import RESULTS
from tests.bot.discord.views.samples.settings import SETTINGS

PARTS = (RESULTS, LISTS, LOOKUP, ASKING, MODERATION, SETTINGS)
CASES: dict[str, Case] = {name: case for part in PARTS for name, case in part.items()}
"""Name to layout: add a line to a part, then `make snapshots`, and look at what it wrote."""
