"""What memory plans are measured on: the model's whole architecture with random weights, in seconds
and without a file, and a card that can be made as full as wanted."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import functools
import gc
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

import torch
from accelerate import init_empty_weights
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from torch import nn
from transformers import Qwen3Config, Qwen3Model

from engine.diffusion import machine, shelf
from engine.diffusion.devices import pick_dtype
from engine.diffusion.footprint import Machine, Placement, Plan, Shape, Sizes, estimate
from engine.diffusion.guard import Finiteness
from engine.diffusion.loading import Loaded
from engine.diffusion.model import Model
from engine.diffusion.renderer import DiffusionRenderer
from engine.diffusion.residency import Residency, from_pipeline
from engine.errors import Defunct
from engine.settings import AUTO, EngineSettings
from tests.engine.diffusion.cards import rtx_4090
from tests.engine.diffusion.tiny import _tokenizer

GB: Final = 10**9
_HOST: Final = torch.device("cpu")
_HOST_CARD_BYTES: Final = 24 * GB
_POOL: Final = 2**24 + 43
"""Random numbers that all weights are made of; odd, so that no two layers are alike."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """Three components by the arguments of their classes; the rest is as those classes have it."""

    name: str
    transformer: Mapping[str, Any]
    encoder: Mapping[str, Any]
    vae_widths: tuple[int, ...]
    vae_layers: int
    vae_groups: int


FULL: Final = Architecture(
    name="full-size",
    transformer={"dim": 3840, "n_layers": 30, "n_refiner_layers": 2, "n_heads": 30}
    | {"n_kv_heads": 30, "cap_feat_dim": 2560, "axes_dims": [32, 48, 48]}
    | {"axes_lens": [1536, 512, 512]},
    encoder={"hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36}
    | {"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128}
    | {"vocab_size": 151_936, "max_position_embeddings": 40_960},
    vae_widths=(128, 256, 512, 512),
    vae_layers=2,
    vae_groups=32,
)
"""Z-Image-Turbo: 6.2 + 4.0 + 0.1 billion weights."""

TINY: Final = Architecture(
    name="tiny",
    transformer={"dim": 48, "n_layers": 4, "n_refiner_layers": 1, "n_heads": 3, "n_kv_heads": 3}
    | {"cap_feat_dim": 24, "axes_dims": [4, 6, 6], "axes_lens": [1024, 64, 64]},
    encoder={"hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 3}
    | {"num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 8, "vocab_size": 512},
    vae_widths=(8, 8, 16, 16),
    vae_layers=1,
    vae_groups=4,
)
"""Of the same make, for machines without a GPU."""


def build(
    architecture: Architecture, dtype: torch.dtype, device: torch.device, seed: int = 0
) -> ZImagePipeline:
    """A pipeline that paints finite pictures of nothing; the same bits for the same seed.

    The weights are written where they stay, in their own type: they are in memory once. On the
    meta device they have sizes only.
    """
    names = ("transformer", "text_encoder", "vae")
    parts: dict[str, Any] = {
        name: component(architecture, name, dtype, device, seed) for name in names
    }
    return ZImagePipeline(
        tokenizer=_tokenizer(""),  # pyright: ignore[reportArgumentType]
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=3.0),
        **parts,
    )


def component(
    architecture: Architecture, name: str, dtype: torch.dtype, device: torch.device, seed: int = 0
) -> nn.Module:
    """One component of that pipeline, with the same bits."""
    with init_empty_weights(include_buffers=False):
        if name == "transformer":
            made: nn.Module = ZImageTransformer2DModel(**architecture.transformer)
        elif name == "text_encoder":
            made = Qwen3Model(Qwen3Config(**architecture.encoder))
        else:
            made = _vae(architecture)
    numbers = None if device.type == "meta" else _Numbers(dtype, device, seed)
    _fill(made.eval(), dtype, device, numbers)
    return made


def load(architecture: Architecture, dtype: torch.dtype) -> Loaded:
    """The pipeline on the host, as the painter loads one; each call makes it anew."""
    folder = Path(f"{architecture.name}-without-a-folder")
    return Loaded(build(architecture, dtype, _HOST), "random", folder, dtype)


def sizes(architecture: Architecture, dtype: torch.dtype) -> Sizes:
    """What its components take; none of it is taken for that."""
    return from_pipeline(build(architecture, dtype, torch.device("meta")))


def resident_bytes(found: Sizes, shape: Shape) -> int:
    """What a card must have for everything to stay there, by the estimate."""
    return estimate(Plan(Placement.RESIDENT), found, rtx_4090(), shape).peak_bytes


def _vae(architecture: Architecture) -> AutoencoderKL:
    blocks = len(architecture.vae_widths)
    parts: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * blocks,
        "up_block_types": ("UpDecoderBlock2D",) * blocks,
        "block_out_channels": architecture.vae_widths,
    }
    return AutoencoderKL(
        **parts,
        layers_per_block=architecture.vae_layers,
        norm_num_groups=architecture.vae_groups,
        latent_channels=16,
        sample_size=1024,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


class _Numbers:
    """Normally distributed numbers in any amount, as fast as memory is written."""

    def __init__(self, dtype: torch.dtype, device: torch.device, seed: int) -> None:
        self._pool = _drawn(dtype, device, seed)
        self._offset = 0

    def write(self, target: torch.Tensor, deviation: float) -> None:
        """Fill a contiguous tensor; the next call goes on where this one stopped."""
        flat, done = target.view(-1), 0
        while done < flat.numel():
            count = min(flat.numel() - done, _POOL - self._offset)
            numbers = self._pool[self._offset : self._offset + count]
            torch.mul(numbers, deviation, out=flat[done : done + count])
            self._offset = (self._offset + count) % _POOL
            done += count


@functools.lru_cache(maxsize=1)
def _drawn(dtype: torch.dtype, device: torch.device, seed: int) -> torch.Tensor:
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(_POOL, generator=generator).to(device, dtype)


def _fill(
    module: nn.Module, dtype: torch.dtype, device: torch.device, numbers: _Numbers | None
) -> None:
    """Give real memory to parameters that have none: matrices that keep the scale of what goes
    through them, norms of one and no biases, so that nothing grows out of range."""
    for part in module.modules():
        for name, empty in part._parameters.items():
            if empty is None:
                continue
            made = torch.empty(empty.shape, dtype=dtype, device=device)
            if numbers is not None and made.ndim > 1:
                numbers.write(made, (made.numel() // len(made)) ** -0.5)
            elif numbers is not None:
                made.fill_(0.0 if "bias" in name else 1.0)
            part._parameters[name] = nn.Parameter(made, requires_grad=False)


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of the device's memory: what tensors took, and what was kept for them."""

    allocated_bytes: int
    reserved_bytes: int


