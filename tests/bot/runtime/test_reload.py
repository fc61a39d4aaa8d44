"""The running bot takes up a changed configuration file, or leaves everything as it was."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest

from bot.accounts.permissions import Actor
from bot.accounts.quota_settings import Member
from bot.i18n import words
from bot.request.outcomes import Refused
from bot.settings.reload import Reloaded, ReloadRefused
from bot.wording.configuration import reload_sentence
from tests.bot.discord.harness import OWNER_ID, BotHarness, open_harness
from tests.bot.discord.painting import paint
from tests.fakes import ScriptedRenderer


class ConfiguredBot:
    """A running bot and the file that its settings were read from."""

    def __init__(self, harness: BotHarness, file: Path) -> None:
        self.harness = harness
        self.file = file

    async def reload(self, **sections: str) -> Reloaded | ReloadRefused:
        """Write the file anew, with these sections, and reload it."""
        write(self.file, **sections)
        return await self.harness.app.services.reload.reload()

    async def answer(self, prompt: str) -> str:
        """Ask for a picture as Alice; return what she is answered if it is refused, else ""."""
        result = await self.harness.alice.slash(self.harness.channel, "imagine", prompt=prompt)
        return result.response.content if result.ephemeral else ""


def write(file: Path, **sections: str) -> None:
    """Write a configuration file. sections: the lines of each."""
    basis = {"storage": f"data_dir = '{file.parent / 'data'}'", "discord": f"owners = [{OWNER_ID}]"}
    text = "".join(f"[{name}]\n{lines}\n" for name, lines in (basis | sections).items())
    file.write_text(text, encoding="utf-8")


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[ConfiguredBot]:
    """The bot with a quota of one picture."""
    file, renderer = tmp_path / "config.toml", ScriptedRenderer()
    write(file, quota="pictures = 1")
    async with open_harness(tmp_path / "data", renderer.load, config=file) as harness:
        yield ConfiguredBot(harness, file)
        renderer.release()


async def test_a_new_quota_holds_for_the_next_request(bot: ConfiguredBot):
    """Whoever had used up their quota paints again after the default was raised, and what was
    charged stays charged."""
    await paint(bot.harness, prompt="one")
    assert "quota" in await bot.answer("refused")
    assert await bot.reload(quota="pictures = 2\nhours = 5") == Reloaded(
        ("quota.pictures", "quota.hours")
    )
    await paint(bot.harness, prompt="two")
    assert bot.harness.charged() == 2
    assert "2 pictures" in await bot.answer("refused") and bot.harness.charged() == 2


async def test_a_job_in_progress_keeps_what_it_began_with(bot: ConfiguredBot):
    """While a picture is painted, lower limits refuse new ones only: it is finished, and so is
    what already waits beyond the new limit."""
    harness = bot.harness
    await bot.reload(quota="pictures = 9")
    harness.renderer.hold()
    for prompt in ("painted", "waits", "waits, too"):
        assert await bot.answer(prompt) == ""
    await harness.state(1, "painting")
    limits = {"engine": "queue_limit = 1", "quota": "pictures = 9", "discord": "previews = false"}
    outcome = await bot.reload(**limits)
    assert isinstance(outcome, Reloaded) and not outcome.needs_restart
    assert "queue is full: 2" in await bot.answer("refused")
    harness.renderer.release()
    await harness.settled()
    assert harness.rows("SELECT state FROM jobs") == [("painted",)] * 3
    assert harness.renderer.previews == [True, True, True]
    await paint(harness, prompt="after that")
    assert harness.renderer.previews[-1] is False


async def test_what_needs_a_restart_is_named_and_left(bot: ConfiguredBot):
    """Of a file with both, what can change has changed; the rest is named at every reload until
    the file says again what holds."""
    mixed = {"engine": 'device = "cuda:7"\nqueue_limit = 5', "quota": "pictures = 3"}
    outcome = await bot.reload(**mixed)
    assert outcome == Reloaded(("engine.queue_limit", "quota.pictures"), ("engine.device",))
    settings = bot.harness.app.settings
    assert (settings.engine.device, settings.engine.queue_limit) == ("auto", 5)
    assert await bot.reload(**mixed) == Reloaded((), ("engine.device",))
    assert await bot.reload(engine="queue_limit = 5", quota="pictures = 3") == Reloaded()


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"quota": "pictures = 5\nhours = 0"}, "line 7"),
        ({"quota": "pictures = 5", "jobs": "max_wait = 5"}, "line 8"),
        ({"quota": "pictures = 5", "log": "level = info"}, "line 8"),
        ({"quota": "pictures = 5", "moderation": "picture_check = 'no_such:look'"}, "no_such"),
        ({"quota": "pictures = 5", "discord": "token = 5"}, "line 4"),
    ],
)
async def test_a_broken_file_changes_nothing(
    bot: ConfiguredBot, sections: dict[str, str], said: str
):
    """A file with one mistake is refused as a whole, in one sentence that says where it is."""
    before = bot.harness.app.settings
    outcome = await bot.reload(**sections)
    assert isinstance(outcome, ReloadRefused)
    assert said in outcome.problem and "\n" not in outcome.problem
    assert bot.harness.app.settings is before
    await paint(bot.harness, prompt="one")
    assert "quota" in await bot.answer("refused")


async def test_a_file_that_is_gone_changes_nothing(bot: ConfiguredBot):
    """A file that vanished does not make all its settings the defaults."""
    before = bot.harness.app.settings
    bot.file.unlink()
    outcome = await bot.harness.app.services.reload.reload()
    assert isinstance(outcome, ReloadRefused) and "does not exist" in outcome.problem
    assert bot.harness.app.settings is before
    assert await bot.reload(quota="pictures = 2") == Reloaded(("quota.pictures",))


@pytest.mark.parametrize("there", [True, False])
async def test_the_file_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
):
    """A config.toml that nobody named may come later, but must not vanish once it was read."""
    monkeypatch.chdir(tmp_path)
    file, renderer = tmp_path / "config.toml", ScriptedRenderer()
    as_begun = f"owners = [{OWNER_ID}]\nwelcome = false"
    if there:
        write(file, discord=as_begun)
    async with open_harness(tmp_path / "data", renderer.load) as harness:
        service = harness.app.services.reload
        write(file, discord=as_begun, quota="pictures = 3")
        assert await service.reload() == Reloaded(("quota.pictures",))
        file.unlink()
        assert isinstance(await service.reload(), ReloadRefused)


async def test_the_environment_still_goes_before_the_file(
    bot: ConfiguredBot, monkeypatch: pytest.MonkeyPatch
):
    """What an environment variable says holds whatever the file says, and has not changed."""
    monkeypatch.setenv("ZIMAGINE_QUOTA__PICTURES", "1")
    assert await bot.reload(quota="pictures = 9\nhours = 7") == Reloaded(("quota.hours",))
    assert bot.harness.app.settings.quota.pictures == 1


async def test_owners_and_servers_change_at_once(bot: ConfiguredBot):
    """Who is named an owner may do what owners may; a server that is not named is not served."""
    harness, services = bot.harness, bot.harness.app.services
    alice = Actor(harness.alice.id, harness.guild.id, harness.channel.id)
    bob = Member(harness.bob.id)
    assert services.serves(harness.guild.id)
    assert isinstance(await services.quotas.show(alice, bob), Refused)
    await bot.reload(discord=f"owners = [{alice.user_id}]\nguilds = [5]")
    assert not isinstance(await services.quotas.show(alice, bob), Refused)
    assert not services.serves(harness.guild.id)


async def test_a_new_picture_check_judges_the_next_picture(
    bot: ConfiguredBot, monkeypatch: pytest.MonkeyPatch
):
    """A function that was set while the bot runs looks at the pictures that come after it."""
    checks = ModuleType("checks_of_this_test")
    checks.refuse = lambda _: "refuse"  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, checks.__name__, checks)
    await paint(bot.harness, prompt="shown")
    check = f'picture_check = "{checks.__name__}:refuse"'
    await bot.reload(moderation=check, quota="pictures = 9")
    await paint(bot.harness, prompt="refused")
    assert bot.harness.rows("SELECT state FROM jobs") == [("painted",), ("failed",)]


async def test_two_reloads_at_a_time_are_one_after_the_other(bot: ConfiguredBot):
    """The second one finds what the first one has taken up."""
    write(bot.file, quota="pictures = 4")
    service = bot.harness.app.services.reload
    first, second = service.reload(), service.reload()
    assert (await first, await second) == (Reloaded(("quota.pictures",)), Reloaded())


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_every_outcome_has_words(locale: str):
    """What was taken up, what waits for a restart, and a refusal are said in each language."""
    say = words(locale)
    both = reload_sentence(Reloaded(("quota.hours",), ("engine.device", "engine.model")), say)
    assert "quota.hours" in both and "engine.device" in both and "engine.model" in both
    refused = reload_sentence(ReloadRefused("There is no setting quota.x."), say)
    assert "There is no setting quota.x." in refused
    said = {both, refused, reload_sentence(Reloaded(), say)}
    assert len(said) == 3 and all(("。" in each) == (locale == "zh-CN") for each in said)
