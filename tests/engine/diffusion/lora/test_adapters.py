"""LoRAs go on and off without a trace, in whatever form the weights are and wherever they lie."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.diffusion.footprint import Weights
from engine.diffusion.guard import InFloat32
from engine.diffusion.lora.adapters import Adapters, exact_weight
from engine.diffusion.lora.shelf import LoraShelf
from engine.diffusion.offloaded_weights import OffloadedWeights, end_stream, stream
from engine.diffusion.quantized import QuantizedLinear, quantize
from engine.errors import LoraInvalid, LoraNotFound, LoraRefused
from tests.engine.diffusion.lora import writing
from tests.engine.diffusion.lora.test_dialects import adapters_of
from tests.engine.diffusion.lora.writing import DIALECTS, Factors

CPU = torch.device("cpu")
ELSEWHERE = torch.device("cpu", 0)
"""Another name of the same memory, to which tensors are really copied."""

LORAS: dict[str, Factors] = {
    "lora": writing.low_rank(alpha=2.0, seed=1),
    "dora": writing.low_rank(decomposed="rows", seed=2),
    "columns": writing.low_rank(decomposed="columns", seed=3),
    "lokr": writing.kronecker(kind="second", seed=4),
    "loha": writing.hadamard(seed=5),
    "diff": writing.differences(seed=6),
}
CLASHING = ("dora", "columns")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of each method."""
    made = tmp_path_factory.mktemp("loras")
    for name, factors in LORAS.items():
        writing.save(made / f"{name}.safetensors", DIALECTS["ai-toolkit"](factors))
    return made


@pytest.fixture
def adapters(folder: Path) -> Adapters:
    return adapters_of(folder)


def state(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: each.clone() for name, each in module.state_dict().items()}


def is_untouched(module: nn.Module, before: dict[str, torch.Tensor]) -> bool:
    """Whether weights, classes and attributes are as they were, to the bit."""
    after = module.state_dict()
    assert list(after) == list(before)
    assert all("lora" not in name for part in module.modules() for name in vars(part))
    assert not any(type(part).__name__.startswith("Adapted") for part in module.modules())
    return all(torch.equal(after[name], each) for name, each in before.items())


def near(got: torch.Tensor, wanted: torch.Tensor, before: torch.Tensor, share: float) -> bool:
    """Whether an effect is the wanted one, up to a share of it."""
    effect = float((wanted - before).norm())
    assert effect > 0.01 * float(before.norm())
    return float((got - wanted).norm()) < share * effect


