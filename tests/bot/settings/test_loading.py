"""Settings come from three sources in order, and every mistake gets one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import InvalidSetting, load
from engine.model_names import is_model_name, short_name
from tests.bot.sample_token import TOKEN


def write(tmp_path: Path, text: str) -> Path:
    """Write a configuration file."""
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The environment takes precedence over config.toml, and that over the defaults."""
    path = write(tmp_path, '[engine]\nqueue_limit = 7\ndevice = "cpu"\n')
    monkeypatch.setenv("ZIMAGINE_ENGINE__QUEUE_LIMIT", "9")
    settings = load(path)
    assert settings.engine.queue_limit == 9
    assert settings.engine.device == "cpu"
    assert settings.engine.model == "sketch"


def test_the_command_line_wins_over_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The command line takes precedence over everything."""
    monkeypatch.setenv("ZIMAGINE_ENGINE__MODEL", "from/environment")
    settings = load(write(tmp_path, ""), engine={"model": "a/b"})
    assert settings.engine.model == "a/b"


def test_lists_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Ids can be written as JSON or separated by commas."""
    monkeypatch.setenv("ZIMAGINE_DISCORD__GUILDS", "1, 22")
    monkeypatch.setenv("ZIMAGINE_DISCORD__OWNERS", "[3]")
    settings = load(write(tmp_path, ""))
    assert settings.discord.guilds == (1, 22) and settings.discord.owners == (3,)


