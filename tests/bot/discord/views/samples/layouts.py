"""The table of all sample layouts, by name.

A new layout gets a sample in the module it belongs to: a function of the reader's language and of a
user text, which it uses wherever user input appears.
"""

from __future__ import annotations

from tests.bot.discord.views.samples.administration import ADMINISTRATION
from tests.bot.discord.views.samples.data import Sample
from tests.bot.discord.views.samples.inspection import INSPECTION
from tests.bot.discord.views.samples.lists import LISTS
from tests.bot.discord.views.samples.moderation import MODERATION
from tests.bot.discord.views.samples.owner import OWNER
from tests.bot.discord.views.samples.permutations import PERMUTATIONS
from tests.bot.discord.views.samples.privacy import PRIVACY
from tests.bot.discord.views.samples.results import RESULTS
from tests.bot.discord.views.samples.rules import RULES
from tests.bot.discord.views.samples.settings import PRESETS, SETTINGS
from tests.bot.discord.views.samples.stars import STARS

PARTS = (
    *(RESULTS, LISTS, INSPECTION, PERMUTATIONS, MODERATION, SETTINGS, PRESETS, PRIVACY),
    *(ADMINISTRATION, RULES, OWNER, STARS),
)
SAMPLES: dict[str, Sample] = {name: case for part in PARTS for name, case in part.items()}
"""After adding a sample, run `make snapshots` and look at what it wrote."""
