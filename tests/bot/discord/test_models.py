"""Several models on Discord: choosing one, and what happens to pictures of one that is gone."""

from __future__ import annotations

import io
import re
import threading
from pathlib import Path
from typing import Any

from PIL import Image

from bot.accounts.permissions import Action
from bot.request.outcomes import NotAllowed, Refused
from engine.errors import ModelInvalid
from engine.sketch import MODEL_DIR
from tests.bot.discord.harness import BotHarness, make_settings, open_harness
from tests.bot.discord.painting import alice_as_actor, private_text
from tests.fakes import HELD_LIMIT_S, ScriptedRenderer, until

SECOND = {"source": str(MODEL_DIR), "title": "The Second"}
TWO: dict[str, Any] = {"models": {"second": SECOND}}
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


async def test_status_says_what_is_being_loaded(data_dir: Path) -> None:
    """/status and /models name the model that is in memory, and the one that is being loaded with
    the time that it took before."""

    class Slow(ScriptedRenderer):
        gate = threading.Event()

        def load(self) -> ScriptedRenderer:
            assert self.gate.wait(HELD_LIMIT_S)
            return self

    renderer = Slow()
    renderer.gate.set()
    async with open_harness(data_dir, renderer.load, engine=TWO) as harness:

        async def said(command: str) -> str:
            record = await harness.alice.slash(harness.channel, command)
            return harness.texts(record.response.message)

        found = await said("status")
        assert "Ready to paint." in found and "Model: sketch (fake) on cpu" in found
        harness.app.engine.models._durations_s = {"sketch": 900.0}
        renderer.gate.clear()
        await harness.alice.slash(harness.channel, "imagine", prompt=PROMPT, model="second")
        await until(lambda: harness.app.engine.models.loading == "second")
        found = await said("status")
        assert re.search(r"The model second is being loaded, for about \d+ s more; until", found)
        assert "Ready" not in found and "Model: " not in found
        found = await said("models")
        assert "being loaded" in found and "· loaded" not in found
        renderer.gate.set()
        await harness.settled()
        assert "Model: second (fake) on cpu" in await said("status")


async def test_models_are_listed_with_their_pictures(
    data_dir: Path, tmp_path: Path, renderer: ScriptedRenderer
) -> None:
    """/models shows each with its facts and its sample picture, and turns pages in place; a sample
    that cannot be read is left out."""
    sample, damaged = tmp_path / "sample.png", tmp_path / "damaged.png"
    Image.new("RGB", (600, 300), (200, 30, 30)).save(sample)
    damaged.write_bytes(sample.read_bytes()[:90])
    models: dict[str, Any] = {f"m{n}": {"source": str(MODEL_DIR)} for n in range(7)}
    models["second"] = SECOND | {"description": "Rough *strokes*", "sample": str(sample)}
    models["third"] = {"source": str(MODEL_DIR), "sample": str(damaged)}
    async with open_harness(data_dir, renderer.load, engine={"models": models}) as harness:
        panel = (await harness.alice.slash(harness.channel, "models")).response
        texts = harness.texts(panel.message)
        assert "10 models" in texts and "**sketch**" in texts and "default · loaded" in texts
        assert panel.message.attachments == []
        await harness.alice.click(panel.message, label="Next")
        texts = harness.texts(panel.message)
        assert "**second** The Second" in texts and "Rough \\*strokes\\*" in texts
        assert "Page 2 of 2" in texts and "**third**" in texts and "sketch · 256×256" in texts
        (shown,) = panel.message.attachments
        assert shown.filename == "sample-second.jpg"
        with Image.open(io.BytesIO(await shown.read())) as image:
            assert image.size == (256, 128)


async def test_admins_choose_which_models_are_open(
    data_dir: Path, renderer: ScriptedRenderer
) -> None:
    """What is not open on the server or in the channel is neither proposed nor painted with, by
    default, flag or reroll; nobody else may choose, and owners may use all."""
    async with open_harness(data_dir, renderer.load, engine=TWO) as harness:

        async def choose(group: str, **options: Any) -> str:
            record = await harness.admin.slash(harness.channel, f"admin models {group}", **options)
            return private_text(record)

        async def names() -> list[str]:
            found = await harness.alice.autocomplete(harness.channel, "imagine", "model", "")
            return [each["value"] for each in found]

        await paint(harness, prompt=PROMPT)
        assert "All models" in await choose("server")
        listed = "1 model is open on this server: `second`"
        assert await choose("server", names="Second") == listed
        assert await names() == ["second"]
        for command, options in (
            ("imagine", {"prompt": PROMPT}),
            ("imagine", {"prompt": f"{PROMPT} --model sketch"}),
            ("reroll", {"picture": "1"}),
        ):
            record = await harness.alice.slash(harness.channel, command, **options)
            said = private_text(record)
            assert "The model `sketch` is not open here. Open here: `second`." in said
        assert harness.charged() == 1
        panel = (await harness.alice.slash(harness.channel, "models")).response.message
        assert "default · loaded · not open here" in harness.texts(panel)
        await paint(harness, prompt=PROMPT, model="second")
        assert renderer.painted[-1].model == "second"
        here = f"<#{harness.channel.id}>"
        assert await choose("channel", names="sketch") == f"1 model is open in {here}: `sketch`"
        assert await names() == ["sketch"]
        said = await choose("channel", names="none")
        assert said == f"No model is open in {here}: nothing can be painted there."
        assert await names() == []
        said = await choose("channel", names="all")
        assert said == f"{here} has no list of its own: it is as on the server. {listed}"
        assert "There is no model `third`" in await choose("server", names="second, third")
        access = harness.app.services.model_access
        refused = await access.choose(alice_as_actor(harness), "all", None)
        assert refused == Refused(NotAllowed(Action.SET_SETTINGS))
        await harness.stop()
        await harness.start()
        assert await names() == ["second"]
        assert "All models" in await choose("server", names="all")
