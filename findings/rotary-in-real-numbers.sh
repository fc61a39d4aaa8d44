#!/usr/bin/env bash
# Rotary position embedding on a processor: complex numbers, or pairs of real ones.
#
# Packages: torch 2.13.0 (CPU), one thread.
# The guess: diffusers rotates Z-Image's queries and keys as complex numbers, for which bfloat16 is
# converted to float32 and back; the usual advice is to write the rotation in real numbers, which
# compilers can fuse, so it should not be slower without one either.
# What is there (Intel Xeon with AMX, busy with other work, 2026-11-30; 288 tokens × 6 heads × 32 in
# float32, and 320 × 30 × 128 in bfloat16, as Z-Image at 256 × 256 px): in eager mode, real pairs that
# are stacked take 5 to 8 times the processor time of the complex product, and real numbers with
# swapped neighbours 4 to 6 times. The bits of the first two are equal. Complex numbers are one kernel,
# while every slice, sum and stack of the others walks over strided memory.
# So the rotation of a loaded diffusers model is better left alone, unless all of it is compiled.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    torch==2.13.0 numpy 2>/dev/null

OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import time

import torch

torch.set_num_threads(1)


def took(rotate):
    """Return the least processor time of thirty rotations, ms."""
    times = []
    for _ in range(30):
        start = time.process_time()
        rotate()
        times.append(time.process_time() - start)
    return min(times[5:]) * 1000


for tokens, heads, width, dtype in ((288, 6, 32, torch.float32), (320, 30, 128, torch.bfloat16)):
    states = torch.randn(1, tokens, heads, width, dtype=dtype)
    angles = torch.randn(1, tokens, 1, width // 2)
    turns = torch.polar(torch.ones_like(angles), angles)
    cosine, sine = turns.real.contiguous(), turns.imag.contiguous()
    whole = cosine.repeat_interleave(2, -1)
    signed = torch.stack((-sine, sine), -1).flatten(-2)

    def as_complex():
        pairs = torch.view_as_complex(states.float().unflatten(-1, (-1, 2)).contiguous())
        return torch.view_as_real(pairs * turns).flatten(-2).to(dtype)

    def stacked():
        even, odd = states.float().unflatten(-1, (-1, 2)).unbind(-1)
        turned = torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1)
        return turned.flatten(-2).to(dtype)

    def swapped():
        plain = states.float()
        neighbours = plain.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)
        return torch.addcmul(plain * whole, neighbours, signed).to(dtype)

    assert torch.equal(as_complex(), stacked())
    assert torch.allclose(as_complex().float(), swapped().float(), atol=0.02)
    times = [took(each) for each in (as_complex, stacked, swapped)]
    print(f"{dtype}: complex {times[0]:.2f} ms, stacked {times[1]:.2f}, swapped {times[2]:.2f}")
    assert times[1] > 1.5 * times[0] and times[2] > 1.5 * times[0], times
print("as stated")
PYTHON