def test_the_token_comes_from_discord_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The token comes from DISCORD_TOKEN, and is not shown when settings are printed."""
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    settings = load(write(tmp_path, '[discord]\ntoken = "old"\n'))
    assert settings.discord.token is not None
    assert settings.discord.token.get_secret_value() == TOKEN
    assert TOKEN not in repr(settings) and TOKEN not in str(settings.model_dump())


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[engine]\nqueue_limit = 0\n", "engine.queue_limit"),
        ('[engine]\nqueue_limit = "many"\n', "engine.queue_limit"),
        ('[engine]\ndevice = "tpu"\n', "engine.device"),
        ("[engine]\nqeue_limit = 5\n", "engine.qeue_limit"),
        ("[motor]\nx = 1\n", "motor"),
        ("[quota]\npictures = -1\n", "quota.pictures"),
        ("[quota]\nhours = 0\n", "quota.hours"),
        ("[quota]\nserver_pictures = -1\n", "quota.server_pictures"),
        ("[quota]\nserver_hours = 0\n", "quota.server_hours"),
        ('[quota]\nservers = { "x" = 5 }\n', "quota.servers"),
        ('[quota]\nservers = { "7" = -5 }\n', "quota.servers"),
        ('[discord]\nguilds = ["a"]\n', "discord.guilds.0"),
        ("[discord]\nowners = true\n", "discord.owners"),
        ('discord = "x"\n', "discord"),
        ('[log]\nlevel = "loud"\n', "log.level"),
        ("[engine\n", "not valid TOML"),
        ('[storage]\ndata_dir = ""\n', "storage.data_dir"),
        ('[storage]\ndata_dir = "  "\n', "storage.data_dir"),
        ('[storage]\ndata_dir = "\\t\u3000\\n"\n', "storage.data_dir"),
        ('[storage]\ndata_dir = "/"\n', "storage.data_dir"),
        ('[storage]\ndata_dir = "//"\n', "storage.data_dir"),
        ('[storage]\ndata_dir = "/tmp/.."\n', "storage.data_dir"),
        ('[storage]\ndata_dir = "~nobody-of-this-name/data"\n', "storage.data_dir"),
        ('[storage]\ndata_dir = "a\\u0000b"\n', "storage.data_dir"),
        ("[storage]\ndata_dir = 5\n", "storage.data_dir"),
        ("[storage]\ndata_dir = []\n", "storage.data_dir"),
        ('[engine]\nmodel = ""\n', "engine.model"),
        ('[engine]\nmodel = " "\n', "engine.model"),
        ('[engine]\nrevision = ""\n', "engine.revision"),
        ('[engine]\nvae = ""\n', "engine.vae"),
        ("[engine]\ntokenizer = 3\n", "engine.tokenizer"),
        ('[engine]\nfamily = "flux"\n', "engine.family"),
        ('[engine.models]\nturbo = ""\n', "engine.models.turbo.source"),
        ("[engine.models]\nturbo = {}\n", "engine.models.turbo.source"),
        ("[engine.models]\nturbo = 5\n", "engine.models.turbo"),
        ('[engine.models]\nturbo = {source="a/b", family="x"}\n', "engine.models.turbo.family"),
        ('[engine.models]\nturbo = {source="a/b", colour=1}\n', "engine.models.turbo.colour"),
        ('[engine.models]\n"Big one" = "a/b"\n', "'Big one'"),
        ('[engine.models]\nall = "a/b"\n', "'all'"),
        (f'[engine.models]\n{"x" * 33} = "a/b"\n', "up to 32"),
        ('[engine.models]\nsketch = "a/b"\n', "engine.models.sketch"),
        ('[engine.models]\nx = "sketch"\ny = "sketch"\n', "engine.models.y"),
        ('[engine.models]\nx = {source="sketch", family="sketch"}\n', "engine.models.x.family"),
    ],
)
def test_a_wrong_setting_is_one_sentence_with_its_path(tmp_path: Path, text: str, path: str):
    """Each mistake is reported in one line, with its section and key."""
    with pytest.raises(InvalidSetting) as caught:
        load(write(tmp_path, text))
    sentence = str(caught.value)
    assert path in sentence and sentence.endswith((".", "?")) and "\n" not in sentence


def test_the_family_of_the_file_is_that_of_its_model(tmp_path: Path):
    """A model from the command line is not taken for the family that the file names for its own."""
    path = write(
        tmp_path,
        '[engine]\nmodel = "base.safetensors"\nfamily = "z-image"\nvae = "ae.safetensors"\n',
    )
    assert load(path).engine.to_engine().family == "z-image"
    assert load(path, engine={"model": "base.safetensors"}).engine.family == "z-image"
    other = load(path, engine={"model": "sketch"}).engine
    assert (other.family, other.vae) == ("auto", None)


def test_models_have_names_and_sources(tmp_path: Path):
    """A source alone, or a table; the default model comes first, under its own name or that of the
    entry with its source. What else is under [engine] holds for all."""
    path = write(
        tmp_path,
        '[engine]\nmodel = "Some/Turbo-1.5"\nfamily = "z-image-turbo"\ndevice = "cpu"\n'
        "[engine.models]\n"
        'demo = "sketch"\nbase = {source = "base.gguf", family = "z-image", title = "Base"}\n',
    )
    default, demo, base = load(path).engine.offered()
    assert (default.name, default.settings.family) == ("turbo-1.5", "z-image-turbo")
    assert (demo.name, demo.settings.model, demo.settings.family) == ("demo", "sketch", "auto")
    assert (base.title, base.settings.family, base.settings.device) == ("Base", "z-image", "cpu")
    named = load(write(tmp_path, '[engine.models]\nx = "a/b"\ny = {source="sketch", title="Y"}\n'))
    assert [(each.name, each.title) for each in named.engine.offered()] == [("y", "Y"), ("x", "")]


def test_the_command_line_knows_the_names_of_models(tmp_path: Path):
    """A name stands for its source and family; any other model has none of the file's beside it."""
    path = write(tmp_path, '[engine.models]\nbase = {source="base.gguf", family="z-image"}\n')
    base = load(path, engine={"model": "base"}).engine
    assert (base.model, base.family, len(base.offered())) == ("base.gguf", "z-image", 1)
    other = load(path, engine={"model": "a/b"}).engine
    assert (other.model, other.family, len(other.offered())) == ("a/b", "auto", 1)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("Tongyi-MAI/Z-Image-Turbo", "z-image-turbo"),
        ("/srv/models/My Model (v2).safetensors", "my-model-v2"),
        ("C:\\models\\base.gguf", "base"),
        ("模型", "model"),
        ("x" * 40, "x" * 32),
    ],
)
def test_a_model_without_a_name_is_called_by_its_source(source: str, name: str):
    """Its id, folder or file, in the signs that a name may have."""
    assert short_name(source) == name and is_model_name(name)


@pytest.mark.parametrize("value", ["", " ", "\t", "/"])
def test_an_empty_data_folder_in_the_environment_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
):
    """An empty variable does not put the database into the working directory."""
    monkeypatch.setenv("ZIMAGINE_STORAGE__DATA_DIR", value)
    with pytest.raises(InvalidSetting, match=r"storage\.data_dir"):
        load(write(tmp_path, ""))


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        (".", Path()),
        ("data", Path("data")),
        (" data ", Path("data")),
        ("../data", Path("../data")),
        ("~", Path.home()),
        ("~/pictures of the bot", Path.home() / "pictures of the bot"),
        ("/srv/zimagine", Path("/srv/zimagine")),
    ],
)
def test_folders_that_can_be_the_bots(tmp_path: Path, text: str, folder: Path):
    """Relative paths, the home folder, and the working directory by its name are accepted."""
    assert load(write(tmp_path, f'[storage]\ndata_dir = "{text}"\n')).storage.data_dir == folder


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("[engine]\nmodle = 5\n", "engine.model"),
        ("[engine]\nqeue_limit = 5\n", "engine.queue_limit"),
        ("[engine]\nqueue-limit = 5\n", "engine.queue_limit"),
        ("[engine]\ndata_dir = 'x'\n", "storage.data_dir"),
        ("[quotas]\npictures = 5\n", "quota"),
        ("keep_days = 5\n", "storage.keep_days"),
        ("[motor]\nx = 1\n", None),
    ],
)
def test_a_misspelt_key_of_the_file_is_named_with_the_nearest(
    tmp_path: Path, text: str, nearest: str | None
):
    """The sentence about an unknown key asks whether the most similar one was meant."""
    with pytest.raises(InvalidSetting) as caught:
        load(write(tmp_path, text))
    meant = f"did you mean {nearest}?" if nearest else "is it misspelled?"
    assert str(caught.value).endswith(meant)


