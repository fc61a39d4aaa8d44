"""A model is complete or refused with one plain line; nothing is downloaded unless allowed."""

import json
import pickle
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.diffusion.checkpoints import fingerprint
from engine.diffusion.checkpoints.weights import Weight
from engine.diffusion.families import SKETCH, SKETCH_FAMILY
from engine.diffusion.loading import examine_model, load_model, locate
from engine.diffusion.residency import from_pipeline
from engine.errors import ModelInvalid, ModelNotFound, ModelUnavailable
from engine.settings import EngineSettings
from engine.sketch import MODEL_DIR
from tests.engine.diffusion.rendering import plain_pipeline
from tests.engine.diffusion.tiny import COMPONENTS, build_tiny

WEIGHTS = {
    "transformer": "diffusion_pytorch_model.safetensors",
    "text_encoder": "model.safetensors",
    "vae": "diffusion_pytorch_model.safetensors",
}


@pytest.fixture(autouse=True)
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every attempt to reach another machine; the hub client believes that it may."""
    tried: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> None:
        tried.append(arguments)
        raise OSError("no network in tests")

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tried


def load(model: Path | str, dtype: torch.dtype = torch.float32, **settings: Any) -> Any:
    loaded = load_model(EngineSettings(model=str(model), **settings), torch.device("cpu"), dtype)
    return loaded.pipeline, loaded.revision


def refusal(model: Path | str, kind: type[ModelUnavailable] = ModelInvalid) -> str:
    """Return the reason of a refusal; checks that it could be shown to a user."""
    with pytest.raises(kind) as caught:
        load(model)
    assert type(caught.value) is kind
    assert caught.value.model == str(model)
    reason = caught.value.reason
    assert reason.strip() == reason != ""
    assert "\n" not in reason
    return reason


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_whole_model_loads(tiny: Path, dtype: torch.dtype, attempts: list[Any]) -> None:
    """Every component has the requested number format, loaded from the disk alone."""
    pipeline, revision = load(tiny, dtype)
    for name in COMPONENTS:
        weights = getattr(pipeline, name).state_dict().values()
        assert {each.dtype for each in weights if each.is_floating_point()} == {dtype}
    assert revision == fingerprint(tiny)
    assert attempts == []


@pytest.mark.parametrize(
    "model", ["nobody/nothing-of-this-name", "no-owner", "../a/b/c", "a b/c", "\0"]
)
def test_an_unknown_name(model: str, attempts: list[Any]) -> None:
    """A name unknown to this machine is not found, and no server is asked for it."""
    reason = refusal(model, ModelNotFound)
    assert reason.startswith("no such folder")
    assert ("download = true" in reason) == (model == "nobody/nothing-of-this-name")
    assert attempts == []


def test_downloading_has_to_be_allowed(
    attempts: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only with `download` is the network tried, and its failure is a sentence."""
    monkeypatch.delenv("HF_HUB_OFFLINE")
    huggingface_hub.constants.HF_HUB_CACHE, before = (
        str(tmp_path),
        huggingface_hub.constants.HF_HUB_CACHE,
    )
    try:
        with pytest.raises(ModelNotFound, match="could not be fetched"):
            load("nobody/nothing-of-this-name", download=True)
    finally:
        huggingface_hub.constants.HF_HUB_CACHE = before
    assert attempts


def test_nobodys_home(attempts: list[Any]) -> None:
    """The home of a user unknown to the machine does not exist."""
    assert "no such folder" in refusal("~nobody-of-this-name/model", ModelNotFound)


def test_home_and_sketch(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the user's home, and `sketch` the embedded model."""
    monkeypatch.setenv("HOME", str(tiny.parent))
    monkeypatch.setenv("USERPROFILE", str(tiny.parent))
    assert locate(EngineSettings(model="~/tiny")) == tiny
    assert locate(EngineSettings(model=SKETCH)) == MODEL_DIR


def test_an_autoencoder_is_no_model(tiny: Path) -> None:
    """A weights file without a transformer is refused, and the message says what a model is."""
    reason = refusal(tiny / "vae" / WEIGHTS["vae"])
    assert "holds a vae alone; a model is a folder" in reason


def test_a_dangling_link_is_no_model(tmp_path: Path) -> None:
    """A link to what is not there says where it leads."""
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert "a link to" in refusal(tmp_path / "link")


def test_the_index_may_be_missing(copy: Path) -> None:
    """A folder is the same model without its model_index.json."""
    before = load(copy)[0]
    (copy / "model_index.json").unlink()
    after = load(copy)[0]
    for name in COMPONENTS:
        weights = getattr(after, name).state_dict()
        for key, value in getattr(before, name).state_dict().items():
            assert torch.equal(weights[key], value)


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ("{}", "cannot be read"),
        ("\udcff", "cannot be read"),
        ('{"_class_name": "FluxPipeline"}', "it is Flux (a FluxPipeline)"),
    ],
)
def test_a_folder_of_another_kind(copy: Path, index: str, words: str) -> None:
    """An index must be readable, and name the family's pipeline."""
    file = copy / "model_index.json"
    file.write_bytes(index.encode("utf-8", "surrogateescape"))
    assert words in refusal(copy)