class TooFull(Exception):
    """Less is free than is to be left free."""


class CudaCard:
    """A real one. All calls come from one thread."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._taken: list[ctypes.c_uint64] = []
        torch.cuda.set_device(device)
        torch.cuda.init()
        machine.measured(device)  # once, now: it is no part of any plan
        self.clear()

    def describe(self) -> str:
        """Its name and the driver's."""
        total_gb = torch.cuda.mem_get_info(self.device)[1] / GB
        name = torch.cuda.get_device_name(self.device)
        return f"{name}, {total_gb:.1f} GB, driver {_driver_version()}, CUDA {torch.version.cuda}"

    def finish(self) -> None:
        """Wait until everything is computed."""
        torch.cuda.synchronize(self.device)

    def reset(self) -> None:
        """Begin a new peak."""
        torch.cuda.synchronize(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)

    def peak(self) -> Memory | None:
        """The most since `reset`; None where nothing counts."""
        self.finish()
        cuda = torch.cuda
        return Memory(cuda.max_memory_allocated(self.device), cuda.max_memory_reserved(self.device))

    def now(self) -> Memory | None:
        """At present."""
        self.finish()
        cuda = torch.cuda
        return Memory(cuda.memory_allocated(self.device), cuda.memory_reserved(self.device))

    def fill(self, leave_bytes: int) -> None:
        """Take all that is free but so much, as another program would. Raises TooFull."""
        # Past torch's allocator: what that holds, the painter counts as its own. A fraction set
        # for it would not do either, because the painter asks the driver what is free.
        self.clear()
        free_bytes = torch.cuda.mem_get_info(self.device)[0]
        if free_bytes < leave_bytes:
            raise TooFull(f"only {free_bytes / GB:.2f} GB are free")
        if free_bytes > leave_bytes:
            address = ctypes.c_uint64()
            size = ctypes.c_size_t(free_bytes - leave_bytes)
            status = _driver().cuMemAlloc_v2(ctypes.byref(address), size)
            if status:
                raise RuntimeError(f"cuMemAlloc of {size.value} bytes: error {status}")
            self._taken.append(address)

    def empty(self) -> None:
        """Give back what `fill` took."""
        while self._taken:
            _driver().cuMemFree_v2(self._taken.pop())

    def clear(self) -> None:
        """Return to the device what a painter has left."""
        gc.collect()
        torch.cuda.synchronize(self.device)
        shelf.give_back(self.device)
        shelf.give_back_host()


