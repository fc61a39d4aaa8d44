"""The real painter: prompt → denoise → decode with ZImagePipeline, guarded and cancellable."""

from __future__ import annotations

import contextlib
import copy
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import diffusers
import torch
import transformers
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline

from engine.diffusion import memory
from engine.diffusion.devices import pick_device, pick_dtype
from engine.diffusion.families import Family, family_for, folder_of
from engine.diffusion.guard import check_finite, check_not_blank
from engine.diffusion.loading import load_pipeline
from engine.diffusion.wholeness import COMPONENTS
from engine.errors import (
    Cancelled,
    Defunct,
    EngineError,
    OutOfMemory,
    PromptTooLong,
    RenderFailed,
)
from engine.renderer import Outcome, RenderTask
from engine.settings import EngineSettings
from engine.types import Conditions, ImageRequest, ModelInfo, Painted, Progress, Raster, Recipe

_MEMORY_SIGNS = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
"""Libraries below torch say it as plain errors; the process goes on after them."""
CPU_NICENESS = 10
"""A CPU painter yields to the event loop: a member must never wait for a matrix product."""


class _Stop(Exception):
    """Leaves the pipeline from inside its step callback."""


class DiffusionRenderer:
    """Owns one pipeline; every call comes from the one executor thread."""

    def __init__(
        self,
        pipeline: ZImagePipeline,
        family: Family,
        info: ModelInfo,
        device: torch.device,
        threads: int,
    ) -> None:
        self._pipeline = pipeline
        self._family = family
        self._info = info
        self._device = device
        self._threads = threads
        # A tokenizer of its own: the pipeline's may be at work on the painting thread.
        self._counter = copy.deepcopy(pipeline.tokenizer)
        self._counting = threading.Lock()

    @classmethod
    def load(cls, settings: EngineSettings) -> DiffusionRenderer:
        """Load the model and put it on its device. Raises ModelUnavailable."""
        _exact_arithmetic()
        device = pick_device(settings.device, settings.model)
        if device.type == "cpu":
            _lower_priority()
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        dtype = pick_dtype(device)
        pipeline, revision = load_pipeline(settings, dtype)
        sizes = [_bytes(getattr(pipeline, name)) for name in COMPONENTS]
        free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None
        plan = memory.choose(free, sum(sizes), max(sizes))
        memory.apply(pipeline, plan, device)
        family = family_for(settings.model)
        info = ModelInfo(
            model=_public_name(settings.model),
            revision=revision,
            family=family.name,
            device=_device_name(device),
            dtype=str(dtype).removeprefix("torch."),
            plan=plan.value,
        )
        return cls(pipeline, family, info, device, torch.get_num_threads())

    @property
    def info(self) -> ModelInfo:
        """What is loaded."""
        return self._info

    def render(
        self, batch: Sequence[RenderTask], *, on_step: Callable[[int, Progress], None]
    ) -> list[Outcome]:
        """Paint the tasks one after another, each in a batch of one: their pixels never depend
        on who painted at the same time."""
        return [self._outcome(row, task, on_step) for row, task in enumerate(batch)]

    def close(self) -> None:
        """Drop the weights."""
        del self._pipeline
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _outcome(
        self, row: int, task: RenderTask, on_step: Callable[[int, Progress], None]
    ) -> Outcome:
        try:
            return self._paint(row, task, on_step)
        except _Stop:
            return Cancelled("cancelled while painting")
        except EngineError as error:
            return error
        except torch.OutOfMemoryError:
            return self._out_of_memory()
        except Exception as error:
            if any(sign in str(error) for sign in _MEMORY_SIGNS):
                return self._out_of_memory()
            if _is_sticky(error):
                return Defunct(str(error).partition("\n")[0])
            return RenderFailed(f"{type(error).__name__}: {error}")

    def _paint(
        self, row: int, task: RenderTask, on_step: Callable[[int, Progress], None]
    ) -> Painted:
        request = task.request
        began = time.perf_counter()
        self._check_length(request.effective_prompt)
        if request.guidance > 1.0:
            self._check_length(request.negative_prompt)

        def after_step(
            _pipe: Any, step: int, _time: Any, tensors: dict[str, Any]
        ) -> dict[str, Any]:
            if task.cancel.is_set():
                raise _Stop
            # Reading the answer waits for the GPU, which also keeps the reported step honest.
            check_finite(tensors["latents"], f"step {step + 1}")
            on_step(row, Progress(step + 1, request.steps))
            return {}

        with self._restored(task.replay) as threads:
            try:
                pixels = self._pixels(request, after_step)
            finally:
                # A run that was left by an exception has not freed the hooks of an offload plan.
                self._pipeline.maybe_free_model_hooks()
            conditions = self._conditions(threads)
        return Painted(
            raster=Raster(request.width_px, request.height_px, pixels.numpy().tobytes()),
            recipe=Recipe(
                model=self._info.model,
                revision=self._info.revision,
                family=self._info.family,
                request=request,
                conditions=conditions,
            ),
            duration_s=time.perf_counter() - began,
        )

    def _pixels(self, request: ImageRequest, after_step: Callable[..., dict[str, Any]]) -> Any:
        """Run the pipeline; returns uint8 pixels on the CPU, height × width × 3."""
        pipeline: Any = self._pipeline  # its own annotation of the callback is wrong
        output = pipeline(
            prompt=[request.effective_prompt],
            negative_prompt=[request.negative_prompt],
            height=request.height_px,
            width=request.width_px,
            num_inference_steps=request.steps,
            guidance_scale=self._family.pipeline_guidance(request.guidance),
            # Noise from a CPU generator does not depend on the GPU.
            generator=torch.Generator("cpu").manual_seed(request.seed),
            max_sequence_length=self._family.max_tokens,
            output_type="latent",
            callback_on_step_end=after_step,
        )
        pixels = self._decode(output.images)
        check_not_blank(pixels)
        return pixels

    @torch.no_grad()
    def _decode(self, latents: torch.Tensor) -> torch.Tensor:
        """As the pipeline itself would, but guarded: its own clamping hides infinity."""
        pipeline: Any = self._pipeline
        vae = pipeline.vae
        scaled = latents.to(vae.dtype) / vae.config.scaling_factor + vae.config.shift_factor
        decoded = vae.decode(scaled, return_dict=False)[0]
        check_finite(decoded, "decoding")
        image = pipeline.image_processor.postprocess(decoded, output_type="pt")[0].float()
        return (image * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().cpu()

    def count_tokens(self, text: str) -> int:
        """Count what the pipeline would read, the chat template's own tokens included."""
        chat = self._counter.apply_chat_template(
            [{"role": "user", "content": text}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=True,
        )
        with self._counting:
            return len(self._counter(chat).input_ids)

    def _check_length(self, prompt: str) -> None:
        tokens = self.count_tokens(prompt)
        if tokens > self._family.max_tokens:
            raise PromptTooLong(tokens, self._family.max_tokens)

    @contextlib.contextmanager
    def _restored(self, replay: Conditions | None) -> Iterator[int | None]:
        """Bring back what of the original's conditions can be: the thread count on a CPU."""
        if self._device.type != "cpu":
            yield None
            return
        wanted = self._threads
        if replay is not None and replay.threads is not None:
            # Within bounds: a recipe may come from anybody.
            wanted = max(1, min(replay.threads, 4 * (os.cpu_count() or 1)))
        torch.set_num_threads(wanted)
        try:
            yield wanted
        finally:
            torch.set_num_threads(self._threads)

    def _conditions(self, threads: int | None) -> Conditions:
        return Conditions(
            device=self._info.device,
            threads=threads,
            dtype=self._info.dtype,
            attention="native",
            plan=self._info.plan,
            versions={
                "torch": str(torch.__version__),
                "diffusers": diffusers.__version__,
                "transformers": transformers.__version__,
            },
        )

    def _out_of_memory(self) -> OutOfMemory:
        if self._device.type != "cuda":
            return OutOfMemory()
        torch.cuda.empty_cache()
        return OutOfMemory(
            torch.cuda.memory_allocated(self._device),
            torch.cuda.memory_reserved(self._device),
            torch.cuda.mem_get_info(self._device)[0],
        )


def _exact_arithmetic() -> None:
    """float32 stays float32, and kernels are picked by rule instead of by stopwatch."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def _lower_priority() -> None:
    if sys.platform == "linux":
        # On Linux a priority belongs to a thread, and torch's workers inherit their creator's.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), CPU_NICENESS)


def _is_sticky(error: Exception) -> bool:
    """After these errors every further CUDA call of the process fails."""
    kind = getattr(torch, "AcceleratorError", None)
    text = str(error)
    return (kind is not None and isinstance(error, kind)) or text.startswith("CUDA error:")


def _bytes(module: torch.nn.Module) -> int:
    return sum(weight.numel() * weight.element_size() for weight in module.parameters())


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        # Wider vectors add up in another order: other bits.
        return f"cpu {torch.backends.cpu.get_cpu_capability()}"
    return device.type


def _public_name(model: str) -> str:
    """A recipe travels with the picture: a folder's full path is nobody's business."""
    folder = folder_of(model)
    return folder.resolve().name if folder.is_dir() else model
