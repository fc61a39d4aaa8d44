"""Sentences about GPU, driver and memory, and about what fits the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.diagnosis.findings import Code
from bot.i18n import translatable
from bot.wording.diagnosis.phrase import Phrase

_TORCH: Final = translatable("Install the build of torch for it: docs/gpu.md, “The right torch”.")

GPU: Final[Mapping[Code, Phrase]] = {
    Code.CARD: Phrase(
        translatable("GPU {number}: {name}, {total_bytes} of memory, {free_bytes} of it free.")
    ),
    Code.DRIVER: Phrase(translatable("The driver {version} runs programs for CUDA up to {cuda}.")),
    Code.NO_CARD: Phrase(
        translatable(
            "No GPU was found: the processor paints. With Z-Image-Turbo a picture takes minutes."
        ),
        translatable("If there is one, install its driver. The demo model needs none."),
    ),
    Code.CPU_CHOSEN: Phrase(
        translatable("The settings choose the processor, although there is a GPU ({card})."),
        translatable('Remove device = "cpu" under [engine] to paint with it.'),
    ),
    Code.CPU_ONLY_TORCH: Phrase(
        translatable("There is a GPU ({card}), but torch {torch} computes on the processor only."),
        _TORCH,
    ),
    Code.DRIVER_TOO_OLD: Phrase(
        translatable(
            "The driver {version} of {card} is older than CUDA {cuda}, which torch {torch} was "
            "built for."
        ),
        translatable(
            "Update the driver to {needed} or newer, or install a torch for an older CUDA: "
            "docs/gpu.md, “The right torch”."
        ),
    ),
    Code.DRIVER_TROUBLE: Phrase(
        translatable("There is a GPU ({card}), but its driver does not work: {reason}."),
        translatable(
            "Restart the machine; if that does not help, install the driver again. In a container, "
            "give it the GPU (--gpus all)."
        ),
    ),
    Code.CARD_UNUSABLE: Phrase(
        translatable("The driver has a GPU ({card}), but torch cannot use it: {reason}."),
        translatable(
            "Restart the machine. In a container, give it the GPU (--gpus all). "
            "CUDA_VISIBLE_DEVICES may hide it."
        ),
    ),
    Code.NO_KERNELS: Phrase(
        translatable("torch {torch} has no programs for {name} (generation {generation})."),
        _TORCH,
    ),
    Code.DEVICE_MISSING: Phrase(
        translatable("The device “{device}” of the settings cannot be used: {reason}."),
        translatable('Set device = "auto" under [engine], or the right one.'),
    ),
    Code.TORCH_BROKEN: Phrase(
        translatable("torch cannot be loaded: {reason}."),
        translatable("Install it again: make install. On Windows see docs/windows.md."),
    ),
    Code.ROCM: Phrase(
        translatable("torch was built for AMD's ROCm {release}, with which nothing was tested.")
    ),
    Code.SHARED_MEMORY_FALLBACK: Phrase(
        translatable(
            "Windows' driver puts what exceeds the GPU's memory into main memory without a word, "
            "and painting becomes many times slower in place of choosing a smaller plan."
        ),
        translatable(
            "In NVIDIA's control panel, under “Manage 3D settings”, set “CUDA - Sysmem Fallback "
            "Policy” to “Prefer No Sysmem Fallback”."
        ),
    ),
    Code.APPLE: Phrase(
        translatable("Apple's GPU, which may take {total_bytes} of the memory it shares.")
    ),
    Code.APPLE_BFLOAT16: Phrase(
        translatable(
            "This GPU computes in bfloat16, but zimagine paints in float32 on Apple's GPUs, which "
            "takes twice the memory; bfloat16 has not been tried there."
        )
    ),
    Code.APPLE_FLOAT32: Phrase(
        translatable("This GPU does not compute in bfloat16: zimagine paints in float32."),
        translatable("bfloat16 needs macOS 14 or newer."),
    ),
    Code.BFLOAT16: Phrase(
        translatable("It computes in bfloat16, which large models are painted in.")
    ),
    Code.NO_BFLOAT16: Phrase(
        translatable(
            "It does not compute in bfloat16: float32 is used, which takes twice the memory and "
            "more time."
        )
    ),
    Code.FLOAT16_INSTEAD: Phrase(
        translatable(
            "It does not compute in bfloat16: the large matrices are stored and multiplied in "
            "float16, all else is computed in float32. Time for a picture: not measured."
        )
    ),
    Code.CPU_BFLOAT16: Phrase(
        translatable("The processor computes in bfloat16, which halves the memory of large models.")
    ),
    Code.CPU_FLOAT32: Phrase(
        translatable("The processor does not compute in bfloat16: large models run in float32.")
    ),
    Code.COMPILER: Phrase(
        translatable(
            "There is a C++ compiler ({compiler}): blocks of large models are compiled in the "
            "background."
        )
    ),
    Code.NO_COMPILER: Phrase(
        translatable(
            "There is no C++ compiler: large models are painted with their plain blocks, which is "
            "slower."
        ),
        translatable("Install g++ (clang++ on macOS), for example with apt install g++."),
    ),
    Code.COMPILING_FAILED: Phrase(
        translatable("Compiling failed the last time, and the plain blocks paint: {reason}."),
        translatable('If that remains so, set compile = "off" under [engine].'),
    ),
    Code.OPERATIONS: Phrase(translatable("All operations of a painting work on {device}.")),
    Code.OPERATIONS_MISSING: Phrase(
        translatable("Operations of a painting fail on {device}: {operations}."),
        translatable(
            "Update torch and the system. On Apple's GPUs, PYTORCH_ENABLE_MPS_FALLBACK=1 lets the "
            'processor do them; else set device = "cpu" under [engine].'
        ),
    ),
}

MEMORY: Final[Mapping[Code, Phrase]] = {
    Code.HOST: Phrase(
        translatable("Main memory: {total_bytes}, of which this process may take {free_bytes} now.")
    ),
    Code.CONTAINER: Phrase(
        translatable("A limit on this container allows {limit_bytes} of {total_bytes}."),
        translatable("If that is too little, start the container with a higher limit (--memory)."),
    ),
    Code.PLAN: Phrase(
        translatable(
            "A picture would now be painted with the memory plan {plan}: {peak_bytes} of "
            "{free_bytes}."
        )
    ),
    Code.PLAN_TOO_LARGE: Phrase(
        translatable(
            "No memory plan fits: the smallest allowed, {plan}, needs {peak_bytes}, and "
            "{free_bytes} are free."
        ),
        translatable("Close other programs, or set allow_quantized = true under [engine]."),
    ),
    Code.WANTED_TOO_LARGE: Phrase(
        translatable(
            "The memory plan that is set, {plan}, needs {peak_bytes}, and {free_bytes} are free; "
            "{instead} would fit."
        ),
        translatable('Set memory = "auto" under [engine], or name a plan that fits.'),
    ),
    Code.NOTHING_FITS: Phrase(
        translatable(
            "The memory plan that is set, {plan}, needs {peak_bytes}, and {free_bytes} are free; "
            "no other allowed one fits."
        ),
        translatable("Close other programs, or set allow_quantized = true under [engine]."),
    ),
    Code.EIGHT_BIT_TOO_LARGE: Phrase(
        translatable(
            "No memory plan fits, even with 8-bit weights: the smallest, {plan}, needs "
            "{peak_bytes}, and {free_bytes} are free."
        ),
        translatable(
            "Close other programs, or choose smaller weights: docs/gpu.md, “What fits which "
            "machine”."
        ),
    ),
    Code.MODEL_TOO_LARGE: Phrase(
        translatable(
            "The model cannot be loaded: it needs {needed_bytes} of main memory in {dtype}, and "
            "{free_bytes} are free."
        ),
        translatable("Close other programs, add swap (on a machine with a GPU) or memory."),
    ),
    Code.BOT_HOLDS: Phrase(
        translatable(
            "Beside the bot that is running there is no memory for a second one; it holds what it "
            "needs."
        )
    ),
}

FITS: Final[Mapping[Code, Phrase]] = {
    Code.FITS_EXACT: Phrase(
        translatable(
            "Z-Image-Turbo in bfloat16: {memory_bytes} of the GPU with the plan {plan}. Main "
            "memory: {host_bytes}, and {loading_bytes} while it is loaded. {stored_bytes} of "
            "weights; {download_gb} GB to download, by their publisher. Time for a picture: not "
            "measured."
        ),
    ),
    Code.FITS_EIGHT_BIT: Phrase(
        translatable(
            "Z-Image-Turbo with 8-bit weights: {memory_bytes} of the GPU with the plan {plan}. "
            "Main memory: {host_bytes}, and {loading_bytes} while it is loaded. {stored_bytes} of "
            "weights; {download_gb} GB to download, by their publisher. Time for a picture: not "
            "measured."
        ),
    ),
    Code.FITS_FLOAT16: Phrase(
        translatable(
            "Z-Image-Turbo with weights in float16: {memory_bytes} of the GPU with the plan "
            "{plan}. Main memory: {host_bytes}, and {loading_bytes} while it is loaded. "
            "{stored_bytes} of weights; {download_gb} GB to download, by their publisher. Time for "
            "a picture: not measured."
        ),
    ),
    Code.FITS_STREAMED: Phrase(
        translatable(
            "Z-Image-Turbo in bfloat16, layer by layer from main memory ({host_bytes}) through "
            "{memory_bytes} of the GPU: the plan {plan}. {stored_bytes} of weights; {download_gb} "
            "GB to download, by their publisher. Slower than on a larger GPU; time for a picture: "
            "not measured."
        ),
    ),
    Code.FITS_STREAMED_FLOAT16: Phrase(
        translatable(
            "Z-Image-Turbo with weights in float16, layer by layer from main memory ({host_bytes}, "
            "and {loading_bytes} while it is loaded) through {memory_bytes} of the GPU: the plan "
            "{plan}. {stored_bytes} of weights; {download_gb} GB to download, by their publisher. "
            "Slower than on a larger GPU; time for a picture: not measured."
        ),
    ),
    Code.FITS_STREAMED_EIGHT_BIT: Phrase(
        translatable(
            "Z-Image-Turbo with 8-bit weights, layer by layer from main memory ({host_bytes}, and "
            "{loading_bytes} while it is loaded) through {memory_bytes} of the GPU: the plan "
            "{plan}. {stored_bytes} of weights; {download_gb} GB to download, by their publisher. "
            "Slower than on a larger GPU; time for a picture: not measured."
        ),
    ),
    Code.FITS_UNIFIED: Phrase(
        translatable(
            "Z-Image-Turbo in float32: {memory_bytes} of the memory that processor and GPU share. "
            "{stored_bytes} of weights; {download_gb} GB to download, by their publisher. Time for "
            "a picture: not measured."
        ),
    ),
    Code.FITS_HOST: Phrase(
        translatable(
            "Z-Image-Turbo on the processor: {memory_bytes} of memory. {stored_bytes} of weights; "
            "{download_gb} GB to download, by their publisher. On two cores with units for "
            "bfloat16, 512 × 512 pixels took 7 minutes (docs/BENCHMARKS.md); time for a picture "
            "here: not measured."
        ),
    ),
    Code.FITS_PACKED: Phrase(
        translatable(
            "A 4-bit GGUF file of the transformer (about {packed_bytes}) is a smaller download "
            "for this GPU. It takes no less memory, because zimagine unpacks it."
        )
    ),
    Code.FETCH: Phrase(
        translatable("To take it, fetch it ({disk_bytes} of disk) and name it in the settings:"),
        translatable('{command}, then model = "Tongyi-MAI/Z-Image-Turbo" under [engine]'),
    ),
    Code.FETCH_EIGHT_BIT: Phrase(
        translatable(
            "To take it, fetch it ({disk_bytes} of disk), name it in the settings and allow 8 "
            "bits, which zimagine makes of the original files:"
        ),
        translatable(
            '{command}, then model = "Tongyi-MAI/Z-Image-Turbo" and allow_quantized = true under '
            "[engine]"
        ),
    ),
    Code.NO_ROOM_TO_LOAD: Phrase(
        translatable(
            "Z-Image-Turbo does not fit: its weights pass through main memory once, which takes "
            "{needed_bytes}; there are {available_bytes} with swap, beside the system."
        ),
        translatable("Add swap or memory. The demo model “sketch” runs anywhere."),
    ),
    Code.NO_ROOM_ON_CARD: Phrase(
        translatable(
            "Z-Image-Turbo does not fit: even layer by layer it takes {needed_bytes} of the GPU, "
            "and {available_bytes} are left beside the desktop."
        ),
        translatable("The demo model “sketch” runs anywhere."),
    ),
    Code.NO_ROOM_IN_MEMORY: Phrase(
        translatable(
            "Z-Image-Turbo does not fit: it takes {needed_bytes} of main memory, and "
            "{available_bytes} are left beside the system."
        ),
        translatable("The demo model “sketch” runs anywhere."),
    ),
    Code.NO_ROOM_ON_DISK: Phrase(
        translatable(
            "Fetching that takes {needed_bytes} on the disk of the model cache, and "
            "{available_bytes} are free."
        ),
        translatable("Make room, or move the cache: set HF_HOME to a folder on a larger disk."),
    ),
}
