"""What cannot be painted with is refused before it is loaded, in one sentence that names why."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.diffusion.lora.adapters import Adapters
from engine.diffusion.lora.admission import Limits
from engine.diffusion.lora.shelf import LoraShelf
from engine.errors import LoraInvalid, LoraNotFound, LoraRefused, LoraUnusable
from tests.engine.diffusion.lora import writing
from tests.engine.diffusion.lora.test_dialects import adapters_of, shelf_of
from tests.engine.diffusion.lora.writing import DIALECTS, Tensors


def tensor(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


def pair(module: str, rows: int, inputs: int, style: str = "kohya") -> Tensors:
    down, up = ("lora_down", "lora_up") if style == "kohya" else ("lora_A", "lora_B")
    return {f"{module}.{down}.weight": tensor(8, inputs), f"{module}.{up}.weight": tensor(rows, 8)}


def problem(folder: Path, name: str = "it", limits: Limits | None = None) -> LoraUnusable:
    """The problem that a listing shows, which is what opening and loading raise."""
    shelf = LoraShelf(folder, writing.tiny_targets(), limits)
    found = {each.name: each.problem for each in shelf.listing()}[name]
    assert found is not None
    with pytest.raises(type(found)) as raised:
        Adapters(shelf, torch.device("cpu"), torch.float32).load({name: 1.0})
    assert raised.value.reason == found.reason
    return found


def refuses(folder: Path, tensors: Tensors, metadata: dict[str, str] | None = None) -> str:
    writing.save(folder / "it.safetensors", tensors, metadata)
    found = problem(folder)
    assert str(found) == f"LoRA 'it': {found.reason}"
    assert "\n" not in found.reason
    return found.reason


FOREIGN: dict[str, tuple[str, Tensors]] = {
    "Flux from ai-toolkit": (
        "Flux",
        pair("transformer.single_transformer_blocks.0.attn.to_q", 3072, 3072, "peft"),
    ),
    "Flux from kohya": ("Flux", pair("lora_unet_double_blocks_0_img_attn_qkv", 9216, 3072)),
    "Flux, both kinds of attention": (
        "Flux",
        pair("transformer.transformer_blocks.18.attn.add_q_proj", 3072, 3072, "peft"),
    ),
    "Qwen-Image": (
        "Qwen-Image",
        pair("transformer.transformer_blocks.59.attn.add_q_proj", 3072, 3072, "peft"),
    ),
    "Qwen-Image from musubi": (
        "Qwen-Image",
        pair("lora_unet_transformer_blocks_0_img_mlp_net_0_proj", 12288, 3072),
    ),
    "SDXL": (
        "SDXL",
        pair("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k", 640, 2048),
    ),
    "SDXL with text encoders": (
        "SDXL",
        {
            **pair("lora_unet_mid_block_resnets_0_conv1", 1280, 1280),
            **pair("lora_te2_text_model_encoder_layers_0_mlp_fc1", 5120, 1280),
        },
    ),
    "Stable Diffusion 1.5": (
        "Stable Diffusion 1.5",
        pair("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 320, 768),
    ),
    "Stable Diffusion 3": (
        "Stable Diffusion 3",
        pair("transformer.transformer_blocks.0.attn.add_k_proj", 1536, 1536, "peft")
        | pair("transformer.transformer_blocks.0.attn.to_k", 1536, 1536, "peft"),
    ),
    "Lumina 2": ("Lumina 2", pair("diffusion_model.layers.0.attention.qkv", 3840, 2304, "peft")),
    "Lumina 2, modulation": (
        "Lumina 2",
        pair("lora_unet_layers_0_adaLN_modulation_1", 9216, 1024),
    ),
    "Lumina 2 from diffusers": ("Lumina 2", pair("transformer.layers.0.attn.to_q", 8, 8, "peft")),
    "Wan": ("Wan", pair("diffusion_model.blocks.0.self_attn.q", 5120, 5120, "peft")),
    "HunyuanVideo": (
        "HunyuanVideo",
        pair("transformer.double_blocks.0.img_attn_qkv", 9216, 3072, "peft"),
    ),
    "Chroma": ("Chroma", pair("lora_unet_distilled_guidance_layer_layers_0_in_layer", 8, 8)),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_other_models(case: str, tmp_path: Path) -> None:
    """A LoRA for another model is named as one, whoever wrote it."""
    family, tensors = FOREIGN[case]
    assert refuses(tmp_path, tensors) == (
        f"it was made for {family}, and this model is of Z-Image's family"
    )
    with pytest.raises(LoraRefused):
        shelf_of(tmp_path).info("it")


def test_other_model_by_its_metadata(tmp_path: Path) -> None:
    """Names that nobody knows, and metadata that says what they are."""
    reason = refuses(
        tmp_path, pair("something.new", 8, 8), {"modelspec.architecture": "Flux-1-dev/lora"}
    )
    assert reason == "it was made for Flux, and this model is of Z-Image's family"


def test_other_width(tmp_path: Path) -> None:
    """A LoRA of Z-Image does not fit a small model of its architecture."""
    reason = refuses(tmp_path, pair("transformer.layers.0.attention.to_q", 3840, 3840, "peft"))
    assert reason == "it was made for a model that is 3840 values wide, and this one has 48"


def tiny_lora(**options: object) -> Tensors:
    return DIALECTS["ai-toolkit"](writing.low_rank(**options))  # pyright: ignore[reportArgumentType]


Q = "diffusion_model.layers.0.attention.to_q"

UNREADABLE: dict[str, tuple[Callable[[Tensors], object], str]] = {
    "a half": (
        lambda own: own.pop(f"{Q}.lora_B.weight"),
        f"{Q}.lora_A.weight has no lora_B beside it: the file is incomplete",
    ),
    "no factors": (
        lambda own: own.update({"diffusion_model.layers.0.feed_forward.w1.alpha": tensor()}),
        "diffusion_model.layers.0.feed_forward.w1.alpha stands alone: nothing in the file goes",
    ),
    "a layer too many": (
        lambda own: own.update(pair("diffusion_model.layers.7.attention.to_q", 48, 48, "peft")),
        "diffusion_model.layers.7.attention.to_q.lora_A.weight adapts layers.7.attention.to_q, "
        "which this model does not have",
    ),
    "a misspelling": (
        lambda own: own.update(pair("diffusion_model.layers.0.attention.to_qq", 48, 48, "peft")),
        "adapts layers.0.attention.to_qq, which this model does not have",
    ),
    "twice": (
        lambda own: own.update(pair("transformer.layers.0.attention.to_q", 48, 48, "peft")),
        "transformer.layers.0.attention.to_q.lora_A.weight adapts layers.0.attention.to_q again, "
        f"after {Q}.lora_A.weight",
    ),
    "twice, once fused": (
        lambda own: own.update(pair("diffusion_model.layers.0.attention.qkv", 144, 48, "peft")),
        "adapts layers.0.attention.to_. again, after|qkv.lora_A.weight adapts",
    ),
    "the same in two ways": (
        lambda own: own.update({f"{Q}.lora_down.weight": tensor(4, 48)}),
        f"{Q}.lora_A.weight and {Q}.lora_down.weight mean the same|"
        f"{Q}.lora_down.weight and {Q}.lora_A.weight mean the same",
    ),
    "two methods": (
        lambda own: own.update({f"{Q}.lokr_w1": tensor(4, 4)}),
        f"{Q}.lokr_w1 belongs to another method than {Q}",
    ),
    "too few inputs": (
        lambda own: own.update({f"{Q}.lora_B.weight": tensor(40, 4)}),
        f"{Q}.lora_B.weight is 40×4, but layers.0.attention.to_q needs 48×4",
    ),
    "a convolution": (
        lambda own: own.update({f"{Q}.lora_A.weight": tensor(4, 48, 3, 3)}),
        f"{Q}.lora_A.weight is 4×48×3×3, not a matrix",
    ),
    "rank 0": (
        lambda own: own.update(
            {f"{Q}.lora_A.weight": tensor(0, 48), f"{Q}.lora_B.weight": tensor(48, 0)}
        ),
        f"{Q}.lora_A.weight is 0×48, not a matrix",
    ),
    "whole numbers": (
        lambda own: own.update({f"{Q}.lora_A.weight": torch.zeros(4, 48, dtype=torch.int8)}),
        f"{Q}.lora_A.weight has the type I8, not a floating one",
    ),
    "many alphas": (
        lambda own: own.update({f"{Q}.alpha": tensor(3)}),
        f"{Q}.alpha has 3 values, not one",
    ),
    "magnitudes of another size": (
        lambda own: own.update({f"{Q}.dora_scale": tensor(7, 1)}),
        f"{Q}.dora_scale is 7×1, but layers.0.attention.to_q needs 48×1 or 1×48",
    ),
    "magnitudes of nothing": (
        lambda own: own.update({"transformer.layers.1.attention.to_q.dora_scale": tensor(48, 1)}),
        "transformer.layers.1.attention.to_q.dora_scale stands alone",
    ),
    "a bias of nothing": (
        lambda own: own.update({f"{Q}.diff_b": tensor(48)}),
        f"{Q}.diff_b changes a bias, and layers.0.attention.to_q has none",
    ),
    "a LoRA of a norm": (
        lambda own: own.update(pair("transformer.layers.0.attention_norm1", 48, 0, "peft")),
        "transformer.layers.0.attention_norm1.lora_A.weight is 8×0, not a matrix",
    ),
    "OFT": (
        lambda own: own.update({f"{Q}.oft_blocks": tensor(4, 12, 12)}),
        f"{Q}.oft_blocks belongs to another method than {Q}.lora_A.weight",
    ),
    "convolutional LoRA": (
        lambda own: own.update({f"{Q}.lora_mid.weight": tensor(4, 4)}),
        "lora_mid.weight is for a convolution's kernel, and layers.0.attention.to_q has none",
    ),
    "GLoRA": (
        lambda own: own.update({f"{Q}.bm.weight": tensor(4, 4)}),
        rf"it uses GLoRA of a kernel in factors, which is not read \({Q}.bm.weight\)",
    ),
    "a replaced weight": (
        lambda own: own.update({f"{Q}.set_weight": tensor(4, 4)}),
        rf"it uses a replaced weight, which is not read \({Q}.set_weight\)",
    ),
    "the text encoder": (
        lambda own: own.update(pair("lora_te_layers_0_self_attn_q_proj", 24, 24)),
        r"lora_te_layers_0_self_attn_q_proj.lora_down.weight\), and only the transformer",
    ),
    "the text encoder of PEFT": (
        lambda own: own.update(pair("text_encoder.layers.0.mlp.up_proj", 24, 24, "peft")),
        r"it adapts the text encoder \(text_encoder.layers.0.mlp.up_proj.lora_A.weight\)",
    ),
    "trained words": (
        lambda own: own.update({"bundle_emb.fox.qwen": tensor(4, 24)}),
        r"it adapts the text encoder \(bundle_emb.fox.qwen\)",
    ),
    "OFT of PEFT": (
        lambda own: own.update({f"{Q}.oft_R.weight": tensor(4, 66)}),
        rf"it uses PEFT's OFT, which is not read \({Q}.oft_R.weight\)",
    ),
    "a stray tensor": (
        lambda own: own.update({"global_step": tensor()}),
        "global_step belongs to no method that is known",
    ),
    "a token": (
        lambda own: own.update({"diffusion_model.x_pad_token.diff": tensor(1, 48)}),
        "diffusion_model.x_pad_token.diff adapts x_pad_token, which this model does not have",
    ),
    "a LoKr of another size": (
        lambda own: own.update(
            {
                "transformer.layers.1.attention.to_q.lokr_w1": tensor(4, 4),
                "transformer.layers.1.attention.to_q.lokr_w2": tensor(4, 4),
            }
        ),
        "transformer.layers.1.attention.to_q.lokr_w1 and its other factor make 16×16, but "
        "layers.1.attention.to_q has 48×48",
    ),
    "half of a LoKr": (
        lambda own: own.update({"transformer.layers.1.attention.to_q.lokr_w1": tensor(4, 4)}),
        "transformer.layers.1.attention.to_q.lokr_w1 has no lokr_w2_a beside it",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_not_understood_wholly(case: str, tmp_path: Path) -> None:
    """One tensor that is not understood refuses the file, with that tensor's name."""
    spoil, message = UNREADABLE[case]
    tensors = tiny_lora()
    spoil(tensors)
    reason = refuses(tmp_path, tensors)
    with pytest.raises(LoraInvalid, match=message):
        raise problem(tmp_path)
    assert len(reason) < 250


