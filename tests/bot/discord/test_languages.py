"""What everybody reads is in the server's language, what one person alone reads in theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import simcord.interactions
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from bot import i18n
from engine.errors import NonFinite
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import BotHarness
from tests.fakes import ScriptedRenderer

CHINESE = {
    "Next in line.": "下一个就是你。",
    "seed {seed}": "种子 {seed}",
    "Nothing was charged.": "未扣除额度。",
    "Requested in {channel}; only you can see it here.": "来自 {channel}。",
    "I sent you a copy by direct message.": "已发送。",
    "fast": "快速",
}
Speak = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A small Chinese catalogue, the only one that there is."""
    catalog = Catalog(locale="zh_CN", domain=i18n.DOMAIN)
    for message, said in CHINESE.items():
        catalog.add(message, said)
    folder = tmp_path / "locales" / "zh_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / f"{i18n.DOMAIN}.mo").open("wb") as file:
        write_mo(file, catalog)
    monkeypatch.setattr(i18n, "LOCALES", tmp_path / "locales")
    i18n.words.cache_clear()
    yield
    i18n.words.cache_clear()


@pytest.fixture
def speak(monkeypatch: pytest.MonkeyPatch) -> Speak:
    """Sets the languages of the reader and of the server from now on."""
    whole = simcord.interactions.base_payload
    spoken = ["en-US", "en-US"]

    def base_payload(*args: Any, **kwargs: Any) -> Any:
        record, payload = whole(*args, **kwargs)
        return record, payload | {"locale": spoken[0], "guild_locale": spoken[1]}

    def set_to(reader: str, server: str) -> None:
        spoken[:] = [reader, server]

    monkeypatch.setattr(simcord.interactions, "base_payload", base_payload)
    return set_to


BOTH = pytest.mark.parametrize(
    ("reader", "server", "private", "is_chinese"),
    [
        ("zh-CN", "en-US", True, True),
        ("zh-CN", "en-US", False, False),
        ("en-US", "zh-CN", True, False),
        ("en-US", "zh-CN", False, True),
    ],
)


@BOTH
async def test_the_status_and_the_result(
    harness: BotHarness,
    renderer: ScriptedRenderer,
    speak: Speak,
    reader: str,
    server: str,
    private: bool,
    is_chinese: bool,
):
    """From the first answer to the picture a wish speaks one language; and so does a reroll."""
    speak(reader, server)
    renderer.hold()
    params = {"prompt": "a lake", "seed": 5, "speed": "fast", "private": private}
    result = await harness.alice.slash(harness.channel, "imagine", **params)
    status = harness.texts(result.response.message)
    assert ("下一个就是你。" in status) is is_chinese and (
        "Next in line" in status
    ) is not is_chinese
    assert ("快速" in status) is is_chinese
    renderer.release()
    await harness.settled()
    assert harness.rows("SELECT locale FROM jobs") == [("zh-CN" if is_chinese else "en-US",)]
    shown = harness.texts(result.response.message)
    assert ("种子 5" in shown) is is_chinese and ("seed 5" in shown) is not is_chinese
    again = await harness.alice.slash(harness.channel, "reroll", seed=6)
    await harness.settled()
    assert ("种子 6" in harness.texts(again.response.message)) is is_chinese


@BOTH
async def test_a_failure(
    harness: BotHarness,
    renderer: ScriptedRenderer,
    speak: Speak,
    reader: str,
    server: str,
    private: bool,
    is_chinese: bool,
):
    """Why there is no picture is said in the language of the answer before it."""
    speak(reader, server)
    renderer.failures["broken"] = NonFinite("step 1")
    result = await harness.alice.slash(harness.channel, "imagine", prompt="broken", private=private)
    await harness.settled()
    assert ("未扣除额度。" in harness.texts(result.response.message)) is is_chinese


async def test_after_a_restart(harness: BotHarness, renderer: ScriptedRenderer, speak: Speak):
    """The language is kept with the job, not with the process."""
    speak("zh-CN", "en-US")
    renderer.hold()
    result = await harness.alice.slash(
        harness.channel, "imagine", prompt="a lake", seed=5, private=True
    )
    await harness.state(1, "painting")
    await harness.crash()
    renderer.release()
    await harness.start()
    await harness.settled()
    assert "种子 5" in harness.texts(result.response.message)


async def test_a_private_picture_that_comes_by_direct_message(
    harness: BotHarness, renderer: ScriptedRenderer, speak: Speak
):
    """Too late for its answer, it is sent to the person, who alone reads it: in their language."""
    speak("zh-CN", "en-US")
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="hush", seed=5, private=True)
    await harness.state(1, "painting")
    harness.clock.advance(16 * 60)
    renderer.release()
    await harness.settled()
    (sent,) = harness.alice.user.dm_channel.history()
    assert "种子 5" in harness.texts(sent) and "来自" in harness.texts(sent)


async def test_a_copy_is_in_the_language_of_who_asks_for_it(harness: BotHarness, speak: Speak):
    """Of a picture that is shown in the server's language."""
    await paint(harness, prompt="a lake", seed=5)
    speak("zh-CN", "en-US")
    panel = await harness.more(harness.bob, harness.message_with_picture())
    await harness.bob.click(panel, custom_id="z1:copy:1")
    (copy,) = harness.bob.user.dm_channel.history()
    assert "种子 5" in harness.texts(copy) and "seed 5" in harness.texts(
        harness.message_with_picture()
    )


async def test_the_names_of_choices_are_translated(harness: BotHarness):
    """A Chinese client shows the speeds in Chinese; what it sends is the same in any language."""
    (sync, *_) = [r for r in harness.env.http_requests if r.method == "PUT"]
    imagine = next(each for each in sync.json if each["name"] == "imagine")
    speed = next(each for each in imagine["options"] if each["name"] == "speed")
    assert speed["choices"][0]["name_localizations"]["zh-CN"] == "快速"
    assert (speed["choices"][0]["name"], speed["choices"][0]["value"]) == ("fast", "fast")
