"""SIGHUP reloads the settings of the real process, and what was not taken up reaches the owners."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from bot.delivery.alerts import OwnerAlert, RestartNeeded, SettingsRefused
from bot.runtime.reload_requests import reload_on_request
from bot.settings import CurrentSettings, Settings, load
from bot.settings.reload import ReloadService
from tests.bot.playground.live import open_live
from tests.fakes import until


async def test_owners_are_told_what_was_not_taken_up(tmp_path: Path):
    """A broken file and settings that need a restart are alerts; a reload that did all is none."""
    file = tmp_path / "config.toml"
    file.write_text("")
    current, applied = CurrentSettings(load(file)), list[Settings]()
    service = ReloadService(current, file, check=lambda _: None, applied=applied.append)
    requested, alerts = asyncio.Event(), list[OwnerAlert]()
    task = asyncio.create_task(reload_on_request(requested, service, alerts.append))
    for text, seen in (
        ("[quota\n", (1, 0)),
        ("[quota]\nhours = 3\n", (1, 1)),
        ('[engine]\ndevice = "cpu"\n', (2, 2)),
    ):
        file.write_text(text)
        requested.set()
        await until(lambda seen=seen: (len(alerts), len(applied)) == seen)
    task.cancel()
    refused, restart = alerts
    assert isinstance(refused, SettingsRefused) and "line 1" in refused.problem
    assert restart == RestartNeeded(("engine.device",))
    assert [each.quota.hours for each in applied] == [3, 24]


async def test_a_reload_that_breaks_off_ends_nothing(tmp_path: Path):
    """An error that nobody expected is logged, and the next request is heard."""
    calls: list[Settings] = []

    def check(settings: Settings) -> None:
        calls.append(settings)
        if len(calls) == 1:
            raise RuntimeError("unexpected")

    current = CurrentSettings(Settings())
    service = ReloadService(current, None, check=check, applied=lambda _: None)
    requested = asyncio.Event()
    task = asyncio.create_task(reload_on_request(requested, service, lambda _: None))
    for count in (1, 2):
        requested.set()
        await until(lambda count=count: len(calls) == count)
    assert not task.done()
    task.cancel()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")
async def test_sighup_reloads_a_running_bot(tmp_path: Path):
    """The process goes on, names what has changed and what needs a restart, survives a broken
    file, and still ends in order."""
    config = tmp_path / "config.toml"
    config.write_text("")
    async with open_live(tmp_path / "data", config=config) as live:
        process = live.playground.process
        pid = process.pid
        assert pid is not None

        async def hang_up(text: str, said: str) -> None:
            config.write_text(text)
            os.kill(pid, signal.SIGHUP)
            await live.until(lambda: any(said in line for line in process.lines))

        await hang_up("[jobs]\nmax_wait_s = 5\nmax_age = 3\n", "line 3")
        # The environment says otherwise about the quota.
        changed = '[quota]\npictures = 3\nhours = 3\n[engine]\ndevice = "cpu"\n'
        await hang_up(changed, "some settings need a restart")
        (line,) = [line for line in process.lines if "settings reloaded" in line]
        assert "quota.hours" in line and "quota.pictures" not in line
        await hang_up('[log]\nformat = "json"\n', '"event": "settings reloaded"')
        assert process.pid == pid
        first = live.send("imagine", prompt="a red house")
        await live.picture()
        assert live.leads_to_picture(first)
        os.kill(pid, signal.SIGTERM)
        await asyncio.wait_for(process.gave_up.wait(), 20)
        assert process.exit_code == 0