def test_a_whole_model(tmp_path: Path) -> None:
    """A checkpoint among the LoRAs is called one."""
    state = writing.tiny_transformer().state_dict()
    assert "is a weight itself: this is a whole model, not a LoRA" in refuses(tmp_path, dict(state))
    assert "is no part of a LoRA" in refuses(tmp_path, {"vae.decoder.conv": tensor(2, 2)})


def test_no_tensors(tmp_path: Path) -> None:
    """An empty file is refused, though the format allows it."""
    assert refuses(tmp_path, {}) == "the file has no tensors"


# Limits of the owner


def test_rank(tmp_path: Path) -> None:
    """A rank above the limit is refused, also where only one layer has it."""
    factors = writing.low_rank(rank=lambda number: 12 if number == 3 else 4)
    writing.save(tmp_path / "it.safetensors", DIALECTS["ai-toolkit"](factors))
    found = problem(tmp_path, limits=Limits(max_rank=11))
    assert isinstance(found, LoraRefused)
    assert found.reason == "its rank is 12, and the owner allows up to 11"
    shelf = LoraShelf(tmp_path, writing.tiny_targets(), Limits(max_rank=12))
    assert shelf.info("it").rank == 12


def test_size_without_a_rank(tmp_path: Path) -> None:
    """Whole differences have no rank: their number of values has the same limit."""
    writing.save(tmp_path / "it.safetensors", DIALECTS["ai-toolkit"](writing.differences()))
    targets = writing.tiny_targets()
    found = problem(tmp_path, limits=Limits(max_rank=1))
    assert isinstance(found, LoraRefused)
    assert f"the owner allows {targets.values(1):,}: as many as rank 1 on every layer" in str(found)


