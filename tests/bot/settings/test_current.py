"""Which settings a running bot takes up."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bot.settings import CurrentSettings, Settings, load
from bot.settings.current import (
    TAKES_EFFECT,
    TakesEffect,
    changed_settings,
    setting_names,
    value_of,
    with_live_changes,
)
from tests.compatibility.home import CONFIG

CONFIGURED = [
    f"{section}.{key}"
    for section, keys in tomllib.loads(CONFIG.read_text(encoding="utf-8")).items()
    for key in keys
]


def test_every_setting_is_classified():
    """For each setting it is decided whether a change holds at once or after a restart, and for
    nothing else."""
    assert sorted(TAKES_EFFECT) == sorted(setting_names())


@pytest.mark.parametrize("name", CONFIGURED)
def test_what_is_live_is_taken_over_and_the_rest_is_not(name: str):
    """Of a file in which everything has changed, the running bot takes up exactly what is live."""
    before, after = Settings(), load(CONFIG)
    assert name in changed_settings(before, after)
    wanted = after if TAKES_EFFECT[name] is TakesEffect.LIVE else before
    assert value_of(with_live_changes(before, after), name) == value_of(wanted, name)


def test_the_same_settings_have_not_changed(tmp_path: Path):
    """Reading a file again finds nothing that has changed, also in tables and secrets."""
    assert changed_settings(load(CONFIG), load(CONFIG)) == ()


def test_a_snapshot_stays_as_it_is():
    """Whoever has read the settings keeps them when others come to hold."""
    current = CurrentSettings(Settings())
    read = current.now
    current.replace(load(CONFIG))
    assert read.quota.pictures == 50 and current.now.quota.pictures != 50
