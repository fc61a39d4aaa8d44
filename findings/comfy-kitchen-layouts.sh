#!/usr/bin/env bash
# How comfy-kitchen, ComfyUI's package for quantized weights, packs and unpacks what it writes.
#
# Package: comfy-kitchen 0.2.40 with torch 2.13.0, on the CPU.
# The guess: all its four-bit formats put the first number of a pair into the same half of a byte;
# the scales of blocks lie in their order; a scale of MXFP8 with the exponent 0 is 2^-127, as torch has
# it; and what it dequantizes to bfloat16 is what it dequantizes to float32, rounded once.
# What is there (seen on 2026-11-29):
# - NVFP4 has the first number in the upper half, int4 with ConvRot in the lower half.
# - The scales of NVFP4 and MXFP8 lie in tiles of 128 rows and 4 columns, filled up to whole tiles: as
#   32 rows of 16, with rows 0, 32, 64 and 96 side by side. A matrix whose scales fill whole tiles has
#   the same shape either way, so nothing but knowing it tells them apart.
# - An exponent of 0 is the scale 0, not torch's 2^-127.
# - NVFP4 in bfloat16 rounds the matrix's scale first: 14 % of the numbers of this matrix differ from
#   those in float32, rounded. MXFP8 and int8 with ConvRot are computed in float32.
# So a reader has to know each layout by its name, and to say in which format it computes.
# With PYTHON set to a Python that has torch 2.13.0, that is used instead of installing it.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python="${PYTHON:-}"
if [ -z "$python" ]; then
    python3 -m venv "$folder/venv"
    python="$folder/venv/bin/python"
    "$python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy packaging 2>/dev/null
fi
"$python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --target "$folder/packages" comfy-kitchen==0.2.40 2>/dev/null

PYTHONPATH="$folder/packages" "$python" - <<'PYTHON'
import torch
from comfy_kitchen.tensor import QuantizedTensor


def stored(matrix, layout, **options):
    """Return what the package writes for a matrix, by the ends of names, and its object."""
    made = QuantizedTensor.from_float(matrix, layout, **options)
    return made.state_dict("weight"), made


def half_of_the_first(layout, **options):
    """Which half of the first byte changes with the first number alone."""
    matrix = torch.ones(16, 64)
    matrix[0, 0] = -1
    if options:  # a rotated matrix is compared after rotating it, which undoes itself
        from comfy_kitchen.tensor.int8_utils import _build_hadamard, _rotate_weight

        matrix = _rotate_weight(matrix, _build_hadamard(64), 64)
    first = int(stored(matrix, layout, **options)[0]["weight"].view(torch.uint8)[0, 0])
    return "upper" if first >> 4 > first & 15 else "lower"  # the sign is the highest bit


torch.manual_seed(0)
random = torch.randn(128, 128)
marked = torch.full((128, 64), 16.0)
marked[[0, 32, 64, 96]] = torch.tensor([1.0, 2.0, 4.0, 8.0]).unsqueeze(1)
parts, _ = stored(marked, "TensorCoreNVFP4Layout")
first = parts["weight_scale"].float().reshape(-1)[:16:4]
zero, made = stored(torch.zeros(32, 32), "TensorCoreMXFP8Layout")
zero["weight"].view(torch.uint8).fill_(0x38)  # the number 1 in e4m3

seen = {
    "half of a byte that NVFP4 puts the first number into": half_of_the_first(
        "TensorCoreNVFP4Layout"
    ),
    "half that int4 with ConvRot does": half_of_the_first(
        "TensorCoreConvRotW4A4Layout", convrot_groupsize=64
    ),
    "scales that lie first, where rows 0, 32, 64, 96 are marked": (first / first[0]).tolist(),
    "MXFP8's number 1 with the exponent 0": float(made.dequantize()[0, 0]),
    "torch's float8_e8m0fnu of 0": float(
        torch.zeros(1, dtype=torch.uint8).view(torch.float8_e8m0fnu)
    ),
}
for name, layout, options in (
    ("NVFP4", "TensorCoreNVFP4Layout", {}),
    ("MXFP8", "TensorCoreMXFP8Layout", {}),
    (
        "int8 with ConvRot",
        "TensorWiseINT8Layout",
        {"per_channel": True, "convrot": True, "convrot_groupsize": 64},
    ),
):
    half, exact = (
        QuantizedTensor.from_float(random.bfloat16().to(kind), layout, **options)
        for kind in (torch.bfloat16, torch.float32)
    )
    # The same stored numbers, dequantized to both formats.
    params = type(half._params)(**{**half._params.__dict__, "orig_dtype": torch.float32})
    in_float32 = QuantizedTensor(half._qdata, half._layout_cls, params).dequantize()
    share = (half.dequantize() != in_float32.bfloat16()).float().mean()
    seen[f"share of {name} in bfloat16 that is not float32 rounded once"] = round(float(share), 2)

for what, value in seen.items():
    print(f"{what}: {value}")
expected = {
    "half of a byte that NVFP4 puts the first number into": "upper",
    "half that int4 with ConvRot does": "lower",
    "scales that lie first, where rows 0, 32, 64, 96 are marked": [1.0, 2.0, 4.0, 8.0],
    "MXFP8's number 1 with the exponent 0": 0.0,
    "torch's float8_e8m0fnu of 0": 2.0**-127,
    "share of NVFP4 in bfloat16 that is not float32 rounded once": 0.14,
    "share of MXFP8 in bfloat16 that is not float32 rounded once": 0.0,
    "share of int8 with ConvRot in bfloat16 that is not float32 rounded once": 0.0,
}
if seen != expected:
    raise SystemExit(f"this has changed: expected {expected}")
PYTHON