@pytest.mark.parametrize(
    ("name", "metadata"),
    [
        ("zimage_turbo_training_adapter_v2", {}),
        ("zimage-turbo training adapter", {}),
        ("it", {"name": "zimage_turbo_training_adapter_v1"}),
        ("it", {"ss_output_name": "z_de-distill"}),
        ("it", {"modelspec.title": "Z-Image Turbo De-Distill"}),
    ],
)
def test_training_adapters(name: str, metadata: dict[str, str], tmp_path: Path) -> None:
    """An adapter that undoes the distillation is for trainers; the owner can say it is none."""
    writing.save(tmp_path / f"{name}.safetensors", tiny_lora(), metadata)
    found = problem(tmp_path, name)
    assert isinstance(found, LoraRefused)
    assert found.reason.startswith("it is an adapter for training (")
    (tmp_path / f"{name}.toml").write_text("training_adapter = false")
    assert shelf_of(tmp_path).info(name).problem is None


def test_training_adapter_of_any_name(tmp_path: Path) -> None:
    """The owner can also say that a file of an innocent name is one."""
    writing.save(tmp_path / "it.safetensors", tiny_lora())
    (tmp_path / "it.toml").write_text("training_adapter = true")
    assert problem(tmp_path).reason.startswith("it is an adapter for training: it undoes")


