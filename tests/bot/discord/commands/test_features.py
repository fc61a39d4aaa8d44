"""What the model's family cannot do is refused on Discord before it is charged."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from engine.diffusion.families import SKETCH_FAMILY, Feature
from tests.bot.discord.harness import open_harness
from tests.bot.discord.painting import private_text
from tests.fakes import ScriptedRenderer


async def test_a_feature_that_the_family_lacks_costs_nothing(data_dir: Path):
    """Several pictures at once are refused by name, and the whole quota is left afterwards."""
    renderer = ScriptedRenderer()
    family = dataclasses.replace(SKETCH_FAMILY, lacks=frozenset({Feature.COUNT}), vocabulary=None)
    quota = {"pictures": 1, "hours": 2}
    async with open_harness(data_dir, renderer.load, family=family, quota=quota) as harness:
        result = await harness.alice.slash(harness.channel, "imagine", prompt="a lake", count=2)
        refused = private_text(result)
        assert refused.startswith("Painting several pictures at once does not work with the model")
        assert refused.endswith("(sketch).")
        assert harness.rows("SELECT id FROM jobs") == [] and harness.charged() == 0
        await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
        assert harness.charged() == 1
        renderer.release()
        await harness.settled()
        assert len(renderer.painted) == 1