@pytest.mark.parametrize("name", LORAS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_off_is_off_to_the_bit(name: str, dtype: torch.dtype, folder: Path) -> None:
    """Afterwards nothing has changed, and with weight 0 or none nothing changes meanwhile."""
    transformer = writing.tiny_transformer(dtype)
    before, weights = writing.answer(transformer), state(transformer)
    adapters = adapters_of(folder, dtype)
    for given_weights in ({}, {name: 0.0}, dict.fromkeys(LORAS, 0.0)):
        with adapters.applied(transformer, given_weights) as applied:
            assert applied.parts == {}
            assert torch.equal(writing.answer(transformer), before)
        assert adapters.device_bytes == 0
    with adapters.applied(transformer, {name: 1.0}):
        assert not torch.equal(writing.answer(transformer), before)
        assert list(transformer.state_dict()) == list(weights)
    assert is_untouched(transformer, weights)
    assert torch.equal(writing.answer(transformer), before)


@pytest.mark.parametrize("name", LORAS)
def test_in_bfloat16(name: str, folder: Path) -> None:
    """In bfloat16 the effect is the exact one up to rounding."""
    transformer = writing.tiny_transformer(torch.bfloat16)
    before = writing.answer(transformer)
    exact = nn.Module.to(copy.deepcopy(transformer), torch.float32)
    wanted = writing.answer(writing.merged(exact, (LORAS[name], 1.0)))
    with adapters_of(folder, torch.bfloat16).applied(transformer, {name: 1.0}):
        assert near(writing.answer(transformer), wanted, before, 0.05)


def test_in_float32_for_once(folder: Path) -> None:
    """Where a broken step is repeated in float32, its LoRAs are computed in float32 too."""
    transformer = writing.tiny_transformer(torch.bfloat16)
    before = writing.answer(transformer)
    exact = nn.Module.to(copy.deepcopy(transformer), torch.float32)
    rounded = {
        module: {role: each.bfloat16() for role, each in factors.items()}
        for module, factors in LORAS["lora"].items()
    }
    wanted = writing.answer(writing.merged(exact, (rounded, 1.0)))
    with adapters_of(folder, torch.bfloat16).applied(transformer, {"lora": 1.0}), InFloat32():
        assert near(writing.answer(transformer), wanted, before, 0.01)


@settings(max_examples=12, deadline=None)
@given(
    weights=st.dictionaries(
        st.sampled_from(sorted(LORAS)), st.floats(-2, 2).filter(lambda one: abs(one) > 0.05)
    )
)
def test_any_together(weights: dict[str, float], folder: Path) -> None:
    """The changes of any LoRAs with any weights are added, in whatever order they are named."""
    transformer = writing.tiny_transformer()
    before, own = writing.answer(transformer), state(transformer)
    adapters = adapters_of(folder)
    if set(CLASHING) <= weights.keys():
        with pytest.raises(LoraRefused, match="cannot act together: one multiplies the rows of"):
            adapters.applied(transformer, weights).__enter__()
    else:
        loras = [(LORAS[name], weight) for name, weight in weights.items()]
        wanted = writing.answer(writing.merged(transformer, *loras))
        with adapters.applied(transformer, weights) as applied:
            got = writing.answer(transformer)
        assert applied.weights == weights
        assert applied.parts == {name: len(LORAS[name]) for name in weights}
        if weights and float((wanted - before).norm()) > 0.01:
            assert near(got, wanted, before, 2e-4)
    assert is_untouched(transformer, own)


def test_switching(adapters: Adapters) -> None:
    """From request to request: only what is needed is in memory, and what stays is not reloaded."""
    transformer = writing.tiny_transformer()
    alone: dict[str, torch.Tensor] = {}
    for name in LORAS:
        with adapters.applied(transformer, {name: 1.0}):
            alone[name] = writing.answer(transformer)
    with adapters.applied(transformer, {"lora": 1.0, "lokr": 0.5}):
        pass
    kept = adapters._loaded["lora"]
    with adapters.applied(transformer, {"lora": 1.0}):
        assert adapters._loaded == {"lora": kept}
        assert adapters._loaded["lora"] is kept
        assert torch.equal(writing.answer(transformer), alone["lora"])
    adapters.unload()
    assert adapters.device_bytes == 0
    for name in LORAS:
        with adapters.applied(transformer, {name: 1.0}):
            assert torch.equal(writing.answer(transformer), alone[name])


def test_bytes_are_known_before(adapters: Adapters) -> None:
    """What a LoRA will take is known from its header, for the plan of the memory."""
    for name, factors in LORAS.items():
        needed = adapters.needed_bytes({name: 1.0})
        adapters.load({name: 1.0})
        values = sum(each.numel() for own in factors.values() for each in own.values())
        assert needed == 4 * values
        assert values * 4 <= adapters.device_bytes <= values * 4 + 4096
    assert adapters.needed_bytes(dict.fromkeys(LORAS, 0.0)) == 0


def test_a_file_of_another_type(folder: Path) -> None:
    """float32 files take half of their size where bfloat16 is computed in."""
    adapters = adapters_of(folder, torch.bfloat16)
    adapters.load({"lora": 1.0})
    size = (folder / "lora.safetensors").stat().st_size
    assert adapters.device_bytes < 0.55 * size
    assert adapters.needed_bytes({"lora": 1.0}) == pytest.approx(adapters.device_bytes, rel=0.01)


# Whatever form the weights have, in any order


def quantized(weights: Weights) -> Callable[[nn.Module], None]:
    def change(transformer: nn.Module) -> None:
        quantize(transformer, weights, CPU)

    return change


def cast_by_layer(transformer: nn.Module) -> None:
    from diffusers.hooks.layerwise_casting import apply_layerwise_casting

    apply_layerwise_casting(
        transformer,
        storage_dtype=torch.float8_e4m3fn,
        compute_dtype=torch.float32,
        skip_modules_pattern=("embed", "norm", "adaLN", "final"),
    )


FORMS: dict[str, Callable[[nn.Module], None]] = {
    "exact": lambda _: None,
    "int8": quantized(Weights.INT8),
    "fp8": quantized(Weights.FP8),
    "fp8, cast by layer": cast_by_layer,
}


def plain(transformer: nn.Module) -> nn.Module:
    """An exact model of the weights that a quantized one computes with."""
    made = writing.tiny_transformer()
    for name, part in transformer.named_modules():
        if isinstance(part, nn.Linear):
            weight = exact_weight(part, CPU, torch.float32)
            made.get_submodule(name).get_parameter("weight").data.copy_(weight)
    return made


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", LORAS)
def test_on_every_form(form: str, name: str, adapters: Adapters) -> None:
    """Quantized weights are adapted as if they were the exact ones that they stand for."""
    transformer = writing.tiny_transformer()
    adapters.load({name: 1.0})  # before it is quantized, and applied after
    FORMS[form](transformer)
    before, own = writing.answer(transformer), state(transformer)
    wanted = writing.answer(writing.merged(plain(transformer), (LORAS[name], 0.9)))
    with adapters.applied(transformer, {name: 0.9}):
        assert near(writing.answer(transformer), wanted, before, 1e-4)
    assert torch.equal(writing.answer(transformer), before)
    assert is_untouched(transformer, own)


@pytest.mark.parametrize("first", FORMS)
@pytest.mark.parametrize("then", ["int8", "fp8"])
def test_quantized_between_two_requests(first: str, then: str, adapters: Adapters) -> None:
    """What was computed of the exact weights is not used for the quantized ones."""
    transformer = writing.tiny_transformer()
    FORMS[first](transformer)
    for name in ("dora", "columns"):
        with adapters.applied(transformer, {name: 1.0}):
            pass
    if first == "exact":
        FORMS[then](transformer)
    before = writing.answer(transformer)
    for name in ("dora", "columns"):
        wanted = writing.answer(writing.merged(plain(transformer), (LORAS[name], 1.0)))
        with adapters.applied(transformer, {name: 1.0}):
            assert near(writing.answer(transformer), wanted, before, 1e-4)


class Opaque(nn.Linear):
    """A layer of another library, whose weights are in a form that only it understands."""

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight = nn.Parameter(linear.weight.detach().to(torch.complex64), False)
        self.bias: Any = linear.bias

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(input, self.weight.real.to(input.dtype), self.bias)


@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_weights_of_an_unknown_form(bias: bool) -> None:
    """Weights in an unknown form are found out by asking the layer."""
    torch.manual_seed(0)
    linear = nn.Linear(300, 20, bias=bias)
    for layer in (Opaque(linear), linear):
        found = exact_weight(layer, CPU, torch.float32)
        torch.testing.assert_close(found, linear.weight, rtol=1e-5, atol=1e-6)


# Wherever the weights lie


@contextlib.contextmanager
def streamed(transformer: nn.Module, leaves: bool) -> Iterator[None]:
    stream(transformer, ELSEWHERE, leaves=leaves, pinned=True)
    try:
        yield
    finally:
        end_stream(transformer)


@contextlib.contextmanager
def fetched(transformer: nn.Module) -> Iterator[None]:
    weights = OffloadedWeights([transformer], ELSEWHERE)
    weights.fetch()
    try:
        yield
    finally:
        weights.release()


PLACES: dict[str, Callable[[nn.Module], contextlib.AbstractContextManager[None]]] = {
    "blocks": lambda transformer: streamed(transformer, False),
    "leaves": lambda transformer: streamed(transformer, True),
    "whole": fetched,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", ["exact", "int8"])
@pytest.mark.parametrize("name", LORAS)
def test_wherever_they_lie(place: str, form: str, name: str, folder: Path) -> None:
    """Streamed weights give the same bits as weights that stay, with a LoRA and after it."""
    transformer = writing.tiny_transformer()
    FORMS[form](transformer)
    own, before = state(transformer), writing.answer(transformer)
    adapters = Adapters(LoraShelf(folder, writing.tiny_targets()), ELSEWHERE, torch.float32)
    with adapters.applied(transformer, {name: 0.8}):
        wanted = writing.answer(transformer)
    with PLACES[place](transformer):
        for _ in range(2):
            with adapters.applied(transformer, {name: 0.8}):
                assert torch.equal(writing.answer(transformer), wanted)
            assert torch.equal(writing.answer(transformer), before)
    assert is_untouched(transformer, own)
    assert torch.equal(writing.answer(transformer), before)


@pytest.mark.parametrize("leaves", [True, False])
def test_streaming_that_begins_and_ends_meanwhile(leaves: bool, adapters: Adapters) -> None:
    """Even if the plan changes while a LoRA is applied, both go on and off."""
    transformer = writing.tiny_transformer()
    own = state(transformer)
    with adapters.applied(transformer, {"lora": 1.0}):
        wanted = writing.answer(transformer)
        with streamed(transformer, leaves):
            assert torch.equal(writing.answer(transformer), wanted)
        assert torch.equal(writing.answer(transformer), wanted)
    assert is_untouched(transformer, own)


# Compiled


def counting() -> tuple[Callable[[Any, Any], Any], list[int]]:
    """A backend that runs what it is given, and counts how often something is compiled."""
    compiled: list[int] = []

    def backend(graph: Any, _example: Any) -> Any:
        compiled.append(1)
        return graph.forward

    return backend, compiled


class Two(nn.Module):
    """Two layers and a norm under names of the real model."""

    def __init__(self) -> None:
        super().__init__()
        transformer = writing.tiny_transformer()
        self.layers = nn.ModuleList([nn.Module()])
        self.layers[0].add_module("feed_forward", nn.Module())
        for name in ("w1", "w2"):
            layer = transformer.get_submodule(f"layers.0.feed_forward.{name}")
            self.get_submodule("layers.0.feed_forward").add_module(name, layer)
        norm = transformer.get_submodule("layers.0.attention_norm1")
        self.layers[0].add_module("attention_norm1", norm)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.get_submodule("layers.0.attention_norm1")(x)
        inner = self.get_submodule("layers.0.feed_forward.w1")(inner).relu()
        return self.get_submodule("layers.0.feed_forward.w2")(inner)


@pytest.mark.parametrize("early", [True, False], ids=["loaded before", "compiled before"])
@pytest.mark.parametrize("in_place", [True, False])
def test_compiled(in_place: bool, early: bool, tmp_path: Path) -> None:
    """A compiled model notices LoRAs, whichever was first, and the second one costs nothing."""
    torch._dynamo.reset()
    modules = ("layers.0.feed_forward.w1", "layers.0.feed_forward.w2")
    norms = {"layers.0.attention_norm1": {"diff": torch.linspace(-1, 1, 48)}}
    made = {f"l{seed}": writing.low_rank(modules, seed=seed) | norms for seed in range(3)}
    for name, factors in made.items():
        writing.save(tmp_path / f"{name}.safetensors", DIALECTS["ai-toolkit"](factors))
    adapters = adapters_of(tmp_path)
    backend, compiled = counting()
    model, x = Two().eval(), torch.randn(3, 48)
    if early:
        adapters.load({"l0": 1.0})
    called: Any = model
    if in_place:
        model.compile(backend=backend)
    else:
        called = torch.compile(model, backend=backend)
    with torch.no_grad():
        before = called(x)
        counts: list[int] = []
        for weight in (1.0, 0.5):
            for name, factors in made.items():
                wanted = writing.merged(model, (factors, weight))
                with adapters.applied(called, {name: weight}):
                    got = called(x)
                torch.testing.assert_close(got, wanted.forward(x), rtol=1e-4, atol=1e-4)
                assert torch.equal(called(x), before)
                counts.append(len(compiled))
    assert counts[1:] == counts[:1] * 5, "only the first LoRA compiles anything"
    torch._dynamo.reset()


# Errors leave nothing behind


def test_errors_leave_nothing(adapters: Adapters, folder: Path) -> None:
    """After any error the model is untouched and usable, and the next request works."""
    transformer = writing.tiny_transformer()
    own, before = state(transformer), writing.answer(transformer)
    with pytest.raises(KeyError), adapters.applied(transformer, {"lora": 1.0}):
        raise KeyError("while painting")
    assert is_untouched(transformer, own)
    for weights, error in (
        ({"lora": 1.0, "nothing": 1.0}, LoraNotFound),
        ({"lora": float("nan")}, ValueError),
        ({"dora": 1.0, "columns": 1.0}, LoraRefused),
    ):
        with pytest.raises(error), adapters.applied(transformer, weights):
            pass
        assert is_untouched(transformer, own)
    with (
        adapters.applied(transformer, {"lora": 1.0}),
        pytest.raises(RuntimeError, match="adapted already"),
        adapters.applied(transformer, {"lokr": 1.0}),
    ):
        pass
    assert is_untouched(transformer, own)
    with adapters.applied(transformer, {"lora": 1.0}):
        assert not torch.equal(writing.answer(transformer), before)


def test_memory_that_runs_out(adapters: Adapters, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the device is full while a LoRA is loaded, none is, and the next request works."""
    transformer = writing.tiny_transformer()
    own = state(transformer)
    adapters.load({"lokr": 1.0})

    def full(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr("engine.diffusion.lora.weights._delta", full)
        with pytest.raises(torch.OutOfMemoryError), adapters.applied(transformer, {"lora": 1.0}):
            pass
    assert adapters.device_bytes == 0
    assert is_untouched(transformer, own)
    with adapters.applied(transformer, {"lora": 1.0}):
        pass


def test_another_model(folder: Path, adapters: Adapters) -> None:
    """A transformer that is not the one of the shelf is refused, and stays untouched."""
    transformer = writing.tiny_transformer()
    transformer.get_submodule("layers.1.feed_forward").add_module("w2", nn.Linear(5, 5))
    own = state(transformer)
    with pytest.raises(LoraRefused, match=r"layers\.1\.feed_forward\.w2 has another size in this"):
        adapters.applied(transformer, {"lora": 1.0}).__enter__()
    delattr(transformer.get_submodule("layers.1.feed_forward"), "w2")
    with pytest.raises(LoraRefused, match=r"it adapts layers\.1\.feed_forward\.w2, which this"):
        adapters.applied(transformer, {"lora": 1.0}).__enter__()
    assert "layers.1.feed_forward.w2.weight" in own
    assert not any(type(part).__name__.startswith("Adapted") for part in transformer.modules())


def test_files_that_change(tmp_path: Path) -> None:
    """A file that was replaced is loaded again, one that is gone is not used any more."""
    transformer, adapters = writing.tiny_transformer(), adapters_of(tmp_path)
    path = tmp_path / "it.safetensors"
    for seed in (1, 2):
        factors = writing.low_rank(seed=seed)
        path.unlink(missing_ok=True)
        writing.save(path, DIALECTS["ai-toolkit"](factors))
        wanted = writing.answer(writing.merged(transformer, (factors, 1.0)))
        with adapters.applied(transformer, {"it": 1.0}):
            torch.testing.assert_close(writing.answer(transformer), wanted, rtol=1e-3, atol=1e-4)
    path.unlink()
    with pytest.raises(LoraNotFound, match=r"there is no it\.safetensors"):
        adapters.load({"it": 1.0})


def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that shrinks or grows between its header and its data is refused."""
    from engine.diffusion.lora import adapters as module

    adapters = adapters_of(tmp_path)
    path = writing.save(tmp_path / "it.safetensors", DIALECTS["ai-toolkit"](writing.low_rank()))
    raw = path.read_bytes()
    real = module.load
    for new in (raw[:-8], raw + b"\0", b""):
        path.write_bytes(raw)

        def changed(*args: Any, new: bytes = new) -> Any:
            path.write_bytes(new)
            return real(*args)

        with monkeypatch.context() as patch:
            patch.setattr(module, "load", changed)
            with pytest.raises(LoraInvalid, match="its file was changed while it was read"):
                adapters.load({"it": 1.0})


def test_unaligned_data(tmp_path: Path) -> None:
    """Some writers put a tensor at an odd byte."""
    factors = writing.low_rank()
    tensors = DIALECTS["ai-toolkit"](factors)
    header: dict[str, Any] = {}
    data = b""
    for name, each in {"lokr_factor": torch.tensor(1, dtype=torch.uint8), **tensors}.items():
        start, raw = len(data), each.contiguous().view(-1).view(torch.uint8).numpy().tobytes()
        data += raw
        kind = "U8" if each.dtype is torch.uint8 else "F32"
        header[name] = {
            "dtype": kind,
            "shape": list(each.shape),
            "data_offsets": [start, len(data)],
        }
    (tmp_path / "it.safetensors").write_bytes(writing.raw_file(header, data))
    transformer = writing.tiny_transformer()
    wanted = writing.answer(writing.merged(transformer, (factors, 1.0)))
    with adapters_of(tmp_path).applied(transformer, {"it": 1.0}):
        torch.testing.assert_close(writing.answer(transformer), wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "dtype",
    [torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2],
)
def test_types_of_files(dtype: torch.dtype, tmp_path: Path) -> None:
    """Files in every floating type are computed with the values that they have."""
    factors = writing.low_rank(dtype=dtype)
    writing.save(tmp_path / "it.safetensors", DIALECTS["ai-toolkit"](factors))
    transformer = writing.tiny_transformer()
    before = writing.answer(transformer)
    wanted = writing.answer(writing.merged(transformer, (factors, 1.0)))
    with adapters_of(tmp_path).applied(transformer, {"it": 1.0}):
        assert near(writing.answer(transformer), wanted, before, 1e-4)


def test_quantized_layers_stay_what_they_are(adapters: Adapters) -> None:
    """An adapted layer is still an instance of its class: residency counts on it."""
    transformer = writing.tiny_transformer()
    quantize(transformer, Weights.INT8, CPU)
    layer = transformer.get_submodule("layers.0.attention.to_q")
    with adapters.applied(transformer, {"lora": 1.0}):
        assert isinstance(layer, QuantizedLinear)
        assert {name for name, _ in layer.named_parameters()} == {"weight", "scale"}
    assert type(layer).__name__ == "Int8Linear"
