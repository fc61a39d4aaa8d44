"""LoRAs on Discord, with the real pipeline."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import discord
import pytest
from PIL import Image

from bot.accounts.permissions import Action
from bot.request.outcomes import NotAllowed, Refused
from engine.diffusion.families import PIXART_ALPHA, Family, Feature
from engine.diffusion.lora import configured
from engine.factory import diffusion_factory
from engine.loras import LoraUse
from engine.png import embedded_recipe
from engine.settings import EngineSettings
from tests.bot.discord.forms import open_remix
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.painting import alice_as_actor, private_text, response_text
from tests.bot.lora_files import write_large_lora, write_lora
from tests.fakes import ScriptedRenderer

INK = 'title = "Ink wash"\ntrigger_words = ["inkwash"]\nweight = 0.8\n'
SMALL = "--size 128x128 --steps 2 --seed 5 --raw"


async def paint(harness: BotHarness, prompt: str) -> tuple[bytes, str]:
    """Return the pixels and the texts of a small picture that /imagine paints."""
    await harness.alice.slash(harness.channel, "imagine", prompt=f"{prompt} {SMALL}")
    return await shown(harness)


async def shown(harness: BotHarness) -> tuple[bytes, str]:
    await harness.settled()
    message = harness.channel.last_message
    assert isinstance(message, discord.Message) and message.attachments, harness.texts(message)
    data = await message.attachments[0].read()
    with Image.open(io.BytesIO(data)) as image:
        return image.tobytes(), harness.texts(message)


async def test_a_lora_from_the_choice_to_the_picture(data_dir: Path, tmp_path: Path) -> None:
    """A LoRA changes the picture, its trigger words are said, it is in the recipe, and a reroll of
    the same seed is exact; with another file under its name the reroll says so, and without one it
    is refused and not charged."""
    folder = tmp_path / "loras"
    write_lora(folder, "ink", INK)
    load = diffusion_factory(EngineSettings(loras=folder))
    async with open_harness(data_dir, load, engine={"loras": folder}) as harness:
        plain, _ = await paint(harness, "a lake at dawn")
        ink, texts = await paint(harness, "a lake at dawn <lora:ink:0.8>")
        assert ink != plain and "Trigger word of the LoRA added: “inkwash”" in texts
        ((file,),) = harness.rows("SELECT file FROM pictures WHERE id = 2")
        recipe = embedded_recipe((data_dir / file).read_bytes()).recipe
        assert [each.name for each in recipe.loras] == ["ink"]
        assert recipe.request.effective_prompt == "a lake at dawn, inkwash"
        again, texts = await reroll(harness)
        assert again == ink and "Not exact" not in texts
        write_lora(folder, "ink", INK, seed=2)
        other, texts = await reroll(harness)
        assert other != ink and "Not exact" in texts and "LoRA ink: " in texts
        charged = harness.charged()
        (folder / "ink.safetensors").unlink()
        record = await harness.alice.slash(harness.channel, "reroll", picture="2", seed=5)
        assert "The LoRA `ink` cannot be used" in private_text(record)
        assert harness.charged() == charged


async def reroll(harness: BotHarness) -> tuple[bytes, str]:
    """Repeat the second picture with its own seed."""
    await harness.alice.slash(harness.channel, "reroll", picture="2", seed=5)
    return await shown(harness)


async def test_loras_are_offered_to_whom_they_are_open(
    data_dir: Path, tmp_path: Path, renderer: ScriptedRenderer
) -> None:
    """/imagine proposes LoRAs by name, title and trigger word, and /loras lists them page by page,
    with the picture that lies beside one, to those who may use them alone; others are refused by
    name, and nothing is charged."""
    folder = tmp_path / "loras"
    write_lora(folder, "ink", INK)
    Image.new("RGB", (40, 30), "red").save(folder / "ink.preview.png")
    data = (folder / "ink.safetensors").read_bytes()
    for number in range(9):
        (folder / f"n{number}.safetensors").write_bytes(data)
    async with open_harness(data_dir, renderer.load, engine={"loras": folder}) as harness:
        write_lora(folder, "secret", f'allow = ["{harness.bob.id}"]\n')
        for typed in ("in", "WASH", "inkw"):
            (choice,) = await offered(harness, harness.alice, typed)
            assert choice == ("ink (Ink wash · inkwash)", "ink")
        assert ("n1,ink (Ink wash · inkwash)", "n1,ink") in await offered(
            harness, harness.alice, "n1, in"
        )
        assert await offered(harness, harness.alice, "secret") == []
        assert await offered(harness, harness.bob, "secret") == [("secret", "secret")]
        panel = (await harness.alice.slash(harness.channel, "loras")).response
        texts = harness.texts(panel.message)
        assert "10 LoRAs" in texts and "Ink wash" in texts and "secret" not in texts
        assert [each.filename for each in panel.message.attachments] == ["lora-0.jpg"]
        await harness.alice.click(panel.message, label="Next")
        assert not panel.message.attachments
        assert "Page 2 of 2" in harness.texts(panel.message)
        assert "n8" in harness.texts(panel.message)
        for option, sentence in (
            ("secret", "You may not use the LoRA `secret` here."),
            ("inc", "There is no LoRA `inc`. Did you mean `ink`?"),
            ("ink:strong", "`ink:strong` is not a valid value for `--lora`."),
        ):
            record = await harness.alice.slash(
                harness.channel, "imagine", prompt="a lake", lora=option
            )
            assert sentence in private_text(record)
        record = await harness.alice.slash(
            harness.channel, "explain", prompt="a lake --lora secret"
        )
        assert "You may not use the LoRA `secret` here." in private_text(record)
        assert harness.charged() == 0
        await harness.bob.slash(harness.channel, "imagine", prompt="a lake", lora="secret:0.5, ink")
        await harness.settled()
        assert [(each.name, each.weight) for each in renderer.painted[-1].loras] == [
            ("secret", 0.5),
            ("ink", 0.8),
        ]


async def test_a_question_keeps_the_loras(
    data_dir: Path, tmp_path: Path, renderer: ScriptedRenderer
) -> None:
    """What is asked back about is painted with the LoRAs that were chosen, also after a restart; a
    remix keeps those of its picture, or drops them, also if the file is gone."""
    folder = tmp_path / "loras"
    write_lora(folder, "ink", INK)
    async with open_harness(data_dir, renderer.load, engine={"loras": folder}) as harness:
        asked = await harness.alice.slash(
            harness.channel, "imagine", prompt="a {red, blue} boat", lora="ink:0.5"
        )
        await harness.stop()
        await harness.start()
        await harness.alice.click(asked.response.message, label="Paint 2 pictures")
        await harness.settled()
        uses = [LoraUse("ink", 0.5, ("inkwash",))]
        assert [[*each.loras] for each in renderer.painted] == [uses, uses]
        assert {each.prompt for each in renderer.painted} == {"a red boat", "a blue boat"}
        form = await open_remix(harness, harness.alice)
        await harness.alice.submit_modal(form, {"prompt": "a tree"})
        await harness.settled()
        assert renderer.painted[-1].prompt == "a tree"
        assert [*renderer.painted[-1].loras] == uses
        (folder / "ink.safetensors").unlink()
        form = await open_remix(harness, harness.alice)
        await harness.alice.submit_modal(form, {"prompt": "a hill --lora none"})
        await harness.settled()
        assert renderer.painted[-1].prompt == "a hill" and renderer.painted[-1].loras == ()


async def test_admins_choose_what_is_open(
    data_dir: Path, tmp_path: Path, renderer: ScriptedRenderer
) -> None:
    """Admins open LoRAs on their server, or others in one of its channels and its threads; what is
    not open is neither proposed nor painted with, by reroll and style words neither, and nobody
    else may choose."""
    folder = tmp_path / "loras"
    for name in ("ink", "film"):
        write_lora(folder, name)
    write_lora(folder, "fox", 'style_words = ["drawn by a fox", "狐狸画"]\n')
    async with open_harness(data_dir, renderer.load, engine={"loras": folder}) as harness:

        async def choose(group: str, **options: Any) -> str:
            record = await harness.admin.slash(harness.channel, f"admin loras {group}", **options)
            return private_text(record)

        async def names() -> list[str]:
            return [value for _, value in await offered(harness, harness.alice, "")]

        async def drawn(prompt: str) -> list[LoraUse]:
            await harness.alice.slash(harness.channel, "imagine", prompt=prompt)
            await harness.settled()
            return [*renderer.painted[-1].loras]

        taken = [LoraUse("fox", 1.0, (), "drawn by a fox")]
        assert await drawn("a lake drawn by a fox") == taken
        said = harness.texts(harness.channel.last_message)
        assert "“drawn by a fox” in the prompt chose the LoRA fox" in said
        record = await harness.alice.slash(harness.channel, "explain", prompt="狐狸画")
        assert "“狐狸画” in the prompt chose the LoRA fox" in response_text(harness, record)
        asked = await harness.alice.slash(
            harness.channel, "imagine", prompt="a {red, blue} hill drawn by a fox"
        )
        await harness.alice.click(asked.response.message, label="Paint 2 pictures")
        await harness.settled()
        assert [[*each.loras] for each in renderer.painted[-2:]] == [taken, taken]
        assert await drawn("a lake drawn by a fox --lora none") == []
        form = await open_remix(harness, harness.alice)
        await harness.alice.submit_modal(form, {"prompt": "a hill drawn by a fox"})
        await harness.settled()
        assert renderer.painted[-1].prompt == "a hill drawn by a fox"
        assert renderer.painted[-1].loras == ()
        charged = harness.charged()
        assert "All LoRAs" in await choose("server")
        said = await choose("server", names="Ink, film")
        listed = "2 LoRAs are open on this server: `film`, `ink`"
        assert said == listed
        assert await names() == ["film", "ink"]
        for command, options in (
            ("imagine", {"prompt": "a lake --lora fox"}),
            ("reroll", {"picture": "1"}),
        ):
            record = await harness.alice.slash(harness.channel, command, **options)
            assert "You may not use the LoRA `fox` here." in private_text(record)
        assert harness.charged() == charged
        assert await drawn("a tree drawn by a fox") == []
        here = f"<#{harness.channel.id}>"
        assert await choose("channel", names="fox") == f"1 LoRA is open in {here}: `fox`"
        assert await names() == ["fox"]
        assert await choose("channel", names="none") == f"No LoRAs are open in {here}."
        assert await names() == []
        said = await choose("channel", names="all")
        assert said == f"{here} has no list of its own: it is as on the server. {listed}"
        assert "There is no LoRA `inc`" in await choose("server", names="ink, inc")
        access = harness.app.services.lora_access
        refused = await access.choose(alice_as_actor(harness), "all", None)
        assert refused == Refused(NotAllowed(Action.SET_SETTINGS))
        assert await names() == ["film", "ink"]
        await harness.stop()
        await harness.start()
        assert await names() == ["film", "ink"]
        assert "All LoRAs" in await choose("server", names="all")


async def test_without_a_folder(harness: BotHarness) -> None:
    """Where the owner offers no LoRAs, /loras and the option say so, and nothing is charged."""
    for command, options in (
        ("loras", {}),
        ("imagine", {"prompt": "a lake", "lora": "ink"}),
        ("imagine", {"prompt": "a lake --lora ink"}),
    ):
        record = await harness.alice.slash(harness.channel, command, **options)
        said = response_text(harness, record)
        assert "No LoRAs are offered here" in said and "[engine]" not in said
    assert await offered(harness, harness.alice, "") == []
    assert harness.charged() == 0


@pytest.fixture
def unable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A family has no LoRAs; every one that there is has."""
    own = configured.family_of

    def without(settings: EngineSettings) -> Family:
        family = own(settings)
        lacks = frozenset({Feature.LORA} if family is PIXART_ALPHA else ())
        return dataclasses.replace(family, lacks=family.lacks | lacks)

    monkeypatch.setattr(configured, "family_of", without)