def test_an_empty_folder(tmp_path: Path) -> None:
    """A folder without anything is not a model."""
    assert refusal(tmp_path) == "its component transformer is missing"


@pytest.mark.parametrize("name", [*COMPONENTS, "tokenizer", "scheduler"])
def test_a_missing_component(copy: Path, name: str, attempts: list[Any]) -> None:
    """A folder that lacks a component is refused and not completed from the network."""
    shutil.rmtree(copy / name)
    assert refusal(copy) == f"its component {name} is missing"
    assert attempts == []


@pytest.mark.parametrize("name", COMPONENTS)
@pytest.mark.parametrize("rest", [0.0, 0.001, 0.5, 0.999])
def test_truncated_weights(copy: Path, name: str, rest: float) -> None:
    """A weights file truncated anywhere is refused."""
    file = copy / name / WEIGHTS[name]
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * rest)])
    assert "damaged or incomplete" in refusal(copy)


@pytest.mark.parametrize("name", COMPONENTS)
def test_weights_that_are_none(copy: Path, name: str) -> None:
    """A file of other bytes under the name of the weights is refused."""
    (copy / name / WEIGHTS[name]).write_bytes(b"\xff" * 4096)
    refusal(copy)


@pytest.mark.parametrize("name", COMPONENTS)
def test_missing_tensors(copy: Path, name: str) -> None:
    """Weights that do not fill the architecture are refused: the libraries would fill them with
    random numbers and paint noise."""
    file = copy / name / WEIGHTS[name]
    weights = load_file(file)
    lost = sorted(weights)[len(weights) // 2]
    del weights[lost]
    save_file(weights, file, {"format": "pt"})
    assert f"{name} lacks 1 of its tensors, {lost}" in refusal(copy)


@pytest.mark.parametrize("name", COMPONENTS)
def test_tensors_of_another_shape(copy: Path, name: str) -> None:
    """Weights of another size of the model are refused."""
    file = copy / name / WEIGHTS[name]
    weights = load_file(file)
    longest = max(weights, key=lambda each: weights[each].numel())
    weights[longest] = weights[longest][:-1].clone()
    save_file(weights, file, {"format": "pt"})
    assert "tensors of a wrong shape" in refusal(copy)


@pytest.mark.parametrize("name", COMPONENTS)
@pytest.mark.parametrize("config", [None, "{", "[]", '{"_class_name": "UNet2DModel"}'])
def test_a_broken_component(copy: Path, name: str, config: str | None) -> None:
    """A component whose configuration is missing or wrong is refused."""
    file = copy / name / "config.json"
    file.unlink()
    if config is not None:
        file.write_text(config, encoding="utf-8")
    refusal(copy)


def test_a_tokenizer_that_cannot_read(copy: Path) -> None:
    """A tokenizer without vocabulary or with an empty template, accepted by libraries, is not."""
    template = copy / "tokenizer" / "chat_template.jinja"
    template.write_text("")
    assert "no chat template that keeps the prompt" in refusal(copy)
    template.unlink()
    load(copy)
    (copy / "tokenizer" / "tokenizer.json").unlink()
    assert "no vocabulary" in refusal(copy)


def test_a_tokenizer_without_a_template_gets_the_familys(copy: Path) -> None:
    """It renders prompts as the family's turns are, and an empty thought if asked."""
    (copy / "tokenizer" / "chat_template.jinja").unlink()
    tokenizer = load(copy)[0].tokenizer
    chat = SKETCH_FAMILY.chat
    assert chat is not None
    for prompt in ("a fox", "", "鲸鱼 <|im_end|> {{ x }}"):
        assert chat.prompt(tokenizer, prompt) == chat.turn.format(prompt)
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    assert chat.render(tokenizer, turns, thinking=False) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\n"
    )


@pytest.mark.parametrize("name", COMPONENTS)
def test_parts_of_different_models(copy: Path, name: str, tmp_path: Path) -> None:
    """A complete component of a model with other widths is refused."""
    other = build_tiny(tmp_path / "other", caption_width=16, latent_channels=8)
    shutil.rmtree(copy / name)
    shutil.copytree(other / name, copy / name)
    assert "does not fit" in refusal(copy)


def test_a_tokenizer_of_a_larger_model(copy: Path, tmp_path: Path) -> None:
    """A tokenizer with more tokens than the text encoder's embedding is refused."""
    other = build_tiny(tmp_path / "other", more_token="<more>")
    shutil.rmtree(copy / "tokenizer")
    shutil.copytree(other / "tokenizer", copy / "tokenizer")
    assert "more tokens" in refusal(copy)


