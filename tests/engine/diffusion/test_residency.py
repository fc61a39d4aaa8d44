"""A plan is carried out: exact weights give the same bits wherever they are."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline
from torch import nn

from engine.diffusion.families import SKETCH_FAMILY
from engine.diffusion.footprint import MemoryPlan, Placement, Weights
from engine.diffusion.memory_plans import plans
from engine.diffusion.offloaded_weights import HostEmbedding
from engine.diffusion.quantized import is_quantized
from engine.diffusion.residency import Residency

HERE = torch.device("cpu")
ELSEWHERE = torch.device("cpu", 0)
"""Another name of the same memory, to which tensors are really copied, as to a GPU."""
RESIDENT = MemoryPlan(Placement.RESIDENT)
EXACT = [plan for plan in plans(weights=(Weights.FULL,)) if not plan.tiled]
QUANTIZED = [
    MemoryPlan(placement, weights) for placement in Placement for weights in list(Weights)[1:]
]
DEVIATION = 0.15
"""Quantizing is wrong above this relative deviation of the latents after two steps."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Such small products are slower on two threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def loaded(tiny: Path) -> Any:
    """A pipeline as the renderer loads it, for copies."""
    return ZImagePipeline.from_pretrained(str(tiny), dtype=torch.float32, local_files_only=True)


def fresh(loaded: Any, *, dtype: torch.dtype = torch.float32) -> Any:
    """Return a separate pipeline; loading one would take ten times as long."""
    names = ("transformer", "text_encoder", "vae")
    components = {name: deepcopy(getattr(loaded, name)).to(dtype) for name in names}
    return ZImagePipeline(tokenizer=loaded.tokenizer, scheduler=loaded.scheduler, **components)


@pytest.fixture
def pipeline(loaded: Any) -> Any:
    """A separate pipeline for each test."""
    return fresh(loaded)


@torch.no_grad()
def paint(
    residency: Residency, pipeline: Any, device: torch.device = HERE
) -> tuple[torch.Tensor, torch.Tensor]:
    """Paint a fixed job phase by phase; return latents and picture."""
    with residency.encoding() as encoder:
        assert encoder is pipeline.text_encoder
        captions, _ = pipeline.encode_prompt(
            prompt=["a red fox"], device=device, do_classifier_free_guidance=False
        )
    noise = torch.Generator().manual_seed(3)
    dtype = captions[0].dtype
    latents = torch.randn(1, 16, 1, 8, 8, generator=noise).to(device, dtype)
    with residency.denoising() as transformer:
        for time in (0.2, 0.7):
            step = transformer(
                [latents[0]], torch.tensor([time], dtype=dtype, device=device), captions
            )[0]
            latents = latents + 0.5 * step[0][None]
    with residency.decoding() as vae:
        return latents, vae.decode(latents[:, :, 0]).sample