@pytest.mark.usefixtures("unable")
async def test_loras_follow_the_model(
    data_dir: Path, tmp_path: Path, renderer: ScriptedRenderer
) -> None:
    """The option proposes, and /loras lists page by page, what the model can use that `model`, a
    flag, or nothing names, and only where that model is open; a LoRA of another model is refused
    with that one's name, style words choose none of it, and admins open those of all models."""
    folder = tmp_path / "loras"
    write_lora(folder, "ink", INK)
    data = write_large_lora(folder, "oil-0", 'style_words = ["in oil"]\n').read_bytes()
    for number in range(1, 10):
        (folder / f"oil-{number}.safetensors").write_bytes(data)
    Image.new("RGB", (40, 30), "red").save(folder / "oil-9.png")
    models = {
        "large": {"source": "models/z-image", "family": "z-image"},
        "bare": {"source": "models/pixart", "family": "pixart-alpha"},
    }
    settings = {"loras": folder, "models": models}
    async with open_harness(data_dir, renderer.load, engine=settings) as harness:

        async def said(command: str, **options: Any) -> str:
            record = await harness.alice.slash(harness.channel, command, **options)
            return response_text(harness, record)

        for filled, names in (
            ({}, ["ink"]),
            ({"model": "large"}, [f"oil-{n}" for n in range(10)]),
            ({"prompt": "a lake --model large"}, [f"oil-{n}" for n in range(10)]),
            ({"prompt": "a lake --model large", "model": "sketch"}, ["ink"]),
            ({"model": "bare"}, []),
            ({"model": "lar"}, []),
        ):
            found = await offered(harness, harness.alice, "", **filled)
            assert [value for _, value in found] == names
        assert "**1 LoRA for the model sketch**" in await said("loras")
        assert "There is no model `tar` here." in await said("loras", model="tar")
        assert "The model `bare` can use no LoRAs." in await said("loras", model="bare")
        found = await harness.alice.autocomplete(harness.channel, "loras", "model", "lar")
        assert [each["value"] for each in found] == ["large"]
        panel = (await harness.alice.slash(harness.channel, "loras", model="large")).response
        assert "**10 LoRAs for the model large**" in harness.texts(panel.message)
        await harness.alice.click(panel.message, label="Next")
        assert "Page 2 of 2" in harness.texts(panel.message)
        assert "oil-9" in harness.texts(panel.message)
        assert [each.filename for each in panel.message.attachments] == ["lora-1.jpg"]
        for options, sentence in (
            (
                {"lora": "oil-1"},
                "The LoRA `oil-1` is for the model `large`, not for `sketch`: choose that one with "
                "`model` or `--model large`, or leave the LoRA out (`--lora none`).",
            ),
            ({"lora": "ink", "model": "bare"}, "`ink` is for the model `sketch`, not for `bare`"),
        ):
            assert sentence in await said("imagine", prompt="a lake", **options)
        assert "is for the model `large`" in await said("explain", prompt="a lake --lora oil-1")
        assert harness.charged() == 0
        for options, painted in (
            ({}, []),
            ({"model": "large"}, ["oil-0"]),
            ({"model": "large", "lora": "oil-2"}, ["oil-2"]),
        ):
            await harness.alice.slash(
                harness.channel,
                "imagine",
                prompt="a lake in oil --size 256x256 --steps 2",
                **options,
            )
            await harness.settled()
            assert [each.name for each in renderer.painted[-1].loras] == painted
        form = await open_remix(harness, harness.alice)
        record = await harness.alice.submit_modal(form, {"prompt": "a hill --model sketch"})
        assert "`oil-2` is for the model `large`" in response_text(harness, record)
        record = await harness.admin.slash(
            harness.channel, "admin loras server", names="Ink wash, oil-3"
        )
        assert "2 LoRAs are open on this server: `ink`, `oil-3`" in private_text(record)
        found = await offered(harness, harness.alice, "", model="large")
        assert [value for _, value in found] == ["oil-3"]
        await harness.admin.slash(harness.channel, "admin models server", names="large")
        assert await offered(harness, harness.alice, "") == []
        assert "The model `sketch` is not open here." in await said("loras")
        assert "**1 LoRA for the model large**" in await said("loras", model="large")


async def offered(
    harness: BotHarness, who: Any, typed: str, **filled: Any
) -> list[tuple[str, str]]:
    """Return the choices that are proposed for the option. filled: the other options."""
    found = await who.autocomplete(harness.channel, "imagine", "lora", typed, **filled)
    return [(each["name"], each["value"]) for each in found]
