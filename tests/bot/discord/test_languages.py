"""Public messages are in the server's language, private ones in the member's own."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import NonFinite
from tests.bot.discord.delivery_settings import change_settings, direct_messages
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.languages import Speak
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import paint
from tests.bot.discord.reports import report, reports_channel, reports_shown
from tests.fakes import ScriptedRenderer

pytestmark = pytest.mark.usefixtures("chinese")

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
    """The status message, the result and a reroll of it are all in one language."""
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
    assert harness.rows("SELECT locale, own_locale FROM jobs") == [(server, reader)]
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
    """A failure is explained in the language of the status message."""
    speak(reader, server)
    renderer.failures["broken"] = NonFinite("step 1")
    result = await harness.alice.slash(harness.channel, "imagine", prompt="broken", private=private)
    await harness.settled()
    assert ("未扣除额度。" in harness.texts(result.response.message)) is is_chinese


async def test_after_a_restart(harness: BotHarness, renderer: ScriptedRenderer, speak: Speak):
    """A job keeps its language across a restart."""
    speak("zh-CN", "en-US")
    renderer.hold()
    result = await harness.alice.slash(
        harness.channel, "imagine", prompt="a lake", seed=5, private=True
    )
    await harness.state(1, "painting")
    await harness.crash()
    await harness.start()
    await harness.settled()
    assert "种子 5" in harness.texts(result.response.message)


async def test_a_private_picture_that_comes_by_direct_message(
    harness: BotHarness, renderer: ScriptedRenderer, speak: Speak
):
    """A private result that comes too late for the response is sent by DM in the member's
    language."""
    speak("zh-CN", "en-US")
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="hush", seed=5, private=True)
    await harness.state(1, "painting")
    harness.clock.advance(16 * 60)
    renderer.release()
    await harness.settled()
    (sent,) = harness.alice.user.dm_channel.history()
    assert "种子 5" in harness.texts(sent) and "来自" in harness.texts(sent)


async def test_a_public_picture_that_goes_to_its_requester(harness: BotHarness, speak: Speak):
    """What is sent by direct message is in its reader's language, and what the channel is told in
    the server's."""
    speak("zh-CN", "en-US")
    await change_settings(harness, delivery="direct")
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a lake", seed=5)
    await harness.settled()
    (sent,) = direct_messages(harness)
    assert "种子 5" in harness.texts(sent)
    assert "by direct message" in harness.texts(result.response.message)


async def test_an_admin_sets_the_language_of_the_server(
    harness: BotHarness, renderer: ScriptedRenderer, speak: Speak
):
    """It holds from the next public message on, after a restart too, until it is unset; private
    ones stay in their reader's language."""

    async def said(**options: Any) -> str:
        asked = await harness.alice.slash(
            harness.channel, "imagine", prompt="a lake", seed=5, **options
        )
        await harness.settled()
        return harness.texts(asked.response.message)

    assert "seed 5" in await said()
    await set_language(harness, "zh-CN")
    assert "种子 5" in await said() and "seed 5" in await said(private=True)
    await harness.crash()
    await harness.start()
    assert "种子 5" in await said()
    speak("zh-CN", "zh-CN")
    await set_language(harness, "en-US")
    assert "seed 5" in await said() and "种子 5" in await said(private=True)
    await set_language(harness, "default")
    assert "种子 5" in await said()


async def test_the_language_of_the_server_is_shown(harness: BotHarness):
    """Asking changes nothing, and says what was chosen."""
    assert "Language: not set" in await set_language(harness, None)
    await set_language(harness, "zh-CN")
    assert "Language: 中文" in await set_language(harness, None)
    assert harness.rows("SELECT locale FROM server_settings") == [("zh-CN",)]


async def test_a_report_is_in_the_language_of_the_server(harness: BotHarness, speak: Speak):
    """Its card follows the admins' choice, whoever asked for the picture."""
    mods = await reports_channel(harness)
    await set_language(harness, "zh-CN")
    await paint(harness, prompt="a lake", seed=5)
    await report(harness, harness.bob, "odd", harness.message_with_picture())
    await reports_shown(harness)
    (card,) = mods.history()
    assert "图片 #1 被举报了。" in harness.texts(card)


async def set_language(harness: BotHarness, language: str | None) -> str:
    """Set the language of the server as an admin; return the answer. None: only ask."""
    options = {} if language is None else {"language": language}
    done = await harness.admin.slash(harness.channel, "admin settings server", **options)
    return harness.texts(done.response.message)


async def test_a_copy_is_in_the_language_of_who_asks_for_it(harness: BotHarness, speak: Speak):
    """A copy is in the language of the member who asks for it, not of the original message."""
    await paint(harness, prompt="a lake", seed=5)
    speak("zh-CN", "en-US")
    panel = await harness.more(harness.bob, harness.message_with_picture())
    await harness.bob.click(panel, custom_id=marked("z1:copy:1"))
    (copy,) = harness.bob.user.dm_channel.history()
    assert "种子 5" in harness.texts(copy) and "seed 5" in harness.texts(
        harness.message_with_picture()
    )


async def test_the_names_of_choices_are_translated(harness: BotHarness):
    """Clients show translated choices, but the value that is sent is the same in every language."""
    (sync, *_) = [r for r in harness.env.http_requests if r.method == "PUT"]
    imagine = next(each for each in sync.json if each["name"] == "imagine")
    speed = next(each for each in imagine["options"] if each["name"] == "speed")
    assert speed["choices"][0]["name_localizations"]["zh-CN"] == "快速"
    assert (speed["choices"][0]["name"], speed["choices"][0]["value"]) == ("fast", "fast")