class Evil:
    """Creates a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (str(self.file), "w")


def test_pickled_weights_are_not_opened(copy: Path, tmp_path: Path) -> None:
    """Weights in the old format, which may run code, are refused without being opened."""
    trace = tmp_path / "trace"
    for name in COMPONENTS:
        (copy / name / WEIGHTS[name]).unlink()
        for old in ("diffusion_pytorch_model.bin", "pytorch_model.bin"):
            (copy / name / old).write_bytes(pickle.dumps(Evil(trace)))
    refusal(copy)
    assert not trace.exists()


def test_a_sharded_model_loads_if_all_shards_are_there(copy: Path) -> None:
    """Weights in several files are loaded together, and one missing file is noticed."""
    transformer = plain_pipeline(copy).transformer
    before = transformer.state_dict()
    folder = copy / "transformer"
    (folder / WEIGHTS["transformer"]).unlink()
    transformer.save_pretrained(folder, max_shard_size="400KB")
    shards = sorted(folder.glob("*.safetensors"))
    assert len(shards) > 1
    again = load(copy)[0].transformer.state_dict()
    assert all(torch.equal(again[key], value) for key, value in before.items())
    shards[1].unlink()
    refusal(copy)


def test_a_language_models_weights_serve_as_text_encoder(copy: Path) -> None:
    """Weights saved by a complete language model, under `model.`, are recognised."""
    file = copy / "text_encoder" / WEIGHTS["text_encoder"]
    weights = load_file(file)
    save_file({f"model.{key}": value for key, value in weights.items()}, file, {"format": "pt"})
    loaded = load(copy)[0].text_encoder.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in weights.items())


@pytest.mark.parametrize("name", COMPONENTS)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0], ids=["start", "middle", "end"])
def test_the_fingerprint_sees_one_changed_byte(copy: Path, name: str, place: float) -> None:
    """Any changed byte at the start, middle or end of a weights file gives another revision."""
    before = fingerprint(copy)
    file = copy / name / WEIGHTS[name]
    data = bytearray(file.read_bytes())
    data[int((len(data) - 1) * place)] ^= 1
    file.write_bytes(data)
    assert fingerprint(copy) != before


def test_the_fingerprint_is_of_the_contents(tiny: Path, copy: Path) -> None:
    """It does not depend on folder or time; another configuration, file or name changes it."""
    first = fingerprint(tiny)
    assert len(first) == 16
    assert fingerprint(copy) == first
    config = copy / "scheduler" / "scheduler_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"shift": 2.0}))
    second = fingerprint(copy)
    (copy / "vae" / WEIGHTS["vae"]).rename(copy / "vae" / "other.safetensors")
    third = fingerprint(copy)
    assert len({first, second, third}) == 3


def test_large_files_are_sampled(tmp_path: Path) -> None:
    """Large files are read at the start, in the middle and at the end."""
    file = tmp_path / "weights.safetensors"
    size = 8 << 20
    seen = set()
    for place in (None, 0, size // 2, size - 1):
        data = bytearray(size)
        if place is not None:
            data[place] = 1
        file.write_bytes(data)
        seen.add(fingerprint(tmp_path))
    assert len(seen) == 4


def test_an_examined_model_is_not_loaded(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers alone tell family, number of weights and the sizes that planning measures later."""
    loaded = load_model(EngineSettings(model=str(tiny)), torch.device("cpu"))
    monkeypatch.setattr(Weight, "load", lambda *_: pytest.fail("a weight was read"))
    examined = examine_model(EngineSettings(model=str(tiny)), torch.device("cpu"))
    assert examined.sizes == from_pipeline(loaded.pipeline, loaded.family)
    assert (examined.family, examined.dtype) == (loaded.family, loaded.dtype)
    parts = [getattr(loaded.pipeline, name) for name in COMPONENTS]
    assert examined.count == sum(one.numel() for part in parts for one in part.parameters())
    assert examined.too_large is None


@pytest.mark.parametrize("part", ["transformer", "tokenizer", "scheduler"])
def test_what_loading_refuses_is_refused_before(copy: Path, part: str) -> None:
    """A truncated shard, a lost vocabulary and a broken schedule give the reason of loading."""
    match part:
        case "transformer":
            file = copy / part / WEIGHTS[part]
            file.write_bytes(file.read_bytes()[:-100])
        case "tokenizer":
            (copy / part / "tokenizer.json").unlink()
        case _:
            (copy / part / "scheduler_config.json").write_text('{"shift": -1}')
    with pytest.raises(ModelInvalid) as caught:
        examine_model(EngineSettings(model=str(copy)), torch.device("cpu"))
    assert caught.value.reason == refusal(copy)


def test_examining_fetches_nothing(attempts: list[Any]) -> None:
    """A model that is not here is not found, even where it may be downloaded."""
    settings = EngineSettings(model="owner/none", download=True)
    with pytest.raises(ModelNotFound):
        examine_model(settings, torch.device("cpu"))
    assert attempts == []


def test_a_model_too_large_is_examined(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little memory is told beside everything else, with both numbers."""
    monkeypatch.setattr("engine.diffusion.machine.host_free_bytes", lambda: 1000)
    examined = examine_model(EngineSettings(model=str(tiny)), torch.device("cpu"))
    assert examined.too_large is not None and examined.too_large.free_bytes == 1000
