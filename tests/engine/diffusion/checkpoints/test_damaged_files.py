"""A file that is whole by its size, and still not what was written, is refused by key."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.engine.diffusion.checkpoints.layouts import (
    TEXT_ENCODER,
    TRANSFORMER,
    VAE,
    TinyModel,
    write,
)
from tests.engine.diffusion.checkpoints.loads import check, load, refusal
from tests.engine.diffusion.checkpoints.test_refused_sources import change
from tests.engine.diffusion.checkpoints.test_sources import sharded, whole

W1 = "layers.1.feed_forward.w1.weight"
INDEX = "transformer/diffusion_pytorch_model.safetensors.index.json"


def zeros(model: TinyModel, folder: Path) -> None:
    change(model, folder, TRANSFORMER, **{W1: torch.zeros(256, 96)})


def zeros_at_the_end(model: TinyModel, folder: Path) -> None:
    matrix = model.transformer[W1].clone()
    matrix[200:] = 0
    change(model, folder, TRANSFORMER, **{W1: matrix})


def not_a_number_anywhere(model: TinyModel, folder: Path) -> None:
    matrix = model.transformer[W1].clone()
    matrix[1, 5] = float("nan")
    change(model, folder, TRANSFORMER, **{W1: matrix})


def a_hole(model: TinyModel, folder: Path) -> None:
    path = whole(model, folder) / TEXT_ENCODER
    size = path.stat().st_size
    os.truncate(path, size // 2)
    os.truncate(path, size)


def change_header(path: Path, edit: Callable[[dict[str, dict[str, list[int]]]], None]) -> None:
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    edit(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])


def shared_bytes(model: TinyModel, folder: Path) -> None:
    def edit(header: dict[str, dict[str, list[int]]]) -> None:
        first, second = [name for name in header if header[name].get("shape") == [64]][:2]
        header[first]["data_offsets"] = header[second]["data_offsets"]

    change_header(whole(model, folder) / VAE, edit)


def named_in_the_index(model: TinyModel, folder: Path, name: str) -> None:
    sharded(model, folder, index=True)
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": name}}))


def in_torchs_format(model: TinyModel, folder: Path, bias: torch.Tensor) -> None:
    (whole(model, folder) / VAE).unlink()
    tensors = dict(model.vae) | {"decoder.conv_in.bias": bias}
    torch.save(tensors, folder / "vae" / "pytorch_model.bin")


BIAS = torch.ones(64)
DAMAGED: dict[str, tuple[Callable[[TinyModel, Path], object], str]] = {
    "zeros": (zeros, f"{W1} has zeros only: the file was not written to its end"),
    "zeros at the end": (zeros_at_the_end, f"{W1} has zeros at its end"),
    "NaN anywhere": (not_a_number_anywhere, f"{W1} holds values that are not finite"),
    "shared bytes": (shared_bytes, "its header is wrong: "),
    "an index that names its folder": (
        lambda m, f: named_in_the_index(m, f, ".."),
        "index.json names .., which is no file of weights",
    ),
    "an index that names a configuration": (
        lambda m, f: named_in_the_index(m, f, "config.json"),
        "index.json names config.json, which is no file of weights",
    ),
    "an absolute index": (
        lambda m, f: named_in_the_index(m, f, "/etc/passwd"),
        "index.json cannot be read",
    ),
    "a sparse tensor": (
        lambda m, f: in_torchs_format(m, f, BIAS.to_sparse()),
        "holds tensors that are sparse, quantized or empty: decoder.conv_in.bias",
    ),
    "a tensor without values": (
        lambda m, f: in_torchs_format(m, f, BIAS.to("meta")),
        "holds tensors that are sparse, quantized or empty: decoder.conv_in.bias",
    ),
    "complex numbers": (
        lambda m, f: in_torchs_format(m, f, BIAS.to(torch.complex64)),
        "decoder.conv_in.bias is stored as complex64",
    ),
}


@pytest.mark.parametrize("fault", DAMAGED)
def test_a_damaged_file(fault: str, model: TinyModel, tmp_path: Path) -> None:
    """Values that nobody wrote are not painted with."""
    spoil, words = DAMAGED[fault]
    spoil(model, tmp_path)
    assert words in refusal(tmp_path)


def test_a_file_with_a_hole(model: TinyModel, tmp_path: Path) -> None:
    """A download that reserved its place and ended early is noticed by what was never written."""
    a_hole(model, tmp_path)
    assert "text_encoder/model.safetensors: " in (reason := refusal(tmp_path))
    assert "the file was not written to its end" in reason


def gguf_header(tensors: int, *parts: bytes) -> bytes:
    """A GGUF file with one key and so many tensors; parts: what follows."""
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, 1) + b"".join(parts)


def gguf_text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


FLOAT32, UINT32, ARRAY = 0, 4, 9
LIST = struct.pack("<IQ", ARRAY, 1)
KEY = gguf_text("general.alignment") + struct.pack("<II", UINT32, 32)


def gguf_tensor(name: str) -> bytes:
    """The entry of a tensor of eight numbers at the beginning."""
    return gguf_text(name) + struct.pack("<IQIQ", 1, 8, FLOAT32, 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            gguf_header(0, gguf_text("a"), struct.pack("<I", ARRAY), LIST * 50_000),
            "is damaged or incomplete",
        ),
        (
            gguf_header(2, KEY, gguf_tensor("a"), gguf_tensor("b"), bytes(100)),
            "is damaged or incomplete (b overlaps a)",
        ),
    ],
    ids=["lists in lists", "shared bytes"],
)
def test_a_damaged_gguf_file(content: bytes, words: str, tmp_path: Path) -> None:
    """A GGUF file that contradicts itself is refused by what is wrong."""
    (tmp_path / "z.gguf").write_bytes(content)
    reason = refusal(tmp_path / "z.gguf")
    assert "z.gguf" in reason and words in reason


def test_what_may_be_zero(model: TinyModel, tmp_path: Path) -> None:
    """Biases, tokens that fill up and words that were never learnt are zero in good files too."""
    whole(model, tmp_path)
    encoder, transformer = dict(model.text_encoder), dict(model.transformer)
    encoder["embed_tokens.weight"] = encoder["embed_tokens.weight"].clone()
    encoder["embed_tokens.weight"][-3:] = 0
    for key, value in transformer.items():
        if key.endswith((".bias", "_pad_token")):
            transformer[key] = torch.zeros_like(value)
    write(tmp_path / TEXT_ENCODER, encoder)
    write(tmp_path / TRANSFORMER, transformer)
    check(load(tmp_path), model, text_encoder=encoder, transformer=transformer)


def test_a_folder_under_the_name_of_weights(model: TinyModel, tmp_path: Path) -> None:
    """A folder is no file, whatever its name ends with."""
    (whole(model, tmp_path) / "vae" / "old.safetensors").mkdir()
    check(load(tmp_path), model)
    assert load_file(tmp_path / VAE)