def test_a_misspelt_variable_is_an_error_that_keeps_its_value_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As an unknown key in the file would, a misspelt variable stops the start, named alone."""
    monkeypatch.setenv("ZIMAGINE_QUOTA_PICTURES", "a secret of the owner's")
    monkeypatch.setenv("ZIMAGINE_FOO", "another secret")
    with pytest.raises(InvalidSetting) as caught:
        load(write(tmp_path, ""))
    sentence = str(caught.value)
    assert "ZIMAGINE_QUOTA_PICTURES (did you mean ZIMAGINE_QUOTA__PICTURES?)" in sentence
    assert "ZIMAGINE_FOO" in sentence and "secret" not in sentence and "\n" not in sentence


def test_a_section_as_json_in_the_environment_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A whole section may be given as JSON, and in small letters."""
    monkeypatch.setenv("ZIMAGINE_QUOTA", '{"pictures": 7}')
    monkeypatch.setenv("zimagine_engine__queue_limit", "8")
    settings = load(write(tmp_path, ""))
    assert (settings.quota.pictures, settings.engine.queue_limit) == (7, 8)


def test_a_wrong_token_is_never_repeated(tmp_path: Path):
    """The sentence about an invalid token does not contain it."""
    with pytest.raises(InvalidSetting) as caught:
        load(write(tmp_path, "[discord]\ntoken = 123456789\n"))
    assert "123456789" not in str(caught.value)


def test_a_missing_file_is_said_only_if_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A missing file is an error only if it was named; otherwise the defaults are used."""
    monkeypatch.chdir(tmp_path)
    assert load(None).engine.model == "sketch"
    with pytest.raises(InvalidSetting, match="does not exist"):
        load(tmp_path / "none.toml")
    with pytest.raises(InvalidSetting, match="cannot be read"):
        load(tmp_path)


def test_one_id_is_a_list_of_one(tmp_path: Path):
    """Where a list of ids is expected, a single one without brackets is understood."""
    path = write(tmp_path, "[discord]\nowners = 123456789012345678\n")
    assert load(path).discord.owners == (123456789012345678,)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('[engine]\ndevice = "gpu"\n', 'use "auto", "cuda"'),
        ('[engine]\ndevice = "cuda:x"\n', 'use "auto", "cuda"'),
        ("[storage]\ndata_dir = 5\n", "the path of a folder, in quotation marks"),
        ('[storage]\ndata_dir = ["a"]\n', "the path of a folder, in quotation marks"),
        ('[discord]\nproxy = "socks5://x:1"\n', "is invalid: SOCKS proxies"),
        ("[engine]\nmodel = sketch\n", "straight quotation marks"),
        ("[discord]\ntoken = “abc”\n", "straight quotation marks"),
        ("[engine]\ndownload = True\n", "small letters"),
        ('[storage]\ndata_dir = "C:\\Users\\me"\n', "single quotes"),
        ('[storage]\ndata_dir = "D:\\pictures"\n', "single quotes"),
        ('[storage]\ndata_dir = "C:\\temp"\n', "single quotes"),
        ('[engine]\nmodel = "C:\\new\\model"\n', "single quotes"),
    ],
)
def test_mistakes_are_explained_in_words(tmp_path: Path, text: str, word: str):
    """No sentence speaks of patterns, tuples or classes of Python, and TOML's get a hint."""
    with pytest.raises(InvalidSetting) as raised:
        load(write(tmp_path, text))
    said = str(raised.value)
    assert word in said, said
    assert not any(each in said for each in ("pattern", "tuple", "<class"))


def test_single_servers_have_ceilings_of_their_own(tmp_path: Path) -> None:
    """A server that is named has its own ceiling, all others that of every server."""
    file = tmp_path / "config.toml"
    file.write_text('[quota]\nserver_pictures = 5\nservers = { "7" = 9, "8" = 0 }\n')
    quota = load(file).quota
    assert [quota.ceiling(each) for each in (6, 7, 8)] == [5, 9, 0]
    assert load(None).quota.ceiling(7) is None
