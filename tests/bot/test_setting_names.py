"""Misspelt names of settings are noticed, and the right one is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.setting_names import UnknownName, misspelt_token, nearest_setting, unknown_variables

SETTINGS = {
    "discord": ["token", "guilds", "previews"],
    "engine": ["model", "device", "queue_limit", "user_limit"],
    "storage": ["data_dir", "keep_days"],
    "quota": ["pictures", "hours"],
    "log": ["level", "format"],
}


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("ZIMAGINE_QUOTA_PICTURES", "ZIMAGINE_QUOTA__PICTURES"),
        ("zimagine_quota_pictures", "ZIMAGINE_QUOTA__PICTURES"),
        ("ZIMAGINE__QUOTA__PICTURES", "ZIMAGINE_QUOTA__PICTURES"),
        ("ZIMAGINE_QUOTA___PICTURES", "ZIMAGINE_QUOTA__PICTURES"),
        ("ZIMAGINE_QUOTA__PICTURE", "ZIMAGINE_QUOTA__PICTURES"),
        ("ZIMAGINE_QUOTAS__PICTURES", "ZIMAGINE_QUOTA__PICTURES"),
        ("ZIMAGINE_QOUTA__PICTURES", "ZIMAGINE_QUOTA__PICTURES"),
        ("ZIMAGINE_PICTURES", "ZIMAGINE_QUOTA__PICTURES"),
        ("ZIMAGINE_ENGINE__PICTURES", "ZIMAGINE_QUOTA__PICTURES"),
        ("ZIMAGINE_ENGINE__MODLE", "ZIMAGINE_ENGINE__MODEL"),
        ("ZIMAGINE_ENGINE_QUEUE_LIMIT", "ZIMAGINE_ENGINE__QUEUE_LIMIT"),
        ("ZIMAGINE_ENGINE__QUEUELIMIT", "ZIMAGINE_ENGINE__QUEUE_LIMIT"),
        ("ZIMAGINE_DATA_DIR", "ZIMAGINE_STORAGE__DATA_DIR"),
        ("ZIMAGINE_STORAGE_DATADIR", "ZIMAGINE_STORAGE__DATA_DIR"),
        ("ZIMAGINE_LOGLEVEL", "ZIMAGINE_LOG__LEVEL"),
        ("ZIMAGINE_TOKEN", "DISCORD_TOKEN"),
        ("ZIMAGINE_DISCORD_TOKEN", "DISCORD_TOKEN"),
        ("ZIMAGIN_QUOTA__PICTURES", "ZIMAGINE_QUOTA__PICTURES"),
        ("Z_IMAGINE_QUOTA__PICTURES", "ZIMAGINE_QUOTA__PICTURES"),
        ("ZIMAGNE_ENGINE__MODEL", "ZIMAGINE_ENGINE__MODEL"),
        ("ZIMAGINE_QUOTA__PICTURES__X", "ZIMAGINE_QUOTA__PICTURES"),
        ("ZIMAGINE_FOO", None),
        ("ZIMAGINE_", None),
        ("ZIMAGINE_VERSION", None),
    ],
)
def test_a_misspelt_variable_is_found(name: str, nearest: str | None):
    """Each spelling is reported with the variable that was probably meant."""
    assert unknown_variables([name, "PATH"], SETTINGS) == [UnknownName(name, nearest)]


@pytest.mark.parametrize(
    "name",
    [
        "ZIMAGINE_QUOTA__PICTURES",
        "zimagine_quota__pictures",
        "Zimagine_Log__Level",
        "ZIMAGINE_QUOTA",
        "ZIMAGINE_DISCORD__TOKEN",
        "DISCORD_TOKEN",
        "ZIMAGINE_SERVICE_HOST",
        "ZIMAGINE_SERVICE_PORT",
        "ZIMAGINE_SERVICE_PORT_HTTP",
        "ZIMAGINE_PORT",
        "ZIMAGINE_PORT_80_TCP",
        "ZIMAGINE_PORT_80_TCP_ADDR",
        "ZIMAGINE_WEB_PORT_80_TCP_PROTO",
        "HTTPS_PROXY",
        "HF_TOKEN",
        "APP_ENGINE__MODEL",
        "IMAGES_QUOTA__HOURS",
        "",
    ],
)
def test_other_variables_are_left_alone(name: str):
    """Right names, what Kubernetes sets, and other programs' variables are not reported."""
    assert unknown_variables([name], SETTINGS) == []


@given(st.lists(st.text(max_size=40)))
def test_no_name_breaks_the_search(names: list[str]):
    """Whatever variables there are, every reported name is one of them, once."""
    found = [each.name for each in unknown_variables(set(names), SETTINGS)]
    assert set(found) <= set(names) and len(found) == len(set(found))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("engine.modle", "engine.model"),
        ("pictures", "quota.pictures"),
        ("log.queue_limit", "engine.queue_limit"),
        ("engine.queue", "engine.queue_limit"),
        ("quotas", "quota"),
        ("engines", "engine"),
        ("motor.x", None),
        ("", None),
    ],
)
def test_the_nearest_setting(name: str, nearest: str | None):
    """A key in the wrong section or with wrong letters has a nearest one, another word has none."""
    assert nearest_setting(name, SETTINGS) == nearest


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("DISCORD_BOT_TOKEN", True),
        ("DISCORDTOKEN", True),
        ("DISCORD_TOKN", True),
        ("discord-token", True),
        ("DISCORD_TOKEN", False),
        ("HF_TOKEN", False),
        ("PATH", False),
    ],
)
def test_a_misspelt_token_is_found(name: str, found: bool):
    """A variable whose name is nearly DISCORD_TOKEN is named when there is no token."""
    assert misspelt_token([name, "HOME"]) == (name if found else None)