def test_innocent_names(tmp_path: Path) -> None:
    """Words that only resemble those of training adapters refuse nothing."""
    for name in ("trained_on_deturbo", "train station", "distillery", "adapter"):
        writing.save(tmp_path / f"{name}.safetensors", tiny_lora())
    assert all(each.problem is None for each in shelf_of(tmp_path).listing())


# Files that are no LoRA at all

GOOD = {"a.alpha": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
KINDS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "short": (b"\x05", r"it has no safetensors header \(1 bytes\)"),
    "web page": (b"\n<!DOCTYPE html><html>Sign in</html>", "this is a web page that was saved"),
    "LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n",
        "this is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`",
    ),
    "pickle": (pickle.dumps({"a": 1}), r"this is a pickle \(.pt, .ckpt\), which can run code"),
    "archive": (b"PK\x03\x04\x00\x00\x08\x08" + bytes(99), "this is a pickle"),
    "GGUF": (b"GGUF\x03\x00\x00\x00" + bytes(64), "this is a GGUF file; a LoRA must be"),
    "JSON": (b'{"error": "Not Found", "code": 404}', "this is JSON, not a safetensors file"),
    "huge": (b"\xff" * 64, "it has no safetensors header"),
    "cut header": (writing.raw_file(GOOD, bytes(4))[:40], "it is truncated: its header takes"),
    "cut data": (
        writing.raw_file(GOOD, bytes(3)),
        "it is truncated: its tensors take 4 bytes, and",
    ),
    "too long": (writing.raw_file(GOOD, bytes(5)), "it is too long: its tensors take 4 bytes, and"),
    "no JSON": (writing.raw_file(b"{nonsense", b""), "its header is not valid JSON"),
    "no text": (writing.raw_file(b"\xff\xfe{}", b""), "its header is not valid JSON"),
    "a list": (writing.raw_file([1], b""), "its header is not a JSON object"),
    "deep": (writing.raw_file(b"[" * 200_000, b""), "its header is not"),
    "no fields": (writing.raw_file({"a": {}}, b""), "its header does not describe a: the file is"),
    "negative": (
        writing.raw_file({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, bytes(4)),
        "its header describes a with wrong numbers",
    ),
    "a gap": (
        writing.raw_file({"a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}, bytes(2)),
        "its header is damaged: a begins at byte 1 of the data, not at 0",
    ),
    "wrong size": (
        writing.raw_file({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, bytes(4)),
        "its header is damaged: a should take 8 bytes, not 4",
    ),
    "unknown type": (
        writing.raw_file({"a": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}, bytes(1)),
        "a has the type F4, which is not read",
    ),
    "metadata": (
        writing.raw_file({"__metadata__": {"a": 1}}, b""),
        "its metadata is not a table of texts",
    ),
    "metadata last": (
        writing.raw_file({**GOOD, "__metadata__": [1]}, bytes(4)),
        "its metadata is not a table of texts",
    ),
    "twice": (
        writing.raw_file(
            b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
            b'"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
            bytes(2),
        ),
        "its header is damaged: a begins at byte 1",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_other_kinds_of_files(kind: str, tmp_path: Path) -> None:
    """What lies there instead of weights is named, and nothing of it is run."""
    raw, message = KINDS[kind]
    (tmp_path / "it.safetensors").write_bytes(raw)
    with pytest.raises(LoraInvalid, match=message):
        raise problem(tmp_path)


@settings(max_examples=60, deadline=None)
@given(drawn=st.data())
def test_any_cut(drawn: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file cut off anywhere, or with bytes changed in its header, is never half understood."""
    folder = tmp_path_factory.mktemp("cut")
    path = writing.save(folder / "it.safetensors", tiny_lora())
    raw = bytearray(path.read_bytes())
    length = int.from_bytes(raw[:8], "little")
    if drawn.draw(st.booleans()):
        del raw[drawn.draw(st.integers(0, len(raw) - 1)) :]
        path.write_bytes(raw)
        assert isinstance(problem(folder), LoraInvalid)
        return
    place = drawn.draw(st.integers(0, length + 7))
    raw[place] = drawn.draw(st.integers(0, 255))
    path.write_bytes(raw)
    (info,) = shelf_of(folder).listing()
    if info.problem is None:
        adapters_of(folder).load({"it": 1.0})


def test_metadata_anywhere(tmp_path: Path) -> None:
    """Metadata behind the tensors is read like metadata before them."""
    path = writing.save(tmp_path / "it.safetensors", tiny_lora(), {"modelspec.title": "A fox"})
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    header["__metadata__"] = header.pop("__metadata__")
    path.write_bytes(writing.raw_file(header, raw[8 + length :]))
    assert shelf_of(tmp_path).info("it").title == "A fox"


# Values


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("method", ["lora", "dora", "lokr", "loha", "diff"])
def test_values_that_are_no_numbers(
    value: float, dtype: torch.dtype, method: str, tmp_path: Path
) -> None:
    """One value that is no number refuses the file, with the tensor and how many there are."""
    factors = {
        "lora": writing.low_rank,
        "dora": lambda: writing.low_rank(decomposed="rows"),
        "lokr": writing.kronecker,
        "loha": writing.hadamard,
        "diff": writing.differences,
    }[method]()
    tensors = {name: each.to(dtype) for name, each in DIALECTS["ai-toolkit"](factors).items()}
    for name, own in tensors.items():
        spoiled = own.clone()
        spoiled.view(-1)[-1] = value
        writing.save(tmp_path / "it.safetensors", {**tensors, name: spoiled})
        adapters = adapters_of(tmp_path)
        with pytest.raises(LoraInvalid) as raised:
            adapters.load({"it": 1.0})
        total = own.numel()
        assert raised.value.reason == f"{name} has 1 of {total} values that are NaN or infinite"
        assert adapters.device_bytes == 0


def test_products_that_overflow(tmp_path: Path) -> None:
    """Finite factors whose product is not finite are refused too."""
    factors = writing.low_rank()
    for each in factors.values():
        each["lora_A"] *= 1e30
        each["lora_B"] *= 1e30
    writing.save(tmp_path / "it.safetensors", DIALECTS["ai-toolkit"](factors))
    with pytest.raises(LoraInvalid, match="too large: their products overflow float32"):
        adapters_of(tmp_path).load({"it": 1.0})


# Names and places


@pytest.mark.parametrize(
    "name",
    [
        "../it",
        "/etc/passwd",
        "sub/it",
        "..",
        ".",
        "",
        ".hidden",
        "it\n",
        "a\0b",
        "C:it",
        "sub\\it",
        "x" * 200,
        "*",
    ],
)
def test_names_are_no_paths(name: str, tmp_path: Path) -> None:
    """Nothing that a person writes leads out of the folder."""
    folder = tmp_path / "loras"
    writing.save(tmp_path / "it.safetensors", tiny_lora())
    writing.save(folder / "sub" / "it.safetensors", tiny_lora())
    writing.save(folder / ".hidden.safetensors", tiny_lora())
    with pytest.raises(LoraNotFound, match="this is not a name of a LoRA: no paths"):
        shelf_of(folder).info(name)
    assert shelf_of(folder).listing() == ()


def test_links(tmp_path: Path) -> None:
    """Links within the folder are followed, links out of it are not, dangling ones are named."""
    folder = tmp_path / "loras"
    writing.save(tmp_path / "secret.safetensors", tiny_lora())
    writing.save(folder / "it.safetensors", tiny_lora())
    (folder / "out.safetensors").symlink_to(tmp_path / "secret.safetensors")
    (folder / "in.safetensors").symlink_to("it.safetensors")
    (folder / "gone.safetensors").symlink_to("nothing")
    (folder / "round.safetensors").symlink_to("round.safetensors")
    (folder / "folder.safetensors").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.safetensors")
    found = {each.name: each.problem and each.problem.reason for each in shelf_of(folder).listing()}
    assert found.pop("pipe", "pipe.safetensors is not a file") == "pipe.safetensors is not a file"
    assert found.pop("round", "link") is not None
    assert found == {
        "it": None,
        "in": None,
        "out": "its file is a link that leads out of the folder",
        "gone": "there is no gone.safetensors",
        "folder": "folder.safetensors is not a file",
    }


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    """A folder that is not there is one sentence, not a traceback."""
    with pytest.raises(LoraNotFound, match="'loras': the folder cannot be read"):
        shelf_of(tmp_path / "loras").listing()
    with pytest.raises(LoraNotFound, match=r"there is no it\.safetensors"):
        shelf_of(tmp_path / "loras").info("it")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    """A file that may not be read says so."""
    writing.save(tmp_path / "it.safetensors", tiny_lora()).chmod(0)
    assert "Permission denied" in problem(tmp_path).reason