class HostCard:
    """The CPU, which the painter takes for a card with memory of its own; use it in `with`.

    model_share: bytes of the model that is painted with per byte of the full-size one: what is
    left of a filled card is as scarce for the one as it would be for the other.
    """

    def __init__(self, model_share: float) -> None:
        # Another name of the same memory: what goes there is really copied, as to a GPU.
        self.device = torch.device("cpu", 0)
        self._model_share = model_share
        self._free_bytes = _HOST_CARD_BYTES

    def __enter__(self) -> HostCard:
        self._undo = contextlib.ExitStack()
        self._undo.enter_context(mock.patch.object(machine, "read", self._read))
        self._undo.callback(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(1)  # such small products are slower on two
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _read(self, *_: object, **_options: object) -> Machine:
        return dataclasses.replace(rtx_4090(), free_bytes=self._free_bytes)

    def describe(self) -> str:
        return "CPU (a rehearsal with a tiny model: nothing is measured)"

    def finish(self) -> None: ...
    def reset(self) -> None: ...
    def clear(self) -> None: ...

    def peak(self) -> Memory | None:
        return None

    def now(self) -> Memory | None:
        return None

    def fill(self, leave_bytes: int) -> None:
        if leave_bytes > _HOST_CARD_BYTES:
            raise TooFull(f"only {_HOST_CARD_BYTES / GB:.2f} GB are free")
        self._free_bytes = int(leave_bytes * self._model_share)

    def empty(self) -> None:
        self._free_bytes = _HOST_CARD_BYTES


Card = CudaCard | HostCard


class _Painter(DiffusionRenderer):
    """The real painter; what it would load anew from a folder is made anew instead."""

    def __init__(
        self, settings: EngineSettings, device: torch.device, architecture: Architecture
    ) -> None:
        self._architecture = architecture
        super().__init__(settings, device, lambda: load(architecture, pick_dtype(device)))

    def _loaded(self) -> Model:
        loaded = self._load()
        again = functools.partial(component, self._architecture, dtype=loaded.dtype, device=_HOST)
        residency = Residency(
            loaded.pipeline,
            self._device,
            reload_transformer=lambda: again("transformer"),
            reload_encoder=lambda: again("text_encoder"),
        )
        return Model(loaded, residency, self._device, None)


@dataclass(frozen=True, slots=True)
class Setup:
    """What is painted, and on what. repeats: pictures after the first."""

    card: Card
    architecture: Architecture
    shape: Shape
    repeats: int = 3

    @contextlib.contextmanager
    def painter(
        self, plan: str = AUTO, *, allow_quantized: bool = False
    ) -> Iterator[DiffusionRenderer]:
        """The real painter with new weights of its own; afterwards the device is as it was."""
        device, name = self.card.device, f"{self.architecture.name}-without-a-folder"
        settings = EngineSettings(model=name, memory_plan=plan, allow_quantized=allow_quantized)
        made, lost = None, False
        try:
            made = _Painter(settings, device, self.architecture)
            yield made
        except Defunct:
            lost = True  # whatever is asked of the device now would only hide this error
            raise
        finally:
            if made is not None and not lost:
                made.close()
            made = None
            if not lost:
                self.card.clear()

    def finiteness_s(self, times: int = 100) -> float:
        """How long it takes to ask whether latents are finite, and to wait for the answer."""
        size = (self.shape.height_px // 8, self.shape.width_px // 8)
        latents = torch.zeros(1, 16, *size, device=self.card.device)
        taken_s: list[float] = []
        for _ in range(times):
            self.card.finish()
            began_s = time.perf_counter()
            assert Finiteness(latents).read()
            taken_s.append(time.perf_counter() - began_s)
        return statistics.median(taken_s)


@contextlib.contextmanager
def filled(card: Card, leave_bytes: int | None) -> Iterator[None]:
    """While it lasts, no more than that is free; None = as it is. Raises TooFull."""
    if leave_bytes is not None:
        card.fill(leave_bytes)
    try:
        yield
    finally:
        card.empty()


def _driver() -> Any:
    """The driver's own library, in the context that torch has made current on this thread.

    Raises OSError where there is none, as on AMD.
    """
    return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")


def _driver_version() -> str:
    with contextlib.suppress(OSError):
        told = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
        if found := re.search(r"\b\d{3}\.[\d.]+\b", told):
            return found[0]
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        return answer.stdout.split()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return "unknown"