def same(one: tuple[torch.Tensor, ...], other: tuple[torch.Tensor, ...]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def addresses(module: nn.Module) -> list[int]:
    return [weight.data_ptr() for weight in module.parameters()]


@pytest.fixture(scope="module")
def original(loaded: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The output of a resident, exact pipeline."""
    pipeline = fresh(loaded)
    residency = Residency(pipeline, HERE, SKETCH_FAMILY)
    residency.use(RESIDENT)
    torch.set_num_threads(1)
    return paint(residency, pipeline)


@pytest.mark.parametrize(
    ("plan", "device"),
    [*((plan, ELSEWHERE) for plan in EXACT), (RESIDENT, HERE), (EXACT[3], HERE)],
    ids=str,
)
def test_exact_plans_paint_the_same(
    plan: MemoryPlan, device: torch.device, pipeline: Any, original: tuple[torch.Tensor, ...]
) -> None:
    """Exact plans give the same bits wherever the weights are, in the first job and later."""
    residency = Residency(pipeline, device, SKETCH_FAMILY)
    assert residency.use(plan) is False
    assert residency.plan == plan
    for _ in range(2):
        assert same(paint(residency, pipeline), original)


@pytest.mark.parametrize("plan", QUANTIZED, ids=str)
def test_quantized_plans_paint_nearly_the_same(
    plan: MemoryPlan, pipeline: Any, original: tuple[torch.Tensor, ...]
) -> None:
    """Quantized weights change the latents slightly, and everything stays finite."""
    residency = Residency(pipeline, ELSEWHERE, SKETCH_FAMILY)
    residency.use(plan)
    latents, picture = paint(residency, pipeline)
    deviation = float((latents - original[0]).norm() / original[0].norm())
    assert 0 < deviation < DEVIATION
    assert bool(torch.isfinite(picture).all())
    assert is_quantized(pipeline.transformer)
    assert is_quantized(pipeline.text_encoder)


@pytest.mark.parametrize("weights", [Weights.FP8, Weights.INT8])
def test_quantized_bfloat16(weights: Weights, loaded: Any) -> None:
    """Quantized weights compute in bfloat16 if that is what was loaded."""
    pipeline = fresh(loaded, dtype=torch.bfloat16)
    residency = Residency(pipeline, HERE, SKETCH_FAMILY)
    residency.use(MemoryPlan(Placement.STREAMED, weights))
    latents, picture = paint(residency, pipeline)
    assert latents.dtype == torch.bfloat16
    assert bool(torch.isfinite(picture).all())


@pytest.mark.parametrize("other", EXACT[1:], ids=str)
def test_back_and_forth(
    other: MemoryPlan, pipeline: Any, original: tuple[torch.Tensor, ...]
) -> None:
    """A change of plan is undone by the next one, without a trace in bits, hooks or tiles."""
    residency = Residency(pipeline, ELSEWHERE, SKETCH_FAMILY)
    for plan in (RESIDENT, MemoryPlan(other.placement, tiled=True), other, RESIDENT):
        residency.use(plan)
        residency.use(plan)
    assert same(paint(residency, pipeline), original)
    for component in (pipeline.transformer, pipeline.text_encoder):
        for part in component.modules():
            assert not hasattr(part, "_diffusers_hook")
            assert "forward" not in vars(part)
    assert isinstance(pipeline.text_encoder.embed_tokens, nn.Embedding)
    assert not pipeline.vae.use_tiling


def test_through_every_plan(loaded: Any, pipeline: Any, original: tuple[torch.Tensor, ...]) -> None:
    """All plans up and down, and finally exact weights loaded again, give exact results."""
    loads: list[str] = []

    def reload(name: str) -> nn.Module:
        loads.append(name)
        return getattr(fresh(loaded), name)

    path = [plan for number, plan in enumerate(plans()) if number % 3 == 0]
    residency = Residency(
        pipeline,
        ELSEWHERE,
        SKETCH_FAMILY,
        reload_transformer=lambda: reload("transformer"),
        reload_encoder=lambda: reload("text_encoder"),
    )
    for plan in [*path, *reversed(path)]:
        renewed = residency.use(plan)
        assert renewed is bool(loads)
        loads.clear()
    assert residency.plan == RESIDENT
    assert same(paint(residency, pipeline), original)


def test_exact_weights_do_not_come_back_by_themselves(pipeline: Any) -> None:
    """Without a way to reload, exact plans are refused once weights are quantized."""
    residency = Residency(pipeline, HERE, SKETCH_FAMILY)
    fp8 = MemoryPlan(Placement.RESIDENT, Weights.FP8)
    residency.use(fp8)
    assert residency.can_use(Weights.FP8)
    assert not residency.can_use(Weights.FULL)
    with pytest.raises(ValueError, match="exact weights"):
        residency.use(RESIDENT)
    assert residency.plan == fp8
    paint(residency, pipeline)


def test_a_failed_reload_leaves_nothing_half_done(pipeline: Any, loaded: Any) -> None:
    """If reloading fails, no plan is in force, and another one can be used."""

    def broken() -> nn.Module:
        raise OSError("the disk is gone")

    residency = Residency(
        pipeline,
        HERE,
        SKETCH_FAMILY,
        reload_transformer=broken,
        reload_encoder=lambda: fresh(loaded).text_encoder,
    )
    residency.use(MemoryPlan(Placement.STREAMED, Weights.INT8))
    with pytest.raises(OSError, match="disk"):
        residency.use(RESIDENT)
    assert residency.plan is None
    residency.use(MemoryPlan(Placement.MODEL, Weights.INT8))
    assert is_quantized(pipeline.text_encoder)
    assert bool(torch.isfinite(paint(residency, pipeline)[1]).all())


PHASES = [("encoding", "text_encoder"), ("denoising", "transformer"), ("decoding", "vae")]


@pytest.mark.parametrize(("phase", "name"), PHASES)
def test_one_component_at_a_time(phase: str, name: str, pipeline: Any) -> None:
    """Model offload copies a component for its phase, leaves the others, and drops the copy."""
    residency = Residency(pipeline, ELSEWHERE, SKETCH_FAMILY)
    residency.use(MemoryPlan(Placement.MODEL))
    rest = {one: addresses(getattr(pipeline, one)) for _, one in PHASES}
    with getattr(residency, phase)():
        for _, one in PHASES:
            now = addresses(getattr(pipeline, one))
            moved = [a != b for a, b in zip(now, rest[one], strict=True)]
            assert all(moved) if one == name else not any(moved)
    assert {one: addresses(getattr(pipeline, one)) for _, one in PHASES} == rest


@pytest.mark.parametrize("plan", [*EXACT, MemoryPlan(Placement.ENCODER, tiled=True)], ids=str)
@pytest.mark.parametrize(("phase", "name"), PHASES)
def test_an_error_in_a_phase(
    phase: str, name: str, plan: MemoryPlan, pipeline: Any, original: tuple[torch.Tensor, ...]
) -> None:
    """An error in a forward pass of any phase leaves weights in place and the next job exact."""
    residency = Residency(pipeline, ELSEWHERE, SKETCH_FAMILY)
    residency.use(plan)
    paint(residency, pipeline)
    rest = {one: addresses(getattr(pipeline, one)) for _, one in PHASES}
    component = getattr(pipeline, name)
    deep = [part for part in component.modules() if isinstance(part, nn.Linear)][-1]

    def burst(*_: Any) -> None:
        raise torch.OutOfMemoryError("out of memory")

    handle = deep.register_forward_pre_hook(burst)
    with pytest.raises(torch.OutOfMemoryError):
        paint(residency, pipeline)
    handle.remove()
    if plan.placement is Placement.MODEL:
        assert addresses(component) == rest[name]
    if plan.placement in (Placement.STREAMED, Placement.SEQUENTIAL):
        assert {weight.device for weight in component.parameters()} == {HERE}
    latents, picture = paint(residency, pipeline)
    assert torch.equal(latents, original[0])
    assert torch.equal(picture, original[1])


def test_a_broken_first_pass_does_not_spoil_the_order(
    pipeline: Any, original: tuple[torch.Tensor, ...]
) -> None:
    """A streamed pass interrupted at once, and again, does not affect the next one."""
    residency = Residency(pipeline, HERE, SKETCH_FAMILY)
    residency.use(MemoryPlan(Placement.STREAMED))
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), residency.denoising():
            raise KeyboardInterrupt
    assert same(paint(residency, pipeline), original)


def test_parked_blocks(pipeline: Any) -> None:
    """Encoder offload with tiles keeps the last blocks away from decoding to denoising."""
    residency = Residency(pipeline, ELSEWHERE, SKETCH_FAMILY)
    residency.use(MemoryPlan(Placement.ENCODER, tiled=True))
    last, first = pipeline.transformer.layers[-1], pipeline.transformer.layers[0]
    rest, stay = addresses(last), addresses(first)
    with residency.denoising():
        assert all(a != b for a, b in zip(addresses(last), rest, strict=True))
        assert addresses(first) == stay
    with residency.decoding():
        assert addresses(last) == rest
        assert addresses(first) == stay


def test_the_token_table_stays_with_the_host(pipeline: Any) -> None:
    """If not everything is resident, the token table is used on the host and never moved."""
    residency = Residency(pipeline, ELSEWHERE, SKETCH_FAMILY)
    table = pipeline.text_encoder.embed_tokens
    residency.use(MemoryPlan(Placement.MODEL))
    stand_in = pipeline.text_encoder.get_input_embeddings()
    assert isinstance(stand_in, HostEmbedding)
    assert stand_in.table is table
    assert stand_in.num_embeddings == table.num_embeddings
    assert stand_in.weight is table.weight
    assert list(stand_in.parameters()) == []
    tokens = torch.tensor([[1, 2]])
    assert torch.equal(stand_in(tokens), table(tokens))
    residency.use(RESIDENT)
    assert pipeline.text_encoder.embed_tokens is table


def test_no_plan_no_phase(pipeline: Any) -> None:
    """Phases need a plan; there is none before the first, after unloading and closing."""
    residency = Residency(pipeline, HERE, SKETCH_FAMILY)
    with pytest.raises(RuntimeError, match="no memory plan"), residency.encoding():
        pass
    residency.use(RESIDENT)
    residency.unload()
    with pytest.raises(RuntimeError, match="no memory plan"), residency.denoising():
        pass
    residency.use(RESIDENT)
    residency.close()
    with pytest.raises(RuntimeError, match="no memory plan"), residency.decoding():
        pass


@pytest.mark.parametrize(
    "plan", [RESIDENT, *EXACT[1:], MemoryPlan(Placement.ENCODER, tiled=True)], ids=str
)
def test_unload_and_come_back(
    plan: MemoryPlan, pipeline: Any, original: tuple[torch.Tensor, ...]
) -> None:
    """After unloading, everything is on the host; the plan can be restored, bit for bit."""
    residency = Residency(pipeline, ELSEWHERE, SKETCH_FAMILY)
    residency.use(plan)
    residency.unload()
    residency.unload()
    assert residency.plan is None
    for _, name in PHASES:
        assert {weight.device for weight in getattr(pipeline, name).parameters()} == {HERE}
    residency.use(plan)
    assert torch.equal(paint(residency, pipeline)[0], original[0])


@pytest.mark.parametrize("plan", EXACT, ids=str)
def test_close(plan: MemoryPlan, pipeline: Any) -> None:
    """After closing, the weights are gone from the pipeline; closing again does nothing."""
    residency = Residency(pipeline, ELSEWHERE, SKETCH_FAMILY)
    residency.use(plan)
    residency.close()
    residency.close()
    assert [getattr(pipeline, name) for _, name in PHASES] == [None, None, None]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("plan", [*EXACT, MemoryPlan(Placement.ENCODER, tiled=True)], ids=str)
def test_on_a_gpu(plan: MemoryPlan, pipeline: Any) -> None:
    """On a GPU, too, exact plans differ in no bit, even after an error, and leave it clean."""
    device = torch.device("cuda", 0)
    residency = Residency(pipeline, device, SKETCH_FAMILY)
    residency.use(RESIDENT)
    wanted = paint(residency, pipeline, device)
    residency.use(plan)
    for _ in range(2):
        assert same(paint(residency, pipeline, device), wanted)
        with pytest.raises(KeyboardInterrupt), residency.denoising():
            transformer = pipeline.transformer
            handle = transformer.layers[1].register_forward_pre_hook(interrupt)
            try:
                transformer(
                    [torch.zeros(16, 1, 8, 8, device=device)],
                    torch.tensor([0.5], device=device),
                    [torch.zeros(4, 24, device=device)],
                )
            finally:
                handle.remove()
    held = {weight.device.type for weight in pipeline.transformer.parameters()}
    assert ("cuda" in held) is (plan.placement in (Placement.RESIDENT, Placement.ENCODER))
    residency.unload()
    assert {weight.device for weight in pipeline.transformer.parameters()} == {HERE}


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
