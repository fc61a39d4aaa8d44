"""Several models on Discord: choosing one, and what happens to pictures of one that is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.errors import ModelInvalid
from engine.sketch import MODEL_DIR
from tests.bot.discord.harness import BotHarness, make_settings, open_harness
from tests.bot.discord.painting import private_text
from tests.fakes import ScriptedRenderer

TWO = {"models": {"second": {"source": str(MODEL_DIR), "title": "The Second"}}}
PROMPT = "a red house"


async def paint(harness: BotHarness, command: str = "imagine", **options: Any) -> None:
    """Use a command and wait for its pictures."""
    await harness.alice.slash(harness.channel, command, **options)
    await harness.settled()


def options_of(harness: BotHarness) -> dict[str, dict[str, Any]]:
    """Return the options of /imagine as they are registered, by name."""
    command = harness.app.client.tree.get_command("imagine")
    assert command is not None
    described: Any = command.to_dict(harness.app.client.tree)
    return {each["name"]: each for each in described["options"]}


async def test_a_model_is_chosen_and_kept(data_dir: Path, renderer: ScriptedRenderer) -> None:
    """The option offers models by name and title, a flag means the same, and what repeats a picture
    paints with its own model. Details names it; an unknown one is refused."""
    async with open_harness(data_dir, renderer.load, engine=TWO) as harness:
        assert options_of(harness)["model"]["autocomplete"]
        for typed in ("sec", "the"):
            found = await harness.alice.autocomplete(harness.channel, "imagine", "model", typed)
            shown = [(each["name"], each["value"]) for each in found]
            assert shown == [("The Second (second)", "second")]
        await paint(harness, prompt=PROMPT)
        await paint(harness, prompt=PROMPT, model="second")
        await paint(harness, prompt=f'{PROMPT} --model "the second"')
        await paint(harness, "reroll")
        await paint(harness, "vary", picture="3")
        models = [each.model for each in renderer.painted]
        assert models[:4] == ["sketch", "second", "second", "second"] and set(models[4:]) == {
            "second"
        }
        record = await harness.alice.slash(harness.channel, "recipe", picture="2")
        details = record.response.message
        assert "second (fake)" in harness.texts(details)
        assert "--model second" in harness.texts(details)
        charged = harness.charged()
        record = await harness.alice.slash(harness.channel, "imagine", prompt=PROMPT, model="third")
        assert "There is no model `third` here. There are: `sketch`, `second`." in private_text(
            record
        )
        assert harness.charged() == charged


async def test_one_model_needs_no_option(harness: BotHarness, renderer: ScriptedRenderer) -> None:
    """With one model there is nothing to choose, and requests carry no name."""
    assert "model" not in options_of(harness)
    await paint(harness, prompt=PROMPT)
    assert renderer.painted[-1].model == ""
    record = await harness.alice.slash(
        harness.channel, "imagine", prompt=f"{PROMPT} --model second"
    )
    assert "There is no model `second` here." in harness.texts(record.response.message)


async def test_a_model_that_is_not_configured_any_more(
    data_dir: Path, renderer: ScriptedRenderer
) -> None:
    """After a restart without a model, its waiting jobs are refunded with a sentence, others are
    painted, and a reroll of its pictures is refused and not charged."""
    async with open_harness(data_dir, renderer.load, engine=TWO) as harness:
        await paint(harness, prompt=PROMPT, model="second")
        renderer.hold()
        for model in ("sketch", "second", "sketch"):
            await harness.alice.slash(harness.channel, "imagine", prompt=PROMPT, model=model)
        await harness.state(2, "painting")
        charged = harness.charged()
        await harness.crash()
        harness.settings = make_settings(data_dir)
        await harness.start()
        await harness.settled()
        states = dict(harness.rows("SELECT id, state FROM jobs"))
        assert states == {1: "painted", 2: "painted", 3: "failed", 4: "painted"}
        shown = [harness.texts(each) for each in harness.channel.history()]
        sentence = "The model of this picture is not offered here any more. Nothing was charged."
        assert any(sentence in each for each in shown)
        assert harness.charged() == charged - 1
        record = await harness.alice.slash(harness.channel, "reroll", picture="1")
        assert "`second`, is not offered here any more" in private_text(record)
        assert harness.charged() == charged - 1


async def test_a_model_that_cannot_be_loaded(data_dir: Path) -> None:
    """Its job is refunded with a sentence, and it is refused for a while; the other one paints."""

    class Second(ScriptedRenderer):
        loads = 0

        def load(self) -> ScriptedRenderer:
            self.loads += 1
            if self.loads == 2:
                raise ModelInvalid("second", "its file is cut off")
            return self

    renderer = Second()
    async with open_harness(data_dir, renderer.load, engine=TWO) as harness:
        await paint(harness, prompt=PROMPT, model="second")
        shown = [harness.texts(each) for each in harness.channel.history()]
        assert any(
            "The model of this picture could not be loaded. Nothing" in each for each in shown
        )
        record = await harness.alice.slash(
            harness.channel, "imagine", prompt=PROMPT, model="second"
        )
        assert "`second` could not be loaded a short while ago" in private_text(record)
        await paint(harness, prompt=PROMPT)
        assert [each.model for each in renderer.painted] == ["sketch"] and harness.charged() == 1
